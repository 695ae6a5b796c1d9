// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests out of guest memory, replies into it.
 *
 * Theory of operation: abi.h. A few threads take requests; at most one of them
 * looks for new ones without sleeping, for a short while after the last, since
 * waking a thread costs more than most requests. A thread that takes a request
 * and sees another wakes one more.
 *
 * What is read here is written by the guest at the same time, if it likes to
 * harm itself: the request is copied once, and only the copy is looked at.
 * Pieces are checked to lie in guest memory; what else happens to the data in
 * them is the guest's affair.
 */
#include "server.h"
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define POLL_NS		150000
#define LOOKS		8	/* before somebody else may have the CPU */
#define SLEEP_S		30	/* a guest may have spoilt the futex: look then */

/* FUSE_DIRECT_IO_ALLOW_MMAP, of the flags' upper half; newer than the headers */
#define DIRECT_IO_ALLOW_MMAP	(1U << (36 - 32))

static __thread struct work *this_work;

struct work *ring_work(void)
{
	return this_work;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* ---- guest memory -------------------------------------------------------- */

static void *guest(struct server *srv, uint64_t addr, uint64_t len)
{
	if (addr > srv->ram_size || len > srv->ram_size - addr)
		return NULL;
	return srv->ram + addr;
}

/* Turn pieces into places; their sum, or -1. */
static ssize_t map_segs(struct server *srv, const struct hostfs_seg *seg, uint32_t n,
			struct iovec *iov)
{
	size_t sum = 0;
	uint32_t i;

	for (i = 0; i < n; i++) {
		iov[i].iov_base = guest(srv, seg[i].addr, seg[i].len);
		iov[i].iov_len = seg[i].len;
		if (!iov[i].iov_base || seg[i].len > HOSTFS_MAX_PAGES * 4096)
			return -1;
		sum += seg[i].len;
	}
	return sum;
}

static bool is_write(const struct work *w)
{
	return ((const struct fuse_in_header *)w->in)->opcode == FUSE_WRITE;
}

/* The rest of a request that lies in pieces: a large attribute's value. */
static bool gather(struct work *w)
{
	int i;

	for (i = 0; i < w->data_n; i++) {
		if (w->data[i].iov_len > REQUEST_MAX - w->in_len)
			return false;
		memcpy(w->in + w->in_len, w->data[i].iov_base, w->data[i].iov_len);
		w->in_len += w->data[i].iov_len;
	}
	w->data_n = 0;
	w->data_len = 0;
	return true;
}

static bool fetch_out(struct work *w, uint32_t in_inline, uint32_t room,
		      const struct hostfs_seg *seg, uint32_t n)
{
	size_t at = (in_inline + 7) & ~7UL;
	ssize_t sum;

	if (at > sizeof(w->slot->data) || room > sizeof(w->slot->data) - at)
		return false;
	w->out[0] = (struct iovec){ w->slot->data + at, room };
	sum = map_segs(w->srv, seg, n, w->out + 1);
	if (sum < 0)
		return false;
	w->out_n = n + 1;
	w->out_len = room + sum;
	return true;
}

/* Copy a request out of its slot; false when it makes no sense. */
static bool fetch(struct work *w)
{
	const volatile struct hostfs_slot *s = w->slot;
	uint32_t in_inline = s->in_inline, in_segs = s->in_segs;
	uint32_t room = s->out_inline, out_segs = s->out_segs;
	struct hostfs_seg seg[HOSTFS_SEGS];
	ssize_t sum;

	w->data_n = 0;
	w->out_n = 0;
	w->out_len = 0;
	w->placed = -1;
	w->replied = false;
	if (in_inline < sizeof(struct fuse_in_header) || in_inline > sizeof(s->data) ||
	    in_segs > HOSTFS_SEGS || out_segs > HOSTFS_SEGS - in_segs)
		return false;
	memcpy(w->in, w->slot->data, in_inline);
	memcpy(seg, w->slot->seg, (in_segs + out_segs) * sizeof(seg[0]));
	w->in_len = in_inline;
	sum = map_segs(w->srv, seg, in_segs, w->data);
	if (sum < 0)
		return false;
	w->data_n = in_segs;
	w->data_len = sum;
	if (!is_write(w) && !gather(w))
		return false;
	return fetch_out(w, in_inline, room, seg + in_segs, out_segs);
}

/* ---- replies ------------------------------------------------------------- */

static void put_header(struct work *w, int error, size_t len)
{
	struct fuse_out_header h = {
		.len = sizeof(h) + len,
		.error = error,
		.unique = ((const struct fuse_in_header *)w->in)->unique,
	};

	memcpy(w->slot->reply, &h, sizeof(h));
	w->replied = true;
}

/* Copy to w->out from @at on; false when there is no room. */
static bool put_out(struct work *w, size_t at, const uint8_t *p, size_t len)
{
	int i;

	if (at > w->out_len || len > w->out_len - at)
		return false;
	for (i = 0; i < w->out_n && len; i++) {
		size_t n = w->out[i].iov_len;

		if (at >= n) {
			at -= n;
			continue;
		}
		n -= at;
		if (n > len)
			n = len;
		memcpy((uint8_t *)w->out[i].iov_base + at, p, n);
		at = 0;
		p += n;
		len -= n;
	}
	return true;
}

/* Flags that libfuse does not know of, in its reply to INIT. */
static void amend_init(struct work *w, struct fuse_init_out *out)
{
	const struct fuse_init_in *in = (void *)(w->in + sizeof(struct fuse_in_header));

	/* the host removes set-user-id bits by itself: we lack CAP_FSETID */
	out->flags |= in->flags & FUSE_HANDLE_KILLPRIV_V2;
	/* shared mappings also where reads and writes go past the page cache */
	out->flags |= in->flags & FUSE_INIT_EXT;
	out->flags2 |= DIRECT_IO_ALLOW_MMAP;
}

ssize_t ring_writev(int fd, struct iovec *iov, int count, void *userdata)
{
	struct work *w = this_work;
	const struct fuse_out_header *h = iov[0].iov_base;
	size_t at = 0, total = 0;
	int i;

	(void)fd;
	(void)userdata;
	for (i = 0; i < count; i++)
		total += iov[i].iov_len;
	if (!w || w->replied || iov[0].iov_len != sizeof(*h))
		return total;
	if (w->placed >= 0 && !h->error) {
		put_header(w, 0, w->placed);
		return total;
	}
	if (!h->error && ((struct fuse_in_header *)w->in)->opcode == FUSE_INIT && count > 1 &&
	    iov[1].iov_len >= sizeof(struct fuse_init_out))
		amend_init(w, iov[1].iov_base);
	for (i = 1; i < count; i++) {
		if (!put_out(w, at, iov[i].iov_base, iov[i].iov_len)) {
			put_header(w, -EIO, 0);
			return total;
		}
		at += iov[i].iov_len;
	}
	put_header(w, h->error, at);
	return total;
}

void ring_reply(struct work *w, int error, const void *arg, size_t len)
{
	if (!error && !put_out(w, 0, arg, len))
		error = EIO;
	put_header(w, -error, error ? 0 : len);
}

void ring_reply_placed(fuse_req_t req, size_t len)
{
	this_work->placed = len;
	/* libfuse passes the place on to ring_writev(), which does not look there */
	fuse_reply_buf(req, (const char *)this_work->in, len);
}

int ring_out(struct work *w, struct iovec *iov, size_t len)
{
	int i, n = 0;

	for (i = 0; i < w->out_n && len; i++) {
		if (!w->out[i].iov_len)
			continue;
		iov[n] = w->out[i];
		if (iov[n].iov_len > len)
			iov[n].iov_len = len;
		len -= iov[n++].iov_len;
	}
	return n;
}

/* ---- the threads --------------------------------------------------------- */

static void kick(struct hostfs_control *c)
{
	__atomic_fetch_add(&c->kick, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &c->kick, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* Take a posted slot, or -1. */
static int take(struct hostfs_control *c)
{
	uint64_t posted;

	while ((posted = __atomic_load_n(&c->posted, __ATOMIC_SEQ_CST))) {
		int n = __builtin_ctzll(posted);
		uint64_t bit = 1ULL << n;

		if (__atomic_fetch_and(&c->posted, ~bit, __ATOMIC_SEQ_CST) & bit)
			return n;
	}
	return -1;
}

static void finish(struct server *srv, struct hostfs_control *c, int n)
{
	struct hostfs_message bell = { HOSTFS_DOORBELL, HOSTFS_VERSION, 0 };
	uint64_t bit = 1ULL << n;

	__atomic_fetch_or(&c->done, bit, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&c->notify, __ATOMIC_SEQ_CST) & bit &&
	    !__atomic_exchange_n(&c->rung, 1, __ATOMIC_SEQ_CST))
		send(srv->opt.sock, &bell, sizeof(bell), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void handle(struct work *w, struct hostfs_control *c, int n)
{
	uint64_t addr = __atomic_load_n(&c->slot[n], __ATOMIC_RELAXED);

	w->slot = guest(w->srv, addr, sizeof(*w->slot));
	if (!w->slot || addr % 8)
		return;		/* nowhere to reply to */
	if (!fetch(w)) {
		memset(w->in, 0, sizeof(struct fuse_in_header));
		put_header(w, -EIO, 0);
	} else {
		int error = check_request(w);

		if (error)
			put_header(w, -error, 0);
		else
			ops_handle(w);
	}
	if (!w->replied)
		put_header(w, 0, 0);
}

/* With the polling thread's place taken before the guest can go on. */
static bool start_polling(struct hostfs_control *c)
{
	uint32_t none = 0;

	return __atomic_compare_exchange_n(&c->polling, &none, 1, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

static int poll_for_one(struct hostfs_control *c)
{
	uint64_t end = now_ns() + POLL_NS;
	int i, n;

	do {
		for (i = 0; i < LOOKS; i++) {
			n = take(c);
			if (n >= 0)
				return n;
			__builtin_ia32_pause();
		}
		/* the guest may have been given this CPU */
		sched_yield();
	} while (now_ns() < end);
	return -1;
}

static void sleep_for_one(struct server *srv, struct hostfs_control *c)
{
	struct timespec limit = { SLEEP_S, 0 };
	uint32_t seen = __atomic_load_n(&c->kick, __ATOMIC_SEQ_CST);

	__atomic_fetch_add(&c->sleeping, 1, __ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&c->posted, __ATOMIC_SEQ_CST) &&
	    c == __atomic_load_n(&srv->control, __ATOMIC_SEQ_CST))
		syscall(SYS_futex, &c->kick, FUTEX_WAIT, seen, &limit, NULL, 0);
	__atomic_fetch_sub(&c->sleeping, 1, __ATOMIC_SEQ_CST);
}

/* Closing a directory waits for nothing: not worth another thread for what comes after it. */
static bool is_short(struct server *srv, struct hostfs_control *c, int n)
{
	uint64_t addr = __atomic_load_n(&c->slot[n], __ATOMIC_RELAXED);
	struct hostfs_slot *slot = guest(srv, addr, sizeof(*slot));
	const struct fuse_in_header *h = slot ? (const void *)slot->data : NULL;

	return h && addr % 8 == 0 &&
	       __atomic_load_n(&h->opcode, __ATOMIC_RELAXED) == FUSE_RELEASEDIR;
}

/* One request, or a wait for one. */
static void turn(struct server *srv, struct work *w, struct hostfs_control *c, bool *polling)
{
	int n = *polling ? poll_for_one(c) : take(c);

	if (*polling) {
		*polling = false;
		__atomic_store_n(&c->polling, 0, __ATOMIC_SEQ_CST);
		if (n < 0)
			n = take(c);
	}
	if (n < 0) {
		sleep_for_one(srv, c);
		return;
	}
	if (__atomic_load_n(&c->posted, __ATOMIC_SEQ_CST) &&
	    __atomic_load_n(&c->sleeping, __ATOMIC_SEQ_CST) && !is_short(srv, c, n))
		kick(c);
	handle(w, c, n);
	*polling = srv->poll && start_polling(c);
	finish(srv, c, n);
}

void umask_begin(struct server *srv, mode_t mask)
{
	if (srv->umask_shared)
		pthread_mutex_lock(&srv->umask_lock);
	umask(mask);
}

void umask_end(struct server *srv)
{
	umask(0);
	if (srv->umask_shared)
		pthread_mutex_unlock(&srv->umask_lock);
}

static void *worker(void *arg)
{
	struct server *srv = arg;
	struct work *w = calloc(1, sizeof(*w));
	bool polling = false;

	if (w)
		w->in = malloc(REQUEST_MAX);
	if (!w || !w->in)
		_exit(1);
	/* a umask of its own; containers may refuse that */
	if (unshare(CLONE_FS))
		__atomic_store_n(&srv->umask_shared, true, __ATOMIC_RELAXED);
	w->srv = srv;
	this_work = w;
	pthread_barrier_wait(&srv->ready);
	for (;;) {
		struct hostfs_control *c;
		uint32_t seen;

		pthread_rwlock_rdlock(&srv->busy);
		c = srv->control;
		seen = srv->attached;
		if (c)
			turn(srv, w, c, &polling);
		else
			polling = false;
		pthread_rwlock_unlock(&srv->busy);
		if (!c)
			syscall(SYS_futex, &srv->attached, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
	}
	return NULL;
}

/* With one CPU the guest would wait for it, not we for the guest. */
static bool polling_pays(void)
{
	cpu_set_t set;

	return !sched_getaffinity(0, sizeof(set), &set) && CPU_COUNT(&set) > 1;
}

int ring_start(struct server *srv)
{
	pthread_t t;
	int i, ret = pthread_barrier_init(&srv->ready, NULL, WORKERS + 1);

	pthread_mutex_init(&srv->umask_lock, NULL);
	srv->poll = polling_pays();
	for (i = 0; i < WORKERS && !ret; i++)
		ret = pthread_create(&t, NULL, worker, srv);
	if (!ret)
		pthread_barrier_wait(&srv->ready);
	return ret;
}

bool ring_give(struct server *srv, uint64_t fh, int fd)
{
	struct hostfs_control *c = __atomic_load_n(&srv->control, __ATOMIC_SEQ_CST);
	struct hostfs_message m = { HOSTFS_FILE, HOSTFS_VERSION, fh };
	struct iovec iov = { &m, sizeof(m) };
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {
		.h = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS },
	};
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = CMSG_SPACE(sizeof(int)),
	};

	memcpy(CMSG_DATA(&control.h), &fd, sizeof(int));
	if (!c || sendmsg(srv->opt.sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) != sizeof(m))
		return false;
	__atomic_fetch_add(&c->files, 1, __ATOMIC_SEQ_CST);
	return true;
}

static void tell(struct server *srv, uint32_t type)
{
	struct hostfs_message m = { type, HOSTFS_VERSION, 0 };

	send(srv->opt.sock, &m, sizeof(m), MSG_NOSIGNAL);
}

/* Have no thread at work, and keep it so until @busy is unlocked. */
static void stop_all(struct server *srv)
{
	struct hostfs_control *old = srv->control;

	__atomic_store_n(&srv->control, NULL, __ATOMIC_SEQ_CST);
	if (old) {
		__atomic_fetch_add(&old->kick, 1, __ATOMIC_SEQ_CST);
		syscall(SYS_futex, &old->kick, FUTEX_WAKE, WORKERS, NULL, NULL, 0);
	}
	pthread_rwlock_wrlock(&srv->busy);
}

/* A guest mounts the share, perhaps after a reboot: everything is new. */
void ring_attach(struct server *srv, uint64_t addr)
{
	stop_all(srv);
	handle_reset(srv);
	node_reset(srv);
	if (!ops_session(srv) && addr % 4096 == 0)
		srv->control = guest(srv, addr, sizeof(struct hostfs_control));
	srv->attached++;
	pthread_rwlock_unlock(&srv->busy);
	syscall(SYS_futex, &srv->attached, FUTEX_WAKE_PRIVATE, WORKERS, NULL, NULL, 0);
	if (srv->control)
		tell(srv, HOSTFS_ATTACHED);
}

/* A guest reboots. */
void ring_detach(struct server *srv)
{
	stop_all(srv);
	handle_reset(srv);
	node_reset(srv);
	pthread_rwlock_unlock(&srv->busy);
	tell(srv, HOSTFS_DETACHED);
}
