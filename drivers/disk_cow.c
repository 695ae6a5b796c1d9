// SPDX-License-Identifier: GPL-2.0-only
/*
 * Disks with overlays: which file has a block, and what is written when.
 *
 * cow_format.h has the format and what it promises.
 *
 * Theory of operation
 *
 * The maps of all layers are in memory.  A read goes to the first layer that has
 * the block, in runs of blocks that lie in the same layer.  A write to a block
 * that the top layer has is a write there.  Else the block is claimed, so that
 * only one request makes it; one that writes to a part of it reads the rest from
 * below first.  When the data is written the block is "present", and from then on
 * read from the top layer.
 *
 * A flush takes a copy of the map's pages that have changed, then has the data on
 * the disk, then writes the copies, then has those on the disk.  A block that
 * becomes present meanwhile is left to the next flush.  There is one flush at a
 * time; those that come meanwhile are done together by the next one.
 *
 * Bits are never cleared: a discarded block is a hole that is present.  One that
 * the top layer does not have is left alone by a discard.
 */
#include <linux/bitmap.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include "cow_format.h"
#include "disk.h"

#define MAP_PAGE_BITS	(COW_MAP_PAGE * 8)

/**
 * struct cow_layer - a file of the disk
 * @host:	which
 * @shift:	log2 of its block size
 * @map_at:	where in the file the map is
 * @data_at:	where in the file the disk begins
 * @present:	its map, or NULL for a raw file, which has everything
 */
struct cow_layer {
	const struct host_disk_layer *host;
	unsigned int shift;
	u64 map_at;
	u64 data_at;
	unsigned long *present;
};

/**
 * struct cow - the overlays of a disk
 * @layers:	files, the raw one included
 * @pages:	of the top one's map
 * @lock:	of the rest, and of changes to the top one's @present
 * @claimed:	blocks that a request is making
 * @stored:	the map as it is, or is about to be, in the file
 * @dirty:	pages of the map that differ from @stored
 * @storing:	pages that the present flush has to write
 * @waiting:	requests for blocks that are claimed, or for memory
 * @flushes:	flushes that wait for the present one
 * @flushing:	there is one
 * @again:	has them go on
 * @layer:	the files, top first
 */
struct cow {
	unsigned int layers;
	unsigned long pages;
	spinlock_t lock;		/* what follows, and changes to present */
	unsigned long *claimed;
	unsigned long *stored;
	unsigned long *dirty;
	unsigned long *storing;
	struct list_head waiting;
	struct list_head flushes;
	bool flushing;
	struct work_struct again;
	struct cow_layer layer[];
};

/* --- where a block is -------------------------------------------------------------- */

/*
 * The first layer from @from on that has what is at @pos, and how much of @len lies
 * in it too.  Return: its number, or -1 for zeros.
 */
static int cow_find(const struct cow *cow, unsigned int from, u64 pos, u64 *len)
{
	unsigned int i;

	for (i = from; i < cow->layers; i++) {
		const struct cow_layer *l = &cow->layer[i];
		u64 block = pos >> l->shift, end;

		if (pos >= l->host->size)
			return -1;
		*len = min(*len, l->host->size - pos);
		if (!l->present)
			return i;
		end = ((pos + *len - 1) >> l->shift) + 1;
		if (test_bit(block, l->present)) {
			end = find_next_zero_bit(l->present, end, block);
			*len = min(*len, (end << l->shift) - pos);
			return i;
		}
		end = find_next_bit(l->present, end, block);
		*len = min(*len, (end << l->shift) - pos);
	}
	return -1;
}

static void clear_memory(const struct host_disk_op *op)
{
	int i;

	for (i = 0; i < op->n; i++)
		memset(op->iov[i].base, 0, op->iov[i].len);
}

static void set_op(struct disk_request *r, enum host_disk_kind kind, unsigned int layer, u64 pos)
{
	const struct cow_layer *l = &r->disk->cow->layer[layer];

	r->op.kind = kind;
	r->op.layer = l->host;
	r->op.pos = l->data_at + pos;
	r->op.len = r->step;
	r->op.iov = kind <= HOST_DISK_DURABLE ? r->iov : NULL;
}

static enum disk_next next_read(struct disk_request *r)
{
	u64 pos = disk_rq_pos(r) + r->done;
	int layer;

	r->step = blk_rq_bytes(disk_rq(r)) - r->done;
	if (!r->step)
		return DISK_DONE;
	layer = cow_find(r->disk->cow, 0, pos, &r->step);
	disk_memory(r, r->step);
	if (layer < 0) {
		clear_memory(&r->op);
		r->done += r->step;
		return DISK_AGAIN;
	}
	set_op(r, HOST_DISK_READ, layer, pos);
	return DISK_OP;
}

/* --- claims ------------------------------------------------------------------------ */

/* The blocks of a request are made, or not; who waits for them goes on. */
static void release(struct disk_request *r, bool made)
{
	struct cow *cow = r->disk->cow;
	unsigned long flags, page;

	if (!r->blocks)
		return;
	spin_lock_irqsave(&cow->lock, flags);
	if (made) {
		bitmap_set(cow->layer[0].present, r->block, r->blocks);
		for (page = r->block / MAP_PAGE_BITS;
		     page <= (r->block + r->blocks - 1) / MAP_PAGE_BITS; page++)
			__set_bit(page, cow->dirty);
	}
	bitmap_clear(cow->claimed, r->block, r->blocks);
	r->blocks = 0;
	if (!list_empty(&cow->waiting))
		schedule_work(&cow->again);
	spin_unlock_irqrestore(&cow->lock, flags);
}

/* Blocks from @block on that nobody has or makes, at most @most. */
static unsigned int absent(const struct cow *cow, u64 block, unsigned int most)
{
	unsigned int n = 0;

	while (n < most && !test_bit(block + n, cow->layer[0].present) &&
	       !test_bit(block + n, cow->claimed))
		n++;
	return n;
}

static enum disk_next claim(struct disk_request *r, u64 block, unsigned int most, bool part)
{
	struct cow *cow = r->disk->cow;
	enum disk_next next = DISK_AGAIN;
	unsigned long flags;

	spin_lock_irqsave(&cow->lock, flags);
	if (!test_bit(block, cow->layer[0].present)) {
		unsigned int n = absent(cow, block, most);

		if (n && part) {
			r->bounce = kmalloc(1UL << cow->layer[0].shift, GFP_ATOMIC | __GFP_NOWARN);
			if (!r->bounce)
				n = 0;
			r->phase = n ? DISK_FILL : DISK_DATA;
			r->filled = 0;
		}
		if (n) {
			r->block = block;
			r->blocks = n;
			bitmap_set(cow->claimed, block, n);
		} else {
			list_add_tail(&r->wait, &cow->waiting);
			if (part)
				schedule_work(&cow->again);
			next = DISK_WAIT;
		}
	}
	spin_unlock_irqrestore(&cow->lock, flags);
	return next;
}

/* --- writing ----------------------------------------------------------------------- */

static enum host_disk_kind write_kind(const struct request *rq)
{
	if (req_op(rq) == REQ_OP_WRITE)
		return HOST_DISK_WRITE;
	return rq->cmd_flags & REQ_NOUNMAP ? HOST_DISK_ZERO : HOST_DISK_PUNCH;
}

/* The bytes of a request that lie in its block, put into that block. */
static void merge(struct disk_request *r)
{
	unsigned int shift = r->disk->cow->layer[0].shift;
	u64 pos = disk_rq_pos(r) + r->done;
	void *to = r->bounce + (pos - (r->block << shift));
	int i;

	r->step = min(blk_rq_bytes(disk_rq(r)) - r->done, ((r->block + 1) << shift) - pos);
	if (req_op(disk_rq(r)) != REQ_OP_WRITE) {
		memset(to, 0, r->step);
		return;
	}
	disk_memory(r, r->step);
	for (i = 0; i < r->op.n; i++) {
		memcpy(to, r->op.iov[i].base, r->op.iov[i].len);
		to += r->op.iov[i].len;
	}
}

/* What is left of a block, to or from @bounce. */
static void bounce_memory(struct disk_request *r, u64 len)
{
	r->iov[0].base = r->bounce + r->filled;
	r->iov[0].len = len;
	r->op.iov = r->iov;
	r->op.n = 1;
}

static enum disk_next next_fill(struct disk_request *r)
{
	struct cow *cow = r->disk->cow;
	u64 size = 1ULL << cow->layer[0].shift, len = size - r->filled;
	u64 pos = (r->block << cow->layer[0].shift) + r->filled;
	int layer;

	if (r->filled == size) {
		merge(r);
		r->filled = 0;
		r->phase = DISK_BLOCK;
		return DISK_AGAIN;
	}
	layer = cow_find(cow, 1, pos, &len);
	bounce_memory(r, len);
	if (layer < 0) {
		clear_memory(&r->op);
		r->filled += len;
		return DISK_AGAIN;
	}
	set_op(r, HOST_DISK_READ, layer, pos);
	return DISK_OP;
}

static enum disk_next next_block(struct disk_request *r)
{
	unsigned int shift = r->disk->cow->layer[0].shift;

	bounce_memory(r, (1ULL << shift) - r->filled);
	set_op(r, HOST_DISK_WRITE, 0, (r->block << shift) + r->filled);
	return DISK_OP;
}

static enum disk_next write_run(struct disk_request *r, u64 pos, u64 len)
{
	r->step = len;
	if (req_op(disk_rq(r)) == REQ_OP_WRITE)
		disk_memory(r, len);
	set_op(r, write_kind(disk_rq(r)), 0, pos);
	return DISK_OP;
}

static enum disk_next next_write(struct disk_request *r)
{
	struct cow *cow = r->disk->cow;
	const struct cow_layer *top = &cow->layer[0];
	u64 pos = disk_rq_pos(r) + r->done, left = blk_rq_bytes(disk_rq(r)) - r->done;
	u64 size = 1ULL << top->shift, len = left;
	bool whole;

	if (!left)
		return DISK_DONE;
	if (r->blocks)
		return write_run(r, pos, min(left, ((r->block + r->blocks) << top->shift) - pos));
	if (!cow_find(cow, 0, pos, &len))
		return write_run(r, pos, len);
	whole = !(pos & (size - 1)) && (left >= size || pos + left == top->host->size);
	return claim(r, pos >> top->shift, whole ? max(left >> top->shift, 1ULL) : 1, !whole);
}

/* Whole blocks become holes; one that the top layer does not have is one there already. */
static enum disk_next next_discard(struct disk_request *r)
{
	const struct cow_layer *top = &r->disk->cow->layer[0];
	u64 size = 1ULL << top->shift, pos = disk_rq_pos(r);
	u64 from = round_up(pos, size), to = round_down(pos + blk_rq_bytes(disk_rq(r)), size);

	if (r->done || from >= to)
		return DISK_DONE;
	r->step = to - from;
	set_op(r, HOST_DISK_PUNCH, 0, from);
	return DISK_OP;
}

/* --- flushing ---------------------------------------------------------------------- */

static void take_copies(struct cow *cow)
{
	unsigned long page, words = COW_MAP_PAGE / sizeof(long);

	for_each_set_bit(page, cow->dirty, cow->pages) {
		memcpy(cow->stored + page * words, cow->layer[0].present + page * words,
		       COW_MAP_PAGE);
		__set_bit(page, cow->storing);
	}
	bitmap_zero(cow->dirty, cow->pages);
}

static enum disk_next flush_begin(struct disk_request *r)
{
	struct cow *cow = r->disk->cow;
	enum disk_next next = DISK_AGAIN;
	unsigned long flags;

	spin_lock_irqsave(&cow->lock, flags);
	if (cow->flushing) {
		list_add_tail(&r->wait, &cow->flushes);
		next = DISK_WAIT;
	} else {
		cow->flushing = true;
		INIT_LIST_HEAD(&r->batch);
		list_splice_init(&cow->flushes, &r->batch);
		take_copies(cow);
		r->phase = DISK_FLUSH_DATA;
	}
	spin_unlock_irqrestore(&cow->lock, flags);
	return next;
}

static void flush_end(struct disk_request *r, int error)
{
	struct cow *cow = r->disk->cow;
	struct disk_request *other, *tmp;
	unsigned long flags;
	LIST_HEAD(batch);

	spin_lock_irqsave(&cow->lock, flags);
	list_splice_init(&r->batch, &batch);
	bitmap_or(cow->dirty, cow->dirty, cow->storing, cow->pages);
	bitmap_zero(cow->storing, cow->pages);
	cow->flushing = false;
	if (!list_empty(&cow->flushes))
		schedule_work(&cow->again);
	spin_unlock_irqrestore(&cow->lock, flags);
	r->phase = DISK_DATA;
	r->synced = true;
	list_for_each_entry_safe(other, tmp, &batch, wait)
		disk_end(other, error);
}

static enum disk_next next_flush(struct disk_request *r)
{
	struct cow *cow = r->disk->cow;

	r->step = 0;
	set_op(r, HOST_DISK_SYNC, 0, 0);
	if (r->phase != DISK_FLUSH_MAP)
		return DISK_OP;
	r->page = find_first_bit(cow->storing, cow->pages);
	r->iov[0].base = (void *)cow->stored + r->page * COW_MAP_PAGE;
	r->iov[0].len = COW_MAP_PAGE;
	r->op.iov = r->iov;
	r->op.n = 1;
	r->op.kind = HOST_DISK_WRITE;
	r->op.pos = cow->layer[0].map_at + r->page * COW_MAP_PAGE;
	return DISK_OP;
}

static int flush_step_done(struct disk_request *r, long result)
{
	struct cow *cow = r->disk->cow;

	if (r->phase == DISK_FLUSH_MAP) {
		if (result != COW_MAP_PAGE)
			return -EIO;
		__clear_bit(r->page, cow->storing);
		if (bitmap_empty(cow->storing, cow->pages))
			r->phase = DISK_FLUSH_END;
		return 0;
	}
	if (r->phase == DISK_FLUSH_DATA && !bitmap_empty(cow->storing, cow->pages))
		r->phase = DISK_FLUSH_MAP;
	else
		flush_end(r, 0);
	return 0;
}

/* --- a request --------------------------------------------------------------------- */

static enum disk_next next_of_kind(struct disk_request *r, int *error)
{
	switch (req_op(disk_rq(r))) {
	case REQ_OP_READ:
		return next_read(r);
	case REQ_OP_WRITE:
	case REQ_OP_WRITE_ZEROES:
		return next_write(r);
	case REQ_OP_DISCARD:
		return next_discard(r);
	case REQ_OP_FLUSH:
		return r->synced ? DISK_DONE : flush_begin(r);
	default:
		*error = -EOPNOTSUPP;
		return DISK_DONE;
	}
}

/**
 * cow_next() - what comes next in a request
 * @r:		the request; its operation is made ready
 * @error:	set when it can not go on
 */
enum disk_next cow_next(struct disk_request *r, int *error)
{
	enum disk_next next;

	switch (r->phase) {
	case DISK_FILL:
		return next_fill(r);
	case DISK_BLOCK:
		return next_block(r);
	case DISK_FLUSH_DATA:
	case DISK_FLUSH_MAP:
	case DISK_FLUSH_END:
		return next_flush(r);
	case DISK_DATA:
		break;
	}
	next = next_of_kind(r, error);
	if (next == DISK_DONE && !*error && r->disk->host->sync && !r->synced &&
	    op_is_write(req_op(disk_rq(r))))
		return flush_begin(r);
	return next;
}

static void block_done(struct disk_request *r)
{
	kfree(r->bounce);
	r->bounce = NULL;
	r->phase = DISK_DATA;
	r->done += r->step;
	release(r, true);
}

static int data_done(struct disk_request *r, long result)
{
	u64 end = (r->block + r->blocks) << r->disk->cow->layer[0].shift;

	if (r->op.iov && !result)
		return -EIO;
	r->done += r->op.iov ? result : r->step;
	if (r->blocks && (r->done == blk_rq_bytes(disk_rq(r)) ||
			  disk_rq_pos(r) + r->done >= end))
		release(r, true);
	return 0;
}

/**
 * cow_step_done() - the operation of a request was carried out
 * @r:		the request
 * @result:	the operation's, not an error
 *
 * Return: 0, or a negative errno that the request ends with.
 */
int cow_step_done(struct disk_request *r, long result)
{
	switch (r->phase) {
	case DISK_DATA:
		return data_done(r, result);
	case DISK_FILL:
		if (!result)
			return -EIO;
		r->filled += result;
		return 0;
	case DISK_BLOCK:
		if (!result)
			return -EIO;
		r->filled += result;
		if (r->filled == 1U << r->disk->cow->layer[0].shift)
			block_done(r);
		return 0;
	default:
		return flush_step_done(r, result);
	}
}

/**
 * cow_failed() - a request is about to end with an error
 * @r:		the request
 * @error:	which
 */
void cow_failed(struct disk_request *r, int error)
{
	if (r->phase >= DISK_FLUSH_DATA)
		flush_end(r, error);
	kfree(r->bounce);
	r->bounce = NULL;
	release(r, false);
}

/* Requests that had to wait go on. */
static void cow_again(struct work_struct *work)
{
	struct cow *cow = container_of(work, struct cow, again);
	struct disk_request *r, *tmp;
	LIST_HEAD(list);

	spin_lock_irq(&cow->lock);
	list_splice_init(&cow->waiting, &list);
	if (!cow->flushing && !list_empty(&cow->flushes))
		list_move_tail(cow->flushes.next, &list);
	spin_unlock_irq(&cow->lock);
	list_for_each_entry_safe(r, tmp, &list, wait)
		disk_go_on(r);
}

/* --- opening ------------------------------------------------------------------------ */

static long read_file(const struct cow_layer *l, void *to, size_t len, u64 pos)
{
	struct host_iov iov = { to, len };
	struct host_disk_op op = {
		.kind = HOST_DISK_READ, .layer = l->host, .iov = &iov, .n = 1, .pos = pos,
	};

	return host_disk_do(&op);
}

static int read_map(struct cow_layer *l, u64 pages)
{
	u64 blocks = (l->host->size + (1ULL << l->shift) - 1) >> l->shift, done = 0;
	long n = 1;

	l->present = vzalloc(pages * COW_MAP_PAGE);
	if (!l->present)
		return -ENOMEM;
	while (n > 0 && done < pages * COW_MAP_PAGE) {
		n = read_file(l, (void *)l->present + done,
			      min_t(u64, pages * COW_MAP_PAGE - done, SZ_1M), l->map_at + done);
		done += max(n, 0L);
	}
	if (done < pages * COW_MAP_PAGE)
		return n < 0 ? n : -EIO;
	bitmap_clear(l->present, blocks, pages * MAP_PAGE_BITS - blocks);
	return 0;
}

static int open_layer(struct cow_layer *l, struct cow_header *both)
{
	const char *wrong;
	long n = read_file(l, both, 2 * sizeof(*both), 0);
	int which = n == 2 * sizeof(*both) ? cow_header_choose(both, &wrong) : -1;

	if (which < 0 || both[which].size != l->host->size)
		return n < 0 ? n : -EINVAL;
	l->shift = both[which].block_shift;
	l->map_at = both[which].map_offset;
	l->data_at = both[which].data_offset;
	return read_map(l, cow_map_pages(l->host->size, l->shift));
}

static int open_layers(struct cow *cow, const struct host_disk *host)
{
	struct cow_header *both = kmalloc(2 * sizeof(*both), GFP_KERNEL);
	int ret = both ? 0 : -ENOMEM;
	unsigned int i;

	for (i = 0; i < cow->layers && !ret; i++) {
		cow->layer[i].host = &host->layer[i];
		if (host->layer[i].overlay)
			ret = open_layer(&cow->layer[i], both);
	}
	kfree(both);
	return ret;
}

static int make_maps(struct cow *cow)
{
	u64 bytes = cow->pages * COW_MAP_PAGE;

	cow->claimed = vzalloc(bytes);
	cow->stored = vmalloc(bytes);
	cow->dirty = bitmap_zalloc(cow->pages, GFP_KERNEL);
	cow->storing = bitmap_zalloc(cow->pages, GFP_KERNEL);
	return cow->claimed && cow->stored && cow->dirty && cow->storing ? 0 : -ENOMEM;
}

/**
 * cow_open() - read the maps of a disk's overlays
 * @disk:	the disk; nothing is done for one without overlays
 */
int cow_open(struct disk *disk)
{
	const struct host_disk *host = disk->host;
	struct cow *cow;
	int ret;

	if (!host->layer[0].overlay)
		return 0;
	cow = kzalloc(struct_size(cow, layer, host->layers), GFP_KERNEL);
	if (!cow)
		return -ENOMEM;
	cow->layers = host->layers;
	spin_lock_init(&cow->lock);
	INIT_LIST_HEAD(&cow->waiting);
	INIT_LIST_HEAD(&cow->flushes);
	INIT_WORK(&cow->again, cow_again);
	disk->cow = cow;
	ret = open_layers(cow, host);
	cow->pages = cow_map_pages(host->size, cow->layer[0].shift);
	if (!ret)
		ret = make_maps(cow);
	if (ret)
		cow_close(disk);
	return ret;
}

/**
 * cow_close() - the end of that
 * @disk:	the disk; no request is under way
 */
void cow_close(struct disk *disk)
{
	struct cow *cow = disk->cow;
	unsigned int i;

	if (!cow)
		return;
	cancel_work_sync(&cow->again);
	for (i = 0; i < cow->layers; i++)
		vfree(cow->layer[i].present);
	vfree(cow->claimed);
	vfree(cow->stored);
	bitmap_free(cow->dirty);
	bitmap_free(cow->storing);
	kfree(cow);
	disk->cow = NULL;
}
