/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Switching kernel stacks, and a new task's first steps.
 */
#include <linux/linkage.h>
#include <linux/export.h>
#include <asm/asm-offsets.h>
#include <asm/cfi.h>
#include <asm/percpu.h>

	.text

/*
 * struct task_struct *__switch_to(prev, next)
 *
 * Returns, on next's stack, the task that ran before it.
 */
SYM_FUNC_START(__switch_to)
	.cfi_startproc
	subq	$INACTIVE_FRAME_RET, %rsp
	.cfi_adjust_cfa_offset INACTIVE_FRAME_RET
	movq	%r15, 0(%rsp)
	movq	%r14, 8(%rsp)
	movq	%r13, 16(%rsp)
	movq	%r12, 24(%rsp)
	movq	%rbx, 32(%rsp)
	movq	%rbp, 40(%rsp)
	.cfi_rel_offset %r15, 0
	.cfi_rel_offset %r14, 8
	.cfi_rel_offset %r13, 16
	.cfi_rel_offset %r12, 24
	.cfi_rel_offset %rbx, 32
	.cfi_rel_offset %rbp, 40
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
	.cfi_restore %r15
	.cfi_restore %r14
	.cfi_restore %r13
	.cfi_restore %r12
	.cfi_restore %rbx
	.cfi_restore %rbp
	addq	$INACTIVE_FRAME_RET, %rsp
	.cfi_adjust_cfa_offset -INACTIVE_FRAME_RET
	ret
	.cfi_endproc
SYM_FUNC_END(__switch_to)

/* %rbx function of a kernel thread or 0, %r12 its argument */
SYM_CODE_START(ret_from_fork)
	CFI_START_OUTERMOST
	movq	%rax, %rdi
	movq	%rsp, %rsi
	movq	%rbx, %rdx
	movq	%r12, %rcx
	xorl	%ebp, %ebp
	call	task_first_steps
	ud2
	.cfi_endproc
SYM_CODE_END(ret_from_fork)

/*
 * What preempt_enable() calls: saves what a C function may clobber, because
 * the call is in the middle of inline assembly's view of the world.
 */
.macro PREEMPT_THUNK thunk, target
SYM_FUNC_START(\thunk)
	.cfi_startproc
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbp, 0
	movq	%rsp, %rbp
	.cfi_def_cfa_register %rbp
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
	.cfi_def_cfa %rsp, 8
	ret
	.cfi_endproc
SYM_FUNC_END(\thunk)
EXPORT_SYMBOL(\thunk)
.endm

#ifdef CONFIG_PREEMPT_DYNAMIC
PREEMPT_THUNK preempt_schedule_thunk, dynamic_preempt_schedule
PREEMPT_THUNK preempt_schedule_notrace_thunk, dynamic_preempt_schedule_notrace
#elif defined(CONFIG_PREEMPTION)
PREEMPT_THUNK preempt_schedule_thunk, preempt_schedule
PREEMPT_THUNK preempt_schedule_notrace_thunk, preempt_schedule_notrace
#endif

/*
 * Signal entries: C does the work, then the host restores the frame, which
 * begins at %rbx.
 *
 * There lies the restorer's address, where a return would go, and above it the
 * host's ucontext: it is what the frame description counts from.  By it a
 * debugger goes on from the handler to what was interrupted.
 */
.macro SIGNAL_START
	.cfi_startproc simple
	.cfi_signal_frame
	.cfi_def_cfa %rsp, 8
	.set	.Lreg, HOST_CONTEXT_REGS
	.irp reg, r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip
	.cfi_offset %\reg, .Lreg
	.set	.Lreg, .Lreg + 8
	.endr
	movq	%rsp, %rbx
	.cfi_def_cfa_register %rbx
	xorl	%ebp, %ebp
.endm

.macro SIGRETURN
	leaq	8(%rbx), %rsp		/* as a return to the restorer would */
	movl	$15, %eax		/* rt_sigreturn */
	syscall
.endm

	.section .noinstr.text, "ax"
SYM_CODE_START(fault_entry)
	SIGNAL_START
	call	fault_signal
	SIGRETURN
	ud2
	.cfi_endproc
SYM_CODE_END(fault_entry)

/*
 * An interrupt that comes when interrupts are on again, but this frame is not
 * yet gone, does not pile a frame on it: its handler goes back to irq_again,
 * with interrupts off, for this one to take it.
 */
SYM_CODE_START(irq_entry)
	SIGNAL_START
	call	irq_signal
	testb	%al, %al
	jz	2f
1:	movl	$1, PER_CPU_VAR(irq_enabled)
SYM_INNER_LABEL(irq_leave, SYM_L_GLOBAL)
	cmpl	$0, PER_CPU_VAR(irq_pending)
	jne	irq_again
2:	SIGRETURN
SYM_INNER_LABEL(irq_again, SYM_L_GLOBAL)
	movl	$0, PER_CPU_VAR(irq_enabled)
SYM_INNER_LABEL(irq_left, SYM_L_GLOBAL)
	movq	%rbx, %rsp
	leaq	8(%rbx), %rdi		/* the context is what the frame begins with */
	call	irq_signal_again
	jmp	1b
	.cfi_endproc
SYM_CODE_END(irq_entry)
