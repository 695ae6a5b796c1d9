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
	subq	$INACTIVE_FRAME_RET, %rsp
	movq	%r15, 0(%rsp)
	movq	%r14, 8(%rsp)
	movq	%r13, 16(%rsp)
	movq	%r12, 24(%rsp)
	movq	%rbx, 32(%rsp)
	movq	%rbp, 40(%rsp)
	movq	%rsp, TASK_THREAD_SP(%rdi)
	movq	TASK_THREAD_SP(%rsi), %rsp
	movq	%rsi, %gs:(pcpu_hot + PCPU_CURRENT)(%rip)
	movq	%rdi, %rax
	movq	0(%rsp), %r15
	movq	8(%rsp), %r14
	movq	16(%rsp), %r13
	movq	24(%rsp), %r12
	movq	32(%rsp), %rbx
	movq	40(%rsp), %rbp
	addq	$INACTIVE_FRAME_RET, %rsp
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
.macro PREEMPT_THUNK thunk, target
SYM_FUNC_START(\thunk)
	pushq	%rbp
	movq	%rsp, %rbp
	subq	$80, %rsp
	andq	$-16, %rsp
	movq	%rax, 0(%rsp)
	movq	%rcx, 8(%rsp)
	movq	%rdx, 16(%rsp)
	movq	%rsi, 24(%rsp)
	movq	%rdi, 32(%rsp)
	movq	%r8, 40(%rsp)
	movq	%r9, 48(%rsp)
	movq	%r10, 56(%rsp)
	movq	%r11, 64(%rsp)
	call	\target
	movq	0(%rsp), %rax
	movq	8(%rsp), %rcx
	movq	16(%rsp), %rdx
	movq	24(%rsp), %rsi
	movq	32(%rsp), %rdi
	movq	40(%rsp), %r8
	movq	48(%rsp), %r9
	movq	56(%rsp), %r10
	movq	64(%rsp), %r11
	leave
	ret
SYM_FUNC_END(\thunk)
EXPORT_SYMBOL(\thunk)
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
