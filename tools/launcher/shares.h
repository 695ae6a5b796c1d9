/* SPDX-License-Identifier: GPL-2.0-only */
/* What of the host's files a guest sees: its root and its shares. */
#ifndef SHARES_H
#define SHARES_H

#include "machine.h"
#include "session.h"

#define MAX_SHARES	16

/**
 * struct share - a directory of the host for the guest
 * @tag:	its name between host and guest
 * @host:	path on the host
 * @guest:	place in the guest, NULL for the root
 * @mode:	ro, rw or overlay
 * @modules:	what the kernel can load: init knows the place
 * @dir:	descriptor of the directory
 * @socket:	the server's end
 * @ready:	by which the server says that it can serve
 */
struct share {
	char *tag;
	char *host;
	char *guest;
	const char *mode;
	bool modules;
	int dir;
	int socket;
	int ready;
};

enum root_kind {
	ROOT_BUILTIN,		/* the one in the kernel image */
	ROOT_DIRECTORY,
	ROOT_IMAGE,
	ROOT_ARCHIVE,
};

/**
 * struct shares - all of it
 * @kind:	of the root
 * @root:	what --root named, NULL for the default
 * @root_fd:	of an image or archive
 * @lock:	a descriptor of the same open file, which holds the lock; or -1
 * @reading:	of an archive: how far the guest has read it, by its offset; or -1
 * @record:	what the guest's init is told of the root, or NULL
 * @writable:	what is written to the root stays
 * @is_host:	the root is the host's
 * @share:	directories; the first is the root if it is one
 * @n:		how many
 * @hidden:	paths of the host that no guest sees
 * @maps:	--volume-map, for the servers
 * @modules:	path of what the kernel can load, or NULL
 * @cache:	of shares that both sides may change, or NULL
 * @unconfined:	the servers are not confined either
 * @verbose:	the servers say how they are confined
 * @server:	the program that serves directories, or NULL
 */
struct shares {
	enum root_kind kind;
	const char *root;
	int root_fd;
	int lock;
	int reading;
	char *record;
	bool writable;
	bool is_host;
	struct share share[MAX_SHARES];
	size_t n;
	struct words hidden;
	struct words maps;
	const char *modules;
	const char *cache;
	bool unconfined;
	bool verbose;
	char *server;
};

/**
 * shares_root() - choose the root
 * @sh:		result, empty
 * @root:	path, "builtin", or NULL for the host's own
 * @persist:	keep what is written
 */
void shares_root(struct shares *sh, const char *root, bool persist);

/**
 * shares_unlock() - let others have the image
 *
 * The guest has ended; the host may take some time over the last of its io_uring,
 * which holds the same open file.
 */
void shares_unlock(struct shares *sh);

/**
 * shares_add() - a --share option: HOST[:GUEST][:ro|rw|overlay]
 */
void shares_add(struct shares *sh, const char *text);

/**
 * shares_modules() - have the guest find what its kernel can load
 * @kernel:	the kernel's path: a directory "modules" beside it holds them
 *
 * The built-in root has no use for them.
 */
void shares_modules(struct shares *sh, const char *kernel);

/**
 * shares_map() - check and take --volume-map
 * @maps:	uid:HOST:GUEST or gid:HOST:GUEST
 */
void shares_map(struct shares *sh, const struct words *maps);

/**
 * shares_cache() - check and take --cache
 * @mode:	or NULL
 */
void shares_cache(struct shares *sh, const char *mode);

/**
 * shares_hide() - find out what is hidden
 * @more:	--hide
 * @none:	--no-hide: nothing of the list; "all" of it
 */
void shares_hide(struct shares *sh, const struct words *more, const struct words *none);

/**
 * shares_check_hidden() - end the program if what is shown is hidden as a whole
 */
void shares_check_hidden(const struct shares *sh);

/**
 * shares_hidden_list() - the default list, for people
 */
void shares_hidden_list(FILE *out);

/**
 * shares_request() - tell the guest's init and the kernel
 */
void shares_request(struct shares *sh, struct session *s, struct machine *m);

/**
 * shares_start() - start the servers; to be called before machine_start()
 */
void shares_start(struct shares *sh);

/**
 * shares_wait() - wait until they can serve; ends the program if one cannot
 */
void shares_wait(struct shares *sh);

#endif /* SHARES_H */
