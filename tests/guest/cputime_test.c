// SPDX-License-Identifier: GPL-2.0-only
/* CPU time: of threads, processes, children; user and system; scheduling. */
#include <sys/resource.h>
#include <sys/times.h>
#include "ktap.h"

#define MS 1000000ULL

static volatile unsigned long sink;

static void spin_ms(uint64_t ms)
{
	uint64_t end = now_ns(CLOCK_THREAD_CPUTIME_ID) + ms * MS;

	while (now_ns(CLOCK_THREAD_CPUTIME_ID) < end)
		for (int i = 0; i < 20000; i++)
			sink += i;
}

static uint64_t us(struct timeval tv)
{
	return tv.tv_sec * 1000000ULL + tv.tv_usec;
}

static void *spins(void *arg)
{
	uint64_t t0 = now_ns(CLOCK_THREAD_CPUTIME_ID);

	spin_ms(100);
	return (void *)(now_ns(CLOCK_THREAD_CPUTIME_ID) - t0);
}

static void test_clocks(void)
{
	uint64_t p0 = now_ns(CLOCK_PROCESS_CPUTIME_ID), p1;
	uint64_t m0 = now_ns(CLOCK_MONOTONIC), m1;
	pthread_t t[2];
	void *r;

	sleep_ms(200);
	p1 = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	ok(p1 - p0 < 50 * MS, "sleeping takes no CPU time");
	spin_ms(100);
	p0 = now_ns(CLOCK_PROCESS_CPUTIME_ID) - p1;
	m1 = now_ns(CLOCK_MONOTONIC);
	ok(p0 >= 100 * MS, "computing does");
	ok(m1 - m0 >= 290 * MS, "no more than the time that passed");
	p0 = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, spins, NULL);
	for (int i = 0; i < 2; i++) {
		pthread_join(t[i], &r);
		ok((uint64_t)r >= 100 * MS, "a thread's own clock");
	}
	ok(now_ns(CLOCK_PROCESS_CPUTIME_ID) - p0 >= 200 * MS,
	   "the process's clock adds them");
}

static int child_spins(void)
{
	spin_ms(150);
	return 0;
}

static void test_rusage(void)
{
	struct rusage a, b;
	struct tms tms;
	uint64_t user, sys;

	getrusage(RUSAGE_SELF, &a);
	spin_ms(300);
	getrusage(RUSAGE_SELF, &b);
	user = us(b.ru_utime) - us(a.ru_utime);
	sys = us(b.ru_stime) - us(a.ru_stime);
	ok(user + sys >= 250000 && user + sys < 2000000, "getrusage counts it");
	ok(user > sys, "arithmetic is user time");
	printf("# user %lu us, system %lu us\n", user, sys);
	getrusage(RUSAGE_CHILDREN, &a);
	is(in_child(child_spins), 0, "a child computes");
	getrusage(RUSAGE_CHILDREN, &b);
	ok(us(b.ru_utime) + us(b.ru_stime) - us(a.ru_utime) - us(a.ru_stime) >=
	   100000, "its time is the children's");
	ok(b.ru_maxrss > 0, "so is its memory");
	getrusage(RUSAGE_SELF, &a);
	for (size_t i = 0; i < 100; i++) {
		volatile char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		*p = 1;
		munmap((void *)p, PAGE);
	}
	getrusage(RUSAGE_SELF, &b);
	ok(b.ru_minflt - a.ru_minflt >= 100, "page faults are counted");
	ok(times(&tms) != (clock_t)-1 && tms.tms_utime + tms.tms_stime > 0,
	   "times");
}

static volatile int stop;
static volatile unsigned long work[2];

static void *counts(void *arg)
{
	unsigned long n = 0;

	while (!stop)
		n++;
	work[(long)arg] = n;
	return NULL;
}

static void test_sched(void)
{
	struct sched_param sp = { .sched_priority = 1 };
	pthread_t t[2];
	cpu_set_t set;

	is(sched_yield(), 0, "sched_yield");
	must(sched_getaffinity(0, sizeof(set), &set) == 0);
	ok(CPU_COUNT(&set) >= 1, "sched_getaffinity");
	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	is(sched_setaffinity(0, sizeof(set), &set), 0, "bound to one CPU");
	for (long i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, counts, (void *)i);
	sleep_ms(300);
	stop = 1;
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	ok(work[0] && work[1] && work[0] / work[1] < 20 && work[1] / work[0] < 20,
	   "two threads on one CPU share it");
	CPU_ZERO(&set);
	CPU_SET(1000, &set);
	fails(sched_setaffinity(0, sizeof(set), &set), EINVAL, "no such CPU");
	is(setpriority(PRIO_PROCESS, 0, 5), 0, "nice");
	is(getpriority(PRIO_PROCESS, 0), 5, "is remembered");
	if (geteuid() == 0)
		is(sched_setscheduler(0, SCHED_FIFO, &sp), 0, "SCHED_FIFO");
}

int main(void)
{
	test_clocks();
	test_rusage();
	test_sched();
	return done();
}
