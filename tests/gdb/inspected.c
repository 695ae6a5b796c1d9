// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest program for gdb.t to look at: the first thread waits in a system
 * call, the second computes.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct record {
	int number;
	char text[16];
};

struct record record = { 4711, "in data" };
static atomic_ulong turns;

static void *compute(void *unused)
{
	for (;;)
		turns++;
	return unused;
}

static __attribute__((noinline)) int innermost(int depth)
{
	volatile long local = 0x5ca1ab1e;

	pause();
	return depth + local;
}

static __attribute__((noinline)) int outer(int depth)
{
	return innermost(depth + 1) + 1;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	record.number++;
	if (argc > 1 && !strcmp(argv[1], "thread"))
		pthread_create(&thread, NULL, compute, NULL);
	puts("inspected: ready");
	fflush(stdout);
	return outer(40);
}
