// SPDX-License-Identifier: GPL-2.0-only
/* Mappings of a file and read/write see each other at once. */
#include "trap.h"

#define PAGES 64
#define RW (PROT_READ | PROT_WRITE)

static void test_coherent(int fd, const char *name)
{
	char *p = mmap(NULL, PAGES * PAGE, RW, MAP_SHARED, fd, 0);
	char *q = mmap(NULL, PAGES * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	int bad = 0;
	char c, buf[PAGE];
	pid_t pid;

	must(p != MAP_FAILED && q != MAP_FAILED);
	for (int i = 0; i < 2000; i++) {
		off_t o = i * 131 % (PAGES * PAGE);

		c = i;
		must(pwrite(fd, &c, 1, o) == 1);
		bad += p[o] != c || q[o] != c;
	}
	is(bad, 0, "%s: what write() wrote is seen in a mapping", name);
	for (int i = 0; i < 2000; i++) {
		off_t o = i * 257 % (PAGES * PAGE);

		p[o] = i;
		must(pread(fd, &c, 1, o) == 1);
		bad += c != (char)i || q[o] != c;
	}
	is(bad, 0, "%s: what a mapping wrote is seen by read()", name);
	pid = do_fork();
	if (!pid) {
		for (int i = 0; i < PAGES; i++)
			p[i * PAGE] = 'c';
		_exit(0);
	}
	reap(pid);
	for (int i = 0; i < PAGES; i++)
		bad += p[i * PAGE] != 'c' || q[i * PAGE] != 'c';
	is(bad, 0, "%s: and another process's writes", name);
	is(msync(p, PAGES * PAGE, MS_SYNC), 0, "%s: msync", name);
	is(msync(p, PAGES * PAGE, MS_ASYNC), 0, "%s: asynchronous", name);
	p[PAGE] = 'd';
	must(pread(fd, buf, PAGE, PAGE) == (ssize_t)PAGE);
	is(buf[0], 'd', "%s: a write after msync is seen", name);

	/* A mapping given to read() and write() of the same file. */
	must(pwrite(fd, "hello", 5, 0) == 5);
	must(pread(fd, p + 100, 5, 0) == 5);
	ok(!memcmp(p + 100, "hello", 5), "%s: read() into the mapping", name);
	must(pwrite(fd, p + 100, 5, 200) == 5);
	ok(!memcmp(p + 200, "hello", 5), "%s: write() from it", name);

	must(ftruncate(fd, PAGE + 10) == 0);
	must(ftruncate(fd, 2 * PAGE) == 0);
	must(pread(fd, &c, 1, PAGE + 20) == 1);
	is(c, 0, "%s: what was cut off does not come back", name);
	is(read_sig(p + 2 * PAGE), SIGBUS, "%s: beyond the end", name);
	munmap(p, PAGES * PAGE);
	munmap(q, PAGES * PAGE);
}

static void test_mincore(int fd)
{
	unsigned char v[PAGES];
	char *p;
	int in = 0;

	must(ftruncate(fd, 0) == 0 && ftruncate(fd, PAGES * PAGE) == 0);
	p = mmap(NULL, PAGES * PAGE, RW, MAP_SHARED, fd, 0);
	must(mincore(p, PAGES * PAGE, v) == 0);
	for (int i = 0; i < PAGES; i++)
		in += v[i] & 1;
	is(in, 0, "mincore: nothing of a new file");
	memset(p, 1, 8 * PAGE);
	must(mincore(p, PAGES * PAGE, v) == 0);
	for (int i = 0; i < PAGES; i++)
		in += v[i] & 1;
	ok(in >= 8, "mincore: what was written");
	fails(mincore(p + 1, PAGE, v), EINVAL, "mincore: an odd address");
	is(mlock(p, 8 * PAGE), 0, "mlock");
	is(munlock(p, 8 * PAGE), 0, "munlock");
	munmap(p, PAGES * PAGE);
}

int main(void)
{
	int fd = temp_file(PAGES * PAGE), fd2;

	test_coherent(fd, "memfd");
	test_mincore(fd);
	temp_dir();
	fd2 = open("file", O_RDWR | O_CREAT, 0600);
	must(fd2 >= 0 && ftruncate(fd2, PAGES * PAGE) == 0);
	test_coherent(fd2, "file");
	return done();
}
