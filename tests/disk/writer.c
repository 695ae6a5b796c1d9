// SPDX-License-Identifier: GPL-2.0-only
/*
 * writer DISK ACKS: the workload of trace.h.  Each thread writes to its part of DISK
 * and, when a sync is done, the number of its last step to ACKS.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "trace.h"

static int disk, acks;

static void *thread_main(void *arg)
{
	unsigned int thread = (uintptr_t)arg, step, first, n, i;
	char *buf = aligned_alloc(4096, (MOST + 8) * SECTOR);
	uint64_t *ack = aligned_alloc(4096, 4096);

	memset(ack, 0, 4096);
	for (step = 1; step <= STEPS; step++) {
		step_range(thread, step, &first, &n);
		for (i = 0; i < n; i++)
			fill_sector((uint64_t *)(buf + i * SECTOR), first + i, step);
		if (pwrite(disk, buf, n * SECTOR, first * SECTOR) != (ssize_t)n * SECTOR)
			exit(1);
		if (!step_syncs(thread, step))
			continue;
		ack[0] = step;
		if (fdatasync(disk) || pwrite(acks, ack, 4096, thread * 4096) != 4096)
			exit(1);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];
	uintptr_t i;

	if (argc != 3)
		return 2;
	disk = open(argv[1], O_RDWR | O_DIRECT);
	acks = open(argv[2], O_RDWR | O_DIRECT);
	if (disk < 0 || acks < 0) {
		perror("open");
		return 1;
	}
	for (i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, thread_main, (void *)i);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	puts("written");
	return 0;
}
