/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The few crossings that C cannot express: a wait that an interrupt must not
 * slip past, a thread's first steps, the return from a signal.
 */
#include <linux/linkage.h>
#include <asm/cfi.h>
#include <asm/stub_abi.h>

#define SYS_rt_sigreturn	15
#define SYS_clone		56
#define SYS_exit		60
#define SYS_wait4		61
#define SYS_futex		202
#define FUTEX_WAIT_BITSET	9
#define SYS_io_uring_enter	426
#define IORING_ENTER_GETEVENTS	1
#define HOST_EINTR		4

	.text

/*
 * long host_futex_wait_irq(u32 *word, u32 val, struct timespec *rel, const u32 *pending)
 *
 * FUTEX_WAIT unless *pending.  A signal entry that finds the instruction
 * pointer from host_wait_begin up to host_wait_end has raised *pending after
 * the look at it, and moves it to host_wait_abort.
 *
 * #syscalls: futex(_, FUTEX_WAIT)
 */
SYM_FUNC_START(host_futex_wait_irq)
	.cfi_startproc
	movq	%rcx, %r11
	movq	%rdx, %r10
	movl	%esi, %edx
	xorl	%esi, %esi
	movl	$SYS_futex, %eax
SYM_INNER_LABEL(host_wait_begin, SYM_L_GLOBAL)
	cmpl	$0, (%r11)
	jne	host_wait_abort
	syscall
SYM_INNER_LABEL(host_wait_end, SYM_L_GLOBAL)
	ret
SYM_INNER_LABEL(host_wait_abort, SYM_L_GLOBAL)
	movq	$-HOST_EINTR, %rax
	ret
	.cfi_endproc
SYM_FUNC_END(host_futex_wait_irq)

/*
 * long host_turn_wait_irq(u32 *turn, u32 val, const u32 *pending)
 *
 * The same for the turn of a guest thread, in the set that is the kernel's.
 *
 * #syscalls: futex(_, FUTEX_WAIT_BITSET)
 */
SYM_FUNC_START(host_turn_wait_irq)
	.cfi_startproc
	movq	%rdx, %r11
	xorl	%r10d, %r10d
	movl	%esi, %edx
	movl	$FUTEX_WAIT_BITSET, %esi
	movl	$STUB_FUTEX_KERNEL, %r9d
	movl	$SYS_futex, %eax
	jmp	host_wait_begin
	.cfi_endproc
SYM_FUNC_END(host_turn_wait_irq)

/*
 * long host_wait4_irq(int tid, int *status, int options, const u32 *pending)
 *
 * The same for wait4().
 */
SYM_FUNC_START(host_wait4_irq)
	.cfi_startproc
	movq	%rcx, %r11
	xorl	%r10d, %r10d
	movl	$SYS_wait4, %eax
	jmp	host_wait_begin
	.cfi_endproc
SYM_FUNC_END(host_wait4_irq)

/*
 * long host_ring_wait_irq(int fd, const u32 *pending)
 *
 * The same for the completion of something in an io_uring.
 *
 * #syscalls: io_uring_enter(_, 0, 1, IORING_ENTER_GETEVENTS, 0)
 */
SYM_FUNC_START(host_ring_wait_irq)
	.cfi_startproc
	movq	%rsi, %r11
	xorl	%esi, %esi
	movl	$1, %edx
	movl	$IORING_ENTER_GETEVENTS, %r10d
	xorl	%r8d, %r8d
	xorl	%r9d, %r9d
	movl	$SYS_io_uring_enter, %eax
	jmp	host_wait_begin
	.cfi_endproc
SYM_FUNC_END(host_ring_wait_irq)

/* sigaction's restorer; #syscalls: rt_sigreturn */
SYM_FUNC_START(host_sig_return)
	.cfi_startproc
	movl	$SYS_rt_sigreturn, %eax
	syscall
	ud2
	.cfi_endproc
SYM_FUNC_END(host_sig_return)

/*
 * long host_thread_clone(flags, stack, fn, arg): a host thread that calls
 * fn(arg) on the given stack and ends when that returns.
 *
 * #guard-syscalls: exit
 */
SYM_FUNC_START(host_thread_clone)
	.cfi_startproc
	pushq	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbx, 0
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbp, 0
	movq	%rdx, %rbx
	movq	%rcx, %rbp
	xorl	%edx, %edx
	xorl	%r10d, %r10d
	xorl	%r8d, %r8d
	movl	$SYS_clone, %eax
	syscall
	testq	%rax, %rax
	jnz	1f
	.cfi_remember_state
	.cfi_undefined %rip		/* the new thread's stack begins here */
	movq	%rbp, %rdi
	xorl	%ebp, %ebp
	call	*%rbx
	xorl	%edi, %edi
	movl	$SYS_exit, %eax
	syscall
	ud2
	.cfi_restore_state
1:	popq	%rbp
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbp
	popq	%rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbx
	ret
	.cfi_endproc
SYM_FUNC_END(host_thread_clone)

/* void host_switch_stack(stack, fn): leave this stack for good. */
SYM_FUNC_START(host_switch_stack)
	.cfi_startproc
	.cfi_undefined %rip
	movq	%rdi, %rsp
	xorl	%ebp, %ebp
	call	*%rsi
	ud2
	.cfi_endproc
SYM_FUNC_END(host_switch_stack)
