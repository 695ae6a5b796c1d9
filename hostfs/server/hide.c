// SPDX-License-Identifier: GPL-2.0-only
/*
 * What --hide names is not there for the guest: by its name in its directory,
 * so that a new file in its place is hidden too, and by its inode, so that
 * another name does not show it.  (Of a directory that goes for itself: another
 * hard link of a file in it, elsewhere, is seen.)
 *
 * Of a path that does not exist the first missing component is hidden: it
 * cannot come to be either. A symbolic link on the way is hidden itself and
 * followed within the share.
 */
#include "server.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct place {
	uint64_t dir_dev, dir_ino;
	char *name;
	uint64_t dev, ino;	/* 0, 0: does not exist */
};

struct hidden {
	struct place place[MAX_HIDDEN * 2];
	int n;
};

static int look(int fd, const char *name, struct statx *stx)
{
	return statx(fd, name, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, STATX_TYPE | STATX_INO, stx);
}

static void add(struct hidden *h, const struct statx *dir, const char *name,
		const struct statx *object)
{
	struct place *p = &h->place[h->n];

	if (h->n == MAX_HIDDEN * 2)
		usage_error("--hide", "too many");
	*p = (struct place){ attr_dev(dir), dir->stx_ino, strdup(name), 0, 0 };
	if (object) {
		p->dev = attr_dev(object);
		p->ino = object->stx_ino;
	}
	h->n++;
}

static int open_in_root(int dir, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	return syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

/* @path leads from the share's root; it is taken apart. */
static void hide_path(struct hidden *h, int root, char *path)
{
	char *c, *save = NULL, walked[PATH_MAX] = ".";
	struct statx dir, object;
	int fd = dup(root);

	for (c = strtok_r(path, "/", &save); c && fd >= 0; ) {
		char *next = strtok_r(NULL, "/", &save);
		bool exists;
		size_t len = strlen(walked);

		if (!strcmp(c, "..") || len + strlen(c) + 2 > sizeof(walked))
			usage_error("--hide", "a path with .. or too long");
		if (look(fd, "", &dir))
			break;
		exists = !look(fd, c, &object);
		if (!exists || !next || S_ISLNK(object.stx_mode))
			add(h, &dir, c, exists ? &object : NULL);
		walked[len] = '/';
		strcpy(walked + len + 1, c);
		close(fd);
		fd = exists ? open_in_root(root, walked) : NO_FD;
		/* a link that was the last: what it leads to */
		if (fd >= 0 && !next && S_ISLNK(object.stx_mode) && !look(fd, "", &object))
			add(h, &dir, c, &object);
		c = next;
	}
	if (fd >= 0)
		close(fd);
}

int hide_start(struct server *srv)
{
	int i;

	srv->hidden = calloc(1, sizeof(*srv->hidden));
	if (!srv->hidden)
		return ENOMEM;
	for (i = 0; i < srv->opt.hides; i++) {
		char *path = strdup(srv->opt.hide[i]);

		if (!path)
			return ENOMEM;
		hide_path(srv->hidden, srv->opt.dir, path);
		free(path);
	}
	return 0;
}

bool hide_any(struct server *srv)
{
	return srv->hidden->n;
}

bool hide_name(struct server *srv, const struct statx *dir, const char *name)
{
	int i;

	for (i = 0; i < srv->hidden->n; i++) {
		const struct place *p = &srv->hidden->place[i];

		if (p->dir_ino == dir->stx_ino && p->dir_dev == attr_dev(dir) &&
		    !strcmp(p->name, name))
			return true;
	}
	return false;
}

bool hide_object(struct server *srv, uint64_t dev, uint64_t ino)
{
	int i;

	for (i = 0; i < srv->hidden->n; i++)
		if (srv->hidden->place[i].ino == ino && srv->hidden->place[i].dev == dev)
			return true;
	return false;
}
