/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interrupts of a vCPU are host signals to its thread, and whether they are
 * "off" is a per-CPU flag: no host call is made to turn them off or on.
 *
 * Theory of operation
 *
 * Whoever raises an interrupt sets a bit in irq_pending of the CPU and then
 * signals its thread (kernel/irq.c).  The signal entry, when the flag is off,
 * returns at once and leaves the bit.  Turning the flag on therefore looks at
 * irq_pending after it has set the flag.  A signal between the two is handled
 * by the entry itself, and when that moves the task to another CPU the look is
 * at that CPU's word: it can find work there, which its own entry would have
 * done, and never miss any.
 */
#ifndef _ASM_USER_IRQFLAGS_H
#define _ASM_USER_IRQFLAGS_H

#ifndef __ASSEMBLY__

#include <asm/percpu.h>

#define ARCH_IRQ_DISABLED	0
#define ARCH_IRQ_ENABLED	1

DECLARE_PER_CPU(unsigned int, irq_enabled);
DECLARE_PER_CPU(unsigned int, irq_pending);

void irq_replay(void);

static __always_inline unsigned long arch_local_save_flags(void)
{
	return raw_cpu_read_4(irq_enabled);
}

static __always_inline void arch_local_irq_disable(void)
{
	raw_cpu_write_4(irq_enabled, ARCH_IRQ_DISABLED);
	barrier();
}

static __always_inline void arch_local_irq_enable(void)
{
	barrier();
	raw_cpu_write_4(irq_enabled, ARCH_IRQ_ENABLED);
	barrier();
	if (__builtin_expect(raw_cpu_read_4(irq_pending), 0))
		irq_replay();
}

static __always_inline unsigned long arch_local_irq_save(void)
{
	unsigned long flags = arch_local_save_flags();

	arch_local_irq_disable();
	return flags;
}

static __always_inline bool arch_irqs_disabled_flags(unsigned long flags)
{
	return flags == ARCH_IRQ_DISABLED;
}

static __always_inline bool arch_irqs_disabled(void)
{
	return arch_irqs_disabled_flags(arch_local_save_flags());
}

static __always_inline void arch_local_irq_restore(unsigned long flags)
{
	if (!arch_irqs_disabled_flags(flags))
		arch_local_irq_enable();
}

#endif /* __ASSEMBLY__ */
#endif /* _ASM_USER_IRQFLAGS_H */
