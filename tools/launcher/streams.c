// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "../session_abi.h"
#include "streams.h"
#include "util.h"

#define MEMORY_MAJOR	1		/* /dev/null and its like */
#define PIPE_SIZE	(1 << 20)	/* what any user may have */

/* Another opening of a pipe or terminal, which does not wait. */
static int open_again(int fd, int flags)
{
	char *path __auto_free = print("/proc/self/fd/%d", fd);

	return open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static int copy_of(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static void hand_over_pipe(struct stream *s, int flags)
{
	int fd = open_again(s->fd, flags);

	if (fd < 0)
		return;
	fcntl(fd, F_SETPIPE_SZ, PIPE_SIZE);
	s->kind = STREAM_CHANNEL;
	s->fd = fd;
}

/* Bytes that are relayed: input is read when there is some, output not waited for. */
static void relay(struct stream *s, int flags)
{
	int fd = flags == O_WRONLY ? open_again(s->fd, flags) : -1;

	s->fd = fd < 0 ? copy_of(s->fd) : fd;
}

static void look(struct stream *s, int i, bool direct)
{
	int flags = i ? O_WRONLY : O_RDONLY;
	struct stat st;

	s->fd = i;
	s->kind = STREAM_PIPE;
	if (fstat(i, &st)) {
		s->kind = STREAM_NONE;
		s->fd = -1;
		return;
	}
	if (isatty(i))
		s->kind = STREAM_TTY;
	else if (direct && S_ISFIFO(st.st_mode))
		hand_over_pipe(s, flags);
	else if (direct && (S_ISREG(st.st_mode) ||
			    (S_ISCHR(st.st_mode) && major(st.st_rdev) == MEMORY_MAJOR)))
		*s = (struct stream){ STREAM_CHANNEL, copy_of(i) };
	if (s->kind != STREAM_CHANNEL)
		relay(s, flags);
}

void streams_look(struct streams *st, bool direct)
{
	int i;

	for (i = 0; i < 3; i++)
		look(&st->s[i], i, direct);
	st->interactive = st->s[0].kind == STREAM_TTY && st->s[1].kind == STREAM_TTY;
	/*
	 * A terminal in the guest has one output, which is the first stream's.
	 * Without it: lines typed for a command whose output goes elsewhere.
	 */
	for (i = 0; i < 3 && st->s[1].kind != STREAM_TTY; i++)
		if (st->s[i].kind == STREAM_TTY)
			st->s[i].kind = STREAM_PIPE;
}
