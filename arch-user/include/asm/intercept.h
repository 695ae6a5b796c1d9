/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Running guest code: what lies between the run loop (kernel/entry.c) and the
 * way in which guest execution is intercepted.
 *
 * A task is run until something happens, and what happened is returned.  Calls
 * go down, events come back as values.
 */
#ifndef _ASM_USER_INTERCEPT_H
#define _ASM_USER_INTERCEPT_H

#include <linux/types.h>
#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/spinlock_types.h>

struct guest_thread;
struct mm_struct;
struct pt_regs;
struct task_struct;

enum guest_event_type {
	GUEST_EVENT_INTERRUPT,	/* nothing of the guest's: look at irqs and work */
	GUEST_EVENT_SYSCALL,	/* registers as at x86-64's system call entry */
	GUEST_EVENT_EXCEPTION,	/* @vector, @error_code, @address */
	GUEST_EVENT_DEAD,	/* its stub process is gone */
};

/**
 * struct guest_event - why a guest task stopped
 * @type:	which of the above
 * @vector:	x86 exception vector
 * @error_code:	of the exception, as the CPU gives it
 * @address:	CR2 of a page fault; just behind a system call's instruction
 * @nr:		system call number
 */
struct guest_event {
	enum guest_event_type type;
	u8 vector;
	u32 error_code;
	unsigned long address;
	long nr;
};

/* x86 exception vectors that a guest can cause */
#define VECTOR_DE	0
#define VECTOR_DB	1
#define VECTOR_BP	3
#define VECTOR_OF	4
#define VECTOR_BR	5
#define VECTOR_UD	6
#define VECTOR_NP	11
#define VECTOR_SS	12
#define VECTOR_GP	13
#define VECTOR_PF	14
#define VECTOR_MF	16
#define VECTOR_AC	17
#define VECTOR_XF	19
/* none of the CPU's: rewritten system calls do not go with this program */
#define VECTOR_REWRITE	0xff

#define PF_ERR_PROT	1
#define PF_ERR_WRITE	2
#define PF_ERR_USER	4
#define PF_ERR_INSTR	16

#define STUB_MAX_HELD	32

/**
 * struct stub - a stub process as the kernel keeps it
 * @slot:	its number on the host side
 * @refs:	the address space, and one for each guest thread in use
 * @lock:	orders requests to the mapper; inside mm_context_t.lock
 * @threads:	parked guest threads without a task; under @lock
 * @nr_threads:	all guest threads of it; under @lock
 * @deferred:	the batch for the mapper holds what has to be done before a thread
 *		of it runs; under @lock
 * @unsettled:	the last batch has given the turn, and it is not known yet whether the
 *		host has refused it; under @lock
 * @refused:	it has, and nothing has been done about it; under @lock
 * @failures:	batches in a row that the host has refused; under @lock
 * @dead:	its process is gone
 * @list:	among the idle stubs
 * @held:	pages with a reference until the batch has been carried out; under @lock
 * @nr_held:	how many
 */
struct stub {
	u32 slot;
	refcount_t refs;
	spinlock_t lock;
	struct list_head threads;
	unsigned int nr_threads;
	bool deferred;
	bool unsettled;
	bool refused;
	unsigned int failures;
	bool dead;
	struct list_head list;
	struct page *held[STUB_MAX_HELD];
	unsigned int nr_held;
};

/**
 * struct guest_thread - a host thread that runs guest code
 * @stub:	the process it is in
 * @area:	its area
 * @context:	offset in the area of the ucontext to load registers into
 * @fast:	it parked at a rewritten system call: vector state is live in it,
 *		the registers are in the hand-off page
 * @fast_ip:	where that was
 * @running:	it has the turn; then the registers are its own
 * @in_fault:	stock code handles a page fault of the task's
 * @bases_known: @fsbase and @gsbase are what is loaded in the host thread
 * @fsbase:	its FS base, where the host keeps the guest from changing it
 * @gsbase:	its GS base, likewise
 * @task:	whose it is, NULL without one
 * @watch:	among those that said that they parked, see guest_watch()
 * @kicks:	how often it was found not to have
 * @kicks_cpu:	CPU time of its stub after some of them
 * @list:	among @stub's threads without a task
 * @ops:	how it is run when not behind a seccomp filter, else NULL
 * @private:	@ops' own
 */
struct guest_thread {
	struct stub *stub;
	u32 area;
	u32 context;
	bool running;
	bool in_fault;
	bool fast;
	unsigned long fast_ip;
	bool bases_known;
	unsigned long fsbase;
	unsigned long gsbase;
	struct task_struct *task;
	struct list_head watch;
	unsigned int kicks;
	u64 kicks_cpu;
	struct list_head list;
	const struct guest_ops *ops;
	void *private;
};

/**
 * struct guest_ops - a way to intercept guest code other than the filter
 * @make:	make the host thread and @private; stub.lock is held: no sleep
 * @free:	free @private; the host thread is gone
 * @run:	as guest_run()
 * @stop:	make a running thread stop, as guest_stop() but for the undoing;
 *		@running is false already
 * @xstate:	as guest_xstate()
 * @new_xstate:	the area for a new task's vector state, to be filled in
 *
 * kernel/guest.c has the filter's way built in, so that the usual case costs
 * no indirect call; what stubs, binding and idle threads are is the same.
 */
struct guest_ops {
	int (*make)(struct guest_thread *gt);
	void (*free)(struct guest_thread *gt);
	void (*run)(struct guest_thread *gt, struct pt_regs *regs, struct guest_event *ev);
	void (*stop)(struct task_struct *task, struct pt_regs *regs, struct guest_event *ev);
	void *(*xstate)(struct guest_thread *gt);
	void *(*new_xstate)(struct guest_thread *gt);
};

/* Set at boot, before there is a guest thread; NULL for the filter's way. */
extern const struct guest_ops *guest_ops;

/**
 * guest_run() - run a task's guest code until something happens
 * @regs:	its registers: loaded before unless it is still running, and
 *		those at the event after, GUEST_EVENT_INTERRUPT apart
 * @ev:		what happened
 *
 * Context: the current task, interrupts off.
 */
void guest_run(struct pt_regs *regs, struct guest_event *ev);

/* mm/tlb.c: what a stub has to do before guest code runs in it again. */
bool tlb_commit(struct mm_struct *mm);
bool tlb_commit_and_run(struct mm_struct *mm, u32 area);

/**
 * guest_stop() - see that a task's guest code is not running
 * @task:	current, or a task that cannot run meanwhile
 *
 * Its registers are in task_pt_regs() then.  An event that came in between is
 * undone: the instruction will be executed again.
 */
void guest_stop(struct task_struct *task);

/**
 * guest_xstate() - a task's vector state
 * @task:	current, or one that is stopped
 *
 * Return: an XSAVE area in the standard format of boot_info.xstate_size bytes.
 * Guest code may have written to it: untrusted.
 */
void *guest_xstate(struct task_struct *task);

/**
 * guest_release() - give a task's host thread back
 * @task:	current, or one that never ran
 */
void guest_release(struct task_struct *task);

/**
 * guest_bind() - make sure that current has a host thread in its mm's stub
 *
 * Context: may sleep.
 * Return: 0, or -EAGAIN when the host has no more.
 */
int guest_bind(void);

/**
 * stub_get() - the stub of an address space, made when there is none
 * @mm:		address space
 *
 * Context: may sleep.
 * Return: the stub, or an ERR_PTR.
 */
struct stub *stub_get(struct mm_struct *mm);

/**
 * stub_put() - drop a reference; the last one recycles or ends the stub
 * @stub:	which
 */
void stub_put(struct stub *stub);

/**
 * stub_lost() - a stub has to end, and with it the processes that use it
 * @stub:	which; something in it cannot be trusted to be as it should
 */
void stub_lost(struct stub *stub);

/**
 * guest_watch() - a guest thread says that it has parked: see that it has
 * @gt:		which
 *
 * Context: interrupts off, no lock held.
 */
void guest_watch(struct guest_thread *gt);

/**
 * guest_unwatch() - a guest thread's process is gone
 * @gt:		which
 */
void guest_unwatch(struct guest_thread *gt);

/**
 * stub_died() - a stub process is gone: kill its guest process
 * @slot:	its number
 *
 * Context: hard interrupt.
 */
void stub_died(u32 slot);

/**
 * user_mode_loop() - run the current task's guest code, for ever
 * @regs:	task_pt_regs(current)
 */
void __noreturn user_mode_loop(struct pt_regs *regs);

#endif /* _ASM_USER_INTERCEPT_H */
