// SPDX-License-Identifier: GPL-2.0-only
/*
 * Watching descriptors on which much comes.
 *
 * Theory of operation
 *
 * The way of an event from the I/O thread to a vCPU that sleeps is two wake-ups
 * of a host thread, which may cost more than a whole round trip is to take.  And
 * guest code that is interrupted for each of many packets does not get far.  So
 * a watcher that is turned on is not armed at once: it waits until vCPU 0
 *
 *  - becomes idle: then it looks at the descriptors itself for a while, and arms
 *    them and sleeps when nothing came (host_watch_idle());
 *  - goes on with guest code, or has a tick: then they are armed.
 *
 * How long an idle vCPU looks is learnt: poll_us when something came in that
 * time, or came soon after it; half as long each time when nothing did.  A
 * guest without traffic does not look at all, nor does one on a host with a
 * single CPU, where who sends needs it.
 *
 * The list is that of vCPU 0, which is always there, and changed by it alone
 * with interrupts off.
 */
#include <linux/bits.h>
#include <linux/irqflags.h>
#include <linux/moduleparam.h>
#include <linux/processor.h>
#include <linux/smp.h>
#include <asm/host.h>
#include <asm/host_events.h>
#include <asm/irq.h>

#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "host_watch."

#define LEAST_NS	5000
#define PAUSES		8	/* between two looks */

/* Microseconds that an idle vCPU at most looks at descriptors. */
static unsigned int poll_us __read_mostly = 100;
module_param(poll_us, uint, 0644);

bool host_watch_waits;
static struct host_watcher *watchers;
static u64 look_ns;		/* for how long, now */
static u64 slept_at;
static bool found;		/* something has come while vCPU 0 looked */

static void arm(struct host_watcher *w)
{
	WRITE_ONCE(w->state, WATCHER_ARMED);
	host_watch(w->fd, w->id, false);
}

void host_watch_arm_all(void)
{
	struct host_watcher *w;
	unsigned long flags;

	local_irq_save(flags);
	WRITE_ONCE(host_watch_waits, false);
	for (w = watchers; w; w = w->next)
		if (READ_ONCE(w->state) == WATCHER_WAITS)
			arm(w);
	local_irq_restore(flags);
}

void host_watcher_on(struct host_watcher *w)
{
	unsigned long flags;

	local_irq_save(flags);
	if (smp_processor_id()) {
		arm(w);
	} else {
		WRITE_ONCE(w->state, WATCHER_WAITS);
		WRITE_ONCE(host_watch_waits, true);
	}
	local_irq_restore(flags);
}

/* The host's event: something came although nobody looked. */
static void armed_event(void *data)
{
	struct host_watcher *w = data;

	if (READ_ONCE(w->state) != WATCHER_ARMED)
		return;
	WRITE_ONCE(w->state, WATCHER_OFF);
	if (host_clock_ns() - slept_at < 4000ULL * poll_us)
		look_ns = 1000ULL * poll_us;
	w->fn(w->data);
}

static bool look(u32 *pending)
{
	struct host_watcher *w;

	for (w = watchers; w; w = w->next) {
		if (READ_ONCE(w->state) == WATCHER_OFF || !host_ready(w->fd, false))
			continue;
		found = true;
		__atomic_fetch_or(pending, BIT(IRQ_BIT_IO), __ATOMIC_SEQ_CST);
		look_ns = 1000ULL * poll_us;
		return true;
	}
	return READ_ONCE(*pending);
}

static bool look_for_a_while(u32 *pending)
{
	u64 end = host_clock_ns() + look_ns;
	struct host_watcher *w;
	int i;

	for (w = watchers; w; w = w->next) {
		if (READ_ONCE(w->state) != WATCHER_ARMED)
			continue;
		WRITE_ONCE(w->state, WATCHER_WAITS);
		WRITE_ONCE(host_watch_waits, true);
		host_unwatch(w->fd);
	}
	do {
		for (i = 0; i < PAUSES; i++)
			cpu_relax();
		if (look(pending))
			return true;
	} while (host_clock_ns() < end);
	look_ns = look_ns > 2 * LEAST_NS ? look_ns / 2 : 0;
	return false;
}

bool host_watch_idle(u32 *pending)
{
	if (!watchers || raw_smp_processor_id())
		return false;
	if (look_ns && host_boot_info()->host_cpus > 1 && look_for_a_while(pending))
		return true;
	host_watch_arm();
	slept_at = host_clock_ns();
	return false;
}

void host_watch_run(void)
{
	struct host_watcher *w;

	if (!found)
		return;
	found = false;
	for (w = watchers; w; w = w->next) {
		if (READ_ONCE(w->state) == WATCHER_OFF || !host_ready(w->fd, false))
			continue;
		WRITE_ONCE(w->state, WATCHER_OFF);
		w->fn(w->data);
	}
}

static void link_watcher(void *data)
{
	struct host_watcher *w = data;

	w->next = watchers;
	watchers = w;
}

static void unlink_watcher(void *data)
{
	struct host_watcher *w = data, **at;

	for (at = &watchers; *at && *at != w; at = &(*at)->next)
		;
	if (*at)
		*at = w->next;
}

int host_watcher_add(struct host_watcher *w)
{
	int ret = host_event_register(&w->id, armed_event, w);

	if (ret)
		return ret;
	w->state = WATCHER_OFF;
	return smp_call_function_single(0, link_watcher, w, true);
}

void host_watcher_remove(struct host_watcher *w)
{
	smp_call_function_single(0, unlink_watcher, w, true);
	WRITE_ONCE(w->state, WATCHER_OFF);
	host_unwatch(w->fd);
	host_event_unregister(w->id);
}
