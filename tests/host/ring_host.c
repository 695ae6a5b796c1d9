// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's io_uring, as host/disk_ring.c makes it, does what it is allowed on the
 * registered file and nothing else, and tells when something is done.
 */
#include <linux/io_uring.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include "ktap.h"

#define ENTRIES	8
#define FLAGS	(IORING_SETUP_R_DISABLED | IORING_SETUP_SINGLE_ISSUER | \
		 IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG)

static struct io_uring_params params;
static char *ring;
static struct io_uring_sqe *sqes;
static int fd, event_fd;

static int reg(unsigned int what, const void *arg, unsigned int n)
{
	return syscall(SYS_io_uring_register, fd, what, arg, n);
}

static int enter(unsigned int submit, unsigned int wait)
{
	return syscall(SYS_io_uring_enter, fd, submit, wait, IORING_ENTER_GETEVENTS, NULL, 0);
}

static unsigned int *word(unsigned int offset)
{
	return (unsigned int *)(ring + offset);
}

/* Submits @sqe and waits for its result. */
static int result(struct io_uring_sqe sqe)
{
	unsigned int tail = *word(params.sq_off.tail), head = *word(params.cq_off.head);
	struct io_uring_cqe *cqe;

	sqes[tail % params.sq_entries] = sqe;
	word(params.sq_off.array)[tail % params.sq_entries] = tail % params.sq_entries;
	__atomic_store_n(word(params.sq_off.tail), tail + 1, __ATOMIC_RELEASE);
	must(enter(1, 1) == 1);
	must(__atomic_load_n(word(params.cq_off.tail), __ATOMIC_ACQUIRE) == head + 1);
	cqe = (struct io_uring_cqe *)(ring + params.cq_off.cqes) + head % params.cq_entries;
	__atomic_store_n(word(params.cq_off.head), head + 1, __ATOMIC_RELEASE);
	return cqe->res;
}

static int make(int file)
{
	struct io_uring_restriction res[] = {
		{ .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_READ },
		{ .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_FSYNC },
		{ .opcode = IORING_RESTRICTION_SQE_FLAGS_REQUIRED, .sqe_flags = IOSQE_FIXED_FILE },
		{ .opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED, .sqe_flags = IOSQE_FIXED_FILE },
	};

	params.flags = FLAGS;
	fd = syscall(SYS_io_uring_setup, ENTRIES, &params);
	if (fd < 0)
		return -1;
	ring = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_SQ_RING);
	sqes = mmap(NULL, ENTRIES * sizeof(*sqes), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    IORING_OFF_SQES);
	event_fd = eventfd(0, EFD_NONBLOCK);
	must(ring != MAP_FAILED && sqes != MAP_FAILED && event_fd >= 0);
	must(!reg(IORING_REGISTER_EVENTFD, &event_fd, 1) && !reg(IORING_REGISTER_FILES, &file, 1));
	must(!reg(IORING_REGISTER_RESTRICTIONS, res, ARRAY_SIZE(res)));
	return reg(IORING_REGISTER_ENABLE_RINGS, NULL, 0);
}

static void *other_thread(void *arg)
{
	long ret = enter(0, 0);

	return (void *)(long)(ret < 0 ? errno : 0);
}

int main(void)
{
	struct io_uring_sqe sqe = { .opcode = IORING_OP_READ, .flags = IOSQE_FIXED_FILE };
	int file = temp_file(PAGE);
	pthread_t thread;
	uint64_t count;
	char buf[8];
	void *error;

	must(pwrite(file, "content", 8, 0) == 8);
	if (make(file)) {
		skip("no io_uring of Linux 6.1 for us here");
		return done();
	}
	sqe.addr = (uintptr_t)buf;
	sqe.len = 8;
	is(result(sqe), 8, "a read of the registered file");
	ok(!strcmp(buf, "content"), "reads it");
	is(read(event_fd, &count, 8), 8, "the eventfd says so");
	sqe.flags = 0;
	sqe.fd = file;
	is(result(sqe), -EACCES, "another descriptor is refused");
	sqe.flags = IOSQE_FIXED_FILE | IOSQE_ASYNC;
	sqe.fd = 0;
	is(result(sqe), -EACCES, "another flag");
	sqe.flags = IOSQE_FIXED_FILE;
	sqe.opcode = IORING_OP_WRITE;
	is(result(sqe), -EACCES, "another operation");
	sqe.opcode = IORING_OP_OPENAT;
	is(result(sqe), -EACCES, "to open something");
	fails(reg(IORING_REGISTER_FILES_UPDATE, NULL, 0), EACCES, "no other file is registered");
	fails(reg(IORING_UNREGISTER_FILES, NULL, 0), EACCES, "nor is it taken away");
	fails(reg(IORING_REGISTER_RESTRICTIONS, NULL, 0), EACCES, "the restrictions stay");
	must(!pthread_create(&thread, NULL, other_thread, NULL) && !pthread_join(thread, &error));
	is((long)error, EEXIST, "another thread is refused");
	return done();
}
