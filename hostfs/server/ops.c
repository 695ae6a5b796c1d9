// SPDX-License-Identifier: GPL-2.0-only
/*
 * libfuse's session, and the requests that it does not know.
 */
#include "server.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#ifndef FUSE_STATX
#define FUSE_STATX 52
#endif

#define READAHEAD	(4 << 20)
#define BACKGROUND	48

static void init(void *userdata, struct fuse_conn_info *conn)
{
	struct server *srv = userdata;
	unsigned int want = FUSE_CAP_ASYNC_READ | FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_DONT_MASK |
		FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_ASYNC_DIO |
		FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_POSIX_ACL;

	if (srv->opt.cache == CACHE_ALWAYS)
		want |= FUSE_CAP_WRITEBACK_CACHE | FUSE_CAP_CACHE_SYMLINKS;
	else
		want |= FUSE_CAP_AUTO_INVAL_DATA;
	conn->want = want & conn->capable;
	conn->max_readahead = READAHEAD;
	conn->max_background = BACKGROUND;
	conn->congestion_threshold = BACKGROUND * 3 / 4;
	conn->time_gran = 1;
}

static const struct fuse_lowlevel_ops ops = {
	.init = init,
	.lookup = fs_lookup,
	.forget = fs_forget,
	.forget_multi = fs_forget_multi,
	.getattr = fs_getattr,
	.setattr = fs_setattr,
	.readlink = fs_readlink,
	.mknod = fs_mknod,
	.mkdir = fs_mkdir,
	.unlink = fs_unlink,
	.rmdir = fs_rmdir,
	.symlink = fs_symlink,
	.rename = fs_rename,
	.link = fs_link,
	.open = fs_open,
	.read = fs_read,
	.write = fs_write,
	.flush = fs_flush,
	.release = fs_release,
	.fsync = fs_fsync,
	.opendir = fs_opendir,
	.readdir = fs_readdir,
	.readdirplus = fs_readdirplus,
	.releasedir = fs_release,
	.fsyncdir = fs_fsyncdir,
	.statfs = fs_statfs,
	.setxattr = fs_setxattr,
	.getxattr = fs_getxattr,
	.listxattr = fs_listxattr,
	.removexattr = fs_removexattr,
	.create = fs_create,
	.fallocate = fs_fallocate,
	.copy_file_range = fs_copy_file_range,
	.lseek = fs_lseek,
};

/* Requests do not come this way: the threads take them from guest memory. */
static ssize_t no_read(int fd, void *buf, size_t len, void *userdata)
{
	(void)fd;
	(void)buf;
	(void)len;
	(void)userdata;
	return 0;
}

static const struct fuse_custom_io io = {
	.writev = ring_writev,
	.read = no_read,
};

/* A new session, in place of one that a guest has left. */
int ops_session(struct server *srv)
{
	char *argv[] = { "kernelet-hostfs", NULL };
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	int fd;

	if (srv->se)
		fuse_session_destroy(srv->se);
	srv->se = fuse_session_new(&args, &ops, sizeof(ops), srv);
	/* libfuse closes it; nothing is written to it */
	fd = dup(srv->opt.sock);
	if (!srv->se || fd < 0)
		return ENOMEM;
	return -fuse_session_custom_io(srv->se, &io, fd);
}

void ops_handle(struct work *w)
{
	const struct fuse_in_header *in = (const void *)w->in;
	struct fuse_buf buf = { .size = w->in_len, .mem = w->in };

	switch (in->opcode) {
	case FUSE_TMPFILE:
		fs_tmpfile(w, in, in + 1);
		break;
	case FUSE_STATX:
		fs_statx(w, in, in + 1);
		break;
	case FUSE_SYNCFS:
		fs_syncfs(w, in);
		break;
	default:
		fuse_session_process_buf(w->srv->se, &buf);
	}
}
