// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests to a server on the host, and its replies.
 *
 * Theory of operation: abi.h says how the two sides talk.  Here a request of a
 * task that waits is polled for by that task, for as long as the host is
 * expected to take: the host answers most from its memory, in less time than
 * it takes to wake somebody.  Whoever clears a slot's bit in "done" ends its
 * request, the poller or the work that a doorbell sets off.
 *
 * When the server is gone (end of file on the socket) nobody writes to the
 * slots any more, and the guest gives the answers itself: -EIO.
 *
 * Nobody waits for the end of a RELEASE or RELEASEDIR (which need not be sent, if the server
 * knows nothing of the directory): no doorbell rings for it, and the work ends it when it
 * runs next, at the latest when there are MAX_LAZY of them: the client counts them as
 * background requests, of which it has a limit.
 *
 * Forgets are collected for a moment and sent together; the first after a while
 * at once, as the space of a removed file is free only then.
 *
 * Limits: a request is not interrupted; a fatal signal waits for its reply.
 */
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/slab.h>
#include <asm/host_events.h>
#include <asm/switch_to.h>
#include "hostfs.h"

#define POLL_NS		50000		/* for an answer without data */
#define WAKE_NS		100000		/* for a server that has to be woken up first */
#define POLL_BYTES_NS	2		/* and so many bytes more for a nanosecond */
#define FORGET_DELAY	(HZ / 50)
#define ATTACH_MS	10000
#define MAX_LAZY	12
#define FORGETS		((sizeof_field(struct hostfs_slot, data) - sizeof(struct fuse_in_header) - \
			  sizeof(struct fuse_batch_forget_in)) / sizeof(struct fuse_forget_one))

/* --- slots ---------------------------------------------------------------- */

static unsigned long *bits(u64 *word)
{
	return (unsigned long *)word;
}

/* Under the lock. */
static int slot_get(struct hostfs_share *share, struct fuse_req *req)
{
	int n = share->free ? __ffs64(share->free) : -EAGAIN;

	if (n >= 0) {
		share->free &= ~BIT_ULL(n);
		share->req[n] = req;
	}
	return n;
}

/* How the guest learns that a request has been handled. */
enum slot_end { SLOT_POLLED, SLOT_TOLD, SLOT_LAZY };

static void slot_be_lazy(struct hostfs_share *share, int n)
{
	set_bit(n, bits(&share->lazy));
	if (hweight64(READ_ONCE(share->lazy)) < MAX_LAZY)
		queue_delayed_work(system_highpri_wq, &share->work, FORGET_DELAY);
	else
		mod_delayed_work(system_highpri_wq, &share->work, 0);
}

/* A reply of our own, of an error or of nothing else. */
static void slot_answer(struct hostfs_share *share, int n, int error)
{
	struct fuse_out_header h = { .len = sizeof(h), .error = error };

	memcpy(share->slot[n]->reply, &h, sizeof(h));
	set_bit(n, bits(&share->control->done));
}

/* True: the server had to be woken up. */
static bool slot_post(struct hostfs_share *share, int n, enum slot_end how)
{
	struct hostfs_control *c = share->control;

	if (how == SLOT_LAZY)
		slot_be_lazy(share, n);
	if (how != SLOT_TOLD)
		clear_bit(n, bits(&c->notify));
	else
		set_bit(n, bits(&c->notify));
	/* a full barrier: first the bit, then whether somebody looks for it */
	set_bit(n, bits(&c->posted));
	if (READ_ONCE(c->polling) || !READ_ONCE(c->sleeping))
		return false;
	atomic_inc((atomic_t *)&c->kick);
	host_wake(&c->kick);
	return true;
}

static bool slot_take_done(struct hostfs_share *share, int n)
{
	struct hostfs_control *c = share->control;

	return READ_ONCE(c->done) & BIT_ULL(n) && test_and_clear_bit(n, bits(&c->done));
}

/* How long the host may need, when it need not wait for a disk. */
static u64 poll_ns(const struct fuse_args *args)
{
	u64 bytes = 0;

	if (args->in_pages)
		bytes += args->in_args[args->in_numargs - 1].size;
	if (args->out_pages)
		bytes += args->out_args[args->out_numargs - 1].size;
	return POLL_NS + bytes / POLL_BYTES_NS;
}

/*
 * Wait for a reply, for a while.  True: the caller ends the request.  The server
 * needs a CPU: the task's own host thread, which polls for its next turn, is sent
 * to sleep, and a server that was given this vCPU's CPU gets it.
 */
static bool slot_poll(struct hostfs_share *share, int n, u64 ns)
{
	u64 end = host_clock_ns() + ns;
	int i;

	guest_leave(current);
	do {
		for (i = 0; i < 32; i++) {
			if (slot_take_done(share, n))
				return true;
			cpu_relax();
		}
		host_yield();
	} while (!need_resched() && host_clock_ns() < end);
	set_bit(n, bits(&share->control->notify));
	return slot_take_done(share, n);
}

/* --- the end of requests -------------------------------------------------- */

struct blocking_end {
	struct work_struct work;
	struct fuse_req *req;
};

static void end_blocking(struct work_struct *work)
{
	struct blocking_end *e = container_of(work, struct blocking_end, work);

	fuse_request_end(e->req);
	kfree(e);
}

/* An end that blocks must not keep others from being ended. */
static void end_elsewhere(struct fuse_req *req)
{
	struct blocking_end *e = kmalloc(sizeof(*e), GFP_NOFS | __GFP_NOFAIL);

	INIT_WORK(&e->work, end_blocking);
	e->req = req;
	queue_work(system_unbound_wq, &e->work);
}

static void send_waiting(struct hostfs_share *share);

static void slot_end(struct hostfs_share *share, int n, bool may_block)
{
	struct fuse_req *req = share->req[n];
	bool waiting;

	if (req)
		hostfs_reply_get(share->slot[n], req);
	spin_lock(&share->lock);
	share->req[n] = NULL;
	share->free |= BIT_ULL(n);
	waiting = !list_empty(&share->waiting);
	spin_unlock(&share->lock);
	if (waiting)
		send_waiting(share);
	if (!req)
		return;
	if (req->args->may_block && !may_block)
		end_elsewhere(req);
	else
		fuse_request_end(req);
}

static void end_done(struct hostfs_share *share)
{
	struct hostfs_control *c = share->control;
	u64 done = READ_ONCE(c->done) & (READ_ONCE(c->notify) | READ_ONCE(share->lazy));

	while (done) {
		int n = __ffs64(done);

		done &= done - 1;
		if (!slot_take_done(share, n))
			continue;
		clear_bit(n, bits(&share->lazy));
		slot_end(share, n, false);
	}
}

static void end_failed(struct hostfs_share *share)
{
	struct fuse_req *req, *next;
	LIST_HEAD(failed);

	spin_lock(&share->lock);
	list_splice_init(&share->failed, &failed);
	if (!share->running)
		list_splice_init(&share->waiting, &failed);
	spin_unlock(&share->lock);
	list_for_each_entry_safe(req, next, &failed, list) {
		list_del_init(&req->list);
		if (!req->out.h.error)
			req->out.h.error = -EIO;
		fuse_request_end(req);
	}
}

/* --- sending -------------------------------------------------------------- */

/* Ending a request takes locks that the caller may hold. */
static void fail_later(struct hostfs_share *share, struct fuse_req *req, int error)
{
	req->out.h.error = error;
	spin_lock(&share->lock);
	list_add_tail(&req->list, &share->failed);
	spin_unlock(&share->lock);
	queue_delayed_work(system_highpri_wq, &share->work, 0);
}

static void submit(struct hostfs_share *share, struct fuse_req *req, int n, enum slot_end how)
{
	int ret = hostfs_request_put(share->slot[n], req);
	u64 ns = poll_ns(req->args);

	if (ret) {
		spin_lock(&share->lock);
		share->req[n] = NULL;
		share->free |= BIT_ULL(n);
		spin_unlock(&share->lock);
		fail_later(share, req, ret);
		return;
	}
	if (slot_post(share, n, how))
		ns += WAKE_NS;
	if (how == SLOT_POLLED && slot_poll(share, n, ns))
		slot_end(share, n, true);
}

static void send_waiting(struct hostfs_share *share)
{
	for (;;) {
		struct fuse_req *req;
		int n = -EAGAIN;

		spin_lock(&share->lock);
		req = list_first_entry_or_null(&share->waiting, struct fuse_req, list);
		if (req && share->running)
			n = slot_get(share, req);
		if (n >= 0)
			list_del_init(&req->list);
		spin_unlock(&share->lock);
		if (n < 0)
			return;
		submit(share, req, n, SLOT_TOLD);
	}
}

/* A background request may be sent with locks held: then nobody can poll. */
static enum slot_end how_to_end(const struct fuse_req *req)
{
	if (!test_bit(FR_BACKGROUND, &req->flags))
		return SLOT_POLLED;
	return req->in.h.opcode == FUSE_RELEASEDIR || req->in.h.opcode == FUSE_RELEASE ?
	       SLOT_LAZY : SLOT_TOLD;
}

static void hostfs_send_req(struct fuse_iqueue *fiq, struct fuse_req *req)
{
	struct hostfs_share *share = fiq->priv;
	int n = -EIO;

	if (req->in.h.opcode != FUSE_NOTIFY_REPLY)
		req->in.h.unique = fuse_get_unique(fiq);
	clear_bit(FR_PENDING, &req->flags);
	if (hostfs_file_read(share, req) || hostfs_dir_open(share, req)) {
		fuse_request_end(req);
		return;
	}
	hostfs_file_released(share, req);
	spin_lock(&share->lock);
	if (share->running)
		n = slot_get(share, req);
	if (n == -EAGAIN)
		list_add_tail(&req->list, &share->waiting);
	spin_unlock(&share->lock);
	if (n >= 0 && hostfs_dir_released(req)) {
		slot_answer(share, n, 0);
		slot_be_lazy(share, n);
	} else if (n >= 0)
		submit(share, req, n, how_to_end(req));
	else if (n == -EIO)
		fail_later(share, req, -EIO);
}

static void hostfs_send_forget(struct fuse_iqueue *fiq, struct fuse_forget_link *link)
{
	struct hostfs_share *share = fiq->priv;
	bool soon;

	spin_lock(&share->lock);
	link->next = share->forgets;
	share->forgets = link;
	soon = time_after(jiffies, share->forgot + FORGET_DELAY);
	share->forgot = jiffies;
	spin_unlock(&share->lock);
	queue_delayed_work(system_highpri_wq, &share->work, soon ? 0 : FORGET_DELAY);
}

static struct fuse_forget_link *put_forgets(struct hostfs_slot *slot, struct fuse_forget_link *link)
{
	struct fuse_in_header *h = (struct fuse_in_header *)slot->data;
	struct fuse_batch_forget_in *in = (void *)(h + 1);
	struct fuse_forget_one *one = (void *)(in + 1);
	unsigned int n = 0;

	while (link && n < FORGETS) {
		struct fuse_forget_link *next = link->next;

		one[n++] = link->forget_one;
		kfree(link);
		link = next;
	}
	*in = (struct fuse_batch_forget_in){ .count = n };
	*h = (struct fuse_in_header){
		.len = (void *)&one[n] - (void *)h,
		.opcode = FUSE_BATCH_FORGET,
		.unique = 1,
	};
	slot->in_inline = h->len;
	slot->in_segs = 0;
	slot->out_inline = 0;
	slot->out_segs = 0;
	return link;
}

/* What finds no slot is sent when the next request has ended. */
static void send_forgets(struct hostfs_share *share)
{
	for (;;) {
		struct fuse_forget_link *link;
		int n = -EAGAIN;

		spin_lock(&share->lock);
		link = share->forgets;
		if (link && share->running)
			n = slot_get(share, NULL);
		if (n >= 0)
			share->forgets = NULL;
		spin_unlock(&share->lock);
		if (n < 0)
			return;
		link = put_forgets(share->slot[n], link);
		slot_post(share, n, SLOT_TOLD);
		while (link) {
			struct fuse_forget_link *next = link->next;

			spin_lock(&share->lock);
			link->next = share->forgets;
			share->forgets = link;
			spin_unlock(&share->lock);
			link = next;
		}
	}
}

static void drop_forgets(struct hostfs_share *share)
{
	struct fuse_forget_link *link, *next;

	spin_lock(&share->lock);
	link = share->forgets;
	share->forgets = NULL;
	spin_unlock(&share->lock);
	for (; link; link = next) {
		next = link->next;
		kfree(link);
	}
}

/* A request to interrupt: see the limits above. */
static void hostfs_send_interrupt(struct fuse_iqueue *fiq, struct fuse_req *req)
{
}

const struct fuse_iqueue_ops hostfs_iqueue_ops = {
	.send_forget	= hostfs_send_forget,
	.send_interrupt	= hostfs_send_interrupt,
	.send_req	= hostfs_send_req,
};

/* --- the server's word ---------------------------------------------------- */

static void answer_for_the_dead(struct hostfs_share *share)
{
	struct hostfs_control *c = share->control;
	u64 used;
	int n;

	spin_lock(&share->lock);
	share->running = false;
	share->dead = true;
	used = ~share->free & ~READ_ONCE(c->done);
	spin_unlock(&share->lock);
	pr_err("hostfs: the server of %s is gone\n", share->host->tag);
	for (n = 0; n < HOSTFS_SLOTS; n++) {
		if (!(used & BIT_ULL(n)))
			continue;
		set_bit(n, bits(&c->notify));
		slot_answer(share, n, -EIO);
	}
}

/* Take what lies in the socket.  False when the server is gone. */
static bool hear(struct hostfs_share *share, bool *attached)
{
	struct hostfs_message m;
	int ret;

	spin_lock(&share->lock);
	while (!(ret = hostfs_hear(share, &m)))
		if (m.type == HOSTFS_ATTACHED && attached)
			*attached = true;
	spin_unlock(&share->lock);
	return ret == -EAGAIN;
}

static void hostfs_work(struct work_struct *work)
{
	struct hostfs_share *share = container_of(to_delayed_work(work), struct hostfs_share, work);

	if (!share->dead && !hear(share, NULL))
		answer_for_the_dead(share);
	WRITE_ONCE(share->control->rung, 0);
	/* first the bell may ring again, then we look */
	smp_mb();
	end_done(share);
	end_failed(share);
	send_forgets(share);
	if (READ_ONCE(share->lazy))
		queue_delayed_work(system_highpri_wq, &share->work, FORGET_DELAY);
	if (!share->dead)
		host_watch(share->host->fd, share->event, false);
	else
		drop_forgets(share);
}

static void hostfs_event(void *data)
{
	struct hostfs_share *share = data;

	/* an event of the time before a reboot may come early */
	if (share->control)
		mod_delayed_work(system_highpri_wq, &share->work, 0);
}

/* --- start and stop ------------------------------------------------------- */

static int alloc_memory(struct hostfs_share *share)
{
	struct hostfs_control *c = (void *)get_zeroed_page(GFP_KERNEL);
	int n;

	if (!c)
		return -ENOMEM;
	for (n = 0; n < HOSTFS_SLOTS; n++) {
		share->slot[n] = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO,
							  get_order(HOSTFS_SLOT_SIZE));
		if (!share->slot[n])
			goto out_free;
		c->slot[n] = virt_to_phys(share->slot[n]);
	}
	spin_lock_init(&share->lock);
	INIT_LIST_HEAD(&share->waiting);
	INIT_LIST_HEAD(&share->failed);
	INIT_DELAYED_WORK(&share->work, hostfs_work);
	share->control = c;
	return 0;

out_free:
	while (n--)
		free_pages((unsigned long)share->slot[n], get_order(HOSTFS_SLOT_SIZE));
	free_page((unsigned long)c);
	return -ENOMEM;
}

static int attach(struct hostfs_share *share)
{
	struct hostfs_message m = {
		.type = HOSTFS_ATTACH,
		.version = HOSTFS_VERSION,
		.value = virt_to_phys(share->control),
	};
	unsigned long end = jiffies + msecs_to_jiffies(ATTACH_MS);
	bool attached = false;

	if (!hear(share, NULL) ||
	    host_write(share->host->fd, &m, sizeof(m)) != sizeof(m))
		return -EIO;
	while (!attached) {
		if (!hear(share, &attached) || time_after(jiffies, end))
			return -EIO;
		if (!attached)
			usleep_range(50, 100);
	}
	return 0;
}

int hostfs_ring_start(struct hostfs_share *share)
{
	struct hostfs_control *c;
	int ret = share->control ? 0 : alloc_memory(share);

	if (!ret && !share->event)
		ret = host_event_register(&share->event, hostfs_event, share);
	if (ret)
		return ret;
	if (share->dead)
		return -EIO;
	c = share->control;
	c->posted = 0;
	c->done = 0;
	c->notify = 0;
	c->rung = 0;
	c->polling = 0;
	c->sleeping = 0;
	c->files = 0;
	ret = attach(share);
	if (ret)
		return ret;
	hostfs_files_drop(share);
	share->free = ~0ULL;
	share->lazy = 0;
	share->running = true;
	host_watch(share->host->fd, share->event, false);
	return 0;
}

void hostfs_ring_stop(struct hostfs_share *share)
{
	if (!share->control)
		return;
	spin_lock(&share->lock);
	share->running = false;
	spin_unlock(&share->lock);
	while (READ_ONCE(share->free) != ~0ULL && !share->dead) {
		queue_delayed_work(system_highpri_wq, &share->work, 0);
		usleep_range(500, 1000);
	}
	flush_delayed_work(&share->work);
	cancel_delayed_work_sync(&share->work);
	hostfs_files_drop(share);
	drop_forgets(share);
}
