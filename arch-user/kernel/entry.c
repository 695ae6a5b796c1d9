// SPDX-License-Identifier: GPL-2.0-only
/*
 * The run loop: a guest task's life as its kernel sees it.
 *
 * Every user task sits in user_mode_loop() at the bottom of its kernel stack.
 * The loop has guest code run, gets back what happened, and treats that as the
 * entry from user mode that it stands for, through generic entry.
 *
 * An interrupt for the vCPU does not by itself stop the guest: it is handled
 * while guest code runs on.  Only when there is work that needs the task's
 * registers or its CPU does the exit path stop it (asm/entry-common.h).
 */
#include <linux/entry-common.h>
#include <linux/nospec.h>
#include <linux/sched/signal.h>
#include <linux/syscalls.h>
#include <asm/intercept.h>
#include <asm/irq.h>
#include <asm/rewrite.h>
#include <asm/syscall.h>
#include "traps.h"

static void user_syscall(struct pt_regs *regs, const struct guest_event *ev)
{
	long nr = ev->nr;
	unsigned long n;

	/* All of the register, as it was; int 0x80 is no call, whatever was in it. */
	regs->orig_ax = nr == (int)regs->ax ? regs->ax : nr;
	regs->ax = -ENOSYS;
	enter_from_user_mode(regs);
	instrumentation_begin();
	guest_watch(current->thread.guest);
	irq_at_event(regs);
	local_irq_enable();
	if (!current->thread.guest->fast)
		rewrite_seen(ev->address, nr);
	n = syscall_enter_from_user_mode_work(regs, nr);
	if (likely(n < NR_syscalls)) {
		n = array_index_nospec(n, NR_syscalls);
		regs->ax = sys_call_table[n](regs->di, regs->si, regs->dx,
					     regs->r10, regs->r8, regs->r9);
	} else if ((int)n != -1) {
		/* whatever a tracer left there; -1 is how it says "skip this one" */
		regs->ax = -ENOSYS;
	}
	if (unlikely(ev->address >= TASK_SIZE))
		user_vsyscall_result(regs);
	instrumentation_end();
	syscall_exit_to_user_mode(regs);
}

/*
 * int 0x80 where the host has no 32-bit calls: a protection fault for a gate
 * of the interrupt table.  Where it has them, the filter traps it as a call.
 */
#define INT80_SIZE	2
#define INT80_ERROR	(0x80 << 3 | 2)

static bool is_int80(const struct guest_event *ev)
{
	return ev->vector == VECTOR_GP && ev->error_code == INT80_ERROR;
}

static void user_int80(struct pt_regs *regs)
{
	const struct guest_event call = { .type = GUEST_EVENT_SYSCALL, .nr = -1 };

	regs->ip += INT80_SIZE;
	user_syscall(regs, &call);
}

static void user_exception(struct pt_regs *regs, const struct guest_event *ev)
{
	irqentry_state_t state = irqentry_enter(regs);

	instrumentation_begin();
	guest_watch(current->thread.guest);
	irq_at_event(regs);
	local_irq_enable();
	if (ev->vector == VECTOR_PF)
		user_page_fault(regs, ev->address, ev->error_code);
	else if (ev->vector == VECTOR_REWRITE)
		rewrite_off(current->mm);
	else
		user_trap(regs, ev);
	local_irq_disable();
	instrumentation_end();
	irqentry_exit(regs, state);
}

static void user_dead(struct pt_regs *regs)
{
	irqentry_state_t state = irqentry_enter(regs);

	instrumentation_begin();
	force_fatal_sig(SIGKILL);
	instrumentation_end();
	irqentry_exit(regs, state);
}

/*
 * Before guest code runs for the first time after fork and exec, bind to a host
 * thread.  After a fork of its own a task's stack is not writable any more, and
 * about to be written to.  The guest is not running.
 */
static void user_prepare(struct pt_regs *regs)
{
	irqentry_state_t state = irqentry_enter(regs);

	instrumentation_begin();
	local_irq_enable();
	current->thread.forked = false;
	if (current->thread.guest)
		user_prefault_stack(regs);
	else if (guest_bind())
		force_fatal_sig(SIGKILL);
	else
		user_prefault(regs);
	local_irq_disable();
	instrumentation_end();
	irqentry_exit(regs, state);
}

void __noreturn user_mode_loop(struct pt_regs *regs)
{
	struct guest_event ev;

	for (;;) {
		if (unlikely(!current->thread.guest || current->thread.forked)) {
			user_prepare(regs);
			continue;
		}
		guest_run(regs, &ev);
		if (ev.type == GUEST_EVENT_EXCEPTION)
			rewrite_entered(regs, &ev);
		switch (ev.type) {
		case GUEST_EVENT_SYSCALL:
			user_syscall(regs, &ev);
			break;
		case GUEST_EVENT_INTERRUPT:
			irq_from_user(regs);
			break;
		case GUEST_EVENT_EXCEPTION:
			if (unlikely(is_int80(&ev)))
				user_int80(regs);
			else
				user_exception(regs, &ev);
			break;
		case GUEST_EVENT_DEAD:
			user_dead(regs);
			break;
		}
	}
}
