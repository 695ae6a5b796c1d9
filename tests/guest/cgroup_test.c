// SPDX-License-Identifier: GPL-2.0-only
/*
 * cgroup v2: limits of processes, memory and CPU are kept, freezing works.
 *
 * Allowed in the log: oom-kill|Memory cgroup out of memory|Call Trace
 */
#include <sys/mount.h>
#include "ktap.h"

#define ROOT "/sys/fs/cgroup/"
#define DIR_ ROOT "guest-test/"

static void join(void)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", getpid());
	write_file(DIR_ "cgroup.procs", pid);
}

static int fork_bomb(void)
{
	int n = 0;

	join();
	while (n < 100) {
		pid_t pid = fork();

		if (!pid)
			for (;;)
				pause();
		if (pid < 0)
			break;
		n++;
	}
	return errno == EAGAIN ? n : 200;
}

static int eats(void)
{
	join();
	for (int i = 0; i < 100; i++) {
		char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			return 1;
		memset(p, 1, 1 << 20);
	}
	return 2;
}

static int eats_little(void)
{
	char *p = malloc(4 << 20);

	join();
	memset(p, 1, 4 << 20);
	return 0;
}

/* The number after @key in the file @name. */
static long value(const char *name, const char *key)
{
	char buf[4096], *p;

	if (read_file(name, buf, sizeof(buf)) < 0)
		return -1;
	p = strstr(buf, key);
	return p ? atol(p + strlen(key)) : -1;
}

static void test_freeze(void)
{
	volatile long *n = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = do_fork();
	long before;

	if (!pid) {
		join();
		for (;;)
			++*n;
	}
	while (*n < 1000)
		sched_yield();
	write_file(DIR_ "cgroup.freeze", "1");
	ok(wait_for(value(DIR_ "cgroup.events", "frozen ") == 1, 5000), "frozen");
	before = *n;
	sleep_ms(50);
	is(*n, before, "a frozen loop stands still");
	write_file(DIR_ "cgroup.freeze", "0");
	ok(wait_for(*n != before, 5000), "and goes on");
	write_file(DIR_ "cgroup.kill", "1");
	is(reap(pid), KILLED(SIGKILL), "cgroup.kill");
}

int main(void)
{
	need_root();
	need_guest();
	if (access(ROOT "cgroup.procs", F_OK))
		must(mount("none", ROOT, "cgroup2", 0, NULL) == 0);
	write_file(ROOT "cgroup.subtree_control", "+pids +memory +cpu");
	is(mkdir(DIR_, 0755), 0, "a cgroup");

	write_file(DIR_ "pids.max", "10");
	is(in_child(fork_bomb), EXITED(9), "pids.max stops a fork bomb");
	ok(value(DIR_ "pids.events", "max ") > 0, "and counts it");
	write_file(DIR_ "cgroup.kill", "1");
	ok(wait_for(value(DIR_ "pids.current", "") == 0, 5000),
	   "all of it is killed");
	write_file(DIR_ "pids.max", "max");

	write_file(DIR_ "memory.max", "16M");
	is(in_child(eats_little), EXITED(0), "memory.max allows what is below");
	is(in_child(eats), KILLED(SIGKILL), "and kills what is above");
	ok(value(DIR_ "memory.events", "oom_kill ") == 1, "and counts it");
	ok(value(DIR_ "memory.peak", "") <= 16 << 20, "nothing went above");
	write_file(DIR_ "memory.max", "max");

	test_freeze();
	ok(value(DIR_ "cpu.stat", "usage_usec ") > 0, "cpu.stat counts");
	ok(wait_for(rmdir(DIR_) == 0, 5000), "removed");
	return done();
}
