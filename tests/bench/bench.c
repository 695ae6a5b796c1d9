// SPDX-License-Identifier: GPL-2.0-only
/*
 * The benchmark program: one static binary that runs natively, as the first
 * process of a guest, and as any process of one. For each benchmark it prints
 *
 *	name median minimum samples unit
 *
 * and, where there is no figure, a comment line "# name: why".
 *
 * Theory of operation: every benchmark runs in a child of its own, so that one
 * that crashes or hangs costs only its own line, and none inherits the memory
 * of the one before. In that child the number of operations is raised until a
 * run takes a tenth of the target time (this is the warm-up, too), then scaled
 * to the target, and the samples are taken with that number. The median is the
 * figure; the minimum shows how noisy it was.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define MAX_SAMPLES	99
#define SKIPPED		77	/* exit status of a benchmark that cannot run */
#define LIMIT_MICRO	60	/* seconds until a benchmark is given up */
#define LIMIT_MACRO	300

static const struct bench *const tables[] = {
	memory_benches, call_benches, task_benches, macro_benches,
};

/* The command line, parsed; only main's helpers read it. */
static struct options {
	double target_ns;
	int samples;
	bool macro;
	bool list;
	const char *dir;
	char **names;
} options = {
	.target_ns = 100e6,
	.samples = 5,
};

const char *bench_self;

double bench_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

void bench_skip(const char *why, ...)
{
	va_list args;

	va_start(args, why);
	printf("# skipped: ");
	vprintf(why, args);
	printf("\n");
	va_end(args);
	fflush(stdout);
	_exit(SKIPPED);
}

void bench_fail(const char *what)
{
	printf("# failed: %s: %s\n", what, strerror(errno));
	fflush(stdout);
	_exit(1);
}

void bench_pin(void)
{
	cpu_set_t allowed, one;
	int cpu = 0;

	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		bench_fail("sched_getaffinity");
	while (cpu < CPU_SETSIZE - 1 && !CPU_ISSET(cpu, &allowed))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		bench_fail("sched_setaffinity");
}

int bench_fork(void)
{
	int pid = fork();

	if (pid < 0)
		bench_fail("fork");
	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(const double *sorted, int n)
{
	return (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
}

/* Warms the benchmark up; returns the operations that fill the target time. */
static unsigned long calibrate(const struct bench *b, double target_ns)
{
	unsigned long step = b->step ? b->step : 1;
	unsigned long n = 1;
	double ns;

	while ((ns = b->run(n * step)) < target_ns / 10)
		n = ns < target_ns / 1000 ? n * 10 : n * (target_ns / 10 / ns) + 1;
	n = n * (target_ns / ns);
	return (n ? n : 1) * step;
}

static void measure(const struct bench *b)
{
	int samples = b->macro ? 1 : options.samples;
	double values[MAX_SAMPLES];
	unsigned long ops = 0;
	int i;

	if (b->prepare)
		b->prepare();
	if (b->run)
		ops = calibrate(b, options.target_ns);
	for (i = 0; i < samples; i++)
		values[i] = b->run ? b->run(ops) / ops : b->sample();
	qsort(values, samples, sizeof(*values), compare_doubles);
	printf("%s %.1f %.1f %d %s\n", b->name, median(values, samples),
	       values[0], samples, b->unit ? b->unit : "ns");
	fflush(stdout);
}

/* Returns whether the benchmark went well; one that was skipped did. */
static bool run_apart(const struct bench *b)
{
	int status, pid;

	fflush(stdout);
	pid = bench_fork();
	if (!pid) {
		setpgid(0, 0);
		alarm(b->macro ? LIMIT_MACRO : LIMIT_MICRO);
		measure(b);
		_exit(0);
	}
	setpgid(pid, pid);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	kill(-pid, SIGKILL);
	if (WIFSIGNALED(status))
		printf("# %s: ended by signal %d%s\n", b->name, WTERMSIG(status),
		       WTERMSIG(status) == SIGALRM ? " (time limit)" : "");
	else if (WEXITSTATUS(status))
		printf("# %s: %s\n", b->name,
		       WEXITSTATUS(status) == SKIPPED ? "skipped" : "failed");
	return WIFEXITED(status) &&
	       (!WEXITSTATUS(status) || WEXITSTATUS(status) == SKIPPED);
}

static bool is_selected(const struct bench *b)
{
	char **name;

	if (!*options.names)
		return b->macro == options.macro || options.list;
	for (name = options.names; *name; name++)
		if (!strcmp(*name, b->name))
			return true;
	return false;
}

/* Calls @f for every selected benchmark; returns how many calls failed. */
static int for_selected(bool (*f)(const struct bench *b))
{
	const struct bench *b;
	int failed = 0;
	size_t i;

	for (i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		for (b = tables[i]; b->name; b++)
			if (is_selected(b))
				failed += !f(b);
	return failed;
}

static bool list(const struct bench *b)
{
	printf("%-18s %s%s\n", b->name, b->macro ? "(macro) " : "", b->about);
	return true;
}

static bool is_known(const char *name)
{
	const struct bench *b;
	size_t i;

	for (i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		for (b = tables[i]; b->name; b++)
			if (!strcmp(name, b->name))
				return true;
	return false;
}

static void check_names(void)
{
	char **name;

	for (name = options.names; *name; name++) {
		if (is_known(*name))
			continue;
		fprintf(stderr, "bench: no benchmark '%s', see --list\n", *name);
		exit(2);
	}
}

static _Noreturn void usage(const char *wrong)
{
	fprintf(stderr,
		"bench: wrong argument '%s'\n"
		"usage: bench [--list] [--macro] [--samples=N] [--target=MS] [--dir=DIR] [NAME...]\n",
		wrong);
	exit(2);
}

static void parse(char **argv)
{
	for (argv++; *argv && !strncmp(*argv, "--", 2); argv++) {
		char *value = strchr(*argv, '=');
		size_t len = value ? (size_t)(value++ - *argv) : strlen(*argv);

		if (!value && !strcmp(*argv, "--list"))
			options.list = true;
		else if (!value && !strcmp(*argv, "--macro"))
			options.macro = true;
		else if (value && !strncmp(*argv, "--samples", len))
			options.samples = atoi(value);
		else if (value && !strncmp(*argv, "--target", len))
			options.target_ns = atof(value) * 1e6;
		else if (value && !strncmp(*argv, "--dir", len))
			options.dir = value;
		else
			usage(*argv);
	}
	if (options.samples < 1 || options.samples > MAX_SAMPLES)
		usage("--samples");
	if (options.target_ns < 1e6)
		usage("--target");
	options.names = argv;
	check_names();
}

/*
 * Path names are relative to a fresh directory on a tmpfs, so that a lookup
 * walks as many components natively as in a guest.
 */
static char *enter_directory(void)
{
	char *dir;

	if (asprintf(&dir, "%s/bench.XXXXXX", options.dir) < 0 ||
	    !mkdtemp(dir) || chdir(dir)) {
		fprintf(stderr, "bench: a directory in %s: %s\n", options.dir,
			strerror(errno));
		exit(2);
	}
	return dir;
}

static void leave_directory(char *dir)
{
	char *command;

	if (chdir("/") || rmdir(dir) == 0 || errno != ENOTEMPTY)
		return;
	if (asprintf(&command, "rm -rf %s", dir) > 0 && system(command))
		fprintf(stderr, "bench: %s is left\n", dir);
}

int main(int argc, char **argv)
{
	static char self[4096];
	bool guest = getpid() == 1;
	char *dir;
	int failed;

	/* What fork_exec and its like start: nothing but the exec counts. */
	if (argc == 2 && !strcmp(argv[1], "--exit"))
		_exit(0);
	options.dir = guest ? GUEST_TMP : "/dev/shm";
	if (guest)
		guest_start(&argc, &argv);
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) > 0)
		bench_self = self;
	parse(argv);
	if (options.list)
		return for_selected(list);
	dir = enter_directory();
	failed = for_selected(run_apart);
	if (!guest)
		leave_directory(dir);
	return failed ? 1 : 0;
}
