// SPDX-License-Identifier: GPL-2.0-only
/*
 * Descriptors: reading, writing, terminals.
 */
#include <linux/types.h>
#include <uapi/asm-generic/ioctls.h>
#include <uapi/asm-generic/termios.h>
#include <uapi/linux/fcntl.h>
#include "state.h"
#include "syscall.h"

/*
 * The vCPU must not be caught in a pipe or terminal that another process
 * shares with us and has emptied or filled.
 *
 * #syscalls: poll
 */
static bool ready(int fd, short events)
{
	struct { s32 fd; s16 events, revents; } p = { fd, events, 0 };

	return sys3(__NR_poll, &p, 1, 0) == 1;
}

bool host_ready(int fd, bool write)
{
	return ready(fd, write ? HOST_POLLOUT : HOST_POLLIN);
}

long host_read(int fd, void *buf, size_t n)
{
	if (!ready(fd, HOST_POLLIN))
		return -HOST_EAGAIN;
	return host_read_wait(fd, buf, n);
}

long host_write(int fd, const void *buf, size_t n)
{
	if (!ready(fd, HOST_POLLOUT))
		return -HOST_EAGAIN;
	return host_write_wait(fd, buf, n);
}

/**
 * host_read_wait() - read, waiting until there is something
 * @fd:		descriptor
 * @buf:	where to
 * @n:		its size
 *
 * #syscalls: read #guard-syscalls: read
 */
long host_read_wait(int fd, void *buf, size_t n)
{
	long ret;

	do {
		ret = sys3(__NR_read, fd, buf, n);
	} while (ret == -HOST_EINTR);
	return ret;
}

/**
 * host_write_wait() - write, waiting until there is room
 * @fd:		descriptor
 * @buf:	where from
 * @n:		its size
 *
 * #syscalls: write #guard-syscalls: write
 */
long host_write_wait(int fd, const void *buf, size_t n)
{
	long ret;

	do {
		ret = sys3(__NR_write, fd, buf, n);
	} while (ret == -HOST_EINTR);
	return ret;
}

/* #syscalls: readv */
long host_readv(int fd, const struct host_iov *iov, int n)
{
	long ret;

	if (!ready(fd, HOST_POLLIN))
		return -HOST_EAGAIN;
	do {
		ret = sys3(__NR_readv, fd, iov, n);
	} while (ret == -HOST_EINTR);
	return ret;
}

/* #syscalls: writev */
long host_writev(int fd, const struct host_iov *iov, int n)
{
	long ret;

	if (!ready(fd, HOST_POLLOUT))
		return -HOST_EAGAIN;
	do {
		ret = sys3(__NR_writev, fd, iov, n);
	} while (ret == -HOST_EINTR);
	return ret;
}

/* #syscalls: preadv */
long host_preadv(int fd, const struct host_iov *iov, int n, u64 pos)
{
	long ret;

	do {
		ret = sys5(__NR_preadv, fd, iov, n, pos, 0);
	} while (ret == -HOST_EINTR);
	return ret;
}

/* #syscalls: pwritev */
long host_pwritev(int fd, const struct host_iov *iov, int n, u64 pos)
{
	long ret;

	do {
		ret = sys5(__NR_pwritev, fd, iov, n, pos, 0);
	} while (ret == -HOST_EINTR);
	return ret;
}

/* #syscalls: ioctl(_, TIOCGWINSZ) */
int host_window_size(int fd, u16 *rows, u16 *cols)
{
	struct winsize ws;
	long ret = sys3(__NR_ioctl, fd, TIOCGWINSZ, &ws);

	if (!ret) {
		*rows = ws.ws_row;
		*cols = ws.ws_col;
	}
	return ret;
}

/**
 * host_move_fd() - duplicate a descriptor to where the filter expects it
 * @fd:		which
 * @first:	the place is one from here on
 * @last:	up to here
 *
 * Context: before the confinement.
 * Return: the new descriptor.
 */
int host_move_fd(int fd, int first, int last)
{
	long to = sys3(__NR_fcntl, fd, F_DUPFD_CLOEXEC, first);

	if (to < 0 || to > last)
		host_usage_error("descriptors", "the host gives none with a high number",
				 "check ulimit -n");
	return to;
}

void host_last_words(const char *s, size_t n)
{
	host_write_wait(2, s, n);
}
