// SPDX-License-Identifier: GPL-2.0-only
/* Queued signals: real-time order, sigwaitinfo, signalfd, threads. */
#include <poll.h>
#include <sys/signalfd.h>
#include "ktap.h"

static sigset_t rt;
static int order[64], n;

static void records(int sig, siginfo_t *si, void *ctx)
{
	order[n++] = (sig - SIGRTMIN) * 100 + si->si_value.sival_int;
}

static void queue(int sig, int value)
{
	must(sigqueue(getpid(), sig, (union sigval){ .sival_int = value }) == 0);
}

static void test_order(void)
{
	struct sigaction sa = { .sa_sigaction = records, .sa_flags = SA_SIGINFO };
	int bad = 0;

	sigfillset(&sa.sa_mask);
	for (int i = 0; i < 3; i++)
		sigaction(SIGRTMIN + i, &sa, NULL);
	for (int v = 0; v < 5; v++)
		for (int i = 2; i >= 0; i--)
			queue(SIGRTMIN + i, v);
	sigprocmask(SIG_UNBLOCK, &rt, NULL);
	is(n, 15, "all queued signals come");
	for (int i = 0; i < n; i++)
		bad += order[i] % 100 != i % 5;
	is(bad, 0, "each kind in the order sent");
	sigprocmask(SIG_BLOCK, &rt, NULL);
}

static void test_wait(void)
{
	struct timespec none = { 0, 0 }, ms = { 0, 10000000 };
	uint64_t t0;
	siginfo_t si;

	for (int v = 0; v < 3; v++)
		for (int i = 2; i >= 0; i--)
			queue(SIGRTMIN + i, v);
	is(sigwaitinfo(&rt, &si), SIGRTMIN, "the lowest number first");
	ok(si.si_value.sival_int == 0 && si.si_code == SI_QUEUE,
	   "the oldest of its kind");
	for (int i = 0; i < 8; i++)
		sigwaitinfo(&rt, &si);
	ok(si.si_signo == SIGRTMIN + 2 && si.si_value.sival_int == 2,
	   "the highest number last");
	fails(sigtimedwait(&rt, &si, &none), EAGAIN, "none is left");
	t0 = now_ns(CLOCK_MONOTONIC);
	fails(sigtimedwait(&rt, &si, &ms), EAGAIN, "a time-out");
	ok(now_ns(CLOCK_MONOTONIC) - t0 >= 10000000, "not too early");
}

static void test_signalfd(void)
{
	struct signalfd_siginfo si[4];
	int fd = signalfd(-1, &rt, SFD_NONBLOCK);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	pid_t pid;

	is(poll(&p, 1, 0), 0, "signalfd: nothing to read");
	fails(read(fd, si, sizeof(si)), EAGAIN, "EAGAIN");
	queue(SIGRTMIN, 5);
	queue(SIGRTMIN, 6);
	is(poll(&p, 1, 0), 1, "readable");
	is(read(fd, si, sizeof(si)), 2 * sizeof(si[0]), "both at once");
	ok(si[0].ssi_int == 5 && si[1].ssi_int == 6, "with their values");
	pid = do_fork();
	if (!pid) {
		sigqueue(getppid(), SIGRTMIN, (union sigval){ .sival_int = 7 });
		_exit(0);
	}
	is(poll(&p, 1, 10000), 1, "poll wakes for one from a child");
	must(read(fd, si, sizeof(si)) > 0);
	is(si[0].ssi_pid, pid, "which it names");
	reap(pid);
	close(fd);
}

static volatile int got[4];
static __thread int me;

static void per_thread(int sig)
{
	got[me]++;
}

static void *target(void *arg)
{
	me = (long)arg;
	got[me] = 100;
	while (got[me] < 101)
		sched_yield();
	return NULL;
}

static void test_threads(void)
{
	struct sigaction sa = { .sa_handler = per_thread };
	pthread_t t[4];
	int bad = 0;

	sigaction(SIGUSR1, &sa, NULL);
	for (long i = 1; i < 4; i++)
		pthread_create(&t[i], NULL, target, (void *)i);
	for (int i = 1; i < 4; i++)
		while (got[i] < 100)
			sched_yield();
	for (int i = 1; i < 4; i++)
		pthread_kill(t[i], SIGUSR1);
	for (int i = 1; i < 4; i++) {
		pthread_join(t[i], NULL);
		bad += got[i] != 101;
	}
	is(bad, 0, "pthread_kill reaches the thread it names");
}

/* Signals sent as fast as can be are all handled by a spinning receiver. */
static void counts(int sig)
{
	n++;
}

static void test_flood(void)
{
	struct sigaction sa = { .sa_handler = counts };
	pid_t pid, parent = getpid();

	n = 0;
	sigaction(SIGRTMIN, &sa, NULL);
	pid = do_fork();
	if (!pid) {
		for (int i = 0; i < 2000; i++)
			while (sigqueue(parent, SIGRTMIN, (union sigval){ }))
				sched_yield();
		_exit(0);
	}
	sigprocmask(SIG_UNBLOCK, &rt, NULL);
	ok(wait_for(*(volatile int *)&n == 2000, 30000),
	   "2000 real-time signals from another process");
	is(reap(pid), 0, "which ends");
}

int main(void)
{
	sigemptyset(&rt);
	for (int i = 0; i < 3; i++)
		sigaddset(&rt, SIGRTMIN + i);
	sigprocmask(SIG_BLOCK, &rt, NULL);
	test_order();
	test_wait();
	test_signalfd();
	test_threads();
	test_flood();
	return done();
}
