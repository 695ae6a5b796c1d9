// SPDX-License-Identifier: GPL-2.0-only
/*
 * Swap on a disk and on compressed memory: what was paged out comes back, for
 * anonymous and shared memory, after fork, with protection, and while others
 * use it.
 *
 * Disk: 256M
 */
#include "pagemap.h"

#define PAGES	4096
#define RW	(PROT_READ | PROT_WRITE)

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

static void fill(unsigned long *p)
{
	for (size_t i = 0; i < PAGES; i++)
		for (size_t j = 0; j < 512; j += 64)
			p[i * 512 + j] = i * 1000003 + j;
}

static size_t wrong(const unsigned long *p)
{
	size_t bad = 0;

	for (size_t i = 0; i < PAGES; i++)
		for (size_t j = 0; j < 512; j += 64)
			bad += p[i * 512 + j] != i * 1000003 + j;
	return bad;
}

static void page_out(void *p)
{
	must(madvise(p, PAGES * PAGE, MADV_PAGEOUT) == 0);
}

static void test_area(const char *name, int flags)
{
	unsigned long *p = mmap(NULL, PAGES * PAGE, RW, flags | MAP_ANONYMOUS, -1, 0);
	bool shared = flags & MAP_SHARED;
	size_t out;
	pid_t pid;

	must(p != MAP_FAILED);
	fill(p);
	page_out(p);
	out = PAGES - pages_with(p, PAGES, PM_PRESENT);
	ok(out > PAGES * 9 / 10, "%s: paged out (%zu of %d)", name, out, PAGES);
	is(wrong(p), 0, "%s: comes back", name);

	page_out(p);
	pid = do_fork();
	if (!pid) {
		size_t bad = wrong(p);

		for (size_t i = 0; i < PAGES; i++)
			p[i * 512] = 1;
		_exit(bad != 0);
	}
	is(reap(pid), EXITED(0), "%s: a child finds it", name);
	if (shared)
		is(p[512], 1, "%s: and writes to it", name);
	else
		is(wrong(p), 0, "%s: and has its own", name);

	fill(p);
	must(mprotect(p, PAGES * PAGE, PROT_READ) == 0);
	page_out(p);
	is(wrong(p), 0, "%s: read-only pages too", name);
	munmap(p, PAGES * PAGE);
}

static unsigned long *common;
static volatile int stop;

static void *pages_out(void *arg)
{
	while (!stop)
		page_out(common);
	return NULL;
}

/* Writes must not be lost between the writing out and the unmapping. */
static void test_race(void)
{
	uint64_t end = now_ns(CLOCK_MONOTONIC) + 1500000000ULL;
	unsigned long round = 0, bad = 0;
	pthread_t t;

	common = mmap(NULL, PAGES * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(common != MAP_FAILED);
	must(pthread_create(&t, NULL, pages_out, NULL) == 0);
	while (now_ns(CLOCK_MONOTONIC) < end) {
		for (size_t i = 0; i < PAGES; i += 16) {
			bad += common[i * 512] != round;
			common[i * 512] = round + 1;
		}
		round++;
	}
	stop = 1;
	pthread_join(t, NULL);
	is(bad, 0, "%lu rounds of writing while it is paged out", round);
	munmap(common, PAGES * PAGE);
}

static void test_device(const char *name, const char *device)
{
	char label[64];

	snprintf(label, sizeof(label), "%s, private", name);
	test_area(label, MAP_PRIVATE);
	snprintf(label, sizeof(label), "%s, shared", name);
	test_area(label, MAP_SHARED);
	is(swapoff(device), 0, "%s: taken out of use", name);
}

int main(void)
{
	need_guest();
	need_root();
	swap_on("/dev/uda");
	test_device("disk", "/dev/uda");
	zram_on("64M");
	test_race();
	test_device("zram", "/dev/zram0");
	return done();
}
