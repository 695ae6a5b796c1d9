// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the ptrace intercept relies on: PTRACE_SYSEMU stops at a system call
 * without making it, and registers set there are what the process goes on with;
 * threads of a process that was seized are seized; a step into a signal handler
 * stops before it, with the processor's error code in the frame; the death of a
 * first thread is reported after that of the others.
 */
#include <elf.h>
#include <linux/audit.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <ucontext.h>
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

static void handler(int sig, siginfo_t *si, void *uc)
{
	_exit(3);		/* never gets so far */
}

static char stack[65536], alt[65536];

static int thread(void *arg)
{
	long value = 0x1234;
	stack_t ss = { .ss_sp = alt, .ss_size = sizeof(alt) };

	sigaltstack(&ss, NULL);
	for (;;)
		asm volatile("movq %0, %%xmm7\n\tmovl $20, %%eax\n\tint $0x80\n\t"
			     "movl $1, 0x1000"
			     : : "r" (value) : "rax", "memory", "xmm7");
	return 0;
}

static int process(int go)
{
	struct sigaction sa = {
		.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER,
	};
	char c;

	sigaction(SIGSEGV, &sa, NULL);
	must(read(go, &c, 1) == 1);
	clone(thread, stack + sizeof(stack), CLONE_VM | CLONE_FS | CLONE_FILES |
	      CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM, NULL);
	for (;;)
		pause();
}

static int next_stop(pid_t pid)
{
	int status;

	must(waitpid(pid, &status, __WALL) == pid);
	return status;
}

/* The thread is at its first instruction; it makes one call for itself. */
static void look_at_thread(pid_t tid)
{
	struct { unsigned char op, pad[3]; unsigned int arch; unsigned long rest[9]; } info;
	struct user_regs_struct r, in;
	struct { unsigned int w[1024]; } state;
	struct iovec iov = { &state, sizeof(state) };
	ucontext_t uc;
	int status;
	long i;

	do {
		must(ptrace(PTRACE_SYSCALL, tid, 0, 0) == 0);
		status = next_stop(tid);
		must(WIFSTOPPED(status));
		must(ptrace(PTRACE_GETREGS, tid, 0, &r) == 0);
	} while (WSTOPSIG(status) != (SIGTRAP | 0x80) || r.orig_rax != SYS_sigaltstack);
	is(r.rcx, r.rip, "SYSCALL leaves its address");
	must(ptrace(PTRACE_SYSCALL, tid, 0, 0) == 0);
	next_stop(tid);
	must(ptrace(PTRACE_SYSEMU, tid, 0, 0) == 0);
	status = next_stop(tid);
	if (WSTOPSIG(status) == SIGSEGV) {
		skip("this host has no 32-bit system calls");
		must(ptrace(PTRACE_GETREGS, tid, 0, &r) == 0);
		r.rip += 2;
		must(ptrace(PTRACE_SETREGS, tid, 0, &r) == 0);
	} else {
		must(ptrace(0x420e, tid, sizeof(info), &info) > 0);
		is(info.arch, AUDIT_ARCH_I386, "INT 0x80 is told apart");
	}
	must(ptrace(PTRACE_SYSEMU, tid, 0, 0) == 0);
	status = next_stop(tid);
	is(WSTOPSIG(status), SIGSEGV, "then the fault");
	must(ptrace(PTRACE_GETREGS, tid, 0, &r) == 0);
	must(ptrace(PTRACE_SYSEMU_SINGLESTEP, tid, 0, SIGSEGV) == 0);
	status = next_stop(tid);
	is(WSTOPSIG(status), SIGTRAP, "a step into the handler stops");
	must(ptrace(PTRACE_GETREGS, tid, 0, &in) == 0);
	is(in.rip, (uintptr_t)handler, "before its first instruction");
	ok(in.rdx > (uintptr_t)alt && in.rdx < (uintptr_t)alt + sizeof(alt),
	   "with its frame on the signal stack");
	for (i = 0; i < (long)offsetof(ucontext_t, uc_sigmask); i += 8)
		*(long *)((char *)&uc + i) = ptrace(PTRACE_PEEKDATA, tid, in.rdx + i, 0);
	is(uc.uc_mcontext.gregs[REG_CR2], 0x1000, "which tells the address");
	is(uc.uc_mcontext.gregs[REG_ERR], 6, "and that it was a write");
	is(uc.uc_mcontext.gregs[REG_RIP], r.rip, "at the same place");
	ok(!(uc.uc_mcontext.gregs[REG_EFL] & 0x100), "without a trap flag");
	must(ptrace(PTRACE_GETREGSET, tid, NT_X86_XSTATE, &iov) == 0);
	is(state.w[40 + 7 * 4], 0, "the handler's vector state is new");
	is(ptrace(PTRACE_PEEKDATA, tid, (char *)uc.uc_mcontext.fpregs + 160 + 7 * 16, 0),
	   0x1234, "the thread's own is in the frame");
}

static void seized(void)
{
	int status, go[2];
	unsigned long tid = 0;
	pid_t pid;

	must(pipe(go) == 0);
	pid = do_fork();
	if (!pid)
		_exit(process(go[0]));
	is(ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE |
		  PTRACE_O_TRACESYSGOOD), 0, "a child can be seized");
	must(write(go[1], "", 1) == 1);
	status = next_stop(pid);
	is(status >> 8, SIGTRAP | PTRACE_EVENT_CLONE << 8, "it stops when it makes a thread");
	must(ptrace(PTRACE_GETEVENTMSG, pid, 0, &tid) == 0);
	must(ptrace(PTRACE_CONT, pid, 0, 0) == 0);
	status = next_stop(tid);
	is(status >> 8, SIGTRAP | PTRACE_EVENT_STOP << 8, "which is stopped too");
	look_at_thread(tid);
	kill(pid, SIGKILL);
	usleep(20000);
	is(waitpid(pid, &status, __WALL | WNOHANG), 0, "the first thread's death is not told");
	is(waitpid(tid, &status, __WALL), (pid_t)tid, "before that of the other");
	is(waitpid(pid, &status, __WALL), pid, "but then");
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
	seized();
	return done();
}
