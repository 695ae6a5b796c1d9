/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's side of hostfs, between its files.
 */
#ifndef _HOSTFS_H
#define _HOSTFS_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <asm/host.h>
#include <../fs/fuse/fuse_i.h>
#include "abi.h"

/**
 * struct hostfs_file - an open file that the server has handed over
 * @held:	there is one
 * @useless:	it cannot be read from here
 * @fh:		the handle it has in requests
 * @number:	for host_share_read()
 */
struct hostfs_file {
	bool held;
	bool useless;
	u64 fh;
	int number;
};

/**
 * struct hostfs_share - a directory the command line named
 * @host:	its descriptor and tag
 * @control:	shared with the server; NULL before the first mount
 * @slot:	ditto
 * @lock:	protects @free, @req, @waiting, @failed, @forgets, @forgot, @running, @file,
 *		@files, @heard
 * @free:	slots not in use
 * @lazy:	slots whose end is noticed by the work; changed bit by bit, without the lock
 * @req:	what is in a slot; NULL for a slot in use: forgets
 * @waiting:	requests that found no free slot
 * @failed:	requests to be ended with -EIO, in process context
 * @forgets:	to be sent, together
 * @forgot:	when the last of them came, in jiffies
 * @running:	requests are taken
 * @file:	what it has handed over
 * @files:	how many
 * @heard:	messages about files since the mount
 * @dead:	the server is gone
 * @event:	for host_watch()
 * @work:	ends what is done, sends what waits
 */
struct hostfs_share {
	const struct host_share *host;
	struct hostfs_control *control;
	struct hostfs_slot *slot[HOSTFS_SLOTS];
	spinlock_t lock;	/* see above */
	u64 free;
	u64 lazy;
	struct fuse_req *req[HOSTFS_SLOTS];
	struct list_head waiting;
	struct list_head failed;
	struct fuse_forget_link *forgets;
	unsigned long forgot;
	bool running;
	struct hostfs_file file[HOSTFS_FILES];
	unsigned int files;
	u32 heard;
	bool dead;
	u32 event;
	struct delayed_work work;
};

/* hostfs_ring.c */
extern const struct fuse_iqueue_ops hostfs_iqueue_ops;

/**
 * hostfs_ring_start() - have requests of a share taken
 * @share:	the share; its server is asked to begin anew
 *
 * Context: may sleep; not for two at a time.
 * Return: 0, -ENOMEM, -EIO when the server is gone.
 */
int hostfs_ring_start(struct hostfs_share *share);

/**
 * hostfs_ring_stop() - take no more requests and wait for those under way
 * @share:	the share
 *
 * Context: may sleep.
 */
void hostfs_ring_stop(struct hostfs_share *share);

/* hostfs_files.c */

/**
 * hostfs_hear() - take a message of the server, and the file that came with it
 * @share:	whose server; locked, or not mounted
 * @m:		result
 *
 * Return: 0; -EAGAIN when there is none; else the server is gone.
 */
int hostfs_hear(struct hostfs_share *share, struct hostfs_message *m);

/**
 * hostfs_file_read() - carry out a request without the server
 * @share:	the share
 * @req:	the request; ready to be ended if it was carried out
 *
 * Context: not locked.
 * Return: whether it was.
 */
bool hostfs_file_read(struct hostfs_share *share, struct fuse_req *req);

/**
 * hostfs_file_released() - give a file back, if this request is about that
 * @share:	the share
 * @req:	the request
 *
 * Context: not locked; does not sleep.
 */
void hostfs_file_released(struct hostfs_share *share, const struct fuse_req *req);

/**
 * hostfs_files_drop() - give all files back
 * @share:	the share; has no requests under way
 */
void hostfs_files_drop(struct hostfs_share *share);

/* hostfs_dirs.c */

/**
 * hostfs_dir_open() - open a directory without the server
 * @share:	the share
 * @req:	the request; ready to be ended if it was carried out
 *
 * Context: not locked.
 * Return: whether it was.
 */
bool hostfs_dir_open(struct hostfs_share *share, struct fuse_req *req);

/**
 * hostfs_dir_released() - is this the end of a directory that hostfs_dir_open() opened?
 * @req:	the request
 *
 * Context: any.
 */
bool hostfs_dir_released(const struct fuse_req *req);

/* hostfs_request.c */

/**
 * hostfs_request_put() - write a request into a slot
 * @slot:	which
 * @req:	the request
 *
 * Context: any.
 * Return: 0; -E2BIG when it does not fit.
 */
int hostfs_request_put(struct hostfs_slot *slot, struct fuse_req *req);

/**
 * hostfs_reply_get() - take a reply out of its slot
 * @slot:	which
 * @req:	whose reply; its out.h.error is set
 */
void hostfs_reply_get(const struct hostfs_slot *slot, struct fuse_req *req);

#endif /* _HOSTFS_H */
