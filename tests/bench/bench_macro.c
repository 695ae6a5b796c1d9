// SPDX-License-Identifier: GPL-2.0-only
/*
 * Work of whole programs, which a Debian root (or the host) provides. Each is
 * a shell command, run in the benchmark's own directory.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define SOURCES		12
#define FUNCTIONS	40

static double time_shell(const char *command)
{
	double start = bench_now();
	int status = system(command);

	if (status) {
		printf("# status %#x from: %s\n", status, command);
		fflush(stdout);
		_exit(1);
	}
	return bench_now() - start;
}

static void need_program(const char *name)
{
	char command[100];

	snprintf(command, sizeof(command), "command -v %s >/dev/null", name);
	if (system(command))
		bench_skip("no %s", name);
}

/* Functions with something to optimise, all different, all reachable. */
static void write_function(FILE *f, int source, int n)
{
	char rest[40] = "";

	if (n)
		snprintf(rest, sizeof(rest), " + f%d(a, n / 2)", n - 1);
	fprintf(f,
		"static unsigned long f%d(struct item *a, unsigned long n)\n"
		"{\n"
		"	unsigned long i, sum = %d;\n"
		"\n"
		"	for (i = 0; i < n; i++) {\n"
		"		switch ((a[i].key + %d) %% 7) {\n"
		"		case 0: sum += a[i].value * %d; break;\n"
		"		case 1: sum ^= strlen(a[i].name) << %d; break;\n"
		"		case 2: a[i].value = sum / (a[i].key | 1); break;\n"
		"		case 5: sum -= i * a[(i * %d) %% n].value; break;\n"
		"		default: sum = sum << 3 | sum >> 61; break;\n"
		"		}\n"
		"	}\n"
		"	return sum%s;\n"
		"}\n\n",
		n, source + n, n, n * 3 + 1, n % 13, n + 5, rest);
}

static void write_source(int source)
{
	char name[20];
	FILE *f;
	int n;

	snprintf(name, sizeof(name), "s%02d.c", source);
	f = fopen(name, "w");
	if (!f)
		bench_fail(name);
	fprintf(f, "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n\n"
		"struct item { unsigned long key, value; char name[16]; };\n\n");
	for (n = 0; n < FUNCTIONS; n++)
		write_function(f, source, n);
	fprintf(f, "unsigned long entry%d(struct item *a, unsigned long n)\n"
		"{\n	return f%d(a, n);\n}\n", source, FUNCTIONS - 1);
	if (fclose(f))
		bench_fail(name);
}

static void prepare_gcc(void)
{
	int i;

	need_program("gcc");
	if (system("echo '#include <stdio.h>' | gcc -E - >/dev/null 2>&1"))
		bench_skip("no C library headers");
	for (i = 0; i < SOURCES; i++)
		write_source(i);
	/* Brings the compiler into the page cache. */
	time_shell("gcc -O2 -c s00.c");
}

static double sample_gcc(void)
{
	return time_shell("for f in s*.c; do gcc -O2 -c $f || exit 1; done");
}

static double sample_gcc_j2(void)
{
	return time_shell("echo s*.c | xargs -n 1 -P 2 gcc -O2 -c");
}

static void prepare_true(void)
{
	time_shell("/bin/true");
}

static double sample_true(void)
{
	return time_shell("i=0; while [ $i -lt 500 ]; do /bin/true; i=$((i + 1)); done");
}

#define REDIS_PORT "17379"

static void prepare_redis(void)
{
	need_program("redis-server");
	need_program("redis-benchmark");
	if (!bench_fork()) {
		execlp("redis-server", "redis-server", "--port", REDIS_PORT,
		       "--bind", "127.0.0.1", "--save", "", "--logfile",
		       "redis.log", NULL);
		_exit(1);
	}
	time_shell("i=0; until redis-cli -p " REDIS_PORT " ping 2>/dev/null | grep -q PONG;"
		   "do i=$((i + 1)); [ $i -lt 100 ] || exit 1; sleep 0.1; done");
}

static double sample_redis(void)
{
	FILE *f = popen("redis-benchmark -p " REDIS_PORT " -t get -n 20000 --csv | "
			"sed -n 's/^\"GET\",\"\\([0-9.]*\\)\".*/\\1/p'", "r");
	double rate;

	if (!f || fscanf(f, "%lf", &rate) != 1)
		bench_fail("redis-benchmark");
	pclose(f);
	return rate;
}

const struct bench macro_benches[] = {
	{
		.name = "gcc_12",
		.about = "gcc -O2 -c of 12 generated files, one after another",
		.prepare = prepare_gcc,
		.sample = sample_gcc,
		.macro = true,
	}, {
		.name = "gcc_12_j2",
		.about = "the same, two at a time",
		.prepare = prepare_gcc,
		.sample = sample_gcc_j2,
		.macro = true,
	}, {
		.name = "true_500",
		.about = "500 /bin/true from a shell",
		.prepare = prepare_true,
		.sample = sample_true,
		.macro = true,
	}, {
		.name = "redis_get",
		.about = "redis GET, 50 clients, requests a second",
		.unit = "per_s",
		.prepare = prepare_redis,
		.sample = sample_redis,
		.macro = true,
	},
	{ .name = NULL }
};
