// SPDX-License-Identifier: GPL-2.0-only
/*
 * System calls that neither sleep nor change an address space, signals, files,
 * and two that make none (the vDSO's clock, memcpy).
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define FILE_NAME	"file"
#define FILE_SIZE	(1 << 20)
#define BLOCK		4096
#define COPY_SIZE	(1 << 20)

/* "mov $number,%eax; syscall": the first site that an interceptor can patch. */
static double run_getppid_inline(unsigned long ops)
{
	double start = bench_now();
	long result;

	while (ops--)
		asm volatile("movl %1, %%eax\n\t"
			     "syscall"
			     : "=&a" (result)
			     : "i" (SYS_getppid)
			     : "rcx", "r11", "memory");
	return bench_now() - start;
}

/* libc's syscall(): "syscall; cmp $-4095,%rax", the second such site. */
static double run_getppid_libc(unsigned long ops)
{
	double start = bench_now();

	while (ops--)
		syscall(SYS_getppid);
	return bench_now() - start;
}

/* A system call between other instructions: no site to patch, it must trap. */
static double run_getppid_bare(unsigned long ops)
{
	static const int number = SYS_getppid;
	double start = bench_now();
	long result;

	while (ops--)
		asm volatile("movl %1, %%eax\n\t"
			     "nop\n\t"
			     "syscall\n\t"
			     "nop"
			     : "=&a" (result)
			     : "m" (number)
			     : "rcx", "r11", "memory");
	return bench_now() - start;
}

static void compute(unsigned long turns)
{
	while (turns--)
		asm volatile("" : "+r" (turns));
}

/*
 * What a call costs a program that computes for 50 us between two of them: an
 * interceptor may have gone to sleep by then. Blocks with and without the call
 * alternate, so that a drift of the clock rate meets both.
 */
#define SPARSE_GAP_NS	50e3
#define SPARSE_BLOCK	20
#define SPARSE_BLOCKS	50

static unsigned long sparse_turns;

static void prepare_sparse(void)
{
	unsigned long turns = 1000000;
	double start, best = 1e18, ns;
	int i;

	for (i = 0; i < 10; i++) {
		start = bench_now();
		compute(turns);
		ns = bench_now() - start;
		best = ns < best ? ns : best;
	}
	sparse_turns = turns * (SPARSE_GAP_NS / best);
}

static double sample_getppid_sparse(void)
{
	double with = 0, without = 0, start;
	int i, k;

	for (i = 0; i < SPARSE_BLOCKS; i++) {
		start = bench_now();
		for (k = 0; k < SPARSE_BLOCK; k++)
			compute(sparse_turns);
		without += bench_now() - start;
		start = bench_now();
		for (k = 0; k < SPARSE_BLOCK; k++) {
			compute(sparse_turns);
			syscall(SYS_getppid);
		}
		with += bench_now() - start;
	}
	return with < without ? 0 :
		(with - without) / (SPARSE_BLOCK * SPARSE_BLOCKS);
}

static double run_clock_gettime(unsigned long ops)
{
	double start = bench_now();
	struct timespec t;

	while (ops--)
		clock_gettime(CLOCK_MONOTONIC, &t);
	return bench_now() - start;
}

static void on_signal(int number)
{
	(void)number;
}

static void prepare_signal(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	if (sigaction(SIGUSR1, &action, NULL))
		bench_fail("sigaction");
}

static double run_signal_self(unsigned long ops)
{
	double start = bench_now();
	pid_t self = getpid();

	while (ops--)
		kill(self, SIGUSR1);
	return bench_now() - start;
}

static int file;
static char block[BLOCK];

static void prepare_file(void)
{
	int i;

	file = open(FILE_NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (file < 0)
		bench_fail("open");
	memset(block, 'x', sizeof(block));
	for (i = 0; i < FILE_SIZE / BLOCK; i++)
		if (write(file, block, BLOCK) != BLOCK)
			bench_fail("write");
}

static double run_stat(unsigned long ops)
{
	double start = bench_now();
	struct stat st;

	while (ops--)
		if (stat(FILE_NAME, &st))
			bench_fail("stat");
	return bench_now() - start;
}

static double run_open_close(unsigned long ops)
{
	double start = bench_now();

	while (ops--) {
		int fd = open(FILE_NAME, O_RDONLY);

		if (fd < 0)
			bench_fail("open");
		close(fd);
	}
	return bench_now() - start;
}

static double run_write_4k(unsigned long ops)
{
	double start = bench_now();
	unsigned long i;

	for (i = 0; i < ops; i++)
		if (pwrite(file, block, BLOCK, i * BLOCK % FILE_SIZE) != BLOCK)
			bench_fail("pwrite");
	return bench_now() - start;
}

static double run_read_4k(unsigned long ops)
{
	double start = bench_now();
	unsigned long i;

	for (i = 0; i < ops; i++)
		if (pread(file, block, BLOCK, i * BLOCK % FILE_SIZE) != BLOCK)
			bench_fail("pread");
	return bench_now() - start;
}

static char *copy_from, *copy_to;

static void prepare_memcpy(void)
{
	copy_from = malloc(COPY_SIZE);
	copy_to = malloc(COPY_SIZE);
	if (!copy_from || !copy_to)
		bench_fail("malloc");
	memset(copy_from, 1, COPY_SIZE);
	memset(copy_to, 2, COPY_SIZE);
}

static double run_memcpy(unsigned long ops)
{
	double start = bench_now();

	while (ops--) {
		memcpy(copy_to, copy_from, COPY_SIZE);
		asm volatile("" : : "r" (copy_to) : "memory");
	}
	return bench_now() - start;
}

const struct bench call_benches[] = {
	{
		.name = "getppid_inline",
		.about = "getppid, mov $nr,%eax; syscall",
		.run = run_getppid_inline,
	}, {
		.name = "getppid_libc",
		.about = "getppid through libc's syscall()",
		.run = run_getppid_libc,
	}, {
		.name = "getppid_bare",
		.about = "getppid from a site that cannot be rewritten",
		.run = run_getppid_bare,
	}, {
		.name = "getppid_sparse",
		.about = "getppid after 50 us of computing, without these",
		.prepare = prepare_sparse,
		.sample = sample_getppid_sparse,
	}, {
		.name = "clock_gettime",
		.about = "clock_gettime(CLOCK_MONOTONIC) through libc",
		.run = run_clock_gettime,
	}, {
		.name = "stat",
		.about = "stat of a file in the current directory",
		.prepare = prepare_file,
		.run = run_stat,
	}, {
		.name = "open_close",
		.about = "open and close of that file",
		.prepare = prepare_file,
		.run = run_open_close,
	}, {
		.name = "write_4k",
		.about = "pwrite of 4 KiB to a 1 MiB file on tmpfs",
		.prepare = prepare_file,
		.run = run_write_4k,
	}, {
		.name = "read_4k",
		.about = "pread of 4 KiB from it",
		.prepare = prepare_file,
		.run = run_read_4k,
	}, {
		.name = "signal_self",
		.about = "kill of oneself, with a handler that returns",
		.prepare = prepare_signal,
		.run = run_signal_self,
	}, {
		.name = "memcpy_1m",
		.about = "memcpy of 1 MiB (no kernel: should equal native)",
		.prepare = prepare_memcpy,
		.run = run_memcpy,
	},
	{ .name = NULL }
};
