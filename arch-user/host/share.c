// SPDX-License-Identifier: GPL-2.0-only
/*
 * Directories of the host: their servers get guest RAM, before anything runs.
 *
 * What is said later, over the same sockets, is the kernel's (hostfs/).  Files that a
 * server hands over are read-only; they are kept here, so that they can be closed when
 * the kernel reboots.
 */
#include <linux/socket.h>
#include <uapi/linux/fcntl.h>
#include <uapi/linux/fs.h>
#include <asm/host_share.h>
#include "../../hostfs/abi.h"
#include "state.h"
#include "syscall.h"

static void say_hello(const struct host_share *share)
{
	struct hostfs_message m = {
		.type = HOSTFS_HELLO,
		.version = HOSTFS_VERSION,
		.value = host->boot.ram_size,
	};
	struct {
		struct cmsghdr h;
		int fd;
	} cmsg = {
		.h = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS },
		.fd = host->ram_fd,
	};
	struct host_iov iov = { &m, sizeof(m) };
	struct user_msghdr msg = {
		.msg_iov = (void *)&iov,
		.msg_iovlen = 1,
		.msg_control = &cmsg,
		.msg_controllen = sizeof(cmsg),
	};

	if (sys3(__NR_sendmsg, share->fd, &msg, MSG_NOSIGNAL) != sizeof(m))
		host_usage_error(share->tag, "nobody serves this share",
				 "its descriptor has to be a socket to kernelet-hostfs");
}

/**
 * host_shares_start() - introduce the guest to the servers of its shares
 */
void host_shares_start(void)
{
	int i;

	for (i = 0; i < HOST_MAX_SHARES; i++) {
		struct host_share *share = &host->boot.share[i];

		if (share->fd < 0)
			continue;
		share->fd = host_move_fd(share->fd, HOST_SHARE_FD, HOST_SHARE_FD_LAST);
		say_hello(share);
	}
}

/* --- files ----------------------------------------------------------------- */

/* A number for a descriptor, or -1: 0 is no descriptor of a file. */
static int keep_file(int fd)
{
	int i;

	for (i = 0; i < HOST_SHARE_FILES; i++)
		if (!cmpxchg(&host->share_file[i], 0, fd))
			return i;
	host_close_all(&fd, 1);
	return -1;
}

int host_share_receive(const struct host_share *share, void *buf, size_t size, int *file)
{
	int fd, n = host_receive(share->fd, buf, size, &fd, 1, false);

	*file = n > 0 ? keep_file(fd) : -1;
	return n == -HOST_EINVAL ? -HOST_EPIPE : n < 0 ? n : 0;
}

/* #syscalls: preadv2(_, _, _, _, 0, RWF_NOWAIT) */
long host_share_read(int file, const struct host_iov *iov, unsigned int n, u64 pos)
{
	return sys6(__NR_preadv2, host->share_file[file], (long)iov, n, pos, 0, RWF_NOWAIT);
}

void host_share_close(int file)
{
	int fd = xchg(&host->share_file[file], 0);

	host_close_all(&fd, 1);
}

/* --- the end ---------------------------------------------------------------- */

/* The end of file, from a server that has died, is good too. */
static void await_detached(int fd)
{
	struct hostfs_message m;
	long n;

	do {
		n = host_read_wait(fd, &m, sizeof(m));
	} while (n > 0 && !(n == sizeof(m) && m.type == HOSTFS_DETACHED));
}

/**
 * host_shares_stop() - have no server write to guest RAM any more
 *
 * Until the kernel mounts a share again.
 */
void host_shares_stop(void)
{
	struct hostfs_message m = { .type = HOSTFS_DETACH, .version = HOSTFS_VERSION };
	int i;

	for (i = 0; i < HOST_SHARE_FILES; i++)
		if (host->share_file[i])
			host_share_close(i);
	for (i = 0; i < HOST_MAX_SHARES; i++) {
		int fd = host->boot.share[i].fd;

		if (fd >= 0 && host_write_wait(fd, &m, sizeof(m)) == sizeof(m))
			await_detached(fd);
	}
}
