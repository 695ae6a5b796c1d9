/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host's side of a session (../session_abi.h): a command in the guest,
 * whose streams are relayed where they were not handed over.
 */
#ifndef SESSION_H
#define SESSION_H

#include <stdint.h>
#include "loop.h"
#include "streams.h"
#include "util.h"

/**
 * struct session - a session
 * @chan:	the channel
 * @in:		the relayed standard input
 * @out:	the relayed standard output or terminal, and standard error
 * @pending:	what these have not taken yet
 * @request:	what to do
 * @sent:	bytes of it that are on their way
 * @started:	all of it is
 * @queue:	messages that the channel has not taken: length, then bytes
 * @credit:	how much more input the guest takes
 * @terminal:	the size of this one is the guest's terminal's, or -1
 * @ready:	the guest has said that it is up
 * @rebooted:	it was ready before: nothing of the session is left
 * @settling:	its command has ended, and what was written is put on disks
 * @code:	exit status, or -1 as long as there is none
 * @lost:	the guest is gone
 */
struct session {
	struct source chan;
	struct source in;
	struct source out[2];
	struct bytes pending[2];
	struct bytes request;
	size_t sent;
	bool started;
	struct bytes queue;
	uint32_t credit;
	int terminal;
	bool ready;
	bool rebooted;
	bool settling;
	int code;
	bool lost;
};

/**
 * request_add() - add a record to a session's request
 * @s:		the session
 * @letter:	of enum record
 * @format:	its text
 */
void __printf(3, 4) request_add(struct session *s, char letter, const char *format, ...);

/**
 * request_add_caller() - add the caller: directory, user, groups, environment
 * @s:		the session
 * @root:	be root instead
 * @home:	the guest has the caller's files: also what names places in them
 * @env:	NAME or NAME=VALUE, more of the environment
 */
void request_add_caller(struct session *s, bool root, bool home, const struct words *env);

/**
 * session_open() - begin
 * @s:		a session with a request, all else zero
 * @chan:	the channel
 * @st:		the streams; a terminal is made raw
 */
void session_open(struct session *s, int chan, const struct streams *st);

/**
 * session_signal() - send a signal to the command
 */
void session_signal(struct session *s, int signal);

/**
 * session_resize() - the terminal has another size
 */
void session_resize(struct session *s);

/**
 * session_left() - when the guest has gone: whether output is still to be taken
 */
bool session_left(struct session *s);

/**
 * session_send() - send any message
 */
void session_send(struct session *s, char type, const void *data, size_t n);

#endif /* SESSION_H */
