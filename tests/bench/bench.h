/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the benchmark program share: the description of one
 * benchmark, the tables of them, and a few helpers.
 *
 * A benchmark runs in a process of its own (see bench.c), so it may leave
 * memory, descriptors, threads and children behind: they go with its process
 * group.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct bench - one benchmark, which prints one line
 * @name:	a word; what the command line selects
 * @about:	one line for --list
 * @unit:	unit of the figure; NULL means nanoseconds for one operation
 * @prepare:	called once before anything is timed; may call bench_skip()
 * @run:	performs this many operations, returns the nanoseconds they took
 * @sample:	instead of @run, for what cannot be repeated at will: takes one
 *		sample and returns it in @unit
 * @step:	@run is asked for multiples of this many operations (0 means 1)
 * @macro:	a whole program's work: one sample, and only when named or with
 *		--macro
 */
struct bench {
	const char *name;
	const char *about;
	const char *unit;
	void (*prepare)(void);
	double (*run)(unsigned long ops);
	double (*sample)(void);
	unsigned int step;
	bool macro;
};

/* Each table ends with an entry without a name. */
extern const struct bench call_benches[];
extern const struct bench memory_benches[];
extern const struct bench task_benches[];
extern const struct bench macro_benches[];

/* The absolute path of this program, for the benchmarks that execute it. */
extern const char *bench_self;

/* Nanoseconds of CLOCK_MONOTONIC. */
double bench_now(void);

/* Ends this benchmark: @why is the system's lack, not a failure. */
__attribute__((format(printf, 1, 2)))
_Noreturn void bench_skip(const char *why, ...);

/* Ends this benchmark: @what failed, errno says why. */
_Noreturn void bench_fail(const char *what);

/* Keeps the caller, and what it starts from now on, on one CPU. */
void bench_pin(void);

/* Makes a child that dies with its parent; returns its pid, 0 in the child. */
int bench_fork(void);

/**
 * guest_start - does what the first process of a system has to do
 * @argc:	replaced by the arguments found on the kernel's command line
 * @argv:	likewise
 *
 * Returns in a child; the first process waits for that child and then powers
 * the system off.
 */
void guest_start(int *argc, char ***argv);

/* Where a guest's benchmarks find a tmpfs. */
#define GUEST_TMP "/tmp"

#endif
