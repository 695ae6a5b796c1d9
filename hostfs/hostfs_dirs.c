// SPDX-License-Identifier: GPL-2.0-only
/*
 * Directories whose listing the guest has.
 *
 * The client opens a directory at the server each time, also to read what lies
 * in its own cache.  While that listing is known to be good nothing has to be
 * asked: the directory is opened here, with HOSTFS_NO_HANDLE.  Should the client
 * find the listing of no use after all, the server reads the directory by its node.
 *
 * A listing is kept only if the server allowed it, when the directory was opened to
 * be read the first time: see may_keep() in its fs_dir.c.
 */
#include <linux/iversion.h>
#include "hostfs.h"

static int has_nodeid(struct inode *inode, void *nodeid)
{
	return get_node_id(inode) == *(u64 *)nodeid;
}

/* As the client will look at it again, when it reads. */
static bool listing_is_good(struct inode *inode)
{
	struct fuse_inode *fi = get_fuse_inode(inode);
	struct timespec64 mtime = inode_get_mtime(inode);
	bool good;

	if (!S_ISDIR(inode->i_mode) || READ_ONCE(fi->inval_mask) & STATX_MTIME ||
	    time_before64(fi->i_time, get_jiffies_64()))
		return false;
	spin_lock(&fi->rdc.lock);
	good = fi->rdc.cached && fi->rdc.iversion == inode_peek_iversion(inode) &&
	       timespec64_equal(&fi->rdc.mtime, &mtime);
	spin_unlock(&fi->rdc.lock);
	return good;
}

bool hostfs_dir_open(struct hostfs_share *share, struct fuse_req *req)
{
	struct fuse_open_out *out = req->args->out_args[0].value;
	u64 nodeid = req->in.h.nodeid;
	struct inode *inode;
	bool good;

	if (req->in.h.opcode != FUSE_OPENDIR || !READ_ONCE(share->running))
		return false;
	inode = ilookup5(req->fm->sb, nodeid, has_nodeid, &nodeid);
	if (!inode)
		return false;
	good = listing_is_good(inode);
	iput(inode);
	if (!good)
		return false;
	*out = (struct fuse_open_out){
		.fh = HOSTFS_NO_HANDLE,
		.open_flags = FOPEN_CACHE_DIR | FOPEN_KEEP_CACHE,
	};
	req->out.h.error = 0;
	return true;
}

bool hostfs_dir_released(const struct fuse_req *req)
{
	const struct fuse_release_in *in = req->args->in_args[0].value;

	return req->in.h.opcode == FUSE_RELEASEDIR && in->fh == HOSTFS_NO_HANDLE;
}
