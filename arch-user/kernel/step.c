// SPDX-License-Identifier: GPL-2.0-only
/*
 * Single-stepping of guest tasks.
 *
 * Theory of operation
 *
 * A task is stepped by the trap flag in its flags register, which the stub
 * loads together with the instruction pointer: one instruction runs, then the
 * host's SIGTRAP comes back as an event.  A system call needs help, since it
 * is an event itself and the trap would come one instruction late: generic
 * entry code reports the step when the call ends (SYSCALL_EXIT_TRAP).
 *
 * A program may use the trap flag for itself.  TIF_FORCED_TF says that the one
 * in pt_regs is a debugger's, to be hidden from register dumps and signal
 * frames and taken back at the end.  An instruction that loads the flags
 * register makes the flag the program's whatever was there before, so before
 * such an instruction it is not marked as forced.  PUSHF and SYSCALL (in R11)
 * show the flag to a stepped program, as they do on hardware.
 */

#include <linux/mm.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/thread_info.h>

#include <asm/intercept.h>
#include <asm/rewrite.h>
#include <asm/step.h>

/* What a user program may set: arithmetic flags, DF, TF, RF and AC. */
#define FLAGS_STATUS	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | \
			 X86_EFLAGS_ZF | X86_EFLAGS_SF | X86_EFLAGS_OF)
#define FLAGS_USER	(FLAGS_STATUS | X86_EFLAGS_DF | X86_EFLAGS_TF | \
			 X86_EFLAGS_RF | X86_EFLAGS_AC)

unsigned long user_flags(struct task_struct *tsk)
{
	unsigned long flags = task_pt_regs(tsk)->flags;

	if (test_tsk_thread_flag(tsk, TIF_FORCED_TF))
		flags &= ~X86_EFLAGS_TF;
	return flags;
}

void set_user_flags(struct task_struct *tsk, unsigned long flags)
{
	struct pt_regs *regs = task_pt_regs(tsk);

	if (flags & X86_EFLAGS_TF)
		clear_tsk_thread_flag(tsk, TIF_FORCED_TF);
	else if (test_tsk_thread_flag(tsk, TIF_FORCED_TF))
		flags |= X86_EFLAGS_TF;

	regs->flags = (regs->flags & ~FLAGS_USER) | (flags & FLAGS_USER);
}

static bool is_prefix(u8 byte)
{
	switch (byte) {
	case 0x26: case 0x2e: case 0x36: case 0x3e:	/* segments */
	case 0x64 ... 0x67:		/* FS, GS, operand and address size */
	case 0xf0: case 0xf2: case 0xf3:		/* LOCK, REP */
	case 0x40 ... 0x4f:				/* REX */
		return true;
	}
	return false;
}

/*
 * Whether the next instruction is POPF or IRET.
 */
static bool loads_flags(struct task_struct *tsk)
{
	u8 insn[15];
	int i, n;

	n = access_process_vm(tsk, instruction_pointer(task_pt_regs(tsk)), insn,
			      sizeof(insn), FOLL_FORCE);
	for (i = 0; i < n; i++)
		if (!is_prefix(insn[i]))
			return insn[i] == 0x9d || insn[i] == 0xcf;
	return false;
}

/**
 * user_enable_single_step() - have a task trap after its next instruction
 * @tsk:	current, or stopped
 */
void user_enable_single_step(struct task_struct *tsk)
{
	bool own = user_flags(tsk) & X86_EFLAGS_TF;

	if (tsk->mm)
		rewrite_off(tsk->mm);
	set_tsk_thread_flag(tsk, TIF_SINGLESTEP);
	set_task_syscall_work(tsk, SYSCALL_EXIT_TRAP);

	task_pt_regs(tsk)->flags |= X86_EFLAGS_TF;
	if (own || loads_flags(tsk))
		clear_tsk_thread_flag(tsk, TIF_FORCED_TF);
	else
		set_tsk_thread_flag(tsk, TIF_FORCED_TF);
}

/**
 * user_disable_single_step() - undo user_enable_single_step()
 * @tsk:	current, stopped, or not yet started
 */
void user_disable_single_step(struct task_struct *tsk)
{
	clear_tsk_thread_flag(tsk, TIF_SINGLESTEP);
	clear_task_syscall_work(tsk, SYSCALL_EXIT_TRAP);

	if (test_and_clear_tsk_thread_flag(tsk, TIF_FORCED_TF))
		task_pt_regs(tsk)->flags &= ~X86_EFLAGS_TF;
}

/**
 * user_single_step_report() - send the trap after a stepped system call
 * @regs:	the current task's registers
 */
void user_single_step_report(struct pt_regs *regs)
{
	current->thread.trap_nr = VECTOR_DB;
	current->thread.error_code = 0;
	force_sig_fault(SIGTRAP, TRAP_BRKPT, (void __user *)instruction_pointer(regs));
}
