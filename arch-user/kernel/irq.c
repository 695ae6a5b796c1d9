// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts: bits in a per-CPU word, and a signal that says "look".
 *
 * See asm/irqflags.h for how they are turned off and on, and asm/irq.h for
 * which there are.  irq_raise() may be called from anywhere, also (by the
 * same steps, in host/events.c) from a host thread that is no vCPU.
 */
#include <linux/context_tracking.h>
#include <linux/cpu.h>
#include <linux/entry-common.h>
#include <linux/hardirq.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/kernel_stat.h>
#include <linux/seq_file.h>
#include <linux/smp.h>
#include <asm/host.h>
#include <asm/host_events.h>
#include <asm/intercept.h>
#include <asm/irq.h>
#include <asm/irq_regs.h>
#include <asm/time.h>
#include "traps.h"

DEFINE_PER_CPU(unsigned int, irq_enabled);
DEFINE_PER_CPU(unsigned int, irq_pending);
EXPORT_PER_CPU_SYMBOL(irq_enabled);
EXPORT_PER_CPU_SYMBOL(irq_pending);
EXPORT_SYMBOL(irq_replay);

DEFINE_PER_CPU(unsigned int, irq_idle);
static DEFINE_PER_CPU(unsigned long, irq_count[IRQ_BIT_COUNT]);

/* switch.S */
void irq_entry(void);
void fault_entry(void);
extern const char irq_leave[], irq_again[], irq_left[];

/**
 * irq_raise() - interrupt a vCPU
 * @cpu:	which; may be this one
 * @bit:	what for
 *
 * Context: any.
 */
void noinstr irq_raise(unsigned int cpu, enum irq_bit bit)
{
	unsigned int *pending = per_cpu_ptr(&irq_pending, cpu);

	/* Whoever set the first bit saw to the signal. */
	if (__atomic_fetch_or(pending, 1U << bit, __ATOMIC_SEQ_CST))
		return;
	if (READ_ONCE(*per_cpu_ptr(&irq_idle, cpu)) == HOST_IDLE_ON_WORD)
		host_wake(pending);
	else
		host_cpu_signal(cpu);
}

/*
 * A barrier for this CPU is one for the program that runs on it, on another
 * host thread: stopping that one is a barrier there.
 */
static void order_guest(void)
{
	struct mm_struct *mm = current->mm;

	if (mm && atomic_read(&mm->membarrier_state))
		guest_stop(current);
}

static void do_irqs(struct pt_regs *regs)
{
	struct pt_regs *old = set_irq_regs(regs);
	unsigned int bits, bit;

	irq_enter_rcu();
	while ((bits = xchg(this_cpu_ptr(&irq_pending), 0))) {
		for (bit = 0; bit < IRQ_BIT_COUNT; bit++)
			if (bits & (1U << bit))
				__this_cpu_inc(irq_count[bit]);
		if (bits & BIT(IRQ_BIT_TIMER)) {
			host_watch_arm();
			timer_interrupt();
			host_disk_flush(smp_processor_id());
			host_disk_look_now(smp_processor_id());
		}
		if (bits & BIT(IRQ_BIT_CALL)) {
			order_guest();
			generic_smp_call_function_interrupt();
		}
		if (bits & BIT(IRQ_BIT_RESCHEDULE))
			scheduler_ipi();
		if (bits & BIT(IRQ_BIT_STOP))
			smp_stop_this_cpu();
		/* last: drivers may take any spinlock, as far as lockdep goes */
		if (bits & (BIT(IRQ_BIT_IO) | BIT(IRQ_BIT_DISK)))
			lockdep_hardirq_threaded();
		if (bits & BIT(IRQ_BIT_IO))
			host_events_run();
		if (bits & BIT(IRQ_BIT_DISK))
			user_disk_interrupt();
	}
	irq_exit_rcu();
	set_irq_regs(old);
}

/*
 * An interrupt of kernel code, with interrupts off but for the flag in @regs.
 * The task may be moved to another CPU; whichever it is, nothing may be left
 * pending there when the caller turns interrupts on.
 */
static __always_inline void irqs_from_kernel(struct pt_regs *regs)
{
	irqentry_state_t state = irqentry_enter(regs);

	instrumentation_begin();
	do_irqs(regs);
	instrumentation_end();
	irqentry_exit(regs, state);
}

/* Takes what is pending, at the cost of the code that a frame interrupted. */
void noinstr irq_signal_again(struct host_context *uc)
{
	struct pt_regs regs;

	kernel_regs_from_context(&regs, uc, true);
	irqs_from_kernel(&regs);
}

/* A vCPU's timer has expired, not always the calling one's.  Interrupts off. */
static __always_inline void timer_raise(unsigned int cpu)
{
	if (likely(cpu == raw_smp_processor_id()))
		__atomic_fetch_or(raw_cpu_ptr(&irq_pending), BIT(IRQ_BIT_TIMER),
				  __ATOMIC_SEQ_CST);
	else
		irq_raise(cpu, IRQ_BIT_TIMER);
}

/*
 * Called by irq_entry, the host's signal handler.
 *
 * When two signals are pending the host makes both frames at once, and the
 * second handler runs before the first one's first instruction.  If interrupts
 * are on it may move the task to another vCPU.  So the first makes sure of
 * where it is by turning them off, and the timer's signal says whose it was.
 *
 * Return: whether interrupts are to be on again.
 */
bool noinstr irq_signal(int sig, struct host_siginfo *info, struct host_context *uc)
{
	bool were_on = raw_cpu_read_4(irq_enabled) != ARCH_IRQ_DISABLED;

	raw_cpu_write_4(irq_enabled, ARCH_IRQ_DISABLED);
	barrier();
	if (info->code == HOST_SI_TIMER)
		timer_raise(info->value);
	if (!were_on) {
		uc->ip = host_wait_fixup(uc->ip);
		return false;
	}
	if (uc->ip >= (unsigned long)irq_leave && uc->ip < (unsigned long)irq_left) {
		uc->ip = (unsigned long)irq_again;
		return false;
	}
	if (raw_cpu_read_4(irq_pending))
		irq_signal_again(uc);
	return true;
}

/**
 * irq_replay() - take the interrupts that came while they were off
 *
 * Context: interrupts have just been turned on.
 */
void noinstr irq_replay(void)
{
	struct pt_regs regs = {
		.ip = _RET_IP_,
		.sp = current_stack_pointer,
		.bp = (unsigned long)__builtin_frame_address(0),
		.cs = KERNEL_CS,
		.ss = KERNEL_SS,
		.flags = X86_EFLAGS_IF,
		.orig_ax = -1,
	};

	do {
		raw_cpu_write_4(irq_enabled, ARCH_IRQ_DISABLED);
		barrier();
		irqs_from_kernel(&regs);
		barrier();
		raw_cpu_write_4(irq_enabled, ARCH_IRQ_ENABLED);
		barrier();
	} while (raw_cpu_read_4(irq_pending));
}

/**
 * irq_from_user() - take interrupts that came while guest code ran
 * @regs:	the guest's registers, of its last event
 *
 * Context: interrupts off, in user mode as far as generic entry knows.
 */
void irq_from_user(struct pt_regs *regs)
{
	irqentry_state_t state = irqentry_enter(regs);

	instrumentation_begin();
	do_irqs(regs);
	instrumentation_end();
	irqentry_exit(regs, state);
}

/**
 * irq_at_event() - take interrupts that came while guest code ran, until now
 * @regs:	the guest's registers
 *
 * They are the guest's time, although the kernel has been entered since for
 * something else.
 *
 * Context: interrupts off, just after the entry from user mode.
 */
void irq_at_event(struct pt_regs *regs)
{
	if (unlikely(this_cpu_read(irq_pending)))
		do_irqs(regs);
}

/*
 * What a disk does is waited for as such: the host wakes us itself then, not
 * by way of another thread.
 */
static __always_inline void idle_on_disk(unsigned int *idle, unsigned int *pending)
{
	__atomic_store_n(idle, HOST_IDLE_ON_DISK, __ATOMIC_SEQ_CST);
	if (host_disk_wait(raw_smp_processor_id(), pending))
		__atomic_fetch_or(pending, BIT(IRQ_BIT_DISK), __ATOMIC_SEQ_CST);
	__atomic_store_n(idle, 0, __ATOMIC_SEQ_CST);
}

/* Interrupts are off, and turned on by the caller, which takes what came. */
void noinstr arch_cpu_idle(void)
{
	unsigned int *pending = raw_cpu_ptr(&irq_pending);
	unsigned int *idle = raw_cpu_ptr(&irq_idle);

	host_disk_flush(raw_smp_processor_id());
	if (host_watch_idle(pending))
		return;
	if (host_disk_waits(raw_smp_processor_id())) {
		idle_on_disk(idle, pending);
		return;
	}
	__atomic_store_n(idle, HOST_IDLE_ON_WORD, __ATOMIC_SEQ_CST);
	host_wait_irq(pending, 0, 0, pending);
	__atomic_store_n(idle, 0, __ATOMIC_SEQ_CST);
}

/* Stock code counts on generic interrupts existing; none are used. */
void __init init_IRQ(void)
{
	host_vectors(irq_entry, fault_entry);
	if (host_events_init(per_cpu_ptr(&irq_pending, 0), BIT(IRQ_BIT_IO),
			     per_cpu_ptr(&irq_idle, 0)))
		panic("no host thread for I/O");
}

int arch_show_interrupts(struct seq_file *p, int prec)
{
	static const char *const names[] = {
		[IRQ_BIT_TIMER] = "Timer interrupts",
		[IRQ_BIT_RESCHEDULE] = "Rescheduling interrupts",
		[IRQ_BIT_CALL] = "Function call interrupts",
		[IRQ_BIT_STOP] = "CPU stop interrupts",
		[IRQ_BIT_IO] = "Host I/O interrupts",
		[IRQ_BIT_DISK] = "Disk interrupts",
	};
	static const char *const tags[] = { "TIM", "RES", "CAL", "STP", "HIO", "DSK" };
	int bit, cpu;

	static_assert(ARRAY_SIZE(names) == IRQ_BIT_COUNT);
	static_assert(ARRAY_SIZE(tags) == IRQ_BIT_COUNT);
	for (bit = 0; bit < IRQ_BIT_COUNT; bit++) {
		seq_printf(p, "%*s: ", prec, tags[bit]);
		for_each_online_cpu(cpu)
			seq_printf(p, "%10lu ", per_cpu(irq_count[bit], cpu));
		seq_printf(p, "  %s\n", names[bit]);
	}
	return 0;
}
