// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUs come and go under load: work on one that goes moves elsewhere, a task
 * bound to it too, timers go on, and one that comes back is used.
 *
 * Boot options: ncpus=4
 */
#include "ktap.h"

#define CPUS	4
#define ROUNDS	25

struct shared {
	_Atomic bool stop;
	_Atomic long computed, switched, timed, faulted;
};

static struct shared *shared;

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	must(sched_setaffinity(0, sizeof(set), &set) == 0);
}

static int set_online(int cpu, bool online)
{
	char name[64];
	int fd, ret;

	snprintf(name, sizeof(name), "/sys/devices/system/cpu/cpu%d/online", cpu);
	fd = open(name, O_WRONLY);
	must(fd >= 0);
	ret = write(fd, online ? "1" : "0", 1);
	close(fd);
	return ret == 1 ? 0 : -1;
}

/* --- the load ------------------------------------------------------------------ */

static void compute(void)
{
	for (volatile int i = 0; i < 100000; i++)
		;
	shared->computed++;
}

static void fault(void)
{
	char *p = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	must(p != MAP_FAILED);
	for (int i = 0; i < 16; i++)
		p[i * PAGE] = i;
	munmap(p, 16 * PAGE);
	shared->faulted++;
}

static void wait_a_little(void)
{
	sleep_ms(1);
	shared->timed++;
}

/* A byte there and back between two processes. */
static void play(int in, int out)
{
	char c = 0;

	while (!shared->stop) {
		if (write(out, &c, 1) != 1 || read(in, &c, 1) != 1)
			break;
		shared->switched++;
	}
}

static void start(pid_t *pid, void (*work)(void))
{
	*pid = do_fork();
	if (*pid)
		return;
	while (!shared->stop)
		work();
	_exit(0);
}

static void start_players(pid_t *pid)
{
	int a[2], b[2];

	must(pipe(a) == 0 && pipe(b) == 0);
	for (int i = 0; i < 2; i++) {
		pid[i] = do_fork();
		if (pid[i])
			continue;
		close(i ? a[1] : b[1]);
		close(i ? b[0] : a[0]);
		play(i ? a[0] : b[0], i ? b[1] : a[1]);
		_exit(0);
	}
	close(a[0]);
	close(a[1]);
	close(b[0]);
	close(b[1]);
}

static int online(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN);
}

/* A task bound to a CPU that goes is let run elsewhere. */
static void bound_task(void)
{
	pid_t pid = do_fork();
	char now[16];

	if (!pid) {
		pin(3);
		raise(SIGSTOP);
		compute();
		_exit(sched_getcpu() == 3 ? 1 : 0);
	}
	must(waitpid(pid, NULL, WUNTRACED) == pid);
	is(set_online(3, false), 0, "CPU 3 goes");
	read_file("/sys/devices/system/cpu/online", now, sizeof(now));
	ok(!strcmp(now, "0-2\n"), "and is not on line");
	kill(pid, SIGCONT);
	is(reap(pid), EXITED(0), "a task that was bound to it runs elsewhere");
	is(set_online(3, true), 0, "it comes back");
	pin(3);
	is(sched_getcpu(), 3, "and can be bound to again");
	sleep_ms(5);
	is(sched_getcpu(), 3, "with a timer of its own");
	pin(0);
}

int main(void)
{
	pid_t pids[8];
	long before[4];
	int n = 0, bad = 0;

	need_guest();
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(shared != MAP_FAILED);
	is(online(), CPUS, "%d CPUs", CPUS);
	fails(access("/sys/devices/system/cpu/cpu4", F_OK), ENOENT, "and no more");
	bound_task();

	for (int i = 0; i < 2; i++) {
		start(&pids[n++], compute);
		start(&pids[n++], fault);
	}
	start(&pids[n++], wait_a_little);
	start_players(&pids[n]);
	n += 2;
	for (int round = 0; round < ROUNDS; round++) {
		int cpu = 1 + round % (CPUS - 1);

		bad += set_online(cpu, false) != 0;
		sleep_ms(5);
		bad += set_online(cpu, true) != 0;
	}
	is(bad, 0, "%d times a CPU goes and comes back", ROUNDS);
	for (int cpu = 1; cpu < CPUS; cpu++)
		bad += set_online(cpu, false) != 0;
	is(bad, 0, "all but one go");
	is(online(), 1, "one is left");
	before[0] = shared->computed;
	before[1] = shared->faulted;
	before[2] = shared->timed;
	before[3] = shared->switched;
	ok(wait_for(shared->computed > before[0] && shared->faulted > before[1] &&
		    shared->timed > before[2] && shared->switched > before[3], 5000),
	   "everything goes on with it");
	for (int cpu = 1; cpu < CPUS; cpu++)
		bad += set_online(cpu, true) != 0;
	is(bad, 0, "all come back");
	is(online(), CPUS, "and are there");
	shared->stop = true;
	for (int i = 0; i < n; i++)
		is(reap(pids[i]), EXITED(0), "load %d ends", i);
	ok(shared->computed && shared->faulted && shared->timed && shared->switched,
	   "%ld computations, %ld faults, %ld timers, %ld switches", (long)shared->computed,
	   (long)shared->faulted, (long)shared->timed, (long)shared->switched);
	return done();
}
