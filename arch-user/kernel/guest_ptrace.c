// SPDX-License-Identifier: GPL-2.0-only
/*
 * Running guest code under ptrace: the part above host/ptrace.c.
 *
 * A stopped thread's general registers are read at every stop and written
 * before every run.  Vector state stays in the host thread until somebody asks
 * for it; then it is here, and goes back before the next run.
 *
 * Of an exception the host's signal frame tells what the processor said.  With
 * the frame written the thread's vector state is the handler's; its own is in
 * the frame.
 */
#include <linux/init.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/host.h>
#include <asm/intercept.h>
#include <asm/irqflags.h>
#include <asm/processor.h>
#include <asm/xstate.h>
#include "traps.h"

static_assert(offsetof(struct host_traced_regs, fsbase) == sizeof(struct pt_regs));
static_assert(offsetof(struct host_traced_regs, orig_ax) == offsetof(struct pt_regs, orig_ax));

/**
 * struct traced - a guest thread's
 * @regs:	as they were at the last stop
 * @xstate_size: of what the host takes
 * @xstate_here: @xstate is newer than what the host thread has
 * @xstate:	XSAVE area, boot_info.xstate_size bytes
 */
struct traced {
	struct host_traced_regs regs;
	size_t xstate_size;
	bool xstate_here;
	u8 xstate[] __aligned(64);
};

static int traced_make(struct guest_thread *gt)
{
	u32 size = host_boot_info()->xstate_size;
	struct traced *t = kzalloc(sizeof(*t) + size, GFP_ATOMIC);
	unsigned long flags;
	int ret;

	if (!t)
		return -ENOMEM;
	gt->private = t;
	local_irq_save(flags);
	ret = host_traced_thread(gt->stub->slot, gt->area, &t->regs);
	local_irq_restore(flags);
	if (ret)
		return ret;
	/* The host wants whole words. */
	ret = host_traced_xstate(gt->area, t->xstate, round_down(size, sizeof(u64)), false);
	t->xstate_size = ret;
	return ret < 0 ? ret : 0;
}

static void traced_free(struct guest_thread *gt)
{
	kfree(gt->private);
}

/* --- vector state ------------------------------------------------------------- */

static void *traced_new_xstate(struct guest_thread *gt)
{
	struct traced *t = gt->private;

	t->xstate_here = true;
	return t->xstate;
}

static void *traced_xstate(struct guest_thread *gt)
{
	struct traced *t = gt->private;

	if (!t->xstate_here)
		host_traced_xstate(gt->area, t->xstate, t->xstate_size, false);
	t->xstate_here = true;
	return t->xstate;
}

/* --- what happened ------------------------------------------------------------- */

/* What the host has put at an address in the thread's area, and its room. */
static const void *in_area(const struct guest_thread *gt, u64 addr, size_t *room)
{
	u64 off = addr - (STUB_AREAS + gt->area * STUB_AREA_SIZE);

	if (off >= STUB_SIGSTACK_SIZE)
		return NULL;
	*room = STUB_SIGSTACK_SIZE - off;
	return host_area(gt->area) + off;
}

/*
 * The thread's own vector state is in the frame, as far as the host puts it
 * there (no AMX); the header in it says what counts.
 */
static bool fetch_xstate(struct guest_thread *gt, u64 addr)
{
	struct traced *t = gt->private;
	size_t room;
	const void *xstate = in_area(gt, addr, &room);

	if (!xstate || room < XSTATE_EXT_OFFSET)
		return false;
	memcpy(t->xstate, xstate, min(room, t->xstate_size));
	t->xstate_here = true;
	return true;
}

static bool fetch_exception(struct guest_thread *gt, const struct host_traced_event *what,
			    struct guest_event *ev)
{
	const struct host_context *uc;
	struct host_traced_regs handler;
	size_t room;

	if (host_traced_frame(gt->area, what->sig, &handler))
		return false;
	uc = in_area(gt, handler.dx, &room);
	if (!uc || room < sizeof(*uc) || !fetch_xstate(gt, uc->fpstate))
		return false;
	ev->vector = uc->trapno;
	ev->error_code = uc->err;
	ev->address = uc->cr2;
	/* no page fault of its own: the vector is that of an earlier one */
	if (what->sig == SIGSEGV && what->code == SI_KERNEL)
		ev->vector = VECTOR_GP;
	return true;
}

/*
 * The host makes the vsyscall page's calls itself where it has that page, with
 * pointers to what the stub does not map.
 */
static void look_for_vsyscall(const struct pt_regs *regs, struct guest_event *ev)
{
	if (likely(regs->ip < TASK_SIZE) || !in_gate_area_no_mm(regs->ip))
		return;
	ev->vector = VECTOR_PF;
	ev->error_code = PF_ERR_USER | PF_ERR_INSTR;
	ev->address = regs->ip;
}

static bool fetch_regs(struct task_struct *task, struct pt_regs *regs)
{
	struct traced *t = task->thread.guest->private;

	if (host_traced_regs(task->thread.guest->area, &t->regs))
		return false;
	memcpy(regs, &t->regs, sizeof(*regs));
	task->thread.fsbase = t->regs.fsbase;
	task->thread.gsbase = t->regs.gsbase;
	return true;
}

static void fetch_syscall(struct guest_thread *gt, struct pt_regs *regs, struct guest_event *ev)
{
	ev->type = GUEST_EVENT_SYSCALL;
	ev->address = regs->ip;
	/* SYSCALL leaves the address behind it in RCX; INT 0x80 does not. */
	ev->nr = regs->cx == regs->ip || host_traced_native(gt->area) ? (int)regs->orig_ax : -1;
	regs->ax = regs->orig_ax;
}

static void fetch(struct task_struct *task, struct pt_regs *regs, enum host_traced_stop stop,
		  const struct host_traced_event *what, struct guest_event *ev)
{
	struct guest_thread *gt = task->thread.guest;

	ev->type = GUEST_EVENT_DEAD;
	if (stop == HOST_TRACED_DEAD || !fetch_regs(task, regs)) {
		stub_lost(gt->stub);
		return;
	}
	if (unlikely(regs->ip >= STUB_BASE && regs->ip < STUB_END))
		return;
	switch (stop) {
	case HOST_TRACED_SYSCALL:
		fetch_syscall(gt, regs, ev);
		break;
	case HOST_TRACED_VSYSCALL:
		ev->type = GUEST_EVENT_SYSCALL;
		ev->address = what->address;
		ev->nr = (int)regs->ax;
		break;
	case HOST_TRACED_SIGNAL:
		if (!fetch_exception(gt, what, ev)) {
			stub_lost(gt->stub);
			break;
		}
		ev->type = GUEST_EVENT_EXCEPTION;
		look_for_vsyscall(regs, ev);
		break;
	default:
		ev->type = GUEST_EVENT_INTERRUPT;
	}
	regs->orig_ax = -1;
	regs->cs = USER_CS;
	regs->ss = USER_SS;
}

/* --- running --------------------------------------------------------------------- */

static int load_xstate(struct guest_thread *gt)
{
	struct traced *t = gt->private;
	int ret;

	if (!t->xstate_here)
		return 0;
	t->xstate_here = false;
	ret = host_traced_xstate(gt->area, t->xstate, t->xstate_size, true);
	return min(ret, 0);
}

static int load(struct guest_thread *gt, const struct pt_regs *regs)
{
	struct traced *t = gt->private;
	bool bases = t->regs.fsbase != current->thread.fsbase ||
		     t->regs.gsbase != current->thread.gsbase;

	memcpy(&t->regs, regs, sizeof(*regs));
	t->regs.orig_ax = -1;
	t->regs.cs = USER_CS;
	t->regs.ss = USER_SS;
	t->regs.fsbase = current->thread.fsbase;
	t->regs.gsbase = current->thread.gsbase;
	return load_xstate(gt) ?: host_traced_resume(gt->area, &t->regs, bases);
}

static void traced_run(struct guest_thread *gt, struct pt_regs *regs, struct guest_event *ev)
{
	enum host_traced_stop stop = HOST_TRACED_DEAD;
	struct host_traced_event what;

	if (!gt->running) {
		if (unlikely(ip_is_nowhere(regs->ip))) {
			*ev = (struct guest_event) {
				.type = GUEST_EVENT_EXCEPTION, .vector = VECTOR_GP
			};
			return;
		}
		gt->running = !load(gt, regs);
	}
	if (gt->running)
		stop = host_traced_wait(gt->area, this_cpu_ptr(&irq_pending), &what);
	if (stop == HOST_TRACED_RUNS) {
		ev->type = GUEST_EVENT_INTERRUPT;
		return;
	}
	gt->running = false;
	fetch(current, regs, stop, &what, ev);
}

static void traced_stop(struct task_struct *task, struct pt_regs *regs, struct guest_event *ev)
{
	struct host_traced_event what;
	enum host_traced_stop stop = host_traced_stop(task->thread.guest->area, &what);

	fetch(task, regs, stop, &what, ev);
}

static const struct guest_ops traced_ops = {
	.make = traced_make,
	.free = traced_free,
	.run = traced_run,
	.stop = traced_stop,
	.xstate = traced_xstate,
	.new_xstate = traced_new_xstate,
};

static int __init intercept_init(void)
{
	const struct boot_info *boot = host_boot_info();

	if (boot->traced)
		guest_ops = &traced_ops;
	pr_info("Guest code is intercepted by %s%s\n",
		boot->traced ? "ptrace" : "a seccomp filter",
		!boot->intercept_auto ? "" : boot->traced ?
		" (intercept=auto: the host refuses a filter)" : " (intercept=auto)");
	return 0;
}
early_initcall(intercept_init);
