/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading the time stamp counter; used by the kernel and by the vDSO.
 */
#ifndef _ASM_USER_TSC_H
#define _ASM_USER_TSC_H

#include <linux/compiler.h>
#include <linux/types.h>

/**
 * rdtsc() - the counter, read whenever the CPU finds it convenient
 */
static __always_inline u64 rdtsc(void)
{
	u32 low, high;

	asm volatile("rdtsc" : "=a" (low), "=d" (high));
	return (u64)high << 32 | low;
}

/**
 * rdtsc_ordered() - the counter, read after all that comes before in the program
 */
static __always_inline u64 rdtsc_ordered(void)
{
	asm volatile("lfence" : : : "memory");
	return rdtsc();
}

#endif /* _ASM_USER_TSC_H */
