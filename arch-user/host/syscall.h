/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The funnel: the one place where the kernel process enters its host.
 *
 * sys0() ... sys6() are the raw call; the typed wrappers in this directory's
 * other files are what the seam, <asm/host.h>, is made of.  Numbers and
 * structures are those of x86-64, which host and guest share.
 */
#ifndef _HOST_SYSCALL_H
#define _HOST_SYSCALL_H

#include <linux/types.h>
#include <uapi/asm/unistd_64.h>
#include "abi.h"

static __always_inline long sys6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 asm("r10") = d;
	register long r8 asm("r8") = e;
	register long r9 asm("r9") = f;
	long ret;

	asm volatile("syscall"
		     : "=a" (ret)
		     : "0" (nr), "D" (a), "S" (b), "d" (c), "r" (r10), "r" (r8), "r" (r9)
		     : "rcx", "r11", "memory");
	return ret;
}

#define sys0(nr)			sys6(nr, 0, 0, 0, 0, 0, 0)
#define sys1(nr, a)			sys6(nr, (long)(a), 0, 0, 0, 0, 0)
#define sys2(nr, a, b)			sys6(nr, (long)(a), (long)(b), 0, 0, 0, 0)
#define sys3(nr, a, b, c)		sys6(nr, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define sys4(nr, a, b, c, d)		sys6(nr, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define sys5(nr, a, b, c, d, e)		\
	sys6(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)

static __always_inline long sys_mmap_at(unsigned long addr, size_t size, int prot, int flags,
					int fd, u64 off)
{
	return sys6(__NR_mmap, addr, size, prot, flags, fd, off);
}

/* Host errors are the last 4095 values. */
static __always_inline bool sys_failed(long ret)
{
	return (unsigned long)ret >= (unsigned long)-4095L;
}

#endif /* _HOST_SYSCALL_H */
