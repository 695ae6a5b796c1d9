// SPDX-License-Identifier: GPL-2.0-only
/*
 * A few threads that wait for the files of disks, where io_uring is not to be
 * had.  They run no kernel code: what is to be done comes in a list, and goes
 * back to the vCPU that asked for it (host_disk_done()).
 */
#include <linux/sched.h>
#include <uapi/linux/futex.h>
#include "state.h"
#include "syscall.h"

#define POOL_THREAD_FLAGS	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | \
				 CLONE_THREAD | CLONE_SYSVSEM)

static void lock(struct host_disk_pool *p)
{
	while (xchg(&p->lock, 1))
		host_yield();
}

static void unlock(struct host_disk_pool *p)
{
	smp_store_release(&p->lock, 0);
}

static struct host_disk_op *take(struct host_disk_pool *p)
{
	struct host_disk_op *op;

	lock(p);
	op = p->first;
	if (op)
		p->first = op->next;
	unlock(p);
	return op;
}

/* #syscalls: futex(_, FUTEX_WAIT) */
static void pool_thread(long unused)
{
	struct host_disk_pool *p = &host->disk_pool;

	for (;;) {
		u32 calls = READ_ONCE(p->calls);
		struct host_disk_op *op = take(p);

		if (op) {
			op->result = host_disk_do(op);
			host_disk_done(op);
			continue;
		}
		__atomic_fetch_add(&p->sleeping, 1, __ATOMIC_SEQ_CST);
		sys4(__NR_futex, &p->calls, FUTEX_WAIT, calls, NULL);
		__atomic_fetch_sub(&p->sleeping, 1, __ATOMIC_SEQ_CST);
	}
}

/**
 * host_disk_pool_submit() - have a thread carry it out
 * @op:		what
 *
 * Context: interrupts off.
 */
void host_disk_pool_submit(struct host_disk_op *op)
{
	struct host_disk_pool *p = &host->disk_pool;

	op->next = NULL;
	lock(p);
	if (p->first)
		p->last->next = op;
	else
		p->first = op;
	p->last = op;
	unlock(p);
	__atomic_fetch_add(&p->calls, 1, __ATOMIC_SEQ_CST);
	if (READ_ONCE(p->sleeping))
		host_wake(&p->calls);
}

/**
 * host_disk_pool_start() - make the threads
 *
 * Context: before confinement.
 */
void host_disk_pool_start(void)
{
	u64 all = ~0ULL, old;
	long ret = 0;
	int i;

	sys4(__NR_rt_sigprocmask, HOST_SIG_SETMASK, &all, &old, 8);
	for (i = 0; i < HOST_DISK_THREADS && ret >= 0; i++)
		ret = host_thread_clone(POOL_THREAD_FLAGS,
					host->disk_pool.stack[i] + HOST_STACK_SIZE, pool_thread, 0);
	sys4(__NR_rt_sigprocmask, HOST_SIG_SETMASK, &old, NULL, 8);
	if (ret < 0)
		host_usage_error("host", "it gives no thread", "check ulimit -u");
}
