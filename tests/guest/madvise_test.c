// SPDX-License-Identifier: GPL-2.0-only
/* madvise: what each advice promises about the contents. */
#include "trap.h"

#define RW (PROT_READ | PROT_WRITE)
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

static char *fresh(size_t pages, int flags, int fd)
{
	char *p = mmap(NULL, pages * PAGE, RW, flags, fd, 0);

	must(p != MAP_FAILED);
	memset(p, 5, pages * PAGE);
	return p;
}

static bool all(char *p, size_t pages, char want)
{
	for (size_t i = 0; i < pages * PAGE; i += 512)
		if (p[i] != want)
			return false;
	return true;
}

static void test_dontneed(void)
{
	char *p = fresh(64, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	int fd = temp_file(64 * PAGE), bad = 0;
	char *s = fresh(64, MAP_SHARED, fd);
	char *q = mmap(NULL, 64 * PAGE, RW, MAP_PRIVATE, fd, 0);

	is(madvise(p, 32 * PAGE, MADV_DONTNEED), 0, "DONTNEED");
	ok(all(p, 32, 0), "anonymous memory is zero");
	ok(all(p + 32 * PAGE, 32, 5), "the rest is not");
	for (int i = 0; i < 1000; i++) {
		p[0] = 1;
		p[31 * PAGE] = 1;
		madvise(p, 32 * PAGE, MADV_DONTNEED);
		bad += p[0] + p[31 * PAGE];
	}
	is(bad, 0, "1000 times");
	memset(q, 6, 64 * PAGE);
	madvise(q, 64 * PAGE, MADV_DONTNEED);
	ok(all(q, 64, 5), "a private file mapping shows the file again");
	madvise(s, 64 * PAGE, MADV_DONTNEED);
	ok(all(s, 64, 5), "a shared one keeps its contents");
	is(madvise(s, 16 * PAGE, MADV_REMOVE), 0, "REMOVE");
	ok(all(s, 16, 0) && all(s + 16 * PAGE, 48, 5), "punches a hole");
	fails(madvise(p + 1, PAGE, MADV_DONTNEED), EINVAL, "an odd address");
	fails(madvise(p, PAGE, 12345), EINVAL, "no such advice");
}

static void test_others(void)
{
	static const struct { int advice; const char *name; } list[] = {
		{ MADV_NORMAL, "NORMAL" }, { MADV_RANDOM, "RANDOM" },
		{ MADV_SEQUENTIAL, "SEQUENTIAL" }, { MADV_WILLNEED, "WILLNEED" },
		{ MADV_HUGEPAGE, "HUGEPAGE" }, { MADV_NOHUGEPAGE, "NOHUGEPAGE" },
		{ MADV_DONTDUMP, "DONTDUMP" }, { MADV_DODUMP, "DODUMP" },
		{ MADV_COLD, "COLD" }, { MADV_PAGEOUT, "PAGEOUT" },
		{ MADV_POPULATE_READ, "POPULATE_READ" },
		{ MADV_POPULATE_WRITE, "POPULATE_WRITE" },
	};
	char *p = fresh(64, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	for (size_t i = 0; i < ARRAY_SIZE(list); i++)
		ok(madvise(p, 64 * PAGE, list[i].advice) == 0 && all(p, 64, 5),
		   "%s changes nothing", list[i].name);
	is(madvise(p, 64 * PAGE, MADV_FREE), 0, "FREE");
	p[0] = 9;
	ok(p[0] == 9 && (p[PAGE] == 5 || p[PAGE] == 0),
	   "keeps what is written after it");
}

static void test_fork(void)
{
	char *p = fresh(3, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	pid_t pid;

	must(madvise(p, PAGE, MADV_DONTFORK) == 0);
	must(madvise(p + PAGE, PAGE, MADV_WIPEONFORK) == 0);
	pid = do_fork();
	if (!pid)
		_exit((read_sig(p) == SIGSEGV) + 2 * (p[PAGE] == 0) +
		      4 * (p[2 * PAGE] == 5));
	is(reap(pid), EXITED(7), "DONTFORK and WIPEONFORK");
	ok(all(p, 3, 5), "the parent keeps all");
}

/* One thread drops a page, the other keeps it in use. */
static char *shared;
static volatile int stop;

static void *drops(void *arg)
{
	while (!stop)
		madvise(shared, 8 * PAGE, MADV_DONTNEED);
	return NULL;
}

static void test_race(void)
{
	int bad = 0;
	pthread_t t;

	shared = fresh(8, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	pthread_create(&t, NULL, drops, NULL);
	for (int i = 0; i < 20000; i++) {
		volatile char *c = shared + i % 8 * PAGE;
		char seen;

		*c = i % 100 + 1;
		seen = *c;
		bad += seen != 0 && seen != i % 100 + 1;
	}
	stop = 1;
	pthread_join(t, NULL);
	is(bad, 0, "a page dropped while in use is old or zero, never other");
}

int main(void)
{
	test_dontneed();
	test_others();
	test_fork();
	test_race();
	return done();
}
