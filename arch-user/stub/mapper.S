/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The mapper: carries out the kernel's requests in a stub process.
 *
 * It is the stub's first thread, blocks every signal and uses no memory but
 * the request page and this text, both of which the process cannot write:
 * whatever a guest does, it can't change what the mapper does next.
 *
 *	%rbx	request page
 *	%r15	number of the last request done
 *	%r14	operation at hand
 *	%r13	operations left
 *	%rbp	errno of the first that failed
 */
#include <asm/stub_abi.h>

#define SYS_mmap		9
#define SYS_munmap		11
#define SYS_rt_sigprocmask	14
#define SYS_pwrite64		18
#define SYS_clone		56
#define SYS_sigaltstack		131
#define SYS_futex		202
#define SYS_seccomp		317
#define SYS_rseq		334

#define SIG_SETMASK		2
#define FUTEX_WAIT		0
#define FUTEX_WAKE		1
#define SECCOMP_SET_MODE_FILTER	1

	.section .text.mapper, "ax"

/* Entered from the zygote's child: %rbx request page, nothing else matters. */
	.globl	stub_mapper
	.type	stub_mapper, @function
stub_mapper:
	movabsq	$STUB_ZYGOTE_STACK, %rdi
	movl	$STUB_ZYGOTE_STACK_SIZE, %esi
	movl	$SYS_munmap, %eax
	syscall
	xorl	%r15d, %r15d
.Lnext_request:
	rdtsc
	shlq	$32, %rdx
	orq	%rax, %rdx
	movq	%rdx, %r12
1:	cmpl	%r15d, REQUEST_SEQ(%rbx)
	jne	.Lrequest
	pause
	rdtsc
	shlq	$32, %rdx
	orq	%rdx, %rax
	subq	%r12, %rax
	movl	REQUEST_SPIN(%rbx), %ecx
	cmpq	%rcx, %rax
	jb	1b
2:	cmpl	%r15d, REQUEST_SEQ(%rbx)
	jne	.Lrequest
	leaq	REQUEST_SEQ(%rbx), %rdi
	xorl	%esi, %esi
	movl	%r15d, %edx
	xorl	%r10d, %r10d
	movl	$SYS_futex, %eax
	syscall
	jmp	2b

.Lrequest:
	movl	REQUEST_SEQ(%rbx), %r15d
	movl	REQUEST_NOPS(%rbx), %r13d
	leaq	REQUEST_OPS(%rbx), %r14
	xorl	%ebp, %ebp
	testl	%r13d, %r13d
	jz	.Ldone
.Loperation:
	movl	(%r14), %eax
	movq	8(%r14), %rdi
	movq	16(%r14), %rsi
	movq	24(%r14), %rdx
	movq	32(%r14), %r10
	movq	40(%r14), %r8
	movq	48(%r14), %r9
	cmpl	$STUB_OP_THREAD, %eax
	je	.Lthread
	syscall
.Lresult:
	cmpq	$-4095, %rax
	jb	.Lnext_operation
	testl	%ebp, %ebp
	jnz	.Lnext_operation
	negl	%eax
	movl	%eax, %ebp
.Lnext_operation:
	addq	$REQUEST_OP_SIZE, %r14
	decl	%r13d
	jnz	.Loperation

.Ldone:
	testl	%ebp, %ebp
	jz	1f
	/* The number must come from memory the guest can't write: a table. */
	cmpl	$255, %ebp
	ja	1f
	leaq	errno_table(%rip), %rsi
	leaq	(%rsi, %rbp, 4), %rsi
	movl	$REQUEST_ERROR, %r10d
	addq	REQUEST_OFFSET(%rbx), %r10
	movl	$STUB_FD_CONTROL, %edi
	movl	$4, %edx
	movl	$SYS_pwrite64, %eax
	syscall
1:	leaq	REQUEST_SEQ(%rbx), %rsi
	movl	$REQUEST_DONE, %r10d
	addq	REQUEST_OFFSET(%rbx), %r10
	movl	$STUB_FD_CONTROL, %edi
	movl	$4, %edx
	movl	$SYS_pwrite64, %eax
	syscall
	mfence
	cmpl	$0, REQUEST_KERNEL_SLEEPS(%rbx)
	je	.Lnext_request
	leaq	REQUEST_DONE(%rbx), %rdi
	movl	$FUTEX_WAKE, %esi
	movl	$1, %edx
	movl	$SYS_futex, %eax
	syscall
	jmp	.Lnext_request

/*
 * Make a guest thread.  Arguments are clone()'s first three, then the hand-off
 * page.  The kernel leaves the request page alone until the new thread has
 * parked.
 */
.Lthread:
	movl	$SYS_clone, %eax
	xorl	%r10d, %r10d
	xorl	%r8d, %r8d
	syscall
	testq	%rax, %rax
	jnz	.Lresult
	movq	32(%r14), %rbx
	movabsq	$(STUB_REQUEST + REQUEST_SIGSTACK), %rdi
	xorl	%esi, %esi
	movl	$SYS_sigaltstack, %eax
	syscall
	testq	%rax, %rax
	jnz	.Ldie
	/* Without it the kernel does not know the thread's CPU, no more. */
	leaq	HANDOFF_RSEQ(%rbx), %rdi
	movl	$STUB_RSEQ_SIZE, %esi
	xorl	%edx, %edx
	movl	$STUB_RSEQ_SIG, %r10d
	movl	$SYS_rseq, %eax
	syscall
	movl	$SIG_SETMASK, %edi
	leaq	no_signals(%rip), %rsi
	xorl	%edx, %edx
	movl	$8, %r10d
	movl	$SYS_rt_sigprocmask, %eax
	syscall
	testq	%rax, %rax
	jnz	.Ldie
	movl	$SECCOMP_SET_MODE_FILTER, %edi
	xorl	%esi, %esi
	leaq	guest_filter(%rip), %rdx
	movl	$SYS_seccomp, %eax
	syscall
	testq	%rax, %rax
	jnz	.Ldie
	jmp	stub_park
.Ldie:
	ud2
	.size	stub_mapper, . - stub_mapper

	.balign	8
no_signals:
	.quad	0
/* errno_table[n] = n */
errno_table:
	.set	n, 0
	.rept	256
	.long	n
	.set	n, n + 1
	.endr
