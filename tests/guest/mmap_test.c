// SPDX-License-Identifier: GPL-2.0-only
/* mmap and munmap in their forms. */
#include "trap.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static char *map(size_t pages, int prot, int flags)
{
	char *p = mmap(NULL, pages * PAGE, prot, flags, -1, 0);

	must(p != MAP_FAILED);
	return p;
}

static void test_anonymous(void)
{
	char *p = map(1000, RW, ANON);
	long sum = 0;

	for (int i = 0; i < 1000; i++)
		sum += p[i * PAGE + i % PAGE];
	is(sum, 0, "anonymous memory is zero when read first");
	for (int i = 0; i < 1000; i++)
		p[i * PAGE] = i;
	for (int i = 0; i < 1000; i++)
		sum += p[i * PAGE] == (char)i;
	is(sum, 1000, "and keeps what is written");
	is(munmap(p + 10 * PAGE, 10 * PAGE), 0, "munmap in the middle");
	ok(read_sig(p + 10 * PAGE) == SIGSEGV && read_sig(p + 19 * PAGE) == SIGSEGV,
	   "what is unmapped is gone");
	ok(p[9 * PAGE] == 9 && p[20 * PAGE] == 20, "what is around it stays");
	is(munmap(p, 1000 * PAGE), 0, "munmap over a hole");
	is(read_sig(p), SIGSEGV, "all gone");
	p = map(1000, RW, ANON);
	for (int i = 0; i < 1000; i++)
		sum += p[i * PAGE];
	is(sum, 1000, "memory mapped again is zero again");
	munmap(p, 1000 * PAGE);
	p = map(64, RW, ANON | MAP_POPULATE);
	p[63 * PAGE] = 1;
	is(p[0] + p[63 * PAGE], 1, "MAP_POPULATE");
	fails(munmap(p + 1, PAGE), EINVAL, "munmap of an odd address");
	munmap(p, 64 * PAGE);
	p = map(4, RW, MAP_SHARED | MAP_ANONYMOUS);
	p[3 * PAGE] = 5;
	is(p[0] + p[3 * PAGE], 5, "shared anonymous memory");
	munmap(p, 4 * PAGE);
}

static void test_fixed(void)
{
	char *p = map(10, RW, ANON), *q;

	memset(p, 7, 10 * PAGE);
	q = mmap(p + 2 * PAGE, 2 * PAGE, RW, ANON | MAP_FIXED, -1, 0);
	ok(q == p + 2 * PAGE, "MAP_FIXED goes where it is told");
	ok(q[0] == 0 && q[PAGE] == 0, "and replaces what was there");
	ok(p[PAGE] == 7 && p[4 * PAGE] == 7, "and nothing else");
	fails(mmap(p, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), EEXIST,
	      "MAP_FIXED_NOREPLACE");
	munmap(p, PAGE);
	q = mmap(p, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0);
	ok(q == p, "unless the place is free");
	fails(mmap(p + 1, PAGE, RW, ANON | MAP_FIXED, -1, 0), EINVAL,
	      "MAP_FIXED at an odd address");
	fails(mmap(at(0xffff800000000000), PAGE, RW, ANON | MAP_FIXED, -1, 0),
	      ENOMEM, "MAP_FIXED in the kernel's half");
	q = mmap(p + PAGE, PAGE, RW, ANON, -1, 0);
	ok(q != p + PAGE && q != MAP_FAILED, "a hint that is taken moves");
	munmap(p, 10 * PAGE);
	q = mmap(NULL, PAGE, RW, ANON | MAP_32BIT, -1, 0);
	ok((uintptr_t)q < 1UL << 31, "MAP_32BIT");
	*q = 1;
	munmap(q, PAGE);
}

static void test_file(void)
{
	int fd = temp_file(0), ro;
	char buf[PAGE], name[32];
	char *s, *p, *q;

	for (int i = 0; i < 10; i++) {
		memset(buf, 'a' + i, PAGE);
		must(write(fd, buf, PAGE) == (ssize_t)PAGE);
	}
	s = mmap(NULL, 10 * PAGE, RW, MAP_SHARED, fd, 0);
	p = mmap(NULL, 10 * PAGE, RW, MAP_PRIVATE, fd, 0);
	q = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 4 * PAGE);
	must(s != MAP_FAILED && p != MAP_FAILED && q != MAP_FAILED);
	ok(s[PAGE] == 'b' && p[2 * PAGE] == 'c', "the file's bytes");
	ok(q[0] == 'e' && q[PAGE] == 'f', "from an offset");
	s[4 * PAGE] = 'S';
	is(q[0], 'S', "two shared mappings are one");
	is(p[4 * PAGE], 'S', "an untouched private page follows");
	p[4 * PAGE + 1] = 'P';
	s[4 * PAGE + 2] = 'T';
	ok(p[4 * PAGE + 1] == 'P' && p[4 * PAGE + 2] == 'e',
	   "a written private page is its own");
	is(s[4 * PAGE + 1], 'e', "and not the file's");
	fails(mmap(NULL, PAGE, RW, MAP_SHARED, fd, 1), EINVAL, "an odd offset");
	fails(mmap(NULL, PAGE, RW, MAP_SHARED, 999, 0), EBADF, "no descriptor");
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	ro = open(name, O_RDONLY);
	fails(mmap(NULL, PAGE, RW, MAP_SHARED, ro, 0), EACCES,
	      "a shared writable mapping of a read-only descriptor");
	p = mmap(NULL, PAGE, RW, MAP_PRIVATE, ro, 0);
	ok(p != MAP_FAILED, "a private one is fine");
	close(fd);
	close(ro);
	is(s[9 * PAGE], 'j', "a mapping outlives its descriptor");
}

static void test_limits(void)
{
	char *p, num[32];

	fails(mmap(NULL, 1UL << 47, RW, ANON, -1, 0), ENOMEM, "128 TB");
	p = mmap(NULL, 1UL << 36, RW, ANON | MAP_NORESERVE, -1, 0);
	ok(p != MAP_FAILED, "64 GB are reserved");
	if (p == MAP_FAILED)
		return;
	p[1UL << 35] = 1;
	p[(1UL << 36) - 1] = 2;
	ok(p[1UL << 35] == 1 && p[0] == 0 && p[(1UL << 36) - 1] == 2,
	   "and used here and there");
	munmap(p, 1UL << 36);
	if (geteuid() && read_file("/proc/sys/vm/mmap_min_addr", num, 32) > 0 &&
	    atoi(num) > (int)PAGE)
		fails(mmap(at(PAGE), PAGE, RW, ANON | MAP_FIXED, -1, 0), EPERM,
		      "the low pages are not for users");
}

/* The same place mapped and unmapped: never sees what was there before. */
static void test_reuse(void)
{
	char *p = map(16, RW, ANON);
	int stale = 0;

	for (int i = 0; i < 2000; i++) {
		for (int j = 0; j < 16; j++) {
			stale += p[j * PAGE];
			p[j * PAGE] = 1;
		}
		must(munmap(p, 16 * PAGE) == 0);
		must(mmap(p, 16 * PAGE, RW, ANON | MAP_FIXED, -1, 0) == p);
	}
	is(stale, 0, "2000 times remapped, always fresh");
}

/* It has a file, but is anonymous memory. */
static void test_zero_device(void)
{
	int fd = open("/dev/zero", O_RDWR);
	volatile char *p;

	must(fd >= 0);
	p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	must(p != MAP_FAILED);
	is(p[PAGE], 0, "private /dev/zero reads as zero");
	p[PAGE] = 5;
	is(p[PAGE], 5, "and can be written");
	munmap((void *)p, 4 * PAGE);
	close(fd);
}

/* A write makes a copy of its own page, and the others go on showing the file. */
static void test_private_file(void)
{
	int fd = open("/tmp/private", O_RDWR | O_CREAT | O_TRUNC, 0600), i, seen = 0;
	volatile char *p;

	must(fd >= 0 && ftruncate(fd, 8 * PAGE) == 0);
	p = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	must(p != MAP_FAILED);
	for (i = 0; i < 8; i++)
		seen += p[i * PAGE];
	p[3 * PAGE] = 1;
	for (i = 0; i < 8; i++)
		must(pwrite(fd, "\2", 1, i * PAGE) == 1);
	for (i = 0; i < 8; i++)
		seen += p[i * PAGE];
	is(seen, 7 * 2 + 1, "a private mapping shows the file where it was not written to");
	munmap((void *)p, 8 * PAGE);
	close(fd);
	unlink("/tmp/private");
}

int main(void)
{
	test_anonymous();
	test_private_file();
	test_zero_device();
	test_fixed();
	test_file();
	test_limits();
	test_reuse();
	return done();
}
