// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is at the other end of an interface's socket: a pump, which is a process
 * of ours, or a port of a switch, which all guests of the user share.
 *
 * We keep that end too.  So when the pump or the switch is gone the guest's
 * interface is not: it is told that the link is down, and another one is tried.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "network.h"
#include "runtime.h"

#define HELPER		"kernelet-net"
#define RETRY_MS	500
#define SWITCH_MS	5000		/* a switch answers sooner */

static struct network *network;

/* Of HELPER, once plug_start() has found it. */
static char *helper;

/* ---- when it is gone ------------------------------------------------------- */

static void retry_ready(void *data, short happened)
{
	struct interface *f = data;

	(void)happened;
	loop_remove(&f->retry);
	close(f->retry.fd);
	f->retry.fd = -1;
	free(plug_start(network, f, false));
}

static void set_retry(struct interface *f)
{
	struct itimerspec t = { .it_value = { .tv_nsec = RETRY_MS * 1000000L } };

	f->retry = (struct source){ timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), POLLIN,
				    retry_ready, f };
	timerfd_settime(f->retry.fd, 0, &t, NULL);
	loop_add(&f->retry);
}

static void forget(struct interface *f)
{
	if (f->watch.fd >= 0) {
		loop_remove(&f->watch);
		close(f->watch.fd);
	}
	f->watch.fd = -1;
}

static void gone(void *data, short happened)
{
	const char down = 0;
	struct interface *f = data;

	(void)happened;
	forget(f);
	if (f->pid)
		waitpid(f->pid, NULL, 0);
	f->pid = 0;
	send(f->end, &down, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	set_retry(f);
}

static void watch(struct interface *f, int fd)
{
	f->watch = (struct source){ fd, POLLIN, gone, f };
	loop_add(&f->watch);
}

void plug_stop(struct interface *f)
{
	forget(f);
	if (f->retry.fd >= 0) {
		loop_remove(&f->retry);
		close(f->retry.fd);
		f->retry.fd = -1;
	}
	if (f->pid) {
		kill(f->pid, SIGKILL);
		waitpid(f->pid, NULL, 0);
	}
	f->pid = 0;
}

/* ---- pumps ----------------------------------------------------------------- */

static void add_forwards(struct network *net, const struct interface *f, bool udp,
			 struct bytes *url)
{
	const char *sep = udp ? "/udpfwd=" : "/tcpfwd=";
	int i;

	for (i = 0; i < net->n_publish; i++) {
		char *text __auto_free = NULL;
		const struct publication *p = &net->publish[i];

		if (p->udp != udp)
			continue;
		text = print("%s%s:%u:10.0.%d.15:%u", sep, p->address, p->host, f->subnet,
			     p->guest);
		bytes_add(url, text, strlen(text));
		sep = ",";
	}
}

static char *url_of(struct network *net, const struct interface *f)
{
	char *head __auto_free = NULL;
	struct bytes url = { 0 };

	if (f->kind == NET_VDE)
		return print("%s", f->arg);
	if (f->kind == NET_TAP)
		return print("tap://%s", f->arg);
	head = print("slirp:///addr=10.0.%d.2\\/24/addr6=fd00:%d::2\\/64/mtu=%u/mru=%u%s",
		     f->subnet, f->subnet, f->mtu, f->mtu,
		     net->host_loopback ? "" : "/disable_host_loopback");
	bytes_add(&url, head, strlen(head));
	/* those of the first one; others could not have the same ports */
	if (f->subnet == 2) {
		add_forwards(net, f, false, &url);
		add_forwards(net, f, true, &url);
	}
	bytes_add(&url, "", 1);
	return url.p;
}

/* What of the host's loopback the guest may reach: its name server, and who asks it. */
static void add_shield(struct words *w, const struct network *net, const struct interface *f)
{
	int i;

	words_add(w, "--shield");
	words_add(w, "--dns");
	words_add(w, print("10.0.%d.3", f->subnet));
	words_add(w, "--dns6");
	words_add(w, print("fd00:%d::3", f->subnet));
	words_add(w, "--gateway");
	words_add(w, print("10.0.%d.2", f->subnet));
	words_add(w, "--guest");
	words_add(w, print("10.0.%d.15", f->subnet));
	for (i = 0; f->subnet == 2 && i < net->n_publish; i++)
		if (net->publish[i].udp)
			words_add(w, print("--udp-port=%u", net->publish[i].guest));
}

/* Only the first one is waited for: it says by @ready that its plug is open. */
static void __noreturn become_pump(struct network *net, const struct interface *f, int ready,
				   bool first, pid_t parent)
{
	struct words w = { 0 };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;

	words_add(&w, helper);
	words_add(&w, "pump");
	words_add(&w, "--fd");
	words_add(&w, print("%d", f->end));
	if (first) {
		words_add(&w, "--ready");
		words_add(&w, print("%d", ready));
	}
	words_add(&w, "--name");
	words_add(&w, print("--net=%s", f->spec));
	words_add(&w, "--url");
	words_add(&w, url_of(net, f));
	if (f->kind == NET_USER && !net->host_loopback)
		add_shield(&w, net, f);
	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(null, 0);
	dup2(null, 1);
	if (!first)
		dup2(null, 2);
	fcntl(f->end, F_SETFD, 0);
	fcntl(ready, F_SETFD, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_GUEST);
	/* plug-ins may look for more in the home directory */
	execve(w.v[0], w.v, (char *[]){ NULL });
	dprintf(2, "kernelet: %s: %s\n", w.v[0], strerror(errno));
	_exit(EXIT_USAGE);
}

static char *start_pump(struct network *net, struct interface *f, bool first)
{
	pid_t parent = getpid();
	char said[1024] = "";
	int fds[2], pidfd;

	if (!first && f->kind == NET_USER && f->subnet == 2)
		network_check_ports(net);
	if (pipe2(fds, O_CLOEXEC))
		return print("no pipe for --net=%s: %s", f->spec, strerror(errno));
	f->pid = fork();
	if (!f->pid)
		become_pump(net, f, fds[1], first, parent);
	close(fds[1]);
	if (f->pid < 0) {
		f->pid = 0;
		close(fds[0]);
		return print("no process for --net=%s: %s (see ulimit -u)", f->spec,
			     strerror(errno));
	}
	/* later it says by itself that the link is up, or ends */
	if (first && (read(fds[0], said, sizeof(said) - 1) <= 0 || *said)) {
		waitpid(f->pid, NULL, 0);
		f->pid = 0;
		close(fds[0]);
		if (*said)
			return print("%s", said);
		return print("--net=%s: its process has ended", f->spec);
	}
	close(fds[0]);
	pidfd = syscall(SYS_pidfd_open, f->pid, 0);
	if (pidfd < 0) {
		char *trouble = print("--net=%s: %s", f->spec, strerror(errno));

		plug_stop(f);
		return trouble;
	}
	watch(f, pidfd);
	return NULL;
}

/* ---- switches -------------------------------------------------------------- */

/* The directory of switches: one socket and one lock for each; or -1. */
static int switch_directory(void)
{
	int base __auto_fd = runtime_directory();

	mkdirat(base, ".switch", 0700);
	return openat(base, ".switch", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static struct sockaddr_un address_in(int dir, const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/%s", dir, name);
	return a;
}

static void __noreturn become_switch(int dir, const char *name, int listener, int lock)
{
	char *link __auto_free = print("/proc/self/fd/%d", dir);
	char path[4096];
	ssize_t n = readlink(link, path, sizeof(path) - 1);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct words w = { 0 };
	sigset_t none;

	if (n < 0)
		_exit(EXIT_GUEST);
	path[n] = '\0';
	words_add(&w, helper);
	words_add(&w, "switch");
	words_add(&w, "--listener");
	words_add(&w, print("%d", listener));
	words_add(&w, "--lock");
	words_add(&w, print("%d", lock));
	words_add(&w, "--path");
	words_add(&w, print("%s/%s", path, name));
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(null, 0);
	dup2(null, 1);
	dup2(null, 2);
	fcntl(listener, F_SETFD, 0);
	fcntl(lock, F_SETFD, 0);
	execve(w.v[0], w.v, (char *[]){ NULL });
	_exit(EXIT_USAGE);
}

/* It is to outlive us, for the others: it is nobody's child. */
static bool start_switch(int dir, const char *name, int listener, int lock)
{
	pid_t pid = fork();

	if (!pid) {
		setsid();
		if (!fork())
			become_switch(dir, name, listener, lock);
		_exit(0);
	}
	return pid > 0 && waitpid(pid, NULL, 0) == pid;
}

/* A switch that ends removes the file, and what has no name locks nobody out; or -1. */
static int lock_switch(int dir, const char *name)
{
	struct stat st = { 0 };
	int fd;

	for (;;) {
		fd = openat(dir, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0)
			return -1;
		if (flock(fd, LOCK_EX) || fstat(fd, &st))
			break;
		if (st.st_nlink)
			return fd;
		close(fd);
	}
	close(fd);
	return -1;
}

/* A connection to the switch, which is started when it is not there; or -1. */
static int switch_connect(const char *name)
{
	char *lock_name __auto_free = print(".%s.lock", name);
	int dir __auto_fd = switch_directory(), lock __auto_fd = -1, listener __auto_fd = -1;
	struct sockaddr_un a = address_in(dir, name);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	bool started;

	lock = lock_switch(dir, lock_name);
	if (fd < 0 || lock < 0)
		goto out_close;
	if (!connect(fd, (struct sockaddr *)&a, sizeof(a)))
		return fd;
	unlinkat(dir, name, 0);
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&a, sizeof(a)) || listen(listener, 16))
		goto out_close;
	/* its own open file: a lock is one's who has opened it */
	{
		int own __auto_fd = openat(dir, lock_name, O_RDWR | O_CLOEXEC);

		started = start_switch(dir, name, listener, own);
	}
	if (started && !connect(fd, (struct sockaddr *)&a, sizeof(a)))
		return fd;

out_close:
	close(fd);
	return -1;
}

static bool send_port(int fd, int end)
{
	struct iovec iov = { "p", 1 };
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .header = {
		.cmsg_len = CMSG_LEN(sizeof(int)),
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
	} };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control.room),
	};
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char c;

	memcpy(CMSG_DATA(&control.header), &end, sizeof(end));
	return sendmsg(fd, &m, MSG_NOSIGNAL) == 1 && poll(&p, 1, SWITCH_MS) == 1 &&
	       recv(fd, &c, 1, 0) == 1;
}

static char *join_switch(struct interface *f)
{
	mode_t mask = umask(077);
	int fd = switch_connect(f->arg);

	umask(mask);
	if (fd >= 0 && send_port(fd, f->end)) {
		watch(f, fd);
		return NULL;
	}
	if (fd >= 0)
		close(fd);
	return print("--net=%s: the switch cannot be started", f->spec);
}

char *plug_start(struct network *net, struct interface *f, bool first)
{
	char *trouble;

	network = net;
	if (!helper)
		helper = program_beside(HELPER);
	if (!helper)
		trouble = print("no " HELPER " beside this program: build it with make");
	else if (f->kind == NET_SWITCH)
		trouble = join_switch(f);
	else
		trouble = start_pump(net, f, first);
	if (trouble && !first)
		set_retry(f);
	return trouble;
}
