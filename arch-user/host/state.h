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
#include <asm/layout.h>
#include <asm/stub_abi.h>
#include <uapi/asm-generic/termbits.h>

#define HOST_STACK_SIZE		16384
#define HOST_RING_SIZE		256	/* power of two */
#define HOST_WATCHES		64

/*
 * Defences that unsafe= can leave out, in a control build alone; the words are
 * in unsafe.c.
 */
enum host_defence {
	HOST_DEFENCE_CONFINE,		/* the kernel process's filter */
};

#define HOST_UNSAFE_CALLS	4

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
 * @cpu:	host CPU its mapper is bound to, plus one; 0 when to none
 * @cpu_misses:	requests in a row that came from another CPU
 * @ending:	a lock: it is being killed
 * @generation:	tells it from an earlier one of the same slot
 */
struct host_stub {
	int pid;
	int pidfd;
	u32 dead;
	u32 nops;
	u32 ending;
	u16 generation;
	u16 cpu;
	u16 cpu_misses;
};

struct host_state {
	struct boot_info boot;

#ifdef CONFIG_KERNELET_ATTACK_CONTROL
	u64 unsafe;			/* bits of enum host_defence */
	u32 unsafe_call[HOST_UNSAFE_CALLS];
	u32 unsafe_calls;
#endif

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
	bool io_running;
	u32 zygote_lock;

	/* terminals: what to set back, and who does it when we are killed */
	struct ktermios tty_saved[HOST_MAX_CONSOLES];
	int guard_pid;
	int guard_pipe;
	bool tty_changed;

	/* I/O thread */
	int epoll_fd;
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

	u8 cpu_stack[HOST_MAX_CPUS][HOST_STACK_SIZE] __aligned(16);
	u8 io_stack[HOST_STACK_SIZE] __aligned(16);
};

#define host	((struct host_state *)HOST_STATE_ADDR)

/* start.c; head.S goes there */
void __noreturn host_start(unsigned long *sp);

/* wait.S */
long host_thread_clone(unsigned long flags, void *stack, void (*fn)(long), long arg);
void __noreturn host_switch_stack(void *stack, void (*fn)(void));
void host_sig_return(void);

/* cpu.c */
void host_signals_start(void);

/* options.c */
void host_options(int argc, char **argv, char **envp);
void __noreturn host_usage_error(const char *what, const char *why, const char *hint);
bool host_number(const char *s, u64 *val);

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

/* file.c: the forms that wait */
long host_read_wait(int fd, void *buf, size_t n);
long host_write_wait(int fd, const void *buf, size_t n);

/* tty.c */
void host_tty_start(void);
void host_tty_restore(void);

/* clock.c */
void host_clock_start(unsigned long vdso);

/* memory.c */
void host_ram_start(void);
void host_image_load(void);

/* events.c */
void host_events_stop(void);
void host_watch_pidfd(int pidfd, u32 id);

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
