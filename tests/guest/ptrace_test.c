// SPDX-License-Identifier: GPL-2.0-only
/* ptrace: stops, registers, memory, system calls, single steps, signals. */
#include <elf.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include "ktap.h"

static volatile long global = 111;

static pid_t traced(void (*fn)(void))
{
	pid_t pid = do_fork();
	int status;

	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		fn();
		_exit(0);
	}
	must(waitpid(pid, &status, 0) == pid);
	must(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	return pid;
}

static int next(int request, pid_t pid, long sig)
{
	int status;

	must(ptrace(request, pid, 0, sig) == 0);
	must(waitpid(pid, &status, 0) == pid);
	return status;
}

static void calls(void)
{
	syscall(SYS_getppid);
	_exit(syscall(SYS_getpid) == 4242 ? 7 : 8);
}

/* Runs to the entry or exit stop of the next getpid or getppid. */
static struct user_regs_struct to_call(pid_t pid, long nr)
{
	struct user_regs_struct r;

	for (int i = 0; i < 100; i++) {
		int status = next(PTRACE_SYSCALL, pid, 0);

		must(WIFSTOPPED(status) && WSTOPSIG(status) == (SIGTRAP | 0x80));
		must(ptrace(PTRACE_GETREGS, pid, 0, &r) == 0);
		if ((long)r.orig_rax == nr)
			return r;
	}
	must(!"no such call");
	return r;
}

static void test_syscalls(void)
{
	pid_t pid = traced(calls);
	struct user_regs_struct r;

	must(ptrace(PTRACE_SETOPTIONS, pid, 0,
		    PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) == 0);
	r = to_call(pid, SYS_getppid);
	is(r.rax, -ENOSYS, "a stop at a call's entry");
	r = to_call(pid, SYS_getppid);
	is(r.rax, getpid(), "and at its exit, with its value");
	r = to_call(pid, SYS_getpid);
	ok(r.rip && r.rsp && (r.cs & 3) == 3, "registers are plausible");
	r = to_call(pid, SYS_getpid);
	is(r.rax, pid, "getpid is the child's");
	r.rax = 4242;
	must(ptrace(PTRACE_SETREGS, pid, 0, &r) == 0);
	must(ptrace(PTRACE_CONT, pid, 0, 0) == 0);
	is(reap(pid), EXITED(7), "the value is changed by SETREGS");

	pid = traced(calls);
	must(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD) == 0);
	r = to_call(pid, SYS_getppid);
	r.orig_rax = -1;
	must(ptrace(PTRACE_SETREGS, pid, 0, &r) == 0);
	next(PTRACE_SYSCALL, pid, 0);
	must(ptrace(PTRACE_GETREGS, pid, 0, &r) == 0);
	is(r.rax, -ENOSYS, "a call is skipped when its number is taken away");
	kill(pid, SIGKILL);
	is(reap(pid), KILLED(SIGKILL), "SIGKILL ends a stopped child");
}

static void uses_global(void)
{
	raise(SIGUSR1);
	_exit(global == 222 ? 5 : 6);
}

static void test_memory(void)
{
	pid_t pid = traced(uses_global);
	struct iovec l, r;
	siginfo_t si;
	long word = 0;
	int status;

	signal(SIGUSR1, SIG_DFL);
	errno = 0;
	is(ptrace(PTRACE_PEEKDATA, pid, &global, 0), 111, "PEEKDATA");
	is(ptrace(PTRACE_POKEDATA, pid, &global, 222), 0, "POKEDATA");
	is(global, 111, "changes the child only");
	l = (struct iovec){ &word, sizeof(word) };
	r = (struct iovec){ (void *)&global, sizeof(word) };
	is(process_vm_readv(pid, &l, 1, &r, 1, 0), 8, "process_vm_readv");
	is(word, 222, "reads it");
	fails(ptrace(PTRACE_PEEKDATA, pid, 8, 0), EIO, "nothing at 8");
	status = next(PTRACE_CONT, pid, 0);
	ok(WIFSTOPPED(status) && WSTOPSIG(status) == SIGUSR1, "a signal stops");
	is(ptrace(PTRACE_GETSIGINFO, pid, 0, &si), 0, "GETSIGINFO");
	ok(si.si_signo == SIGUSR1 && si.si_pid == pid, "tells of it");
	must(ptrace(PTRACE_CONT, pid, 0, 0) == 0);
	is(reap(pid), EXITED(5), "it is not delivered; the child saw 222");
}

static __attribute__((noinline)) void marker(void)
{
	asm volatile("nop\n nop\n nop\n");
	global++;
}

static void calls_marker(void)
{
	for (int i = 0; i < 3; i++)
		marker();
	_exit(global - 111);
}

static void test_breakpoint(void)
{
	pid_t pid = traced(calls_marker);
	struct user_regs_struct r;
	long old, hits = 0;
	int status;

	errno = 0;
	old = ptrace(PTRACE_PEEKTEXT, pid, marker, 0);
	must(!errno);
	must(ptrace(PTRACE_POKETEXT, pid, marker, (old & ~0xffL) | 0xcc) == 0);
	for (;;) {
		status = next(PTRACE_CONT, pid, 0);
		if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
			break;
		must(ptrace(PTRACE_GETREGS, pid, 0, &r) == 0);
		if (r.rip != (uintptr_t)marker + 1)
			break;
		hits++;
		r.rip--;
		must(ptrace(PTRACE_SETREGS, pid, 0, &r) == 0);
		must(ptrace(PTRACE_POKETEXT, pid, marker, old) == 0);
		status = next(PTRACE_SINGLESTEP, pid, 0);
		must(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
		must(ptrace(PTRACE_GETREGS, pid, 0, &r) == 0);
		must(r.rip != (uintptr_t)marker);
		must(ptrace(PTRACE_POKETEXT, pid, marker,
			    (old & ~0xffL) | 0xcc) == 0);
	}
	is(hits, 3, "a breakpoint is hit three times");
	is(status, EXITED(3), "and the program runs to its end");
	is(*(unsigned char *)marker, old & 0xff, "the parent's code is unchanged");
}

static void steps(void)
{
	asm volatile("mov $100, %%ecx\n1: dec %%ecx\n jnz 1b\n"
		     "mov %0, %%eax\n syscall\n"
		     : : "i"(SYS_getppid) : "rax", "rcx", "r11", "memory");
	_exit(9);
}

static void test_steps(void)
{
	pid_t pid = traced(steps);
	unsigned long last = 0, same = 0;
	struct user_regs_struct r;
	int status, n = 0, loop = 0;

	for (;;) {
		status = next(PTRACE_SINGLESTEP, pid, 0);
		if (!WIFSTOPPED(status))
			break;
		must(WSTOPSIG(status) == SIGTRAP);
		must(ptrace(PTRACE_GETREGS, pid, 0, &r) == 0);
		same += r.rip == last;
		last = r.rip;
		loop += r.rcx < 100 && (r.eflags & 0x40) == 0;
		if (++n > 20000)
			break;
	}
	ok(n > 200 && n < 20000, "single steps through a loop and calls");
	printf("# %d steps, %d in the loop\n", n, loop);
	is(same, 0, "each moves on");
	is(status, EXITED(9), "to the end");
}

static void pauses(void)
{
	for (;;)
		pause();
}

static void test_regsets(void)
{
	pid_t pid = traced(pauses);
	struct user_fpregs_struct fp;
	struct user_regs_struct r;
	struct iovec v = { &r, sizeof(r) };
	static char xstate[16384];

	is(ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v), 0, "NT_PRSTATUS");
	is(v.iov_len, sizeof(r), "has its size");
	is(ptrace(PTRACE_GETFPREGS, pid, 0, &fp), 0, "GETFPREGS");
	is(fp.mxcsr, 0x1f80, "with MXCSR");
	fp.mxcsr = 0x5f80;
	is(ptrace(PTRACE_SETFPREGS, pid, 0, &fp), 0, "SETFPREGS");
	fp.mxcsr = 0;
	must(ptrace(PTRACE_GETFPREGS, pid, 0, &fp) == 0);
	is(fp.mxcsr, 0x5f80, "is kept");
	v = (struct iovec){ xstate, sizeof(xstate) };
	is(ptrace(PTRACE_GETREGSET, pid, NT_X86_XSTATE, &v), 0, "NT_X86_XSTATE");
	ok(v.iov_len >= 576, "has the XSAVE area");
	is(ptrace(PTRACE_DETACH, pid, 0, 0), 0, "detach");
	kill(pid, SIGTERM);
	is(reap(pid), KILLED(SIGTERM), "runs on");
}

static void test_attach(void)
{
	pid_t pid = do_fork();
	int status;

	if (!pid)
		for (;;)
			asm volatile("pause");
	is(ptrace(PTRACE_ATTACH, pid, 0, 0), 0, "attach to a running loop");
	must(waitpid(pid, &status, 0) == pid);
	ok(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP, "stops it");
	is(ptrace(PTRACE_DETACH, pid, 0, 0), 0, "detach");
	is(ptrace(PTRACE_SEIZE, pid, 0, 0), 0, "seize");
	is(ptrace(PTRACE_INTERRUPT, pid, 0, 0), 0, "interrupt");
	must(waitpid(pid, &status, 0) == pid);
	is(status >> 16, PTRACE_EVENT_STOP, "an event stop");
	kill(pid, SIGKILL);
	is(reap(pid), KILLED(SIGKILL), "and ended");
	fails(ptrace(PTRACE_CONT, pid, 0, 0), ESRCH, "gone");
}

static void forks(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(3);
	_exit(reap(pid) == EXITED(3) ? 4 : 5);
}

static void test_events(void)
{
	pid_t pid = traced(forks), child;
	unsigned long msg = 0;
	int status;

	must(ptrace(PTRACE_SETOPTIONS, pid, 0,
		    PTRACE_O_TRACEFORK | PTRACE_O_TRACEEXIT) == 0);
	status = next(PTRACE_CONT, pid, 0);
	is(status >> 8, SIGTRAP | PTRACE_EVENT_FORK << 8, "a fork event");
	must(ptrace(PTRACE_GETEVENTMSG, pid, 0, &msg) == 0);
	child = msg;
	must(waitpid(child, &status, __WALL) == child);
	ok(WIFSTOPPED(status), "the child is traced too");
	must(ptrace(PTRACE_DETACH, child, 0, 0) == 0);
	must(ptrace(PTRACE_CONT, pid, 0, 0) == 0);
	do {
		must(waitpid(pid, &status, __WALL) == pid);
		if (WIFSTOPPED(status) && WSTOPSIG(status) == SIGCHLD)
			ptrace(PTRACE_CONT, pid, 0, SIGCHLD);
	} while (WIFSTOPPED(status) && WSTOPSIG(status) == SIGCHLD);
	is(status >> 8, SIGTRAP | PTRACE_EVENT_EXIT << 8, "an exit event");
	must(ptrace(PTRACE_CONT, pid, 0, 0) == 0);
	is(reap(pid), EXITED(4), "and the end");
}

static void execs(void)
{
	execl("/bin/true", "true", NULL);
}

/* At the stop after exec the new program has not run yet. */
static void test_exec(void)
{
	pid_t pid = traced(execs);
	int status = next(PTRACE_CONT, pid, 0);
	struct user_fpregs_struct fp, again;

	ok(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP, "a stop after exec");
	memset(&fp, 1, sizeof(fp));
	is(ptrace(PTRACE_GETFPREGS, pid, 0, &fp), 0, "vector state is there");
	is(fp.mxcsr, 0x1f80, "and initial");
	fp.xmm_space[0] = 0x1234;
	is(ptrace(PTRACE_SETFPREGS, pid, 0, &fp), 0, "it can be set");
	must(ptrace(PTRACE_GETFPREGS, pid, 0, &again) == 0);
	is(again.xmm_space[0], 0x1234, "and is");
	status = next(PTRACE_SINGLESTEP, pid, 0);
	ok(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP, "one step");
	must(ptrace(PTRACE_GETFPREGS, pid, 0, &again) == 0);
	is(again.xmm_space[0], 0x1234, "and still is");
	must(ptrace(PTRACE_CONT, pid, 0, 0) == 0);
	is(reap(pid), 0, "and the end");
}

int main(void)
{
	test_syscalls();
	test_memory();
	test_breakpoint();
	test_steps();
	test_regsets();
	test_attach();
	test_events();
	test_exec();
	return done();
}
