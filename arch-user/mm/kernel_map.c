// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmalloc and module space: what init_mm's page tables say, the kernel process
 * maps, at once and in batches.  Nothing is filled in by faults: a fault in
 * these ranges is an error like any other.
 */
#include <linux/execmem.h>
#include <linux/mm.h>
#include <linux/set_memory.h>
#include <linux/vmalloc.h>
#include <asm/host.h>
#include <asm/sections.h>
#include <asm/tlbflush.h>

static int kernel_prot(pte_t pte)
{
	return HOST_PROT_READ | (pte_write(pte) ? HOST_PROT_WRITE : 0) |
	       (pte_exec(pte) ? HOST_PROT_EXEC : 0);
}

struct kernel_run {
	unsigned long start, end;
	unsigned long pfn;
	int prot;
	int error;
};

static void run_out(struct kernel_run *run)
{
	int ret;

	if (run->start == run->end)
		return;
	ret = host_map_ram(run->start, (u64)run->pfn << PAGE_SHIFT, run->end - run->start,
			   run->prot);
	if (ret && !run->error)
		run->error = ret;
	run->start = run->end;
}

/*
 * Calls @fn for every page that is in init_mm's tables between @start and
 * @end.  (Stock apply_to_page_range() tells us of changes, of which we are in
 * the middle.)
 */
static void for_each_kernel_page(unsigned long start, unsigned long end,
				 void (*fn)(pte_t *ptep, unsigned long addr, void *data),
				 void *data)
{
	unsigned long addr = start;

	while (addr < end) {
		p4d_t *p4d = p4d_offset(pgd_offset_k(addr), addr);
		pud_t *pud;
		pmd_t *pmd;

		if (p4d_none(*p4d)) {
			addr = (addr & PGDIR_MASK) + PGDIR_SIZE;
			continue;
		}
		pud = pud_offset(p4d, addr);
		if (pud_none(*pud)) {
			addr = (addr & PUD_MASK) + PUD_SIZE;
			continue;
		}
		pmd = pmd_offset(pud, addr);
		if (pmd_none(*pmd)) {
			addr = (addr & PMD_MASK) + PMD_SIZE;
			continue;
		}
		if (pte_present(*pte_offset_kernel(pmd, addr)))
			fn(pte_offset_kernel(pmd, addr), addr, data);
		addr += PAGE_SIZE;
	}
}

static void collect(pte_t *ptep, unsigned long addr, void *data)
{
	struct kernel_run *run = data;
	pte_t pte = ptep_get(ptep);
	unsigned long n = (run->end - run->start) >> PAGE_SHIFT;

	if (run->end != addr || !n || pte_pfn(pte) != run->pfn + n ||
	    kernel_prot(pte) != run->prot) {
		run_out(run);
		run->start = addr;
		run->pfn = pte_pfn(pte);
		run->prot = kernel_prot(pte);
	}
	run->end = addr + PAGE_SIZE;
}

/* Orders tables being read and the host told, against each other. */
static DEFINE_RAW_SPINLOCK(map_lock);

static int map_range(unsigned long start, unsigned long end)
{
	struct kernel_run run = { .start = start, .end = start };
	unsigned long flags;

	raw_spin_lock_irqsave(&map_lock, flags);
	for_each_kernel_page(start, end, collect, &run);
	run_out(&run);
	raw_spin_unlock_irqrestore(&map_lock, flags);
	return run.error;
}

/**
 * arch_sync_kernel_mappings() - page tables of vmalloc space have changed
 * @start:	first address
 * @end:	first after it
 *
 * What was taken out stays mapped until the flush that precedes its reuse.
 */
void arch_sync_kernel_mappings(unsigned long start, unsigned long end)
{
	int ret = map_range(start & PAGE_MASK, PAGE_ALIGN(end));

	if (ret)
		panic("the host does not map kernel memory (%d): vm.max_map_count?", ret);
}

/* Unmap the holes between present pages: purges pass whole windows. */
static void unmap_hole(pte_t *ptep, unsigned long addr, void *data)
{
	unsigned long *next = data;

	if (*next < addr)
		host_unmap(*next, addr - *next);
	*next = addr + PAGE_SIZE;
}

static void unmap_holes(unsigned long start, unsigned long end, unsigned long low,
			unsigned long high)
{
	unsigned long flags, next;

	start = max(start, low);
	end = min(end, high);
	if (start >= end)
		return;
	next = start;
	raw_spin_lock_irqsave(&map_lock, flags);
	for_each_kernel_page(start, end, unmap_hole, &next);
	if (next < end)
		host_unmap(next, end - next);
	raw_spin_unlock_irqrestore(&map_lock, flags);
}

/**
 * flush_tlb_kernel_range() - make changes of vmalloc space's tables seen
 * @start:	first address
 * @end:	first after it
 */
void flush_tlb_kernel_range(unsigned long start, unsigned long end)
{
	unmap_holes(start & PAGE_MASK, PAGE_ALIGN(end), VMALLOC_START, VMALLOC_END);
	unmap_holes(start & PAGE_MASK, PAGE_ALIGN(end), MODULES_VADDR, MODULES_END);
}

/* --- protection ---------------------------------------------------------------- */

struct prot_change {
	unsigned long set, clear;
};

static void change_prot(pte_t *ptep, unsigned long addr, void *data)
{
	const struct prot_change *c = data;

	set_pte(ptep, __pte((pte_val(ptep_get(ptep)) & ~c->clear) | c->set));
}

/* Only vmalloc and module space: the image is seen to in mm/init.c. */
static int set_memory(unsigned long addr, int numpages, unsigned long set, unsigned long clear)
{
	struct prot_change c = { .set = set, .clear = clear };
	unsigned long size = (unsigned long)numpages << PAGE_SHIFT;

	if (!numpages || !is_vmalloc_or_module_addr((void *)addr))
		return 0;
	for_each_kernel_page(addr, addr + size, change_prot, &c);
	return map_range(addr, addr + size);
}

int set_memory_ro(unsigned long addr, int numpages)
{
	return set_memory(addr, numpages, 0, _PAGE_WRITE);
}

int set_memory_rw(unsigned long addr, int numpages)
{
	return set_memory(addr, numpages, _PAGE_WRITE, 0);
}

int set_memory_x(unsigned long addr, int numpages)
{
	return set_memory(addr, numpages, _PAGE_EXEC, 0);
}

int set_memory_nx(unsigned long addr, int numpages)
{
	return set_memory(addr, numpages, 0, _PAGE_EXEC);
}

int set_memory_rox(unsigned long addr, int numpages)
{
	return set_memory(addr, numpages, _PAGE_EXEC, _PAGE_WRITE);
}

#ifdef CONFIG_EXECMEM
static struct execmem_info execmem_info __ro_after_init = {
	.ranges = {
		[EXECMEM_DEFAULT] = {
			.start = MODULES_ADDR,
			.end = MODULES_ADDR_END,
			.alignment = 1,
		},
	},
};

struct execmem_info __init *execmem_arch_setup(void)
{
	execmem_info.ranges[EXECMEM_DEFAULT].pgprot = PAGE_KERNEL;
	return &execmem_info;
}
#endif
