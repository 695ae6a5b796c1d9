// SPDX-License-Identifier: GPL-2.0-only
/*
 * exercise FILE SEED COUNT: COUNT random operations on a file, each checked against
 * a copy of it in memory: reads and writes, also by mmap and with O_DIRECT, truncation,
 * holes, sync, dropped caches.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "trace.h"

#define MAX	(768 << 10)
#define PIECE	(96 << 10)

static char model[MAX], *buf;
static size_t size;
static int fd, direct_fd;
static uint64_t seed;
static const char *op = "open";
static int number;

static unsigned int dice(unsigned int n)
{
	return mix(seed++) % n;
}

static void must(int ok)
{
	if (ok)
		return;
	printf("operation %d, %s, size %zu: %s\n", number, op, size, strerror(errno));
	exit(1);
}

static void must_be(const char *got, size_t at, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (got[i] != model[at + i]) {
			printf("operation %d, %s: byte %zu is %d, not %d\n", number, op, at + i,
			       got[i], model[at + i]);
			exit(1);
		}
}

static void do_write(size_t at, size_t n)
{
	size_t i;
	int to = fd;

	op = "write";
	if (dice(3) == 0) {
		at &= ~4095ul;
		n = (n + 4095) & ~4095ul;
		to = direct_fd;
		op = "direct write";
	}
	for (i = 0; i < n; i++)
		buf[i] = mix(seed ^ i);
	must(pwrite(to, buf, n, at) == (ssize_t)n);
	memcpy(model + at, buf, n);
	if (at + n > size)
		size = at + n;
}

static void do_read(size_t at, size_t n)
{
	op = "read";
	if (at >= size)
		return;
	if (dice(3) == 0) {
		op = "direct read";
		at &= ~4095ul;
		n = (n + 4095) & ~4095ul;
		must(pread(direct_fd, buf, n, at) == (ssize_t)(n < size - at ? n : size - at));
	} else {
		must(pread(fd, buf, n, at) == (ssize_t)(n < size - at ? n : size - at));
	}
	must_be(buf, at, n < size - at ? n : size - at);
}

static void do_map(size_t at, size_t n, int write)
{
	size_t i;
	char *p;

	op = write ? "mmap, write" : "mmap, read";
	at &= ~4095ul;
	if (at + n > size)
		n = at < size ? size - at : 0;
	if (!n)
		return;
	p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, at);
	must(p != MAP_FAILED);
	must_be(p, at, n);
	for (i = 0; write && i < n; i++)
		p[i] = model[at + i] = mix(seed ^ i);
	must(!munmap(p, n));
}

static void do_truncate(size_t at)
{
	op = "truncate";
	must(!ftruncate(fd, at));
	if (at < size)
		memset(model + at, 0, size - at);
	size = at;
}

static void do_hole(size_t at, size_t n)
{
	op = "hole";
	if (at + n > size)
		n = at < size ? size - at : 0;
	if (!n)
		return;
	must(!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, n));
	memset(model + at, 0, n);
}

static void do_forget(void)
{
	int drop = open("/proc/sys/vm/drop_caches", O_WRONLY);

	op = "sync and drop caches";
	must(!fsync(fd) && drop >= 0 && write(drop, "1", 1) == 1);
	close(drop);
}

static void one(void)
{
	size_t n = 1 + dice(PIECE), at = dice(MAX - PIECE - 4096);

	switch (dice(16)) {
	case 0 ... 4:
		do_write(at, n);
		break;
	case 5 ... 9:
		do_read(at, n);
		break;
	case 10:
		do_map(at, n, 0);
		break;
	case 11 ... 12:
		do_map(at, n, 1);
		break;
	case 13:
		do_truncate(at);
		break;
	case 14:
		do_hole(at, n);
		break;
	default:
		if (dice(4) == 0)
			do_forget();
	}
}

int main(int argc, char **argv)
{
	int count;

	if (argc != 4)
		return 2;
	seed = (uint64_t)atoi(argv[2]) << 32;
	count = atoi(argv[3]);
	buf = aligned_alloc(4096, PIECE + 8192);
	fd = open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600);
	direct_fd = open(argv[1], O_RDWR | O_DIRECT);
	must(fd >= 0 && direct_fd >= 0);
	for (number = 1; number <= count; number++)
		one();
	do_forget();
	op = "the end";
	must(pread(fd, buf, 1, size) == 0);
	for (size_t at = 0; at < size; at += PIECE)
		do_read(at, PIECE);
	printf("%d operations\n", count);
	return 0;
}
