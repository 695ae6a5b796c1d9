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
#define HOST_MAX_CONSOLES	4
#define HOST_CMDLINE_SIZE	4096
#define HOST_SEED_SIZE		64

/**
 * struct host_disk - a disk the command line named
 * @fd:		open descriptor, or -1 when there is none of this number
 * @readonly:	was opened (or asked for) read-only
 * @size:	bytes
 */
struct host_disk {
	int fd;
	bool readonly;
	u64 size;
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
	int exit_status;
	struct host_console console[HOST_MAX_CONSOLES];
	struct host_disk disk[HOST_MAX_DISKS];
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

#define HOST_SIG_IRQ	STUB_SIG_KICK
/* si_code of an interrupt that is the vCPU's own timer */
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
 * host_datasync() - have a file's data on the host's disk
 * @fd:		descriptor
 */
int host_datasync(int fd);

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
 * host_stub_commit() - carry out the batch and wait until it is done
 * @slot:	which stub
 *
 * Context: the caller has the stub to itself (a lock).
 * Return: 0, -ESRCH when the stub is dead, else the first operation's error;
 * the others were carried out all the same.
 */
int host_stub_commit(u32 slot);

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
 * host_stub_forget() - clear what a stub's request page tells of the past
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
 * host_stub_syscall() - where in a stub rewritten system calls go to
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

#endif /* _ASM_USER_HOST_H */
