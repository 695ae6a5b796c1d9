/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The caller's standard streams, and how each gets into the guest.
 *
 * A regular file or a pipe is handed to the kernel itself (a pipe as another
 * opening of it that does not wait, so that the caller's stays as it was):
 * bytes go the shortest way, and what the guest does not read stays for the
 * next program.  A terminal is never handed over, nor what cannot be opened so:
 * bytes are relayed as messages of the session.
 */
#ifndef STREAMS_H
#define STREAMS_H

#include <stdbool.h>

/**
 * struct stream - one of the three
 * @kind:	of enum stream_kind
 * @fd:		what to hand over, or to read from or write to
 */
struct stream {
	char kind;
	int fd;
};

/**
 * struct streams - all
 * @s:		standard input, output, error
 * @interactive: a terminal to type at and to see
 */
struct streams {
	struct stream s[3];
	bool interactive;
};

/**
 * streams_look() - find out what the standard streams are
 * @st:		result
 * @direct:	there is a way to hand descriptors to the kernel
 */
void streams_look(struct streams *st, bool direct);

#endif /* STREAMS_H */
