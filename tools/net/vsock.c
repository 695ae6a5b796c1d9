// SPDX-License-Identifier: GPL-2.0-only
/*
 * kernelet-net vsock: a guest's virtual sockets and UNIX sockets of the host, as
 * Firecracker maps them.
 *
 * --path PATH is where programs of the host connect to reach the guest: they
 * write "CONNECT PORT\n", and when somebody listens there read "OK PORT\n", the
 * number being that of their own end.  What a guest's program connects to, port N
 * of the host (CID 2), is the socket PATH_N.
 *
 * Between here and the guest's kernel (drivers/vsock_user.c) go packets with a
 * struct virtio_vsock_hdr, one in each message of a packet socket.  Who receives
 * says how much more he takes (buf_alloc and fwd_cnt); what a program of the host
 * does not read yet stays in the guest, and the other way round.
 *
 * The guest may be hostile: it has at most MAX_CONNECTIONS, each with BUFFER
 * bytes, and can do no more than connect to the sockets beside PATH.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/virtio_vsock.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "net.h"

#define CID_HOST	2
#define MAX_CONNECTIONS	256
#define BUFFER		(256 << 10)
#define PAYLOAD		(60 << 10)
#define FIRST_PORT	(1U << 30)	/* of ends here that have no other number */

enum state {
	FREE,
	HELLO,		/* a program of the host has not said to which port */
	ASKED,		/* the guest has not answered yet */
	OPEN,
};

/**
 * struct connection - a guest's stream and a socket
 * @state:	see there
 * @fd:		the socket
 * @host:	port at this end
 * @guest:	and at the guest's
 * @buffer:	from the guest, not written yet
 * @at:		the first byte of it
 * @n:		bytes of it
 * @forwarded:	bytes that were written, modulo 2^32: what fwd_cnt says
 * @told:	what it said last
 * @sent:	bytes to the guest
 * @peer_room:	its buf_alloc
 * @peer_done:	its fwd_cnt
 * @eof_in:	the socket has ended
 * @eof_out:	the guest writes no more
 * @line:	what the program has said so far
 * @line_n:	bytes of it
 */
struct connection {
	enum state state;
	int fd;
	uint32_t host, guest;
	uint8_t *buffer;
	size_t at, n;
	uint32_t forwarded, told;
	uint32_t sent, peer_room, peer_done;
	bool eof_in, eof_out;
	char line[32];
	size_t line_n;
};

static struct connection connections[MAX_CONNECTIONS];
static int guest_fd = -1, listener = -1;
static const char *path;
static uint64_t guest_cid = 3;
static uint32_t next_port = FIRST_PORT;

static struct {
	struct virtio_vsock_hdr h;
	uint8_t data[65536];
} __attribute__((packed)) packet;

/* ---- packets --------------------------------------------------------------- */

/* Sends what is in packet.data.  The guest takes packets, sooner or later. */
static void send_packet(uint32_t host, uint32_t guest, uint16_t op, uint32_t flags,
			size_t len, uint32_t forwarded)
{
	struct pollfd p = { .fd = guest_fd, .events = POLLOUT };

	packet.h = (struct virtio_vsock_hdr){
		.src_cid = CID_HOST, .dst_cid = guest_cid, .src_port = host, .dst_port = guest,
		.len = len, .type = VIRTIO_VSOCK_TYPE_STREAM, .op = op, .flags = flags,
		.buf_alloc = BUFFER, .fwd_cnt = forwarded,
	};
	while (send(guest_fd, &packet, sizeof(packet.h) + len, MSG_NOSIGNAL) < 0) {
		if (errno != EAGAIN && errno != EINTR)
			exit(0);
		poll(&p, 1, -1);
	}
}

static void tell(struct connection *c, uint16_t op, uint32_t flags, size_t len)
{
	c->told = c->forwarded;
	send_packet(c->host, c->guest, op, flags, len, c->forwarded);
}

/* ---- connections ----------------------------------------------------------- */

static struct connection *find(uint32_t host, uint32_t guest)
{
	int i;

	for (i = 0; i < MAX_CONNECTIONS; i++) {
		struct connection *c = &connections[i];

		if (c->state >= ASKED && c->host == host && c->guest == guest)
			return c;
	}
	return NULL;
}

static struct connection *new_connection(int fd)
{
	int i;

	for (i = 0; i < MAX_CONNECTIONS; i++) {
		struct connection *c = &connections[i];

		if (c->state != FREE)
			continue;
		*c = (struct connection){ .fd = fd, .buffer = malloc(BUFFER) };
		return c->buffer ? c : NULL;
	}
	return NULL;
}

static void forget(struct connection *c)
{
	close(c->fd);
	free(c->buffer);
	*c = (struct connection){ .fd = -1 };
}

static void reset(struct connection *c)
{
	tell(c, VIRTIO_VSOCK_OP_RST, 0, 0);
	forget(c);
}

/* Both sides have ended and all is delivered. */
static void finish(struct connection *c)
{
	if (c->eof_in && c->eof_out && !c->n)
		reset(c);
}

/* ---- from the guest -------------------------------------------------------- */

static void drain(struct connection *c)
{
	while (c->n) {
		size_t part = c->at + c->n > BUFFER ? BUFFER - c->at : c->n;
		ssize_t n = send(c->fd, c->buffer + c->at, part, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n < 0) {
			reset(c);
			return;
		}
		c->at = (c->at + n) % BUFFER;
		c->n -= n;
		c->forwarded += n;
	}
	if (c->forwarded - c->told >= BUFFER / 4)
		tell(c, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0, 0);
	if (!c->n && c->eof_out) {
		shutdown(c->fd, SHUT_WR);
		finish(c);
	}
}

static void take_data(struct connection *c, size_t len)
{
	size_t to = (c->at + c->n) % BUFFER, first;

	if (len > BUFFER - c->n || c->eof_out) {
		reset(c);
		return;
	}
	first = to + len > BUFFER ? BUFFER - to : len;
	memcpy(c->buffer + to, packet.data, first);
	memcpy(c->buffer, packet.data + first, len - first);
	c->n += len;
	drain(c);
}

/* A program of the guest wants PATH_PORT. */
static void connect_out(const struct virtio_vsock_hdr *h)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	uint32_t host = h->dst_port, guest = h->src_port;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct connection *c = NULL;

	snprintf(to.sun_path, sizeof(to.sun_path), "%s_%u", path, host);
	if (fd >= 0 && !find(host, guest) && !connect(fd, (struct sockaddr *)&to, sizeof(to)))
		c = new_connection(fd);
	if (!c) {
		if (fd >= 0)
			close(fd);
		send_packet(host, guest, VIRTIO_VSOCK_OP_RST, 0, 0, 0);
		return;
	}
	c->state = OPEN;
	c->host = host;
	c->guest = guest;
	c->peer_room = h->buf_alloc;
	c->peer_done = h->fwd_cnt;
	tell(c, VIRTIO_VSOCK_OP_RESPONSE, 0, 0);
}

static void answered(struct connection *c)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "OK %u\n", c->host);

	c->state = OPEN;
	if (send(c->fd, text, n, MSG_NOSIGNAL | MSG_DONTWAIT) != n)
		reset(c);
}

static void shut_down(struct connection *c, uint32_t flags)
{
	if (flags & VIRTIO_VSOCK_SHUTDOWN_RCV) {
		/* it reads no more: nothing more is sent */
		shutdown(c->fd, SHUT_RD);
		c->eof_in = true;
	}
	if (flags & VIRTIO_VSOCK_SHUTDOWN_SEND) {
		c->eof_out = true;
		drain(c);
	} else {
		finish(c);
	}
}

static void guest_packet(size_t size)
{
	struct virtio_vsock_hdr h = packet.h;
	struct connection *c;

	if (size < sizeof(h) || h.len != size - sizeof(h) || h.dst_cid != CID_HOST)
		return;
	if (h.type != VIRTIO_VSOCK_TYPE_STREAM) {
		send_packet(h.dst_port, h.src_port, VIRTIO_VSOCK_OP_RST, 0, 0, 0);
		return;
	}
	if (h.op == VIRTIO_VSOCK_OP_REQUEST) {
		connect_out(&h);
		return;
	}
	c = find(h.dst_port, h.src_port);
	if (!c) {
		if (h.op != VIRTIO_VSOCK_OP_RST)
			send_packet(h.dst_port, h.src_port, VIRTIO_VSOCK_OP_RST, 0, 0, 0);
		return;
	}
	c->peer_room = h.buf_alloc;
	c->peer_done = h.fwd_cnt;
	switch (h.op) {
	case VIRTIO_VSOCK_OP_RESPONSE:
		if (c->state == ASKED)
			answered(c);
		break;
	case VIRTIO_VSOCK_OP_RST:
		forget(c);
		break;
	case VIRTIO_VSOCK_OP_SHUTDOWN:
		shut_down(c, h.flags);
		break;
	case VIRTIO_VSOCK_OP_RW:
		take_data(c, h.len);
		break;
	case VIRTIO_VSOCK_OP_CREDIT_REQUEST:
		tell(c, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0, 0);
		break;
	}
}

static void guest_ready(void)
{
	int i;

	for (i = 0; i < BATCH; i++) {
		ssize_t n = recv(guest_fd, &packet, sizeof(packet), MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0)
			exit(0);
		guest_packet(n);
	}
}

/* ---- from the host --------------------------------------------------------- */

static size_t room(const struct connection *c)
{
	uint32_t used = c->sent - c->peer_done;

	return c->peer_room > used ? c->peer_room - used : 0;
}

static void take_line(struct connection *c)
{
	unsigned int port;
	char end;
	ssize_t n = recv(c->fd, c->line + c->line_n, 1, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || c->line_n == sizeof(c->line) - 2) {
		forget(c);
		return;
	}
	if (c->line[c->line_n++] != '\n')
		return;
	c->line[c->line_n] = '\0';
	if (sscanf(c->line, "CONNECT %u%c", &port, &end) != 2 || end != '\n') {
		forget(c);
		return;
	}
	do {
		if (++next_port < FIRST_PORT)
			next_port = FIRST_PORT;
	} while (find(next_port, port));
	c->host = next_port;
	c->guest = port;
	c->state = ASKED;
	tell(c, VIRTIO_VSOCK_OP_REQUEST, 0, 0);
}

static void take_input(struct connection *c)
{
	size_t most = room(c) < PAYLOAD ? room(c) : PAYLOAD;
	ssize_t n = most ? recv(c->fd, packet.data, most, MSG_DONTWAIT) : 0;

	if (!most || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	if (n < 0) {
		reset(c);
		return;
	}
	if (n > 0) {
		c->sent += n;
		tell(c, VIRTIO_VSOCK_OP_RW, 0, n);
		return;
	}
	c->eof_in = true;
	tell(c, VIRTIO_VSOCK_OP_SHUTDOWN, VIRTIO_VSOCK_SHUTDOWN_SEND, 0);
	finish(c);
}

static void connection_ready(struct connection *c, short happened)
{
	if (c->state == HELLO) {
		while (c->state == HELLO && c->fd >= 0) {
			size_t before = c->line_n;

			take_line(c);
			if (c->line_n == before)
				break;
		}
		return;
	}
	if (c->state != OPEN) {
		/* the program went away before the guest has answered */
		if (happened & (POLLHUP | POLLERR))
			reset(c);
		return;
	}
	if (happened & POLLOUT && c->n)
		drain(c);
	if (c->state == OPEN && !c->eof_in && happened & (POLLIN | POLLHUP | POLLERR))
		take_input(c);
	else if (c->state == OPEN && happened & POLLERR)
		reset(c);
}

static void accept_one(void)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct connection *c = fd >= 0 ? new_connection(fd) : NULL;

	if (c)
		c->state = HELLO;
	else if (fd >= 0)
		close(fd);
}

static short wanted(const struct connection *c)
{
	short events = c->state == OPEN && c->n ? POLLOUT : 0;

	if (c->state == HELLO || (c->state == OPEN && !c->eof_in && room(c)))
		events |= POLLIN;
	return events;
}

static void run(void)
{
	static struct pollfd p[2 + MAX_CONNECTIONS];
	int i;

	for (;;) {
		p[0] = (struct pollfd){ guest_fd, POLLIN, 0 };
		p[1] = (struct pollfd){ listener, POLLIN, 0 };
		for (i = 0; i < MAX_CONNECTIONS; i++) {
			struct connection *c = &connections[i];
			short events = wanted(c);
			/* one that has ended is reported for ever */
			bool done = c->state == FREE || (c->state == OPEN && !events);

			p[2 + i] = (struct pollfd){ done ? -1 : c->fd, events, 0 };
		}
		if (poll(p, 2 + MAX_CONNECTIONS, -1) < 0)
			continue;
		for (i = 0; i < MAX_CONNECTIONS; i++)
			if (p[2 + i].revents && connections[i].state != FREE)
				connection_ready(&connections[i], p[2 + i].revents);
		if (p[0].revents)
			guest_ready();
		if (p[1].revents)
			accept_one();
	}
}

int vsock_main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "fd", required_argument, NULL, 'f' },
		{ "listener", required_argument, NULL, 'l' },
		{ "path", required_argument, NULL, 'p' },
		{ "cid", required_argument, NULL, 'c' },
		{ NULL }
	};
	char *dir, *slash;
	int c, i;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'f')
			guest_fd = number_of("fd", optarg);
		else if (c == 'l')
			listener = number_of("listener", optarg);
		else if (c == 'p')
			path = optarg;
		else if (c == 'c')
			guest_cid = number_of("cid", optarg);
		else
			return 2;
	}
	if (guest_fd < 0 || listener < 0 || !path)
		fail("vsock: --fd, --listener and --path are needed");
	keep_only(guest_fd, listener);
	prctl(PR_SET_NAME, "kernelet-vsock");
	for (i = 0; i < MAX_CONNECTIONS; i++)
		connections[i].fd = -1;
	dir = strdup(path);
	slash = dir ? strrchr(dir, '/') : NULL;
	if (!slash)
		fail("vsock: %s: not a path from / on", path);
	*slash = '\0';
	confine(CALLS_UNIX, *dir ? dir : "/");
	run();
	return 0;
}
