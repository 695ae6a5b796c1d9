// SPDX-License-Identifier: GPL-2.0-only
/* Copy on write after fork: each side keeps its own pages. */
#include "ktap.h"

#define PAGES 4096
#define RW (PROT_READ | PROT_WRITE)

static char *mem;

static int wrong(char base)
{
	int bad = 0;

	for (int i = 0; i < PAGES; i++)
		bad += mem[i * PAGE] != (char)(base + i);
	return bad;
}

static void fill(char base)
{
	for (int i = 0; i < PAGES; i++)
		mem[i * PAGE] = base + i;
}

static void test_both(void)
{
	int to[2], from[2];
	pid_t pid;
	char c;

	must(pipe(to) == 0 && pipe(from) == 0);
	fill(1);
	pid = do_fork();
	if (!pid) {
		int bad = wrong(1);

		fill(50);			/* the child writes first */
		must(write(from[1], "c", 1) == 1);
		must(read(to[0], &c, 1) == 1);
		bad += wrong(50);		/* the parent wrote then */
		_exit(bad != 0);
	}
	must(read(from[0], &c, 1) == 1);
	is(wrong(1), 0, "the parent does not see the child's writes");
	fill(90);
	must(write(to[1], "p", 1) == 1);
	is(reap(pid), EXITED(0), "nor the child the parent's");
	is(wrong(90), 0, "the parent keeps its own");
}

static void test_parent_first(void)
{
	int to[2];
	pid_t pid;
	char c;

	must(pipe(to) == 0);
	fill(7);
	pid = do_fork();
	if (!pid) {
		must(read(to[0], &c, 1) == 1);
		_exit(wrong(7) != 0);
	}
	fill(8);
	must(write(to[1], "p", 1) == 1);
	is(reap(pid), EXITED(0), "the parent writes first");
	is(wrong(8), 0, "and keeps it");
}

/* Three generations, each changing a part. */
static void test_generations(void)
{
	pid_t pid;

	fill(0);
	pid = do_fork();
	if (!pid) {
		pid_t child;

		for (int i = 0; i < PAGES; i += 2)
			mem[i * PAGE] = 100;
		child = fork();
		if (!child) {
			int bad = 0;

			for (int i = 0; i < PAGES; i++)
				bad += mem[i * PAGE] != (i % 2 ? (char)i : 100);
			fill(3);
			_exit(bad + wrong(3) != 0);
		}
		_exit(reap(child) != 0);
	}
	is(reap(pid), EXITED(0), "three generations");
	is(wrong(0), 0, "the first is untouched");
}

/* The kernel writes for the child: read() into shared-by-fork pages. */
static void test_kernel_writes(void)
{
	int fd = temp_file(0);
	pid_t pid;

	must(write(fd, "kernel", 6) == 6);
	fill(1);
	pid = do_fork();
	if (!pid)
		_exit(pread(fd, mem + PAGE, 6, 0) != 6 ||
		      memcmp(mem + PAGE, "kernel", 6));
	is(reap(pid), EXITED(0), "read() into a page not yet copied");
	is(wrong(1), 0, "changes the child's copy only");
}

static void test_many(void)
{
	int bad = 0;

	for (int i = 0; i < 100; i++) {
		pid_t pid;

		mem[0] = i;
		pid = do_fork();
		if (!pid) {
			mem[0] = ~i;
			_exit(mem[0] != (char)~i);
		}
		bad += reap(pid) != 0 || mem[0] != (char)i;
	}
	is(bad, 0, "100 forks");
}

static int global = 1;

int main(void)
{
	pid_t pid;

	mem = mmap(NULL, PAGES * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(mem != MAP_FAILED);
	test_both();
	test_parent_first();
	test_generations();
	test_kernel_writes();
	test_many();
	pid = do_fork();
	if (!pid) {
		global = 2;
		_exit(global);
	}
	is(reap(pid), EXITED(2), "a global variable in the child");
	is(global, 1, "and in the parent");
	return done();
}
