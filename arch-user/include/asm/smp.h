/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_USER_SMP_H
#define _ASM_USER_SMP_H

#ifndef __ASSEMBLY__

#include <linux/cpumask.h>
#include <asm/current.h>

#define raw_smp_processor_id()	this_cpu_read(pcpu_hot.cpu_number)
#define __smp_processor_id()	__this_cpu_read(pcpu_hot.cpu_number)

void arch_smp_send_reschedule(int cpu);
void arch_send_call_function_single_ipi(int cpu);
void arch_send_call_function_ipi_mask(const struct cpumask *mask);
void smp_stop_this_cpu(void);

int __cpu_disable(void);
void __cpu_die(unsigned int cpu);
static inline void cpu_die(unsigned int cpu)
{
	__cpu_die(cpu);
}

#endif /* __ASSEMBLY__ */
#endif /* _ASM_USER_SMP_H */
