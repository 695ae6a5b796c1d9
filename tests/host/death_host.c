// SPDX-License-Identifier: GPL-2.0-only
/*
 * How processes of a guest end together: PDEATHSIG fires when the *thread*
 * that forked ends and is cleared by fork; a pidfd is readable at the end.
 * Timers signal the thread they name.
 */
#include <linux/sched.h>
#include <poll.h>
#include <sys/prctl.h>
#include "ktap.h"

static int p[2];

static void *forks_and_ends(void *arg)
{
	char c;
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		must(write(p[1], "r", 1) == 1);
		for (;;)
			pause();
	}
	must(read(p[0], &c, 1) == 1);
	*(pid_t *)arg = pid;
	return NULL;
}

static void test_thread(void)
{
	pid_t pid = 0;
	pthread_t t;

	must(pipe(p) == 0);
	pthread_create(&t, NULL, forks_and_ends, &pid);
	pthread_join(t, NULL);
	is(reap(pid), KILLED(SIGKILL),
	   "PDEATHSIG comes when the forking thread ends");
}

static int cleared_by_fork(void)
{
	int sig = -1;
	pid_t pid;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pid = fork();
	if (!pid) {
		prctl(PR_GET_PDEATHSIG, &sig);
		_exit(sig);
	}
	return WEXITSTATUS(reap(pid));
}

/* A chain of processes that each watch their parent ends as a whole. */
static void test_chain(void)
{
	pid_t pid;
	char c;

	must(pipe(p) == 0);
	pid = do_fork();
	if (!pid) {
		close(p[0]);
		for (int i = 0; i < 5; i++) {
			pid_t parent = getpid(), child = fork();

			if (child)
				for (;;)
					pause();
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (getppid() != parent)
				_exit(0);
		}
		must(write(p[1], "r", 1) == 1);
		for (;;)
			pause();
	}
	close(p[1]);
	must(read(p[0], &c, 1) == 1);
	kill(pid, SIGKILL);
	is(read(p[0], &c, 1), 0, "kill -9 of the first of a chain ends all");
	is(reap(pid), KILLED(SIGKILL), "by SIGKILL");
}

static void test_pidfd(void)
{
	int pidfd = -1;
	struct clone_args a = {
		.flags = CLONE_PIDFD, .pidfd = (uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
	};
	struct pollfd f;
	pid_t pid;

	fflush(stdout);
	pid = syscall(SYS_clone3, &a, sizeof(a));
	must(pid >= 0);
	if (!pid)
		for (;;)
			pause();
	f = (struct pollfd){ .fd = pidfd, .events = POLLIN };
	is(poll(&f, 1, 0), 0, "a pidfd is silent while the process runs");
	is(syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0), 0,
	   "it takes a signal");
	is(poll(&f, 1, 5000), 1, "and is readable at the end");
	reap(pid);
	fails(syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0), ESRCH,
	      "a recycled pid is not meant");
}

static __thread volatile int ticks;
static volatile int wrong;

static void on_tick(int sig)
{
	ticks++;
}

static void *with_timer(void *arg)
{
	struct sigevent ev = {
		.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN,
	};
	struct itimerspec it = { { 0, 1000000 }, { 0, 1000000 } };
	timer_t t;

	ev._sigev_un._tid = syscall(SYS_gettid);
	must(timer_create(CLOCK_MONOTONIC, &ev, &t) == 0);
	must(timer_settime(t, 0, &it, NULL) == 0);
	if (!wait_for(ticks >= 20, 5000))
		wrong++;
	timer_delete(t);
	return NULL;
}

static void test_timers(void)
{
	pthread_t t[4];

	signal(SIGRTMIN, on_tick);
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, with_timer, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	is(wrong, 0, "each thread gets its own timer's signals");
	is(ticks, 0, "and nobody else");
}

int main(void)
{
	test_thread();
	is(in_child(cleared_by_fork), EXITED(0), "fork clears PDEATHSIG");
	test_chain();
	test_pidfd();
	test_timers();
	return done();
}
