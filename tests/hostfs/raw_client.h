/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest kernel's side of hostfs, as a program: starts a server for a
 * directory and sends it requests, honest and other.
 */
#ifndef RAW_CLIENT_H
#define RAW_CLIENT_H

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "../../hostfs/abi.h"

#define RAM_SIZE	(8UL << 20)
#define CONTROL_AT	4096UL
#define SLOTS_AT	65536UL
#define DATA_AT		(4UL << 20)	/* what pieces name */

struct client {
	pid_t server;
	int sock;
	uint8_t *ram;
	struct hostfs_control *control;
	uint64_t unique;
};

static struct hostfs_slot *slot_of(struct client *c, int n)
{
	return (struct hostfs_slot *)(c->ram + SLOTS_AT + n * HOSTFS_SLOT_SIZE);
}

static bool send_message(struct client *c, uint32_t type, uint64_t value, int fd)
{
	struct hostfs_message m = { type, HOSTFS_VERSION, value };
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { &m, sizeof(m) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		control.h.cmsg_level = SOL_SOCKET;
		control.h.cmsg_type = SCM_RIGHTS;
		control.h.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.h), &fd, sizeof(fd));
	}
	return sendmsg(c->sock, &msg, MSG_NOSIGNAL) == sizeof(m);
}

static bool client_attach(struct client *c)
{
	struct hostfs_message m;
	int i;

	memset(c->control, 0, sizeof(*c->control));
	for (i = 0; i < HOSTFS_SLOTS; i++)
		c->control->slot[i] = SLOTS_AT + (uint64_t)i * HOSTFS_SLOT_SIZE;
	if (!send_message(c, HOSTFS_ATTACH, CONTROL_AT, -1))
		return false;
	do {
		if (recv(c->sock, &m, sizeof(m), 0) != sizeof(m))
			return false;
	} while (m.type != HOSTFS_ATTACHED);
	return true;
}

/* @argv: the server and its options but for --fd, with room for three more. */
static bool client_start(struct client *c, char **argv, int argc)
{
	char number[16];
	int pair[2], memfd;

	memset(c, 0, sizeof(*c));
	c->unique = 2;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair))
		return false;
	fcntl(pair[0], F_SETFD, FD_CLOEXEC);
	c->sock = pair[0];
	snprintf(number, sizeof(number), "%d", pair[1]);
	argv[argc] = "--fd";
	argv[argc + 1] = number;
	argv[argc + 2] = NULL;
	c->server = fork();
	if (!c->server) {
		execv(argv[0], argv);
		_exit(127);
	}
	close(pair[1]);
	memfd = memfd_create("guest", MFD_CLOEXEC);
	if (memfd < 0 || ftruncate(memfd, RAM_SIZE))
		return false;
	c->ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	c->control = (struct hostfs_control *)(c->ram + CONTROL_AT);
	if (!send_message(c, HOSTFS_HELLO, RAM_SIZE, memfd))
		return false;
	close(memfd);
	return client_attach(c);
}

static bool client_alive(struct client *c)
{
	return !waitpid(c->server, NULL, WNOHANG);
}

/* Post a slot and wait for its reply; false when the server has died. */
static bool client_post(struct client *c, int n)
{
	uint64_t bit = 1ULL << n;
	time_t end = time(NULL) + 60;

	__atomic_fetch_or(&c->control->notify, bit, __ATOMIC_SEQ_CST);
	__atomic_fetch_or(&c->control->posted, bit, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&c->control->kick, 1, __ATOMIC_SEQ_CST);
	syscall(202 /* futex */, &c->control->kick, 1 /* wake */, 1, NULL, NULL, 0);
	while (!(__atomic_load_n(&c->control->done, __ATOMIC_SEQ_CST) & bit)) {
		struct pollfd p = { c->sock, POLLIN, 0 };
		struct hostfs_message m;

		if (poll(&p, 1, 100) == 1 && recv(c->sock, &m, sizeof(m), MSG_DONTWAIT) == 0)
			return false;
		__atomic_store_n(&c->control->rung, 0, __ATOMIC_SEQ_CST);
		if (time(NULL) > end)
			return false;
	}
	__atomic_fetch_and(&c->control->done, ~bit, __ATOMIC_SEQ_CST);
	return true;
}

/*
 * An honest request in slot 0: its reply's error, arguments of the reply in
 * @out; -9999 when the server has died.
 */
static int client_call(struct client *c, uint32_t opcode, uint64_t node, const void *arg,
		       size_t len, void *out, size_t out_len)
{
	struct hostfs_slot *s = slot_of(c, 0);
	struct fuse_in_header h = {
		.len = sizeof(h) + len, .opcode = opcode, .nodeid = node, .unique = c->unique,
		.uid = getuid(), .gid = getgid(), .pid = 1,
	};
	struct fuse_out_header r;

	c->unique += 2;
	memset(s, 0, sizeof(*s));
	s->in_inline = h.len;
	s->out_inline = out_len;
	memcpy(s->data, &h, sizeof(h));
	memcpy(s->data + sizeof(h), arg, len);
	if (!client_post(c, 0))
		return -9999;
	memcpy(&r, s->reply, sizeof(r));
	if (!r.error && out_len)
		memcpy(out, s->data + ((h.len + 7) & ~7U), out_len);
	return r.error;
}

static int client_init(struct client *c)
{
	struct fuse_init_in in = { .major = 7, .minor = 41, .max_readahead = 1 << 20,
				   .flags = ~0U };
	struct fuse_init_out out;

	return client_call(c, FUSE_INIT, 1, &in, sizeof(in), &out, sizeof(out));
}

static int client_lookup(struct client *c, uint64_t dir, const char *name, uint64_t *node)
{
	struct fuse_entry_out e;
	int error = client_call(c, FUSE_LOOKUP, dir, name, strlen(name) + 1, &e, sizeof(e));

	if (!error && !e.nodeid)
		error = -ENOENT;
	if (!error && node)
		*node = e.nodeid;
	return error;
}

static void client_stop(struct client *c)
{
	close(c->sock);
	waitpid(c->server, NULL, 0);
	munmap(c->ram, RAM_SIZE);
}

#endif /* RAW_CLIENT_H */
