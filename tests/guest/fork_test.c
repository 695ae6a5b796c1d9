// SPDX-License-Identifier: GPL-2.0-only
/* fork, vfork, clone3, exit, wait: statuses, orphans, pidfd, memory. */
#include <linux/sched.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include "ktap.h"

static long clone3(struct clone_args *a)
{
	return syscall(SYS_clone3, a, sizeof(*a));
}

static int exit_7(void)
{
	return 7;
}

static int segv(void)
{
	*(volatile int *)at(8) = 1;
	return 0;
}

static int killed(void)
{
	raise(SIGKILL);
	return 0;
}

static void test_status(void)
{
	int bad = 0;

	is(in_child(exit_7), EXITED(7), "an exit status");
	is(in_child(segv) & 0x7f, SIGSEGV, "a fault");
	is(in_child(killed), KILLED(SIGKILL), "a signal");
	for (int i = 0; i < 256; i++) {
		pid_t pid = do_fork();

		if (!pid)
			_exit(i);
		bad += reap(pid) != EXITED(i);
	}
	is(bad, 0, "every status from 0 to 255");
	fails(waitpid(-1, NULL, 0), ECHILD, "no child is left");
}

static void test_waitid(void)
{
	siginfo_t si = { };
	struct rusage ru;
	int status, go[2];
	pid_t pid;
	char c;

	must(!pipe(go));
	pid = do_fork();
	if (!pid) {
		raise(SIGSTOP);
		/* not before the parent has seen that it continued */
		_exit(read(go[0], &c, 1) == 1 ? 3 : 4);
	}
	must(waitpid(pid, &status, WUNTRACED) == pid);
	ok(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP, "stopped");
	is(waitpid(pid, &status, WNOHANG), 0, "WNOHANG");
	kill(pid, SIGCONT);
	must(waitpid(pid, &status, WCONTINUED) == pid);
	ok(WIFCONTINUED(status), "continued");
	must(write(go[1], "", 1) == 1);
	is(waitid(P_PID, pid, &si, WEXITED | WNOWAIT), 0, "waitid");
	ok(si.si_pid == pid && si.si_code == CLD_EXITED && si.si_status == 3,
	   "tells all");
	is(wait4(pid, &status, 0, &ru), pid, "WNOWAIT left it, wait4 takes it");
	ok(ru.ru_maxrss > 0, "with its usage");
}

static void test_orphan(void)
{
	int p[2];
	pid_t pid, got[2] = { 0, 0 };

	must(pipe(p) == 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid = do_fork();
	if (!pid) {
		pid_t middle = getpid();

		if (fork() == 0) {
			pid_t mine[2];

			while (getppid() == middle)
				sched_yield();
			mine[0] = getpid();
			mine[1] = getppid();
			if (write(p[1], mine, sizeof(mine)) < 0)
				_exit(1);
			_exit(9);
		}
		_exit(0);
	}
	is(reap(pid), 0, "the parent ends first");
	must(read(p[0], got, sizeof(got)) == sizeof(got));
	is(got[1], getpid(), "the orphan has a new parent");
	is(reap(got[0]), EXITED(9), "which reaps it");
	prctl(PR_SET_CHILD_SUBREAPER, 0);
}

static void test_vfork(void)
{
	static volatile int shared;
	int status;
	pid_t pid;

	shared = 0;
	pid = vfork();
	if (!pid) {
		shared = 1;
		_exit(5);
	}
	is(shared, 1, "vfork shares memory and waits");
	must(waitpid(pid, &status, 0) == pid);
	is(status, EXITED(5), "and has a status");
}

static int clone_fn(void *arg)
{
	*(volatile int *)arg = 77;
	return 6;
}

static void test_clone(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	static volatile int shared;
	struct clone_args a = { };
	struct pollfd pfd;
	int pidfd = -1, status;
	pid_t pid;

	pid = clone(clone_fn, stack + sizeof(stack), CLONE_VM | SIGCHLD,
		    (void *)&shared);
	must(pid > 0);
	is(reap(pid), EXITED(6), "clone with a stack of its own");
	is(shared, 77, "CLONE_VM shares memory");

	a.flags = CLONE_PIDFD;
	a.pidfd = (uintptr_t)&pidfd;
	a.exit_signal = SIGCHLD;
	fflush(stdout);
	pid = clone3(&a);
	if (!pid) {
		pause();
		_exit(1);
	}
	ok(pid > 0 && pidfd >= 0, "clone3 with a pidfd");
	pfd = (struct pollfd){ .fd = pidfd, .events = POLLIN };
	is(poll(&pfd, 1, 0), 0, "is not readable while it runs");
	is(syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0), 0,
	   "pidfd_send_signal");
	is(poll(&pfd, 1, 10000), 1, "is readable when it ended");
	is(reap(pid), KILLED(SIGTERM), "by that signal");

	memset(&a, 0, sizeof(a));
	pid = clone3(&a);
	if (!pid)
		_exit(4);
	fails(waitpid(pid, &status, 0), ECHILD, "no exit signal: plain wait does not see it");
	is(waitpid(pid, &status, __WALL), pid, "__WALL does");
	a.flags = CLONE_SIGHAND;
	fails(clone3(&a), EINVAL, "CLONE_SIGHAND needs CLONE_VM");
}

/* Descriptors are shared, the working directory and memory are not. */
static void test_inherited(void)
{
	int fd = temp_file(100), x = 1, status;
	char before[PATH_MAX], after[PATH_MAX];
	pid_t pid;

	must(getcwd(before, sizeof(before)));
	pid = do_fork();
	if (!pid) {
		x = 2;
		lseek(fd, 50, SEEK_SET);
		close(fd);
		_exit(chdir("/") ? 1 : x);
	}
	status = reap(pid);
	must(getcwd(after, sizeof(after)));
	is(status, EXITED(2), "the child has its copy");
	is(x, 1, "the parent keeps its own");
	is(lseek(fd, 0, SEEK_CUR), 50, "the file offset is shared");
	is(strcmp(before, after), 0, "the working directory is not");
}

static void *thread_exits(void *arg)
{
	_exit(12);
}

static int exit_from_thread(void)
{
	pthread_t t;

	pthread_create(&t, NULL, thread_exits, NULL);
	for (;;)
		pause();
	return 0;
}

static void *thread_forks(void *arg)
{
	*(int *)arg = in_child(exit_7);
	return NULL;
}

int main(void)
{
	pthread_t t;
	int status = 0;

	test_status();
	test_waitid();
	test_orphan();
	test_vfork();
	test_clone();
	test_inherited();
	is(in_child(exit_from_thread), EXITED(12), "a thread's exit_group ends all");
	pthread_create(&t, NULL, thread_forks, &status);
	pthread_join(t, NULL);
	is(status, EXITED(7), "a thread forks");
	return done();
}
