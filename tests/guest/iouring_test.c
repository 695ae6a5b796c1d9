// SPDX-License-Identifier: GPL-2.0-only
/*
 * io_uring through its rings: no-op, files by plain and registered buffers, a
 * pipe that blocks, a timeout, polling by a kernel thread.
 */
#include <linux/io_uring.h>
#include "ktap.h"

#define ENTRIES 16

struct ring {
	int fd;
	bool polled;
	unsigned int *sq_tail, *sq_mask, *sq_array, *sq_flags;
	unsigned int *cq_head, *cq_tail, *cq_mask;
	struct io_uring_cqe *cqes;
	struct io_uring_sqe *sqes;
};

static bool ring_open(struct ring *r, unsigned int flags)
{
	struct io_uring_params p = { .flags = flags, .sq_thread_idle = 1000 };
	char *sq, *cq;

	memset(r, 0, sizeof(*r));
	r->fd = syscall(SYS_io_uring_setup, ENTRIES, &p);
	if (r->fd < 0)
		return false;
	sq = mmap(NULL, p.sq_off.array + p.sq_entries * 4, PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_SQ_RING);
	cq = mmap(NULL, p.cq_off.cqes + p.cq_entries * sizeof(*r->cqes), PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_CQ_RING);
	r->sqes = mmap(NULL, p.sq_entries * sizeof(*r->sqes), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_SQES);
	must(sq != MAP_FAILED && cq != MAP_FAILED && r->sqes != MAP_FAILED);
	r->polled = flags & IORING_SETUP_SQPOLL;
	r->sq_tail = (void *)(sq + p.sq_off.tail);
	r->sq_mask = (void *)(sq + p.sq_off.ring_mask);
	r->sq_flags = (void *)(sq + p.sq_off.flags);
	r->sq_array = (void *)(sq + p.sq_off.array);
	r->cq_head = (void *)(cq + p.cq_off.head);
	r->cq_tail = (void *)(cq + p.cq_off.tail);
	r->cq_mask = (void *)(cq + p.cq_off.ring_mask);
	r->cqes = (void *)(cq + p.cq_off.cqes);
	return true;
}

static void submit(struct ring *r, struct io_uring_sqe sqe)
{
	unsigned int tail = *r->sq_tail, i = tail & *r->sq_mask;

	r->sqes[i] = sqe;
	r->sq_array[i] = i;
	__atomic_store_n(r->sq_tail, tail + 1, __ATOMIC_RELEASE);
	if (!r->polled)
		must(syscall(SYS_io_uring_enter, r->fd, 1, 0, 0, NULL, 0) == 1);
	else if (__atomic_load_n(r->sq_flags, __ATOMIC_SEQ_CST) & IORING_SQ_NEED_WAKEUP)
		must(syscall(SYS_io_uring_enter, r->fd, 1, 0, IORING_ENTER_SQ_WAKEUP,
			     NULL, 0) >= 0);
}

/* The result of the operation marked with @data, the next to be completed. */
static int result(struct ring *r, uint64_t data)
{
	unsigned int head = *r->cq_head;
	struct io_uring_cqe *c;
	int res;

	if (head == __atomic_load_n(r->cq_tail, __ATOMIC_ACQUIRE))
		must(syscall(SYS_io_uring_enter, r->fd, 0, 1, IORING_ENTER_GETEVENTS,
			     NULL, 0) >= 0);
	must(head != __atomic_load_n(r->cq_tail, __ATOMIC_ACQUIRE));
	c = &r->cqes[head & *r->cq_mask];
	res = c->user_data == data ? c->res : -9999;
	__atomic_store_n(r->cq_head, head + 1, __ATOMIC_RELEASE);
	return res;
}

static struct io_uring_sqe op(int opcode, int fd, void *buf, size_t len, uint64_t data)
{
	return (struct io_uring_sqe) {
		.opcode = opcode, .fd = fd, .addr = (uintptr_t)buf, .len = len,
		.user_data = data,
	};
}

static void test_files(struct ring *r, const char *name)
{
	static char out[PAGE] __attribute__((aligned(4096))), in[PAGE];
	int fd = temp_file(0), bad = 0;

	submit(r, op(IORING_OP_NOP, -1, NULL, 0, 1));
	is(result(r, 1), 0, "%s: no-op", name);
	memset(out, 'x', sizeof(out));
	submit(r, op(IORING_OP_WRITE, fd, out, sizeof(out), 2));
	is(result(r, 2), sizeof(out), "%s: write", name);
	submit(r, op(IORING_OP_READ, fd, in, sizeof(in), 3));
	is(result(r, 3), sizeof(in), "%s: read", name);
	ok(!memcmp(in, out, sizeof(in)), "%s: the same", name);
	submit(r, op(IORING_OP_READ, fd, at(8), 64, 4));
	is(result(r, 4), -EFAULT, "%s: a bad address", name);
	for (int i = 0; i < 500; i++) {
		submit(r, op(IORING_OP_NOP, -1, NULL, 0, 100 + i));
		bad += result(r, 100 + i) != 0;
	}
	is(bad, 0, "%s: 500 in a row", name);
	close(fd);
}

static void test_registered(struct ring *r)
{
	char *buf = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	struct iovec iov = { buf, 4 * PAGE };
	int fd = temp_file(0);
	char back[16] = "";

	must(buf != MAP_FAILED);
	is(syscall(SYS_io_uring_register, r->fd, IORING_REGISTER_BUFFERS, &iov, 1), 0,
	   "a registered buffer");
	strcpy(buf + PAGE, "registered");
	submit(r, op(IORING_OP_WRITE_FIXED, fd, buf + PAGE, 16, 5));
	is(result(r, 5), 16, "is written from");
	must(pread(fd, back, 16, 0) == 16);
	ok(!strcmp(back, "registered"), "what is in it");
	must(pwrite(fd, "changed", 8, 0) == 8);
	submit(r, op(IORING_OP_READ_FIXED, fd, buf + 2 * PAGE, 8, 6));
	is(result(r, 6), 8, "and read into");
	ok(!strcmp(buf + 2 * PAGE, "changed"), "at the right place");
	close(fd);
}

static void test_waiting(struct ring *r)
{
	struct __kernel_timespec ts = { .tv_nsec = 20000000 };
	struct io_uring_sqe sqe = op(IORING_OP_TIMEOUT, -1, &ts, 1, 7);
	uint64_t start = now_ns(CLOCK_MONOTONIC);
	char buf[8] = "";
	int fds[2];

	submit(r, sqe);
	is(result(r, 7), -ETIME, "a timeout");
	ok(now_ns(CLOCK_MONOTONIC) - start >= 20000000, "after its time");
	must(pipe(fds) == 0);
	submit(r, op(IORING_OP_READ, fds[0], buf, sizeof(buf), 8));
	sleep_ms(5);
	is(*r->cq_head, *r->cq_tail, "a read from an empty pipe waits");
	must(write(fds[1], "abc", 4) == 4);
	is(result(r, 8), 4, "until something is written");
	ok(!strcmp(buf, "abc"), "and gets it");
}

int main(void)
{
	struct ring r;

	if (!ring_open(&r, 0) && (errno == ENOSYS || errno == EPERM) && !getenv("KERNELET_GUEST")) {
		printf("KTAP version 1\n1..0 # SKIP no io_uring here\n");
		return 0;
	}
	if (!ok(r.fd >= 0, "io_uring_setup"))
		return done();
	test_files(&r, "by call");
	test_registered(&r);
	test_waiting(&r);
	must(ring_open(&r, IORING_SETUP_SQPOLL));
	test_files(&r, "polled");
	return done();
}
