// SPDX-License-Identifier: GPL-2.0-only
/*
 * kernelet-net switch: an Ethernet switch for the guests of one user.
 *
 * Whoever wants a port connects to the switch's socket and sends a descriptor: a
 * packet socket whose other end is a guest's.  The connection stays, and its end
 * is the end of the port.  With the last one the switch ends.
 *
 * Each frame has a struct virtio_net_hdr before it, of which nothing is looked
 * at: what one guest left for the other side to do is done by the other guest,
 * so that frames may be 64K long and no checksums are computed.
 *
 * The socket's place is taken and given up under a lock on a file beside it, so
 * that nobody connects to a switch that is about to end.  The file goes with the
 * socket: who has waited for a lock on one that has no name any more takes a new one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "net.h"

#define MAX_PORTS	64
#define TABLE		1024		/* addresses; a power of two */
#define WAIT_MS		2

/**
 * struct port - a guest
 * @connection:	who made it, or -1
 * @fd:		frames, or -1 as long as there is none
 * @stuck:	it took nothing when it was waited for
 */
struct port {
	int connection;
	int fd;
	bool stuck;
};

/**
 * struct place - where an address was seen last
 */
struct place {
	uint8_t address[6];
	int8_t port;			/* plus one; 0: nowhere */
};

static struct port ports[MAX_PORTS];
static struct place table[TABLE];
static int listener = -1, lock = -1;
static const char *path;
static char *lock_path;

/* ---- addresses ------------------------------------------------------------- */

static struct place *place_of(const uint8_t *address)
{
	uint32_t h = 2166136261;
	int i;

	for (i = 0; i < 6; i++)
		h = (h ^ address[i]) * 16777619;
	return &table[(h ^ h >> 16) % TABLE];
}

static void learn(const uint8_t *address, int port)
{
	struct place *p = place_of(address);

	if (address[0] & 1)
		return;
	memcpy(p->address, address, 6);
	p->port = port + 1;
}

/* Which port, or -1: all. */
static int find(const uint8_t *address)
{
	struct place *p = place_of(address);

	return p->port && !memcmp(p->address, address, 6) ? p->port - 1 : -1;
}

static void forget(int port)
{
	int i;

	for (i = 0; i < TABLE; i++)
		if (table[i].port == port + 1)
			table[i].port = 0;
}

/* ---- frames ---------------------------------------------------------------- */

static void deliver(struct batch *b, int from, int n, int to)
{
	struct port *p = &ports[to];
	int done;

	if (p->fd < 0)
		return;
	done = batch_send(b, from, n, p->fd, p->stuck ? 0 : WAIT_MS);
	p->stuck = done < n;
}

static void flood(struct batch *b, int frame, int from)
{
	int i;

	for (i = 0; i < MAX_PORTS; i++)
		if (i != from)
			deliver(b, frame, 1, i);
}

/* Frames that follow one another to the same port go together. */
static void forward(struct batch *b, int n, int from)
{
	int i = 0;

	while (i < n) {
		int first = i, to = -1;

		for (; i < n; i++) {
			size_t len;
			uint8_t *frame = batch_frame(b, i, &len);
			int at;

			if (len < VNET_HDR + FRAME_MIN)
				break;
			learn(frame + VNET_HDR + 6, from);
			at = find(frame + VNET_HDR);
			if (at < 0 || (to >= 0 && at != to))
				break;
			to = at;
		}
		if (to >= 0 && to != from)
			deliver(b, first, i - first, to);
		if (i == first || to < 0) {
			size_t len;

			batch_frame(b, i, &len);
			if (len >= VNET_HDR + FRAME_MIN)
				flood(b, i, from);
			i++;
		}
	}
}

/* ---- ports ----------------------------------------------------------------- */

static void port_close(int i)
{
	close(ports[i].connection);
	if (ports[i].fd >= 0)
		close(ports[i].fd);
	ports[i] = (struct port){ -1, -1, false };
	forget(i);
}

/* The one message of a connection: its descriptor.  Later the end. */
static void connection_ready(int i)
{
	const char up = NOTICE_UP_OFFLOADS;
	char text[16];
	struct iovec iov = { text, sizeof(text) };
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control.room),
	};
	ssize_t n = recvmsg(ports[i].connection, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;

	if (n < 0 && errno == EAGAIN)
		return;
	if (!c || c->cmsg_type != SCM_RIGHTS || ports[i].fd >= 0) {
		port_close(i);
		return;
	}
	memcpy(&ports[i].fd, CMSG_DATA(c), sizeof(int));
	/* an answer: the port works */
	if (write(ports[i].fd, &up, 1) != 1 || write(ports[i].connection, &up, 1) != 1)
		port_close(i);
}

static void new_connection(void)
{
	int i, fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	for (i = 0; i < MAX_PORTS; i++) {
		if (ports[i].connection >= 0)
			continue;
		ports[i].connection = fd;
		return;
	}
	close(fd);
}

static bool any_port(void)
{
	int i;

	for (i = 0; i < MAX_PORTS; i++)
		if (ports[i].connection >= 0)
			return true;
	return false;
}

/* Whether nobody is there, and nobody can come any more. */
static bool is_over(void)
{
	struct pollfd p = { .fd = listener, .events = POLLIN };
	struct stat st;

	if (any_port())
		return false;
	flock(lock, LOCK_EX);
	if (poll(&p, 1, 0) > 0) {
		flock(lock, LOCK_UN);
		return false;
	}
	/* if somebody has removed it, both places may be another one's */
	if (!fstat(lock, &st) && st.st_nlink) {
		unlink(path);
		unlink(lock_path);
	}
	return true;
}

static void run(void)
{
	struct batch *b = batch_new();
	struct pollfd p[1 + 2 * MAX_PORTS];
	bool any = false;
	int i;

	for (;;) {
		/* who has started it comes first, or has died */
		if (poll(p, 0, 0) < 0 || (any && is_over()))
			return;
		p[0] = (struct pollfd){ .fd = listener, .events = POLLIN };
		for (i = 0; i < MAX_PORTS; i++) {
			p[1 + 2 * i] = (struct pollfd){ ports[i].connection, POLLIN, 0 };
			p[2 + 2 * i] = (struct pollfd){ ports[i].fd, POLLIN, 0 };
		}
		if (poll(p, ARRAY_SIZE(p), any ? -1 : 10000) == 0)
			any = true;
		for (i = 0; i < MAX_PORTS; i++) {
			int n = p[2 + 2 * i].revents ? batch_receive(b, ports[i].fd) : 0;

			if (n > 0)
				forward(b, n, i);
			else if (n < 0)
				port_close(i);
			else if (p[1 + 2 * i].revents)
				connection_ready(i);
		}
		if (p[0].revents) {
			new_connection();
			any = true;
		}
	}
}

int switch_main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "listener", required_argument, NULL, 'l' },
		{ "lock", required_argument, NULL, 'k' },
		{ "path", required_argument, NULL, 'p' },
		{ NULL }
	};
	char *dir, *slash;
	int c, i;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'l')
			listener = number_of("listener", optarg);
		else if (c == 'k')
			lock = number_of("lock", optarg);
		else if (c == 'p')
			path = optarg;
		else
			return 2;
	}
	if (listener < 0 || lock < 0 || !path)
		fail("switch: --listener, --lock and --path are needed");
	keep_only(listener, lock);
	prctl(PR_SET_NAME, "kernelet-switch");
	for (i = 0; i < MAX_PORTS; i++)
		ports[i] = (struct port){ -1, -1, false };
	dir = strdup(path);
	slash = dir ? strrchr(dir, '/') : NULL;
	if (!slash)
		fail("switch: %s: not a path", path);
	*slash = '\0';
	/* no name of a switch begins so */
	if (asprintf(&lock_path, "%s/.%s.lock", dir, slash + 1) < 0)
		fail("switch: out of memory");
	confine(CALLS_UNIX, dir);
	run();
	return 0;
}
