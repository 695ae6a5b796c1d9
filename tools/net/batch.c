// SPDX-License-Identifier: GPL-2.0-only
/* Several frames in one call of the host. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include "net.h"

struct batch {
	struct mmsghdr message[BATCH];
	struct iovec iov[BATCH];
	uint8_t *room;
};

void *batch_room(struct batch *b, int i)
{
	return b->room + (size_t)i * FRAME_MAX;
}

void batch_begin(struct batch *b, int message, int i)
{
	b->message[message].msg_hdr.msg_iov = &b->iov[i];
	b->message[message].msg_hdr.msg_iovlen = 1;
}

struct batch *batch_new(void)
{
	struct batch *b = calloc(1, sizeof(*b));
	int i;

	/* memory that is used only as far as frames are long */
	b->room = mmap(NULL, (size_t)BATCH * FRAME_MAX, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (b->room == MAP_FAILED)
		fail("out of memory");
	for (i = 0; i < BATCH; i++) {
		b->iov[i].iov_base = batch_room(b, i);
		batch_begin(b, i, i);
	}
	return b;
}

void batch_join(struct batch *b, int message, int i, size_t skip)
{
	b->iov[i].iov_base = (uint8_t *)b->iov[i].iov_base + skip;
	b->iov[i].iov_len -= skip;
	b->message[message].msg_hdr.msg_iovlen++;
}

int batch_receive(struct batch *b, int fd)
{
	int i, n;

	for (i = 0; i < BATCH; i++)
		b->iov[i].iov_len = FRAME_MAX;
	n = recvmmsg(fd, b->message, BATCH, MSG_DONTWAIT, NULL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	for (i = 0; i < n; i++) {
		/* an empty message is the end, and what follows is the same */
		if (!b->message[i].msg_len)
			return i ? i : -1;
		batch_set(b, i, b->message[i].msg_hdr.msg_flags & MSG_TRUNC ? 0 :
			  b->message[i].msg_len);
	}
	return n;
}

void *batch_frame(struct batch *b, int i, size_t *len)
{
	*len = b->iov[i].iov_len;
	return b->iov[i].iov_base;
}

void batch_set(struct batch *b, int i, size_t len)
{
	b->iov[i].iov_base = batch_room(b, i);
	b->iov[i].iov_len = len;
}

int batch_send(struct batch *b, int from, int n, int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int done = 0;

	while (done < n) {
		int ret = sendmmsg(fd, b->message + from + done, n - done,
				   MSG_DONTWAIT | MSG_NOSIGNAL);

		if (ret > 0)
			done += ret;
		else if (errno != EAGAIN && errno != EINTR)
			return done;
		else if (done < n && (!ms || poll(&p, 1, ms) != 1 || !(p.revents & POLLOUT)))
			return done;
	}
	return done;
}
