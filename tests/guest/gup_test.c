// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that the kernel takes from a program without a lock (vmsplice, shared
 * futexes): it takes none that the program could not touch itself, and while
 * others map and unmap, none that is not the program's.
 */
#include <linux/futex.h>
#include <sys/uio.h>
#include "ktap.h"

#define RW	(PROT_READ | PROT_WRITE)
#define HUGE	(2048UL * 1024)
#define MINE	0x6d696e656d696e65ULL
#define OTHERS	0x6f74686572736f74ULL
#define SECONDS	3

static int pipe_ends[2];

/* A word of the page, by way of a pipe that the page itself is put into; -1 with errno. */
static int spliced(const void *p, uint64_t *word)
{
	struct iovec v = { (void *)p, sizeof(*word) };
	ssize_t n = vmsplice(pipe_ends[1], &v, 1, SPLICE_F_NONBLOCK);

	if (n < 0)
		return -1;
	must(n == sizeof(*word) && read(pipe_ends[0], word, sizeof(*word)) == sizeof(*word));
	return 0;
}

static long futex(uint32_t *a, int op, uint32_t *b)
{
	return syscall(SYS_futex, a, op, 0, 0, b, FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_EQ, 0));
}

static void test_protection(char *p, size_t size, const char *what)
{
	uint32_t *other = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t word = 0;

	must(other != MAP_FAILED);
	memset(p, 'x', size);
	is(spliced(p, &word), 0, "%s: vmsplice", what);
	is(futex((void *)p, FUTEX_WAKE, NULL), 0, "and a futex");
	must(mprotect(p, size, PROT_READ) == 0);
	is(spliced(p, &word), 0, "read-only: vmsplice");
	fails(futex(other, FUTEX_WAKE_OP, (void *)p), EFAULT, "and a futex that would be changed");
	must(mprotect(p, size, PROT_NONE) == 0);
	fails(spliced(p, &word), EFAULT, "PROT_NONE: vmsplice");
	fails(futex((void *)p, FUTEX_WAKE, NULL), EFAULT, "and a futex");
	must(mprotect(p, size, RW) == 0);
	word = 0;
	ok(spliced(p, &word) == 0 && word == 0x7878787878787878, "accessible again: as it was");
	must(munmap(p, size) == 0);
	fails(spliced(p, &word), EFAULT, "unmapped: vmsplice");
	munmap(other, PAGE);
}

static char *huge_area(void)
{
	char *p = mmap(NULL, 2 * HUGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(p != MAP_FAILED);
	p = (char *)(((uintptr_t)p + HUGE - 1) & ~(HUGE - 1));
	madvise(p, HUGE, MADV_HUGEPAGE);
	return p;
}

/* ---- while others map and unmap ------------------------------------------- */

static char *place;
static volatile bool ended;

/* What is unmapped takes its table along: it is alone in two megabytes. */
static void *map_and_unmap(void *arg)
{
	while (!ended) {
		char *p = mmap(place, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

		must(p == place);
		*(volatile uint64_t *)p = MINE;
		must(munmap(p, PAGE) == 0);
	}
	return arg;
}

/* Pages that have just been freed are this one's soon. */
static void use_pages(void)
{
	for (;;) {
		size_t size = 64 * PAGE;
		char *p = mmap(NULL, size, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		for (size_t i = 0; i < size; i += 8)
			*(uint64_t *)(p + i) = OTHERS;
		munmap(p, size);
	}
}

static void test_race(void)
{
	char *p = mmap(NULL, 6 * HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	time_t end = time(NULL) + SECONDS;
	long seen = 0, none = 0, wrong = 0;
	pid_t other = fork();
	pthread_t t;

	must(other >= 0 && p != MAP_FAILED);
	if (!other)
		use_pages();
	place = (char *)(((uintptr_t)p + 2 * HUGE) & ~(HUGE - 1));
	must(munmap(p, 6 * HUGE) == 0);
	must(pthread_create(&t, NULL, map_and_unmap, NULL) == 0);
	while (time(NULL) < end) {
		uint64_t word;

		if (spliced(place, &word))
			none++;
		else if (word == MINE || !word)
			seen++;
		else
			wrong++;
	}
	ended = true;
	pthread_join(t, NULL);
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	printf("# %ld times there, %ld times not\n", seen, none);
	ok(seen && none, "the page was met, and missed");
	is(wrong, 0, "never what another program has written");
}

int main(void)
{
	char *p = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(p != MAP_FAILED && pipe(pipe_ends) == 0);
	test_protection(p, 4 * PAGE, "private pages");
	p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(p != MAP_FAILED);
	test_protection(p, 4 * PAGE, "shared pages");
	test_protection(huge_area(), HUGE, "a huge page");
	test_race();
	return done();
}
