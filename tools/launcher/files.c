// SPDX-License-Identifier: GPL-2.0-only
/*
 * A child relays bytes between a socket of ours and the session in the guest, so
 * that a request is a write and a read that wait.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include "../session_abi.h"
#include "control.h"
#include "files.h"
#include "session.h"

static void __noreturn relay(struct session *s, int channel, int fd, pid_t parent)
{
	struct streams streams = { .s = {
		{ STREAM_PIPE, fd }, { STREAM_PIPE, fd }, { STREAM_NONE, -1 },
	} };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	signal(SIGPIPE, SIG_IGN);
	session_open(s, channel, &streams);
	while (s->code < 0 && !s->lost)
		loop_turn(-1);
	_exit(0);
}

void files_open(struct files *f, const char *name, bool root)
{
	static struct session session;
	struct words none = { 0 };
	pid_t parent = getpid(), pid;
	int fds[2], channel;

	request_add_caller(&session, root, false, &none);
	request_add(&session, REC_FILES, "1");
	channel = control_channel(name);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		fail("no socket: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		fail("no process: %s (see ulimit -u)", strerror(errno));
	if (!pid) {
		close(fds[0]);
		relay(&session, channel, fds[1], parent);
	}
	close(fds[1]);
	close(channel);
	*f = (struct files){ .fd = fds[0], .end = -1 };
}

/* ---- requests ------------------------------------------------------------- */

/* Waits until the guest can be written to, or has answered; false: it is to end. */
static bool await(struct files *f, short events)
{
	struct pollfd p[2] = { { f->fd, events, 0 }, { f->end, POLLIN, 0 } };

	while (poll(p, 2, -1) < 0)
		if (errno != EINTR)
			return false;
	return !p[1].revents;
}

static bool send_all(struct files *f, struct iovec *iov, int n)
{
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = n };

	while (m.msg_iovlen) {
		ssize_t put = sendmsg(f->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (put < 0) {
			if (errno != EAGAIN || !await(f, POLLOUT))
				return false;
			continue;
		}
		while (m.msg_iovlen && (size_t)put >= m.msg_iov->iov_len) {
			put -= m.msg_iov->iov_len;
			m.msg_iov++;
			m.msg_iovlen--;
		}
		if (m.msg_iovlen) {
			m.msg_iov->iov_base = (char *)m.msg_iov->iov_base + put;
			m.msg_iov->iov_len -= put;
		}
	}
	return true;
}

static bool receive_all(struct files *f, void *p, size_t n)
{
	while (n) {
		ssize_t got = recv(f->fd, p, n, MSG_DONTWAIT);

		if (got < 0 && errno == EAGAIN && await(f, POLLIN))
			continue;
		if (got <= 0)
			return false;
		p = (char *)p + got;
		n -= got;
	}
	return true;
}

static bool exchange(struct files *f, struct iovec *iov, struct files_reply *reply, void *out,
		     size_t room, bool exact)
{
	if (!send_all(f, iov, 3) || !receive_all(f, reply, sizeof(*reply)))
		return false;
	if (reply->error)
		return reply->error > 0 && reply->error < 4096 && !reply->data_len;
	return reply->data_len <= room && (!exact || reply->data_len == room) &&
	       receive_all(f, out, reply->data_len);
}

int files_call(struct files *f, struct files_request *r, const char *path, const void *data,
	       size_t n, struct files_reply *reply, void *out, size_t room, bool exact)
{
	struct iovec iov[3] = { { r, sizeof(*r) }, { (char *)path, 0 }, { (void *)data, n } };

	if (f->lost)
		return -EIO;
	r->path_len = path ? strlen(path) + 1 : 0;
	r->data_len = n;
	if (r->path_len > FILES_PATH)
		return -ENAMETOOLONG;
	iov[1].iov_len = r->path_len;
	if (!exchange(f, iov, reply, out, room, exact)) {
		f->lost = true;
		return -EIO;
	}
	return -reply->error;
}

int files_simple(struct files *f, struct files_request r, const char *path, const char *text)
{
	struct files_reply reply;

	return files_call(f, &r, path, text, text ? strlen(text) + 1 : 0, &reply, NULL, 0, true);
}

int files_stat(struct files *f, const char *path, struct stat *st)
{
	struct files_request r = { .op = FILES_STAT };
	struct files_reply reply;
	struct files_stat s;
	int error = files_call(f, &r, path, NULL, 0, &reply, &s, sizeof(s), true);

	if (error)
		return error;
	*st = (struct stat){
		.st_ino = s.ino, .st_size = s.size, .st_blocks = s.blocks, .st_rdev = s.rdev,
		.st_mode = s.mode, .st_nlink = s.nlink, .st_uid = s.uid, .st_gid = s.gid,
		.st_blksize = FILES_DATA,
		.st_atim = { s.atime, s.atime_nsec }, .st_mtim = { s.mtime, s.mtime_nsec },
		.st_ctim = { s.ctime, s.ctime_nsec },
	};
	return st->st_size < 0 ? -EIO : 0;
}

int files_readlink(struct files *f, const char *path, char target[FILES_PATH])
{
	struct files_request r = { .op = FILES_READLINK };
	struct files_reply reply;
	int error = files_call(f, &r, path, NULL, 0, &reply, target, FILES_PATH - 1, false);

	if (!error)
		target[reply.data_len] = '\0';
	return error;
}

/* The next entry in @buf; NULL when it is none. */
static const struct files_entry *entry_at(const char *buf, size_t at, size_t n)
{
	const struct files_entry *e = (const void *)(buf + at);

	if (n - at < sizeof(*e) || n - at - sizeof(*e) < e->len + 1U || !e->len ||
	    strnlen(e->name, e->len + 1) != e->len || strchr(e->name, '/'))
		return NULL;
	return e;
}

static bool is_dot(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

int files_list(struct files *f, const char *path,
	       int (*each)(void *arg, const char *name, const struct stat *st), void *arg)
{
	struct files_request r = { .op = FILES_LIST };
	char buf[65536];
	size_t count = 0;
	int error;

	do {
		struct files_reply reply;
		size_t at = 0;

		error = files_call(f, &r, path, NULL, 0, &reply, buf, sizeof(buf), false);
		if (error || !reply.data_len)
			return error;
		while (at < reply.data_len && !error) {
			const struct files_entry *e = entry_at(buf, at, reply.data_len);
			struct stat st = { 0 };

			if (!e)
				return -EIO;
			st.st_ino = e->ino;
			st.st_mode = DTTOIF(e->type);
			r.offset = e->next;
			at += sizeof(*e) + e->len + 1;
			if (count++ == FILES_ENTRIES)
				return -E2BIG;
			if (!is_dot(e->name))
				error = each(arg, e->name, &st);
		}
	} while (!error);
	return error;
}
