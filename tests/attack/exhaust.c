// SPDX-License-Identifier: GPL-2.0-only
/*
 * More of everything than the host gives, and children that stay.
 */
#include "attack.h"

#define MANY_FORKS	150
#define MANY_THREADS	800
#define MANY_MAPS	68000UL

static void fork_many(void)
{
	int made = 0;

	for (int i = 0; i < MANY_FORKS; i++) {
		pid_t pid = fork();

		if (!pid) {
			pause();
			_exit(0);
		}
		made += pid > 0;
	}
	printf("# %d processes\n", made);
	fflush(stdout);
}

bool attack_forks(void)
{
	pid_t pid = do_fork();
	int status;

	if (!pid) {
		setpgid(0, 0);
		fork_many();
		sleep_ms(50);
		kill(0, SIGKILL);
	}
	setpgid(pid, pid);
	status = reap(pid);
	sleep_ms(100);
	return status == KILLED(SIGKILL);
}

static void *stay(void *arg)
{
	pause();
	return NULL;
}

static int *threads_made;

static void thread_many(void)
{
	pthread_attr_t attr;
	pthread_t t;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (int i = 0; i < MANY_THREADS; i++)
		*threads_made += pthread_create(&t, &attr, stay, NULL) == 0;
	_exit(0);
}

/* attack.t gives the kernel fewer: the guest's own limit does not come first. */
bool attack_threads(void)
{
	int status;

	threads_made = shared(4096);
	status = child_status(thread_many, 20000);
	printf("# %d threads, status %#x\n", *threads_made, status);
	return status == KILLED(SIGKILL) || (status == 0 && *threads_made < MANY_THREADS);
}

/* Each page that is only read is one host mapping: all show the same page. */
static void map_many(void)
{
	char *p = mmap(NULL, MANY_MAPS * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long sum = 0;

	must(p != MAP_FAILED);
	for (unsigned long i = 0; i < MANY_MAPS; i++)
		sum += ((volatile char *)p)[i * PAGE];
	for (unsigned long i = 0; i < 1000; i++)
		sum += ((volatile char *)p)[i * PAGE];
	_exit(sum != 0);
}

bool attack_maps(void)
{
	int status = child_status(map_many, 30000);

	printf("# status %#x\n", status);
	return status == 0;
}

/* --- who stays --------------------------------------------------------------------------- */

static void stay_and_spin(void)
{
	for (;;)
		asm volatile("pause");
}

static void stay_unseen(void)
{
	static const struct timespec long_time = { 100000, 0 };
	unsigned long area = own_area();

	give_turn(practice());
	forge_syscall(area, SYS_nanosleep, (long)&long_time, 0);
	give_turn(area);
	stay_and_spin();
}

static void stay_scribbling(void)
{
	volatile struct stub_handoff *ho = handoff_of(own_area());

	for (;;) {
		ho->tid = 1;
		ho->guest_sleeps = 0;
		ho->kernel_sleeps = 0;
		ho->spin = -1;
	}
}

/* Whether they are gone when the guest is, attack.t sees. */
bool attack_outlive(void)
{
	static void (*const ways[])(void) = { stay_and_spin, stay_unseen, stay_scribbling };

	for (size_t i = 0; i < 6; i++) {
		if (!do_fork()) {
			signal(SIGTERM, SIG_IGN);
			ways[i % ARRAY_SIZE(ways)]();
			_exit(0);
		}
	}
	sleep_ms(100);
	return true;
}
