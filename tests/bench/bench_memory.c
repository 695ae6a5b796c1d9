// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page faults and changes of an address space.
 *
 * The anonymous ones work on pieces of 1 MiB at the start of 2 MiB units of a
 * reserved range, so that no huge page can serve a whole piece: what is
 * counted is a page's fault, natively as in a guest. (Folios of several pages
 * can still serve it, where the system's own policy says so.)
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define PAGE		4096UL
#define PIECE_PAGES	256UL
#define PIECE		(PIECE_PAGES * PAGE)
#define UNIT		(2 * PIECE)
#define FRESH_PIECES	12
#define FRESH_UNITS	256
#define FILE_PAGES	1024UL
#define HUGE_SIZE	(16UL << 20)
#define FEW_PAGES	16

static char *range;		/* reserved, aligned to UNIT */
static unsigned int next_unit;	/* the next never used one of it */

static void prepare_range(void)
{
	char *p = mmap(NULL, (FRESH_UNITS + 1) * UNIT, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		bench_fail("mmap of the range");
	range = (char *)(((unsigned long)p + UNIT - 1) & ~(UNIT - 1));
}

static char *map_anonymous(void *where, unsigned long size)
{
	char *p = mmap(where, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | (where ? MAP_FIXED : 0),
		       -1, 0);

	if (p == MAP_FAILED)
		bench_fail("mmap");
	return p;
}

static void write_pages(char *p, unsigned long pages)
{
	unsigned long i;

	for (i = 0; i < pages; i++)
		((volatile char *)p)[i * PAGE] = 1;
}

static void read_pages(const char *p, unsigned long pages)
{
	unsigned long i;

	for (i = 0; i < pages; i++)
		(void)((volatile const char *)p)[i * PAGE];
}

/*
 * Memory that the system has most likely never given to anyone since it
 * started: nothing is unmapped, so each sample takes other pages. In a guest
 * the host meets these pages for the first time as well. It is the first
 * benchmark of all, for later ones would leave used pages behind.
 */
static double sample_anon_fresh(void)
{
	double start = bench_now();
	int i;

	for (i = 0; i < FRESH_PIECES; i++) {
		if (next_unit >= FRESH_UNITS)
			bench_skip("more samples than reserved memory");
		write_pages(map_anonymous(range + next_unit++ * UNIT, PIECE),
			    PIECE_PAGES);
	}
	return (bench_now() - start) / (FRESH_PIECES * PIECE_PAGES);
}

/* The same pages again and again; the mapping and its end count, too. */
static double run_anon_warm(unsigned long ops)
{
	double start = bench_now();

	for (; ops; ops -= PIECE_PAGES) {
		write_pages(map_anonymous(range, PIECE), PIECE_PAGES);
		if (munmap(range, PIECE))
			bench_fail("munmap");
	}
	return bench_now() - start;
}

/* The system's best case: one whole 16 MiB mapping, huge pages asked for. */
static double run_anon_huge(unsigned long ops)
{
	double start = bench_now();

	for (; ops; ops -= HUGE_SIZE / PAGE) {
		map_anonymous(range, HUGE_SIZE);
		madvise(range, HUGE_SIZE, MADV_HUGEPAGE);
		write_pages(range, HUGE_SIZE / PAGE);
		if (munmap(range, HUGE_SIZE))
			bench_fail("munmap");
	}
	return bench_now() - start;
}

/* A private page shared with a child until it is written: copy on write. */
static double run_cow(unsigned long ops)
{
	char *p = map_anonymous(range, PIECE);
	double total = 0;

	for (; ops; ops -= PIECE_PAGES) {
		int pid, gate[2];
		double start;
		char byte;

		write_pages(p, PIECE_PAGES);
		if (pipe(gate))
			bench_fail("pipe");
		pid = bench_fork();
		if (!pid) {
			close(gate[1]);
			_exit(read(gate[0], &byte, 1));
		}
		start = bench_now();
		write_pages(p, PIECE_PAGES);
		total += bench_now() - start;
		close(gate[0]);
		close(gate[1]);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	return total;
}

static int file;

static void prepare_file(void)
{
	static char page[PAGE];
	unsigned long i;

	file = open("pages", O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (file < 0)
		bench_fail("open");
	memset(page, 'x', sizeof(page));
	for (i = 0; i < FILE_PAGES; i++)
		if (write(file, page, PAGE) != (ssize_t)PAGE)
			bench_fail("write");
}

static double run_file_fault(unsigned long ops)
{
	double start = bench_now();

	for (; ops; ops -= FILE_PAGES) {
		char *p = mmap(NULL, FILE_PAGES * PAGE, PROT_READ, MAP_SHARED,
			       file, 0);

		if (p == MAP_FAILED)
			bench_fail("mmap");
		read_pages(p, FILE_PAGES);
		if (munmap(p, FILE_PAGES * PAGE))
			bench_fail("munmap");
	}
	return bench_now() - start;
}

static double map_touch_unmap(unsigned long ops, unsigned long pages)
{
	double start = bench_now();

	while (ops--) {
		write_pages(map_anonymous(range, pages * PAGE), pages);
		if (munmap(range, pages * PAGE))
			bench_fail("munmap");
	}
	return bench_now() - start;
}

static double run_mmap_1(unsigned long ops)
{
	return map_touch_unmap(ops, 1);
}

static double run_mmap_16(unsigned long ops)
{
	return map_touch_unmap(ops, FEW_PAGES);
}

static void prepare_mprotect(void)
{
	prepare_range();
	write_pages(map_anonymous(range, PAGE), 1);
}

/* The write at the end keeps a lazy implementation from skipping the work. */
static double run_mprotect_pair(unsigned long ops)
{
	double start = bench_now();

	while (ops--) {
		if (mprotect(range, PAGE, PROT_READ) ||
		    mprotect(range, PAGE, PROT_READ | PROT_WRITE))
			bench_fail("mprotect");
		write_pages(range, 1);
	}
	return bench_now() - start;
}

const struct bench memory_benches[] = {
	{
		.name = "anon_fresh",
		.about = "anonymous page's first write, memory not used before",
		.prepare = prepare_range,
		.sample = sample_anon_fresh,
	}, {
		.name = "anon_warm",
		.about = "the same on pages just given back, mmap and munmap of 1 MiB included",
		.prepare = prepare_range,
		.run = run_anon_warm,
		.step = PIECE_PAGES,
	}, {
		.name = "anon_huge",
		.about = "the same in 16 MiB with MADV_HUGEPAGE, per 4 KiB",
		.prepare = prepare_range,
		.run = run_anon_huge,
		.step = HUGE_SIZE / PAGE,
	}, {
		.name = "cow_fault",
		.about = "write to a page shared with a forked child, per page",
		.prepare = prepare_range,
		.run = run_cow,
		.step = PIECE_PAGES,
	}, {
		.name = "file_fault",
		.about = "read of a cached file's page, shared, mmap and munmap of 4 MiB included",
		.prepare = prepare_file,
		.run = run_file_fault,
		.step = FILE_PAGES,
	}, {
		.name = "mmap_1",
		.about = "mmap, write, munmap of one anonymous page",
		.prepare = prepare_range,
		.run = run_mmap_1,
	}, {
		.name = "mmap_16",
		.about = "the same with 16 pages",
		.prepare = prepare_range,
		.run = run_mmap_16,
	}, {
		.name = "mprotect_pair",
		.about = "mprotect of a page to read-only, to writable, and a write",
		.prepare = prepare_mprotect,
		.run = run_mprotect_pair,
	},
	{ .name = NULL }
};
