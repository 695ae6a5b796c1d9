// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests about what objects are: lookup, attributes, links' targets.
 *
 * What needs the path of an O_PATH descriptor uses the number of that
 * descriptor: the working directory is /proc/self/fd.
 */
#include "server.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* ---- lookup -------------------------------------------------------------- */

void fs_entry_fill(struct server *srv, struct node *n, const struct statx *stx,
		   struct fuse_entry_param *e)
{
	memset(e, 0, sizeof(*e));
	e->ino = node_id(n);
	e->generation = node_generation(n);
	attr_stat(srv, stx, &e->attr);
	e->attr_timeout = attr_timeout(srv);
	e->entry_timeout = attr_timeout(srv);
}

int fs_entry(struct server *srv, struct node *dir, const char *name, struct fuse_entry_param *e)
{
	struct statx stx;
	struct node *n;
	int ret = node_lookup(srv, dir, name, &stx, &n);

	if (ret)
		return -ret;
	fs_entry_fill(srv, n, &stx, e);
	node_put(srv, n);
	return 0;
}

static bool name_hidden(struct server *srv, struct node *dir, const char *name)
{
	struct statx stx;

	return hide_any(srv) && !node_statx(srv, dir, &stx) && hide_name(srv, &stx, name);
}

void fs_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct server *srv = server_of(req);
	struct node *dir = node_get(srv, parent);
	struct fuse_entry_param e = { 0 };
	int error = ESTALE;

	if (dir)
		error = name_hidden(srv, dir, name) ? ENOENT : fs_entry(srv, dir, name, &e);
	node_put(srv, dir);
	if (error == ENOENT && srv->opt.cache != CACHE_NONE) {
		/* an entry without a node: remembered as missing */
		memset(&e, 0, sizeof(e));
		e.entry_timeout = attr_timeout(srv);
		error = 0;
	}
	if (error)
		fuse_reply_err(req, error);
	else
		fuse_reply_entry(req, &e);
}

int fs_dir_begin(struct server *srv, fuse_ino_t id, const char *name, struct node **dir)
{
	int fd;

	*dir = NULL;
	if (srv->opt.readonly)
		return -EROFS;
	*dir = node_get(srv, id);
	if (!*dir)
		return -ESTALE;
	fd = name_hidden(srv, *dir, name) ? -EACCES : node_fd(srv, *dir);
	if (fd < 0) {
		node_put(srv, *dir);
		*dir = NULL;
	}
	return fd;
}

void fs_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup)
{
	node_forget(server_of(req), ino, nlookup);
	fuse_reply_none(req);
}

void fs_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	size_t i;

	for (i = 0; i < count; i++)
		node_forget(server_of(req), forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

/* ---- attributes ---------------------------------------------------------- */

static int statx_of(struct server *srv, fuse_ino_t ino, struct statx *stx)
{
	struct node *n = node_get(srv, ino);
	int ret = n ? node_statx(srv, n, stx) : -ESTALE;

	node_put(srv, n);
	return -ret;
}

void fs_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct server *srv = server_of(req);
	struct statx stx;
	struct stat st;
	int error = statx_of(srv, ino, &stx);

	(void)fi;
	if (error) {
		fuse_reply_err(req, error);
		return;
	}
	attr_stat(srv, &stx, &st);
	fuse_reply_attr(req, &st, attr_timeout(srv));
}

/* struct fuse_statx_out of protocol 7.39, which is newer than the headers. */
struct statx_out {
	uint64_t attr_valid;
	uint32_t attr_valid_nsec;
	uint32_t flags;
	uint64_t spare[2];
	struct {
		uint32_t mask;
		uint32_t blksize;
		uint64_t attributes;
		uint32_t nlink;
		uint32_t uid;
		uint32_t gid;
		uint16_t mode;
		uint16_t pad;
		uint64_t ino;
		uint64_t size;
		uint64_t blocks;
		uint64_t attributes_mask;
		struct {
			int64_t sec;
			uint32_t nsec;
			int32_t pad;
		} atime, btime, ctime, mtime;
		uint32_t rdev_major;
		uint32_t rdev_minor;
		uint32_t dev_major;
		uint32_t dev_minor;
		uint64_t spare[14];
	} stat;
};

_Static_assert(sizeof(struct statx_out) == 32 + 256, "struct fuse_statx_out");

#define TIME(t) { (t).tv_sec, (t).tv_nsec, 0 }

void fs_statx(struct work *w, const struct fuse_in_header *in, const void *arg)
{
	struct server *srv = w->srv;
	struct options *o = &srv->opt;
	struct statx stx;
	int error = statx_of(srv, in->nodeid, &stx);
	struct statx_out out;

	(void)arg;
	if (error) {
		ring_reply(w, error, NULL, 0);
		return;
	}
	out = (struct statx_out){
		.attr_valid = attr_timeout(srv),
		.stat = {
			.mask = stx.stx_mask,
			.blksize = attr_blksize(&stx),
			.nlink = stx.stx_nlink,
			.uid = attr_to_guest(o->uid, o->uids, stx.stx_uid),
			.gid = attr_to_guest(o->gid, o->gids, stx.stx_gid),
			.mode = stx.stx_mode,
			.ino = node_inode(srv, attr_dev(&stx), stx.stx_ino),
			.size = stx.stx_size,
			.blocks = stx.stx_blocks,
			.atime = TIME(stx.stx_atime),
			.btime = TIME(stx.stx_btime),
			.ctime = TIME(stx.stx_ctime),
			.mtime = TIME(stx.stx_mtime),
			.rdev_major = stx.stx_rdev_major,
			.rdev_minor = stx.stx_rdev_minor,
		},
	};
	ring_reply(w, 0, &out, sizeof(out));
}

/* ---- changing them ------------------------------------------------------- */

static int set_mode(int fd, struct node *n, struct handle *h, mode_t mode)
{
	if (h)
		return fchmod(h->fd, mode);
	if (S_ISLNK(node_type(n))) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return fchmodat(AT_FDCWD, fd_name(fd).s, mode, 0);
}

static int set_owner(struct server *srv, int fd, const struct stat *attr, int to_set)
{
	struct options *o = &srv->opt;
	uid_t uid = to_set & FUSE_SET_ATTR_UID ? attr_to_host(o->uid, o->uids, attr->st_uid) :
		    (uid_t)-1;
	gid_t gid = to_set & FUSE_SET_ATTR_GID ? attr_to_host(o->gid, o->gids, attr->st_gid) :
		    (gid_t)-1;

	return fchownat(fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
}

static int set_size(int fd, struct node *n, struct handle *h, off_t size)
{
	int file, ret;

	if (h)
		return ftruncate(h->fd, size);
	if (!S_ISREG(node_type(n))) {
		errno = EINVAL;
		return -1;
	}
	file = openat(AT_FDCWD, fd_name(fd).s, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
	if (file < 0)
		return -1;
	ret = ftruncate(file, size);
	close(file);
	return ret;
}

static struct timespec new_time(const struct timespec *t, bool set, bool now)
{
	if (now)
		return (struct timespec){ 0, UTIME_NOW };
	return set ? *t : (struct timespec){ 0, UTIME_OMIT };
}

static int set_times(int fd, struct node *n, const struct stat *attr, int to_set)
{
	struct timespec ts[2] = {
		new_time(&attr->st_atim, to_set & FUSE_SET_ATTR_ATIME,
			 to_set & FUSE_SET_ATTR_ATIME_NOW),
		new_time(&attr->st_mtim, to_set & FUSE_SET_ATTR_MTIME,
			 to_set & FUSE_SET_ATTR_MTIME_NOW),
	};

	if (S_ISLNK(node_type(n)))
		return utimensat(fd, "", ts, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
	return utimensat(AT_FDCWD, fd_name(fd).s, ts, 0);
}

static int change(struct server *srv, struct node *n, struct handle *h, const struct stat *attr,
		  int to_set)
{
	int fd = node_fd(srv, n);

	if (fd < 0)
		return -fd;
	if (to_set & FUSE_SET_ATTR_MODE && set_mode(fd, n, h, attr->st_mode & 07777))
		return errno;
	if (to_set & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID) &&
	    set_owner(srv, fd, attr, to_set))
		return errno;
	if (to_set & FUSE_SET_ATTR_SIZE && set_size(fd, n, h, attr->st_size))
		return errno;
	if (to_set & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_ATIME_NOW |
		      FUSE_SET_ATTR_MTIME_NOW) &&
	    set_times(fd, n, attr, to_set))
		return errno;
	return 0;
}

void fs_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		struct fuse_file_info *fi)
{
	struct server *srv = server_of(req);
	struct node *n = node_get(srv, ino);
	struct handle *h = NULL;
	struct statx stx;
	struct stat st;
	int error = 0;

	if (srv->opt.readonly)
		error = EROFS;
	else if (!n)
		error = ESTALE;
	if (!error && fi) {
		h = handle_get(srv, fi->fh, ino);
		if (!h)
			error = EBADF;
	}
	error = error ?: change(srv, n, h, attr, to_set) ?: -node_statx(srv, n, &stx);
	handle_put(srv, h);
	node_put(srv, n);
	if (error) {
		fuse_reply_err(req, error);
		return;
	}
	attr_stat(srv, &stx, &st);
	fuse_reply_attr(req, &st, attr_timeout(srv));
}

/* ---- the rest ------------------------------------------------------------ */

void fs_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct server *srv = server_of(req);
	struct node *n = node_get(srv, ino);
	int fd = n ? node_fd(srv, n) : -ESTALE;
	char target[PATH_MAX + 1];
	ssize_t len;

	if (fd < 0) {
		fuse_reply_err(req, -fd);
	} else {
		len = readlinkat(fd, "", target, sizeof(target) - 1);
		target[len > 0 ? len : 0] = 0;
		if (len < 0)
			fuse_reply_err(req, errno);
		else
			fuse_reply_readlink(req, target);
	}
	node_put(srv, n);
}

void fs_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct server *srv = server_of(req);
	struct node *n = node_get(srv, ino);
	int fd = n ? node_fd(srv, n) : -ESTALE;
	struct statvfs st;

	if (fd < 0)
		fuse_reply_err(req, -fd);
	else if (fstatvfs(fd, &st))
		fuse_reply_err(req, errno);
	else
		fuse_reply_statfs(req, &st);
	node_put(srv, n);
}
