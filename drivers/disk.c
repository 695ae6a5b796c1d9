// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/uda, /dev/udb, ...: disks that are files of the host.
 *
 * This is the block device: its queues, one for each vCPU, its limits, its place
 * in sysfs.  What becomes of a request is in disk_rw.c, of overlays in disk_cow.c.
 *
 * Durability: what was written is in the host's page cache (or on its disk, with
 * "direct"), and a flush, or a write that asks for it, is an fdatasync() of the
 * file.
 */
#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/init.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/part_stat.h>
#include <linux/reboot.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include "disk.h"

/* What limits let through at once, in time, and how often they look again. */
#define LIMIT_BURST_NS		(20 * NSEC_PER_MSEC)

/* --- iops= and bps= -------------------------------------------------------------- */

static bool limit_waits(const struct disk_limit *l, u64 now)
{
	return l->rate && l->free_at > now + LIMIT_BURST_NS;
}

static void limit_take(struct disk_limit *l, u64 now, u64 amount)
{
	if (l->rate)
		l->free_at = max(l->free_at, now) + mul_u64_u64_div_u64(amount, NSEC_PER_SEC,
									 l->rate);
}

/* Whether a request may begin now; then it is counted. */
static bool disk_may(struct disk *disk, struct request *rq)
{
	bool may;
	u64 now;

	if (!disk->iops.rate && !disk->bps.rate)
		return true;
	spin_lock_irq(&disk->limit_lock);
	now = ktime_get_ns();
	may = !limit_waits(&disk->iops, now) && !limit_waits(&disk->bps, now);
	if (may) {
		limit_take(&disk->iops, now, 1);
		if (req_op(rq) == REQ_OP_READ || req_op(rq) == REQ_OP_WRITE)
			limit_take(&disk->bps, now, blk_rq_bytes(rq));
	}
	spin_unlock_irq(&disk->limit_lock);
	return may;
}

/* --- queues ---------------------------------------------------------------------- */

static blk_status_t disk_queue_rq(struct blk_mq_hw_ctx *hctx, const struct blk_mq_queue_data *bd)
{
	struct disk *disk = hctx->queue->queuedata;
	struct disk_request *r = blk_mq_rq_to_pdu(bd->rq);

	if (!disk_may(disk, bd->rq)) {
		blk_mq_delay_run_hw_queue(hctx, LIMIT_BURST_NS / NSEC_PER_MSEC / 2);
		return BLK_STS_DEV_RESOURCE;
	}
	blk_mq_start_request(bd->rq);
	r->disk = disk;
	disk_start(r);
	return BLK_STS_OK;
}

static const struct blk_mq_ops disk_mq_ops = {
	.queue_rq	= disk_queue_rq,
};

static void disk_free(struct gendisk *gd)
{
	kfree(gd->private_data);
}

/* Context: open_mutex. */
static int disk_open(struct gendisk *gd, blk_mode_t mode)
{
	const struct disk *disk = gd->private_data;

	return disk->leaving ? -ENXIO : 0;
}

static const struct block_device_operations disk_fops = {
	.owner		= THIS_MODULE,
	.open		= disk_open,
	.free_disk	= disk_free,
};

static int disk_init_tags(struct disk *disk)
{
	struct blk_mq_tag_set *tags = &disk->tags;

	tags->ops = &disk_mq_ops;
	tags->nr_hw_queues = nr_cpu_ids;
	tags->queue_depth = DISK_QUEUE_DEPTH;
	tags->numa_node = NUMA_NO_NODE;
	tags->cmd_size = sizeof(struct disk_request);
	tags->flags = BLK_MQ_F_SHOULD_MERGE | BLK_MQ_F_NO_SCHED_BY_DEFAULT;
	return blk_mq_alloc_tag_set(tags);
}

/* --- sysfs ----------------------------------------------------------------------- */

static ssize_t serial_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct disk *disk = dev_to_disk(dev)->private_data;

	return sysfs_emit(buf, "%s\n", disk->host->serial);
}
static DEVICE_ATTR_RO(serial);

static struct attribute *disk_attrs[] = {
	&dev_attr_serial.attr,
	NULL
};
ATTRIBUTE_GROUPS(disk);

/* --- disks ----------------------------------------------------------------------- */

static void disk_limits(const struct disk *disk, struct queue_limits *limits)
{
	const struct host_disk *host = disk->host;

	*limits = (struct queue_limits) {
		.features		= BLK_FEAT_WRITE_CACHE,
		.logical_block_size	= host->block,
		.physical_block_size	= SZ_4K,
		.max_hw_sectors		= SZ_1M >> SECTOR_SHIFT,
		.max_segments		= DISK_PIECES,
		.max_segment_size	= SZ_1M,
		.dma_alignment		= host->align - 1,
	};
	/* an overlay's write is durable when its map is: the block layer adds a flush */
	if (!disk->cow)
		limits->features |= BLK_FEAT_FUA;
	if (host->sync)
		limits->features = 0;
	if (host->discard && !host->readonly) {
		limits->max_hw_discard_sectors = SZ_1G >> SECTOR_SHIFT;
		limits->discard_granularity = SZ_4K;
		limits->max_write_zeroes_sectors = SZ_1G >> SECTOR_SHIFT;
	}
}

static int disk_make(struct disk *disk, unsigned int nr)
{
	const struct host_disk *host = disk->host;
	struct queue_limits limits;
	int ret;

	disk_limits(disk, &limits);
	disk->gd = blk_mq_alloc_disk(&disk->tags, &limits, disk);
	if (IS_ERR(disk->gd))
		return PTR_ERR(disk->gd);
	disk->gd->fops = &disk_fops;
	disk->gd->private_data = disk;
	snprintf(disk->gd->disk_name, DISK_NAME_LEN, "ud%c", 'a' + nr);
	set_capacity(disk->gd, host->size >> SECTOR_SHIFT);
	set_disk_ro(disk->gd, host->readonly);
	ret = device_add_disk(NULL, disk->gd, disk_groups);
	if (ret) {
		disk->gd->private_data = NULL;	/* the caller's again */
		put_disk(disk->gd);
		return ret;
	}
	pr_info("%s: %llu sectors of 512 bytes, %u file(s)%s%s, by %s\n", disk->gd->disk_name,
		host->size >> SECTOR_SHIFT, host->layers, host->readonly ? ", read-only" : "",
		host->direct ? ", direct" : "", host_disk_engine(host));
	return 0;
}

/* By number.  Changed at start and then by the work of disk_hotplug.c alone. */
static struct disk *disks[HOST_MAX_DISKS];

/**
 * disk_add() - make a disk of the files that it has been given
 * @nr:		its number
 *
 * Context: may sleep.
 */
int disk_add(unsigned int nr)
{
	const struct host_disk *host = &host_boot_info()->disk[nr];
	struct disk *disk = kzalloc(sizeof(*disk), GFP_KERNEL);
	int ret;

	if (!disk)
		return -ENOMEM;
	disk->host = host;
	spin_lock_init(&disk->limit_lock);
	disk->iops.rate = host->iops;
	disk->bps.rate = host->bps;
	ret = cow_open(disk);
	if (ret)
		goto out_free;
	ret = disk_init_tags(disk);
	if (ret)
		goto out_close;
	ret = disk_make(disk, nr);
	if (ret)
		goto out_free_tags;
	disks[nr] = disk;
	return 0;

out_free_tags:
	blk_mq_free_tag_set(&disk->tags);
out_close:
	cow_close(disk);
out_free:
	kfree(disk);
	return ret;
}

/* Nobody who opens it from now on gets it; fails when somebody has it open. */
static int disk_close_door(struct disk *disk)
{
	struct gendisk *gd = disk->gd;
	int ret = 0;

	mutex_lock(&gd->open_mutex);
	if (disk_openers(gd))
		ret = -EBUSY;
	else
		disk->leaving = true;
	mutex_unlock(&gd->open_mutex);
	return ret;
}

/**
 * disk_remove() - the end of a disk
 * @nr:		its number
 *
 * Context: may sleep.
 * Return: 0; -EBUSY when it is in use.
 */
int disk_remove(unsigned int nr)
{
	struct disk *disk = disks[nr];
	unsigned long end = jiffies + HZ / 10;
	int ret;

	if (!disk)
		return -ENODEV;
	/* what a kernel thread had open, to look for partitions, it closes some jiffies later */
	while ((ret = disk_close_door(disk)) && time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
	if (ret)
		return ret;
	/* what an overlay has been told is in its map only after a flush */
	blkdev_issue_flush(disk->gd->part0);
	disks[nr] = NULL;
	pr_info("%s: removed\n", disk->gd->disk_name);
	del_gendisk(disk->gd);
	blk_mq_free_tag_set(&disk->tags);
	cow_close(disk);
	put_disk(disk->gd);
	return 0;
}

/**
 * disk_counts() - what has been done with a disk
 * @nr:		its number
 * @counts:	result
 */
int disk_counts(unsigned int nr, struct host_disk_counts *counts)
{
	struct block_device *part;

	if (!disks[nr])
		return -ENODEV;
	part = disks[nr]->gd->part0;
	*counts = (struct host_disk_counts) {
		.reads = part_stat_read(part, ios[STAT_READ]),
		.writes = part_stat_read(part, ios[STAT_WRITE]),
		.read = part_stat_read(part, sectors[STAT_READ]) << SECTOR_SHIFT,
		.written = part_stat_read(part, sectors[STAT_WRITE]) << SECTOR_SHIFT,
	};
	return 0;
}

/* A guest that ends is not to lose what overlays hold, synced or not. */
static int disks_flush(struct notifier_block *nb, unsigned long action, void *data)
{
	unsigned int i;

	for (i = 0; i < HOST_MAX_DISKS; i++)
		if (disks[i] && disks[i]->cow && !disks[i]->host->readonly)
			blkdev_issue_flush(disks[i]->gd->part0);
	return NOTIFY_DONE;
}

static struct notifier_block disks_reboot = { .notifier_call = disks_flush };

static int __init disk_init(void)
{
	unsigned int i;

	for (i = 0; i < HOST_MAX_DISKS; i++) {
		int ret = host_boot_info()->disk[i].layers ? disk_add(i) : 0;

		if (ret)
			pr_err("ud%c: cannot be added (%d)\n", 'a' + i, ret);
	}
	return register_reboot_notifier(&disks_reboot);
}
device_initcall(disk_init);
