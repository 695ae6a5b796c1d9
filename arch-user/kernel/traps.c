// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions: those of guest code become signals; those of the kernel itself
 * come as host signals to the vCPU's thread.
 */
#include <linux/bug.h>
#include <linux/entry-common.h>
#include <linux/extable.h>
#include <linux/kdebug.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/printk.h>
#include <linux/sched/debug.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <linux/uaccess.h>
#include <asm/host.h>
#include <asm/intercept.h>
#include <asm/xstate.h>
#include "traps.h"

/* --- guest code ----------------------------------------------------------- */

int show_unhandled_signals = 1;

static void trap_fault(struct pt_regs *regs, int sig, int code)
{
	force_sig_fault(sig, code, (void __user *)regs->ip);
}

static void trap_debug(struct pt_regs *regs)
{
	force_sig_fault(SIGTRAP, TRAP_TRACE, (void __user *)regs->ip);
}

void user_trap(struct pt_regs *regs, const struct guest_event *ev)
{
	current->thread.trap_nr = ev->vector;
	current->thread.error_code = ev->error_code;

	switch (ev->vector) {
	case VECTOR_DE:
		trap_fault(regs, SIGFPE, FPE_INTDIV);
		break;
	case VECTOR_DB:
		trap_debug(regs);
		break;
	case VECTOR_BP:
		force_sig(SIGTRAP);
		break;
	case VECTOR_UD:
		trap_fault(regs, SIGILL, ILL_ILLOPN);
		break;
	case VECTOR_NP:
	case VECTOR_SS:
		force_sig(SIGBUS);
		break;
	case VECTOR_MF:
	case VECTOR_XF:
		trap_fault(regs, SIGFPE, xstate_fpe_code(ev->vector));
		break;
	case VECTOR_AC:
		force_sig_fault(SIGBUS, BUS_ADRALN, NULL);
		break;
	default:
		force_sig(SIGSEGV);
	}
}

/* --- the kernel itself ----------------------------------------------------- */

static DEFINE_RAW_SPINLOCK(die_lock);

void die(const char *what, struct pt_regs *regs, long error)
{
	static int count;
	unsigned long flags;
	bool recursed;

	oops_enter();
	raw_spin_lock_irqsave(&die_lock, flags);
	console_verbose();
	bust_spinlocks(1);
	pr_emerg("Oops: %s: %04lx [#%d]\n", what, error & 0xffff, ++count);
	recursed = notify_die(DIE_OOPS, what, regs, error, current->thread.trap_nr,
			      SIGSEGV) == NOTIFY_STOP;
	print_modules();
	show_regs(regs);
	bust_spinlocks(0);
	add_taint(TAINT_DIE, LOCKDEP_NOW_UNRELIABLE);
	raw_spin_unlock_irqrestore(&die_lock, flags);
	oops_exit();
	if (recursed)
		return;
	/* There must be a task to end, and the user must want to go on. */
	if (in_interrupt() || panic_on_oops)
		panic("Fatal exception%s", in_interrupt() ? " in interrupt" : "");
	make_task_dead(SIGSEGV);
}

static const char *vector_name(unsigned int vector)
{
	switch (vector) {
	case VECTOR_DE:	return "divide error";
	case VECTOR_UD:	return "invalid opcode";
	case VECTOR_GP:	return "general protection fault";
	case VECTOR_PF:	return "page fault";
	case VECTOR_BP:	return "int3";
	default:	return "exception";
	}
}

/*
 * WARN() is as if it were called where it stands: with interrupts, RCU and
 * lockdep as they are there.
 */
static noinstr bool handle_bug(struct pt_regs *regs)
{
	bool warned = false;
	unsigned short insn;

	instrumentation_begin();
	if (!get_kernel_nofault(insn, (void *)regs->ip) && insn == UD2_OPCODE)
		warned = report_bug(regs->ip, regs) == BUG_TRAP_TYPE_WARN;
	instrumentation_end();
	if (warned)
		regs->ip += UD2_LENGTH;
	return warned;
}

static void kernel_exception(struct pt_regs *regs, const struct host_context *uc)
{
	if (fixup_exception(regs))
		return;
	current->thread.trap_nr = uc->trapno;
	if (uc->trapno == VECTOR_PF)
		pr_alert("BUG: cannot %s kernel address %016lx\n",
			 uc->err & PF_ERR_INSTR ? "execute" :
			 uc->err & PF_ERR_WRITE ? "write to" : "read", uc->cr2);
	die(vector_name(uc->trapno), regs, uc->err);
}

/* Called by fault_entry, the host's signal handler, on the faulting stack. */
void noinstr fault_signal(int sig, struct host_siginfo *info, struct host_context *uc)
{
	bool irqs_on = raw_cpu_read_4(irq_enabled) == ARCH_IRQ_ENABLED;
	irqentry_state_t state;
	struct pt_regs regs;

	/* sent by somebody, not caused by us: as for any process */
	if (info->code <= 0)
		host_exit(128 + sig);

	kernel_regs_from_context(&regs, uc, irqs_on);
	if (uc->trapno == VECTOR_UD && handle_bug(&regs)) {
		regs_to_context(uc, &regs);
		return;
	}
	raw_cpu_write_4(irq_enabled, ARCH_IRQ_DISABLED);
	barrier();
	state = irqentry_enter(&regs);
	instrumentation_begin();
	kernel_exception(&regs, uc);
	instrumentation_end();
	irqentry_exit(&regs, state);
	regs_to_context(uc, &regs);
	if (!irqs_on)
		return;
	raw_cpu_write_4(irq_enabled, ARCH_IRQ_ENABLED);
	barrier();
	if (raw_cpu_read_4(irq_pending))
		irq_replay();
}

int is_valid_bugaddr(unsigned long addr)
{
	return addr < TASK_SIZE;
}
