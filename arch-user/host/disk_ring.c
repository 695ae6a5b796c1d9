// SPDX-License-Identifier: GPL-2.0-only
/*
 * An io_uring for each vCPU, for the files of disks.
 *
 * Theory of operation
 *
 * Each vCPU's thread makes its own ring before the process confines itself:
 * disabled, restricted to the operations below on the disks' files, which are
 * registered, and only then enabled.  io_uring_setup and io_uring_register are
 * not on the allow-list.  Only that thread uses the ring (SINGLE_ISSUER), so
 * it needs no lock but interrupts off.
 *
 * What is submitted waits in the queue until host_ring_flush(), which takes up to
 * HOST_RING_BATCH at once: the vCPU does that while a guest thread runs elsewhere, when it
 * goes idle, and at its tick at the latest.  The cost of a submission, a doorbell of the
 * host's disk, then is not in the way of the guest's next system call, and one is
 * enough for several.  How long the queue waits for more depends on what the host has
 * to do already (due()).
 *
 * What is done waits in the host until the thread asks for it (DEFER_TASKRUN):
 * IORING_SQ_TASKRUN says that there is something.  A vCPU that runs looks at that
 * when it submits something and while it polls for a guest thread (host_disk_look(),
 * which lets some come together), and at its tick; one that is idle waits in the ring.
 * Only one that sleeps until a guest thread parks has to be told: by the eventfd, which
 * wakes the I/O thread, which interrupts the vCPU.  At all other times the eventfd is
 * off.
 */
#include <uapi/linux/fs.h>
#include <uapi/linux/falloc.h>
#include <uapi/linux/futex.h>
#include <uapi/linux/io_uring.h>
#include <uapi/linux/mman.h>
#include <asm/tsc.h>
#include "state.h"
#include "syscall.h"

#define RING_ENTRIES	256
#define POLL_US		200
#define DUE_CYCLES	4000
#define RING_FLAGS	(IORING_SETUP_R_DISABLED | IORING_SETUP_SINGLE_ISSUER | \
			 IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG | \
			 IORING_SETUP_CQSIZE)
#define RING_FEATURES	(IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP)

/* wait.S */
long host_ring_wait_irq(int fd, const u32 *pending);

/* --- making one ---------------------------------------------------------------- */

static long map_ring(int fd, u64 what, size_t size)
{
	return sys_mmap_at(0, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, what);
}

static bool map(struct host_ring *r, const struct io_uring_params *p)
{
	size_t size = max(p->sq_off.array + p->sq_entries * sizeof(u32),
			  p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe));
	long at = map_ring(r->fd, IORING_OFF_SQ_RING, size);
	long sqes = map_ring(r->fd, IORING_OFF_SQES, p->sq_entries * sizeof(struct io_uring_sqe));
	u32 i, *array;

	if (sys_failed(at) || sys_failed(sqes))
		return false;
	r->sq_tail = (u32 *)(at + p->sq_off.tail);
	r->sq_flags = (u32 *)(at + p->sq_off.flags);
	r->sq_mask = p->sq_entries - 1;
	r->sqes = (struct io_uring_sqe *)sqes;
	r->cq_head = (u32 *)(at + p->cq_off.head);
	r->cq_tail = (u32 *)(at + p->cq_off.tail);
	r->cq_flags = (u32 *)(at + p->cq_off.flags);
	r->cq_mask = p->cq_entries - 1;
	r->cqes = (struct io_uring_cqe *)(at + p->cq_off.cqes);
	array = (u32 *)(at + p->sq_off.array);
	for (i = 0; i < p->sq_entries; i++)
		array[i] = i;
	return true;
}

/* What is not listed is refused, registering included. */
static int restrict_ring(struct host_ring *r)
{
	static const u8 ops[] = {
		IORING_OP_READV, IORING_OP_WRITEV, IORING_OP_READ, IORING_OP_WRITE,
		IORING_OP_FSYNC, IORING_OP_FALLOCATE,
	};
	struct io_uring_restriction res[ARRAY_SIZE(ops) + 2] = { };
	int i;

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		res[i].opcode = IORING_RESTRICTION_SQE_OP;
		res[i].sqe_op = ops[i];
	}
	res[i].opcode = IORING_RESTRICTION_SQE_FLAGS_REQUIRED;
	res[i++].sqe_flags = IOSQE_FIXED_FILE;
	res[i].opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
	res[i++].sqe_flags = IOSQE_FIXED_FILE;
	return sys4(__NR_io_uring_register, r->fd, IORING_REGISTER_RESTRICTIONS, res, i);
}

static bool make(struct host_ring *r, unsigned int cpu)
{
	struct io_uring_params p = { .flags = RING_FLAGS, .cq_entries = 4 * RING_ENTRIES };

	r->fd = sys2(__NR_io_uring_setup, RING_ENTRIES, &p);
	if (r->fd < 0)
		return false;
	if ((p.features & RING_FEATURES) != RING_FEATURES || !map(r, &p))
		return false;
	r->event_fd = sys2(__NR_eventfd2, 0, HOST_O_CLOEXEC | HOST_O_NONBLOCK);
	if (r->event_fd < 0 ||
	    sys4(__NR_io_uring_register, r->fd, IORING_REGISTER_EVENTFD, &r->event_fd, 1) ||
	    sys4(__NR_io_uring_register, r->fd, IORING_REGISTER_FILES, host->disk_fd,
		 host->disk_fds) || restrict_ring(r) ||
	    sys4(__NR_io_uring_register, r->fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0))
		return false;
	host_watch_ring(r->event_fd, cpu);
	host_ring_tell(r, false);
	return true;
}

/**
 * host_ring_start() - make a vCPU's ring
 * @cpu:	the calling thread's
 */
void host_ring_start(unsigned int cpu)
{
	if (host->disk_fds && host->disk_engine != DISK_ENGINE_THREADS &&
	    !make(&host->disk_cpu[cpu].ring, cpu))
		WRITE_ONCE(host->disk_rings_failed, 1);
	__atomic_fetch_add(&host->disk_rings, 1, __ATOMIC_SEQ_CST);
	sys3(__NR_futex, &host->disk_rings, FUTEX_WAKE, 1);
}

/**
 * host_rings_ready() - wait until all vCPUs have made theirs
 *
 * Return: whether all could.
 */
bool host_rings_ready(void)
{
	u32 n;

	while ((n = READ_ONCE(host->disk_rings)) < host->boot.ncpus)
		sys4(__NR_futex, &host->disk_rings, FUTEX_WAIT, n, NULL);
	return !READ_ONCE(host->disk_rings_failed);
}

/* --- using it -------------------------------------------------------------------- */

static void fill(struct io_uring_sqe *sqe, const struct host_disk_op *op)
{
	*sqe = (struct io_uring_sqe) {
		.flags = IOSQE_FIXED_FILE,
		.fd = op->layer->file,
		.off = op->pos,
		.user_data = (u64)op,
	};
	switch (op->kind) {
	case HOST_DISK_READ:
	case HOST_DISK_WRITE:
	case HOST_DISK_DURABLE:
		sqe->opcode = op->kind == HOST_DISK_READ ? IORING_OP_READV : IORING_OP_WRITEV;
		sqe->rw_flags = op->kind == HOST_DISK_DURABLE ? RWF_DSYNC : 0;
		sqe->addr = (u64)op->iov;
		sqe->len = op->n;
		if (op->n == 1) {
			sqe->opcode = op->kind == HOST_DISK_READ ? IORING_OP_READ : IORING_OP_WRITE;
			sqe->addr = (u64)op->iov->base;
			sqe->len = op->iov->len;
		}
		break;
	case HOST_DISK_SYNC:
		sqe->opcode = IORING_OP_FSYNC;
		sqe->off = 0;
		sqe->fsync_flags = IORING_FSYNC_DATASYNC;
		break;
	case HOST_DISK_PUNCH:
	case HOST_DISK_ZERO:
		sqe->opcode = IORING_OP_FALLOCATE;
		sqe->addr = op->len;
		sqe->len = FALLOC_FL_KEEP_SIZE | (op->kind == HOST_DISK_PUNCH ?
						  FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE);
		break;
	}
}

/* The host does not take them: they come back, to be carried out otherwise. */
static void noinstr give_back(struct host_ring *r)
{
	u32 tail = *r->sq_tail;

	for (; r->queued; r->queued--) {
		struct host_disk_op *op = (void *)r->sqes[--tail & r->sq_mask].user_data;

		op->result = -HOST_EAGAIN;
		op->next = r->returned;
		r->returned = op;
	}
	smp_store_release(r->sq_tail, tail);
}

/**
 * host_ring_flush() - see that the host begins with what has been submitted
 * @r:		the calling vCPU's ring
 *
 * Context: interrupts off.
 *
 * #syscalls: io_uring_enter(_, <=HOST_RING_BATCH, 0, IORING_ENTER_GETEVENTS, 0)
 */
void noinstr host_ring_flush(struct host_ring *r)
{
	while (r->queued) {
		long ret = sys6(__NR_io_uring_enter, r->fd, r->queued, 0,
				IORING_ENTER_GETEVENTS, 0, 0);

		if (ret == -HOST_EINTR)
			continue;
		if (ret <= 0) {
			give_back(r);
			return;
		}
		r->queued -= ret;
	}
}

/*
 * What is submitted waits for more, and so does what is done.  A host that has nothing
 * else of ours to do waits for little; one that has is not idle meanwhile, and a call and
 * an interrupt for each would be most of their cost.
 */
static __always_inline bool due(const struct host_ring *r, u64 since)
{
	u32 busy = min(r->inflight - r->queued, HOST_RING_BATCH);

	return rdtsc() - since > (u64)DUE_CYCLES * (1 + busy);
}

/**
 * host_ring_flush_due() - whether what is queued has waited for more long enough
 * @r:		the calling vCPU's ring
 */
bool noinstr host_ring_flush_due(const struct host_ring *r)
{
	return due(r, r->queued_at);
}

/**
 * host_ring_submit() - have the host carry it out, after host_ring_flush()
 * @r:		the calling vCPU's ring
 * @op:		what
 *
 * Context: interrupts off.
 */
void host_ring_submit(struct host_ring *r, struct host_disk_op *op)
{
	u32 tail = *r->sq_tail;

	fill(&r->sqes[tail & r->sq_mask], op);
	smp_store_release(r->sq_tail, tail + 1);
	r->inflight++;
	if (!r->queued)
		r->queued_at = rdtsc();
	if (++r->queued == HOST_RING_BATCH)
		host_ring_flush(r);
}

/**
 * host_ring_any_done() - whether there is something for host_ring_reap()
 * @r:		the calling vCPU's ring
 */
bool noinstr host_ring_any_done(const struct host_ring *r)
{
	return r->returned || smp_load_acquire(r->cq_tail) != *r->cq_head ||
	       READ_ONCE(*r->sq_flags) & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW);
}

/**
 * host_ring_reap_due() - whether there is something that has waited for more long enough
 * @r:		the calling vCPU's ring
 */
bool noinstr host_ring_reap_due(const struct host_ring *r)
{
	return host_ring_any_done(r) && (r->returned || due(r, r->reaped_at));
}

/**
 * host_ring_reap() - what has been done
 * @r:		the calling vCPU's ring
 *
 * Context: interrupts off.
 */
struct host_disk_op *host_ring_reap(struct host_ring *r)
{
	struct host_disk_op *list = NULL, **end = &list;
	u32 head, tail;

	if (!r->sqes || !host_ring_any_done(r))
		return NULL;
	r->reaped_at = rdtsc();
	if (r->queued)
		host_ring_flush(r);
	else if (READ_ONCE(*r->sq_flags) & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW))
		sys6(__NR_io_uring_enter, r->fd, 0, 0, IORING_ENTER_GETEVENTS, 0, 0);
	tail = smp_load_acquire(r->cq_tail);
	for (head = *r->cq_head; head != tail; head++) {
		const struct io_uring_cqe *cqe = &r->cqes[head & r->cq_mask];
		struct host_disk_op *op = (void *)cqe->user_data;

		op->result = cqe->res;
		r->inflight--;
		op->next = NULL;
		*end = op;
		end = &op->next;
	}
	smp_store_release(r->cq_head, head);
	*end = r->returned;
	r->returned = NULL;
	for (; *end; end = &(*end)->next)
		r->inflight--;
	return list;
}

/* Look, for r->poll at most, and give way to whoever else wants this host CPU. */
static void poll(const struct host_ring *r, const u32 *pending)
{
	u64 begin = rdtsc();

	while (!host_ring_any_done(r) && !READ_ONCE(*pending) && rdtsc() - begin < r->poll)
		host_yield();
}

/*
 * To be woken costs more than many disks take.  So a wait begins with a look, which is
 * longer than the last wait was if that, with its wake-up, was one of up to POLL_US; after
 * longer ones it becomes shorter, and is left out in the end.
 */
static void adapt_poll(struct host_ring *r, u64 waited)
{
	const u64 most = host->boot.tsc_khz * POLL_US / 1000;

	if (waited <= most)
		r->poll = min(2 * waited + most / 16, most);
	else
		r->poll = r->poll > most / 16 ? r->poll / 2 : 0;
}

/**
 * host_ring_tell() - whether the eventfd is to say when something is done
 * @r:		the calling vCPU's ring
 * @tell:	whether; under ptrace it always does, since who waits there waits for
 *		something else
 */
void noinstr host_ring_tell(struct host_ring *r, bool tell)
{
	WRITE_ONCE(*r->cq_flags, tell || host->boot.traced ? 0 : IORING_CQ_EVENTFD_DISABLED);
	/* before a look at what is done */
	smp_mb();
}

/**
 * host_ring_wait() - sleep until something is done or a signal comes
 * @r:		the calling vCPU's ring
 * @pending:	not when this is non-zero
 *
 * Context: interrupts off.
 * Return: whether something is done.
 */
bool host_ring_wait(struct host_ring *r, const u32 *pending)
{
	u64 begin;

	host_ring_tell(r, false);
	host_ring_flush(r);
	begin = rdtsc();
	if (host->boot.host_cpus > 1)
		poll(r, pending);
	if (!host_ring_any_done(r))
		host_ring_wait_irq(r->fd, pending);
	if (!host_ring_any_done(r))
		return false;
	adapt_poll(r, rdtsc() - begin);
	return true;
}
