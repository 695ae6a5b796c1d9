// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hand-off between processes: a futex in a shared memfd page works through a
 * read-only mapping, and membarrier reaches running threads.
 */
#include <linux/futex.h>
#include <linux/membarrier.h>
#include "ktap.h"

static int fd;

static void *page(int prot)
{
	void *p = mmap(NULL, PAGE, prot, MAP_SHARED, fd, 0);

	must(p != MAP_FAILED);
	return p;
}

/* The child waits on a page it cannot write; we wake it through ours. */
static void test_read_only(void)
{
	volatile int *mine = page(PROT_READ | PROT_WRITE);
	int status, woken = 0;
	pid_t pid = do_fork();

	if (!pid) {
		int *ro = page(PROT_READ);

		munmap((void *)mine, PAGE);
		while (!*(volatile int *)ro)
			if (syscall(SYS_futex, ro, FUTEX_WAIT, 0, NULL, NULL, 0) &&
			    errno != EAGAIN && errno != EINTR)
				_exit(errno);
		_exit(0);
	}
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (!woken)
			sleep_ms(20);
		*mine = 1;
		woken += syscall(SYS_futex, mine, FUTEX_WAKE, 1, NULL, NULL, 0);
	}
	is(status, 0, "FUTEX_WAIT on a read-only shared page");
	is(woken, 1, "is woken through another mapping");
	*mine = 0;
	munmap((void *)mine, PAGE);
}

static void test_turns(void)
{
	volatile int *mine = page(PROT_READ | PROT_WRITE);
	pid_t pid = do_fork();

	if (!pid) {
		volatile int *theirs = page(PROT_READ | PROT_WRITE);

		munmap((void *)mine, PAGE);
		for (int i = 0; i < 1000; i++) {
			while (*theirs != 1)
				syscall(SYS_futex, theirs, FUTEX_WAIT, *theirs == 1 ?
					-1 : 0, NULL, NULL, 0);
			*theirs = 0;
			syscall(SYS_futex, theirs, FUTEX_WAKE, 1, NULL, NULL, 0);
		}
		_exit(0);
	}
	for (int i = 0; i < 1000; i++) {
		*mine = 1;
		syscall(SYS_futex, mine, FUTEX_WAKE, 1, NULL, NULL, 0);
		while (*mine != 0)
			syscall(SYS_futex, mine, FUTEX_WAIT, 1, NULL, NULL, 0);
	}
	is(reap(pid), 0, "1000 turns between two processes");
}

static void test_membarrier(void)
{
	is(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0),
	   0, "membarrier is registered");
	is(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0), 0,
	   "and expedited");
}

int main(void)
{
	fd = temp_file(PAGE);
	test_read_only();
	test_turns();
	test_membarrier();
	return done();
}
