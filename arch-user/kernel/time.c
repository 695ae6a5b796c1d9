// SPDX-License-Identifier: GPL-2.0-only
/*
 * Time: clocksources, sched_clock() and the vCPUs' timers.
 *
 * Theory of operation
 *
 * When the host itself keeps time by the TSC, so does the guest, also in its
 * vDSO: "tsc-early" at the frequency that the host side measured in some
 * milliseconds, and "tsc" in its place once it is known better, a second
 * later.  Otherwise, and when the TSC is lost, "host" asks the host's clock.
 *
 * The TSC is lost when the machine slept and came back with a counter that
 * started anew, or when a virtual machine was moved to a host with another
 * one.  This shows as a TSC that is behind what the same vCPU saw, or that ran
 * at another pace than the host's clock since.
 *
 * A timer is a host timer for each vCPU.  When it comes very late, the process
 * was stopped or the host slept, and who watches for stalls is told that there
 * was none.
 */
#include <linux/clockchips.h>
#include <linux/clocksource.h>
#include <linux/interrupt.h>
#include <linux/math64.h>
#include <linux/nmi.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/sched/clock.h>
#include <linux/time64.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>
#include <asm/host.h>
#include <asm/time.h>
#include <asm/tsc.h>

/* A timer that is so late was held up by the host. */
#define LATE_NS		NSEC_PER_SEC

/* Time over which the TSC's frequency is measured. */
#define REFINE_NS	NSEC_PER_SEC

/* The pace is looked at over at least this time; it may differ by 1/50. */
#define PACE_NS		(100 * NSEC_PER_MSEC)
#define PACE_MARGIN	50

/* Refuse a measurement that differs from the first by 1/100. */
#define REFINE_MARGIN	100

/**
 * struct user_timer - a vCPU's timer
 * @dev:	for the clockevents core
 * @due:	sched_clock() at which it should expire, 0 when it is off
 * @seen:	the last TSC this vCPU saw
 * @pace:	the TSC at the last look at its pace
 * @pace_ns:	the host's clock then
 */
struct user_timer {
	struct clock_event_device dev;
	u64 due;
	u64 seen;
	u64 pace;
	u64 pace_ns;
};

static DEFINE_PER_CPU(struct user_timer, user_timer);

/* sched_clock() counts from @tsc0 while @tsc_good, else from @host0. */
static bool tsc_good __read_mostly;
static u64 tsc0 __ro_after_init;
static u64 host0 __ro_after_init;
static u32 tsc_mult __ro_after_init;
static u32 tsc_shift __ro_after_init;

/* --- clocksources -------------------------------------------------------- */

static u64 tsc_read(struct clocksource *cs)
{
	return rdtsc_ordered();
}

static u64 host_clock_read(struct clocksource *cs)
{
	return host_clock_ns();
}

static struct clocksource clocksource_tsc_early = {
	.name			= "tsc-early",
	.rating			= 399,
	.read			= tsc_read,
	.mask			= CLOCKSOURCE_MASK(64),
	.flags			= CLOCK_SOURCE_IS_CONTINUOUS | CLOCK_SOURCE_VALID_FOR_HRES,
	.vdso_clock_mode	= VDSO_CLOCKMODE_TSC,
};

static struct clocksource clocksource_tsc = {
	.name			= "tsc",
	.rating			= 400,
	.read			= tsc_read,
	.mask			= CLOCKSOURCE_MASK(64),
	.flags			= CLOCK_SOURCE_IS_CONTINUOUS | CLOCK_SOURCE_VALID_FOR_HRES,
	.vdso_clock_mode	= VDSO_CLOCKMODE_TSC,
};

static struct clocksource clocksource_host = {
	.name			= "host",
	.rating			= 300,
	.read			= host_clock_read,
	.mask			= CLOCKSOURCE_MASK(64),
	.flags			= CLOCK_SOURCE_IS_CONTINUOUS | CLOCK_SOURCE_VALID_FOR_HRES,
	.vdso_clock_mode	= VDSO_CLOCKMODE_NONE,
};

/**
 * sched_clock() - nanoseconds since the start, without a host call if possible
 */
noinstr u64 sched_clock(void)
{
	if (likely(tsc_good))
		return mul_u64_u32_shr(rdtsc() - tsc0, tsc_mult, tsc_shift);
	return likely(host0) ? host_clock_ns() - host0 : 0;
}

/**
 * read_persistent_clock64() - the time of day, for the start of timekeeping
 * @ts:		result
 */
void read_persistent_clock64(struct timespec64 *ts)
{
	*ts = ns_to_timespec64(host_realtime_ns());
}

/* --- the TSC's frequency ------------------------------------------------- */

struct tsc_sample {
	u64 tsc;
	u64 ns;
};

static struct tsc_sample first_sample;

/* The TSC at a reading of the host's clock: the tightest of some tries. */
static struct tsc_sample take_sample(void)
{
	struct tsc_sample best = {};
	u64 least = U64_MAX;
	int i;

	for (i = 0; i < 10; i++) {
		u64 before = rdtsc_ordered();
		u64 ns = host_clock_raw_ns();
		u64 took = rdtsc_ordered() - before;

		if (took < least) {
			least = took;
			best.tsc = before + took / 2;
			best.ns = ns;
		}
	}
	return best;
}

/* The one of the two that is registered. */
static struct clocksource *tsc_in_use;

static void refine_tsc(struct work_struct *work)
{
	struct tsc_sample now = take_sample();
	u64 first = host_boot_info()->tsc_khz;
	u64 khz = mul_u64_u64_div_u64(now.tsc - first_sample.tsc, USEC_PER_SEC,
				      now.ns - first_sample.ns);

	if (!READ_ONCE(tsc_good))
		return;
	if (abs_diff(khz, first) > first / REFINE_MARGIN) {
		pr_warn("tsc: %llu kHz at first and %llu kHz now\n", first, khz);
		return;
	}
	pr_info("tsc: %llu.%03llu MHz\n", khz / 1000, khz % 1000);
	clocksource_register_khz(&clocksource_tsc, khz);
	clocksource_unregister(&clocksource_tsc_early);
	tsc_in_use = &clocksource_tsc;
}

static DECLARE_DELAYED_WORK(refine_work, refine_tsc);

static void drop_tsc(struct work_struct *work)
{
	pr_warn("tsc: not what it was, the host's clock takes over\n");
	cancel_delayed_work_sync(&refine_work);
	clocksource_unregister(tsc_in_use);
}

static DECLARE_WORK(drop_work, drop_tsc);

/*
 * Whether the TSC has kept pace with the host's clock.  A host that gives the CPU to
 * somebody else between the two readings says nothing: then the next tick tells.
 */
static bool tsc_keeps_pace(struct user_timer *t, u64 now)
{
	u64 ns = host_clock_ns(), took = ns - t->pace_ns, by_tsc;

	if (took < PACE_NS ||
	    mul_u64_u32_shr(rdtsc() - now, tsc_mult, tsc_shift) > took / (2 * PACE_MARGIN))
		return true;
	by_tsc = mul_u64_u32_shr(now - t->pace, tsc_mult, tsc_shift);
	t->pace = now;
	t->pace_ns = ns;
	return took == ns || abs_diff(by_tsc, took) < took / PACE_MARGIN;
}

static void check_tsc(struct user_timer *t)
{
	u64 now = rdtsc();

	if (unlikely(now < t->seen || !tsc_keeps_pace(t, now)) && xchg(&tsc_good, false))
		schedule_work(&drop_work);
	t->seen = now;
}

static int __init tsc_start_refining(void)
{
	if (tsc_good)
		schedule_delayed_work(&refine_work, nsecs_to_jiffies(REFINE_NS));
	return 0;
}
late_initcall(tsc_start_refining);

/* --- timers -------------------------------------------------------------- */

static int user_timer_set(unsigned long ns, struct clock_event_device *dev)
{
	struct user_timer *t = container_of(dev, struct user_timer, dev);

	t->due = sched_clock() + ns;
	host_timer_set(smp_processor_id(), ns);
	return 0;
}

static int user_timer_off(struct clock_event_device *dev)
{
	struct user_timer *t = container_of(dev, struct user_timer, dev);

	t->due = 0;
	host_timer_set(smp_processor_id(), 0);
	return 0;
}

/* No guest code ran for a while, and that is nobody's fault. */
static void excuse_stall(void)
{
	touch_nmi_watchdog();
	touch_softlockup_watchdog_sync();
	wq_watchdog_touch(smp_processor_id());
	rcu_cpu_stall_reset();
	reset_hung_task_detector();
}

void timer_interrupt(void)
{
	struct user_timer *t = this_cpu_ptr(&user_timer);
	bool late;

	if (tsc_good)
		check_tsc(t);
	late = t->due && (s64)(sched_clock() - t->due) > (s64)LATE_NS;
	if (unlikely(late))
		excuse_stall();
	if (likely(t->dev.event_handler))
		t->dev.event_handler(&t->dev);
	/* jiffies have caught up only now */
	if (unlikely(late))
		wq_watchdog_touch(smp_processor_id());
}

void user_timer_setup(void)
{
	struct user_timer *t = this_cpu_ptr(&user_timer);
	struct clock_event_device *dev = &t->dev;

	t->due = 0;
	t->seen = 0;
	t->pace_ns = 0;
	dev->name = "host-timer";
	dev->rating = 400;
	dev->features = CLOCK_EVT_FEAT_ONESHOT;
	dev->cpumask = cpumask_of(smp_processor_id());
	dev->set_next_event = user_timer_set;
	dev->set_state_shutdown = user_timer_off;
	dev->set_state_oneshot = user_timer_off;
	dev->set_state_oneshot_stopped = user_timer_off;

	/* a tick is a nanosecond, so nothing is scaled */
	dev->mult = 1;
	dev->shift = 0;
	dev->min_delta_ticks = 1000;
	dev->min_delta_ns = 1000;
	dev->max_delta_ticks = LONG_MAX;
	dev->max_delta_ns = LONG_MAX;
	clockevents_register_device(dev);
}

void __init time_init(void)
{
	u64 khz = host_boot_info()->tsc_khz;

	host0 = host_clock_ns();
	if (khz) {
		clocks_calc_mult_shift(&tsc_mult, &tsc_shift, khz, NSEC_PER_MSEC, 0);
		tsc0 = rdtsc();
		tsc_good = true;
		first_sample = take_sample();
		clocksource_register_khz(&clocksource_tsc_early, khz);
		tsc_in_use = &clocksource_tsc_early;
	}
	clocksource_register_khz(&clocksource_host, NSEC_PER_SEC / 1000);
	user_timer_setup();
}
