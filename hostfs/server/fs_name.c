// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests that make, remove and move names.
 */
#include "server.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- making -------------------------------------------------------------- */

/*
 * The new object belongs to the guest's caller, where we may say so: as root
 * with CAP_CHOWN. Otherwise it belongs to the user who started us.
 */
static int give_away(struct server *srv, fuse_req_t req, int dirfd, const char *name)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct options *o = &srv->opt;
	struct statx stx;
	gid_t gid = attr_to_host(o->gid, o->gids, ctx->gid);

	if (geteuid())
		return 0;
	/* a directory with set-group-id passes its group on */
	if (!statx(dirfd, "", AT_EMPTY_PATH, STATX_MODE, &stx) && stx.stx_mode & S_ISGID)
		gid = -1;
	return fchownat(dirfd, name, attr_to_host(o->uid, o->uids, ctx->uid), gid,
			AT_SYMLINK_NOFOLLOW);
}

static void reply_new(fuse_req_t req, struct node *dir, const char *name, int ret)
{
	struct server *srv = server_of(req);
	struct fuse_entry_param e;
	int error = ret ? errno : fs_entry(srv, dir, name, &e);

	if (error)
		fuse_reply_err(req, error);
	else if (fuse_reply_entry(req, &e))
		node_forget(srv, e.ino, 1);
}

void fs_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	struct server *srv = server_of(req);
	struct node *dir;
	int fd = fs_dir_begin(srv, parent, name, &dir);
	int ret;

	if (fd < 0) {
		fuse_reply_err(req, -fd);
		return;
	}
	umask_begin(srv, fuse_req_ctx(req)->umask);
	ret = mknodat(fd, name, mode, rdev);
	umask_end(srv);
	reply_new(req, dir, name, ret ?: give_away(srv, req, fd, name));
	node_put(srv, dir);
}

void fs_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct server *srv = server_of(req);
	struct node *dir;
	int fd = fs_dir_begin(srv, parent, name, &dir);
	int ret;

	if (fd < 0) {
		fuse_reply_err(req, -fd);
		return;
	}
	umask_begin(srv, fuse_req_ctx(req)->umask);
	ret = mkdirat(fd, name, mode & 07777);
	umask_end(srv);
	reply_new(req, dir, name, ret ?: give_away(srv, req, fd, name));
	node_put(srv, dir);
}

void fs_symlink(fuse_req_t req, const char *link, fuse_ino_t parent, const char *name)
{
	struct server *srv = server_of(req);
	struct node *dir;
	int fd = fs_dir_begin(srv, parent, name, &dir);

	if (fd < 0) {
		fuse_reply_err(req, -fd);
		return;
	}
	reply_new(req, dir, name, symlinkat(link, fd, name) ?: give_away(srv, req, fd, name));
	node_put(srv, dir);
}

void fs_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t newparent, const char *newname)
{
	struct server *srv = server_of(req);
	struct node *n = node_get(srv, ino);
	struct node *dir = NULL;
	int fd = fs_dir_begin(srv, newparent, newname, &dir);
	int from = fd < 0 ? fd : n ? node_fd(srv, n) : -ESTALE;

	if (from < 0) {
		fuse_reply_err(req, -from);
	} else {
		/* the magic link is followed to what was opened, also a link, no further */
		reply_new(req, dir, newname,
			  linkat(AT_FDCWD, fd_name(from).s, fd, newname, AT_SYMLINK_FOLLOW));
	}
	node_put(srv, dir);
	node_put(srv, n);
}

/* ---- removing ------------------------------------------------------------ */

static void remove_name(fuse_req_t req, fuse_ino_t parent, const char *name, int flags)
{
	struct server *srv = server_of(req);
	struct node *dir, *n;
	int fd = fs_dir_begin(srv, parent, name, &dir);
	bool last;
	int error = 0;

	if (fd < 0) {
		fuse_reply_err(req, -fd);
		return;
	}
	n = node_named(srv, dir, name, &last);
	if (unlinkat(fd, name, flags))
		error = errno;
	else if (n)
		node_unname(srv, dir, name, n, last);
	node_put(srv, n);
	node_put(srv, dir);
	fuse_reply_err(req, error);
}

void fs_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	remove_name(req, parent, name, 0);
}

void fs_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	remove_name(req, parent, name, AT_REMOVEDIR);
}

/* ---- moving -------------------------------------------------------------- */

struct move {
	struct node *from, *to;
	const char *name, *newname;
	unsigned int flags;
};

static int move(struct server *srv, const struct move *m, int from, int to)
{
	bool last = false;
	struct node *lost = NULL;
	int error = 0;

	if (!(m->flags & RENAME_EXCHANGE))
		lost = node_named(srv, m->to, m->newname, &last);
	if (syscall(SYS_renameat2, from, m->name, to, m->newname, m->flags)) {
		error = errno;
	} else {
		/* two names of one object: nothing was done */
		if (lost && faccessat(from, m->name, F_OK, AT_SYMLINK_NOFOLLOW))
			node_unname(srv, m->to, m->newname, lost, last);
		node_rename(srv, m->to, m->newname);
		if (m->flags & RENAME_EXCHANGE)
			node_rename(srv, m->from, m->name);
	}
	node_put(srv, lost);
	return error;
}

void fs_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent,
	       const char *newname, unsigned int flags)
{
	struct server *srv = server_of(req);
	struct move m = { .name = name, .newname = newname, .flags = flags };
	int from = fs_dir_begin(srv, parent, name, &m.from);
	int to = from < 0 ? from : fs_dir_begin(srv, newparent, newname, &m.to);
	int error = to < 0 ? -to : 0;

	/* a whiteout is a device node: not for a guest to make on the host */
	if (!error && flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE))
		error = EINVAL;
	if (!error)
		error = move(srv, &m, from, to);
	node_put(srv, m.from);
	node_put(srv, m.to);
	fuse_reply_err(req, error);
}
