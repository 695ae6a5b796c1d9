// SPDX-License-Identifier: GPL-2.0-only
/*
 * vCPUs: each is a host thread of the kernel process.
 */
#include <linux/cpu.h>
#include <linux/interrupt.h>
#include <linux/sched/hotplug.h>
#include <linux/sched/mm.h>
#include <linux/sched/task_stack.h>
#include <linux/smp.h>
#include <asm/host.h>
#include <asm/irq.h>
#include <asm/setup.h>
#include <asm/time.h>
#include "smp.h"

void __init smp_prepare_boot_cpu(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		per_cpu(this_cpu_off, cpu) = per_cpu_offset(cpu);
		per_cpu(pcpu_hot.cpu_number, cpu) = cpu;
	}
	host_cpu_init(0, per_cpu_offset(0));
	pv_locks_early();
}

void __init smp_prepare_cpus(unsigned int max_cpus)
{
	unsigned int cpu;

	for (cpu = 0; cpu < host_boot_info()->ncpus && cpu < max_cpus; cpu++)
		set_cpu_present(cpu, true);
	pv_locks_start();
}

void __init smp_cpus_done(unsigned int max_cpus)
{
}

/* How many there can be is known before per-CPU areas are made. */
void __init smp_init_cpus(void)
{
	unsigned int cpu;

	for (cpu = 0; cpu < NR_CPUS; cpu++)
		set_cpu_possible(cpu, cpu < host_boot_info()->ncpus);
	set_cpu_present(0, true);
}

/* One vCPU starts at a time: cpu_add_remove_lock. */
static unsigned int starting_cpu;
static DECLARE_COMPLETION(cpu_running);

static void secondary_start(void)
{
	unsigned int cpu = starting_cpu;

	host_cpu_init(cpu, per_cpu_offset(cpu));
	mmgrab(&init_mm);
	current->active_mm = &init_mm;
	cpumask_set_cpu(cpu, mm_cpumask(&init_mm));
	notify_cpu_starting(cpu);
	user_timer_setup();
	set_cpu_online(cpu, true);
	complete(&cpu_running);
	local_irq_enable();
	cpu_startup_entry(CPUHP_AP_ONLINE_IDLE);
}

int __cpu_up(unsigned int cpu, struct task_struct *idle)
{
	int ret;

	per_cpu(pcpu_hot.current_task, cpu) = idle;
	per_cpu(irq_enabled, cpu) = ARCH_IRQ_DISABLED;
	per_cpu(irq_pending, cpu) = 0;
	starting_cpu = cpu;
	ret = host_cpu_start(cpu, secondary_start, task_pt_regs(idle));
	if (ret) {
		pr_err("CPU%u: the host gives no thread (%d)\n", cpu, ret);
		return ret;
	}
	wait_for_completion(&cpu_running);
	return 0;
}

void arch_smp_send_reschedule(int cpu)
{
	irq_raise(cpu, IRQ_BIT_RESCHEDULE);
}

void arch_send_call_function_single_ipi(int cpu)
{
	irq_raise(cpu, IRQ_BIT_CALL);
}

void arch_send_call_function_ipi_mask(const struct cpumask *mask)
{
	int cpu;

	for_each_cpu(cpu, mask)
		irq_raise(cpu, IRQ_BIT_CALL);
}

/* --- down ------------------------------------------------------------------ */

/* Set by a vCPU's host thread once it uses no guest memory any more. */
static u32 cpu_parked[NR_CPUS];

static void __noreturn park_this_cpu(void)
{
	unsigned int cpu = smp_processor_id();

	host_timer_set(cpu, 0);
	host_cpu_park(cpu, &cpu_parked[cpu]);
}

/**
 * smp_stop_this_cpu() - the guest ends or starts anew: leave it
 *
 * Context: the stop interrupt.
 */
void smp_stop_this_cpu(void)
{
	set_cpu_online(smp_processor_id(), false);
	park_this_cpu();
}

static bool wait_parked(unsigned int cpu, u64 seconds)
{
	u64 limit = host_clock_ns() + seconds * NSEC_PER_SEC;

	while (!smp_load_acquire(&cpu_parked[cpu])) {
		if (host_clock_ns() > limit)
			return false;
		host_yield();
	}
	return true;
}

static cpumask_t stopped;

void smp_send_stop(void)
{
	unsigned int cpu, self = smp_processor_id();

	cpumask_copy(&stopped, cpu_online_mask);
	cpumask_clear_cpu(self, &stopped);
	for_each_cpu(cpu, &stopped) {
		WRITE_ONCE(cpu_parked[cpu], 0);
		irq_raise(cpu, IRQ_BIT_STOP);
	}
	for_each_cpu(cpu, &stopped)
		wait_parked(cpu, 1);
}

/**
 * smp_stopped() - wait for those that smp_send_stop() did not wait for any longer
 *
 * Each waits first for what its disks have under way.
 *
 * Context: interrupts off.
 * Return: whether no other vCPU uses guest memory.
 */
bool smp_stopped(void)
{
	unsigned int cpu;

	for_each_cpu(cpu, &stopped)
		if (!wait_parked(cpu, 60))
			return false;
	return true;
}

#ifdef CONFIG_HOTPLUG_CPU
/* The first one has the host's I/O interrupts. */
bool arch_cpu_is_hotpluggable(int cpu)
{
	return cpu;
}

int __cpu_disable(void)
{
	unsigned int cpu = smp_processor_id();

	if (!cpu)
		return -EBUSY;
	set_cpu_online(cpu, false);
	return 0;
}

void __cpu_die(unsigned int cpu)
{
	wait_parked(cpu, 1);
}

void arch_cpuhp_cleanup_dead_cpu(unsigned int cpu)
{
	wait_parked(cpu, 1);
}

void __noreturn arch_cpu_idle_dead(void)
{
	idle_task_exit();
	WRITE_ONCE(cpu_parked[smp_processor_id()], 0);
	cpuhp_ap_report_dead();
	park_this_cpu();
}
#endif
