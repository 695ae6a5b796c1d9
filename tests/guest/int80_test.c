// SPDX-License-Identifier: GPL-2.0-only
/*
 * int 0x80 on a kernel without 32-bit calls: ENOSYS, whatever the number, and
 * never a call of the host's.
 */
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include "ktap.h"

static long int80(long nr, long arg)
{
	long ret;

	asm volatile("int $0x80" : "=a"(ret) : "a"(nr), "b"(arg), "c"(0), "d"(0)
		     : "memory", "r8", "r9", "r10", "r11");
	return ret;
}

static int strict(void)
{
	must(prctl(PR_SET_SECCOMP, 1) == 0);
	int80(20, 0);
	syscall(SYS_exit, 3);
	return 0;
}

int main(void)
{
	unsigned long kept = 0x123456789abcdef, after;
	int bad = 0;

	need_guest();
	is(int80(20, 0), -ENOSYS, "getpid of 32 bits");
	is(int80(1, 7), -ENOSYS, "exit of 32 bits");
	is(int80(162, 0), -ENOSYS, "nanosleep of 32 bits");
	for (int i = 0; i < 512; i++)
		bad += int80(i, 0) != -ENOSYS;
	is(bad, 0, "no number does anything");
	asm volatile("int $0x80" : "=S"(after) : "a"(20), "S"(kept) : "memory");
	is(after, kept, "registers are kept");
	is(syscall(SYS_getpid), getpid(), "and calls go on to work");
	ok(WIFEXITED(in_child(strict)) || WIFSIGNALED(in_child(strict)),
	   "nothing gets stuck under seccomp");
	return done();
}
