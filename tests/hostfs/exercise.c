// SPDX-License-Identifier: GPL-2.0-only
/*
 * Long random sequences of file operations, with known outcomes.
 *
 * usage: exercise data DIR SEED COUNT	one file: reads, writes, mappings,
 *					truncations, holes, against a copy in memory
 *        exercise tree DIR SEED COUNT	four processes in one tree: make, remove,
 *					move, link, write; then the tree is in order
 *        exercise many DIR COUNT	a directory of COUNT files: made, listed,
 *					looked at, removed
 *
 * Says nothing and ends with 0 when all was as it has to be.
 */
#include <dirent.h>
#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST	(2 << 20)	/* sizes on both sides of what is streamed */

static uint64_t state;

static unsigned int rnd(unsigned int n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 16) % n;
}

static void fail(const char *what, long n)
{
	printf("exercise: %s at step %ld: %s\n", what, n, strerror(errno));
	exit(1);
}

/* ---- one file ------------------------------------------------------------ */

static uint8_t want[MOST], have[MOST];
static long size;

static void grow_to(long end)
{
	if (end > size) {
		memset(want + size, 0, end - size);
		size = end;
	}
}

static void compare(const uint8_t *p, long off, long len, const char *what, long step)
{
	long i;

	for (i = 0; i < len; i++)
		if (p[i] != want[off + i]) {
			printf("exercise: %s: byte %ld is %d and not %d\n", what, off + i, p[i],
			       want[off + i]);
			errno = 0;
			fail(what, step);
		}
}

static void fill(uint8_t *p, long len)
{
	uint8_t first = rnd(256);
	long i;

	for (i = 0; i < len; i++)
		p[i] = first + i % 251;
}

static void do_read(int fd, long off, long len, long step)
{
	long expect = off >= size ? 0 : size - off < len ? size - off : len;

	if (pread(fd, have, len, off) != expect)
		fail("read", step);
	compare(have, off, expect, "read", step);
}

static void do_write(int fd, long off, long len, long step)
{
	grow_to(off + len);
	fill(want + off, len);
	if (pwrite(fd, want + off, len, off) != len)
		fail("write", step);
}

static void do_map(int fd, long off, long len, bool write, long step)
{
	long start = off & ~4095L;
	uint8_t *p;

	if (off >= size)
		return;
	if (off + len > size)
		len = size - off;
	p = mmap(NULL, off - start + len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, start);
	if (p == MAP_FAILED)
		fail("mmap", step);
	if (write) {
		fill(want + off, len);
		memcpy(p + off - start, want + off, len);
	} else {
		compare(p + off - start, off, len, "mapping", step);
	}
	if (munmap(p, off - start + len))
		fail("munmap", step);
}

static void do_map_private(int fd, long off, long len, long step)
{
	long start = off & ~4095L;
	uint8_t *p;

	if (off >= size)
		return;
	if (off + len > size)
		len = size - off;
	p = mmap(NULL, off - start + len, PROT_READ, MAP_PRIVATE, fd, start);
	if (p == MAP_FAILED)
		fail("private mmap", step);
	compare(p + off - start, off, len, "private mapping", step);
	munmap(p, off - start + len);
}

static void do_truncate(int fd, long to, long step)
{
	if (ftruncate(fd, to))
		fail("truncate", step);
	if (to > size)
		grow_to(to);
	size = to;
}

static void do_punch(int fd, long off, long len, long step)
{
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off, len)) {
		if (errno != EOPNOTSUPP)
			fail("punch", step);
		return;
	}
	if (off < size)
		memset(want + off, 0, off + len > size ? size - off : len);
}

static void exercise_data(const char *dir, long count)
{
	int fd, fd2;
	struct stat st;
	long step;

	if (chdir(dir))
		fail(dir, 0);
	fd = open("exercise", O_RDWR | O_CREAT | O_TRUNC, 0644);
	if (fd < 0)
		fail("open", 0);
	for (step = 0; step < count; step++) {
		long off = rnd(MOST - 70000), len = 1 + rnd(rnd(4) ? 5000 : 65536);

		switch (rnd(10)) {
		case 0: case 1:
			do_write(fd, off, len, step);
			break;
		case 2:
			/* these, and readers below, may go past the page cache */
			fd2 = open("exercise", O_WRONLY);
			do_write(fd2, off, len, step);
			close(fd2);
			break;
		case 3:
			do_map(fd, off, len, true, step);
			break;
		case 4:
			do_map(fd, off, len, false, step);
			break;
		case 5:
			do_truncate(fd, rnd(3) ? size : off, step);
			break;
		case 6:
			do_punch(fd, off, len, step);
			break;
		case 7:
			if (!rnd(8) && fsync(fd))
				fail("fsync", step);
			/* another opening sees the same */
			fd2 = open("exercise", O_RDONLY | (rnd(2) ? O_CLOEXEC : 0));
			do_read(fd2, off, len, step);
			if (rnd(2))
				do_map_private(fd2, off, len, step);
			close(fd2);
			break;
		default:
			do_read(fd, off, len, step);
		}
		if (fstat(fd, &st) || st.st_size != size)
			fail("size", step);
	}
	close(fd);
	fd = open("exercise", O_RDONLY);
	do_read(fd, 0, MOST, step);
	close(fd);
}

/* ---- a tree -------------------------------------------------------------- */

static void name(char *buf, int who)
{
	static const char *const dirs[] = { ".", "a", "b", "a/c", "b/d", "a/c/e" };

	sprintf(buf, "%s/f%d-%d", dirs[rnd(6)], rnd(4) ? who : (int)rnd(4), rnd(12));
}

/* Whatever it does must succeed or fail as it may when others do the same. */
static bool may_fail(int error)
{
	return error == ENOENT || error == EEXIST || error == ENOTDIR || error == EISDIR ||
	       error == ENOTEMPTY || error == ESTALE;
}

static void tree_step(int who, long step)
{
	char a[64], b[64], text[128], back[128];
	int fd, n, ret = 0;

	name(a, who);
	name(b, who);
	errno = 0;
	switch (rnd(9)) {
	case 0: case 1:
		fd = open(a, O_RDWR | O_CREAT, 0644);
		if (fd < 0) {
			ret = -1;
			break;
		}
		n = sprintf(text, "%s %ld %d", a, step, who);
		if (write(fd, text, n) != n || pread(fd, back, n, 0) < 1)
			fail("write and read", step);
		close(fd);
		break;
	case 2:
		ret = unlink(a);
		break;
	case 3:
		ret = rename(a, b);
		break;
	case 4:
		ret = link(a, b);
		break;
	case 5:
		ret = symlink(a, b);
		break;
	case 6:
		ret = mkdir(a, 0755) ?: rmdir(a);
		break;
	case 7: {
		struct stat st;

		ret = stat(a, &st);
		break;
	}
	default:
		ret = truncate(a, rnd(10000));
	}
	if (ret && !may_fail(errno) && errno != ELOOP && errno != EPERM)
		fail("a change of the tree", step);
}

static long files_seen;

static int look(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)ftw;
	if (type == FTW_NS || (S_ISREG(st->st_mode) && st->st_nlink < 1)) {
		printf("exercise: %s cannot be looked at\n", path);
		return 1;
	}
	files_seen++;
	return 0;
}

static void exercise_tree(const char *dir, long count)
{
	static const char *const dirs[] = { "a", "b", "a/c", "b/d", "a/c/e" };
	int i, status;
	size_t d;

	if (chdir(dir))
		fail(dir, 0);
	for (d = 0; d < 5; d++)
		if (mkdir(dirs[d], 0755))
			fail(dirs[d], 0);
	for (i = 0; i < 4; i++) {
		if (fork())
			continue;
		state += i * 7919;
		for (long step = 0; step < count; step++)
			tree_step(i, step);
		exit(0);
	}
	for (i = 0; i < 4; i++)
		if (wait(&status) < 0 || status)
			exit(1);
	if (nftw(".", look, 16, FTW_PHYS) || !files_seen)
		fail("the tree afterwards", count);
}

/* ---- many files ---------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	return ftw->level && unlink(path);
}

static void exercise_many(const char *dir, long count)
{
	char path[64];
	long i;
	int fd;

	if (chdir(dir) || mkdir("many", 0755))
		fail("mkdir", 0);
	for (i = 0; i < count; i++) {
		sprintf(path, "many/file-%06ld", i);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
		if (fd < 0)
			fail("create", i);
		close(fd);
	}
	if (nftw("many", look, 16, FTW_PHYS) || files_seen != count + 1)
		fail("listing", files_seen);
	if (nftw("many", remove_one, 16, FTW_PHYS | FTW_DEPTH) || rmdir("many"))
		fail("removing", 0);
}

/* ---- a library ------------------------------------------------------------- */

/* How many pages of a file are in memory when it has been mapped, before they are used. */
static long map_and_read(const char *name)
{
	unsigned char there[MOST / 4096];
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	uint8_t *p = mmap(NULL, MOST, PROT_READ, MAP_PRIVATE, fd, 0);
	long i, n = 0;

	if (fd < 0 || p == MAP_FAILED || mincore(p, MOST, there))
		fail(name, 0);
	for (i = 0; i < MOST / 4096; i++)
		n += there[i] & 1;
	compare(p, 0, MOST, "mapped", 0);
	munmap(p, MOST);
	close(fd);
	return n;
}

static void exercise_library(const char *dir)
{
	int fd;

	if (chdir(dir))
		fail(dir, 0);
	fd = open("library", O_WRONLY | O_CREAT | O_EXCL, 0644);
	fill(want, MOST);
	size = MOST;
	if (fd < 0 || write(fd, want, MOST) != MOST || close(fd))
		fail("library", 0);
	/* that it is mapped is not known the first time */
	map_and_read("library");
	map_and_read("library");
	printf("pages kept: %ld of %d\n", map_and_read("library"), MOST / 4096);
}

/* ---- a listing that is kept ------------------------------------------------ */

static void expect_names(DIR *d, long n)
{
	long found = 0;

	while (readdir(d))
		found++;
	if (found != n)
		fail("names", found);
}

/*
 * A directory that has not changed for long is opened without the server, once its
 * listing is known; the listing is then of no use when it is read.
 */
static void exercise_listing(const char *dir, long count)
{
	const struct timespec old[2] = { { 1000000000, 0 }, { 1000000000, 0 } };
	char name[32];
	long i;

	if (chdir(dir) || mkdir("listing", 0755) || chdir("listing"))
		fail("mkdir", 0);
	for (i = 0; i < count; i++) {
		sprintf(name, "file-%06ld", i);
		if (mknod(name, S_IFREG | 0644, 0))
			fail("mknod", i);
	}
	for (i = 0; i < 3; i++) {
		DIR *d;

		if (utimensat(AT_FDCWD, ".", old, 0) || !(d = opendir(".")))
			fail("opendir", i);
		expect_names(d, count + 2);
		closedir(d);
		d = opendir(".");
		if (!d || mknod("late", S_IFREG | 0644, 0))
			fail("late", i);
		expect_names(d, count + 3);
		if (fsync(dirfd(d)) || unlink("late"))
			fail("fsync", i);
		rewinddir(d);
		expect_names(d, count + 2);
		closedir(d);
	}
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 3 && !strcmp(argv[1], "library")) {
		exercise_library(argv[2]);
		return 0;
	}
	if (argc == 4 && !strcmp(argv[1], "many")) {
		exercise_many(argv[2], atol(argv[3]));
		return 0;
	}
	if (argc == 4 && !strcmp(argv[1], "listing")) {
		exercise_listing(argv[2], atol(argv[3]));
		return 0;
	}
	if (argc != 5)
		return 2;
	state = atol(argv[3]) * 2654435761ULL + 88172645463325252ULL;
	if (!strcmp(argv[1], "data"))
		exercise_data(argv[2], atol(argv[4]));
	else
		exercise_tree(argv[2], atol(argv[4]));
	return 0;
}
