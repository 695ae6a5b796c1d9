// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operations on the files of disks.
 *
 * Theory of operation
 *
 * What the host has in its page cache is read at once, by the vCPU that wants
 * it (host_disk_try()): no hand-off is as fast as that.  What has to wait is
 * given away and comes back by host_disk_reap() on the same vCPU.  There are
 * two engines for that, chosen at start: an io_uring for each vCPU (disk_ring.c)
 * and a pool of threads (disk_pool.c).  A vCPU that has nothing else to do
 * waits in its ring, so that the host wakes it directly; a busy one is told by
 * a signal.
 *
 * The memory that is read to and written from is the guest's, as it lies.
 */
#include <uapi/linux/falloc.h>
#include <uapi/linux/fs.h>
#include "state.h"
#include "syscall.h"

/*
 * #syscalls: preadv2(_, _, _, _, 0, 0) preadv2(_, _, _, _, 0, RWF_NOWAIT)
 * #syscalls: pwritev2(_, _, _, _, 0, 0) pwritev2(_, _, _, _, 0, RWF_DSYNC)
 * #syscalls: fdatasync fallocate(_, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE)
 * #syscalls: fallocate(_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)
 */
static long once(const struct host_disk_op *op)
{
	int fd = op->layer->fd;

	switch (op->kind) {
	case HOST_DISK_READ:
		return sys6(__NR_preadv2, fd, (long)op->iov, op->n, op->pos, 0, 0);
	case HOST_DISK_WRITE:
		return sys6(__NR_pwritev2, fd, (long)op->iov, op->n, op->pos, 0, 0);
	case HOST_DISK_DURABLE:
		return sys6(__NR_pwritev2, fd, (long)op->iov, op->n, op->pos, 0, RWF_DSYNC);
	case HOST_DISK_SYNC:
		return sys1(__NR_fdatasync, fd);
	case HOST_DISK_PUNCH:
		return sys4(__NR_fallocate, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			    op->pos, op->len);
	case HOST_DISK_ZERO:
		return sys4(__NR_fallocate, fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
			    op->pos, op->len);
	}
	return -HOST_EINVAL;
}

long host_disk_do(struct host_disk_op *op)
{
	long ret;

	do {
		ret = once(op);
	} while (ret == -HOST_EINTR);
	return ret;
}

long host_disk_try(struct host_disk_op *op)
{
	return sys6(__NR_preadv2, op->layer->fd, (long)op->iov, op->n, op->pos, 0, RWF_NOWAIT);
}

void host_disk_submit(unsigned int cpu, struct host_disk_op *op)
{
	struct host_disk_cpu *c = &host->disk_cpu[cpu];

	op->cpu = cpu;
	WRITE_ONCE(c->inflight, c->inflight + 1);
	if (host->disk_engine == DISK_ENGINE_RINGS && op->layer->file >= 0)
		host_ring_submit(&c->ring, op);
	else
		host_disk_pool_submit(op);
}

void noinstr host_disk_flush(unsigned int cpu)
{
	struct host_ring *r = &host->disk_cpu[cpu].ring;

	if (likely(!r->queued))
		return;
	host_ring_flush(r);
	if (unlikely(r->returned))
		host_disk_look_now(cpu);
}

/**
 * host_disk_done() - a thread has carried it out
 * @op:		with its result
 */
void host_disk_done(struct host_disk_op *op)
{
	struct host_disk_cpu *c = &host->disk_cpu[op->cpu];
	unsigned int cpu = op->cpu;
	struct host_disk_op *first = READ_ONCE(c->done);

	do {
		op->next = first;
	} while (!__atomic_compare_exchange_n(&c->done, &first, op, false, __ATOMIC_RELEASE,
					      __ATOMIC_RELAXED));
	host_disk_raise(cpu);
}

struct host_disk_op *host_disk_reap(unsigned int cpu)
{
	struct host_disk_cpu *c = &host->disk_cpu[cpu];
	struct host_disk_op *list = host_ring_reap(&c->ring), **end = &list;

	while (*end) {
		c->inflight--;
		end = &(*end)->next;
	}
	if (READ_ONCE(c->done))
		*end = __atomic_exchange_n(&c->done, NULL, __ATOMIC_ACQUIRE);
	for (; *end; end = &(*end)->next)
		c->inflight--;
	return list;
}

unsigned int host_disk_inflight(unsigned int cpu)
{
	return READ_ONCE(host->disk_cpu[cpu].inflight);
}

bool host_disk_waits(unsigned int cpu)
{
	return host->disk_cpu[cpu].ring.inflight;
}

static bool noinstr raise_done(unsigned int cpu)
{
	struct host_disk_cpu *c = &host->disk_cpu[cpu];

	if (c->raise)
		__atomic_fetch_or(c->raise, c->bit, __ATOMIC_SEQ_CST);
	return true;
}

bool noinstr host_disk_look(unsigned int cpu)
{
	const struct host_ring *r = &host->disk_cpu[cpu].ring;

	return unlikely(r->inflight) && host_ring_reap_due(r) && raise_done(cpu);
}

bool noinstr host_disk_look_now(unsigned int cpu)
{
	const struct host_ring *r = &host->disk_cpu[cpu].ring;

	return unlikely(r->inflight) && host_ring_any_done(r) && raise_done(cpu);
}

/**
 * host_disk_listen() - have the host tell the calling vCPU while it sleeps
 * @cpu:	the calling vCPU
 *
 * What is done already is told at once, by its interrupt.
 */
void noinstr host_disk_listen(unsigned int cpu)
{
	struct host_ring *r = &host->disk_cpu[cpu].ring;

	if (likely(!r->inflight))
		return;
	host_ring_tell(r, true);
	host_disk_look_now(cpu);
}

/**
 * host_disk_listen_end() - the end of that
 * @cpu:	the calling vCPU
 */
void noinstr host_disk_listen_end(unsigned int cpu)
{
	struct host_ring *r = &host->disk_cpu[cpu].ring;

	if (unlikely(r->inflight))
		host_ring_tell(r, false);
}

bool host_disk_wait(unsigned int cpu, const u32 *pending)
{
	return host_ring_wait(&host->disk_cpu[cpu].ring, pending);
}

const char *host_disk_engine(const struct host_disk *disk)
{
	return host->disk_engine == DISK_ENGINE_RINGS && disk->layer[0].file >= 0 ?
	       "io_uring" : "threads";
}

/**
 * host_disks_start() - choose the engine and make what it needs
 *
 * Context: the process's first thread, before confinement; the vCPUs' threads
 * set up their rings.
 */
void host_disks_start(void)
{
	bool rings = host_rings_ready();

	/* disks that come later are in no ring */
	if (host->disk_socket >= 0)
		host_disk_pool_start();
	if (!host->disk_fds)
		return;
	if (host->disk_engine != DISK_ENGINE_THREADS && rings) {
		host->disk_engine = DISK_ENGINE_RINGS;
		return;
	}
	if (host->disk_engine == DISK_ENGINE_RINGS)
		host_usage_error("disk_engine=io_uring", "the host does not offer it",
				 "it takes Linux 6.1 and kernel.io_uring_disabled=0; see auto");
	host->disk_engine = DISK_ENGINE_THREADS;
	if (host->disk_socket < 0)
		host_disk_pool_start();
}

/**
 * host_disk_drain() - see that nothing of a vCPU's is under way any more
 * @cpu:	the calling one
 *
 * Nobody hears of it.
 */
void host_disk_drain(unsigned int cpu)
{
	static const u32 nothing;

	while (host_disk_inflight(cpu)) {
		if (host_disk_waits(cpu))
			host_disk_wait(cpu, &nothing);
		else
			host_yield();
		host_disk_reap(cpu);
	}
}
