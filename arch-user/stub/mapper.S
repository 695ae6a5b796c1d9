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
 *	%r12	hand-off page of the thread to resume, or 0
 *	%rbp	errno of the first that failed
 */
#include <asm/stub_abi.h>
#include <asm/unsafe.h>

#define SYS_mmap		9
#define SYS_munmap		11
#define SYS_pwrite64		18
#define SYS_clone		56
#define SYS_sigaltstack		131
#define SYS_futex		202
#define SYS_sched_setaffinity	203
#define SYS_seccomp		317

#define FUTEX_WAIT		0
#define FUTEX_WAKE		1
#define FUTEX_WAKE_BITSET	10
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
	cmpl	%r15d, REQUEST_SEQ(%rbx)
	jne	.Lrequest
	leaq	REQUEST_SEQ(%rbx), %rdi
	xorl	%esi, %esi
	movl	%r15d, %edx
	xorl	%r10d, %r10d
	movl	$SYS_futex, %eax
	syscall
	jmp	.Lnext_request

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
	movq	REQUEST_RESUME(%rbx), %r12
	testl	%ebp, %ebp
	jz	.Lresume
	/* The number must come from memory the guest can't write: a table. */
	cmpl	$255, %ebp
	ja	.Lresume
	leaq	errno_table(%rip), %rsi
	leaq	(%rsi, %rbp, 4), %rsi
	movl	$REQUEST_ERROR, %r10d
	addq	REQUEST_OFFSET(%rbx), %r10
	movl	$STUB_FD_CONTROL, %edi
	movl	$4, %edx
	movl	$SYS_pwrite64, %eax
	syscall
	/*
	 * A guest thread waits for this: it is not to wait for the kernel, too.  All
	 * before the kernel knows that the request is done: from then on nobody but
	 * itself wakes the thread.  When an operation has failed nobody is woken: the
	 * thread must not be, and the vCPU sees at its next tick that nothing has run.
	 */
.Lresume:
	testq	%r12, %r12
	jz	.Ltell
	movl	$STUB_TURN_KERNEL, %eax
	testl	%ebp, %ebp
	jnz	1f
	movl	$STUB_TURN_GUEST, %eax
1:	xchgl	%eax, HANDOFF_TURN(%r12)
	testl	%ebp, %ebp
	jnz	.Ltell
	cmpl	$0, HANDOFF_GUEST_SLEEPS(%r12)
	je	.Ltell
	leaq	HANDOFF_TURN(%r12), %rdi
	movl	$~STUB_FUTEX_KERNEL, %r9d
	movl	$FUTEX_WAKE_BITSET, %esi
	movl	$0x7fffffff, %edx
	movl	$SYS_futex, %eax
	syscall
.Ltell:
	leaq	REQUEST_SEQ(%rbx), %rsi
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
 * parked.  What can go wrong for want of the host's memory ends the process
 * here, before any signal or guest code can reach the thread.
 */
.Lthread:
	movl	$SYS_clone, %eax
	xorl	%r10d, %r10d
	xorl	%r8d, %r8d
	syscall
	testq	%rax, %rax
	js	.Lresult
	jz	.Lnew_thread
	/* Its id goes where the guest can't write, a byte at a time. */
	movl	%eax, %r12d
	xorl	%r8d, %r8d
1:	movzbl	%r12b, %esi
	leaq	errno_table(%rip), %rax
	leaq	(%rax, %rsi, 4), %rsi
	leaq	REQUEST_TID(%r8), %r10
	addq	REQUEST_OFFSET(%rbx), %r10
	movl	$STUB_FD_CONTROL, %edi
	movl	$1, %edx
	movl	$SYS_pwrite64, %eax
	syscall
	shrl	$8, %r12d
	incl	%r8d
	cmpl	$4, %r8d
	jb	1b
	jmp	.Lnext_operation
.Lnew_thread:
	/* The mapper may be bound to one CPU; guest threads are not. */
	xorl	%edi, %edi
	movl	$REQUEST_CPUS_SIZE, %esi
	movabsq	$(STUB_REQUEST + REQUEST_ALLOWED), %rdx
	movl	$SYS_sched_setaffinity, %eax
	syscall
	movq	32(%r14), %rbx
	movabsq	$(STUB_REQUEST + REQUEST_SIGSTACK), %rdi
	xorl	%esi, %esi
	movl	$SYS_sigaltstack, %eax
	syscall
	testq	%rax, %rax
	jnz	.Ldie
#ifdef CONFIG_KERNELET_ATTACK_CONTROL
	movabsq	$(STUB_REQUEST + REQUEST_UNSAFE), %rax
	testl	$UNSAFE_GUEST_FILTER, (%rax)
	jnz	stub_start
	testl	$UNSAFE_THREAD_ORDER, (%rax)
	jnz	stub_start
	jmp	1f
	/* It waits here, so that who diverts it need not be lucky. */
	.globl	stub_filter_late
stub_filter_late:
	leaq	HANDOFF_TURN(%rbx), %rdi
	xorl	%esi, %esi
	movl	$STUB_TURN_GUEST, %edx
	leaq	late_time(%rip), %r10
	movl	$SYS_futex, %eax
	syscall
1:
#endif
	movl	$SECCOMP_SET_MODE_FILTER, %edi
	xorl	%esi, %esi
	leaq	guest_filter(%rip), %rdx
	movl	$SYS_seccomp, %eax
	syscall
	testq	%rax, %rax
	jnz	.Ldie
#ifdef CONFIG_KERNELET_ATTACK_CONTROL
	movabsq	$(STUB_REQUEST + REQUEST_UNSAFE), %rax
	testl	$UNSAFE_THREAD_ORDER, (%rax)
	jnz	stub_park
#endif
	jmp	stub_start
.Ldie:
	ud2				/* signals are blocked: the process ends */
	.size	stub_mapper, . - stub_mapper

	.balign	8
#ifdef CONFIG_KERNELET_ATTACK_CONTROL
late_time:
	.quad	0, 20000000
#endif
/* errno_table[n] = n */
errno_table:
	.set	n, 0
	.rept	256
	.long	n
	.set	n, n + 1
	.endr
