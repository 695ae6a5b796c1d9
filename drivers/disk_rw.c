// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests to disks: steps that the host carries out, one after another.
 *
 * Theory of operation
 *
 * A request is a sequence of operations on files.  On a plain disk it is one,
 * and more only when the host reads or writes less than it was asked for.  On a
 * disk with overlays disk_cow.c says what comes next.
 *
 * Reads that the host has in its page cache, and writes to a local file's page
 * cache, are carried out by the vCPU that submits them, from and to the request's
 * own pages.  What has to wait goes to the host's engine and comes back in the
 * disk interrupt of the same vCPU.
 */
#include <linux/blk-mq.h>
#include <linux/cpuhotplug.h>
#include <linux/delay.h>
#include <linux/init.h>
#include <asm/host_events.h>
#include <asm/irq.h>
#include "disk.h"

/* Set while the vCPU goes off line: nothing may be under way then. */
static DEFINE_PER_CPU(bool, disk_closed);

/**
 * disk_memory() - what the next operation reads to or writes from
 * @r:		the request
 * @len:	bytes, from those on that are done
 */
void disk_memory(struct disk_request *r, u64 len)
{
	struct host_disk_op *op = &r->op;
	struct req_iterator iter;
	struct bio_vec bv;
	u64 skip = r->done;

	op->iov = r->iov;
	op->n = 0;
	rq_for_each_bvec(bv, disk_rq(r), iter) {
		struct host_iov *iov = &r->iov[op->n];

		if (skip >= bv.bv_len) {
			skip -= bv.bv_len;
			continue;
		}
		iov->base = bvec_virt(&bv) + skip;
		iov->len = min_t(u64, bv.bv_len - skip, len);
		len -= iov->len;
		skip = 0;
		op->n++;
		if (!len || op->n == DISK_PIECES)
			break;
	}
}

static enum host_disk_kind zeroes_kind(const struct request *rq)
{
	return rq->cmd_flags & REQ_NOUNMAP ? HOST_DISK_ZERO : HOST_DISK_PUNCH;
}

/* Whether a request ends with a sync. */
static bool plain_syncs(const struct request *rq, const struct disk *disk)
{
	switch (req_op(rq)) {
	case REQ_OP_FLUSH:
		return true;
	case REQ_OP_DISCARD:
	case REQ_OP_WRITE_ZEROES:
		return disk->host->sync;
	default:
		return false;
	}
}

/* A plain disk's request: all that is left of it at once. */
static enum disk_next plain_next(struct disk_request *r, int *error)
{
	struct request *rq = disk_rq(r);
	struct disk *disk = r->disk;
	struct host_disk_op *op = &r->op;

	r->step = blk_rq_bytes(rq) - r->done;
	op->layer = disk->host->layer;
	op->pos = disk_rq_pos(r) + r->done;
	op->len = r->step;
	op->iov = NULL;
	if (!r->step) {
		if (r->synced || !plain_syncs(rq, disk))
			return DISK_DONE;
		op->kind = HOST_DISK_SYNC;
		r->synced = true;
		return DISK_OP;
	}
	switch (req_op(rq)) {
	case REQ_OP_READ:
		op->kind = HOST_DISK_READ;
		disk_memory(r, r->step);
		return DISK_OP;
	case REQ_OP_WRITE:
		op->kind = rq->cmd_flags & REQ_FUA || disk->host->sync ?
			   HOST_DISK_DURABLE : HOST_DISK_WRITE;
		disk_memory(r, r->step);
		return DISK_OP;
	case REQ_OP_DISCARD:
		op->kind = HOST_DISK_PUNCH;
		return DISK_OP;
	case REQ_OP_WRITE_ZEROES:
		op->kind = zeroes_kind(rq);
		return DISK_OP;
	default:
		*error = -EOPNOTSUPP;
		return DISK_DONE;
	}
}

static int plain_step_done(struct disk_request *r, long result)
{
	if (r->op.iov && !result)
		return -EIO;	/* somebody made the file shorter */
	r->done += r->op.iov ? result : r->step;
	return 0;
}

/* The file turns out not to have holes: the block layer is to know. */
static void no_holes(struct disk_request *r)
{
	struct request *rq = disk_rq(r);

	if (req_op(rq) == REQ_OP_DISCARD)
		blk_queue_disable_discard(rq->q);
	else if (req_op(rq) == REQ_OP_WRITE_ZEROES)
		blk_queue_disable_write_zeroes(rq->q);
}

/**
 * disk_end() - the end of a request
 * @r:		which
 * @error:	0 or a negative errno
 */
void disk_end(struct disk_request *r, int error)
{
	if (error == -EOPNOTSUPP)
		no_holes(r);
	blk_mq_end_request(disk_rq(r), errno_to_blk_status(error));
}

static int step_done(struct disk_request *r, long result)
{
	int error = result < 0 ? result : 0;

	if (!error)
		error = r->disk->cow ? cow_step_done(r, result) : plain_step_done(r, result);
	if (error && r->disk->cow)
		cow_failed(r, error);
	return error;
}

/* Return: its result when the host could do it at once, else -EAGAIN. */
static long at_once(struct disk_request *r)
{
	struct disk *disk = r->disk;
	long ret;

	if (disk->host->direct)
		return -EAGAIN;
	if (r->op.kind == HOST_DISK_WRITE && disk->host->quick)
		return host_disk_do(&r->op);
	if (r->op.kind != HOST_DISK_READ || READ_ONCE(disk->no_nowait))
		return -EAGAIN;
	ret = host_disk_try(&r->op);
	if (ret == -EOPNOTSUPP) {
		WRITE_ONCE(disk->no_nowait, true);
		return -EAGAIN;
	}
	/* the end of the file, or a signal: seen better by waiting */
	return ret > 0 ? ret : -EAGAIN;
}

/* Return: 0 when it will come back by the disk interrupt. */
static int hand_over(struct disk_request *r)
{
	unsigned long flags;
	int ret = -EAGAIN;

	local_irq_save(flags);
	if (!__this_cpu_read(disk_closed)) {
		host_disk_submit(smp_processor_id(), &r->op);
		ret = 0;
		/* a guest's task waits, or returns to where the vCPU sees to it */
		if (!in_task() || !current->mm)
			host_disk_flush(smp_processor_id());
	}
	/* others, most likely: taken when interrupts are on again */
	host_disk_look(smp_processor_id());
	local_irq_restore(flags);
	return ret;
}

/**
 * disk_go_on() - take a request as far as it goes without waiting
 * @r:		which
 *
 * Context: any but with interrupts off for long.
 */
void disk_go_on(struct disk_request *r)
{
	for (;;) {
		enum disk_next next;
		int error = 0;
		long ret;

		next = r->disk->cow ? cow_next(r, &error) : plain_next(r, &error);
		if (next == DISK_WAIT)
			return;
		if (next == DISK_AGAIN)
			continue;
		if (next == DISK_OP) {
			ret = at_once(r);
			if (ret == -EAGAIN) {
				if (!hand_over(r))
					return;
				ret = host_disk_do(&r->op);
			}
			error = step_done(r, ret);
			if (!error)
				continue;
		}
		disk_end(r, error);
		return;
	}
}

/**
 * disk_start() - begin with a request
 * @r:		which; @disk is set
 */
void disk_start(struct disk_request *r)
{
	r->done = 0;
	r->phase = DISK_DATA;
	r->synced = false;
	r->blocks = 0;
	r->bounce = NULL;
	disk_go_on(r);
}

void user_disk_interrupt(void)
{
	struct host_disk_op *op, *next;

	for (op = host_disk_reap(smp_processor_id()); op; op = next) {
		struct disk_request *r = container_of(op, struct disk_request, op);
		int error;

		next = op->next;
		/* it was interrupted before it had begun */
		if (op->result == -EINTR || op->result == -EAGAIN)
			op->result = host_disk_do(op);
		error = step_done(r, op->result);
		if (error)
			disk_end(r, error);
		else
			disk_go_on(r);
	}
}

/* --- vCPUs that come and go ---------------------------------------------------- */

static int disk_cpu_online(unsigned int cpu)
{
	this_cpu_write(disk_closed, false);
	return 0;
}

static int disk_cpu_offline(unsigned int cpu)
{
	this_cpu_write(disk_closed, true);
	while (host_disk_inflight(cpu))
		usleep_range(100, 200);
	return 0;
}

static int __init disk_cpus_init(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		host_disk_irq(cpu, per_cpu_ptr(&irq_pending, cpu), BIT(IRQ_BIT_DISK),
			      per_cpu_ptr(&irq_idle, cpu));
	return cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "user/disk:online", disk_cpu_online,
				 disk_cpu_offline) < 0;
}
subsys_initcall(disk_cpus_init);
