// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/uda, /dev/udb, ...: disks that are files of the host.
 *
 * The vCPU that submits a request carries it out, by reading or writing the
 * file straight from and to the request's pages, and waits for the host.  A
 * queue for each vCPU keeps them from waiting for each other.
 *
 * Durability: what was written is in the host's page cache, and a flush (or a
 * write that asks for it) is an fdatasync() of the file.
 *
 * Limits: bytes after the last whole sector of 512 are not shown; the size is
 * that of the start; no discard.
 */
#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <asm/host.h>

#define DISK_QUEUE_DEPTH	64
#define DISK_PIECES		64	/* for one call of the host */

/**
 * struct file_disk - a disk
 * @file:	what it lies on
 * @tags:	its queues
 * @gd:		its block device
 */
struct file_disk {
	const struct host_disk *file;
	struct blk_mq_tag_set tags;
	struct gendisk *gd;
};

/**
 * struct disk_pieces - memory of a request, in the form the host wants
 * @iov:	the pieces
 * @n:		how many
 * @pos:	where in the file the first one belongs
 */
struct disk_pieces {
	struct host_iov iov[DISK_PIECES];
	unsigned int n;
	u64 pos;
};

/* Read or write all pieces, however little the host does at a time. */
static int disk_transfer(int fd, bool write, struct disk_pieces *p)
{
	struct host_iov *iov = p->iov;

	while (p->n) {
		long done = write ? host_pwritev(fd, iov, p->n, p->pos) :
				    host_preadv(fd, iov, p->n, p->pos);

		if (done < 0)
			return done;
		if (!done)
			return -EIO;	/* somebody made the file shorter */
		p->pos += done;
		for (; p->n && done >= iov->len; iov++, p->n--)
			done -= iov->len;
		if (p->n) {
			iov->base += done;
			iov->len -= done;
		}
	}
	return 0;
}

static int disk_rw(const struct file_disk *disk, struct request *rq)
{
	struct disk_pieces *p = blk_mq_rq_to_pdu(rq);
	bool write = rq_data_dir(rq) == WRITE;
	struct req_iterator iter;
	struct bio_vec bv;
	int ret;

	p->n = 0;
	p->pos = blk_rq_pos(rq) << SECTOR_SHIFT;
	rq_for_each_bvec(bv, rq, iter) {
		if (p->n == DISK_PIECES) {
			ret = disk_transfer(disk->file->fd, write, p);
			if (ret)
				return ret;
		}
		p->iov[p->n].base = bvec_virt(&bv);
		p->iov[p->n].len = bv.bv_len;
		p->n++;
	}
	ret = disk_transfer(disk->file->fd, write, p);
	if (!ret && rq->cmd_flags & REQ_FUA)
		ret = host_datasync(disk->file->fd);
	return ret;
}

static blk_status_t disk_queue_rq(struct blk_mq_hw_ctx *hctx, const struct blk_mq_queue_data *bd)
{
	const struct file_disk *disk = hctx->queue->queuedata;
	struct request *rq = bd->rq;
	int ret;

	blk_mq_start_request(rq);
	switch (req_op(rq)) {
	case REQ_OP_READ:
	case REQ_OP_WRITE:
		ret = disk_rw(disk, rq);
		break;
	case REQ_OP_FLUSH:
		ret = host_datasync(disk->file->fd);
		break;
	default:
		ret = -EOPNOTSUPP;
	}
	blk_mq_end_request(rq, errno_to_blk_status(ret));
	return BLK_STS_OK;
}

static const struct blk_mq_ops disk_mq_ops = {
	.queue_rq	= disk_queue_rq,
};

static const struct block_device_operations disk_fops = {
	.owner		= THIS_MODULE,
};

static int __init disk_init_tags(struct file_disk *disk)
{
	struct blk_mq_tag_set *tags = &disk->tags;

	tags->ops = &disk_mq_ops;
	tags->nr_hw_queues = nr_cpu_ids;
	tags->queue_depth = DISK_QUEUE_DEPTH;
	tags->numa_node = NUMA_NO_NODE;
	tags->cmd_size = sizeof(struct disk_pieces);
	tags->flags = BLK_MQ_F_SHOULD_MERGE | BLK_MQ_F_NO_SCHED_BY_DEFAULT;
	return blk_mq_alloc_tag_set(tags);
}

static int __init disk_add(unsigned int nr, const struct host_disk *file)
{
	struct queue_limits limits = {
		.features		= BLK_FEAT_WRITE_CACHE | BLK_FEAT_FUA,
		.logical_block_size	= SECTOR_SIZE,
		.physical_block_size	= SZ_4K,
		.max_hw_sectors		= SZ_1M >> SECTOR_SHIFT,
		.max_segments		= SZ_1M / PAGE_SIZE,
		.max_segment_size	= SZ_1M,
		.dma_alignment		= 3,
	};
	struct file_disk *disk = kzalloc(sizeof(*disk), GFP_KERNEL);
	int ret;

	if (!disk)
		return -ENOMEM;
	disk->file = file;
	ret = disk_init_tags(disk);
	if (ret)
		goto out_free;
	disk->gd = blk_mq_alloc_disk(&disk->tags, &limits, disk);
	if (IS_ERR(disk->gd)) {
		ret = PTR_ERR(disk->gd);
		goto out_free_tags;
	}
	disk->gd->fops = &disk_fops;
	disk->gd->private_data = disk;
	snprintf(disk->gd->disk_name, DISK_NAME_LEN, "ud%c", 'a' + nr);
	set_capacity(disk->gd, file->size >> SECTOR_SHIFT);
	set_disk_ro(disk->gd, file->readonly);
	if (file->size % SECTOR_SIZE)
		pr_warn("%s: the last %llu bytes of the file are no whole sector and not shown\n",
			disk->gd->disk_name, file->size % SECTOR_SIZE);
	ret = add_disk(disk->gd);
	if (ret)
		goto out_put_disk;
	return 0;

out_put_disk:
	put_disk(disk->gd);
out_free_tags:
	blk_mq_free_tag_set(&disk->tags);
out_free:
	kfree(disk);
	return ret;
}

static int __init file_disk_init(void)
{
	unsigned int i;

	for (i = 0; i < HOST_MAX_DISKS; i++) {
		const struct host_disk *file = &host_boot_info()->disk[i];
		int ret = file->fd < 0 ? 0 : disk_add(i, file);

		if (ret)
			pr_err("ud%c: cannot be added (%d)\n", 'a' + i, ret);
	}
	return 0;
}
device_initcall(file_disk_init);
