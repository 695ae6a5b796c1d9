// SPDX-License-Identifier: GPL-2.0-only
/* Many mappings in one process, and much memory in scattered pages. */
#include "trap.h"

#define RW (PROT_READ | PROT_WRITE)
#define N 20000

int main(void)
{
	char *p = mmap(NULL, 2 * N * PAGE, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = temp_file(N * PAGE), bad = 0;
	pid_t pid;
	char *s;

	must(p != MAP_FAILED);
	for (int i = 0; i < N; i++)
		bad += mprotect(p + 2 * i * PAGE, PAGE, RW) != 0;
	is(bad, 0, "%d mappings", N);
	for (int i = 0; i < N; i++)
		p[2 * i * PAGE] = i;
	for (int i = 0; i < N; i++)
		bad += p[2 * i * PAGE] != (char)i;
	is(bad, 0, "each with its page");
	for (int i = 0; i < N; i += 500)
		bad += read_sig(p + (2 * i + 1) * PAGE) != SIGSEGV;
	is(bad, 0, "and none between");
	pid = do_fork();
	if (!pid) {
		for (int i = 0; i < N; i++)
			bad += p[2 * i * PAGE] != (char)i;
		_exit(bad != 0);
	}
	is(reap(pid), EXITED(0), "a child has them too");
	is(munmap(p, 2 * N * PAGE), 0, "all unmapped at once");

	/* A file's pages in reverse order: no two are adjacent. */
	s = mmap(NULL, N * PAGE, RW, MAP_SHARED, fd, 0);
	for (int i = 0; i < N; i++)
		s[i * PAGE] = i % 100;
	p = mmap(NULL, N * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < N; i++)
		must(mmap(p + i * PAGE, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED,
			  fd, (N - 1 - i) * PAGE) == p + i * PAGE);
	for (int i = 0; i < N; i++)
		bad += p[i * PAGE] != (N - 1 - i) % 100;
	is(bad, 0, "a file mapped backwards, page by page");
	return done();
}
