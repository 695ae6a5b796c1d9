/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the stock vDSO clocks (lib/vdso/gettimeofday.c) ask of the port: the
 * counter, the data pages, and the system calls for all else.
 */
#ifndef _ASM_USER_VDSO_GETTIMEOFDAY_H
#define _ASM_USER_VDSO_GETTIMEOFDAY_H

#ifndef __ASSEMBLY__

#include <uapi/linux/time.h>
#include <asm/tsc.h>
#include <asm/unistd.h>

#define VDSO_HAS_TIME		1
#define VDSO_HAS_CLOCK_GETRES	1

static __always_inline long vdso_call(long nr, long a, void *b)
{
	long ret;

	asm volatile("syscall"
		     : "=a" (ret)
		     : "0" (nr), "D" (a), "S" (b)
		     : "rcx", "r11", "memory");
	return ret;
}

static __always_inline long clock_gettime_fallback(clockid_t clock, struct __kernel_timespec *ts)
{
	return vdso_call(__NR_clock_gettime, clock, ts);
}

static __always_inline long clock_getres_fallback(clockid_t clock, struct __kernel_timespec *ts)
{
	return vdso_call(__NR_clock_getres, clock, ts);
}

static __always_inline long gettimeofday_fallback(struct __kernel_old_timeval *tv,
						  struct timezone *tz)
{
	return vdso_call(__NR_gettimeofday, (long)tv, tz);
}

static __always_inline u64 __arch_get_hw_counter(s32 mode, const struct vdso_data *data)
{
	return mode == VDSO_CLOCKMODE_TSC ? rdtsc_ordered() : 0;
}

static __always_inline const struct vdso_data *__arch_get_vdso_data(void)
{
	return _vdso_data;
}

#ifdef CONFIG_TIME_NS
static __always_inline
const struct vdso_data *__arch_get_timens_vdso_data(const struct vdso_data *data)
{
	return _timens_data;
}
#endif

/*
 * Two CPUs' counters may differ by a few cycles: then the last update lies
 * ahead of us, which is "no time has passed" and not "for ever".  And an update
 * may be very late, after a SIGSTOP: then 64 bits are not enough.
 */
static __always_inline u64 user_calc_ns(const struct vdso_data *data, u64 cycles, u64 base)
{
	s64 delta = cycles - data->cycle_last;

	if (unlikely(delta < 0))
		delta = 0;
	if (likely(delta < data->max_cycles))
		return (delta * data->mult + base) >> data->shift;
	return mul_u64_u32_add_u64_shr(delta, data->mult, base, data->shift);
}

#define vdso_calc_ns user_calc_ns

#endif /* __ASSEMBLY__ */
#endif /* _ASM_USER_VDSO_GETTIMEOFDAY_H */
