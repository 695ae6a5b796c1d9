// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages of packet sockets, with descriptors beside them.
 *
 * What the kernel gets so is what whoever holds the other end sends: the zygote, the
 * launcher, the servers of shares.  Nothing on the allow-list lets it ask for more.
 */
#include <linux/socket.h>
#include <asm/host_share.h>
#include "state.h"
#include "syscall.h"

/**
 * host_receive() - take a message and the descriptors that came with it
 * @sock:	one of those that the filter knows
 * @buf:	for the message
 * @size:	of it, in bytes: another is refused
 * @fd:		result: the descriptors
 * @max:	room for them, at most HOST_MESSAGE_FDS; what is more is closed
 * @wait:	until there is a message
 *
 * Context: any, or when the kernel does not run yet.
 * Return: how many descriptors; -EAGAIN when there is no message, -EPIPE when nobody is
 * at the other end any more, -EINVAL for a message of another size.
 *
 * #syscalls: recvmsg(host->zygote_sock) recvmsg(host->disk_socket)
 * #syscalls: recvmsg(HOST_SHARE_FD..HOST_SHARE_FD_LAST)
 */
int host_receive(int sock, void *buf, size_t size, int *fd, unsigned int max, bool wait)
{
	struct {
		struct cmsghdr h;
		int fd[HOST_MESSAGE_FDS];
	} cmsg = { };
	struct host_iov iov = { buf, size };
	struct user_msghdr msg = {
		.msg_iov = (void *)&iov,
		.msg_iovlen = 1,
		.msg_control = &cmsg,
		.msg_controllen = CMSG_LEN(max * sizeof(int)),
	};
	int flags = MSG_CMSG_CLOEXEC | MSG_TRUNC | (wait ? 0 : MSG_DONTWAIT);
	unsigned int n = 0;
	long ret;

	do {
		ret = sys3(__NR_recvmsg, sock, &msg, flags);
	} while (ret == -HOST_EINTR);
	if (ret >= 0 && msg.msg_controllen >= sizeof(cmsg.h) && cmsg.h.cmsg_type == SCM_RIGHTS)
		n = (cmsg.h.cmsg_len - sizeof(cmsg.h)) / sizeof(int);
	if (ret == size) {
		memcpy(fd, cmsg.fd, n * sizeof(int));
		return n;
	}
	host_close_all(cmsg.fd, n);
	return !ret ? -HOST_EPIPE : ret < 0 ? ret : -HOST_EINVAL;
}

/**
 * host_close_all() - close descriptors
 * @fd:		which
 * @n:		how many
 *
 * #syscalls: close
 */
void host_close_all(const int *fd, unsigned int n)
{
	while (n--)
		sys1(__NR_close, fd[n]);
}
