// SPDX-License-Identifier: GPL-2.0-only
/*
 * Directories of the host: their servers get guest RAM, before anything runs.
 *
 * What is said later, over the same sockets, is the kernel's (hostfs/).
 */
#include <linux/socket.h>
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

	for (i = 0; i < HOST_MAX_SHARES; i++)
		if (host->boot.share[i].fd >= 0)
			say_hello(&host->boot.share[i]);
}

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

	for (i = 0; i < HOST_MAX_SHARES; i++) {
		int fd = host->boot.share[i].fd;

		if (fd >= 0 && host_write_wait(fd, &m, sizeof(m)) == sizeof(m))
			await_detached(fd);
	}
}
