// SPDX-License-Identifier: GPL-2.0-only
/*
 * Early set-up.
 */
#include <linux/cpu.h>
#include <linux/init.h>
#include <linux/initrd.h>
#include <linux/memblock.h>
#include <linux/random.h>
#include <linux/screen_info.h>
#include <linux/start_kernel.h>
#include <asm/host.h>
#include <asm/host_events.h>
#include <asm/sections.h>
#include <asm/setup.h>
#include <asm/xstate.h>

DEFINE_PER_CPU_ALIGNED(struct pcpu_hot, pcpu_hot) = {
	.current_task = &init_task,
	.preempt_count = INIT_PREEMPT_COUNT,
	.top_of_stack = (unsigned long)&init_stack + THREAD_SIZE,
};
EXPORT_PER_CPU_SYMBOL(pcpu_hot);

DEFINE_PER_CPU_READ_MOSTLY(unsigned long, this_cpu_off);
EXPORT_PER_CPU_SYMBOL(this_cpu_off);

static void __init reserve(phys_addr_t base, phys_addr_t size)
{
	memblock_reserve(base, size);
}

static void __init setup_memory(const struct boot_info *boot)
{
	unsigned long end = __pa_symbol(_end);

	memblock_add(0, boot->ram_size);
	reserve(0, PAGE_SIZE);
	reserve(KERNEL_PHYS_ADDR, end - KERNEL_PHYS_ADDR);
	if (!boot->initrd_size)
		return;
	reserve(boot->initrd_phys, PAGE_ALIGN(boot->initrd_size));
	initrd_start = (unsigned long)__va(boot->initrd_phys);
	initrd_end = initrd_start + boot->initrd_size;
}

/* The first C of the kernel proper; see head.S. */
asmlinkage __visible void __init __noreturn kernel_early_start(void)
{
	start_kernel();
	unreachable();
}

void __init setup_arch(char **cmdline_p)
{
	struct boot_info *boot = host_boot_info();

	setup_initial_init_mm(_stext, _etext, _edata, _end);
	strscpy(boot_command_line, boot->cmdline, COMMAND_LINE_SIZE);
	*cmdline_p = boot_command_line;
	add_bootloader_randomness(boot->seed, sizeof(boot->seed));
	memzero_explicit(boot->seed, sizeof(boot->seed));
	jump_label_setup();
	parse_early_param();
	user_early_console();
	setup_memory(boot);
	smp_init_cpus();
	paging_init();
}
