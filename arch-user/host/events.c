// SPDX-License-Identifier: GPL-2.0-only
/*
 * The I/O thread: waits for descriptors on behalf of the kernel.
 *
 * It runs no kernel code.  What happened goes into a ring, and vCPU 0 gets the
 * I/O interrupt; the kernel takes the events out in that interrupt.  A
 * descriptor is reported once and then again only after host_watch().
 *
 * The ring cannot overflow into loss: when it is full the thread waits.  Death
 * of a stub is noted in the stub's entry before it is reported.
 */
#include <linux/sched.h>
#include <uapi/linux/eventpoll.h>
#include <uapi/linux/futex.h>
#include "state.h"
#include "syscall.h"

#define IO_THREAD_FLAGS		(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | \
				 CLONE_THREAD | CLONE_SYSVSEM)

/* What an epoll entry is about: the kind in the high half, a number below. */
enum { WATCH_FD, WATCH_STUB, WATCH_ZYGOTE, WATCH_GUARD, WATCH_SIGNAL, WATCH_RING };

struct host_epoll_event {
	u32 events;
	u64 data;
} __packed;

/* #syscalls: epoll_ctl(host->epoll_fd) */
static int epoll_set(int fd, u32 events, u32 kind, u32 id)
{
	struct host_epoll_event ev = { events, (u64)kind << 32 | id };
	long ret = sys4(__NR_epoll_ctl, host->epoll_fd, EPOLL_CTL_MOD, fd, &ev);

	if (ret == -HOST_ENOENT)
		ret = sys4(__NR_epoll_ctl, host->epoll_fd, EPOLL_CTL_ADD, fd, &ev);
	return ret;
}

static void put(u32 type, u32 id)
{
	u32 head = host->ring_head, tail;
	struct timespec64_host ts = { 0, 1000000 };

	while (head - (tail = smp_load_acquire(&host->ring_tail)) >= HOST_RING_SIZE)
		sys4(__NR_futex, &host->ring_tail, FUTEX_WAIT, tail, &ts);
	host->ring[head % HOST_RING_SIZE] = (struct host_event){ type, id };
	smp_store_release(&host->ring_head, head + 1);
}

static void lock_raise(void)
{
	while (xchg(&host->raise_lock, 1))
		host_yield();
}

static void unlock_raise(void)
{
	smp_store_release(&host->raise_lock, 0);
}

/* While the guest reboots there is nobody to tell. */
static void raise_on(unsigned int cpu, u32 *word, u32 bit, u32 *idle)
{
	if (!word || __atomic_fetch_or(word, bit, __ATOMIC_SEQ_CST))
		return;
	if (READ_ONCE(*idle) == HOST_IDLE_ON_WORD)
		host_wake(word);
	else
		host_cpu_signal(cpu);
}

static void raise(void)
{
	lock_raise();
	raise_on(0, host->raise, host->raise_bit, host->raise_idle);
	unlock_raise();
}

/**
 * host_disk_raise() - tell a vCPU that there is something for host_disk_reap()
 * @cpu:	which
 */
void host_disk_raise(unsigned int cpu)
{
	struct host_disk_cpu *c = &host->disk_cpu[cpu];

	lock_raise();
	raise_on(cpu, c->raise, c->bit, c->idle);
	unlock_raise();
}

void host_disk_irq(unsigned int cpu, u32 *word, u32 bit, u32 *idle)
{
	struct host_disk_cpu *c = &host->disk_cpu[cpu];

	lock_raise();
	c->bit = bit;
	c->idle = idle;
	c->raise = word;
	unlock_raise();
}

static void __noreturn helper_killed(const char *words)
{
	host_last_words(words, host_strlen(words));
	host_exit(255);
}

/* Return: whether it is for vCPU 0's ring of events. */
static bool happened(const struct host_epoll_event *ev)
{
	u32 id = ev->data;
	u8 info[128];

	switch (ev->data >> 32) {
	case WATCH_FD:
		put(HOST_EVENT_READY, id);
		break;
	case WATCH_STUB:
		/* the slot, and which of its stubs */
		if (host->stub[(u16)id].generation != id >> 16)
			break;
		WRITE_ONCE(host->stub[(u16)id].dead, 1);
		put(HOST_EVENT_STUB_DEAD, (u16)id);
		break;
	case WATCH_ZYGOTE:
		if (!READ_ONCE(host->ending))
			helper_killed("vmlinux: zygote killed, the guest ends\n");
		break;
	case WATCH_GUARD:
		helper_killed("vmlinux: guard killed, the guest ends\n");
	case WATCH_SIGNAL:
		host_read(host->signal_fd, info, sizeof(info));
		put(info[0] == HOST_SIGCHLD ? HOST_EVENT_CHILD : HOST_EVENT_WINDOW, 0);
		break;
	case WATCH_RING:
		host_disk_raise(id);
		return false;
	}
	return true;
}

/* #syscalls: epoll_wait(host->epoll_fd) */
static void io_thread(long unused)
{
	struct host_epoll_event ev[16];

	for (;;) {
		long i, n = sys4(__NR_epoll_wait, host->epoll_fd, ev, ARRAY_SIZE(ev), -1);
		bool any = false;

		for (i = 0; i < n; i++)
			any |= happened(&ev[i]);
		if (any)
			raise();
	}
}

/**
 * host_events_start() - make the I/O thread
 *
 * Context: before confinement.  Until host_events_init() there is nobody to
 * tell, and events stay in the ring.
 */
void host_events_start(void)
{
	u64 all = ~0ULL, ours = HOST_MASKED_SIGNALS, old;
	long ret;

	host->epoll_fd = sys1(__NR_epoll_create1, HOST_O_CLOEXEC);
	host->signal_fd = sys4(__NR_signalfd4, -1, &ours, 8, HOST_O_CLOEXEC | HOST_O_NONBLOCK);
	if (host->epoll_fd < 0 || host->signal_fd < 0)
		host_usage_error("host", "it gives no descriptor to wait on", "check ulimit -n");
	epoll_set(host->signal_fd, EPOLLIN, WATCH_SIGNAL, 0);
	epoll_set(host->zygote_pidfd, EPOLLIN | EPOLLONESHOT, WATCH_ZYGOTE, 0);
	epoll_set(host->guard_sock, EPOLLRDHUP | EPOLLONESHOT, WATCH_GUARD, 0);
	sys4(__NR_rt_sigprocmask, HOST_SIG_SETMASK, &all, &old, 8);
	ret = host_thread_clone(IO_THREAD_FLAGS, host->io_stack + HOST_STACK_SIZE, io_thread, 0);
	sys4(__NR_rt_sigprocmask, HOST_SIG_SETMASK, &old, NULL, 8);
	if (ret < 0)
		host_usage_error("host", "it gives no thread", "check ulimit -u");
}

int host_events_init(u32 *word, u32 bit, u32 *idle)
{
	lock_raise();
	host->raise_bit = bit;
	host->raise_idle = idle;
	host->raise = word;
	unlock_raise();
	raise();
	return 0;
}

/**
 * host_events_stop() - do not touch guest memory until host_events_init()
 */
void host_events_stop(void)
{
	int i;

	lock_raise();
	host->raise = NULL;
	for (i = 0; i < HOST_MAX_CPUS; i++)
		host->disk_cpu[i].raise = NULL;
	unlock_raise();
}

bool host_event_next(struct host_event *ev)
{
	u32 tail = host->ring_tail;

	if (tail == smp_load_acquire(&host->ring_head))
		return false;
	*ev = host->ring[tail % HOST_RING_SIZE];
	smp_store_release(&host->ring_tail, tail + 1);
	return true;
}

int host_watch(int fd, u32 id, bool write)
{
	return epoll_set(fd, (write ? EPOLLOUT : EPOLLIN) | EPOLLONESHOT, WATCH_FD, id);
}

void host_unwatch(int fd)
{
	epoll_set(fd, EPOLLONESHOT, WATCH_FD, 0);
}

/**
 * host_watch_pidfd() - notice a stub's death
 * @pidfd:	its pidfd
 * @id:		slot in the low half, generation above
 */
void host_watch_pidfd(int pidfd, u32 id)
{
	epoll_set(pidfd, EPOLLIN | EPOLLONESHOT, WATCH_STUB, id);
}

/**
 * host_watch_ring() - notice that a ring's operations are done
 * @event_fd:	what the host counts them in; nobody reads it
 * @cpu:	whose ring
 */
void host_watch_ring(int event_fd, u32 cpu)
{
	epoll_set(event_fd, EPOLLIN | EPOLLET, WATCH_RING, cpu);
}
