// SPDX-License-Identifier: GPL-2.0-only
/* seccomp filters inside the guest: each action, arguments, threads. */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include "ktap.h"

/* Installs a filter that answers @action to system call @nr. */
static void filter_on(int nr, unsigned int action, unsigned int flags)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog p = { ARRAY_SIZE(f), f };

	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	must(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &p) == 0);
}

static int with_errno(void)
{
	filter_on(SYS_getppid, SECCOMP_RET_ERRNO | 77, 0);
	return syscall(SYS_getppid) == -1 && errno == 77 &&
	       syscall(SYS_getpid) > 0 ? 0 : 1;
}

static siginfo_t info;
static greg_t ip, ax;

static void on_sigsys(int sig, siginfo_t *si, void *ctx)
{
	greg_t *r = ((ucontext_t *)ctx)->uc_mcontext.gregs;

	info = *si;
	ip = r[REG_RIP];
	ax = r[REG_RAX];
	r[REG_RAX] = 1234;
}

static int with_trap(void)
{
	struct sigaction sa = {
		.sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO
	};
	long r;

	sigaction(SIGSYS, &sa, NULL);
	filter_on(SYS_getppid, SECCOMP_RET_TRAP | 5, 0);
	r = syscall(SYS_getppid);
	if (r != 1234)
		return 1;
	if (info.si_code != 1 || info.si_syscall != SYS_getppid)
		return 2;
	if (info.si_arch != AUDIT_ARCH_X86_64 || info.si_errno != 5)
		return 3;
	if ((greg_t)info.si_call_addr != ip)
		return 4;
	return ax == SYS_getppid ? 0 : 5;
}

static int with_trap_unhandled(void)
{
	filter_on(SYS_getppid, SECCOMP_RET_TRAP, 0);
	syscall(SYS_getppid);
	return 0;
}

static int with_kill(void)
{
	filter_on(SYS_getppid, SECCOMP_RET_KILL_PROCESS, 0);
	syscall(SYS_getppid);
	return 0;
}

static void *calls(void *arg)
{
	syscall(SYS_getppid);
	*(int *)arg = 1;
	return NULL;
}

static int with_kill_thread(void)
{
	volatile int survived = 0;
	pthread_t t;

	filter_on(SYS_getppid, SECCOMP_RET_KILL_THREAD, 0);
	pthread_create(&t, NULL, calls, (void *)&survived);
	pthread_join(t, NULL);
	return survived;
}

static int strict(void)
{
	must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0);
	syscall(SYS_getppid);
	return 0;
}

static int on_argument(void)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_dup2, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 99, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog p = { ARRAY_SIZE(f), f };

	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p) == 0);
	return dup2(1, 99) == -1 && errno == EPERM && dup2(1, 98) == 98 ? 0 : 1;
}

static volatile int go;

static void *waits_then_calls(void *arg)
{
	while (!go)
		sched_yield();
	return (void *)syscall(SYS_getppid);
}

static int all_threads(void)
{
	pthread_t t;
	void *r;

	pthread_create(&t, NULL, waits_then_calls, NULL);
	filter_on(SYS_getppid, SECCOMP_RET_ERRNO | 3, SECCOMP_FILTER_FLAG_TSYNC);
	go = 1;
	pthread_join(t, &r);
	return (long)r == -1 ? 0 : 1;
}

static int inherited(void)
{
	pid_t pid;

	filter_on(SYS_getppid, SECCOMP_RET_ERRNO | 9, 0);
	pid = fork();
	if (!pid)
		_exit(syscall(SYS_getppid) == -1 && errno == 9 ? 0 : 1);
	return reap(pid);
}

int main(void)
{
	struct sock_fprog none = { 0, NULL };

	is(in_child(with_errno), EXITED(0), "RET_ERRNO");
	is(in_child(with_trap), EXITED(0), "RET_TRAP");
	is(in_child(with_trap_unhandled) & 0x7f, SIGSYS, "RET_TRAP unhandled");
	is(in_child(with_kill) & 0x7f, SIGSYS, "RET_KILL_PROCESS");
	is(in_child(with_kill_thread), EXITED(0), "RET_KILL_THREAD");
	is(in_child(strict) & 0x7f, SIGKILL, "strict mode");
	is(in_child(on_argument), EXITED(0), "a filter on an argument");
	is(in_child(all_threads), EXITED(0), "TSYNC");
	is(in_child(inherited), EXITED(0), "a child inherits it");
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	fails(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &none), EINVAL,
	      "an empty filter");
	return done();
}
