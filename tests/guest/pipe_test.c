// SPDX-License-Identifier: GPL-2.0-only
/* Pipes, eventfd, poll, select, epoll, inotify. */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/select.h>
#include "ktap.h"

static void test_pipe(void)
{
	static char buf[1 << 20];
	unsigned long sum = 0, want = 0;
	size_t total = 0;
	ssize_t n;
	pid_t pid;
	int p[2];

	must(pipe2(p, O_CLOEXEC) == 0);
	for (size_t i = 0; i < sizeof(buf); i++) {
		buf[i] = i * 11;
		want += (unsigned char)buf[i];
	}
	pid = do_fork();
	if (!pid) {
		for (size_t o = 0; o < sizeof(buf); o += 4999) {
			size_t len = sizeof(buf) - o;

			if (len > 4999)
				len = 4999;
			must(write(p[1], buf + o, len) == (ssize_t)len);
		}
		_exit(0);
	}
	close(p[1]);
	memset(buf, 0, sizeof(buf));
	while ((n = read(p[0], buf, 7777)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			sum += (unsigned char)buf[i];
		total += n;
	}
	is(total, sizeof(buf), "1 MB through a pipe");
	is(sum, want, "every byte");
	is(n, 0, "then the end");
	is(reap(pid), 0, "the writer ends");
	close(p[0]);

	must(pipe2(p, O_NONBLOCK) == 0);
	fails(read(p[0], buf, 1), EAGAIN, "an empty pipe");
	for (total = 0; (n = write(p[1], buf, PAGE)) > 0; total += n)
		;
	is(total, 65536, "a pipe holds 64 kB");
	is(errno, EAGAIN, "and no more");
	close(p[0]);
	signal(SIGPIPE, SIG_IGN);
	fails(write(p[1], buf, 1), EPIPE, "no reader");
	close(p[1]);
}

static void *sends(void *arg)
{
	uint64_t one = 1;

	for (int i = 0; i < 1000; i++)
		must(write(*(int *)arg, &one, 8) == 8);
	return NULL;
}

static void test_eventfd(void)
{
	int fd = eventfd(0, 0), sem = eventfd(3, EFD_SEMAPHORE | EFD_NONBLOCK);
	uint64_t n, total = 0;
	pthread_t t;

	pthread_create(&t, NULL, sends, &fd);
	while (total < 1000) {
		must(read(fd, &n, 8) == 8);
		total += n;
	}
	pthread_join(t, NULL);
	is(total, 1000, "an eventfd counts a thread's events");
	is(read(sem, &n, 8) ?: 0, 8, "a semaphore");
	is(n, 1, "gives one at a time");
	must(read(sem, &n, 8) == 8 && read(sem, &n, 8) == 8);
	fails(read(sem, &n, 8), EAGAIN, "until none is left");
}

static void test_poll(void)
{
	int a[2], b[2];
	struct pollfd f[2];
	fd_set r, w;
	sigset_t set;

	must(pipe(a) == 0 && pipe(b) == 0);
	f[0] = (struct pollfd){ .fd = a[0], .events = POLLIN };
	f[1] = (struct pollfd){ .fd = b[1], .events = POLLOUT };
	is(poll(f, 2, 0), 1, "poll: one is writable");
	is(f[1].revents, POLLOUT, "the one that is");
	must(write(a[1], "x", 1) == 1);
	is(poll(f, 2, -1), 2, "poll: both");
	close(b[0]);
	poll(f, 2, 0);
	ok(f[1].revents & POLLERR, "poll: no reader");
	close(a[1]);
	poll(f, 2, 0);
	is(f[0].revents, POLLIN | POLLHUP, "poll: the end, after the data");
	f[0].fd = 999;
	poll(f, 1, 0);
	is(f[0].revents, POLLNVAL, "poll: not open");
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_SET(a[0], &r);
	is(select(a[0] + 1, &r, &w, NULL, NULL), 1, "select");
	ok(FD_ISSET(a[0], &r), "says which");
	sigemptyset(&set);
	f[0].fd = a[0];
	is(ppoll(f, 1, NULL, &set), 1, "ppoll");
}

static void test_epoll(void)
{
	struct epoll_event ev = { .events = EPOLLIN }, got[64];
	int ep = epoll_create1(EPOLL_CLOEXEC), p[50][2], n;
	char c;
	pid_t pid;

	for (int i = 0; i < 50; i++) {
		must(pipe(p[i]) == 0);
		ev.data.u32 = i;
		must(epoll_ctl(ep, EPOLL_CTL_ADD, p[i][0], &ev) == 0);
	}
	fails(epoll_ctl(ep, EPOLL_CTL_ADD, p[0][0], &ev), EEXIST, "epoll: twice");
	is(epoll_wait(ep, got, 64, 0), 0, "epoll: nothing");
	must(write(p[7][1], "x", 1) == 1 && write(p[9][1], "x", 1) == 1);
	is(epoll_wait(ep, got, 64, 0), 2, "epoll: two");
	is(got[0].data.u32 + got[1].data.u32, 16, "epoll: which");
	is(epoll_wait(ep, got, 64, 0), 2, "epoll: level triggered");
	must(read(p[7][0], &c, 1) == 1 && read(p[9][0], &c, 1) == 1);
	is(epoll_wait(ep, got, 64, 0), 0, "epoll: until read");
	ev.events = EPOLLIN | EPOLLET;
	ev.data.u32 = 3;
	must(epoll_ctl(ep, EPOLL_CTL_MOD, p[3][0], &ev) == 0);
	must(write(p[3][1], "x", 1) == 1);
	is(epoll_wait(ep, got, 64, 0), 1, "epoll: edge triggered");
	is(epoll_wait(ep, got, 64, 0), 0, "epoll: once");
	ev.events = EPOLLIN | EPOLLONESHOT;
	ev.data.u32 = 4;
	epoll_ctl(ep, EPOLL_CTL_MOD, p[4][0], &ev);
	must(write(p[4][1], "xx", 2) == 2);
	is(epoll_wait(ep, got, 64, 0), 1, "epoll: one shot");
	is(epoll_wait(ep, got, 64, 0), 0, "epoll: then silent");
	pid = do_fork();
	if (!pid)
		_exit(write(p[20][1], "x", 1) != 1);
	n = epoll_wait(ep, got, 64, 10000);
	ok(n == 1 && got[0].data.u32 == 20, "epoll: wakes for a child");
	reap(pid);
	is(epoll_ctl(ep, EPOLL_CTL_DEL, p[20][0], NULL), 0, "epoll: delete");
	is(epoll_wait(ep, got, 64, 0), 0, "epoll: gone");
}

static void test_inotify(void)
{
	char buf[4096];
	struct inotify_event *e = (void *)buf;
	int fd = inotify_init1(IN_NONBLOCK), wd;

	temp_dir();
	wd = inotify_add_watch(fd, ".", IN_CREATE | IN_DELETE | IN_MOVED_FROM);
	ok(wd >= 0, "inotify");
	write_file("new", "x");
	ok(read(fd, buf, sizeof(buf)) > 0 && e->mask == IN_CREATE &&
	   !strcmp(e->name, "new"), "sees a file made");
	unlink("new");
	ok(read(fd, buf, sizeof(buf)) > 0 && e->mask == IN_DELETE, "and removed");
	fails(read(fd, buf, sizeof(buf)), EAGAIN, "and nothing else");
	close(fd);
}

int main(void)
{
	test_pipe();
	test_eventfd();
	test_poll();
	test_epoll();
	test_inotify();
	return done();
}
