/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The runtime directory: one directory for each guest that runs.
 *
 *   $XDG_RUNTIME_DIR/kernelet/     or /run/user/UID/kernelet, /tmp/kernelet-UID
 *     .lock                        held while a guest's directory is made or removed
 *     NAME/alive                   locked by the launcher as long as it lives
 *     NAME/control                 its socket
 *     NAME/info                    what "ps" shows: lines KEY=VALUE
 *
 * A launcher that was killed leaves its directory, without the lock: whoever
 * comes next removes it.
 */
#ifndef RUNTIME_H
#define RUNTIME_H

#include "util.h"

/**
 * struct entry - a guest's directory, as its launcher holds it
 * @dir:	descriptor, or -1
 * @alive:	the locked file
 * @listener:	the socket
 * @name:	of the guest
 */
struct entry {
	int dir;
	int alive;
	int listener;
	char *name;
};

/**
 * runtime_directory() - open it, made if need be
 *
 * Return: a descriptor, or -1.
 */
int runtime_directory(void);

/**
 * entry_create() - make the directory of a new guest
 * @e:		result
 * @name:	or NULL for one that is free
 * @info:	text of its file "info"
 *
 * Ends the program when the name is taken.
 */
void entry_create(struct entry *e, const char *name, const char *info);
void entry_remove(struct entry *e);

/**
 * entries() - the names of all guests that run
 */
struct words entries(void);

/**
 * entry_text() - all of a guest's info
 *
 * Return: a new string, or NULL when it does not run.
 */
char *entry_text(const char *name);

/**
 * entry_info() - a line of a guest's info
 * @name:	of the guest
 * @key:	which
 *
 * Return: a new string, empty when there is none.
 */
char *entry_info(const char *name, const char *key);

/**
 * entry_connect() - talk to a guest's launcher
 * @name:	of the guest
 * @trouble:	result: a new string, when there is no connection
 *
 * Return: a connected packet socket, or -1.
 */
int entry_connect(const char *name, char **trouble);

/**
 * name_check() - whether a name may be a guest's; ends the program if not
 * @option:	that it is a value of, as "--name=", or ""
 * @name:	the name
 */
void name_check(const char *option, const char *name);

#endif /* RUNTIME_H */
