// SPDX-License-Identifier: GPL-2.0-only
/*
 * Running guest code behind a seccomp filter: stubs, their threads, and the
 * events that come back.  What crosses is described in asm/stub_abi.h, what
 * the stub does in stub/guest.S.
 *
 * A guest thread's registers lie in the host's signal frame on its area.  The
 * area belongs to the guest as much as to the kernel: offsets found there are
 * checked, values are copied once.
 *
 * All that is about frames and turns is the filter's way to intercept; another
 * one stands behind guest_ops and shares the rest.
 *
 * Locks: mm_context_t.lock, then stub.lock.  idle_lock is innermost.
 */
#include <linux/cleanup.h>
#include <linux/idr.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/xarray.h>
#include <uapi/linux/audit.h>
#include <asm/host.h>
#include <asm/intercept.h>
#include <asm/mmu_context.h>
#include <asm/rewrite.h>
#include <asm/switch_to.h>
#include <asm/tlbflush.h>
#include <asm/unsafe.h>
#include <asm/xstate.h>
#include "traps.h"

/* Stubs kept for the next address space. */
#define MAX_IDLE_STUBS		16

#define HOST_SIGSYS	31

static DEFINE_IDA(slot_ida);
static DEFINE_IDA(area_ida);
static DEFINE_SPINLOCK(idle_lock);
static LIST_HEAD(idle_stubs);
static unsigned int nr_idle_stubs;

const struct guest_ops *guest_ops __ro_after_init;

/* By slot, for stub_died(); set while the stub exists. */
static struct stub *stubs[STUB_MAX_STUBS];

/* --- layout of an area ------------------------------------------------------ */

#define CONTEXT_SIZE	sizeof(struct host_context)

/* Where the host puts the XSAVE area of a frame at the top of the stack. */
static u32 first_xstate(void)
{
	return round_down(STUB_SIGSTACK_SIZE - host_boot_info()->xstate_size, 64);
}

/*
 * A frame of our own making: just the context and the XSAVE area above it.  It
 * lies above any frame of the host's for the same thread, so that a kick that
 * interrupts the thread on its way there does not overwrite it.
 */
static u32 first_context(void)
{
	return round_down(first_xstate() - CONTEXT_SIZE - sizeof(struct host_siginfo), 64);
}

static struct host_context *guest_context(const struct guest_thread *gt)
{
	return host_area(gt->area) + gt->context;
}

static struct stub_handoff *guest_handoff(const struct guest_thread *gt)
{
	return host_area(gt->area) + STUB_HANDOFF;
}

static unsigned long area_base(const struct guest_thread *gt)
{
	return STUB_AREAS + gt->area * STUB_AREA_SIZE;
}

/* GS base of a thread whose program has none: rewritten calls look there. */
static unsigned long handoff_addr(const struct guest_thread *gt)
{
	return area_base(gt) + STUB_HANDOFF;
}

/* Offset of something of the given size in the signal stack, or -1. */
static long area_offset(const struct guest_thread *gt, u64 addr, size_t size)
{
	u64 off = addr - area_base(gt);

	if (guest_unsafe(UNSAFE_FRAME_CHECK))
		return off;
	if (off >= STUB_SIGSTACK_SIZE || off + size > STUB_SIGSTACK_SIZE || (off & 7))
		return -1;
	return off;
}

/* Whether there are requests that have to be known done before it runs. */
static bool is_behind(const struct stub *stub)
{
	return stub->deferred || stub->unsettled;
}

/*
 * A thread that parked at a rewritten system call has its vector state in its
 * registers: have it stored, in a frame of our own making.
 *
 * The thread wakes up for that, with a stack pointer that may be anything: what its
 * stub was to unmap before it runs is unmapped first.
 */
static void save_fast(struct guest_thread *gt)
{
	struct _xstate *xstate = host_area(gt->area) + first_xstate();
	struct stub_handoff *ho = guest_handoff(gt);
	struct mm_struct *mm = gt->task->mm;

	if (is_behind(gt->stub) && !(mm && mm->context.stub == gt->stub && tlb_commit(mm)))
		stub_lost(gt->stub);
	WRITE_ONCE(ho->stack, area_base(gt) + first_context());
	gt->fast = false;
	gt->context = first_context();
	guest_context(gt)->fpstate = area_base(gt) + first_xstate();
	xstate_reset_area(xstate);
	WRITE_ONCE(ho->context, area_base(gt) + first_xstate());
	WRITE_ONCE(ho->xmask, xstate_features());
	if (host_guest_save(gt->stub->slot, gt->area))
		stub_lost(gt->stub);
	/* A kick that reaches it now must not push over what is there. */
	WRITE_ONCE(ho->context, area_base(gt) + gt->context);
}

/* The initial state, of one that has not run since it was made or since exec. */
static void *initial_xstate(struct task_struct *task)
{
	task->thread.xstate = kzalloc(host_boot_info()->xstate_size, GFP_KERNEL | __GFP_NOFAIL);
	xstate_reset_area(task->thread.xstate);
	return task->thread.xstate;
}

void *guest_xstate(struct task_struct *task)
{
	struct guest_thread *gt = task->thread.guest;
	long off;

	if (!gt)
		return task->thread.xstate ?: initial_xstate(task);
	if (gt->ops)
		return gt->ops->xstate(gt);
	if (gt->fast)
		save_fast(gt);
	off = area_offset(gt, READ_ONCE(guest_context(gt)->fpstate),
			  host_boot_info()->xstate_size);
	/* Forged: any place in its own area will do. */
	if (off < 0 || (off & 63))
		off = first_xstate();
	guest_context(gt)->fpstate = area_base(gt) + off;
	return host_area(gt->area) + off;
}

/* --- stubs -------------------------------------------------------------------- */

static void free_thread(struct guest_thread *gt)
{
	guest_unwatch(gt);
	host_area_clear(gt->area);
	ida_free(&area_ida, gt->area);
	if (gt->ops)
		gt->ops->free(gt);
	kfree(gt);
}

/*
 * A request to the zygote and its answer belong together, and so do the end of a stub
 * and what is noted of it: an interrupt that stops the vCPU for a reboot must not come
 * in between, nor one that has another task wait for the zygote.
 */
static int spawn(u32 slot)
{
	unsigned long flags;
	int ret;

	local_irq_save(flags);
	ret = host_stub_spawn(slot);
	local_irq_restore(flags);
	return ret;
}

static void end(u32 slot)
{
	unsigned long flags;

	local_irq_save(flags);
	host_stub_kill(slot);
	local_irq_restore(flags);
}

/* End the process; nothing runs in it or is mapped by it after this. */
static void end_stub(struct stub *stub)
{
	struct guest_thread *gt, *next;

	WRITE_ONCE(stubs[stub->slot], NULL);
	end(stub->slot);
	tlb_release_held(stub);
	list_for_each_entry_safe(gt, next, &stub->threads, list)
		free_thread(gt);
	ida_free(&slot_ida, stub->slot);
	kfree(stub);
}

/* One that is traced is stopped when it says so. */
static bool is_parked(struct guest_thread *gt)
{
	return gt->ops || host_guest_parked(gt->area);
}

/*
 * Make it as good as new.  Nobody else knows it any more.
 *
 * Its guest may have said that it parked, and run on: it could be anywhere in
 * its memory or in the stub's text, with registers of its choice, and go on in
 * the next program's memory.  The host can tell for a single thread; of several,
 * each could sleep in another's place.  Once it is known to be asleep its memory
 * goes with the next request (mm/tlb.c), before it runs again.
 */
static bool clean_stub(struct stub *stub)
{
	struct guest_thread *gt;

	if (READ_ONCE(stub->dead) || stub->nr_threads != 1)
		return false;
	gt = list_first_entry(&stub->threads, struct guest_thread, list);
	/* after this the mapper does not wake it any more */
	host_stub_forget(stub->slot);
	if (!is_parked(gt))
		return false;
	tlb_release_held(stub);
	host_stub_unmap(stub->slot, 0, STUB_BASE);
	stub->deferred = true;
	stub->unsettled = false;
	stub->refused = false;
	if (gt->ops && host_stub_commit(stub->slot))
		return false;
	if (!gt->ops)
		host_guest_reset(gt->area, first_context());
	gt->bases_known = false;
	return true;
}

/* Whether it is still there, its thread ready for what comes. */
static bool is_clean(struct stub *stub)
{
	struct guest_thread *gt = list_first_entry(&stub->threads, struct guest_thread, list);

	return !READ_ONCE(stub->dead) && is_parked(gt);
}

void stub_put(struct stub *stub)
{
	unsigned long flags;
	bool keep;

	if (!refcount_dec_and_test(&stub->refs))
		return;
	keep = clean_stub(stub);
	if (keep) {
		spin_lock_irqsave(&idle_lock, flags);
		keep = nr_idle_stubs < MAX_IDLE_STUBS;
		if (keep) {
			list_add(&stub->list, &idle_stubs);
			nr_idle_stubs++;
		}
		spin_unlock_irqrestore(&idle_lock, flags);
	}
	if (!keep)
		end_stub(stub);
}

static struct stub *idle_stub(void)
{
	struct stub *stub;
	unsigned long flags;

	spin_lock_irqsave(&idle_lock, flags);
	stub = list_first_entry_or_null(&idle_stubs, struct stub, list);
	if (stub) {
		list_del(&stub->list);
		nr_idle_stubs--;
	}
	spin_unlock_irqrestore(&idle_lock, flags);
	return stub;
}

static struct stub *new_stub(void)
{
	struct stub *stub = kzalloc(sizeof(*stub), GFP_KERNEL);
	int slot, ret;

	if (!stub)
		return ERR_PTR(-ENOMEM);
	slot = ida_alloc_max(&slot_ida, STUB_MAX_STUBS - 1, GFP_KERNEL);
	if (slot < 0) {
		kfree(stub);
		return ERR_PTR(slot);
	}
	stub->slot = slot;
	spin_lock_init(&stub->lock);
	INIT_LIST_HEAD(&stub->threads);
	WRITE_ONCE(stubs[slot], stub);
	ret = spawn(slot);
	if (!ret)
		return stub;
	WRITE_ONCE(stubs[slot], NULL);
	ida_free(&slot_ida, slot);
	kfree(stub);
	return ERR_PTR(ret);
}

struct stub *stub_get(struct mm_struct *mm)
{
	struct stub *stub = READ_ONCE(mm->context.stub);

	if (stub)
		return stub;
	do {
		stub = idle_stub();
	} while (stub && !is_clean(stub) && (end_stub(stub), true));
	if (!stub)
		stub = new_stub();
	if (IS_ERR(stub))
		return stub;
	refcount_set(&stub->refs, 1);
	if (!cmpxchg(&mm->context.stub, NULL, stub))
		return stub;
	stub_put(stub);
	return mm->context.stub;
}

/* The stub of an address space is gone, or about to be: its tasks end. */
static void kill_users(struct stub *stub)
{
	struct task_struct *p;

	rcu_read_lock();
	for_each_process(p) {
		struct mm_struct *mm = READ_ONCE(p->mm);

		if (mm && READ_ONCE(mm->context.stub) == stub)
			send_sig(SIGKILL, p, 1);
	}
	rcu_read_unlock();
}

void stub_lost(struct stub *stub)
{
	WRITE_ONCE(stub->dead, true);
	end(stub->slot);
	kill_users(stub);
}

void stub_died(u32 slot)
{
	struct stub *stub = READ_ONCE(stubs[slot]);

	if (!stub || host_stub_alive(slot))
		return;
	WRITE_ONCE(stub->dead, true);
	kill_users(stub);
}

/* --- threads -------------------------------------------------------------------- */

static struct guest_thread *parked_thread(struct stub *stub)
{
	struct guest_thread *gt;

	guard(spinlock)(&stub->lock);
	gt = list_first_entry_or_null(&stub->threads, struct guest_thread, list);
	if (gt)
		list_del(&gt->list);
	return gt;
}

static struct guest_thread *new_thread(struct stub *stub)
{
	struct guest_thread *gt = kzalloc(sizeof(*gt), GFP_KERNEL);
	int area, ret;

	if (!gt)
		return NULL;
	area = ida_alloc_max(&area_ida, STUB_MAX_AREAS - 1, GFP_KERNEL);
	if (area < 0) {
		kfree(gt);
		return NULL;
	}
	gt->stub = stub;
	gt->area = area;
	INIT_LIST_HEAD(&gt->watch);
	gt->ops = guest_ops;
	spin_lock(&stub->lock);
	ret = gt->ops ? gt->ops->make(gt) :
			host_stub_thread(stub->slot, area, first_context());
	if (!ret)
		stub->nr_threads++;
	spin_unlock(&stub->lock);
	if (!ret)
		return gt;
	/* A thread half made may still use its area: the stub has to go. */
	stub_lost(stub);
	free_thread(gt);
	return NULL;
}

/* Where the stub finds what to go on with when it gets its first turn. */
static void *first_frame(struct guest_thread *gt)
{
	gt->fast = false;
	gt->context = first_context();
	guest_context(gt)->fpstate = area_base(gt) + first_xstate();
	return host_area(gt->area) + first_xstate();
}

static void fill_first_frame(struct task_struct *task, struct guest_thread *gt)
{
	void *xstate = gt->ops ? gt->ops->new_xstate(gt) : first_frame(gt);

	if (guest_unsafe(UNSAFE_RECYCLE_CLEAR) && !task->thread.xstate)
		return;
	if (!task->thread.xstate) {
		xstate_reset_area(xstate);
		return;
	}
	memcpy(xstate, task->thread.xstate, host_boot_info()->xstate_size);
	kfree(task->thread.xstate);
	task->thread.xstate = NULL;
}

/* It takes its name with the next request, which is not far. */
static void name_stub(struct stub *stub, const char *name)
{
	spin_lock(&stub->lock);
	if (host_stub_room(stub->slot) > 1)
		host_stub_name(stub->slot, name);
	spin_unlock(&stub->lock);
}

int guest_bind(void)
{
	struct stub *stub = stub_get(current->mm);
	struct guest_thread *gt;
	bool first;

	if (IS_ERR(stub))
		return -EAGAIN;
	first = refcount_read(&stub->refs) == 1;
	gt = parked_thread(stub) ?: new_thread(stub);
	if (!gt)
		return -EAGAIN;
	refcount_inc(&stub->refs);
	if (first)
		name_stub(stub, current->comm);
	fill_first_frame(current, gt);
	WRITE_ONCE(gt->task, current);
	current->thread.guest = gt;
	return 0;
}

void guest_release(struct task_struct *task)
{
	struct guest_thread *gt = task->thread.guest;
	struct stub *stub;

	if (!gt)
		return;
	guest_stop(task);
	task->thread.guest = NULL;
	WRITE_ONCE(gt->task, NULL);
	stub = gt->stub;
	spin_lock(&stub->lock);
	list_add(&gt->list, &stub->threads);
	spin_unlock(&stub->lock);
	stub_put(stub);
}

/* --- running --------------------------------------------------------------------- */

static bool in_stub(unsigned long ip)
{
	return ip >= STUB_BASE && ip < STUB_END;
}

/* What guest code can have in its flags register; the rest would be forged. */
#define FLAGS_GUEST	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | \
			 X86_EFLAGS_SF | X86_EFLAGS_TF | X86_EFLAGS_DF | X86_EFLAGS_OF | \
			 X86_EFLAGS_NT | X86_EFLAGS_RF | X86_EFLAGS_AC | X86_EFLAGS_ID)

/* What an event says of itself: the frame, copied once. */
static void decode(struct guest_thread *gt, u32 sig, u64 info, const struct host_context *uc,
		   struct guest_event *ev)
{
	long off = area_offset(gt, info, sizeof(struct host_siginfo));
	const struct host_siginfo *si = host_area(gt->area) + max(off, 0L);

	ev->vector = uc->trapno;
	ev->error_code = uc->err;
	ev->address = uc->cr2;
	if (sig == STUB_SIG_KICK) {
		ev->type = GUEST_EVENT_INTERRUPT;
	} else if (sig == HOST_SIGSYS) {
		ev->type = GUEST_EVENT_SYSCALL;
		ev->address = READ_ONCE(si->addr);
		ev->nr = off < 0 || READ_ONCE(si->arch) != AUDIT_ARCH_X86_64 ? -1 : (int)uc->ax;
	} else {
		ev->type = GUEST_EVENT_EXCEPTION;
		/* no page fault of its own: the vector is that of an earlier one */
		if (sig == SIGSEGV && READ_ONCE(si->code) == SI_KERNEL)
			ev->vector = VECTOR_GP;
	}
}

static void fetch_bases(struct task_struct *task, struct guest_thread *gt,
			const struct stub_handoff *ho)
{
	unsigned long gs = READ_ONCE(ho->gsbase);

	if (!host_boot_info()->fsgsbase)
		return;
	task->thread.fsbase = READ_ONCE(ho->fsbase);
	task->thread.gsbase = gs == handoff_addr(gt) ? 0 : gs;
}

/* A rewritten system call. */
static void fetch_fast(struct guest_thread *gt, const struct stub_handoff *ho,
		       struct pt_regs *regs, struct guest_event *ev)
{
	struct stub_regs from;

	memcpy(&from, &ho->regs, sizeof(from));
	barrier();
	regs->r15 = from.r15;
	regs->r14 = from.r14;
	regs->r13 = from.r13;
	regs->r12 = from.r12;
	regs->bp = from.bp;
	regs->bx = from.bx;
	regs->r11 = from.r11;
	regs->r10 = from.r10;
	regs->r9 = from.r9;
	regs->r8 = from.r8;
	regs->ax = from.ax;
	regs->cx = from.cx;
	regs->dx = from.dx;
	regs->si = from.si;
	regs->di = from.di;
	regs->ip = from.ip;
	regs->flags = from.flags;
	regs->sp = from.sp;
	gt->fast = true;
	gt->fast_ip = from.ip;
	ev->type = in_stub(from.ip) ? GUEST_EVENT_DEAD : GUEST_EVENT_SYSCALL;
	ev->nr = (int)from.ax;
	ev->address = from.ip;
}

/* Anything else: a frame of the host's. */
static void fetch_frame(struct guest_thread *gt, const struct stub_handoff *ho, u32 event,
			struct pt_regs *regs, struct guest_event *ev)
{
	long off = area_offset(gt, READ_ONCE(ho->context), CONTEXT_SIZE);
	struct host_context uc;

	gt->fast = false;
	if (off < 0) {
		gt->context = first_context();
		ev->type = GUEST_EVENT_DEAD;
		return;
	}
	gt->context = off;
	memcpy(&uc, host_area(gt->area) + off, sizeof(uc));
	decode(gt, event, READ_ONCE(ho->info), &uc, ev);
	if (uc.ip == host_stub_foreign())
		uc.ip = uc.r11 + STUB_TRAMPOLINE_BACK;
	regs_from_context(regs, &uc);
	/* A fault of the stub's own: its frame was forged. */
	if (unlikely(in_stub(uc.ip)))
		ev->type = GUEST_EVENT_DEAD;
}

static void fetch(struct task_struct *task, struct pt_regs *regs, struct guest_event *ev)
{
	struct guest_thread *gt = task->thread.guest;
	struct stub_handoff *ho = guest_handoff(gt);
	u32 event = READ_ONCE(ho->event);

	if (unlikely(event == STUB_EVENT_UNDONE)) {
		/* It had not got away: all is as it was given to it. */
		gt->bases_known = false;
		ev->type = GUEST_EVENT_INTERRUPT;
		return;
	}
	fetch_bases(task, gt, ho);
	if (event == STUB_EVENT_SYSCALL) {
		fetch_fast(gt, ho, regs, ev);
	} else {
		fetch_frame(gt, ho, event, regs, ev);
		if (task->mm)
			rewrite_untangle(task->mm, regs, ev);
	}
	regs->flags = (regs->flags & FLAGS_GUEST) | X86_EFLAGS_IF | X86_EFLAGS_FIXED;
	regs->orig_ax = -1;
	regs->cs = USER_CS;
	regs->ss = USER_SS;
}

/*
 * What the guest thread is to do for its FS and GS bases to be current's: two
 * instructions, or host calls, which are spared as long as nothing changes.
 */
static u32 load_bases(struct guest_thread *gt, struct stub_handoff *ho)
{
	unsigned long fs = current->thread.fsbase;
	unsigned long gs = current->thread.gsbase ?: handoff_addr(gt);
	u32 bases = 0;

	if (!host_boot_info()->fsgsbase) {
		if (gt->bases_known && gt->fsbase == fs && gt->gsbase == gs)
			return 0;
		if (!gt->bases_known || gt->fsbase != fs)
			bases |= STUB_BASES_SET_FS;
		if (!gt->bases_known || gt->gsbase != gs)
			bases |= STUB_BASES_SET_GS;
		gt->fsbase = fs;
		gt->gsbase = gs;
		gt->bases_known = true;
	} else {
		bases = STUB_BASES_INSN;
	}
	WRITE_ONCE(ho->fsbase, fs);
	WRITE_ONCE(ho->gsbase, gs);
	return bases;
}

/* Whether registers are as a system call leaves them: then the way back is short. */
static bool as_after_syscall(const struct guest_thread *gt, const struct pt_regs *regs)
{
	return regs->ip == gt->fast_ip && regs->cx == regs->ip && regs->r11 == regs->flags &&
	       !(regs->flags & X86_EFLAGS_TF) && !current->thread.gsbase;
}

static void load_fast(struct stub_handoff *ho, const struct pt_regs *regs)
{
	ho->regs = (struct stub_regs) {
		.r15 = regs->r15, .r14 = regs->r14, .r13 = regs->r13, .r12 = regs->r12,
		.bp = regs->bp, .bx = regs->bx, .r11 = regs->r11, .r10 = regs->r10,
		.r9 = regs->r9, .r8 = regs->r8, .ax = regs->ax, .cx = regs->cx,
		.dx = regs->dx, .si = regs->si, .di = regs->di, .ip = regs->ip,
		.flags = regs->flags, .sp = regs->sp,
	};
	WRITE_ONCE(ho->resume, STUB_RESUME_FAST);
}

static void load(struct guest_thread *gt, const struct pt_regs *regs)
{
	struct stub_handoff *ho = guest_handoff(gt);

	if (gt->fast && !as_after_syscall(gt, regs))
		save_fast(gt);
	if (gt->fast) {
		load_fast(ho, regs);
	} else {
		regs_to_context(guest_context(gt), regs);
		WRITE_ONCE(ho->context, area_base(gt) + gt->context);
		WRITE_ONCE(ho->resume, STUB_RESUME_CONTEXT);
	}
	WRITE_ONCE(ho->bases, load_bases(gt, ho));
}

/* How long a vCPU polls for its guest before it sleeps, in TSC cycles. */
static u32 spin_cycles(void)
{
	return host_boot_info()->host_cpus > 1 ? 400000 : 0;
}

void guest_run(struct pt_regs *regs, struct guest_event *ev)
{
	struct guest_thread *gt = current->thread.guest;
	bool parked;

	if (unlikely(gt->ops)) {
		host_disk_flush(smp_processor_id());
		gt->ops->run(gt, regs, ev);
		return;
	}
	if (!gt->running) {
		if (unlikely(ip_is_nowhere(regs->ip))) {
			*ev = (struct guest_event) {
				.type = GUEST_EVENT_EXCEPTION, .vector = VECTOR_GP
			};
			return;
		}
		load(gt, regs);
		gt->running = true;
		if (!is_behind(gt->stub)) {
			host_guest_resume(gt->area);
		} else if (!tlb_commit_and_run(current->mm, gt->area)) {
			/* it has not begun to run, and has no event */
			gt->running = false;
			stub_lost(gt->stub);
			ev->type = GUEST_EVENT_INTERRUPT;
			return;
		}
	}
	parked = host_guest_wait(gt->area, spin_cycles(), this_cpu_ptr(&irq_pending));
	/* it has been running: what it could see, it does not any more */
	if (unlikely(gt->stub->nr_held))
		tlb_settle(gt->stub);
	if (!parked) {
		/* init ignores the SIGKILL of kill_users() */
		ev->type = READ_ONCE(gt->stub->dead) ? GUEST_EVENT_DEAD : GUEST_EVENT_INTERRUPT;
		return;
	}
	gt->running = false;
	fetch(current, regs, ev);
}

static void undo_syscall(struct pt_regs *regs, const struct guest_event *ev)
{
	if (likely(ev->address < TASK_SIZE)) {
		regs->ip -= 2;
		return;
	}
	/* a call of the vsyscall page, from which it has returned already */
	regs->ip = ev->address;
	regs->sp -= sizeof(long);
}

/* An event that came while the guest was being stopped: as if it had not. */
static void undo(struct task_struct *task, struct pt_regs *regs, const struct guest_event *ev)
{
	switch (ev->type) {
	case GUEST_EVENT_SYSCALL:
		undo_syscall(regs, ev);
		break;
	case GUEST_EVENT_EXCEPTION:
		if (ev->vector == VECTOR_BP)
			regs->ip -= 1;
		else if (ev->vector == VECTOR_DB)
			send_sig_fault(SIGTRAP, TRAP_TRACE, (void __user *)regs->ip, task);
		break;
	case GUEST_EVENT_DEAD:
		send_sig(SIGKILL, task, 1);
		break;
	case GUEST_EVENT_INTERRUPT:
		break;
	}
}

void guest_stop(struct task_struct *task)
{
	struct guest_thread *gt = task->thread.guest;
	struct guest_event ev = { .type = GUEST_EVENT_DEAD };
	struct pt_regs *regs = task_pt_regs(task);

	if (!gt)
		return;
	if (gt->running) {
		gt->running = false;
		if (gt->ops)
			gt->ops->stop(task, regs, &ev);
		else if (!host_guest_stop(gt->stub->slot, gt->area))
			fetch(task, regs, &ev);
		else
			stub_lost(gt->stub);
		undo(task, regs, &ev);
	}
	guest_watch(gt);
}

/**
 * guest_leave() - a task's guest thread need not poll for its turn
 * @task:	which
 */
void guest_leave(struct task_struct *task)
{
	if (task->thread.guest && !task->thread.guest->ops)
		host_guest_leave(task->thread.guest->area);
}

/**
 * guest_switch() - a task is being switched out
 * @prev:	which
 * @next:	the one that is switched in
 *
 * When all that is waited for is a disk its guest thread goes on polling: that
 * often takes less time than to wake it.
 */
void guest_switch(struct task_struct *prev, struct task_struct *next)
{
	unsigned int cpu = raw_smp_processor_id();

	if (is_idle_task(next) && host_disk_waits(cpu))
		return;
	host_disk_flush(cpu);
	guest_leave(prev);
}

int init_new_context(struct task_struct *task, struct mm_struct *mm)
{
	spin_lock_init(&mm->context.lock);
	mm->context.stub = NULL;
	mm->context.nr_maps = 0;
	mm->context.rewrite = NULL;
	mm->context.traps = 0;
	mm->context.old = 0;
	mm->context.chunks = kmalloc(sizeof(*mm->context.chunks), GFP_KERNEL);
	if (!mm->context.chunks)
		return -ENOMEM;
	xa_init(mm->context.chunks);
	return 0;
}

void destroy_context(struct mm_struct *mm)
{
	if (mm->context.rewrite) {
		tlb_drop(mm);
		rewrite_end(mm);
	}
	tlb_forget(mm);
	if (mm->context.stub)
		stub_put(mm->context.stub);
	mm->context.stub = NULL;
}
