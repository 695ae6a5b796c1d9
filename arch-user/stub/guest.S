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
 * A rewritten system call (mm/rewrite.c) enters at stub_syscall() without a
 * signal.  The registers are stored in the hand-off page and the vector state
 * stays where it is, in the thread; if the kernel wants it, it resumes the
 * thread with STUB_RESUME_SAVE to have it stored, too.
 *
 * Nothing here trusts memory: all of it is the guest's.  The code needs only
 * to be right for an honest guest, and harmless for any other.
 *
 * A kick must be neither lost nor nested.  Where it interrupts this text:
 *  - between the turn having been given up and IRETQ, with the turn back at
 *    the guest: the thread was on its way to guest code.  It gives the turn
 *    up again, as undone; what it was resuming from is still whole: a frame,
 *    because everything below pushes under it, or the hand-off page;
 *  - anywhere else: the thread is about to park or is parked.  It goes on.
 * Any other signal in this text is the result of a forged frame, and reported
 * with the stub's instruction pointer: the kernel ends such a process.
 */
#include <asm/stub_abi.h>
#include <asm/unsafe.h>

#define SYS_rt_sigprocmask 14
#define SYS_arch_prctl	158
#define SYS_futex	202
#define SYS_rseq	334
#define SIG_SETMASK	2
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

/* struct stub_regs in the hand-off page */
#define R_R15		(HANDOFF_REGS + 0)
#define R_R14		(HANDOFF_REGS + 8)
#define R_R13		(HANDOFF_REGS + 16)
#define R_R12		(HANDOFF_REGS + 24)
#define R_BP		(HANDOFF_REGS + 32)
#define R_BX		(HANDOFF_REGS + 40)
#define R_R11		(HANDOFF_REGS + 48)
#define R_R10		(HANDOFF_REGS + 56)
#define R_R9		(HANDOFF_REGS + 64)
#define R_R8		(HANDOFF_REGS + 72)
#define R_AX		(HANDOFF_REGS + 80)
#define R_CX		(HANDOFF_REGS + 88)
#define R_DX		(HANDOFF_REGS + 96)
#define R_SI		(HANDOFF_REGS + 104)
#define R_DI		(HANDOFF_REGS + 112)
#define R_IP		(HANDOFF_REGS + 120)
#define R_FLAGS		(HANDOFF_REGS + 128)
#define R_SP		(HANDOFF_REGS + 136)

/* Loading this could take the signal stack away from the code below. */
#define XFEATURE_PKRU	0x200

#define USER_CS		0x33
#define USER_SS		0x2b

	.section .text.guest, "ax"

/* STUB_NO_SIGNALS: an empty set, where the filter knows it. */
	.globl	stub_no_signals
stub_no_signals:
	.quad	0

/*
 * The one place from which futex() may be called.  A thread that was asleep in
 * here believes nothing but the word it slept on: whatever it had in registers
 * before, it now waits for the turn in that word's hand-off page, on the stack
 * below the context named there.  So the kernel, which can count who sleeps on
 * a word, can know that a thread is parked and will stay so (host/stub.c).
 */
stub_futex:
	syscall
	.globl	stub_futex_ip
stub_futex_ip:
	leaq	-HANDOFF_TURN(%rdi), %rbx
	movq	HANDOFF_CONTEXT(%rbx), %rsp
	cmpl	$STUB_RESUME_SAVE, HANDOFF_RESUME(%rbx)
	jne	1f
	movq	HANDOFF_STACK(%rbx), %rsp	/* .context is an XSAVE area */
1:	leaq	-16(%rsp), %rsp
	andq	$-16, %rsp
	pushq	$2
	popfq
	jmp	.Lpoll
.Lfutex_end:

/* Go on with the context at %r12. */
.macro RESTORE_CONTEXT
	movq	UC_FPSTATE(%r12), %rdi
	movl	$~XFEATURE_PKRU, %eax
	movl	$-1, %edx
	xrstor64 (%rdi)
	leaq	-16(%r12), %rsp
	andq	$-16, %rsp
	pushq	$2			/* NT would make IRETQ fault */
	popfq
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

.macro SAVE_BASES
	testl	$STUB_BASES_INSN, HANDOFF_BASES(%rbx)
	jz	stub_park
	rdfsbase %rax
	movq	%rax, HANDOFF_FSBASE(%rbx)
	rdgsbase %rax
	movq	%rax, HANDOFF_GSBASE(%rbx)
	jmp	stub_park
.endm

/*
 * A rewritten system call: %r11 its trampoline, %rcx free, all else is the
 * guest's, flags and stack (a red zone) too.  GS has the hand-off page.
 *
 * stub_syscall_checked is for hosts where a guest can set its GS base by
 * instruction: an address in the stub's part has 0x00007fff on top, and no
 * other.  If it isn't ours, the kernel is told by UD2.
 */
	.globl	stub_syscall, stub_syscall_checked, stub_syscall_foreign
stub_syscall_checked:
	rdgsbase %rcx
	bswapq	%rcx			/* ...ff7f0000 */
	leal	0x810000(%rcx), %ecx
	jrcxz	stub_syscall
stub_syscall_foreign:
	ud2
stub_syscall:
	movq	%rbx, %gs:R_BX
	movq	%gs:HANDOFF_SELF, %rbx
	movq	%rax, R_AX(%rbx)
	movq	%rdi, R_DI(%rbx)
	movq	%rsi, R_SI(%rbx)
	movq	%rdx, R_DX(%rbx)
	movq	%r10, R_R10(%rbx)
	movq	%r8, R_R8(%rbx)
	movq	%r9, R_R9(%rbx)
	movq	%rbp, R_BP(%rbx)
	movq	%r12, R_R12(%rbx)
	movq	%r13, R_R13(%rbx)
	movq	%r14, R_R14(%rbx)
	movq	%r15, R_R15(%rbx)
	movq	%rsp, R_SP(%rbx)
	movq	STUB_TRAMPOLINE_IP(%r11), %rcx
	movq	%rcx, R_IP(%rbx)
	movq	%rcx, R_CX(%rbx)
	movq	STUB_TRAMPOLINE_BACK(%r11), %rcx
	movq	%rcx, HANDOFF_BACK(%rbx)
	movq	HANDOFF_STACK(%rbx), %rsp
	pushfq
	popq	%rcx
	movq	%rcx, R_FLAGS(%rbx)
	movq	%rcx, R_R11(%rbx)
	movl	$STUB_EVENT_SYSCALL, HANDOFF_EVENT(%rbx)
	SAVE_BASES

/* The host's signal entry: %rdi number, %rsi siginfo, %rdx ucontext. */
	.globl	stub_signal
	.type	stub_signal, @function
stub_signal:
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
	SAVE_BASES

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
	je	.Lpoll
	leaq	HANDOFF_TURN(%rbx), %rdi
	movl	$FUTEX_WAKE, %esi
	movl	$1, %edx
	xorl	%r10d, %r10d
	movl	$SYS_futex, %eax
	jmp	stub_futex
.Lpoll:
	cmpl	$STUB_TURN_GUEST, HANDOFF_TURN(%rbx)
	je	.Lresume
	pause
	rdtsc
	shlq	$32, %rdx
	orq	%rdx, %rax
	subq	%r13, %rax
	movl	HANDOFF_SPIN(%rbx), %ecx
	cmpq	%rcx, %rax
	jb	.Lpoll
	movl	$1, %eax
	xchgl	%eax, HANDOFF_GUEST_SLEEPS(%rbx)
	movl	HANDOFF_TURN(%rbx), %edx
	cmpl	$STUB_TURN_GUEST, %edx
	je	.Lresume
	leaq	HANDOFF_TURN(%rbx), %rdi
	xorl	%esi, %esi
	xorl	%r10d, %r10d
	movl	$SYS_futex, %eax
	jmp	stub_futex

.Lresume:
	movq	HANDOFF_CONTEXT(%rbx), %r12	/* the kernel says which */
	cmpl	$STUB_RESUME_SAVE, HANDOFF_RESUME(%rbx)
	je	.Lsave
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
6:	cmpl	$STUB_RESUME_FAST, HANDOFF_RESUME(%rbx)
	je	.Lfast
	RESTORE_CONTEXT

.Lfast:
	pushq	R_FLAGS(%rbx)
	popfq
	movq	R_R15(%rbx), %r15
	movq	R_R14(%rbx), %r14
	movq	R_R13(%rbx), %r13
	movq	R_R12(%rbx), %r12
	movq	R_BP(%rbx), %rbp
	movq	R_R11(%rbx), %r11
	movq	R_R10(%rbx), %r10
	movq	R_R9(%rbx), %r9
	movq	R_R8(%rbx), %r8
	movq	R_AX(%rbx), %rax
	movq	R_CX(%rbx), %rcx
	movq	R_DX(%rbx), %rdx
	movq	R_SI(%rbx), %rsi
	movq	R_DI(%rbx), %rdi
	movq	R_SP(%rbx), %rsp
	movq	R_BX(%rbx), %rbx
	jmpq	*%gs:HANDOFF_BACK

.Lsave:
	movq	HANDOFF_XMASK(%rbx), %rax
	movq	%rax, %rdx
	shrq	$32, %rdx
	xsave64	(%r12)
	movl	$STUB_EVENT_SAVED, HANDOFF_EVENT(%rbx)
	/* Below the context that the kernel makes beside it: a kick pushes. */
	movq	HANDOFF_STACK(%rbx), %rsp
	jmp	stub_park
.Lresumed:

.Lin_stub:
	cmpl	$STUB_SIG_KICK, %edi
	jne	.Levent
	leaq	stub_text_guest(%rip), %rcx
	addq	%rcx, %rax
	leaq	.Lfutex_end(%rip), %rcx
	cmpq	%rcx, %rax
	jb	.Lparking
	leaq	.Lparked(%rip), %rcx
	cmpq	%rcx, %rax
	jb	.Lgo_on
	leaq	.Lresumed(%rip), %rcx
	cmpq	%rcx, %rax
	jae	.Lgo_on
.Lparking:
#ifdef CONFIG_KERNELET_ATTACK_CONTROL
	/* It would bring a thread back that waits elsewhere. */
	movabsq	$(STUB_REQUEST + REQUEST_UNSAFE), %rax
	testl	$UNSAFE_RECYCLE_THREAD, (%rax)
	jnz	.Lgo_on
#endif
	cmpl	$STUB_TURN_GUEST, HANDOFF_TURN(%rbx)
	jne	.Lgo_on
	/* FS and GS bases in the hand-off page are still to be loaded. */
	movq	HANDOFF_STACK(%rbx), %rsp
	cmpl	$STUB_RESUME_CONTEXT, HANDOFF_RESUME(%rbx)
	jne	7f
	movq	HANDOFF_CONTEXT(%rbx), %r12
	leaq	-16(%r12), %rsp
	andq	$-16, %rsp
7:	movl	$STUB_EVENT_UNDONE, HANDOFF_EVENT(%rbx)
	jmp	stub_park
.Lgo_on:
	movq	%rdx, %r12
	RESTORE_CONTEXT
	.size	stub_signal, . - stub_signal

/*
 * A new thread, from the mapper's text: %rbx hand-off page.  The strict filter
 * is installed, and until here every signal was blocked.  The order matters: a
 * signal, or a restart that somebody wrote into the rseq area, takes the
 * thread to guest code, which must not run without the filter.
 */
	.globl	stub_start
	.type	stub_start, @function
stub_start:
	/* Without it the kernel does not know the thread's CPU, no more. */
	leaq	HANDOFF_RSEQ(%rbx), %rdi
	movl	$STUB_RSEQ_SIZE, %esi
	xorl	%edx, %edx
	movl	$STUB_RSEQ_SIG, %r10d
	movl	$SYS_rseq, %eax
	syscall
	movl	$SIG_SETMASK, %edi
	leaq	stub_no_signals(%rip), %rsi
	xorl	%edx, %edx
	movl	$8, %r10d
	movl	$SYS_rt_sigprocmask, %eax
	syscall
#ifdef CONFIG_KERNELET_ATTACK_CONTROL
	movabsq	$(STUB_REQUEST + REQUEST_UNSAFE), %rax
	testl	$UNSAFE_THREAD_ORDER, (%rax)
	jnz	stub_filter_late
#endif
	jmp	stub_park
	.size	stub_start, . - stub_start
