/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What other commands ask of a launcher: packets of text on its control socket.
 *
 * A request is one packet, a word and maybe an argument; the answer is a packet
 * that begins with '+' or '-' (what went wrong), or several.  The answer to
 * "exec" brings the descriptor of a channel, which is the asker's as long as it
 * keeps the connection, and says "paused" when the guest is.  That to "log OFFSET"
 * begins with a line of its own: where the text that follows stands in all that was
 * ever logged.  After "console" packets are what is typed at the guest's console, and
 * what that shows.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include "machine.h"
#include "network.h"
#include "runtime.h"
#include "session.h"

/**
 * control_start() - answer requests while loop_turn() is called
 * @e:		the guest's entry
 * @m:		the guest
 * @s:		its main session
 * @n:		its interfaces
 */
void control_start(struct entry *e, struct machine *m, struct session *s,
		   struct network *n);

#define CONTROL_PACKET	16384	/* the longest answer */

/**
 * control_exchange() - a request and its answer, on a connection
 * @socket:	of entry_connect()
 * @text:	result: the answer, with a NUL behind it
 * @size:	room there
 * @fd:		result: a descriptor that came with the answer, or NULL
 * @format:	the request
 *
 * Return: how long the answer is; 0 when the launcher has gone.
 */
size_t __printf(5, 6) control_exchange(int socket, char *text, size_t size, int *fd,
					const char *format, ...);

/**
 * control_try() - make a request
 * @name:	of the guest
 * @trouble:	result: what went wrong, a new string
 * @format:	the request
 *
 * Return: the answer, a new string; or NULL.
 */
char *__printf(3, 4) control_try(const char *name, char **trouble, const char *format, ...);

/**
 * control_try_all() - make a request of several guests
 *
 * Names each that could not be asked.
 * Return: the exit status, EXIT_USAGE when there was one.
 */
int control_try_all(int argc, char **argv, const char *request);

/**
 * control_ask() - make a request
 * @name:	of the guest
 * @fd:		result: a descriptor that came with the answer, or NULL
 * @format:	the request
 *
 * Ends the program when the answer is a complaint.  With @fd the connection
 * stays open.
 * Return: the answer, a new string.
 */
char *__printf(3, 4) control_ask(const char *name, int *fd, const char *format, ...);

/**
 * control_open() - make a request that turns the connection into something else
 * @name:	of the guest
 * @request:	the request
 *
 * Ends the program when the answer is a complaint.
 * Return: the connection.
 */
int control_open(const char *name, const char *request);

/**
 * control_channel() - get a channel for a session in a guest
 * @name:	of the guest
 *
 * Says that the guest is paused, if it is: nothing comes from the channel until it goes on.
 * Ends the program when there is none.
 * Return: the channel, until the program ends.
 */
int control_channel(const char *name);

#endif /* CONTROL_H */
