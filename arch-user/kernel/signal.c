// SPDX-License-Identifier: GPL-2.0-only
/*
 * Signal delivery, and the return from a handler.
 *
 * Theory of operation
 *
 * A handler finds on its stack what it finds on any x86-64 Linux:
 *
 *	interrupted stack pointer, or top of the alternate stack
 *	  128 bytes the interrupted function may use (not on the alternate stack)
 *	  XSAVE area, aligned to 64 bytes, FP_XSTATE_MAGIC2 at its end
 *	  siginfo
 *	  ucontext
 *	  return address: the restorer		<- stack pointer, 8 below 16n
 *
 * The frame is put together in kernel memory and copied out as a whole, since
 * each access to user memory is a walk through page tables.  On the way back
 * every value in it is the program's to choose; what would not be its own to
 * set (segments, system flags, malformed vector state) is refused or left as
 * it was.
 */

#include <linux/elf.h>
#include <linux/entry-common.h>
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/ptrace.h>
#include <linux/rseq.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/signal.h>
#include <linux/syscalls.h>
#include <linux/uaccess.h>

#include <asm/step.h>
#include <asm/syscall.h>
#include <asm/ucontext.h>
#include <asm/unistd.h>
#include <asm/xstate.h>

/* A function may use this much below its stack pointer (System V ABI). */
#define RED_ZONE	128

#define STACK_ALIGN	16

#define SYSCALL_INSN_SIZE	2

struct rt_sigframe {
	void __user *pretcode;
	struct ucontext uc;
	struct siginfo info;
};

static_assert(offsetof(struct rt_sigframe, uc) == 8);
static_assert(offsetof(struct rt_sigframe, info) == 312);

unsigned long get_sigframe_size(void)
{
	unsigned long state = xstate_user_size() + FP_XSTATE_MAGIC2_SIZE;
	unsigned long padding = XSTATE_ALIGN - 1 + STACK_ALIGN;

	return round_up(sizeof(struct rt_sigframe) + state + padding, STACK_ALIGN);
}

/* --- delivery ------------------------------------------------------------- */

/*
 * Where the frame and its vector state go.
 *
 * Return: NULL when the alternate stack is too small.
 */
static struct rt_sigframe __user *place_frame(struct ksignal *ksig,
					      const struct pt_regs *regs,
					      void __user **fpstate)
{
	unsigned long below = regs->sp - RED_ZONE;
	unsigned long top = sigsp(below, ksig);
	bool alternate = top != below || on_sig_stack(regs->sp);
	unsigned long sp;

	sp = round_down(top - xstate_user_size() - FP_XSTATE_MAGIC2_SIZE, XSTATE_ALIGN);
	*fpstate = (void __user *)sp;
	sp = round_down(sp - sizeof(struct rt_sigframe), STACK_ALIGN) - sizeof(long);

	if (alternate && !__on_sig_stack(sp)) {
		if (show_unhandled_signals)
			pr_info_ratelimited("%s[%d]: alternate signal stack overflows\n",
					    current->comm, task_pid_nr(current));
		return NULL;
	}
	return (void __user *)sp;
}

static void fill_sigcontext(struct sigcontext *sc, const struct pt_regs *regs,
			    const sigset_t *mask)
{
	const struct thread_struct *thread = &current->thread;

	*sc = (struct sigcontext) {
		.r8	= regs->r8,
		.r9	= regs->r9,
		.r10	= regs->r10,
		.r11	= regs->r11,
		.r12	= regs->r12,
		.r13	= regs->r13,
		.r14	= regs->r14,
		.r15	= regs->r15,
		.di	= regs->di,
		.si	= regs->si,
		.bp	= regs->bp,
		.bx	= regs->bx,
		.dx	= regs->dx,
		.ax	= regs->ax,
		.cx	= regs->cx,
		.sp	= regs->sp,
		.ip	= regs->ip,
		.flags	= user_flags(current),
		.cs	= regs->cs,
		.ss	= regs->ss,
		.err	= thread->error_code,
		.trapno	= thread->trap_nr,
		.cr2	= thread->cr2,
		.oldmask = mask->sig[0],
	};
}

static void fill_ucontext(struct ucontext *uc, const struct pt_regs *regs,
			  const sigset_t *mask, void __user *fpstate)
{
	uc->uc_flags = UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
	uc->uc_stack.ss_sp = (void __user *)current->sas_ss_sp;
	uc->uc_stack.ss_flags = current->sas_ss_flags;
	uc->uc_stack.ss_size = current->sas_ss_size;
	uc->uc_sigmask = *mask;
	fill_sigcontext(&uc->uc_mcontext, regs, mask);
	uc->uc_mcontext.fpstate = (unsigned long)fpstate;
}

/*
 * Have the task go on in its handler, in the state the ABI promises to the
 * first instruction of a function, with vector state as in a new program.
 */
static void enter_handler(const struct ksignal *ksig, struct pt_regs *regs,
			  struct rt_sigframe __user *frame)
{
	regs->di = ksig->sig;
	regs->si = (unsigned long)&frame->info;
	regs->dx = (unsigned long)&frame->uc;
	regs->ax = 0;
	regs->sp = (unsigned long)frame;
	regs->ip = (unsigned long)ksig->ka.sa.sa_handler;
	regs->cs = USER_CS;
	regs->ss = USER_SS;
	regs->flags &= ~(X86_EFLAGS_DF | X86_EFLAGS_RF | X86_EFLAGS_TF);
	xstate_reset(current);
}

static int setup_frame(struct ksignal *ksig, struct pt_regs *regs)
{
	struct rt_sigframe __user *to;
	struct rt_sigframe frame = {};
	void __user *fpstate;

	/* There is no return code in the vDSO to fall back on. */
	if (!(ksig->ka.sa.sa_flags & SA_RESTORER))
		return -EFAULT;

	to = place_frame(ksig, regs, &fpstate);
	if (!to)
		return -EFAULT;

	frame.pretcode = ksig->ka.sa.sa_restorer;
	fill_ucontext(&frame.uc, regs, sigmask_to_save(), fpstate);
	copy_siginfo_to_external(&frame.info, &ksig->info);

	if (copy_to_user(to, &frame, sizeof(frame)) || xstate_save_user(fpstate))
		return -EFAULT;

	enter_handler(ksig, regs, to);
	return 0;
}

static void deliver_signal(struct ksignal *ksig, struct pt_regs *regs)
{
	bool stepping = test_thread_flag(TIF_SINGLESTEP);
	int err;

	/* A debugger's step ends here, before the handler's first instruction. */
	if (stepping)
		user_disable_single_step(current);

	rseq_signal_deliver(ksig, regs);
	err = setup_frame(ksig, regs);
	signal_setup_done(err, ksig, stepping);
}

/*
 * Whether a system call that ended with @error is made again: always without
 * a handler, and with one as its flags say.
 */
static bool is_restarted(long error, const struct ksignal *ksig)
{
	switch (error) {
	case -ERESTARTNOINTR:
		return true;
	case -ERESTARTSYS:
		return !ksig || (ksig->ka.sa.sa_flags & SA_RESTART);
	default:
		return !ksig;
	}
}

/*
 * Replace the errors that user space never sees: back to the instruction, or
 * EINTR.
 */
static void end_interrupted_syscall(struct pt_regs *regs, const struct ksignal *ksig)
{
	long error = regs->ax;

	if (syscall_get_nr(current, regs) == -1)
		return;
	if (error != -ERESTARTNOINTR && error != -ERESTARTSYS &&
	    error != -ERESTARTNOHAND && error != -ERESTART_RESTARTBLOCK)
		return;

	if (!is_restarted(error, ksig)) {
		regs->ax = -EINTR;
		return;
	}
	regs->ax = error == -ERESTART_RESTARTBLOCK ? __NR_restart_syscall : regs->orig_ax;
	regs->ip -= SYSCALL_INSN_SIZE;
}

/**
 * arch_do_signal_or_restart() - deliver a signal, or go on as if there was none
 * @regs:	the current task's registers
 *
 * Context: on the way to user mode, interrupts on.
 */
void arch_do_signal_or_restart(struct pt_regs *regs)
{
	struct ksignal ksig;

	if (get_signal(&ksig)) {
		end_interrupted_syscall(regs, &ksig);
		deliver_signal(&ksig, regs);
	} else {
		end_interrupted_syscall(regs, NULL);
		restore_saved_sigmask();
	}
}

/* --- return --------------------------------------------------------------- */

/*
 * Whether the segments are those of 64-bit code.  Programs that make up a
 * frame need not have set SS.
 */
static bool segments_ok(const struct ucontext *uc)
{
	const struct sigcontext *sc = &uc->uc_mcontext;

	return (sc->cs | 3) == USER_CS &&
	       ((sc->ss | 3) == USER_SS || !(uc->uc_flags & UC_STRICT_RESTORE_SS));
}

static void restore_sigcontext(struct pt_regs *regs, const struct sigcontext *sc)
{
	regs->r8 = sc->r8;
	regs->r9 = sc->r9;
	regs->r10 = sc->r10;
	regs->r11 = sc->r11;
	regs->r12 = sc->r12;
	regs->r13 = sc->r13;
	regs->r14 = sc->r14;
	regs->r15 = sc->r15;
	regs->di = sc->di;
	regs->si = sc->si;
	regs->bp = sc->bp;
	regs->bx = sc->bx;
	regs->dx = sc->dx;
	regs->ax = sc->ax;
	regs->cx = sc->cx;
	regs->sp = sc->sp;
	regs->ip = sc->ip;
	regs->cs = USER_CS;
	regs->ss = USER_SS;
	set_user_flags(current, sc->flags);

	/* Whatever is in ax now, it is not the result of a system call. */
	regs->orig_ax = -1;
}

static void bad_frame(const struct pt_regs *regs, void __user *frame)
{
	if (show_unhandled_signals)
		pr_info_ratelimited("%s[%d] bad frame in rt_sigreturn frame:%p ip:%lx sp:%lx\n",
				    current->comm, task_pid_nr(current), frame,
				    regs->ip, regs->sp);
	force_sig(SIGSEGV);
}

SYSCALL_DEFINE0(rt_sigreturn)
{
	struct pt_regs *regs = current_pt_regs();
	struct rt_sigframe __user *frame;
	struct ucontext uc;
	sigset_t mask;

	/* The handler's RET has taken the return address off the stack. */
	frame = (void __user *)(regs->sp - sizeof(frame->pretcode));
	current->restart_block.fn = do_no_restart_syscall;

	if (copy_from_user(&uc, &frame->uc, sizeof(uc)))
		goto bad;

	mask = uc.uc_sigmask;
	set_current_blocked(&mask);
	if (restore_altstack(&frame->uc.uc_stack) || !segments_ok(&uc))
		goto bad;

	restore_sigcontext(regs, &uc.uc_mcontext);
	if (xstate_restore_user((void __user *)uc.uc_mcontext.fpstate))
		goto bad;
	return regs->ax;

bad:
	bad_frame(regs, frame);
	return 0;
}
