// SPDX-License-Identifier: GPL-2.0-only
/*
 * More mappings than the host allows a process: pages of one file in an order
 * in which no two are adjacent, read and written all over.
 */
#include "ktap.h"

#define RW	(PROT_READ | PROT_WRITE)

/* Linux allows 65530 by default. */
#define PAGES	70000
#define FILE_PAGES 1024

static size_t file_page(size_t i)
{
	return i * 7 % FILE_PAGES;
}

static size_t wrong(const unsigned int *p, size_t step, unsigned int plus)
{
	size_t bad = 0;

	for (size_t i = 0; i < PAGES; i += step)
		bad += p[i * 1024] != file_page(i) + plus;
	return bad;
}

int main(void)
{
	unsigned int *p, *file;
	int fd = temp_file(FILE_PAGES * PAGE);
	pid_t pid;

	need_guest();
	need_root();
	write_file("/proc/sys/vm/max_map_count", "300000");
	file = mmap(NULL, FILE_PAGES * PAGE, RW, MAP_SHARED, fd, 0);
	p = mmap(NULL, PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	must(file != MAP_FAILED && p != MAP_FAILED);
	for (size_t i = 0; i < FILE_PAGES; i++)
		file[i * 1024] = i;
	for (size_t i = 0; i < PAGES; i++)
		must(mmap(p + i * 1024, PAGE, RW, MAP_SHARED | MAP_FIXED, fd,
			  file_page(i) * PAGE) == p + i * 1024);
	is(wrong(p, 1, 0), 0, "%d mappings of a page show what they should", PAGES);
	for (size_t i = 0; i < FILE_PAGES; i++)
		p[i * 1024] += 5;
	is(wrong(p, 4, 5), 0, "what is written by one is seen in all");
	pid = do_fork();
	if (!pid)
		_exit(wrong(p, 8, 5) != 0);
	is(reap(pid), EXITED(0), "a child has them too");
	return done();
}
