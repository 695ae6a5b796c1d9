// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting for a lock on the host; see asm/qspinlock.h.
 */
#include <linux/export.h>
#include <linux/init.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>
#include <asm/host.h>
#include <asm/irq.h>
#include <asm/setup.h>
#include <asm/smp.h>

DEFINE_STATIC_KEY_FALSE(pv_locks);
EXPORT_SYMBOL(pv_locks);
EXPORT_SYMBOL(__pv_queued_spin_unlock);

/* PV_WAITING while the vCPU sleeps, or is about to. */
enum { PV_RUNNING, PV_WAITING };
static DEFINE_PER_CPU_ALIGNED(u32, pv_state);

/* For who must not be disturbed by interrupts. */
static const u32 no_interrupts;

/*
 * With interrupts off in any case: an interrupt could wait for another lock,
 * and take our kick.  Where they were on, one that comes ends the wait.
 */
void notrace pv_wait(u8 *ptr, u8 val)
{
	unsigned long flags = arch_local_irq_save();
	u32 *state = raw_cpu_ptr(&pv_state);

	xchg(state, PV_WAITING);
	if (READ_ONCE(*ptr) == val)
		host_wait_irq(state, PV_WAITING, 0, arch_irqs_disabled_flags(flags) ?
			      &no_interrupts : raw_cpu_ptr(&irq_pending));
	WRITE_ONCE(*state, PV_RUNNING);
	arch_local_irq_restore(flags);
}

void notrace pv_kick(int cpu)
{
	u32 *state = per_cpu_ptr(&pv_state, cpu);

	if (xchg(state, PV_RUNNING) == PV_WAITING)
		host_wake(state);
}

/* An idle one is at hand, whichever host CPU it slept on. */
bool notrace vcpu_is_preempted(long cpu)
{
	return host_cpu_displaced(cpu) && !READ_ONCE(per_cpu(irq_idle, cpu));
}
EXPORT_SYMBOL(vcpu_is_preempted);

/**
 * pv_locks_early() - what needs early memory
 */
void __init pv_locks_early(void)
{
	if (num_possible_cpus() > 1)
		__pv_init_lock_hash();
}

/**
 * pv_locks_start() - from now on waiters sleep
 *
 * Context: before a second vCPU runs, so that nobody is in the other slow path.
 */
void __init pv_locks_start(void)
{
	if (num_possible_cpus() > 1 && !nopvspin)
		static_branch_enable(&pv_locks);
}
