/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The seam: everything the kernel asks of the host.
 *
 * Calls go down, events come back as values.  Nothing behind this header
 * calls a kernel function, prints, or allocates; only basic types cross.
 * Functions that can fail return 0 or a positive count, or a negative errno.
 * Unless said otherwise a call may be made in any context, with interrupts
 * (which are a per-CPU flag, see irqflags.h) on or off, and does not sleep in
 * the sense of the guest's scheduler: the vCPU waits.
 */
#ifndef _ASM_USER_HOST_H
#define _ASM_USER_HOST_H

#include <linux/types.h>
#include <asm/stub_abi.h>

#define HOST_MAX_CPUS		64
#define HOST_MAX_DISKS		26
#define HOST_DISK_LAYERS	32
#define HOST_SERIAL_SIZE	21
#define HOST_MAX_CONSOLES	4
#define HOST_MAX_SHARES		16
#define HOST_TAG_SIZE		36
#define HOST_MAX_CHANNELS	16
#define HOST_MAX_NETS		16
#define HOST_NET_QUEUES		8
#define HOST_NET_MTU		65521
#define HOST_NET_FRAMES		64	/* the most in one call */
/* Descriptors of packet sockets lie here: see host/net.c. */
#define HOST_NET_FD		160
#define HOST_NET_FD_LAST	223
#define HOST_CMDLINE_SIZE	4096
#define HOST_SEED_SIZE		64

/**
 * struct host_disk_layer - a file that a disk consists of
 * @fd:		open descriptor
 * @lock_fd:	another of the same file, which holds the lock, or -1 when @fd does
 * @file:	its number in the rings' tables
 * @size:	bytes it has, without what is the overlay format's own
 * @overlay:	in the format of drivers/cow_format.h; else raw
 */
struct host_disk_layer {
	int fd;
	int lock_fd;
	int file;
	u64 size;
	bool overlay;
};

/**
 * struct host_disk - a disk the command line named
 * @layer:	its files, the top one first; only that one is written to
 * @layers:	how many, 0 when there is no disk of this number
 * @size:	bytes
 * @block:	bytes that a request has to be a multiple of
 * @align:	what the memory of a request has to be a multiple of
 * @readonly:	was opened (or asked for) read-only
 * @direct:	goes around the host's page cache
 * @sync:	each write is to be on the host's disk when it is done
 * @discard:	holes may be made
 * @quick:	a write to the host's page cache waits for nobody else
 * @iops:	requests a second it may take, 0 is any number
 * @bps:	bytes a second, ditto
 * @serial:	its serial number, or ""
 */
struct host_disk {
	struct host_disk_layer layer[HOST_DISK_LAYERS];
	unsigned int layers;
	u64 size;
	u32 block;
	u32 align;
	bool readonly;
	bool direct;
	bool sync;
	bool discard;
	bool quick;
	u64 iops;
	u64 bps;
	char serial[HOST_SERIAL_SIZE];
};

/**
 * struct host_console - a console: a pair of descriptors
 * @in:		to read from, or -1
 * @out:	to write to, or -1
 * @in_tty:	@in is a terminal
 * @out_tty:	@out is a terminal
 */
struct host_console {
	int in;
	int out;
	bool in_tty;
	bool out_tty;
};

/**
 * struct host_share - a directory of the host
 * @fd:		socket to its server, or -1
 * @readonly:	is not to be written to
 * @tag:	what "mount -t hostfs" calls it
 */
struct host_share {
	int fd;
	bool readonly;
	char tag[HOST_TAG_SIZE];
};

/**
 * struct host_channel - a channel: a pair of descriptors that are non-blocking
 *			 or regular files
 * @in:		to read from, or -1
 * @out:	to write to, or -1
 */
struct host_channel {
	int in;
	int out;
};

/**
 * struct host_net - a network interface
 * @fd:		descriptor of each queue
 * @queues:	how many; 0 when there is no such interface
 * @socket:	it is a packet socket, not a TAP device
 * @out:	the same socket, to wait for room on
 * @vnet_hdr:	a struct virtio_net_hdr precedes each frame
 * @uso:	the segmentation of UDP may be left to the other side
 * @spare:	the interface comes and goes as notices on the socket say
 * @pcap:	file for a capture, or -1
 * @mtu:	0 when not given
 * @has_mac:	@mac is given
 * @mac:	Ethernet address
 */
struct host_net {
	int fd[HOST_NET_QUEUES];
	unsigned int queues;
	bool socket;
	int out;
	bool vnet_hdr;
	bool uso;
	bool spare;
	int pcap;
	u32 mtu;
	bool has_mac;
	u8 mac[6];
};

/**
 * struct host_vsock - virtual sockets to the host
 * @cid:	the guest's context ID, 0 when there are none
 * @fd:		packet socket
 * @out:	the same, to wait for room on
 */
struct host_vsock {
	u32 cid;
	int fd;
	int out;
};

/**
 * struct boot_info - what the start of the process hands to the kernel
 *
 * Kept outside of guest memory, so that a guest reboot finds it again.  The
 * kernel does not write to it, @exit_status apart.
 *
 * @ram_size:	 bytes of guest RAM, a multiple of the page size
 * @ncpus:	 vCPUs to bring up, 1..HOST_MAX_CPUS
 * @host_cpus:	 host CPUs this process may use
 * @initrd_phys: guest-physical address of an initrd, page aligned
 * @initrd_size: its size, 0 when there is none
 * @tsc_khz:	 TSC frequency, 0 when the host does not trust its TSC
 * @xstate_size: bytes of XSAVE area in a host signal frame, with its end magic
 * @xfeatures:	 XCR0
 * @hwcap2:	 the host's AT_HWCAP2
 * @fsgsbase:	 the host lets programs use RDFSBASE and its like
 * @max_maps:	 the host's vm.max_map_count
 * @max_tasks:	 tasks that the guest may have, not to take all the host's
 * @traced:	 guest code is intercepted by ptrace, not by a seccomp filter
 * @intercept_auto: which of them was left to us
 * @exit_status: what a power-off ends the process with
 * @seed:	 random bytes from the host, fresh at each boot
 * @cmdline:	 the kernel's command line
 * @unsafe:	 UNSAFE_* of asm/unsafe.h, in control builds
 */
struct boot_info {
	u64 ram_size;
	unsigned int ncpus;
	unsigned int host_cpus;
	u64 initrd_phys;
	u64 initrd_size;
	u64 tsc_khz;
	u32 xstate_size;
	u64 xfeatures;
	u64 hwcap2;
	bool fsgsbase;
	u64 max_maps;
	u64 max_tasks;
	bool traced;
	bool intercept_auto;
	int exit_status;
	struct host_console console[HOST_MAX_CONSOLES];
	struct host_disk disk[HOST_MAX_DISKS];
	struct host_share share[HOST_MAX_SHARES];
	struct host_channel channel[HOST_MAX_CHANNELS];
	struct host_net net[HOST_MAX_NETS];
	struct host_vsock vsock;
	u8 seed[HOST_SEED_SIZE];
	char cmdline[HOST_CMDLINE_SIZE];
	u32 unsafe;
};

/**
 * host_boot_info() - what the process was started with
 */
struct boot_info *host_boot_info(void);

/* --- the end ------------------------------------------------------------ */

/**
 * host_exit() - end the guest: this process and all that belong to it
 * @status:	exit status, 0..255
 */
void __noreturn host_exit(int status);

/**
 * host_restart() - boot again from the image as it was at the first start
 *
 * Ends all stubs, empties guest RAM, reloads the kernel's data and starts
 * anew on vCPU 0.  To be called on vCPU 0 when all others are in
 * host_cpu_park().
 */
void __noreturn host_restart(void);

/**
 * host_last_words() - write to the process's standard error
 * @s:		text
 * @n:		its length
 *
 * For what must be said when no console is there.
 */
void host_last_words(const char *s, size_t n);

/* --- kernel memory ------------------------------------------------------- */

#define HOST_PROT_NONE	0
#define HOST_PROT_READ	1
#define HOST_PROT_WRITE	2
#define HOST_PROT_EXEC	4

/**
 * host_map_ram() - map guest RAM into the kernel's own address space
 * @addr:	where, page aligned; what was there is replaced
 * @phys:	guest-physical address, page aligned
 * @size:	bytes, whole pages
 * @prot:	HOST_PROT_*
 */
int host_map_ram(unsigned long addr, u64 phys, size_t size, int prot);

/**
 * host_unmap() - drop mappings of the kernel's own address space
 * @addr:	page aligned
 * @size:	whole pages; holes are fine
 */
int host_unmap(unsigned long addr, size_t size);

/**
 * host_protect() - change the protection of the kernel's own mappings
 * @addr:	page aligned
 * @size:	whole pages
 * @prot:	HOST_PROT_*
 */
int host_protect(unsigned long addr, size_t size, int prot);

/* --- vCPUs and interrupts ------------------------------------------------ */

/**
 * host_cpu_init() - set up the calling thread as a vCPU
 * @cpu:	its number
 * @gsbase:	per-CPU offset, for %gs
 */
void host_cpu_init(unsigned int cpu, unsigned long gsbase);

/**
 * host_cpu_start() - have the host thread of a vCPU run kernel code
 * @cpu:	1..ncpus-1
 * @entry:	function that never returns
 * @stack:	top of the stack it runs on
 *
 * Makes the thread the first time; later the one that is in host_cpu_park()
 * goes on with @entry.
 */
int host_cpu_start(unsigned int cpu, void (*entry)(void), void *stack);

/**
 * host_cpu_park() - leave kernel code for good, until host_cpu_start()
 * @cpu:	the calling vCPU
 * @parked:	set to 1 once no guest memory is used any more, or NULL
 */
void __noreturn host_cpu_park(unsigned int cpu, u32 *parked);

/**
 * host_cpu_signal() - interrupt a vCPU's host thread
 * @cpu:	whose thread gets the interrupt signal
 */
void host_cpu_signal(unsigned int cpu);

/**
 * host_vectors() - register the kernel's signal entry
 * @irq:	entry for the interrupt signal
 * @fault:	entry for the synchronous ones (SIGSEGV, SIGBUS, SIGILL, SIGFPE,
 *		SIGTRAP)
 *
 * The entries are called like a signal handler with three arguments on the
 * interrupted stack; nothing is blocked while they run.
 */
void host_vectors(void *irq, void *fault);

/**
 * host_cpu_displaced() - whether another vCPU waits for our own host CPU
 * @cpu:	which
 *
 * Return: true when its thread was last on the host CPU that runs us, and so
 * does not run; false means nothing.
 */
bool host_cpu_displaced(unsigned int cpu);

/* How a vCPU that is idle sleeps: others are interrupted by a signal. */
#define HOST_IDLE_ON_WORD	1	/* host_wait_irq() on its pending interrupts */
#define HOST_IDLE_ON_DISK	2	/* host_disk_wait() */

#define HOST_SIG_IRQ	STUB_SIG_KICK
/* si_code of an interrupt that is a vCPU's timer; the value says whose */
#define HOST_SI_TIMER	(-2)

/**
 * host_wait_irq() - wait until a word changes or an interrupt is pending
 * @word:	the futex word
 * @val:	wait only while it has this value
 * @ns:		at most so long, or 0 for ever
 * @pending:	the vCPU's pending interrupts: non-zero ends the wait
 *
 * Interrupts must be off.  A signal that arrives between the look at @pending
 * and the wait is not lost: the signal entry calls host_wait_fixup().
 */
void host_wait_irq(u32 *word, u32 val, u64 ns, const u32 *pending);

/**
 * host_wait_fixup() - where an interrupted vCPU should go on
 * @ip:		instruction pointer at the signal
 *
 * Return: @ip, or the end of host_wait_irq() when it was about to wait.
 */
unsigned long host_wait_fixup(unsigned long ip);

/**
 * host_wake() - wake who waits on a word
 * @word:	the futex word
 */
void host_wake(u32 *word);

/**
 * host_yield() - let another host thread run
 */
void host_yield(void);

/* --- time ---------------------------------------------------------------- */

/**
 * host_clock_ns() - the host's CLOCK_MONOTONIC
 */
u64 host_clock_ns(void);

/**
 * host_clock_raw_ns() - the host's CLOCK_MONOTONIC_RAW
 */
u64 host_clock_raw_ns(void);

/**
 * host_realtime_ns() - the host's CLOCK_REALTIME
 */
u64 host_realtime_ns(void);

/**
 * host_timer_set() - arm the calling vCPU's timer
 * @cpu:	the calling vCPU
 * @ns:		from now on; 0 disarms
 */
void host_timer_set(unsigned int cpu, u64 ns);

/* --- descriptors --------------------------------------------------------- */

/**
 * host_read() - read what is there
 * @fd:		descriptor
 * @buf:	kernel memory
 * @n:		its size
 *
 * Return: bytes, 0 at the end, -EAGAIN when there is nothing now.
 */
long host_read(int fd, void *buf, size_t n);

/**
 * host_write() - write what the other side takes
 * @fd:		descriptor
 * @buf:	kernel memory
 * @n:		its size
 *
 * Return: bytes written, which may be fewer than @n; -EAGAIN when the
 * descriptor takes nothing now.
 */
long host_write(int fd, const void *buf, size_t n);

/**
 * host_ready() - whether a descriptor can be read, or takes data, now
 * @fd:		descriptor
 * @write:	whether it takes data
 */
bool host_ready(int fd, bool write);

/**
 * struct host_iov - a piece of kernel memory
 * @base:	its address
 * @len:	its size
 */
struct host_iov {
	void *base;
	size_t len;
};

/**
 * host_preadv() - read from a file at a place
 * @fd:		descriptor
 * @iov:	where to
 * @n:		pieces
 * @pos:	offset in the file
 *
 * Return: bytes, fewer than asked at the end of the file.
 */
long host_preadv(int fd, const struct host_iov *iov, int n, u64 pos);

/**
 * host_pwritev() - write to a file at a place
 * @fd:		descriptor
 * @iov:	where from
 * @n:		pieces
 * @pos:	offset in the file
 */
long host_pwritev(int fd, const struct host_iov *iov, int n, u64 pos);

/**
 * host_readv() - host_read() into several pieces
 * @fd:		descriptor
 * @iov:	where to
 * @n:		pieces
 */
long host_readv(int fd, const struct host_iov *iov, int n);

/**
 * host_writev() - host_write() from several pieces
 * @fd:		descriptor
 * @iov:	where from
 * @n:		pieces
 */
long host_writev(int fd, const struct host_iov *iov, int n);

/**
 * struct host_frame - a frame for a packet socket: the host's struct mmsghdr
 * @name:	0
 * @namelen:	0
 * @iov:	its pieces
 * @niov:	how many
 * @control:	0
 * @controllen:	0
 * @flags:	result: HOST_FRAME_CUT when it was longer than the pieces
 * @len:	result: bytes
 */
struct host_frame {
	u64 name;
	u64 namelen;
	struct host_iov *iov;
	u64 niov;
	u64 control;
	u64 controllen;
	u64 flags;
	u64 len;
};

#define HOST_FRAME_CUT	0x20	/* MSG_TRUNC */

/**
 * host_frames_recv() - receive from a packet socket
 * @fd:		descriptor
 * @frame:	where to
 * @n:		how many at most, up to HOST_NET_FRAMES
 *
 * Return: frames, or -EAGAIN when there is none.  The end, when the other side
 * has closed the socket, is a frame without a byte.
 */
int host_frames_recv(int fd, struct host_frame *frame, unsigned int n);

/**
 * host_frames_send() - send to a packet socket
 * @fd:		descriptor
 * @frame:	what
 * @n:		how many, up to HOST_NET_FRAMES
 *
 * Return: frames that were taken, or -EAGAIN when none is.
 */
int host_frames_send(int fd, struct host_frame *frame, unsigned int n);

/**
 * host_window_size() - size of a terminal
 * @fd:		descriptor
 * @rows:	result
 * @cols:	result
 */
int host_window_size(int fd, u16 *rows, u16 *cols);

/**
 * host_tty_raw() - put a terminal into raw mode
 * @fd:		descriptor
 *
 * It is set back at the end of the process, however it ends.
 */
int host_tty_raw(int fd);

/* --- disks ---------------------------------------------------------------- */

enum host_disk_kind {
	HOST_DISK_READ,
	HOST_DISK_WRITE,
	HOST_DISK_DURABLE,	/* a write, on the host's disk when it is done */
	HOST_DISK_SYNC,		/* all that was written on the host's disk */
	HOST_DISK_PUNCH,	/* a hole, which reads as zeros */
	HOST_DISK_ZERO,		/* zeros that have their space */
};

/**
 * struct host_disk_op - something to do with a file
 * @next:	while it is in a list of this side's
 * @kind:	what
 * @cpu:	vCPU that gave it to host_disk_submit()
 * @layer:	the file
 * @iov:	memory to read to or to write from
 * @n:		pieces in @iov
 * @pos:	offset in the file
 * @len:	bytes, where there is no @iov
 * @result:	bytes, 0 for what moves none, or a negative errno
 */
struct host_disk_op {
	struct host_disk_op *next;
	enum host_disk_kind kind;
	unsigned int cpu;
	const struct host_disk_layer *layer;
	const struct host_iov *iov;
	int n;
	u64 pos;
	u64 len;
	long result;
};

/**
 * host_disk_do() - carry it out
 * @op:		what
 *
 * Return: its result; the vCPU waits for that.
 */
long host_disk_do(struct host_disk_op *op);

/**
 * host_disk_try() - read what the host has at hand
 * @op:		a read
 *
 * Return: its result, which is -EAGAIN when it would have to wait.
 */
long host_disk_try(struct host_disk_op *op);

/**
 * host_disk_submit() - have it carried out meanwhile
 * @cpu:	the calling vCPU
 * @op:		what; it stays where it is until host_disk_reap() has given it back
 *
 * The host begins with it after host_disk_flush().  One that it does not take comes
 * back with the result -EAGAIN.
 *
 * Context: interrupts off.
 */
void host_disk_submit(unsigned int cpu, struct host_disk_op *op);

/**
 * host_disk_flush() - see that the host begins with what has been submitted
 * @cpu:	the calling vCPU
 *
 * A vCPU that goes idle or waits for a guest thread does that by itself.
 *
 * Context: interrupts off.
 */
void host_disk_flush(unsigned int cpu);

/**
 * host_disk_reap() - what has been done
 * @cpu:	the calling vCPU, which has submitted it
 *
 * Context: interrupts off.
 * Return: a list of them, linked by @next.
 */
struct host_disk_op *host_disk_reap(unsigned int cpu);

/**
 * host_disk_inflight() - how many a vCPU has submitted and not got back
 * @cpu:	which
 */
unsigned int host_disk_inflight(unsigned int cpu);

/**
 * host_disk_irq() - how to say that something has been done
 * @cpu:	to the vCPU that submitted it
 * @raise:	word to set a bit in
 * @bit:	bit to set
 * @idle:	how the vCPU sleeps: see irq_raise()
 */
void host_disk_irq(unsigned int cpu, u32 *raise, u32 bit, u32 *idle);

/**
 * host_disk_waits() - whether an idle vCPU is to wait by host_disk_wait()
 * @cpu:	the calling vCPU
 */
bool host_disk_waits(unsigned int cpu);

/**
 * host_disk_wait() - wait until something is done or an interrupt is pending
 * @cpu:	the calling vCPU
 * @pending:	its pending interrupts; their signal ends the wait
 *
 * Context: interrupts off.
 * Return: whether there is something for host_disk_reap().
 */
bool host_disk_wait(unsigned int cpu, const u32 *pending);

/**
 * host_disk_look() - whether there is something for host_disk_reap()
 * @cpu:	the calling vCPU
 *
 * Then it also raises the interrupt of host_disk_irq().  The host tells only who
 * waits, in host_disk_wait() or for a guest thread: others are to look now and then.
 *
 * Context: interrupts off.
 */
bool host_disk_look(unsigned int cpu);

/**
 * host_disk_look_now() - whether there is something for host_disk_reap()
 * @cpu:	the calling vCPU
 *
 * While the host has more to do, host_disk_look() says no for some microseconds after
 * the last reap, so that several are taken at once.  This does not.
 *
 * Context: interrupts off.
 */
bool host_disk_look_now(unsigned int cpu);

/**
 * host_disk_engine() - how a disk's requests that have to wait are carried out
 * @disk:	which
 */
const char *host_disk_engine(const struct host_disk *disk);

/* What host_disk_receive() has been told about a disk. */
enum host_disk_change {
	HOST_DISK_LOOK,		/* only asked */
	HOST_DISK_ADDED,
	HOST_DISK_TO_REMOVE,
};

/**
 * struct host_disk_counts - what has been done with a disk
 * @reads:	requests
 * @writes:	ditto
 * @read:	bytes
 * @written:	ditto
 */
struct host_disk_counts {
	u64 reads;
	u64 writes;
	u64 read;
	u64 written;
};

/**
 * host_disk_socket() - where disks come from while the guest runs
 *
 * Return: a descriptor for host_watch(), or -1.
 */
int host_disk_socket(void);

/**
 * host_disk_receive() - take what came
 * @change:	result: what is the matter with host_boot_info()->disk[@number]
 * @number:	result
 *
 * Return: 0, when host_disk_answer() is to follow; -EINTR when there may be more;
 * -EAGAIN when there is no more; another error at the socket's end.
 */
int host_disk_receive(enum host_disk_change *change, unsigned int *number);

/**
 * host_disk_answer() - say what came of it
 * @error:	0 or a negative errno
 * @number:	of the disk
 * @counts:	what has been done with it, or NULL
 */
void host_disk_answer(int error, unsigned int number, const struct host_disk_counts *counts);

/**
 * host_disk_forget() - close a disk's files
 * @number:	of the disk, which nobody uses any more
 */
void host_disk_forget(unsigned int number);

/* --- events -------------------------------------------------------------- */

/*
 * The I/O thread waits for descriptors and leaves events in a ring, then
 * raises the I/O interrupt on vCPU 0.
 */
enum host_event_type {
	HOST_EVENT_NONE,
	HOST_EVENT_READY,	/* @id: what host_watch() was given */
	HOST_EVENT_STUB_DEAD,	/* @id: the stub's slot */
	HOST_EVENT_WINDOW,	/* a terminal changed its size */
	HOST_EVENT_CHILD,	/* call host_traced_reap() */
};

struct host_event {
	u32 type;
	u32 id;
};

/**
 * host_events_init() - start the I/O thread
 * @raise:	word to set bits in
 * @bit:	bit to set when there are events
 * @idle:	vCPU 0 sleeps on @raise while this is non-zero
 *
 * On a further call (a reboot) only the arguments change.
 */
int host_events_init(u32 *raise, u32 bit, u32 *idle);

/**
 * host_event_next() - take an event from the ring
 * @ev:		result
 *
 * Context: vCPU 0, interrupts off.
 * Return: false when there is none.
 */
bool host_event_next(struct host_event *ev);

/**
 * host_watch() - have an event when a descriptor can be read, once
 * @fd:		descriptor; regular files are always ready and are not watched
 * @id:		comes back in the event
 * @write:	wait for it to take data instead
 *
 * Return: 0, or -EPERM for a descriptor that cannot be waited for.
 */
int host_watch(int fd, u32 id, bool write);

/**
 * host_unwatch() - take host_watch() back
 * @fd:		descriptor
 *
 * An event may be on its way already.
 */
void host_unwatch(int fd);

/* --- running guest code -------------------------------------------------- */

/**
 * host_stub_spawn() - make a stub process
 * @slot:	which, below STUB_MAX_STUBS; unused or dead
 */
int host_stub_spawn(u32 slot);

/**
 * host_stub_kill() - end a stub process, and see it ended
 * @slot:	which
 */
void host_stub_kill(u32 slot);

/**
 * host_stub_alive() - whether a stub process still exists
 * @slot:	which
 */
bool host_stub_alive(u32 slot);

/*
 * A batch of changes to what a stub maps.  Filled by the next four, carried
 * out by host_stub_commit().  The caller has the stub to itself (a lock) and
 * has seen that there is room.
 */

/**
 * host_stub_map() - have a stub map guest RAM
 * @slot:	which stub
 * @addr:	where, page aligned; what was there is replaced
 * @phys:	guest-physical address, page aligned
 * @size:	bytes, whole pages
 * @prot:	HOST_PROT_*
 * @populate:	have the host fill its page tables at once
 */
void host_stub_map(u32 slot, unsigned long addr, u64 phys, size_t size, int prot,
		   bool populate);

/**
 * host_stub_unmap() - have a stub drop mappings
 * @slot:	which stub
 * @addr:	page aligned
 * @size:	whole pages; holes are fine
 */
void host_stub_unmap(u32 slot, unsigned long addr, size_t size);

/**
 * host_stub_protect() - have a stub change the protection of mappings
 * @slot:	which stub
 * @addr:	page aligned
 * @size:	whole pages
 * @prot:	HOST_PROT_*
 */
void host_stub_protect(u32 slot, unsigned long addr, size_t size, int prot);

/**
 * host_stub_name() - name a stub process for the host's tools
 * @slot:	which stub
 * @name:	the first 15 bytes count
 */
void host_stub_name(u32 slot, const char *name);

/**
 * host_stub_room() - operations that still fit in the batch
 * @slot:	which stub
 */
int host_stub_room(u32 slot);

/**
 * host_stub_queued() - operations in the batch
 * @slot:	which stub
 */
int host_stub_queued(u32 slot);

/**
 * host_stub_commit() - carry out the batch and wait until it is done
 * @slot:	which stub
 *
 * Context: the caller has the stub to itself (a lock).
 * Return: 0, -ESRCH when the stub is dead, else the first operation's error;
 * the others were carried out all the same.
 */
int host_stub_commit(u32 slot);

/**
 * host_stub_run() - carry out the batch, and give the turn to a parked guest thread
 * @slot:	which stub
 * @area:	the thread's
 *
 * One after the other, but without the caller in between.
 *
 * Context, return: as host_stub_commit(); the thread goes on if that is 0.  Or 1: it
 * will; when an operation fails it comes back, as if interrupted, without having run.
 * host_stub_settle() tells then.
 */
int host_stub_run(u32 slot, u32 area);

/**
 * host_stub_settle() - how the batch ended for which host_stub_run() returned 1
 * @slot:	which stub
 *
 * Waits for the batch, not for the guest thread.
 *
 * Context, return: as host_stub_commit().
 */
int host_stub_settle(u32 slot);

/**
 * host_stub_thread() - make a guest thread in a stub
 * @slot:	which stub
 * @area:	its area, below STUB_MAX_AREAS, in use by no other
 * @stack:	offset in the area below which it may be interrupted while it
 *		waits for its first turn; the first context lies above
 *
 * The thread is parked when this returns.  Context: as host_stub_commit().
 */
int host_stub_thread(u32 slot, u32 area, u32 stack);

/**
 * host_area() - the kernel's view of an area
 * @area:	number
 */
void *host_area(u32 area);

/**
 * host_area_clear() - forget what is in an area
 * @area:	number; its thread is gone
 */
void host_area_clear(u32 area);

/**
 * host_guest_parked() - see that a guest thread is parked, and stays so
 * @area:	its area
 *
 * What the hand-off page says about that is the guest's to write.  This asks
 * the host; it is proof for a thread that is the only one of its stub.
 *
 * Return: whether it is; waits some milliseconds for it.
 */
bool host_guest_parked(u32 area);

/**
 * host_guest_asleep() - whether a guest thread sleeps on its turn just now
 * @area:	its area
 */
bool host_guest_asleep(u32 area);

/**
 * host_guest_still() - whether a guest thread sleeps on its turn, or is about to
 * @area:	its area
 *
 * As host_guest_asleep(), and lets one on our own host CPU get there.
 */
bool host_guest_still(u32 area);

/**
 * host_stub_cpu_ns() - how much of a CPU a stub has had
 * @slot:	which
 *
 * Context: any.
 * Return: nanoseconds, of all its threads together; 0 when it has ended.
 */
u64 host_stub_cpu_ns(u32 slot);

/**
 * host_guest_kick() - make a guest thread park whatever it does
 * @slot:	its stub
 * @area:	its area
 *
 * Does nothing to one that is parked.
 */
void host_guest_kick(u32 slot, u32 area);

/**
 * host_guest_reset() - have a parked guest thread forget all about its past
 * @area:	its area; host_guest_parked() has been true, no guest memory is mapped
 * @stack:	as in host_stub_thread()
 */
void host_guest_reset(u32 area, u32 stack);

/**
 * host_stub_forget() - drop the batch, clear what the request page tells of the past
 * @slot:	which stub
 */
void host_stub_forget(u32 slot);

/**
 * host_guest_resume() - give the turn to a parked guest thread
 * @area:	its area
 */
void host_guest_resume(u32 area);

/**
 * host_guest_save() - have a parked guest thread store its vector state
 * @slot:	its stub
 * @area:	its area
 *
 * To hand-off page's .context, after which it is parked again.
 * Return: 0; -ESRCH when its stub is dead or did not answer in time.
 */
int host_guest_save(u32 slot, u32 area);

/**
 * host_stub_syscall() - where in a stub rewritten system calls go to, or 0
 */
unsigned long host_stub_syscall(void);

/**
 * host_stub_foreign() - where one faults that found a GS base of the guest's
 */
unsigned long host_stub_foreign(void);

/**
 * host_guest_leave() - a parked guest thread will not have the turn soon
 * @area:	its area
 *
 * It need not go on polling for it.
 */
void host_guest_leave(u32 area);

/**
 * host_guest_wait() - wait until a guest thread has parked
 * @area:	its area
 * @spin:	poll so many TSC cycles before sleeping
 * @pending:	the vCPU's pending interrupts end the wait too
 *
 * Context: interrupts off.
 * Return: true when it has parked.
 */
bool host_guest_wait(u32 area, u32 spin, const u32 *pending);

/**
 * host_guest_stop() - make a running guest thread park and wait for it
 * @slot:	its stub
 * @area:	its area
 *
 * Return: 0; -ESRCH when its stub is dead or did not answer in time.
 */
int host_guest_stop(u32 slot, u32 area);

/* --- running guest code under ptrace (boot_info.traced) -------------------- */

/* A thread's registers: the beginning is laid out like struct pt_regs. */
struct host_traced_regs {
	u64 r15, r14, r13, r12, bp, bx, r11, r10, r9, r8;
	u64 ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
	u64 fsbase, gsbase, ds, es, fs, gs;
};

enum host_traced_stop {
	HOST_TRACED_RUNS,	/* it has not stopped */
	HOST_TRACED_STOPPED,	/* because it was told to */
	HOST_TRACED_SYSCALL,	/* @ax is in orig_ax */
	HOST_TRACED_VSYSCALL,	/* by the vsyscall page: number in ax, @ip behind it */
	HOST_TRACED_SIGNAL,	/* an exception: see struct host_traced_event */
	HOST_TRACED_DEAD,	/* its stub has been killed */
};

/**
 * struct host_traced_event - the host's signal for an exception
 * @sig:	its number
 * @code:	its si_code
 * @address:	its si_addr; of the function in the vsyscall page
 */
struct host_traced_event {
	u32 sig;
	s32 code;
	u64 address;
};

/**
 * host_traced_thread() - make a guest thread in a stub
 * @slot:	which stub
 * @area:	its area, below STUB_MAX_AREAS, in use by no other
 * @regs:	its registers, for those that a guest's pt_regs do not have
 *
 * The thread is stopped when this returns.  Context: as host_stub_commit(), with
 * interrupts off: host_traced_reap() must not get in between.  The same is true
 * of host_stub_spawn() and host_stub_kill() then.
 * Return: 0, or a negative errno; the stub may not be as before then.
 */
int host_traced_thread(u32 slot, u32 area, struct host_traced_regs *regs);

/**
 * host_traced_resume() - run a stopped guest thread
 * @area:	its area
 * @regs:	with these registers
 * @all:	also those from @fsbase on, which are else left as they are
 *
 * Only one runs at a time.
 * Return: 0, or -ESRCH when it is dead.
 */
int host_traced_resume(u32 area, const struct host_traced_regs *regs, bool all);

/**
 * host_traced_wait() - wait until the running guest thread stops
 * @area:	its area
 * @pending:	the vCPU's pending interrupts end the wait too
 * @ev:		filled in for HOST_TRACED_SIGNAL and HOST_TRACED_VSYSCALL
 *
 * Context: interrupts off.
 */
enum host_traced_stop host_traced_wait(u32 area, const u32 *pending,
				       struct host_traced_event *ev);

/**
 * host_traced_stop() - stop the running guest thread, whatever for
 * @area:	its area
 * @ev:		as above
 *
 * Context: interrupts off.
 */
enum host_traced_stop host_traced_stop(u32 area, struct host_traced_event *ev);

/**
 * host_traced_regs() - a stopped guest thread's registers
 * @area:	its area
 * @regs:	result
 */
int host_traced_regs(u32 area, struct host_traced_regs *regs);

/**
 * host_traced_native() - whether the system call at which a thread has stopped
 *			  came by the SYSCALL instruction
 * @area:	its area
 */
bool host_traced_native(u32 area);

/**
 * host_traced_frame() - have the host write a signal frame to a thread's area
 * @area:	its area; it has stopped for this signal
 * @sig:	the signal
 * @regs:	registers at the handler's first instruction
 *
 * All registers are to be set anew before it runs again, vector state too.
 * Return: 0, or -ESRCH when it is dead.
 */
int host_traced_frame(u32 area, u32 sig, struct host_traced_regs *regs);

/**
 * host_traced_xstate() - read or write a stopped thread's vector state
 * @area:	its area
 * @buf:	an XSAVE area in the standard format
 * @size:	room in it; the state's very size for writing
 * @set:	write
 *
 * Return: the state's size, or a negative errno.
 */
int host_traced_xstate(u32 area, void *buf, size_t size, bool set);

/**
 * host_traced_reap() - take the deaths of traced processes from the host
 *
 * Stubs that have died are reported as usual after this.  Context: vCPU 0.
 */
void host_traced_reap(void);

#endif /* _ASM_USER_HOST_H */
