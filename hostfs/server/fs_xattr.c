// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests about extended attributes, of files and directories: through the
 * magic link of an O_PATH descriptor there is no way to a symbolic link's own.
 */
#include "server.h"
#include <errno.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <sys/xattr.h>

/* The descriptor's name; a node to put; 0 or an errno. */
static int begin(struct server *srv, fuse_ino_t ino, struct node **n, struct fd_name *path)
{
	int fd;

	*n = node_get(srv, ino);
	if (!*n)
		return ESTALE;
	if (S_ISLNK(node_type(*n)) || node_fenced(*n))
		return EOPNOTSUPP;
	fd = node_fd(srv, *n);
	if (fd < 0)
		return -fd;
	*path = fd_name(fd);
	return 0;
}

void fs_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
		 size_t size, int flags)
{
	struct server *srv = server_of(req);
	struct node *n;
	struct fd_name path;
	int error = begin(srv, ino, &n, &path);

	if (srv->opt.readonly)
		error = EROFS;
	if (!error && setxattr(path.s, name, value, size, flags))
		error = errno;
	node_put(srv, n);
	fuse_reply_err(req, error);
}

void fs_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	struct server *srv = server_of(req);
	struct node *n;
	struct fd_name path;
	int error = begin(srv, ino, &n, &path);

	if (srv->opt.readonly)
		error = EROFS;
	if (!error && removexattr(path.s, name))
		error = errno;
	node_put(srv, n);
	fuse_reply_err(req, error);
}

/* @name NULL: the list of names */
static void get(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct server *srv = server_of(req);
	struct node *n;
	struct fd_name path;
	char *buf = NULL;
	ssize_t len = -1;
	int error = begin(srv, ino, &n, &path);

	if (size > XATTR_SIZE_MAX)
		size = XATTR_SIZE_MAX;
	if (!error && size) {
		buf = malloc(size);
		if (!buf)
			error = ENOMEM;
	}
	if (!error) {
		len = name ? getxattr(path.s, name, buf, size) : listxattr(path.s, buf, size);
		error = len < 0 ? errno : 0;
	}
	node_put(srv, n);
	/* a link has none */
	if (error == EOPNOTSUPP && !name) {
		error = 0;
		len = 0;
	}
	if (error)
		fuse_reply_err(req, error);
	else if (size)
		fuse_reply_buf(req, buf, len);
	else
		fuse_reply_xattr(req, len);
	free(buf);
}

void fs_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	get(req, ino, name, size);
}

void fs_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	get(req, ino, NULL, size);
}
