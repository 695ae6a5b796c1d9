/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where generic entry (kernel/entry/common.c) asks the port.
 */
#ifndef _ASM_USER_ENTRY_COMMON_H
#define _ASM_USER_ENTRY_COMMON_H

#include <linux/sched/task_stack.h>
#include <asm/host_events.h>
#include <asm/intercept.h>
#include <asm/tlbflush.h>

#define on_thread_stack()						\
	(((unsigned long)current_stack_pointer ^ (unsigned long)current->stack) < THREAD_SIZE)

/*
 * There is work to do before guest code goes on, and it needs the registers,
 * or is to give the CPU to another task.  The guest thread may still be
 * running (an interrupt for this vCPU does not disturb it): stop it first.
 */
static inline void local_irq_enable_exit_to_user(unsigned long ti_work)
{
	guest_stop(current);
	local_irq_enable();
}
#define local_irq_enable_exit_to_user local_irq_enable_exit_to_user

/* Every way back to guest code, the guest thread may be running: see mm/aging.c. */
static inline void arch_exit_to_user_mode_prepare(struct pt_regs *regs, unsigned long ti_work)
{
	if (unlikely(READ_ONCE(current->mm->context.old)))
		tlb_flush_old(current->mm);
	host_watch_arm();
}
#define arch_exit_to_user_mode_prepare arch_exit_to_user_mode_prepare

#endif /* _ASM_USER_ENTRY_COMMON_H */
