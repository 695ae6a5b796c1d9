// SPDX-License-Identifier: GPL-2.0-only
/*
 * The functions of the vDSO.  Guest code calls them in its own process; they
 * read the data pages mapped below (kernel/vdso.c) and the TSC.
 *
 * lib/vdso/gettimeofday.c is included on the command line.
 *
 * __vdso_getcpu() makes the system call: the instructions it would use tell the
 * host's CPU.  The way without a call is rseq's cpu_id.
 */
#include <uapi/asm/unistd_64.h>
#include <uapi/linux/time.h>
#include <vdso/gettime.h>

int __vdso_clock_getres(clockid_t clock, struct __kernel_timespec *res)
{
	return __cvdso_clock_getres(clock, res);
}

int __vdso_clock_gettime(clockid_t clock, struct __kernel_timespec *now)
{
	return __cvdso_clock_gettime(clock, now);
}

int __vdso_gettimeofday(struct __kernel_old_timeval *tv, struct timezone *tz)
{
	return __cvdso_gettimeofday(tv, tz);
}

__kernel_old_time_t __vdso_time(__kernel_old_time_t *t)
{
	return __cvdso_time(t);
}

long __vdso_getcpu(unsigned int *cpu, unsigned int *node, void *unused);
long __vdso_getcpu(unsigned int *cpu, unsigned int *node, void *unused)
{
	long ret = __NR_getcpu;

	asm volatile("syscall"
		     : "+a" (ret)
		     : "D" (cpu), "S" (node), "d" (unused)
		     : "rcx", "r11", "memory");
	return ret;
}

/* x86-64 also has them by their names in C. */
int clock_gettime(clockid_t clock, struct __kernel_timespec *ts)
	__weak __alias(__vdso_clock_gettime);
int clock_getres(clockid_t clock, struct __kernel_timespec *res)
	__weak __alias(__vdso_clock_getres);
int gettimeofday(struct __kernel_old_timeval *tv, struct timezone *tz)
	__weak __alias(__vdso_gettimeofday);
__kernel_old_time_t time(__kernel_old_time_t *t)
	__weak __alias(__vdso_time);
long getcpu(unsigned int *cpu, unsigned int *node, void *unused)
	__weak __alias(__vdso_getcpu);
