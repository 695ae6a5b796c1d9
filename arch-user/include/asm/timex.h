/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_USER_TIMEX_H
#define _ASM_USER_TIMEX_H

#include <asm/tsc.h>

/* Good for entropy and statistics also when it is too erratic for a clock. */
static inline unsigned long get_cycles(void)
{
	return rdtsc();
}

#define get_cycles get_cycles

#include <asm-generic/timex.h>

#endif /* _ASM_USER_TIMEX_H */
