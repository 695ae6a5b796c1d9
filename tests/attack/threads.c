// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that do not want to be stopped, and hand-off pages that are not left
 * alone.
 */
#include "attack.h"

/* The kernel gives up on a thread after two seconds. */
#define LONGEST_DELAY	4000

static void spin_with_other_tid(void)
{
	volatile struct stub_handoff *ho = handoff_of(own_area());
	unsigned int other = ho->tid + 1;

	for (;;)
		ho->tid = other;
}

/* On one vCPU: a thread that cannot be kicked keeps all others from running. */
bool attack_kick_tid(void)
{
	long worst = worst_delay(spin_with_other_tid, 1000);

	printf("# others waited for %ld ms at most\n", worst);
	return worst < 1000;
}

/* --- running on -------------------------------------------------------------------- */

static volatile unsigned long *counter;

static __attribute__((noinline)) void count_on(unsigned long n)
{
	while (n--)
		++*counter;
}

static void sleep_and_run_on(void)
{
	static const struct timespec long_time = { 100000, 0 };
	unsigned long area = own_area();

	give_turn(practice());
	count_on(1000);
	forge_syscall(area, SYS_nanosleep, (long)&long_time, 0);
	give_turn(area);
	count_on(-1UL);
}

bool attack_run_on(void)
{
	unsigned long first;
	pid_t pid;

	counter = shared(4096);
	pid = do_fork();
	if (!pid) {
		sleep_and_run_on();
		_exit(0);
	}
	sleep_ms(500);
	first = *counter;
	sleep_ms(300);
	first = *counter - first;
	kill(pid, SIGKILL);
	printf("# it counted to %lu, and then by %lu more\n", *counter, first);
	return reap(pid) == KILLED(SIGKILL) && !first;
}

/* --- a new thread's turn -------------------------------------------------------------- */

static volatile unsigned long next_area;

static void *write_turns(void *arg)
{
	for (;;) {
		volatile struct stub_handoff *ho = handoff_of(next_area);

		/* clears what does not matter */
		if (writable((unsigned long)&ho->info))
			for (int i = 0; i < 1000000; i++)
				ho->turn = STUB_TURN_GUEST;
	}
	return NULL;
}

static void *live_on(void *arg)
{
	pause();
	return NULL;
}

static void disturb_new_threads(void)
{
	pthread_t t;

	next_area = own_area() + 2 * STUB_AREA_SIZE;
	must(pthread_create(&t, NULL, write_turns, NULL) == 0);
	for (int i = 0; i < 8; i++) {
		while (readable(next_area))
			next_area += STUB_AREA_SIZE;
		pthread_create(&t, NULL, live_on, NULL);
	}
}

bool attack_first_park(void)
{
	uint64_t start = now_ns(CLOCK_MONOTONIC);
	int killed = 0;
	long took;

	for (int i = 0; i < 10; i++) {
		killed += child_status(disturb_new_threads, 8000) == KILLED(SIGKILL);
		took = (now_ns(CLOCK_MONOTONIC) - start) / 1000000;
		if (took > 2000)
			break;
	}
	printf("# it took %ld ms, %d times the process was killed\n", took, killed);
	return took < 8000;
}

/* --- wake-ups, and loops in the stub's text ----------------------------------------------- */

/*
 * Behind the futex() the stub goes on with the last event's context: after the
 * getppid(), again and again.
 */
static void wake_for_ever(unsigned long area)
{
	volatile int rounds = 0;

	syscall(SYS_getppid);
	if (rounds++ < 1000000000)
		asm volatile("jmp *%0" : : "r"(futex_site()), "a"(SYS_futex),
			     "D"(&handoff_of(area)->turn), "S"(FUTEX_WAKE), "d"(1) : "memory");
}

static void *wake_thread(void *arg)
{
	wake_for_ever(area_at(0));
	return NULL;
}

static void wake_storm(void)
{
	pthread_t t;

	must(pthread_create(&t, NULL, wake_thread, NULL) == 0);
	must(pthread_create(&t, NULL, wake_thread, NULL) == 0);
	wake_for_ever(area_at(1));
}

bool attack_wake_storm(void)
{
	long worst = worst_delay(wake_storm, 500);

	printf("# others waited for %ld ms at most\n", worst);
	return worst < LONGEST_DELAY;
}

/* A context that leads back to the futex(), which leads to the context. */
static void loop_in_stub(void)
{
	unsigned long area = own_area();
	struct forged_context *uc = (void *)(area + 0x1000), *real;

	syscall(SYS_getppid);
	real = (void *)handoff_of(area)->context;
	*uc = *real;
	uc->ip = futex_site();
	uc->ax = SYS_futex;
	uc->di = (unsigned long)&handoff_of(area)->turn;
	uc->si = FUTEX_WAKE;
	uc->dx = 1;
	handoff_of(area)->context = (unsigned long)uc;
	asm volatile("jmp *%0" : : "r"(futex_site()), "a"(SYS_futex), "D"(uc->di), "S"(FUTEX_WAKE),
		     "d"(1) : "memory");
}

bool attack_stub_loop(void)
{
	long worst = worst_delay(loop_in_stub, 300);

	printf("# others waited for %ld ms at most\n", worst);
	return worst < LONGEST_DELAY;
}
