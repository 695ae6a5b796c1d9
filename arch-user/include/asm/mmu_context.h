/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_USER_MMU_CONTEXT_H
#define _ASM_USER_MMU_CONTEXT_H

#include <linux/mm_types.h>
#include <linux/cpumask.h>

int init_new_context(struct task_struct *task, struct mm_struct *mm);
#define init_new_context init_new_context

void destroy_context(struct mm_struct *mm);
#define destroy_context destroy_context

/*
 * Nothing is loaded: a task's address space is its stub.  The mask tells a
 * flush which CPUs may be copying to or from user memory (mm/uaccess.c).
 */
static inline void switch_mm(struct mm_struct *prev, struct mm_struct *next,
			     struct task_struct *task)
{
	unsigned int cpu = smp_processor_id();

	if (prev == next)
		return;
	cpumask_clear_cpu(cpu, mm_cpumask(prev));
	cpumask_set_cpu(cpu, mm_cpumask(next));
}

#include <asm-generic/mm_hooks.h>
#include <asm-generic/mmu_context.h>

#endif /* _ASM_USER_MMU_CONTEXT_H */
