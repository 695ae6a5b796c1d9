/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_USER_PROCESSOR_H
#define _ASM_USER_PROCESSOR_H

#include <asm/layout.h>
#include <asm/page.h>
#include <asm/ptrace.h>
#include <asm/vdso/processor.h>

/* Guest programs have all that lies below the stub. */
#define TASK_SIZE		STUB_BASE
#define TASK_SIZE_MAX		TASK_SIZE
#define STACK_TOP		TASK_SIZE
#define STACK_TOP_MAX		TASK_SIZE
#define TASK_UNMAPPED_BASE	PAGE_ALIGN(TASK_SIZE / 3)

#ifndef __ASSEMBLY__

struct task_struct;
struct guest_thread;

/**
 * struct thread_struct - the port's part of a task
 * @sp:		kernel stack while switched out
 * @fsbase:	guest's FS base, while the task is in the kernel
 * @gsbase:	guest's GS base, likewise
 * @forked:	it has a child that shares its memory until one writes to it
 * @guest:	the host thread that runs its guest code, or NULL
 * @xstate:	vector state of a task that has no host thread (yet), or NULL
 *		for the initial one
 * @cr2:	address of the last fault
 * @trap_nr:	its vector
 * @error_code:	its error code
 */
struct thread_struct {
	unsigned long sp;
	unsigned long fsbase;
	unsigned long gsbase;
	struct guest_thread *guest;
	bool forked;
	void *xstate;
	unsigned long cr2;
	unsigned long trap_nr;
	unsigned long error_code;
};

#define INIT_THREAD	{ }

#define task_pt_regs(task) \
	((struct pt_regs *)(task_stack_page(task) + THREAD_SIZE) - 1)

#define KSTK_EIP(task)	(task_pt_regs(task)->ip)
#define KSTK_ESP(task)	(task_pt_regs(task)->sp)

void start_thread(struct pt_regs *regs, unsigned long ip, unsigned long sp);
unsigned long __get_wchan(struct task_struct *p);

/* For loops that must not leave the vCPU; others use cpu_relax(). */
static __always_inline void native_pause(void)
{
	asm volatile("pause" ::: "memory");
}

#endif /* __ASSEMBLY__ */
#endif /* _ASM_USER_PROCESSOR_H */
