// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tasks: made, started, dropped.
 */
#include <linux/acpi.h>
#include <linux/elf.h>
#include <linux/elf-randomize.h>
#include <linux/entry-common.h>
#include <linux/mm.h>
#include <linux/personality.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/sched/debug.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/sysctl.h>
#include <linux/uaccess.h>
#include <asm/exec.h>
#include <asm/host.h>
#include <asm/intercept.h>
#include <asm/rewrite.h>
#include <asm/switch_to.h>
#include <asm/xstate.h>

void ret_from_fork(void);

int arch_dup_task_struct(struct task_struct *dst, struct task_struct *src)
{
	*dst = *src;
	dst->thread.guest = NULL;
	dst->thread.xstate = NULL;
	return 0;
}

void arch_release_task_struct(struct task_struct *task)
{
	kfree(task->thread.xstate);
}

static int copy_user_thread(struct task_struct *p, const struct kernel_clone_args *args)
{
	struct pt_regs *regs = task_pt_regs(p);

	*regs = *current_pt_regs();
	regs->ax = 0;
	if (args->stack)
		regs->sp = args->stack;
	if (args->flags & CLONE_SETTLS) {
		if (args->tls >= TASK_SIZE_MAX)
			return -EPERM;
		p->thread.fsbase = args->tls;
	}
	user_disable_single_step(p);
	if (p->thread.gsbase)
		rewrite_off(p->mm);
	if (!current->thread.guest && !current->thread.xstate)
		return 0;
	p->thread.xstate = kmemdup(guest_xstate(current), host_boot_info()->xstate_size,
				   GFP_KERNEL);
	return p->thread.xstate ? 0 : -ENOMEM;
}

int copy_thread(struct task_struct *p, const struct kernel_clone_args *args)
{
	struct pt_regs *regs = task_pt_regs(p);
	struct inactive_task_frame *frame = (struct inactive_task_frame *)regs - 1;

	*frame = (struct inactive_task_frame) {
		.bx = (unsigned long)args->fn,
		.r12 = (unsigned long)args->fn_arg,
		.ret_addr = (unsigned long)ret_from_fork,
	};
	p->thread.sp = (unsigned long)frame;
	p->thread.forked = false;
	if (!args->fn) {
		current->thread.forked = !(args->flags & CLONE_VM);
		return copy_user_thread(p, args);
	}
	memset(regs, 0, sizeof(*regs));
	regs->orig_ax = -1;
	return 0;
}

/* They count, too, but cost the host nothing: about as many as there are. */
#define KERNEL_THREADS(cpus)	(48 + 12 * (cpus))

/*
 * Tasks cost the host threads: see host/limits.c.  This is the last hook before
 * the first fork, which hands init's limits on; kernel.threads-max is writable.
 */
void __init arch_post_acpi_subsys_init(void)
{
	struct rlimit *nproc = &init_task.signal->rlim[RLIMIT_NPROC];
	struct ctl_table table = { .maxlen = sizeof(int) };
	unsigned long max = host_boot_info()->max_tasks;
	unsigned long all = max + KERNEL_THREADS(host_boot_info()->ncpus);
	char text[24];
	size_t len;
	loff_t pos = 0;

	/* memory set a limit before, twice what a user gets */
	if (all >= nproc->rlim_cur * 2)
		return;
	len = scnprintf(text, sizeof(text), "%lu\n", all);
	sysctl_max_threads(&table, 1, text, &len, &pos);
	nproc->rlim_cur = max / 2;
	nproc->rlim_max = max / 2;
}

/* Called by ret_from_fork on the new task's stack. */
void __noreturn task_first_steps(struct task_struct *prev, struct pt_regs *regs,
				 int (*fn)(void *), void *arg)
{
	schedule_tail(prev);
	if (fn)
		fn(arg);
	syscall_exit_to_user_mode(regs);
	user_mode_loop(regs);
}

void start_thread(struct pt_regs *regs, unsigned long ip, unsigned long sp)
{
	memset(regs, 0, sizeof(*regs));
	regs->ip = ip;
	regs->sp = sp;
	regs->cs = USER_CS;
	regs->ss = USER_SS;
	regs->flags = X86_EFLAGS_IF | X86_EFLAGS_FIXED;
	regs->orig_ax = -1;
}

static void drop_guest(struct task_struct *task)
{
	guest_release(task);
	kfree(task->thread.xstate);
	task->thread.xstate = NULL;
}

void flush_thread(void)
{
	drop_guest(current);
	current->thread.fsbase = 0;
	current->thread.gsbase = 0;
}

void exit_thread(struct task_struct *task)
{
	drop_guest(task);
}

unsigned long arch_align_stack(unsigned long sp)
{
	if (!(current->personality & ADDR_NO_RANDOMIZE) && randomize_va_space)
		sp -= get_random_u32_below(8192);
	return sp & ~0xfUL;
}

unsigned long arch_randomize_brk(struct mm_struct *mm)
{
	return randomize_page(mm->brk, SZ_32M);
}

/*
 * The bytes around the instruction, in the form that scripts/decodecode reads;
 * or from it on, where nothing is mapped before it.
 */
static void show_code(const struct pt_regs *regs)
{
	u8 code[64];
	int before = 42, size = sizeof(code);

	if (copy_from_kernel_nofault(code, (void *)regs->ip - before, size)) {
		size -= before;
		before = 0;
		if (copy_from_kernel_nofault(code, (void *)regs->ip, size)) {
			printk("Code: not readable\n");
			return;
		}
	}
	printk("Code: %*ph <%02x> %*ph\n", before, code, code[before],
	       size - before - 1, code + before + 1);
}

void show_regs(struct pt_regs *regs)
{
	show_regs_print_info(KERN_DEFAULT);
	printk("%s: %pS\n", user_mode(regs) ? "user ip" : "RIP", (void *)regs->ip);
	printk("rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", regs->ax, regs->bx, regs->cx,
	       regs->dx);
	printk("rsi %016lx rdi %016lx rbp %016lx rsp %016lx\n", regs->si, regs->di, regs->bp,
	       regs->sp);
	printk("r8  %016lx r9  %016lx r10 %016lx r11 %016lx\n", regs->r8, regs->r9, regs->r10,
	       regs->r11);
	printk("r12 %016lx r13 %016lx r14 %016lx r15 %016lx\n", regs->r12, regs->r13, regs->r14,
	       regs->r15);
	printk("rip %016lx flags %08lx\n", regs->ip, regs->flags);
	if (!user_mode(regs)) {
		show_code(regs);
		show_stack(current, (unsigned long *)regs->bp, KERN_DEFAULT);
	}
}
