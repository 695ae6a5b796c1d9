// SPDX-License-Identifier: GPL-2.0-only
/* Sleeping and timers: nanosleep, setitimer, POSIX timers, timerfd. */
#include <poll.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include "ktap.h"

#define MS 1000000ULL

static volatile int fired, last, value;

static void fires(int sig, siginfo_t *si, void *ctx)
{
	fired++;
	last = sig;
	value = si->si_value.sival_int;
}

static void handle(int sig)
{
	struct sigaction sa = {
		.sa_sigaction = fires, .sa_flags = SA_SIGINFO | SA_RESTART
	};

	fired = 0;
	sigaction(sig, &sa, NULL);
}

static void test_sleep(void)
{
	static const uint64_t lengths[] = { 1, 1000, 100000, 1 * MS, 5 * MS,
					    30 * MS };
	struct timespec ts;
	uint64_t t0;
	int early = 0;

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++)
		for (int n = 0; n < 5; n++) {
			ts = (struct timespec){ 0, lengths[i] };
			t0 = now_ns(CLOCK_MONOTONIC);
			must(nanosleep(&ts, NULL) == 0);
			early += now_ns(CLOCK_MONOTONIC) - t0 < lengths[i];
		}
	is(early, 0, "no sleep is too short");
	t0 = now_ns(CLOCK_MONOTONIC) + 20 * MS;
	ts = (struct timespec){ t0 / 1000000000, t0 % 1000000000 };
	is(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL), 0,
	   "an absolute sleep");
	ok(now_ns(CLOCK_MONOTONIC) >= t0, "until its time");
	ts = (struct timespec){ 0, 1000000000 };
	fails(nanosleep(&ts, NULL), EINVAL, "too many nanoseconds");
}

static void test_real(void)
{
	struct itimerval it = { { 0, 5000 }, { 0, 5000 } }, now;
	uint64_t t0 = now_ns(CLOCK_MONOTONIC);

	handle(SIGALRM);
	setitimer(ITIMER_REAL, &it, NULL);
	while (fired < 20)
		pause();
	ok(now_ns(CLOCK_MONOTONIC) - t0 >= 100 * MS,
	   "20 intervals of 5 ms take 100 ms");
	getitimer(ITIMER_REAL, &now);
	ok(now.it_interval.tv_usec == 5000 && now.it_value.tv_usec <= 5000,
	   "getitimer");
	it = (struct itimerval){ };
	setitimer(ITIMER_REAL, &it, NULL);
	handle(SIGALRM);
	alarm(100);
	is(alarm(0), 100, "alarm says what was left");
}

static void burn(uint64_t ns)
{
	uint64_t end = now_ns(CLOCK_PROCESS_CPUTIME_ID) + ns;

	while (now_ns(CLOCK_PROCESS_CPUTIME_ID) < end)
		;
}

static void test_virtual(void)
{
	struct itimerval it = { { 0, 20000 }, { 0, 20000 } }, off = { };
	uint64_t end;

	handle(SIGVTALRM);
	setitimer(ITIMER_VIRTUAL, &it, NULL);
	sleep_ms(100);
	is(fired, 0, "ITIMER_VIRTUAL does not run asleep");
	end = now_ns(CLOCK_MONOTONIC) + 10000 * MS;
	while (fired < 3 && now_ns(CLOCK_MONOTONIC) < end)
		for (volatile int i = 0; i < 100000; i++)
			;
	ok(fired >= 3, "but does in a loop");
	setitimer(ITIMER_VIRTUAL, &off, NULL);
	handle(SIGPROF);
	setitimer(ITIMER_PROF, &it, NULL);
	end = now_ns(CLOCK_MONOTONIC) + 10000 * MS;
	while (fired < 3 && now_ns(CLOCK_MONOTONIC) < end)
		for (int i = 0; i < 1000; i++)
			syscall(SYS_getppid);
	ok(fired >= 3, "ITIMER_PROF counts system calls too");
	setitimer(ITIMER_PROF, &off, NULL);
}

static void test_posix(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL };
	struct itimerspec it = { { 0, 5 * MS }, { 0, 5 * MS } }, now;
	sigset_t set;
	timer_t t;

	ev.sigev_signo = SIGRTMIN;
	ev.sigev_value.sival_int = 99;
	handle(SIGRTMIN);
	must(timer_create(CLOCK_MONOTONIC, &ev, &t) == 0);
	must(timer_settime(t, 0, &it, NULL) == 0);
	while (fired < 10)
		pause();
	is(value, 99, "a POSIX timer brings its value");
	timer_gettime(t, &now);
	ok(now.it_interval.tv_nsec == (long)(5 * MS), "timer_gettime");
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sleep_ms(60);
	fired = 0;
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	ok(fired >= 1 && timer_getoverrun(t) >= 0, "what was blocked overruns");
	timer_delete(t);

	must(timer_create(CLOCK_PROCESS_CPUTIME_ID, &ev, &t) == 0);
	handle(SIGRTMIN);
	it = (struct itimerspec){ { 0, 0 }, { 0, 30 * MS } };
	timer_settime(t, 0, &it, NULL);
	burn(200 * MS);
	is(fired, 1, "a timer on CPU time");
	timer_delete(t);
}

static void test_timerfd(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	struct itimerspec it = { { 0, 10 * MS }, { 0, 10 * MS } };
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t n = 0, t0 = now_ns(CLOCK_MONOTONIC);

	fails(read(fd, &n, 8), EAGAIN, "a timerfd not set");
	timerfd_settime(fd, 0, &it, NULL);
	is(poll(&p, 1, 5000), 1, "poll waits for it");
	ok(now_ns(CLOCK_MONOTONIC) - t0 >= 10 * MS, "not too short");
	sleep_ms(50);
	is(read(fd, &n, 8), 8, "read");
	ok(n >= 5 && n < 500, "counts the expirations");
	close(fd);
}

/* Poll and friends with a time-out. */
static void test_timeout(void)
{
	uint64_t t0 = now_ns(CLOCK_MONOTONIC);
	struct timeval tv = { 0, 20000 };

	is(poll(NULL, 0, 20), 0, "poll times out");
	ok(now_ns(CLOCK_MONOTONIC) - t0 >= 20 * MS, "not too early");
	t0 = now_ns(CLOCK_MONOTONIC);
	is(select(0, NULL, NULL, NULL, &tv), 0, "select times out");
	ok(now_ns(CLOCK_MONOTONIC) - t0 >= 20 * MS, "not too early");
}

int main(void)
{
	test_sleep();
	test_real();
	test_virtual();
	test_posix();
	test_timerfd();
	test_timeout();
	return done();
}
