// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file system type hostfs: "mount -t hostfs TAG DIR".
 *
 * The file system itself is the stock FUSE client, fs/fuse; what is here finds
 * the share by its tag and joins the client to the ring.  A share that is
 * mounted in two places is one file system.
 */
#include <linux/backing-dev.h>
#include <linux/fs_context.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include "hostfs.h"

/* Read so far ahead, and have so much of the memory for what is to be written. */
#define READAHEAD	SZ_4M
#define DIRTY_PERCENT	50

static struct hostfs_share shares[HOST_MAX_SHARES];
static DEFINE_MUTEX(mount_mutex);	/* one first mount, one last umount at a time */

static struct hostfs_share *share_find(const char *tag)
{
	int i;

	for (i = 0; i < HOST_MAX_SHARES; i++)
		if (shares[i].host && !strcmp(shares[i].host->tag, tag))
			return &shares[i];
	return NULL;
}

static int hostfs_fill_super(struct super_block *sb, struct hostfs_share *share)
{
	struct fuse_fs_context ctx = {
		.rootmode		= S_IFDIR,
		.user_id		= GLOBAL_ROOT_UID,
		.group_id		= GLOBAL_ROOT_GID,
		.default_permissions	= true,
		.allow_other		= true,
		.destroy		= true,
		.no_control		= true,
		.no_force_umount	= true,
		.max_read		= UINT_MAX,
		.blksize		= 512,
	};
	struct fuse_mount *fm = get_fuse_mount_super(sb);
	int ret;

	mutex_lock(&mount_mutex);
	ret = hostfs_ring_start(share);
	if (!ret)
		ret = fuse_fill_super_common(sb, &ctx);
	if (!ret) {
		sb->s_bdi->ra_pages = READAHEAD / PAGE_SIZE;
		sb->s_bdi->io_pages = READAHEAD / PAGE_SIZE;
		bdi_set_max_ratio(sb->s_bdi, DIRTY_PERCENT);
		fuse_send_init(fm);
	}
	mutex_unlock(&mount_mutex);
	return ret;
}

static int hostfs_test_super(struct super_block *sb, struct fs_context *fsc)
{
	struct fuse_mount *fm = fsc->s_fs_info;

	return fm->fc->iq.priv == get_fuse_mount_super(sb)->fc->iq.priv;
}

static struct fuse_mount *hostfs_new_mount(struct fs_context *fsc, struct hostfs_share *share)
{
	struct fuse_conn *fc = kzalloc(sizeof(*fc), GFP_KERNEL);
	struct fuse_mount *fm = kzalloc(sizeof(*fm), GFP_KERNEL);

	if (!fc || !fm) {
		kfree(fc);
		kfree(fm);
		return NULL;
	}
	fuse_conn_init(fc, fm, fsc->user_ns, &hostfs_iqueue_ops, share);
	fc->release = fuse_free_conn;
	fc->delete_stale = true;
	fc->sync_fs = true;
	fc->use_pages_for_kvec_io = true;
	return fm;
}

static int hostfs_get_tree(struct fs_context *fsc)
{
	struct hostfs_share *share;
	struct fuse_mount *fm;
	struct super_block *sb;
	int ret;

	if (!fsc->source)
		return invalf(fsc, "hostfs: no tag named");
	share = share_find(fsc->source);
	if (!share)
		return invalf(fsc, "hostfs: no share has this tag");
	if (share->host->readonly)
		fsc->sb_flags |= SB_RDONLY;
	fm = hostfs_new_mount(fsc, share);
	if (!fm)
		return -ENOMEM;
	fsc->s_fs_info = fm;
	sb = sget_fc(fsc, hostfs_test_super, set_anon_super_fc);
	if (fsc->s_fs_info)
		fuse_mount_destroy(fm);
	if (IS_ERR(sb))
		return PTR_ERR(sb);
	if (!sb->s_root) {
		ret = hostfs_fill_super(sb, share);
		if (ret) {
			deactivate_locked_super(sb);
			return ret;
		}
		sb->s_flags |= SB_ACTIVE;
	}
	fsc->root = dget(sb->s_root);
	return 0;
}

static int hostfs_reconfigure(struct fs_context *fsc)
{
	struct super_block *sb = fsc->root->d_sb;
	struct hostfs_share *share = get_fuse_conn_super(sb)->iq.priv;

	sync_filesystem(sb);
	if (share->host->readonly && !(fsc->sb_flags & SB_RDONLY))
		return invalf(fsc, "hostfs: the share is read-only");
	return 0;
}

static const struct fs_context_operations hostfs_context_ops = {
	.get_tree	= hostfs_get_tree,
	.reconfigure	= hostfs_reconfigure,
};

static int hostfs_init_fs_context(struct fs_context *fsc)
{
	fsc->ops = &hostfs_context_ops;
	return 0;
}

static void hostfs_kill_sb(struct super_block *sb)
{
	struct fuse_mount *fm = get_fuse_mount_super(sb);

	mutex_lock(&mount_mutex);
	if (sb->s_root && fuse_mount_remove(fm))
		fuse_conn_destroy(fm);
	/* evicts inodes, which makes forgets: only then stop */
	kill_anon_super(sb);
	hostfs_ring_stop(fm->fc->iq.priv);
	mutex_unlock(&mount_mutex);
	fuse_mount_destroy(fm);
}

static struct file_system_type share_fs = {
	.name		= "hostfs",
	.init_fs_context = hostfs_init_fs_context,
	.kill_sb	= hostfs_kill_sb,
	.owner		= THIS_MODULE,
};
MODULE_ALIAS_FS("hostfs");

static int __init hostfs_init(void)
{
	int i;

	for (i = 0; i < HOST_MAX_SHARES; i++)
		if (host_boot_info()->share[i].fd >= 0)
			shares[i].host = &host_boot_info()->share[i];
	return register_filesystem(&share_fs);
}
device_initcall(hostfs_init);
