/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the host side knows.  One structure at a fixed address outside of guest
 * memory and outside of the image's data, so that a guest reboot, which
 * empties both, leaves it alone.  The host side has no other variable.
 */
#ifndef _HOST_STATE_H
#define _HOST_STATE_H

#include <linux/array_size.h>
#include <linux/mm.h>
#include <asm/host.h>
#include <asm/host_share.h>
#include <asm/layout.h>
#include <asm/stub_abi.h>
#include <uapi/asm-generic/termbits.h>

#define HOST_STACK_SIZE		16384
#define HOST_RING_SIZE		256	/* power of two */
#define HOST_WATCHES		64
#define HOST_DISK_THREADS	4
/*
 * Blocked in all threads: the I/O thread reads them from a descriptor, and the
 * host would drop them if the first thread took them.
 */
#define HOST_MASKED_SIGNALS	(1ULL << (HOST_SIGWINCH - 1) | 1ULL << (HOST_SIGCHLD - 1))
#define HOST_CPU_WORDS		16	/* of an affinity mask: 1024 host CPUs */

/*
 * Defences that unsafe= can leave out, in a control build alone; the words are
 * in unsafe.c.
 */
enum host_defence {
	HOST_DEFENCE_CONFINE,		/* the kernel process's filter */
	HOST_DEFENCE_ARCH,		/* its look at the architecture */
	HOST_DEFENCE_END,		/* a call that it refuses ends the guest */
	HOST_DEFENCE_RIGHTS,		/* dropping capabilities */
	HOST_DEFENCE_DESCRIPTORS,	/* closing descriptors that nobody named */
	HOST_DEFENCE_SEALS,		/* memory cannot grow */
};

#define HOST_UNSAFE_CALLS	4
/* What a refused call returns when it does not end the guest. */
#define HOST_UNSAFE_ERRNO	4000

struct timespec64_host {
	s64 sec;
	s64 nsec;
};

/**
 * struct host_cpu - a vCPU's host thread
 * @rseq:	its rseq area: where the host keeps the number of its CPU
 * @tid:	its id
 * @timer:	its host timer
 * @go:		futex: set to 1 for the thread to run @entry on @stack
 * @entry:	see host_cpu_start()
 * @stack:	ditto
 */
struct host_cpu {
	struct stub_rseq rseq;
	int tid;
	int timer;
	u32 go;
	void (*entry)(void);
	void *stack;
};

/**
 * struct host_stub - a stub process
 * @pid:	process id, 0 when there is none
 * @pidfd:	to watch and to kill it
 * @dead:	set by the I/O thread
 * @nops:	operations in the batch being filled
 * @unmaps:	of them, munmap()
 * @cpu:	host CPU its mapper is bound to, plus one; 0 when to none
 * @cpu_misses:	requests in a row that came from another CPU
 * @ending:	a lock: it is being killed
 * @pending:	the mapper has a request of which the end has not been seen
 * @error:	how the last ended that did, until somebody asks
 * @generation:	tells it from an earlier one of the same slot
 */
struct host_stub {
	int pid;
	int pidfd;
	u32 dead;
	u32 nops;
	u32 unmaps;
	u32 ending;
	bool pending;
	int error;
	u16 generation;
	u16 cpu;
	u16 cpu_misses;
};

/**
 * struct host_traced - what intercept=ptrace keeps
 * @running:	guest thread that runs, 0 when none does
 * @status:	of its stop when another wait came upon it, else 0
 * @newborn:	thread or process of which the first stop has been seen, or 0
 * @slots:	all stubs have numbers below this
 * @tid:	guest threads by area
 */
struct host_traced {
	int running;
	int status;
	int newborn;
	u32 slots;
	int tid[STUB_MAX_AREAS];
};

/* Operations that a ring takes at once. */
#define HOST_RING_BATCH		16

/**
 * struct host_ring - a vCPU's io_uring
 * @fd:		its descriptor
 * @event_fd:	where the host says that something is done
 * @sq_tail:	submission queue: the next free entry
 * @sq_mask:	its size less one
 * @sq_flags:	what the host says of it
 * @sqes:	its entries
 * @cq_head:	completion queue: the next one to take
 * @cq_tail:	the next one to come
 * @cq_mask:	its size less one
 * @cq_flags:	what we say of it
 * @cqes:	its entries
 * @inflight:	operations submitted and not reaped
 * @queued:	of them, those that the host has not been told of
 * @queued_at:	when the first of those was, in TSC cycles
 * @reaped_at:	when something was reaped last
 * @returned:	of them, those that it would not take
 * @poll:	TSC cycles to look for a completion before sleeping
 */
struct host_ring {
	int fd;
	int event_fd;
	u32 *sq_tail;
	u32 sq_mask;
	u32 *sq_flags;
	struct io_uring_sqe *sqes;
	u32 *cq_head;
	u32 *cq_tail;
	u32 cq_mask;
	u32 *cq_flags;
	struct io_uring_cqe *cqes;
	u32 inflight;
	u32 queued;
	u64 queued_at;
	u64 reaped_at;
	struct host_disk_op *returned;
	u64 poll;
};

/**
 * struct host_disk_cpu - what a vCPU has to do with disks
 * @ring:	its ring
 * @inflight:	operations submitted and not given back
 * @done:	those that threads have finished
 * @raise:	see host_disk_irq()
 * @bit:	ditto
 * @idle:	ditto
 */
struct host_disk_cpu {
	struct host_ring ring;
	u32 inflight;
	struct host_disk_op *done;
	u32 *raise;
	u32 bit;
	u32 *idle;
};

/**
 * struct host_disk_pool - threads that wait for files
 * @lock:	of the list
 * @first:	what is to be done
 * @last:	where to append
 * @calls:	futex: how often there was something to do
 * @sleeping:	threads that wait on it
 * @stack:	theirs
 */
struct host_disk_pool {
	u32 lock;
	struct host_disk_op *first;
	struct host_disk_op *last;
	u32 calls;
	u32 sleeping;
	u8 stack[HOST_DISK_THREADS][HOST_STACK_SIZE] __aligned(16);
};

struct host_state {
	struct boot_info boot;
	enum { INTERCEPT_AUTO, INTERCEPT_SECCOMP, INTERCEPT_PTRACE } intercept;

#ifdef CONFIG_KERNELET_ATTACK_CONTROL
	u64 unsafe;			/* bits of enum host_defence */
	u32 unsafe_call[HOST_UNSAFE_CALLS];
	u32 unsafe_calls;
#endif

	u64 cpus_allowed[7];		/* host CPUs, as sched_setaffinity() takes them */
	int ram_fd;
	int control_fd;
	int exe_fd;
	int initrd_fd;
	u64 initrd_file_size;
	unsigned long host_sp;		/* the stack the process started on */
	u64 (*vdso_clock_gettime)(int clock, struct timespec64_host *ts);

	int zygote_pid;
	int zygote_pidfd;
	int zygote_sock;
	bool ending;			/* its death is our doing */
	u32 zygote_lock;

	/* terminals: what to set back; the guard does it when we are killed */
	struct ktermios tty_saved[HOST_MAX_CONSOLES];
	int guard_sock;
	int guard_other;		/* the guard's end, until it has it alone */

	/* I/O thread */
	int epoll_fd;			/* made before confinement */
	int signal_fd;
	u32 *raise;
	u32 raise_lock;
	u32 raise_bit;
	u32 *raise_idle;
	u32 ring_head;			/* the I/O thread's */
	u32 ring_tail;			/* vCPU 0's */
	struct host_event ring[HOST_RING_SIZE];

	struct host_cpu cpu[HOST_MAX_CPUS];
	struct host_stub stub[STUB_MAX_STUBS];
	u32 tid[STUB_MAX_AREAS];	/* host thread ids of guest threads */
	struct host_traced traced;

	enum { DISK_ENGINE_AUTO, DISK_ENGINE_RINGS, DISK_ENGINE_THREADS } disk_engine;
	int disk_fd[HOST_MAX_DISKS * HOST_DISK_LAYERS];	/* as rings number them */
	int disk_lock_fd[HOST_MAX_DISKS * HOST_DISK_LAYERS];
	unsigned int disk_fds;
	const char *disk_word[HOST_MAX_DISKS], *disk_value[HOST_MAX_DISKS];
	int disk_socket;
	int share_file[HOST_SHARE_FILES];	/* descriptors, 0 for none */
	u32 disk_tag;			/* of the message that is to be answered */
	u32 disk_rings;			/* vCPUs that have set up theirs, or tried */
	u32 disk_rings_failed;
	struct host_disk_cpu disk_cpu[HOST_MAX_CPUS];
	struct host_disk_pool disk_pool;

	u8 cpu_stack[HOST_MAX_CPUS][HOST_STACK_SIZE] __aligned(16);
	u8 io_stack[HOST_STACK_SIZE] __aligned(16);
};

struct sock_filter;

#define host	((struct host_state *)HOST_STATE_ADDR)

static inline struct stub_request *host_request_page(u32 slot)
{
	return (void *)(CONTROL_ADDR + ((unsigned long)slot << 12));
}

/* What the stubs' filter wants to see in a clone(): stub/zygote.c. */
#define HOST_GUEST_THREAD_FLAGS	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | \
				 CLONE_THREAD | CLONE_SYSVSEM)

/* start.c; head.S goes there */
void __noreturn host_start(unsigned long *sp);

/* wait.S */
long host_thread_clone(unsigned long flags, void *stack, void (*fn)(long), long arg);
void __noreturn host_switch_stack(void *stack, void (*fn)(void));
void host_sig_return(void);

/* cpu.c */
void host_signals_start(void);
void host_cpus_start(void);

/* options.c */
void host_options(int argc, char **argv, char **envp);
void __noreturn host_usage_error(const char *what, const char *why, const char *hint);
bool host_number(const char *s, u64 *val);
int host_inherited_fd(const char *word, const char *value);
int host_open_file(const char *word, const char *path, int flags);

/* net.c */
void host_net_option(const char *word, const char *value, unsigned int n);
void host_vsock_option(const char *word, const char *value, unsigned int n);
void host_net_start(void);

/* unsafe.c */
#ifdef CONFIG_KERNELET_ATTACK_CONTROL
void host_unsafe_option(const char *word, const char *value, unsigned int n);

static inline bool host_unsafe(enum host_defence d)
{
	return host->unsafe >> d & 1;
}
#else
static inline bool host_unsafe(enum host_defence d)
{
	return false;
}
#endif

/* stub.c */
void host_zygote_start(void);
void host_zygote_end(void);
void host_stubs_end(void);
unsigned long host_stub_area(u32 slot, u32 area);

/* ptrace.c */
void host_intercept_choose(void);
void host_traced_start(void);
void host_traced_spawn(u32 slot);
void host_traced_bury(int pid);
void host_traced_reset(void);

/* file.c: the forms that wait */
long host_read_wait(int fd, void *buf, size_t n);
long host_write_wait(int fd, const void *buf, size_t n);

/* limits.c */
void host_limits_start(void);

/* tty.c */
void host_tty_start(void);
int host_console_tty(int n);
void host_tty_set_back(void);

/* guard.c */
void host_guard_start(void);
void host_guard_begin(int listener);
void host_guard_end(void);

/* confine.c */
void host_close_all_but(const int *keep, int n);
void host_drop_rights(void);
void host_confine(void);
long host_filter_install(struct sock_filter *filter, size_t len, unsigned long flags);

/* clock.c */
void host_clock_start(unsigned long vdso);
u64 host_cpu_ns(int pid);

/* disk.c */
void host_disks_start(void);
void host_disk_drain(unsigned int cpu);
void host_disk_listen(unsigned int cpu);
void host_disk_listen_end(unsigned int cpu);
void host_disk_done(struct host_disk_op *op);

/* disk_open.c */
void host_disk_option(const char *word, const char *value, unsigned int n);
void host_disk_options_end(void);
void host_disk_engine_option(const char *word, const char *value, unsigned int n);

/* disk_socket.c */
void host_disk_socket_option(const char *word, const char *value, unsigned int n);

/* disk_pool.c */
void host_disk_pool_start(void);
void host_disk_pool_submit(struct host_disk_op *op);

/* disk_ring.c */
void host_ring_start(unsigned int cpu);
bool host_rings_ready(void);
void host_ring_submit(struct host_ring *r, struct host_disk_op *op);
void host_ring_flush(struct host_ring *r);
bool host_ring_flush_due(const struct host_ring *r);
struct host_disk_op *host_ring_reap(struct host_ring *r);
bool host_ring_wait(struct host_ring *r, const u32 *pending);
bool host_ring_any_done(const struct host_ring *r);
bool host_ring_reap_due(const struct host_ring *r);
void host_ring_tell(struct host_ring *r, bool tell);

/* disk_mark.c */
struct cow_header;
enum host_disk_mark { HOST_UNMARKED, HOST_MARK_FITS, HOST_MARK_OTHER };
enum host_disk_mark host_disk_marked(int fd, const struct cow_header *h);
void host_disk_mark(int fd, const struct cow_header *h);

/* memory.c */
void host_ram_start(void);
void host_image_load(void);

/* file.c */
int host_move_fd(int fd, int first, int last);

/* message.c */
#define HOST_MESSAGE_FDS	32
int host_receive(int sock, void *buf, size_t size, int *fd, unsigned int max, bool wait);
void host_close_all(const int *fd, unsigned int n);

/* share.c */
void host_shares_start(void);
void host_shares_stop(void);

/* events.c */
void host_events_start(void);
void host_events_stop(void);
void host_watch_pidfd(int pidfd, u32 id);
void host_watch_ring(int event_fd, u32 cpu);
void host_disk_raise(unsigned int cpu);

static inline size_t host_strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

static inline bool host_starts(const char *s, const char *prefix)
{
	while (*prefix)
		if (*s++ != *prefix++)
			return false;
	return true;
}

static inline bool host_same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

#endif /* _HOST_STATE_H */
