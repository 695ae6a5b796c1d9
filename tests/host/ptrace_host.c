// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the ptrace intercept relies on: PTRACE_SYSEMU stops at a system call
 * without making it, and registers set there are what the process goes on with.
 */
#include <sys/ptrace.h>
#include <sys/user.h>
#include "ktap.h"

#ifndef PTRACE_SYSEMU
#define PTRACE_SYSEMU 31
#endif

static int child(void)
{
	long r;

	if (ptrace(PTRACE_TRACEME, 0, 0, 0))
		return 1;
	raise(SIGSTOP);
	asm volatile("syscall" : "=a"(r) : "a"(SYS_getpid)
		     : "rcx", "r11", "memory");
	*(volatile int *)at(0x1000) = (int)r;	/* shows it by a fault */
	return 0;
}

int main(void)
{
	struct user_regs_struct r;
	siginfo_t si;
	int status;
	pid_t pid = do_fork();

	if (!pid)
		_exit(child());
	must(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
	is(ptrace(PTRACE_SETOPTIONS, pid, 0,
		  PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD), 0, "options");
	do {
		must(ptrace(PTRACE_SYSEMU, pid, 0, 0) == 0);
		must(waitpid(pid, &status, 0) == pid);
		must(ptrace(PTRACE_GETREGS, pid, 0, &r) == 0);
	} while (WIFSTOPPED(status) && WSTOPSIG(status) == (SIGTRAP | 0x80) &&
		 r.orig_rax != SYS_getpid);
	is(WSTOPSIG(status), SIGTRAP | 0x80, "SYSEMU stops at a call");
	is(r.rax, -ENOSYS, "which is not made");
	r.rax = 42;
	must(ptrace(PTRACE_SETREGS, pid, 0, &r) == 0);
	must(ptrace(PTRACE_SYSEMU, pid, 0, 0) == 0);
	must(waitpid(pid, &status, 0) == pid);
	is(WSTOPSIG(status), SIGSEGV, "a fault stops");
	must(ptrace(PTRACE_GETSIGINFO, pid, 0, &si) == 0);
	is((uintptr_t)si.si_addr, 0x1000, "and says where");
	must(ptrace(PTRACE_GETREGS, pid, 0, &r) == 0);
	ok(r.rax == 42 || r.rdx == 42 || r.rcx == 42, "with the value set");
	kill(pid, SIGKILL);
	is(reap(pid), KILLED(SIGKILL), "and is ended");
	return done();
}
