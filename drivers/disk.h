/* SPDX-License-Identifier: GPL-2.0-only */
/* Disks that are files of the host: what the driver's parts share. */
#ifndef _DRIVERS_DISK_H
#define _DRIVERS_DISK_H

#include <linux/blk-mq.h>
#include <linux/ktime.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <asm/host.h>

#define DISK_QUEUE_DEPTH	64
#define DISK_PIECES		128	/* of memory in a request */

struct cow;

/**
 * struct disk_limit - requests or bytes in a time
 * @rate:	so many a second, or 0 for any number
 * @free_at:	when what was let through has had its time
 */
struct disk_limit {
	u64 rate;
	u64 free_at;
};

/**
 * struct disk - a disk
 * @host:	its files
 * @cow:	its overlays, or NULL
 * @tags:	its queues
 * @gd:		its block device
 * @leaving:	it is being removed: nobody may open it (open_mutex)
 * @no_nowait:	the host has no answer to host_disk_try() for its file
 * @limit_lock:	of @iops and @bps
 * @iops:	limit of requests
 * @bps:	limit of bytes
 */
struct disk {
	const struct host_disk *host;
	struct cow *cow;
	struct blk_mq_tag_set tags;
	struct gendisk *gd;
	bool leaving;
	bool no_nowait;
	spinlock_t limit_lock;		/* @iops, @bps */
	struct disk_limit iops;
	struct disk_limit bps;
};

/* What a request to a disk with overlays is at: disk_cow.c */
enum disk_phase {
	DISK_DATA,		/* reading or writing what is asked for */
	DISK_FILL,		/* reading a block that is written to in part */
	DISK_BLOCK,		/* writing that block */
	DISK_FLUSH_DATA,	/* flush: a sync before the map */
	DISK_FLUSH_MAP,		/* the map */
	DISK_FLUSH_END,		/* and a sync after it */
};

/**
 * struct disk_request - a request under way
 * @op:		what the host does for it now
 * @disk:	the disk
 * @done:	bytes of it that are finished
 * @step:	bytes that @op is about
 * @phase:	where it is
 * @synced:	a disk with "sync": it has been made durable
 * @block:	first block that it has claimed
 * @blocks:	how many
 * @filled:	DISK_FILL, DISK_BLOCK: bytes of the block
 * @bounce:	that block
 * @page:	DISK_FLUSH_MAP: the map's page
 * @wait:	in a list of those that wait
 * @batch:	flushes that are done with this one
 * @iov:	pieces of memory for @op
 */
struct disk_request {
	struct host_disk_op op;
	struct disk *disk;
	u64 done;
	u64 step;
	enum disk_phase phase;
	bool synced;
	u64 block;
	unsigned int blocks;
	u32 filled;
	void *bounce;
	unsigned long page;
	struct list_head wait;
	struct list_head batch;
	struct host_iov iov[DISK_PIECES];
};

static inline struct request *disk_rq(struct disk_request *r)
{
	return blk_mq_rq_from_pdu(r);
}

static inline u64 disk_rq_pos(struct disk_request *r)
{
	return (u64)blk_rq_pos(disk_rq(r)) << SECTOR_SHIFT;
}

/* What the next step of a request is. */
enum disk_next {
	DISK_OP,	/* carry out @op */
	DISK_AGAIN,	/* something was done without it: ask again */
	DISK_DONE,	/* nothing is left */
	DISK_WAIT,	/* it is in somebody's list and will be asked again */
};

/* disk.c */
int disk_add(unsigned int nr);
int disk_remove(unsigned int nr);
int disk_counts(unsigned int nr, struct host_disk_counts *counts);

/* disk_rw.c */
void disk_start(struct disk_request *r);
void disk_go_on(struct disk_request *r);
void disk_end(struct disk_request *r, int error);
void disk_memory(struct disk_request *r, u64 len);

/* disk_cow.c */
int cow_open(struct disk *disk);
void cow_close(struct disk *disk);
enum disk_next cow_next(struct disk_request *r, int *error);
int cow_step_done(struct disk_request *r, long result);
void cow_failed(struct disk_request *r, int error);

#endif /* _DRIVERS_DISK_H */
