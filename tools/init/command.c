// SPDX-License-Identifier: GPL-2.0
/* A session's command: its streams, its user, its environment. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <termios.h>
#include <unistd.h>
#include "../session_abi.h"
#include "init.h"

#define MAX_GROUPS	1024

/* ---- streams -------------------------------------------------------------- */

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void streams_close(struct streams *s)
{
	int i;

	for (i = 0; i < 3; i++)
		close_fd(&s->child[i]);
	close_fd(&s->input);
	close_fd(&s->output);
	close_fd(&s->error);
}

static unsigned int number_of(const struct request *r, char letter)
{
	const char *s = request_next(r, NULL, letter);

	return s ? strtoul(s, NULL, 10) : 0;
}

/*
 * Without a terminal to type at, the user's is not raw, and turns line ends into those
 * of a terminal itself.
 */
static void leave_line_ends(int slave)
{
	struct termios t;

	if (tcgetattr(slave, &t))
		return;
	t.c_oflag &= ~ONLCR;
	tcsetattr(slave, TCSANOW, &t);
}

static bool make_tty(const struct request *r, struct streams *s)
{
	const char *size = request_next(r, NULL, REC_WINDOW);
	struct winsize ws = { .ws_row = 24, .ws_col = 80 };
	int i, slave;

	if (size)
		sscanf(size, "%hu %hu", &ws.ws_row, &ws.ws_col);
	if (openpty(&s->input, &slave, NULL, NULL, &ws))
		return false;
	if (fchown(slave, number_of(r, REC_UID), number_of(r, REC_GID)))
		warn("terminal");
	fcntl(s->input, F_SETFD, FD_CLOEXEC);
	fcntl(slave, F_SETFD, FD_CLOEXEC);
	fcntl(s->input, F_SETFL, O_NONBLOCK);
	if (s->child[0] != -2)
		leave_line_ends(slave);
	s->output = fcntl(s->input, F_DUPFD_CLOEXEC, 0);
	s->tty = true;
	for (i = 0; i < 3; i++)
		if (s->child[i] == -2)
			s->child[i] = fcntl(slave, F_DUPFD_CLOEXEC, 0);
	close(slave);
	return s->output >= 0;
}

/* Our end of the pipe, or -1. */
static int make_pipe(const struct request *r, struct streams *s, int i)
{
	int fds[2], ours = !i;

	if (pipe2(fds, O_CLOEXEC))
		return -1;
	fcntl(fds[ours], F_SETFL, O_NONBLOCK);
	/* for a command that opens /dev/stdin and the like */
	if (fchown(fds[!ours], number_of(r, REC_UID), number_of(r, REC_GID)))
		warn("pipe");
	s->child[i] = fds[!ours];
	return fds[ours];
}

static bool use_channel(const struct request *r, struct streams *s, int i)
{
	char path[32];
	int fd, flags = i ? O_WRONLY : O_RDONLY;

	snprintf(path, sizeof(path), "/dev/hostchan%d", CHANNEL_STREAM + i);
	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		return false;
	s->child[i] = ioctl(fd, HOST_CHANNEL_STREAM, flags);
	close(fd);
	if (s->child[i] < 0)
		return false;
	if (fchown(s->child[i], number_of(r, REC_UID), number_of(r, REC_GID)))
		warn(path);
	return true;
}

static bool make_stream(const struct request *r, struct streams *s, int i, char kind)
{
	int *ours = i == 0 ? &s->input : i == 1 ? &s->output : &s->error;

	switch (kind) {
	case STREAM_PIPE:
		*ours = make_pipe(r, s, i);
		return *ours >= 0;
	case STREAM_CHANNEL:
		return use_channel(r, s, i);
	case STREAM_TTY:
		s->child[i] = -2;	/* make_tty() */
		return true;
	default:
		return true;
	}
}

bool streams_make(const struct request *r, struct streams *s)
{
	const char *kind = NULL;
	bool tty = false;
	int i;

	*s = (struct streams){ { -1, -1, -1 }, -1, -1, -1, false };
	for (i = 0; i < 3; i++) {
		kind = request_next(r, kind, REC_STREAM);
		if (!kind || !make_stream(r, s, i, *kind))
			return false;
		tty |= *kind == STREAM_TTY;
	}
	return !tty || make_tty(r, s);
}

/* ---- in the child --------------------------------------------------------- */

static void __noreturn fail(const char *what, int code)
{
	fprintf(stderr, "kernelet: %s: %s\n", what, strerror(errno));
	_exit(code);
}

/* The texts of all records of a kind, and a NULL. */
static char **list_of(const struct request *r, char letter)
{
	const char *at = NULL;
	size_t n = 0;
	char **list;

	while ((at = request_next(r, at, letter)))
		n++;
	list = calloc(n + 1, sizeof(*list));
	if (!list)
		fail("memory", 126);
	for (n = 0, at = NULL; (at = request_next(r, at, letter)); n++)
		list[n] = (char *)at;
	return list;
}

static void become_user(const struct request *r)
{
	uid_t uid = number_of(r, REC_UID);
	gid_t gid = number_of(r, REC_GID);
	gid_t groups[MAX_GROUPS];
	const char *at = NULL;
	size_t n = 0;

	while (n < MAX_GROUPS && (at = request_next(r, at, REC_GROUP)))
		groups[n++] = strtoul(at, NULL, 10);
	if (setgroups(n, groups) || setgid(gid) || setuid(uid))
		fail("user", 126);
}

static void take_streams(const struct streams *s)
{
	int i, fd[3];

	for (i = 0; i < 3; i++)
		fd[i] = s->child[i] < 0 ? -1 : fcntl(s->child[i], F_DUPFD_CLOEXEC, 3);
	for (i = 0; i < 3; i++) {
		if (fd[i] < 0)
			close(i);
		else
			dup2(fd[i], i);
	}
}

static void enter_session(const struct streams *s)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (!s->tty) {
		setpgid(0, 0);
		return;
	}
	setsid();
	for (int i = 0; i < 3; i++)
		if (s->child[i] >= 0 && isatty(s->child[i]) &&
		    !ioctl(s->child[i], TIOCSCTTY, 0))
			return;
}

static void __noreturn run_command(const struct request *r, const struct streams *s, int ready)
{
	const char *dir = request_next(r, NULL, REC_DIR);
	char **argv, **envp, *file;

	enter_session(s);
	close(ready);
	take_streams(s);
	argv = list_of(r, REC_ARG);
	envp = list_of(r, REC_ENV);
	become_user(r);
	if (dir && chdir(dir))
		fail(dir, 126);
	environ = envp;
	if (!getenv("PATH"))
		setenv("PATH", DEFAULT_PATH, 1);
	if (request_next(r, NULL, REC_FILES)) {
		files_serve();
		_exit(0);
	}
	if (!argv[0]) {
		char *shell[2] = { getenv("SHELL"), NULL };

		if (!shell[0] || access(shell[0], X_OK))
			shell[0] = "/bin/sh";
		execv(shell[0], shell);
		fail(shell[0], 127);
	}
	file = argv[0];
	execvp(file, argv);
	/* as a shell has it */
	fail(file, errno == ENOENT ? 127 : 126);
}

int command_start(const struct request *r, struct streams *s)
{
	int i, ready[2];
	pid_t pid;
	char c;

	if (pipe2(ready, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid)
		run_command(r, s, ready[1]);
	close(ready[1]);
	/* a key that makes a signal finds somebody, and a group to be killed is there */
	if (pid > 0 && read(ready[0], &c, 1) < 0)
		warn("command");
	close(ready[0]);
	for (i = 0; i < 3; i++)
		close_fd(&s->child[i]);
	return pid;
}
