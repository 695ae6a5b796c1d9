// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stack traces, by frame pointers.
 *
 * A signal frame between two functions does not break the chain: the signal
 * entry starts a new one, and the walk goes on from the registers in the frame
 * only where the caller has them.
 */
#include <linux/kallsyms.h>
#include <linux/sched/debug.h>
#include <linux/sched/task_stack.h>
#include <linux/stacktrace.h>
#include <asm/switch_to.h>

struct stack_frame {
	struct stack_frame *next;
	unsigned long ret;
};

static bool on_stack(struct task_struct *task, unsigned long addr)
{
	unsigned long base = (unsigned long)task_stack_page(task);

	return addr >= base && addr + sizeof(struct stack_frame) <= base + THREAD_SIZE &&
	       !(addr & 7);
}

static void walk(struct task_struct *task, unsigned long bp, stack_trace_consume_fn fn,
		 void *cookie)
{
	while (on_stack(task, bp)) {
		struct stack_frame *frame = (void *)bp;
		unsigned long ret = READ_ONCE_NOCHECK(frame->ret);
		unsigned long next = (unsigned long)READ_ONCE_NOCHECK(frame->next);

		if (!ret || !fn(cookie, ret))
			break;
		if (next <= bp)
			break;
		bp = next;
	}
}

noinline noinstr void arch_stack_walk(stack_trace_consume_fn fn, void *cookie,
				      struct task_struct *task, struct pt_regs *regs)
{
	if (regs) {
		if (fn(cookie, regs->ip))
			walk(task, regs->bp, fn, cookie);
		return;
	}
	if (task == current) {
		walk(task, (unsigned long)__builtin_frame_address(0), fn, cookie);
	} else {
		struct inactive_task_frame *frame = (void *)task->thread.sp;

		if (fn(cookie, READ_ONCE_NOCHECK(frame->ret_addr)))
			walk(task, READ_ONCE_NOCHECK(frame->bp), fn, cookie);
	}
}

static bool first_outside_scheduler(void *cookie, unsigned long pc)
{
	unsigned long *result = cookie;

	if (in_sched_functions(pc))
		return true;
	*result = pc;
	return false;
}

unsigned long __get_wchan(struct task_struct *task)
{
	unsigned long pc = 0;

	if (!try_get_task_stack(task))
		return 0;
	arch_stack_walk(first_outside_scheduler, &pc, task, NULL);
	put_task_stack(task);
	return pc;
}

static bool print_entry(void *cookie, unsigned long pc)
{
	printk("%s %pS\n", (const char *)cookie, (void *)pc);
	return true;
}

void show_stack(struct task_struct *task, unsigned long *sp, const char *loglvl)
{
	task = task ?: current;
	if (!try_get_task_stack(task))
		return;
	printk("%sCall Trace:\n", loglvl);
	if (sp && task == current)
		walk(task, (unsigned long)sp, print_entry, (void *)loglvl);
	else
		arch_stack_walk(print_entry, (void *)loglvl, task, NULL);
	put_task_stack(task);
}
