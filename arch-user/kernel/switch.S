/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Switching kernel stacks, and a new task's first steps.
 */
#include <linux/linkage.h>
#include <linux/export.h>
#include <asm/asm-offsets.h>
#include <asm/percpu.h>

	.text

/*
 * struct task_struct *__switch_to(prev, next)
 *
 * Returns, on next's stack, the task that ran before it.
 */
SYM_FUNC_START(__switch_to)
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, TASK_THREAD_SP(%rdi)
	movq	TASK_THREAD_SP(%rsi), %rsp
	movq	%rsi, %gs:(pcpu_hot + PCPU_CURRENT)(%rip)
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	movq	%rdi, %rax
	ret
SYM_FUNC_END(__switch_to)

/* %rbx function of a kernel thread or 0, %r12 its argument */
SYM_CODE_START(ret_from_fork)
	movq	%rax, %rdi
	movq	%rsp, %rsi
	movq	%rbx, %rdx
	movq	%r12, %rcx
	xorl	%ebp, %ebp
	call	task_first_steps
	ud2
SYM_CODE_END(ret_from_fork)

/*
 * What preempt_enable() calls: saves what a C function may clobber, because
 * the call is in the middle of inline assembly's view of the world.
 */
.macro PREEMPT_THUNK name, func
SYM_FUNC_START(\name)
	pushq	%rbp
	movq	%rsp, %rbp
	pushq	%rdi
	pushq	%rsi
	pushq	%rdx
	pushq	%rcx
	pushq	%rax
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	andq	$-16, %rsp
	call	\func
	leaq	-72(%rbp), %rsp
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rax
	popq	%rcx
	popq	%rdx
	popq	%rsi
	popq	%rdi
	popq	%rbp
	ret
SYM_FUNC_END(\name)
EXPORT_SYMBOL(\name)
.endm

#ifdef CONFIG_PREEMPTION
PREEMPT_THUNK preempt_schedule_thunk, preempt_schedule
PREEMPT_THUNK preempt_schedule_notrace_thunk, preempt_schedule_notrace
#endif

/* Signal entries: C does the work, then the host restores the frame. */
.macro SIGNAL_ENTRY name, func
SYM_CODE_START(\name)
	xorl	%ebp, %ebp
	call	\func
	addq	$8, %rsp		/* as a return to the restorer would */
	movl	$15, %eax		/* rt_sigreturn */
	syscall
	ud2
SYM_CODE_END(\name)
.endm

	.section .noinstr.text, "ax"
SIGNAL_ENTRY irq_entry, irq_signal
SIGNAL_ENTRY fault_entry, fault_signal
