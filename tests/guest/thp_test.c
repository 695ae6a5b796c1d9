// SPDX-License-Identifier: GPL-2.0-only
/*
 * Huge pages: anonymous, shared memory, by fault and by collapsing, split by
 * everything that splits them.
 */
#include "ktap.h"

#define RW	(PROT_READ | PROT_WRITE)
#define HUGE	(2048UL * 1024)
#define COUNT	4

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

static char *aligned(void *base)
{
	return (char *)(((uintptr_t)base + HUGE - 1) & ~(HUGE - 1));
}

static char *area(int flags, int fd)
{
	char *p = mmap(NULL, (COUNT + 1) * HUGE, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	must(p != MAP_FAILED);
	p = mmap(aligned(p), COUNT * HUGE, RW, flags | MAP_FIXED, fd, 0);
	must(p != MAP_FAILED);
	return p;
}

/* A field of the area's mapping in smaps, in huge pages. */
static long huge_pages(const char *p, const char *field)
{
	static char line[256];
	FILE *f = fopen("/proc/self/smaps", "r");
	unsigned long start, end, kb, sum = 0;
	bool in = false;
	size_t n = strlen(field);

	must(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			in = end > (uintptr_t)p && start < (uintptr_t)p + COUNT * HUGE;
		else if (in && !strncmp(line, field, n) && sscanf(line + n, ": %lu", &kb) == 1)
			sum += kb;
	}
	fclose(f);
	return sum * 1024 / HUGE;
}

static void fill(char *p, char what)
{
	for (size_t i = 0; i < COUNT * HUGE; i += PAGE)
		p[i] = what;
}

static size_t wrong(const char *p, size_t from, size_t to, char what)
{
	size_t bad = 0;

	for (size_t i = from; i < to; i += PAGE)
		bad += p[i] != what;
	return bad;
}

static void test_anonymous(void)
{
	char *p = area(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	pid_t pid;

	must(madvise(p, COUNT * HUGE, MADV_HUGEPAGE) == 0);
	fill(p, 3);
	is(huge_pages(p, "AnonHugePages"), COUNT, "anonymous memory in huge pages");
	pid = do_fork();
	if (!pid) {
		fill(p, 4);
		_exit(wrong(p, 0, COUNT * HUGE, 4) != 0);
	}
	is(reap(pid), EXITED(0), "a child writes to its own");
	is(wrong(p, 0, COUNT * HUGE, 3), 0, "and the parent keeps its");

	must(mprotect(p + HUGE / 2, PAGE, PROT_READ) == 0);
	is(huge_pages(p, "AnonHugePages"), COUNT - 1, "a protected page splits one");
	must(madvise(p + HUGE + PAGE, PAGE, MADV_DONTNEED) == 0);
	is(wrong(p, 0, HUGE + PAGE, 3), 0, "what is before a dropped page stays");
	is(p[HUGE + PAGE], 0, "it is zero");
	is(wrong(p, HUGE + 2 * PAGE, COUNT * HUGE, 3), 0, "and what is behind stays");
	must(munmap(p + 2 * HUGE + HUGE / 2, HUGE) == 0);
	is(wrong(p, HUGE + 2 * PAGE, 2 * HUGE + HUGE / 2, 3), 0, "half of one is unmapped");
	munmap(p, COUNT * HUGE);
}

static void test_moved(void)
{
	char *p = area(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	char *q = area(MAP_PRIVATE | MAP_ANONYMOUS, -1), *r;

	must(madvise(p, COUNT * HUGE, MADV_HUGEPAGE) == 0);
	fill(p, 5);
	r = mremap(p, COUNT * HUGE, COUNT * HUGE, MREMAP_MAYMOVE | MREMAP_FIXED, q);
	ok(r == q, "moved");
	is(huge_pages(q, "AnonHugePages"), COUNT, "as huge pages");
	is(wrong(q, 0, COUNT * HUGE, 5), 0, "with what is in them");
	munmap(q, COUNT * HUGE);
}

static void test_collapse(void)
{
	char *p = area(MAP_PRIVATE | MAP_ANONYMOUS, -1);

	must(madvise(p, COUNT * HUGE, MADV_NOHUGEPAGE) == 0);
	fill(p, 6);
	is(huge_pages(p, "AnonHugePages"), 0, "small pages");
	must(madvise(p, COUNT * HUGE, MADV_HUGEPAGE) == 0);
	is(madvise(p, COUNT * HUGE, MADV_COLLAPSE), 0, "collapse");
	is(huge_pages(p, "AnonHugePages"), COUNT, "into huge ones");
	is(wrong(p, 0, COUNT * HUGE, 6), 0, "with what was in them");
	fill(p, 7);
	is(wrong(p, 0, COUNT * HUGE, 7), 0, "and they can be written");
	munmap(p, COUNT * HUGE);
}

static void test_shared(void)
{
	char *p = area(MAP_SHARED | MAP_ANONYMOUS, -1);
	pid_t pid;

	must(madvise(p, COUNT * HUGE, MADV_HUGEPAGE) == 0);
	fill(p, 8);
	is(huge_pages(p, "ShmemPmdMapped"), COUNT, "shared memory in huge pages");
	pid = do_fork();
	if (!pid) {
		fill(p, 9);
		_exit(0);
	}
	is(reap(pid), EXITED(0), "a child writes to it");
	is(wrong(p, 0, COUNT * HUGE, 9), 0, "and the parent sees it");
	is(madvise(p + PAGE, PAGE, MADV_REMOVE), 0, "a hole in one");
	is(p[PAGE], 0, "is zero");
	is(wrong(p, 2 * PAGE, COUNT * HUGE, 9), 0, "and nothing else");
	munmap(p, COUNT * HUGE);
}

int main(void)
{
	need_guest();
	need_root();
	write_file("/sys/kernel/mm/transparent_hugepage/enabled", "madvise");
	write_file("/sys/kernel/mm/transparent_hugepage/shmem_enabled", "advise");
	test_anonymous();
	test_moved();
	test_collapse();
	test_shared();
	return done();
}
