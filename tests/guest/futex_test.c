// SPDX-License-Identifier: GPL-2.0-only
/* Raw futexes: wait, wake, requeue, bitsets, PI, robust lists, sharing. */
#include <linux/futex.h>
#include <stddef.h>
#include "ktap.h"

static long futex(void *addr, int op, int val, void *timeout, void *addr2,
		  int val3)
{
	return syscall(SYS_futex, addr, op, val, timeout, addr2, val3);
}

static int word, word2, awake;

struct waiter {
	pthread_t t;
	int tid;
	int op, bits;
	long ret;
};

static void *waiter(void *arg)
{
	struct waiter *w = arg;

	__atomic_store_n(&w->tid, syscall(SYS_gettid), __ATOMIC_RELEASE);
	w->ret = futex(&word, w->op, 0, NULL, NULL, w->bits);
	__atomic_add_fetch(&awake, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

/* The thread sleeps in the kernel. */
static bool asleep(int tid)
{
	char name[64], buf[512];
	char *p;

	snprintf(name, sizeof(name), "/proc/self/task/%d/stat", tid);
	if (read_file(name, buf, sizeof(buf)) < 0)
		return false;
	p = strrchr(buf, ')');
	return p && p[2] == 'S';
}

static void start(struct waiter *w, int n, int op)
{
	awake = 0;
	for (int i = 0; i < n; i++) {
		w[i] = (struct waiter){ .op = op, .bits = 1 << i };
		must(pthread_create(&w[i].t, NULL, waiter, &w[i]) == 0);
	}
	for (int i = 0; i < n; i++)
		must(wait_for(__atomic_load_n(&w[i].tid, __ATOMIC_ACQUIRE) &&
			      asleep(w[i].tid), 10000));
}

static void join(struct waiter *w, int n)
{
	for (int i = 0; i < n; i++)
		pthread_join(w[i].t, NULL);
}

static void test_wake(int private)
{
	struct waiter w[5];
	struct timespec ts = { 0, 10000000 };
	uint64_t t0 = now_ns(CLOCK_MONOTONIC);

	fails(futex(&word, FUTEX_WAIT | private, 1, NULL, NULL, 0), EAGAIN,
	      "the value differs");
	fails(futex(&word, FUTEX_WAIT | private, 0, &ts, NULL, 0), ETIMEDOUT,
	      "a time-out");
	ok(now_ns(CLOCK_MONOTONIC) - t0 >= 10000000, "not too early");
	is(futex(&word, FUTEX_WAKE | private, 1, NULL, NULL, 0), 0,
	   "nobody to wake");
	start(w, 5, FUTEX_WAIT | private);
	is(futex(&word, FUTEX_WAKE | private, 2, NULL, NULL, 0), 2, "wake two");
	ok(wait_for(awake == 2, 10000), "two are awake");
	is(futex(&word, FUTEX_WAKE | private, INT_MAX, NULL, NULL, 0), 3,
	   "wake the rest");
	join(w, 5);
}

static void test_requeue(void)
{
	struct waiter w[5];

	start(w, 5, FUTEX_WAIT_PRIVATE);
	is(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)10, &word2, 0), 5,
	   "requeue: one wakes, four move");
	ok(wait_for(awake == 1, 10000), "one is awake");
	is(futex(&word, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0), 0,
	   "nobody is left");
	is(futex(&word2, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0), 4,
	   "four wait elsewhere");
	fails(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)10, &word2, 1),
	      EAGAIN, "requeue with another value");
	join(w, 5);
}

static void test_bitset(void)
{
	struct waiter w[3];

	start(w, 3, FUTEX_WAIT_BITSET_PRIVATE);
	is(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 10, NULL, NULL, 5), 2,
	   "a bit set chooses two");
	is(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 10, NULL, NULL, 8), 0,
	   "and nobody");
	is(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 10, NULL, NULL, 2), 1,
	   "and the last");
	join(w, 3);
}

static void test_wake_op(void)
{
	struct waiter w[1];

	start(w, 1, FUTEX_WAIT_PRIVATE);
	word2 = 7;
	is(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &word2,
		 FUTEX_OP(FUTEX_OP_ADD, 5, FUTEX_OP_CMP_EQ, 7)), 1, "WAKE_OP");
	is(word2, 12, "computes");
	word2 = 0;
	join(w, 1);
}

static void test_bad(void)
{
	fails(futex((char *)&word + 1, FUTEX_WAKE, 1, NULL, NULL, 0), EINVAL,
	      "an odd address");
	fails(futex(at(PAGE), FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), EFAULT,
	      "an unmapped address");
	fails(futex(&word, 77, 0, NULL, NULL, 0), ENOSYS, "an unknown operation");
}

/* Shared between processes, also through two mappings of a file. */
static void test_shared(void)
{
	int fd = temp_file(PAGE), status;
	int *a = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	int *b = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	pid_t pid = do_fork();

	if (!pid) {
		a[1] = 1;
		while (!a[0])
			futex(a, FUTEX_WAIT, 0, NULL, NULL, 0);
		_exit(a[0]);
	}
	while (!b[1])
		sched_yield();
	b[0] = 33;
	while (waitpid(pid, &status, WNOHANG) == 0)
		futex(b, FUTEX_WAKE, 1, NULL, NULL, 0);
	is(status, EXITED(33), "a futex in a shared file mapping");
}

static void *pi_holder(void *arg)
{
	futex(&word2, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	__atomic_store_n((int *)arg, 1, __ATOMIC_RELEASE);
	sleep_ms(20);
	futex(&word2, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	return NULL;
}

static void test_pi(void)
{
	pthread_t t;
	int held = 0;

	word2 = 0;
	is(futex(&word2, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0, "PI lock");
	is(word2 & FUTEX_TID_MASK, syscall(SYS_gettid), "holds the owner");
	fails(futex(&word2, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), EDEADLK,
	      "once");
	is(futex(&word2, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0, "unlock");
	is(word2, 0, "frees it");
	pthread_create(&t, NULL, pi_holder, &held);
	while (!__atomic_load_n(&held, __ATOMIC_ACQUIRE))
		sched_yield();
	is(futex(&word2, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0,
	   "PI lock waits for its holder");
	is(word2 & FUTEX_TID_MASK, syscall(SYS_gettid), "and has it then");
	is(futex(&word2, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0, "unlock");
	pthread_join(t, NULL);
	fails(futex(&word2, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), EPERM,
	      "unlock of what is not held");
}

struct lock {
	struct robust_list list;
	int word;
};

/* The kernel marks a lock of the robust list when its owner exits. */
static void test_robust_list(void)
{
	struct robust_list_head *h;
	struct lock *l;
	pid_t pid;

	l = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		 -1, 0);
	h = (void *)(l + 1);
	h->list.next = &l->list;
	l->list.next = &h->list;
	h->futex_offset = offsetof(struct lock, word);
	pid = do_fork();
	if (!pid) {
		l->word = syscall(SYS_gettid) | FUTEX_WAITERS;
		syscall(SYS_set_robust_list, h, sizeof(*h));
		_exit(0);
	}
	is(reap(pid), EXITED(0), "an owner exits");
	is(l->word & FUTEX_OWNER_DIED, FUTEX_OWNER_DIED, "its lock is marked");
}

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

struct waitv {
	uint64_t val, uaddr;
	uint32_t flags, reserved;
};

static void *wakes(void *arg)
{
	while (!futex(arg, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0))
		sched_yield();
	return NULL;
}

static void test_waitv(void)
{
	struct waitv v[2] = {
		{ 0, (uintptr_t)&word, 2 | FUTEX_PRIVATE_FLAG, 0 },
		{ 0, (uintptr_t)&word2, 2 | FUTEX_PRIVATE_FLAG, 0 },
	};
	pthread_t t;

	word2 = 0;
	pthread_create(&t, NULL, wakes, &word2);
	is(syscall(SYS_futex_waitv, v, 2, 0, NULL, 0), 1,
	   "futex_waitv says which was woken");
	pthread_join(t, NULL);
}

/* Two threads hand a turn back and forth. */
static void *pong(void *arg)
{
	for (int i = 0; i < 2000; i++) {
		while (__atomic_load_n(&word, __ATOMIC_ACQUIRE) != 1)
			futex(&word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
		__atomic_store_n(&word, 0, __ATOMIC_RELEASE);
		futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	}
	return NULL;
}

static void test_ping_pong(void)
{
	pthread_t t;

	pthread_create(&t, NULL, pong, NULL);
	for (int i = 0; i < 2000; i++) {
		__atomic_store_n(&word, 1, __ATOMIC_RELEASE);
		futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
		while (__atomic_load_n(&word, __ATOMIC_ACQUIRE) != 0)
			futex(&word, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0);
	}
	pthread_join(t, NULL);
	ok(true, "2000 turns there and back, none lost");
}

int main(void)
{
	test_wake(0);
	test_wake(FUTEX_PRIVATE_FLAG);
	test_requeue();
	test_bitset();
	test_wake_op();
	test_bad();
	test_shared();
	test_pi();
	test_robust_list();
	test_waitv();
	test_ping_pong();
	return done();
}
