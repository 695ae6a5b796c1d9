// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attributes: of whom files are, what the guest is shown.
 */
#include "server.h"
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

uint32_t attr_to_guest(const struct id_map *map, int n, uint32_t id)
{
	int i;

	for (i = 0; i < n; i++)
		if (map[i].host == id)
			return map[i].guest;
	return id;
}

uint32_t attr_to_host(const struct id_map *map, int n, uint32_t id)
{
	int i;

	for (i = 0; i < n; i++)
		if (map[i].guest == id)
			return map[i].host;
	return id;
}

uint64_t attr_dev(const struct statx *stx)
{
	return makedev(stx->stx_dev_major, stx->stx_dev_minor);
}

/* What programs take for their buffers: of a large file the most that one request can have. */
uint32_t attr_blksize(const struct statx *stx)
{
	return S_ISREG(stx->stx_mode) && stx->stx_size >= STREAMED_SIZE ?
	       HOSTFS_MAX_PAGES * 4096 : stx->stx_blksize;
}

void attr_stat(struct server *srv, const struct statx *stx, struct stat *st)
{
	struct options *o = &srv->opt;

	memset(st, 0, sizeof(*st));
	st->st_ino = node_inode(srv, attr_dev(stx), stx->stx_ino);
	st->st_mode = stx->stx_mode;
	st->st_nlink = stx->stx_nlink;
	st->st_uid = attr_to_guest(o->uid, o->uids, stx->stx_uid);
	st->st_gid = attr_to_guest(o->gid, o->gids, stx->stx_gid);
	st->st_rdev = makedev(stx->stx_rdev_major, stx->stx_rdev_minor);
	st->st_size = stx->stx_size;
	st->st_blksize = attr_blksize(stx);
	st->st_blocks = stx->stx_blocks;
	st->st_atim = (struct timespec){ stx->stx_atime.tv_sec, stx->stx_atime.tv_nsec };
	st->st_mtim = (struct timespec){ stx->stx_mtime.tv_sec, stx->stx_mtime.tv_nsec };
	st->st_ctim = (struct timespec){ stx->stx_ctime.tv_sec, stx->stx_ctime.tv_nsec };
}

/* For how many seconds the guest need not ask again. */
double attr_timeout(struct server *srv)
{
	switch (srv->opt.cache) {
	case CACHE_NONE:
		return 0;
	case CACHE_AUTO:
		return 1;
	default:
		return 86400;
	}
}

struct fd_name fd_name(int fd)
{
	struct fd_name n;

	snprintf(n.s, sizeof(n.s), "%d", fd);
	return n;
}
