// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest threads that say they have parked and run on.
 *
 * Theory of operation
 *
 * That a guest thread has parked is known from its hand-off page, which the
 * guest can write: a program can forge an event, say a long sleep, and go on
 * computing on the host's CPUs, unseen by the guest's scheduler.  It can make
 * no system call and handle no fault without parking for good, but it takes
 * time that nobody gave it.
 *
 * So, some time after a guest thread has said that it parked, the host is asked
 * whether it sleeps on its turn.  One that has no task on a vCPU and does not
 * sleep is kicked, which makes it park whatever it does; when it does not even
 * then, its process ends.  That costs a fraction of a microsecond each time,
 * and nothing while no guest code runs.
 */
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <asm/host.h>
#include <asm/intercept.h>
#include <asm/unsafe.h>

#define WATCH_PERIOD	max(HZ / 50, 1)
/*
 * So many kicks and still not parked, about two seconds, in the second half of which its
 * process has had a CPU for some time: else it is the host that has no time for it.  After
 * ten times as many in any case.
 */
#define WATCH_KICKS	100
#define WATCH_KICKS_MOST (10 * WATCH_KICKS)
#define WATCH_CPU_NS	(NSEC_PER_SEC / 2)

static void watch(struct timer_list *timer);
static DEFINE_TIMER(watch_timer, watch);

/* Guest threads to look at; the lock is innermost. */
static DEFINE_RAW_SPINLOCK(watch_lock);
static LIST_HEAD(watched);

/* Whether it does not park although it could. */
static bool is_hostile(struct guest_thread *gt)
{
	u64 cpu;

	if (gt->kicks < WATCH_KICKS / 2)
		return false;
	cpu = host_stub_cpu_ns(gt->stub->slot);
	if (gt->kicks == WATCH_KICKS / 2)
		gt->kicks_cpu = cpu;
	return (gt->kicks > WATCH_KICKS && cpu - gt->kicks_cpu > WATCH_CPU_NS) ||
	       gt->kicks > WATCH_KICKS_MOST;
}

/* Whether to look at it again. */
static bool look_at(struct guest_thread *gt)
{
	struct task_struct *task = READ_ONCE(gt->task);

	if (READ_ONCE(gt->running) || host_guest_asleep(gt->area)) {
		gt->kicks = 0;
		return false;
	}
	if (task && task_curr(task))
		return true;
	gt->kicks++;
	if (is_hostile(gt)) {
		stub_lost(gt->stub);
		return false;
	}
	host_guest_kick(gt->stub->slot, gt->area);
	return true;
}

static void watch(struct timer_list *timer)
{
	struct guest_thread *gt, *next;
	unsigned long flags;
	bool again;

	rcu_read_lock();	/* for their tasks */
	raw_spin_lock_irqsave(&watch_lock, flags);
	list_for_each_entry_safe(gt, next, &watched, watch)
		if (!look_at(gt))
			list_del_init(&gt->watch);
	again = !list_empty(&watched);
	raw_spin_unlock_irqrestore(&watch_lock, flags);
	rcu_read_unlock();
	if (again)
		mod_timer(timer, jiffies + WATCH_PERIOD);
}

void guest_watch(struct guest_thread *gt)
{
	unsigned long flags;

	if (gt->ops || !list_empty_careful(&gt->watch) || guest_unsafe(UNSAFE_RUN_ON))
		return;
	raw_spin_lock_irqsave(&watch_lock, flags);
	if (list_empty(&gt->watch))
		list_add_tail(&gt->watch, &watched);
	raw_spin_unlock_irqrestore(&watch_lock, flags);
	if (!timer_pending(&watch_timer))
		mod_timer(&watch_timer, jiffies + WATCH_PERIOD);
}

void guest_unwatch(struct guest_thread *gt)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&watch_lock, flags);
	list_del_init(&gt->watch);
	raw_spin_unlock_irqrestore(&watch_lock, flags);
}
