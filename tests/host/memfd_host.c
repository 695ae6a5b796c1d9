// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest RAM is one memfd that the kernel and the stubs map at many places:
 * all mappings are the same memory at once, also executable ones.
 */
#include "trap.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x10
#endif
#define RW (PROT_READ | PROT_WRITE)

static int ram(size_t size)
{
	int fd = memfd_create("ram", MFD_CLOEXEC | MFD_EXEC);

	if (fd < 0 && errno == EINVAL)	/* before Linux 6.3 */
		fd = memfd_create("ram", MFD_CLOEXEC);
	must(fd >= 0 && ftruncate(fd, size) == 0);
	return fd;
}

static void test_alias(int fd)
{
	char *a = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
	char *b = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	int bad = 0;
	pid_t pid;

	must(a != MAP_FAILED && b != MAP_FAILED);
	for (int i = 0; i < 1000; i++) {
		a[i] = i;
		bad += b[i] != (char)i;
	}
	is(bad, 0, "a store is seen through another mapping");
	is(write_sig(b), SIGSEGV, "which is read-only");
	pid = do_fork();
	if (!pid) {
		char *c = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);

		c[0] = 99;
		_exit(0);
	}
	reap(pid);
	is(b[0], 99, "and another process's store too");
	munmap(a, PAGE);
	munmap(b, PAGE);
}

static void test_exec(int fd)
{
	static const unsigned char code[] = { 0xb8, 7, 0, 0, 0, 0xc3 };
	char *w = mmap(NULL, PAGE, RW, MAP_SHARED, fd, PAGE);
	int (*x)(void) = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd,
			      PAGE);
	int bad = 0;

	if (!ok(x != MAP_FAILED, "a memfd page can be mapped executable"))
		return;
	memcpy(w, code, sizeof(code));
	is(x(), 7, "and runs");
	for (int i = 0; i < 1000; i++) {
		w[1] = i % 100;
		bad += x() != i % 100;
	}
	is(bad, 0, "code written through one mapping runs through the other");
}

/* MAP_FIXED replaces, in one step, page by page, in any order. */
static void test_fixed(int fd)
{
	char *p = mmap(NULL, 64 * PAGE, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *all = mmap(NULL, 64 * PAGE, RW, MAP_SHARED, fd, 0);
	int bad = 0;

	for (int i = 0; i < 64; i++)
		all[i * PAGE] = i;
	for (int i = 0; i < 64; i++)
		must(mmap(p + i * PAGE, PAGE, RW,
			  MAP_SHARED | MAP_FIXED | MAP_POPULATE, fd,
			  (63 - i) * PAGE) == p + i * PAGE);
	for (int i = 0; i < 64; i++)
		bad += p[i * PAGE] != 63 - i;
	is(bad, 0, "pages can be mapped in any order");
	must(mmap(p, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) == p);
	is(p[0], 0, "and replaced");
	is(write_sig(p), SIGSEGV, "with another protection");
}

/* A punched hole gives the memory back and reads as zero everywhere. */
static void test_punch(int fd)
{
	char *a = mmap(NULL, 16 * PAGE, RW, MAP_SHARED, fd, 0);
	struct stat before, after;

	memset(a, 1, 16 * PAGE);
	must(fstat(fd, &before) == 0);
	is(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 16 * PAGE),
	   0, "PUNCH_HOLE");
	must(fstat(fd, &after) == 0);
	ok(before.st_blocks - after.st_blocks >= (long)(16 * PAGE / 512),
	   "gives memory back");
	is(a[0] | a[15 * PAGE], 0, "and leaves zeroes");
}

int main(void)
{
	int fd = ram(64 * PAGE);

	test_alias(fd);
	test_exec(fd);
	test_fixed(fd);
	test_punch(fd);
	return done();
}
