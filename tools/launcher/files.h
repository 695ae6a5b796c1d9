/* SPDX-License-Identifier: GPL-2.0-only */
/* The host's side of a guest's files, see ../files_abi.h. */
#ifndef FILES_H
#define FILES_H

#include <sys/stat.h>
#include "../files_abi.h"
#include "util.h"

/**
 * struct files - a connection to the server of files in a guest
 * @fd:		where requests are written and replies read; at its end when the
 *		guest has gone
 * @end:	when there is something to read here, an answer is not waited for any more;
 *		or -1
 * @lost:	it answered nonsense, or not at all: nothing is asked any more
 */
struct files {
	int fd;
	int end;
	bool lost;
};

/**
 * files_open() - have a guest serve its files
 * @f:		result
 * @name:	of the guest; the program ends when it does not run
 * @root:	as root, not as the caller
 */
void files_open(struct files *f, const char *name, bool root);

/**
 * files_call() - one request
 * @f:		the connection
 * @r:		the request, but for the lengths
 * @path:	in the guest, or NULL
 * @data:	@n bytes that go with it
 * @n:		at most FILES_DATA
 * @reply:	result
 * @out:	result: the reply's data
 * @room:	bytes at @out: more is an error, and so is less if @exact
 * @exact:	the data have this size and no other
 *
 * Return: 0, or a negative errno; -EIO when the guest does not answer.
 */
int files_call(struct files *f, struct files_request *r, const char *path, const void *data,
	       size_t n, struct files_reply *reply, void *out, size_t room, bool exact);

/**
 * files_simple() - a request whose reply has no data
 */
int files_simple(struct files *f, struct files_request r, const char *path, const char *text);

/**
 * files_stat() - attributes of what a path names; of a link itself
 */
int files_stat(struct files *f, const char *path, struct stat *st);

/**
 * files_readlink() - what a link names
 * @target:	result, with its NUL
 */
int files_readlink(struct files *f, const char *path, char target[FILES_PATH]);

/**
 * files_list() - go through a directory
 * @path:	the directory
 * @each:	called for every entry but . and ..; what is not 0 ends it
 * @arg:	its argument
 *
 * A name that no file can have ends it too, with -EIO, and more than FILES_ENTRIES
 * names with -E2BIG, as a guest need not ever come to an end.
 */
#define FILES_ENTRIES	1000000
int files_list(struct files *f, const char *path,
	       int (*each)(void *arg, const char *name, const struct stat *st), void *arg);

#endif /* FILES_H */
