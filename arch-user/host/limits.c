// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many tasks the guest may have, so that it cannot take all of the host's.
 *
 * Theory of operation
 *
 * Each guest task costs a host thread, and each guest process one more and a
 * descriptor of the kernel's process (RLIMIT_NOFILE).  The host limits threads per
 * user (RLIMIT_NPROC), in all (threads-max, pid_max) and per control group
 * (pids.max).  A guest gets half of what is left of the tightest of them when it
 * starts; the guest kernel enforces it as its own kernel.threads-max, so that its
 * fork() fails with EAGAIN.
 *
 * That is a bound by default, which the guest's root may raise.  What it cannot
 * raise is this process's own RLIMIT_NPROC, of which a part is given up here:
 * the user's other processes, with the whole limit, can still fork when the
 * guest cannot.
 */
#include <linux/minmax.h>
#include <uapi/linux/fcntl.h>
#include <uapi/linux/resource.h>
#include "state.h"
#include "syscall.h"

/* No guest is of use with fewer. */
#define MIN_TASKS	64
#define MAX_TASKS	(STUB_MAX_STUBS - 256)

/* One in so many of the user's threads are kept for others. */
#define RESERVED_PART	8

/* Descriptors for all else: disks, shares, consoles. */
#define OTHER_FILES	256

#define NO_LIMIT	~0ULL

/* A small file as a string; an empty one when it cannot be read. */
static void read_text(const char *path, char *buf, size_t size)
{
	long n = 0, fd = sys3(__NR_open, path, O_RDONLY | O_CLOEXEC, 0);

	if (fd >= 0) {
		n = host_read_wait(fd, buf, size - 1);
		sys1(__NR_close, fd);
	}
	buf[max(n, 0L)] = 0;
}

static u64 number_at(const char *s, u64 otherwise)
{
	u64 v = 0;

	if (*s < '0' || *s > '9')
		return otherwise;
	while (*s >= '0' && *s <= '9')
		v = v * 10 + *s++ - '0';
	return v;
}

static u64 file_number(const char *path, u64 otherwise)
{
	char buf[32];

	read_text(path, buf, sizeof(buf));
	return number_at(buf, otherwise);
}

/* All threads of the host: the second number of the load's "1/234". */
static u64 host_threads(void)
{
	char buf[128], *s = buf;

	read_text("/proc/loadavg", buf, sizeof(buf));
	while (*s && *s != '/')
		s++;
	return *s ? number_at(s + 1, 0) : 0;
}

/* Half of what is left; at least a small part when more is used than we can know. */
static u64 share(u64 limit, u64 used)
{
	if (limit == NO_LIMIT)
		return limit;
	return (limit - min(used, limit / 2)) / 2;
}

/* What the user may have; a part of it is given up for this process. */
static u64 user_limit(void)
{
	struct { u64 cur, max; } rl;

	if (sys2(__NR_getrlimit, RLIMIT_NPROC, &rl) < 0 || rl.cur == NO_LIMIT)
		return NO_LIMIT;
	rl.cur -= rl.cur / RESERVED_PART;
	rl.max = rl.cur;
	sys2(__NR_setrlimit, RLIMIT_NPROC, &rl);
	return rl.cur;
}

/* Descriptors for stubs: of the hard limit, which is going to be the limit. */
static u64 files_limit(void)
{
	struct { u64 cur, max; } rl;

	if (sys2(__NR_getrlimit, RLIMIT_NOFILE, &rl) < 0)
		return NO_LIMIT;
	return rl.max - min(rl.max / 2, OTHER_FILES);
}

/* --- control groups ---------------------------------------------------------- */

#define CGROUP_PATH	512

static size_t append(char *path, size_t n, const char *s)
{
	while (*s && *s != '\n' && n < CGROUP_PATH - 1)
		path[n++] = *s++;
	path[n] = 0;
	return n;
}

/* The line of /proc/self/cgroup that has @key: the path after it. */
static const char *group_in(const char *text, const char *key)
{
	for (; *text; text++)
		if (host_starts(text, key))
			return text + host_strlen(key);
	return NULL;
}

/* The tightest of a group and those above it; @path ends in a slash at @root. */
static u64 group_limit(char *path, size_t root, size_t n)
{
	u64 limit = NO_LIMIT, used;

	for (;;) {
		append(path, n, "/pids.current");
		used = file_number(path, 0);
		append(path, n, "/pids.max");
		limit = min(limit, share(file_number(path, NO_LIMIT), used));
		while (n > root && path[n - 1] != '/')
			n--;
		if (n <= root)
			return limit;
		n--;
	}
}

static u64 groups_limit(void)
{
	static const char *const where[][2] = {
		{ "0::", "/sys/fs/cgroup" },
		{ ":pids:", "/sys/fs/cgroup/pids" },
	};
	char text[1024], path[CGROUP_PATH];
	u64 limit = NO_LIMIT;
	int i;

	read_text("/proc/self/cgroup", text, sizeof(text));
	for (i = 0; i < ARRAY_SIZE(where); i++) {
		const char *group = group_in(text, where[i][0]);
		size_t root = append(path, 0, where[i][1]);

		if (group)
			limit = min(limit, group_limit(path, root, append(path, root, group)));
	}
	return limit;
}

/**
 * host_limits_start() - see how many tasks the guest may have
 */
void host_limits_start(void)
{
	u64 threads, used = host_threads();

	threads = share(user_limit(), used);
	threads = min(threads, share(file_number("/proc/sys/kernel/threads-max", NO_LIMIT), used));
	threads = min(threads, share(file_number("/proc/sys/kernel/pid_max", NO_LIMIT), used));
	threads = min(threads, groups_limit());
	/* as processes, which cost two */
	host->boot.max_tasks = clamp(min(threads / 2, files_limit()), MIN_TASKS, MAX_TASKS);
}
