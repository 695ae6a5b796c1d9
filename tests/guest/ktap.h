/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The shared part of the guest tests: KTAP lines on stdout, helpers for
 * children and for faults.
 *
 * A test program is one topic. It calls ok(), is() or skip() for each point,
 * ends with `return done();`, and passes on any x86-64 Linux it is started on,
 * the host's own included. What needs privileges asks need_root() first.
 */
#ifndef KTAP_H
#define KTAP_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define PAGE 4096UL
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static int ktap_count, ktap_failed;

__attribute__((format(printf, 4, 5), unused))
static bool ktap_ok(bool good, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	if (!ktap_count) {
		setvbuf(stdout, NULL, _IOLBF, 0);
		printf("KTAP version 1\n");
	}
	printf("%sok %d ", good ? "" : "not ", ++ktap_count);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	if (!good) {
		ktap_failed++;
		printf("# failed at %s:%d, errno %d (%s)\n", file, line, errno,
		       strerror(errno));
	}
	return good;
}

/* One point: passes when @cond holds. The name may be a format. */
#define ok(cond, ...) \
	ktap_ok(!!(cond), __FILE__, __LINE__, __VA_ARGS__)

/* One point: two integers are the same; both are shown when not. */
#define is(got, want, ...) ({						\
	long long got_ = (long long)(got), want_ = (long long)(want);	\
	bool same_ = ok(got_ == want_, __VA_ARGS__);			\
	if (!same_)							\
		printf("# got %lld (%#llx), wanted %lld (%#llx)\n",	\
		       got_, got_, want_, want_);			\
	same_; })

/* One point: @call returns -1 and sets errno to @err. */
#define fails(call, err, ...) ({					\
	int want_ = (err);						\
	errno = 0;							\
	long long ret_ = (long long)(call);				\
	int err_ = errno;						\
	bool good_ = ok(ret_ == -1 && err_ == want_, __VA_ARGS__);	\
	if (!good_)							\
		printf("# returned %lld, errno %d, wanted errno %d\n",	\
		       ret_, err_, want_);				\
	good_; })

/* One point that cannot be tried here, and why. */
__attribute__((format(printf, 1, 2), unused))
static void skip(const char *why, ...)
{
	va_list ap;

	if (!ktap_count)
		printf("KTAP version 1\n");
	printf("ok %d # SKIP ", ++ktap_count);
	va_start(ap, why);
	vprintf(why, ap);
	va_end(ap);
	putchar('\n');
}

static char ktap_dir[64];

static inline int ktap_remove(const char *path, const struct stat *st, int flag,
			      struct FTW *ftw)
{
	return remove(path);
}

/* The plan and the exit status; the last thing main() calls. */
static inline int done(void)
{
	if (ktap_dir[0] && chdir("/") == 0)
		nftw(ktap_dir, ktap_remove, 20, FTW_DEPTH | FTW_PHYS);
	printf("1..%d\n", ktap_count);
	fflush(stdout);
	return ktap_failed ? 1 : 0;
}

/* A step the test cannot go on without; says where, and ends the process. */
#define must(cond) ({							\
	if (!(cond)) {							\
		printf("Bail out! %s:%d: %s: %s\n", __FILE__, __LINE__,	\
		       #cond, strerror(errno));				\
		fflush(stdout);						\
		_exit(99);						\
	}								\
	true; })

/* Ends the whole program as skipped unless it runs as root. */
static inline void need_root(void)
{
	if (geteuid() == 0)
		return;
	printf("KTAP version 1\n1..0 # SKIP needs root\n");
	exit(0);
}

/* Ends the program as skipped unless it runs in a guest of the test suite. */
static inline void need_guest(void)
{
	if (getenv("KERNELET_GUEST"))
		return;
	printf("KTAP version 1\n1..0 # SKIP it would disturb this machine\n");
	exit(0);
}

/* fork() with the standard output flushed first. */
static inline pid_t do_fork(void)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	must(pid >= 0);
	return pid;
}

/* Waits for @pid, returns its wait status. */
static inline int reap(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0)
		must(errno == EINTR);
	return status;
}

/* Runs @fn in a child; returns its wait status. */
static inline int in_child(int (*fn)(void))
{
	pid_t pid = do_fork();

	if (!pid)
		_exit(fn());
	return reap(pid);
}

/* Wait statuses as is() compares them. */
#define EXITED(n) (((n) & 0xff) << 8)
#define KILLED(sig) (sig)

static inline uint64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static inline void sleep_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
		;
}

/* Waits until @cond holds, at most @ms milliseconds; true when it came. */
#define wait_for(cond, ms) ({						\
	uint64_t end_ = now_ns(CLOCK_MONOTONIC) + (ms) * 1000000ULL;	\
	bool came_;							\
	while (!(came_ = !!(cond)) && now_ns(CLOCK_MONOTONIC) < end_)	\
		sleep_ms(1);						\
	came_; })

/* An address as a pointer the compiler knows nothing about. */
static inline void *at(uintptr_t address)
{
	asm("" : "+r"(address));
	return (void *)address;
}

/* A file without a name, of @size bytes, in a memory file system. */
static inline int temp_file(size_t size)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	must(fd >= 0);
	must(ftruncate(fd, size) == 0);
	return fd;
}

/* A private directory in @in, the current one afterwards; done() removes it. */
static inline void temp_dir_in(const char *in)
{
	snprintf(ktap_dir, sizeof(ktap_dir), "%s/guest-XXXXXX", in);
	must(mkdtemp(ktap_dir));
	must(chdir(ktap_dir) == 0);
}

static inline void temp_dir(void)
{
	temp_dir_in("/tmp");
}

static inline void write_file(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	must(fd >= 0);
	must(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

/* Reads up to @size - 1 bytes of a file as a string; the length or -1. */
static inline ssize_t read_file(const char *name, char *buf, size_t size)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	size_t have = 0;
	ssize_t n = -1;

	buf[0] = 0;
	if (fd < 0)
		return -1;
	while (have < size - 1 && (n = read(fd, buf + have, size - 1 - have)) > 0)
		have += n;
	close(fd);
	buf[have] = 0;
	return n < 0 ? -1 : (ssize_t)have;
}

#endif /* KTAP_H */
