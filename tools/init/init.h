/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of the guest's init know of each other. */
#ifndef INIT_H
#define INIT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define __noreturn	__attribute__((noreturn))
#define DEFAULT_PATH	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof(*(a)))

/**
 * struct request - what a session is to do, see ../session_abi.h
 * @data:	the records as they came
 * @size:	bytes of @data
 */
struct request {
	char *data;
	size_t size;
};

/**
 * request_next() - step through the records
 * @r:		the request
 * @at:		NULL to begin, else the record before
 * @letter:	which kind
 *
 * Return: the next record's text, or NULL.
 */
const char *request_next(const struct request *r, const char *at, char letter);

/* init.c */
void warn(const char *what);
void mount_all(void);
void report(int code);
int exit_code(int status);
void signal_all(int signal);
void end_all(void);

/**
 * root_set_up() - make the root and the shares that a request asks for
 * @r:		the request of the main session
 * @trouble:	result: what went wrong
 * @size:	of @trouble
 *
 * The calling process is in the new root afterwards.
 */
bool root_set_up(const struct request *r, char *trouble, size_t size);

/**
 * root_settle() - have what is to stay safe; all other processes may be ended
 */
void root_settle(void);

/**
 * serve() - run the sessions that the host asks for
 * @signals:	that are blocked and looked at here
 *
 * Return: how to reboot(), when the main session has ended.
 */
int serve(const sigset_t *signals);

/**
 * net_set_up() - set an interface up as the host wants it
 * @record:	text of a REC_NET record
 */
void net_set_up(const char *record);

/* command.c */
struct streams {
	int child[3];		/* what the command gets */
	int input;		/* ours: where its input is written, or -1 */
	int output;		/* where its output is read, or -1 */
	int error;
	bool tty;
};

/**
 * streams_make() - make a command's standard streams
 * @r:		the request
 * @s:		result
 */
bool streams_make(const struct request *r, struct streams *s);
void streams_close(struct streams *s);

/**
 * console_start() - have a shell for root on the console
 * @text:	"ROWS COLUMNS TERM"
 */
void console_start(const char *text);

/**
 * console_ended() - a process has ended: another shell, if it was that on the console
 */
void console_ended(pid_t pid);

/**
 * files_serve() - do what the host asks of files, on the standard streams
 *
 * Returns at the end of input.
 */
void files_serve(void);

/**
 * command_start() - run a request's command
 * @r:		the request
 * @s:		its streams; those of the command are closed here
 *
 * Return: its process id, which leads a process group, or -1.
 */
int command_start(const struct request *r, struct streams *s);

#endif /* INIT_H */
