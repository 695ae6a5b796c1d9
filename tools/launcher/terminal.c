// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <fcntl.h>
#include "terminal.h"
#include "util.h"

#define LOOK_NS	250000000	/* the shell need not tell who comes to the foreground */

/* The terminal of this process: there is one. */
static struct termios saved;
static int terminal = -1;
static int guard_pipe = -1;
static pid_t guard;

static void __noreturn guard_main(int fd, int pipe_end)
{
	sigset_t all;
	char c;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	/* a session of its own: it may change the terminal from anywhere */
	setsid();
	close_all_but(fd < pipe_end ? fd : pipe_end, fd < pipe_end ? pipe_end : fd);
	if (read(pipe_end, &c, 1) != 1)
		tcsetattr(fd, TCSADRAIN, &saved);
	_exit(0);
}

static void start_guard(int fd)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		fail("terminal: %s", strerror(errno));
	guard = fork();
	if (guard < 0)
		fail("terminal: %s", strerror(errno));
	if (!guard) {
		close(fds[1]);
		guard_main(fd, fds[0]);
	}
	close(fds[0]);
	guard_pipe = fds[1];
}

static void take_terminal(int fd, struct source *keys)
{
	struct termios raw;

	if (tcgetattr(fd, &saved))
		fail("terminal: %s", strerror(errno));
	start_guard(fd);
	terminal = fd;
	raw = saved;
	cfmakeraw(&raw);
	tcsetattr(fd, TCSADRAIN, &raw);
	loop_add(keys);
}

/* A terminal that is not ours (no controlling one, another session's) does not stop us. */
static bool in_background(int fd)
{
	pid_t foreground = tcgetpgrp(fd);

	return foreground >= 0 && foreground != getpgrp();
}

static struct source look;

static void look_again(void *data, short happened)
{
	struct source *keys = data;
	uint64_t ticks;

	(void)happened;
	if (read(look.fd, &ticks, sizeof(ticks)) < 0 || in_background(keys->fd))
		return;
	loop_remove(&look);
	close(look.fd);
	take_terminal(keys->fd, keys);
}

void terminal_raw(int fd, struct source *keys)
{
	struct itimerspec often = { { 0, LOOK_NS }, { 0, LOOK_NS } };

	if (!in_background(fd)) {
		take_terminal(fd, keys);
		return;
	}
	look = (struct source){ timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), POLLIN, look_again,
				keys };
	if (look.fd < 0 || timerfd_settime(look.fd, 0, &often, NULL))
		fail("timer: %s", strerror(errno));
	loop_add(&look);
}

void terminal_restore(void)
{
	if (terminal < 0)
		return;
	tcsetattr(terminal, TCSADRAIN, &saved);
	terminal = -1;
	if (write(guard_pipe, "x", 1) == 1)
		waitpid(guard, NULL, 0);
	close(guard_pipe);
}

void terminal_size(int fd, uint16_t size[2])
{
	struct winsize ws;

	size[0] = 24;
	size[1] = 80;
	if (!ioctl(fd, TIOCGWINSZ, &ws) && ws.ws_row && ws.ws_col) {
		size[0] = ws.ws_row;
		size[1] = ws.ws_col;
	}
}
