// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changing static branches while the kernel runs.
 *
 * An instruction may be changed under a CPU that executes it only with care, and
 * static branches change seldom: so all other vCPUs stand still meanwhile
 * (stop_machine()), many branches are changed in one go, and every vCPU
 * serializes before it goes on.  With one vCPU, a store is all: a task that is
 * preempted has executed the old instruction, or will execute the new one.
 *
 * The image's text is the host file's, mapped privately, and made writable for
 * the store.  Modules are guest RAM, which the direct map has writable.
 */
#include <linux/jump_label.h>
#include <linux/mm.h>
#include <linux/stop_machine.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <asm/host.h>
#include <asm/sections.h>
#include <asm/setup.h>

extern char __init_text_begin[], __init_text_end[];

#define MAX_QUEUED	128

static const u8 nop[JUMP_LABEL_NOP_SIZE] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };

/* Sites to change; under jump_label_mutex. */
static struct {
	unsigned long site;
	u8 insn[JUMP_LABEL_NOP_SIZE];
} queue[MAX_QUEUED];

static int nr_queued;

static void write_image(unsigned long site, const u8 *insn)
{
	unsigned long start = site & PAGE_MASK;
	size_t size = PAGE_ALIGN(site + JUMP_LABEL_NOP_SIZE) - start;
	int ret = host_protect(start, size, HOST_PROT_READ | HOST_PROT_WRITE | HOST_PROT_EXEC);

	if (ret)
		panic("the host does not let kernel text be written (%d)", ret);
	memcpy((void *)site, insn, JUMP_LABEL_NOP_SIZE);
	host_protect(start, size, HOST_PROT_READ | HOST_PROT_EXEC);
}

static void write_module(unsigned long site, const u8 *insn)
{
	int i;

	/* it may cross into a page that lies elsewhere */
	for (i = 0; i < JUMP_LABEL_NOP_SIZE; i++) {
		u8 *page = page_address(vmalloc_to_page((void *)(site + i)));

		WRITE_ONCE(page[offset_in_page(site + i)], insn[i]);
	}
}

static void write_queued(void)
{
	int i;

	for (i = 0; i < nr_queued; i++) {
		if (is_vmalloc_or_module_addr((void *)queue[i].site))
			write_module(queue[i].site, queue[i].insn);
		else
			write_image(queue[i].site, queue[i].insn);
	}
	nr_queued = 0;
}

/* CPUID serializes: what is fetched after it is what was written before. */
static void serialize(void)
{
	unsigned int a = 0, b, c = 0, d;

	asm volatile("cpuid" : "+a" (a), "=b" (b), "+c" (c), "=d" (d) : : "memory");
}

struct rendezvous {
	atomic_t first;
	bool written;
};

/* On all vCPUs at once, interrupts off. */
static int change_together(void *data)
{
	struct rendezvous *r = data;

	if (!atomic_xchg(&r->first, 1)) {
		write_queued();
		smp_store_release(&r->written, true);
	} else {
		smp_cond_load_acquire(&r->written, VAL);
	}
	serialize();
	return 0;
}

bool arch_jump_label_transform_queue(struct jump_entry *entry, enum jump_label_type type)
{
	unsigned long site = jump_entry_code(entry);
	s32 rel = jump_entry_target(entry) - (site + JUMP_LABEL_NOP_SIZE);
	u8 *insn;

	if (nr_queued == MAX_QUEUED)
		return false;
	queue[nr_queued].site = site;
	insn = queue[nr_queued++].insn;
	if (type == JUMP_LABEL_JMP) {
		insn[0] = 0xe9;
		memcpy(insn + 1, &rel, sizeof(rel));
	} else {
		memcpy(insn, nop, sizeof(nop));
	}
	return true;
}

void arch_jump_label_transform_apply(void)
{
	struct rendezvous r = { .first = ATOMIC_INIT(0) };

	if (num_online_cpus() > 1)
		stop_machine_cpuslocked(change_together, &r, cpu_online_mask);
	else
		change_together(&r);
}

/**
 * jump_label_setup() - make static branches known
 *
 * Stock code takes what lies between __init_begin and __init_end for
 * initialization code, which it will not change later.  Its text lies elsewhere
 * here.
 *
 * Context: early boot.
 */
void __init jump_label_setup(void)
{
	struct jump_entry *entry;

	jump_label_init();
	for (entry = __start___jump_table; entry < __stop___jump_table; entry++) {
		unsigned long site = jump_entry_code(entry);

		if (site >= (unsigned long)__init_text_begin &&
		    site < (unsigned long)__init_text_end)
			jump_entry_set_init(entry, true);
	}
}

void arch_jump_label_transform(struct jump_entry *entry, enum jump_label_type type)
{
	arch_jump_label_transform_queue(entry, type);
	arch_jump_label_transform_apply();
}
