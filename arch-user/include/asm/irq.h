/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_USER_IRQ_H
#define _ASM_USER_IRQ_H

#include <linux/percpu-defs.h>
#include <linux/types.h>

/* Interrupts are bits in irq_pending, dispatched by kernel/irq.c. */
#define NR_IRQS		16

enum irq_bit {
	IRQ_BIT_TIMER,
	IRQ_BIT_RESCHEDULE,
	IRQ_BIT_CALL,
	IRQ_BIT_STOP,
	IRQ_BIT_IO,
	IRQ_BIT_DISK,
	IRQ_BIT_COUNT
};

struct pt_regs;

/* HOST_IDLE_* while the vCPU is idle, else 0. */
DECLARE_PER_CPU(unsigned int, irq_idle);

void irq_raise(unsigned int cpu, enum irq_bit bit);
void irq_cpu_setup(void);
void irq_from_user(struct pt_regs *regs);
void irq_at_event(struct pt_regs *regs);

#endif /* _ASM_USER_IRQ_H */
