/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The record that faultfs makes and replay reads, and the workload that both sides
 * know: what writer writes follows from a thread's number alone.
 */
#ifndef TRACE_H
#define TRACE_H

#include <stdint.h>

enum { TRACE_WRITE, TRACE_SYNC_BEGIN, TRACE_SYNC_END };

/**
 * struct trace_entry - something that was done to a file; a write's data follows
 * @kind:	TRACE_*
 * @file:	first letter of its name
 * @length:	bytes written
 * @offset:	where
 */
struct trace_entry {
	uint32_t kind;
	uint32_t file;
	uint64_t length;
	uint64_t offset;
};

#define SECTOR		512
#define SECTORS		4096		/* of the disk */
#define THREADS		4		/* each has a part of them */
#define PART		(SECTORS / THREADS)
#define STEPS		250		/* of a thread */
#define MOST		24		/* sectors in a write */

static inline uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

/* What a sector holds when its thread's step "version" has written it; 0 is the base. */
static inline void fill_sector(uint64_t *data, uint64_t sector, uint64_t version)
{
	unsigned int i;

	data[0] = sector;
	data[1] = version;
	for (i = 2; i < SECTOR / 8; i++)
		data[i] = mix(sector << 32 ^ version << 8 ^ i);
}

/* Step of a thread: which sectors it writes. */
static inline void step_range(unsigned int thread, unsigned int step, unsigned int *first,
			      unsigned int *n)
{
	uint64_t r = mix(thread * 1000003ULL + step);

	*n = 1 + r % MOST;
	if (r >> 8 & 1)
		*n = (*n + 7) & ~7u;		/* whole blocks, often */
	*first = (r >> 16) % (PART - *n);
	if (r >> 8 & 1)
		*first &= ~7u;
	*first += thread * PART;
}

/* Whether a thread syncs after this step, and says so. */
static inline int step_syncs(unsigned int thread, unsigned int step)
{
	return mix(thread * 7777777ULL + step) % 6 == 0 || step == STEPS;
}

#endif /* TRACE_H */
