// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes, threads, and what passes between them.
 *
 * A peer (process or thread) is started by the prepare function and ends with
 * the benchmark's process.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

extern char **environ;

static void wait_for(int pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			bench_fail("waitpid");
	if (status) {
		errno = 0;
		bench_fail("the child");
	}
}

static double run_fork_wait(unsigned long ops)
{
	double start = bench_now();

	while (ops--) {
		int pid = fork();

		if (pid < 0)
			bench_fail("fork");
		if (!pid)
			_exit(0);
		wait_for(pid);
	}
	return bench_now() - start;
}

/* In a function of its own: the child shares the caller's variables. */
static __attribute__((noinline)) int vfork_exit(void)
{
	int pid = vfork();

	if (!pid)
		_exit(0);
	return pid;
}

static double run_vfork_wait(unsigned long ops)
{
	double start = bench_now();

	while (ops--) {
		int pid = vfork_exit();

		if (pid < 0)
			bench_fail("vfork");
		wait_for(pid);
	}
	return bench_now() - start;
}

static char *const exit_argv[] = { "bench", "--exit", NULL };

static void prepare_exec(void)
{
	if (!bench_self)
		bench_skip("/proc/self/exe does not name this program");
}

static double run_fork_exec_wait(unsigned long ops)
{
	double start = bench_now();

	while (ops--) {
		int pid = fork();

		if (pid < 0)
			bench_fail("fork");
		if (!pid) {
			execve(bench_self, exit_argv, environ);
			_exit(1);
		}
		wait_for(pid);
	}
	return bench_now() - start;
}

static double run_spawn_wait(unsigned long ops)
{
	double start = bench_now();

	while (ops--) {
		pid_t pid;

		errno = posix_spawn(&pid, bench_self, NULL, NULL, exit_argv,
				    environ);
		if (errno)
			bench_fail("posix_spawn");
		wait_for(pid);
	}
	return bench_now() - start;
}

static void start_thread(pthread_t *thread, void *(*f)(void *), void *arg)
{
	errno = pthread_create(thread, NULL, f, arg);
	if (errno)
		bench_fail("pthread_create");
}

static void *do_nothing(void *arg)
{
	return arg;
}

static double run_thread(unsigned long ops)
{
	double start = bench_now();
	pthread_t thread;

	while (ops--) {
		start_thread(&thread, do_nothing, NULL);
		pthread_join(thread, NULL);
	}
	return bench_now() - start;
}

static int there[2], back[2];

static void prepare_pipe(void)
{
	char byte;

	if (pipe(there) || pipe(back))
		bench_fail("pipe");
	if (bench_fork())
		return;
	while (read(there[0], &byte, 1) == 1 && write(back[1], &byte, 1) == 1)
		;
	_exit(0);
}

static void prepare_pipe_pinned(void)
{
	bench_pin();
	prepare_pipe();
}

static double run_pipe(unsigned long ops)
{
	double start = bench_now();
	char byte = 0;

	while (ops--)
		if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
			bench_fail("pipe");
	return bench_now() - start;
}

/*
 * A baton in shared memory: each side waits by futex until it has it and then
 * hands it over, without spinning.
 */
enum side { LEFT, RIGHT };

static _Atomic uint32_t *baton;

static void wait_for_baton(enum side me)
{
	uint32_t holder;

	while ((holder = atomic_load(baton)) != me)
		syscall(SYS_futex, baton, FUTEX_WAIT, holder, NULL, NULL, 0);
}

static void pass_baton(enum side to)
{
	atomic_store(baton, to);
	syscall(SYS_futex, baton, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void *play_right(void *arg)
{
	for (;;) {
		wait_for_baton(RIGHT);
		pass_baton(LEFT);
	}
	return arg;
}

static void prepare_baton(void)
{
	baton = mmap(NULL, sizeof(*baton), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (baton == MAP_FAILED)
		bench_fail("mmap");
}

static void prepare_futex(void)
{
	pthread_t thread;

	prepare_baton();
	start_thread(&thread, play_right, NULL);
}

static double run_futex(unsigned long ops)
{
	double start = bench_now();

	while (ops--) {
		pass_baton(RIGHT);
		wait_for_baton(LEFT);
	}
	return bench_now() - start;
}

static void prepare_switch_threads(void)
{
	bench_pin();
	prepare_futex();
}

static void prepare_switch_processes(void)
{
	bench_pin();
	prepare_baton();
	if (!bench_fork())
		play_right(NULL);
}

/* A round trip is two switches, an operation is one. */
static double run_switch(unsigned long ops)
{
	return run_futex(ops / 2);
}

/*
 * About 50 ms of computing, the same every time: products that wait for each
 * other, so that two host CPUs that are one core's do not slow each other down.
 */
#define SCALING_TURNS	3000000UL

static void *compute(void *arg)
{
	unsigned long turns = SCALING_TURNS, product = 3;

	while (turns--)
		asm volatile(".rept 16\n\timulq %0, %0\n\t.endr" : "+r" (product));
	return arg;
}

static double time_threads(int n)
{
	double start = bench_now();
	pthread_t threads[2];
	int i;

	for (i = 0; i < n; i++)
		start_thread(&threads[i], compute, NULL);
	for (i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	return bench_now() - start;
}

static void prepare_scaling(void)
{
	cpu_set_t allowed;

	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		bench_fail("sched_getaffinity");
	if (CPU_COUNT(&allowed) < 2)
		bench_skip("one CPU");
	time_threads(2);
}

static double sample_scaling(void)
{
	double one = time_threads(1);

	return 1000 * time_threads(2) / one;
}

const struct bench task_benches[] = {
	{
		.name = "pipe_pinned",
		.about = "round trip of a byte to a process on the same CPU",
		.prepare = prepare_pipe_pinned,
		.run = run_pipe,
	}, {
		.name = "pipe_free",
		.about = "the same, the scheduler chooses the CPUs",
		.prepare = prepare_pipe,
		.run = run_pipe,
	}, {
		.name = "futex_threads",
		.about = "futex wake and wait round trip of two threads, any CPUs",
		.prepare = prepare_futex,
		.run = run_futex,
	}, {
		.name = "switch_threads",
		.about = "a futex hand-over between two threads on one CPU",
		.prepare = prepare_switch_threads,
		.run = run_switch,
		.step = 2,
	}, {
		.name = "switch_processes",
		.about = "the same between two processes",
		.prepare = prepare_switch_processes,
		.run = run_switch,
		.step = 2,
	}, {
		.name = "thread",
		.about = "pthread_create and join of an empty thread",
		.run = run_thread,
	}, {
		.name = "fork_wait",
		.about = "fork, exit and wait",
		.run = run_fork_wait,
	}, {
		.name = "vfork_wait",
		.about = "vfork, exit and wait",
		.run = run_vfork_wait,
	}, {
		.name = "fork_exec_wait",
		.about = "fork, exec of this static program, exit and wait",
		.prepare = prepare_exec,
		.run = run_fork_exec_wait,
	}, {
		.name = "spawn_wait",
		.about = "the same through posix_spawn",
		.prepare = prepare_exec,
		.run = run_spawn_wait,
	}, {
		.name = "two_threads",
		.about = "wall time of two computing threads over one's, in thousandths",
		.unit = "permille",
		.prepare = prepare_scaling,
		.sample = sample_scaling,
	},
	{ .name = NULL }
};
