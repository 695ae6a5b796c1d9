/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What runs in the guest threads of a stub.
 *
 * Theory of operation
 *
 * A guest thread runs guest code until the host sends it a signal: SIGSYS for
 * a system call (its seccomp filter traps all of them), SIGSEGV and friends
 * for an exception, the kick when the kernel wants it.  The host has then
 * saved the registers and the XSAVE area on the thread's signal stack.
 * stub_signal() notes where, gives the turn to the kernel and waits for it to
 * come back.  The way back restores everything from the frame by XRSTOR and
 * IRETQ, not by rt_sigreturn(): a guest that could make that call could block
 * the kick.  Handlers run with nothing blocked (SA_NODEFER, empty mask).
 *
 * Nothing here trusts memory: all of it is the guest's.  The code needs only
 * to be right for an honest guest, and harmless for any other.
 *
 * A kick must be neither lost nor nested.  Where it interrupts this text:
 *  - between the turn having been given up and IRETQ, with the turn back at
 *    the guest: the thread was on its way to guest code.  It gives the turn
 *    up again, with the kick as the event; the frame it was resuming from is
 *    still whole, because everything below pushes under it;
 *  - anywhere else: the thread is about to park or is parked.  It goes on.
 * Any other signal in this text is the result of a forged frame, and reported
 * with the stub's instruction pointer: the kernel ends such a process.
 */
#include <asm/stub_abi.h>

#define SYS_arch_prctl	158
#define SYS_futex	202
#define FUTEX_WAIT	0
#define FUTEX_WAKE	1
#define ARCH_SET_GS	0x1001
#define ARCH_SET_FS	0x1002

/* struct ucontext, as the host lays it out on x86-64 */
#define UC_R8		40
#define UC_R9		48
#define UC_R10		56
#define UC_R11		64
#define UC_R12		72
#define UC_R13		80
#define UC_R14		88
#define UC_R15		96
#define UC_DI		104
#define UC_SI		112
#define UC_BP		120
#define UC_BX		128
#define UC_DX		136
#define UC_AX		144
#define UC_CX		152
#define UC_SP		160
#define UC_IP		168
#define UC_FLAGS	176
#define UC_FPSTATE	224

/* Loading this could take the signal stack away from the code below. */
#define XFEATURE_PKRU	0x200

#define USER_CS		0x33
#define USER_SS		0x2b

	.section .text.guest, "ax"

/* Go on with the context at %r12. */
.macro RESTORE_CONTEXT
	movq	UC_FPSTATE(%r12), %rdi
	movl	$~XFEATURE_PKRU, %eax
	movl	$-1, %edx
	xrstor64 (%rdi)
	leaq	-16(%r12), %rsp
	andq	$-16, %rsp
	pushq	$USER_SS
	pushq	UC_SP(%r12)
	pushq	UC_FLAGS(%r12)
	pushq	$USER_CS
	pushq	UC_IP(%r12)
	movq	UC_R8(%r12), %r8
	movq	UC_R9(%r12), %r9
	movq	UC_R10(%r12), %r10
	movq	UC_R11(%r12), %r11
	movq	UC_R13(%r12), %r13
	movq	UC_R14(%r12), %r14
	movq	UC_R15(%r12), %r15
	movq	UC_DI(%r12), %rdi
	movq	UC_SI(%r12), %rsi
	movq	UC_BP(%r12), %rbp
	movq	UC_BX(%r12), %rbx
	movq	UC_DX(%r12), %rdx
	movq	UC_AX(%r12), %rax
	movq	UC_CX(%r12), %rcx
	movq	UC_R12(%r12), %r12
	iretq
.endm

/* The host's signal entry: %rdi number, %rsi siginfo, %rdx ucontext. */
	.globl	stub_signal
	.type	stub_signal, @function
stub_signal:
	pushq	$2			/* NT would make IRETQ fault */
	popfq
	movq	%rsp, %rbx
	andq	$-STUB_AREA_SIZE, %rbx
	addq	$STUB_HANDOFF, %rbx
	movq	UC_IP(%rdx), %rax
	leaq	stub_text_guest(%rip), %rcx
	subq	%rcx, %rax
	cmpq	$0x1000, %rax
	jb	.Lin_stub
.Levent:
	movl	%edi, HANDOFF_EVENT(%rbx)
	movq	%rsi, HANDOFF_INFO(%rbx)
	movq	%rdx, HANDOFF_CONTEXT(%rbx)
	testl	$STUB_BASES_INSN, HANDOFF_BASES(%rbx)
	jz	stub_park
	rdfsbase %rax
	movq	%rax, HANDOFF_FSBASE(%rbx)
	rdgsbase %rax
	movq	%rax, HANDOFF_GSBASE(%rbx)

/* Park: %rbx hand-off page. */
	.globl	stub_park
stub_park:
	movl	$0, HANDOFF_GUEST_SLEEPS(%rbx)
	rdtsc
	shlq	$32, %rdx
	orq	%rax, %rdx
	movq	%rdx, %r13
	movl	$STUB_TURN_KERNEL, %eax
	xchgl	%eax, HANDOFF_TURN(%rbx)
.Lparked:
	cmpl	$0, HANDOFF_KERNEL_SLEEPS(%rbx)
	je	2f
	leaq	HANDOFF_TURN(%rbx), %rdi
	movl	$FUTEX_WAKE, %esi
	movl	$1, %edx
	movl	$SYS_futex, %eax
	syscall
2:	cmpl	$STUB_TURN_GUEST, HANDOFF_TURN(%rbx)
	je	.Lresume
	pause
	rdtsc
	shlq	$32, %rdx
	orq	%rdx, %rax
	subq	%r13, %rax
	movl	HANDOFF_SPIN(%rbx), %ecx
	cmpq	%rcx, %rax
	jb	2b
	movl	$1, %eax
	xchgl	%eax, HANDOFF_GUEST_SLEEPS(%rbx)
3:	cmpl	$STUB_TURN_GUEST, HANDOFF_TURN(%rbx)
	je	.Lresume
	leaq	HANDOFF_TURN(%rbx), %rdi
	xorl	%esi, %esi
	movl	$STUB_TURN_KERNEL, %edx
	xorl	%r10d, %r10d
	movl	$SYS_futex, %eax
	syscall
	jmp	3b

.Lresume:
	movq	HANDOFF_CONTEXT(%rbx), %r12	/* the kernel says which */
	movl	HANDOFF_BASES(%rbx), %r13d
	testl	$STUB_BASES_INSN, %r13d
	jz	4f
	movq	HANDOFF_FSBASE(%rbx), %rax
	wrfsbase %rax
	movq	HANDOFF_GSBASE(%rbx), %rax
	wrgsbase %rax
	jmp	6f
4:	testl	$STUB_BASES_SET_FS, %r13d
	jz	5f
	movl	$ARCH_SET_FS, %edi
	movq	HANDOFF_FSBASE(%rbx), %rsi
	movl	$SYS_arch_prctl, %eax
	syscall
5:	testl	$STUB_BASES_SET_GS, %r13d
	jz	6f
	movl	$ARCH_SET_GS, %edi
	movq	HANDOFF_GSBASE(%rbx), %rsi
	movl	$SYS_arch_prctl, %eax
	syscall
6:	RESTORE_CONTEXT
.Lresumed:

.Lin_stub:
	cmpl	$STUB_SIG_KICK, %edi
	jne	.Levent
	leaq	stub_text_guest(%rip), %rcx
	addq	%rcx, %rax
	leaq	.Lparked(%rip), %rcx
	cmpq	%rcx, %rax
	jb	.Lgo_on
	leaq	.Lresumed(%rip), %rcx
	cmpq	%rcx, %rax
	jae	.Lgo_on
	cmpl	$STUB_TURN_GUEST, HANDOFF_TURN(%rbx)
	jne	.Lgo_on
	/* FS and GS bases in the hand-off page are still to be loaded. */
	movq	HANDOFF_CONTEXT(%rbx), %r12
	leaq	-16(%r12), %rsp
	andq	$-16, %rsp
	movl	$STUB_SIG_KICK, HANDOFF_EVENT(%rbx)
	jmp	stub_park
.Lgo_on:
	movq	%rdx, %r12
	RESTORE_CONTEXT
	.size	stub_signal, . - stub_signal
