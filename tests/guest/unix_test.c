// SPDX-License-Identifier: GPL-2.0-only
/* Unix sockets: pairs, names, datagrams, descriptors and credentials. */
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "ktap.h"

static void test_pairs(void)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
	char buf[64];
	int s[2];

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		must(socketpair(AF_UNIX, types[i], 0, s) == 0);
		is(write(s[0], "hello", 5), 5, "type %d: write", types[i]);
		is(read(s[1], buf, sizeof(buf)), 5, "type %d: read", types[i]);
		must(write(s[1], "ab", 2) == 2 && write(s[1], "cd", 2) == 2);
		is(read(s[0], buf, sizeof(buf)), types[i] == SOCK_STREAM ? 4 : 2,
		   "type %d: boundaries", types[i]);
		close(s[1]);
		if (types[i] != SOCK_DGRAM) {
			read(s[0], buf, sizeof(buf));
			is(recv(s[0], buf, 1, 0), 0, "type %d: the end", types[i]);
		}
		fails(send(s[0], "x", 1, MSG_NOSIGNAL),
		      types[i] == SOCK_DGRAM ? ECONNREFUSED : EPIPE,
		      "type %d: no peer", types[i]);
		close(s[0]);
	}
}

static void send_fd(int sock, int fd)
{
	char ctl[CMSG_SPACE(sizeof(int))] = "";
	struct iovec iov = { "f", 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
			    .msg_control = ctl, .msg_controllen = sizeof(ctl) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	must(sendmsg(sock, &m, 0) == 1);
}

static int receive_fd(int sock, struct ucred *cred)
{
	char ctl[256], byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
			    .msg_control = ctl, .msg_controllen = sizeof(ctl) };
	int fd = -1;

	must(recvmsg(sock, &m, 0) == 1);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		if (c->cmsg_type == SCM_RIGHTS)
			memcpy(&fd, CMSG_DATA(c), sizeof(fd));
		if (c->cmsg_type == SCM_CREDENTIALS)
			memcpy(cred, CMSG_DATA(c), sizeof(*cred));
	}
	return fd;
}

static void test_rights(void)
{
	struct ucred cred = { };
	int s[2], on = 1, fd;
	char buf[16] = "";
	pid_t pid;

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	setsockopt(s[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	pid = do_fork();
	if (!pid) {
		fd = temp_file(0);
		must(write(fd, "passed", 6) == 6);
		send_fd(s[1], fd);
		_exit(0);
	}
	fd = receive_fd(s[0], &cred);
	ok(fd >= 0, "a descriptor came");
	is(pread(fd, buf, sizeof(buf), 0), 6, "it reads");
	is(strcmp(buf, "passed"), 0, "the child's file");
	is(cred.pid, pid, "SCM_CREDENTIALS names the child");
	reap(pid);
	close(s[0]);
	close(s[1]);
}

static int named(const char *name, struct sockaddr_un *a, socklen_t *len)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(a->sun_path, name, strlen(name + 1) + 1);
	*len = offsetof(struct sockaddr_un, sun_path) + strlen(name + 1) + 1;
	must(s >= 0);
	return s;
}

static void test_named(const char *name, const char *what)
{
	struct sockaddr_un a;
	socklen_t len;
	int s = named(name, &a, &len), c, peer;
	struct ucred cred = { };
	socklen_t clen = sizeof(cred);
	char buf[16];

	is(bind(s, (void *)&a, len), 0, "%s: bind", what);
	is(listen(s, 10), 0, "%s: listen", what);
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	is(connect(c, (void *)&a, len), 0, "%s: connect", what);
	peer = accept4(s, NULL, NULL, SOCK_CLOEXEC);
	ok(peer >= 0, "%s: accept", what);
	must(write(c, "hi", 2) == 2);
	is(read(peer, buf, sizeof(buf)), 2, "%s: read", what);
	getsockopt(peer, SOL_SOCKET, SO_PEERCRED, &cred, &clen);
	is(cred.pid, getpid(), "%s: SO_PEERCRED", what);
	close(s);
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	fails(connect(c, (void *)&a, len), ECONNREFUSED, "%s: nobody listens",
	      what);
}

int main(void)
{
	char abstract[32];

	temp_dir();
	test_pairs();
	test_rights();
	test_named("./socket", "a path");
	snprintf(abstract, sizeof(abstract), "_guest-%d", getpid());
	abstract[0] = 0;
	test_named(abstract, "an abstract name");
	return done();
}
