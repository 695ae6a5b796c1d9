// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stub processes as the kernel uses them: made by the zygote, asked through
 * their request page, run through the hand-off pages of their areas.
 */
#include <linux/limits.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <uapi/linux/falloc.h>
#include <uapi/linux/futex.h>
#include <uapi/linux/mman.h>
#include <uapi/linux/prctl.h>
#include <asm/processor.h>
#include <asm/unsafe.h>
#include "state.h"
#include "syscall.h"

/*
 * How long a guest thread polls for its turn, in TSC cycles, when the vCPU is
 * on another host CPU.  On the same one polling would only keep the vCPU out.
 */
#define GUEST_SPIN_CYCLES	200000
/* A mapper is bound to the vCPU's CPU after so many requests from there. */
#define MAPPER_PATIENCE		8
/* A wait for a stub looks this often whether it is dead. */
#define DEATH_CHECK_NS		20000000
/* A kick that has no effect is repeated after this time. */
#define KICK_AGAIN_NS		2000000
/* A thread that was told not to poll is asleep within this time, or hostile. */
#define PARK_LIMIT_NS		5000000ULL
/* A guest thread that does not park within this time is hostile. */
#define STOP_LIMIT_NS		2000000000ULL

long host_turn_wait_irq(u32 *turn, u32 val, const u32 *pending);

extern const char stub_blob[], stub_blob_end[];
extern const unsigned long stub_signal_addr, zygote_main_addr;
extern const unsigned long stub_syscall_addr, stub_syscall_checked_addr;
extern const unsigned long stub_syscall_foreign_addr;

/* --- the zygote ---------------------------------------------------------- */

/* In the child: actions, which every stub inherits, and nothing blocked. */
static void set_actions(void)
{
	static const u8 sigs[] = {
		HOST_SIGSYS, HOST_SIGSEGV, HOST_SIGBUS, HOST_SIGILL, HOST_SIGFPE, HOST_SIGTRAP,
		STUB_SIG_KICK
	};
	struct {
		unsigned long handler, flags, restorer;
		u64 mask;
	} sa = {
		.handler = stub_signal_addr,
		.flags = HOST_SA_SIGINFO | HOST_SA_ONSTACK | HOST_SA_NODEFER | HOST_SA_RESTORER,
	};
	/* The tracer is told of a fork that failed by a breakpoint. */
	u64 all = host->boot.traced ? ~(1ULL << (HOST_SIGTRAP - 1)) : ~0ULL;
	int i;

	for (i = 0; i < ARRAY_SIZE(sigs); i++)
		sys4(__NR_rt_sigaction, sigs[i], &sa, NULL, 8);
	sa.handler = 1;		/* SIG_IGN: stubs leave no zombie */
	sa.flags = 0;
	sys4(__NR_rt_sigaction, HOST_SIGCHLD, &sa, NULL, 8);
	sys4(__NR_rt_sigprocmask, HOST_SIG_SETMASK, &all, NULL, 8);
}

/*
 * In the child, on the last stack it will not have overlaid: put the stub
 * text in place and go there.
 */
static void __noreturn become_zygote(int sock, long parent)
{
	long size = stub_blob_end - stub_blob;
	int high;

	set_actions();
	/* out of the way of 0..2, then into place */
	high = sys3(__NR_fcntl, host->ram_fd, 0 /* F_DUPFD */, 3);
	host->control_fd = sys3(__NR_fcntl, host->control_fd, 0, 3);
	sock = sys3(__NR_fcntl, sock, 0, 3);
	sys2(__NR_dup2, high, STUB_FD_RAM);
	sys2(__NR_dup2, host->control_fd, STUB_FD_CONTROL);
	sys2(__NR_dup2, sock, STUB_FD_ZYGOTE);
	sys3(__NR_close_range, 3, ~0U, 0);
	sys_mmap_at(STUB_BASE, STUB_TEXT_END - STUB_BASE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	memcpy((void *)STUB_BASE, stub_blob, size);
	sys3(__NR_mprotect, STUB_BASE, STUB_TEXT_END - STUB_BASE, PROT_READ | PROT_EXEC);
	sys_mmap_at(STUB_ZYGOTE_STACK, STUB_ZYGOTE_STACK_SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	sys2(__NR_prctl, PR_SET_NAME, "kernelet-zygote");
	asm volatile("movq %0, %%rsp\n\txorl %%ebp, %%ebp\n\tcall *%1"
		     : : "r" (STUB_ZYGOTE_STACK + STUB_ZYGOTE_STACK_SIZE - 64),
			 "r" (zygote_main_addr), "D" (parent), "S" ((long)host->boot.traced));
	__builtin_unreachable();
}

/*
 * The child must not run on the host's stack, which may lie where the stub
 * text goes; the image's bss is its own copy at this time.
 */
static u8 zygote_first_stack[HOST_STACK_SIZE] __aligned(16);

static void zygote_child(void)
{
	become_zygote(host->zygote_sock, host->zygote_pid);
}

void host_zygote_start(void)
{
	int sock[2], pidfd = -1;
	long pid;

	if (sys4(__NR_socketpair, HOST_AF_UNIX, HOST_SOCK_SEQPACKET | HOST_SOCK_CLOEXEC, 0,
		 sock) < 0)
		host_usage_error("zygote", "the host gives no socket pair", "check ulimit -n");
	/* for the child, which has its own copy of this */
	host->zygote_sock = sock[1];
	host->zygote_pid = sys0(__NR_getpid);
	pid = sys5(__NR_clone, CLONE_PIDFD | HOST_SIGCHLD, 0, &pidfd, 0, 0);
	if (pid < 0)
		host_usage_error("zygote", "the host gives no process", "check ulimit -u");
	if (!pid)
		host_switch_stack(zygote_first_stack + HOST_STACK_SIZE, zygote_child);
	sys1(__NR_close, sock[1]);
	host->zygote_sock = sock[0];
	host->zygote_pid = pid;
	host->zygote_pidfd = pidfd;
	if (host->boot.traced)
		host_traced_start();
}

/* #syscalls: wait4(host->zygote_pid) */
void host_zygote_end(void)
{
	if (!host->zygote_pid)
		return;
	WRITE_ONCE(host->ending, true);
	sys4(__NR_pidfd_send_signal, host->zygote_pidfd, HOST_SIGKILL, NULL, 0);
	sys4(__NR_wait4, host->zygote_pid, NULL, 0, NULL);
}

/* Take the zygote's answer and the pidfd beside it, or -1. */
static int zygote_answer(struct zygote_reply *r)
{
	int fd = -1;

	if (host_receive(host->zygote_sock, r, sizeof(*r), &fd, 1, true) < 0)
		r->pid = -HOST_ESRCH;
	return fd;
}

static void zygote_lock(void)
{
	while (xchg(&host->zygote_lock, 1))
		host_yield();
}

static void zygote_unlock(void)
{
	smp_store_release(&host->zygote_lock, 0);
}

static struct stub_request *request_page(u32 slot)
{
	return (void *)(CONTROL_ADDR + ((unsigned long)slot << 12));
}

/*
 * No descriptor was left for the new stub's pidfd, and nothing else can kill
 * it: its mapper has to end it.
 */
static int end_by_mapper(struct stub_request *req, int pid)
{
	req->op[0].nr = __NR_exit_group;
	req->nops = 1;
	xchg(&req->seq, 1);
	host_wake(&req->seq);
	while (sys3(__NR_tgkill, pid, pid, STUB_SIG_KICK) != -HOST_ESRCH)
		host_yield();
	return -HOST_EMFILE;
}

int host_stub_spawn(u32 slot)
{
	struct host_stub *s = &host->stub[slot];
	struct stub_request *req = request_page(slot);
	struct zygote_request ask = { .slot = slot };
	struct zygote_reply answer;
	long n;
	int fd = -1;

	memset(req, 0, sizeof(*req));
	req->offset = (u64)slot << 12;
	memcpy(req->allowed, host->cpus_allowed, sizeof(req->allowed));
#ifdef CONFIG_KERNELET_ATTACK_CONTROL
	req->unsafe = host->boot.unsafe;
#endif
	zygote_lock();
	n = host_write_wait(host->zygote_sock, &ask, sizeof(ask));
	if (n == sizeof(ask) && host->boot.traced)
		host_traced_spawn(slot);
	if (n == sizeof(ask))
		fd = zygote_answer(&answer);
	zygote_unlock();
	if (n != sizeof(ask))
		return n;
	if (answer.pid <= 0)
		return answer.pid;
	if (fd < 0 && !guest_unsafe(UNSAFE_LOST_PIDFD))
		return end_by_mapper(req, answer.pid);
	s->pid = answer.pid;
	s->pidfd = fd;
	s->nops = 0;
	s->unmaps = 0;
	s->pending = false;
	s->error = 0;
	s->dead = 0;
	s->cpu = 0;
	host_watch_pidfd(fd, slot | (u32)s->generation << 16);
	return 0;
}

/* #syscalls: pidfd_send_signal(_, HOST_SIGKILL, 0, 0) poll close */
void host_stub_kill(u32 slot)
{
	struct host_stub *s = &host->stub[slot];
	struct { s32 fd; s16 events, revents; } p = { -1, 1 /* POLLIN */, 0 };
	long n;

	/* Two vCPUs may lose patience with two of its threads. */
	while (xchg(&s->ending, 1))
		host_yield();
	if (s->pid) {
		p.fd = s->pidfd;
		sys4(__NR_pidfd_send_signal, s->pidfd, HOST_SIGKILL, NULL, 0);
		if (host->boot.traced)
			host_traced_bury(slot);
		do {
			n = sys3(__NR_poll, &p, 1, -1);
		} while (n == -HOST_EINTR);
		sys1(__NR_close, s->pidfd);
		s->pid = 0;
		s->generation++;
	}
	smp_store_release(&s->ending, 0);
}

/**
 * host_stubs_end() - kill all stubs and wait for their end
 */
void host_stubs_end(void)
{
	u32 slot;

	for (slot = 0; slot < STUB_MAX_STUBS; slot++)
		host_stub_kill(slot);
	host_traced_reset();
}

bool host_stub_alive(u32 slot)
{
	return host->stub[slot].pid && !READ_ONCE(host->stub[slot].dead);
}

/* --- requests ------------------------------------------------------------ */

static void await_mapper(u32 slot);

static struct stub_op *next_op(u32 slot, u32 nr)
{
	struct stub_op *op;

	await_mapper(slot);
	op = &request_page(slot)->op[host->stub[slot].nops++];
	memset(op, 0, sizeof(*op));
	op->nr = nr;
	return op;
}

static int stub_prot(int prot)
{
	return (prot & HOST_PROT_READ ? PROT_READ : 0) |
	       (prot & HOST_PROT_WRITE ? PROT_WRITE : 0) |
	       (prot & HOST_PROT_EXEC ? PROT_EXEC : 0);
}

/* Unmappings in the batch that the mapping to follow makes unnecessary. */
static void drop_covered(u32 slot, unsigned long addr, size_t size)
{
	struct host_stub *s = &host->stub[slot];
	struct stub_op *op = request_page(slot)->op, *to = op, *end = op + s->nops;

	if (!s->unmaps)
		return;
	for (; op < end; op++) {
		if (op->nr == __NR_munmap && op->arg[0] >= addr &&
		    op->arg[0] + op->arg[1] <= addr + size) {
			s->unmaps--;
			continue;
		}
		if (to != op)
			*to = *op;
		to++;
	}
	s->nops = to - request_page(slot)->op;
}

void host_stub_map(u32 slot, unsigned long addr, u64 phys, size_t size, int prot, bool populate)
{
	struct stub_op *op;

	drop_covered(slot, addr, size);
	op = next_op(slot, __NR_mmap);
	op->arg[0] = addr;
	op->arg[1] = size;
	op->arg[2] = stub_prot(prot);
	op->arg[3] = MAP_SHARED | MAP_FIXED | (populate ? MAP_POPULATE : 0);
	op->arg[4] = STUB_FD_RAM;
	op->arg[5] = phys;
}

void host_stub_unmap(u32 slot, unsigned long addr, size_t size)
{
	struct stub_op *op = next_op(slot, __NR_munmap);

	host->stub[slot].unmaps++;
	op->arg[0] = addr;
	op->arg[1] = size;
}

void host_stub_protect(u32 slot, unsigned long addr, size_t size, int prot)
{
	struct stub_op *op = next_op(slot, __NR_mprotect);

	op->arg[0] = addr;
	op->arg[1] = size;
	op->arg[2] = stub_prot(prot);
}

void host_stub_name(u32 slot, const char *name)
{
	struct stub_op *op = next_op(slot, __NR_prctl);

	strscpy(request_page(slot)->name, name, sizeof(request_page(slot)->name));
	op->arg[0] = PR_SET_NAME;
	op->arg[1] = STUB_REQUEST + REQUEST_NAME;
}

int host_stub_room(u32 slot)
{
	return STUB_MAX_OPS - host->stub[slot].nops;
}

int host_stub_queued(u32 slot)
{
	return host->stub[slot].nops;
}

/*
 * Wait for a word of a stub to have a value, or for the stub's death.  A word
 * that guest code can write may never have it: @limit in nanoseconds, or 0.
 */
static bool wait_word(u32 slot, u32 *word, u32 val, u32 *sleeps, u64 limit)
{
	struct timespec64_host ts = { 0, DEATH_CHECK_NS };
	u64 end = limit ? host_clock_ns() + limit : U64_MAX;

	for (;;) {
		u32 now;

		xchg(sleeps, 1);
		now = smp_load_acquire(word);
		if (now == val)
			break;
		if (!host_stub_alive(slot) || (limit && host_clock_ns() > end))
			return false;
		if (sys4(__NR_futex, word, FUTEX_WAIT, now, &ts) == -HOST_ETIMEDOUT &&
		    host->boot.traced)
			host_traced_reap();
	}
	WRITE_ONCE(*sleeps, 0);
	return true;
}

static __always_inline u64 cycles(void)
{
	u32 lo, hi;

	asm volatile("rdtsc" : "=a" (lo), "=d" (hi));
	return (u64)hi << 32 | lo;
}

/* The host CPU that we run on; negative when not known. */
static __always_inline int this_host_cpu(void)
{
	return READ_ONCE(host->cpu[raw_smp_processor_id()].rseq.cpu_id);
}

/* Whether a guest thread is on our own CPU, as far as is known. */
static __always_inline bool on_this_cpu(const struct stub_handoff *ho)
{
	int cpu = READ_ONCE(ho->rseq.cpu_id);

	return cpu >= 0 && cpu == this_host_cpu();
}

/*
 * The vCPU sleeps while the mapper works: that is a plain switch of threads
 * when both are on one CPU, and ten times as long when not.  So the mapper
 * follows the vCPU, but not at once: being moved is expensive too.
 */
static void bring_mapper(u32 slot)
{
	struct host_stub *s = &host->stub[slot];
	struct stub_request *req = request_page(slot);
	struct stub_op *op;
	int cpu = this_host_cpu();

	if (host->boot.host_cpus == 1)
		return;
	if (cpu < 0 || s->cpu == cpu + 1 || s->nops == STUB_MAX_OPS ||
	    cpu >= sizeof(req->cpus) * 8) {
		s->cpu_misses = 0;
		return;
	}
	if (s->cpu && ++s->cpu_misses < MAPPER_PATIENCE)
		return;
	s->cpu = cpu + 1;
	s->cpu_misses = 0;
	memset(req->cpus, 0, sizeof(req->cpus));
	req->cpus[cpu / 64] = 1ULL << cpu % 64;
	op = next_op(slot, __NR_sched_setaffinity);
	op->arg[1] = sizeof(req->cpus);
	op->arg[2] = STUB_REQUEST + REQUEST_CPUS;
}

/* Have the mapper carry out the batch.  @resume: see struct stub_request. */
static void start_mapper(u32 slot, u64 resume)
{
	struct stub_request *req = request_page(slot);
	struct host_stub *s = &host->stub[slot];

	bring_mapper(slot);
	req->nops = s->nops;
	req->resume = resume;
	req->error = 0;
	s->nops = 0;
	s->unmaps = 0;
	s->pending = true;
	xchg(&req->seq, req->seq + 1);
	host_wake(&req->seq);
}

/* The last batch's error is kept for host_stub_settle(). */
static void await_mapper(u32 slot)
{
	struct stub_request *req = request_page(slot);
	struct host_stub *s = &host->stub[slot];

	if (!s->pending)
		return;
	if (wait_word(slot, &req->done, req->seq, &req->kernel_sleeps, 0))
		s->error = -(int)READ_ONCE(req->error);
	else
		s->error = -HOST_ESRCH;
	s->pending = false;
}

int host_stub_settle(u32 slot)
{
	struct host_stub *s = &host->stub[slot];
	int ret;

	await_mapper(slot);
	ret = s->error;
	s->error = 0;
	return ret;
}

int host_stub_commit(u32 slot)
{
	struct host_stub *s = &host->stub[slot];
	int before;

	await_mapper(slot);
	if (!s->nops)
		return 0;
	if (!host_stub_alive(slot))
		return -HOST_ESRCH;
	/* of a batch that has given the turn, and of which nobody has asked yet */
	before = s->error;
	start_mapper(slot, 0);
	await_mapper(slot);
	swap(before, s->error);
	return before;
}

static struct stub_handoff *handoff(u32 area)
{
	return host_area(area) + STUB_HANDOFF;
}

void *host_area(u32 area)
{
	return (void *)(CONTROL_ADDR + CONTROL_AREAS + area * STUB_AREA_SIZE);
}

/* #syscalls: fallocate(_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE) */
void host_area_clear(u32 area)
{
	sys4(__NR_fallocate, host->control_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
	     CONTROL_AREAS + area * STUB_AREA_SIZE, STUB_AREA_SIZE);
}

/* What a guest thread finds in its hand-off page when it is parked. */
static void handoff_init(u32 area, u32 stack, bool asleep)
{
	struct stub_handoff *ho = handoff(area);

	memset(ho, 0, PAGE_SIZE);
	ho->context = STUB_AREAS + area * STUB_AREA_SIZE + stack;
	ho->stack = ho->context;
	ho->self = STUB_AREAS + area * STUB_AREA_SIZE + STUB_HANDOFF;
	ho->rseq.cpu_id = -1;
	ho->guest_sleeps = asleep;
}

/*
 * Requeues who sleeps on the word to where they are, and so counts them.
 * #syscalls: futex(_, FUTEX_REQUEUE)
 */
bool host_guest_asleep(u32 area)
{
	u32 *turn = &handoff(area)->turn;

	return sys6(__NR_futex, (long)turn, FUTEX_REQUEUE, 0, INT_MAX, (long)turn, 0) == 1;
}

bool host_guest_still(u32 area)
{
	struct stub_handoff *ho = handoff(area);

	if (host_guest_asleep(area))
		return true;
	if (!on_this_cpu(ho))
		return false;
	/* It was about to, and our wake-up came in between. */
	WRITE_ONCE(ho->spin, 0);
	host_yield();
	return host_guest_asleep(area);
}

void host_guest_kick(u32 slot, u32 area)
{
	sys3(__NR_tgkill, host->stub[slot].pid, host->tid[area], STUB_SIG_KICK);
}

bool host_guest_parked(u32 area)
{
	u64 end = 0;

	if (guest_unsafe(UNSAFE_RECYCLE_THREAD))
		return true;
	WRITE_ONCE(handoff(area)->spin, 0);
	while (!host_guest_asleep(area)) {
		if (!end)
			end = host_clock_ns() + PARK_LIMIT_NS;
		if (host_clock_ns() > end)
			return false;
		host_yield();
	}
	return true;
}

void host_guest_reset(u32 area, u32 stack)
{
	if (guest_unsafe(UNSAFE_RECYCLE_CLEAR))
		return;
	sys4(__NR_fallocate, host->control_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
	     CONTROL_AREAS + area * STUB_AREA_SIZE, STUB_SIGSTACK_SIZE);
	handoff_init(area, stack, true);
	/* Its stack pointer may be anything until it has looked at its turn. */
	host_wake(&handoff(area)->turn);
}

void host_stub_forget(u32 slot)
{
	struct stub_request *req = request_page(slot);

	host_stub_settle(slot);
	host->stub[slot].nops = 0;
	host->stub[slot].unmaps = 0;
	memset(req->op, 0, sizeof(req->op));
	memset(req->name, 0, sizeof(req->name));
}

/**
 * host_stub_area() - have a stub map an area, and its request page describe it
 * @slot:	which stub
 * @area:	the area
 *
 * Return: where it will be in the stub.
 */
unsigned long host_stub_area(u32 slot, u32 area)
{
	struct stub_request *req = request_page(slot);
	unsigned long base = STUB_AREAS + area * STUB_AREA_SIZE;
	struct stub_op *op = next_op(slot, __NR_mmap);

	op->arg[0] = base;
	op->arg[1] = STUB_AREA_SIZE;
	op->arg[2] = PROT_READ | PROT_WRITE;
	op->arg[3] = MAP_SHARED | MAP_FIXED;
	op->arg[4] = STUB_FD_CONTROL;
	op->arg[5] = CONTROL_AREAS + area * STUB_AREA_SIZE;
	req->sigstack.sp = base;
	req->sigstack.size = STUB_SIGSTACK_SIZE;
	return base;
}

int host_stub_thread(u32 slot, u32 area, u32 stack)
{
	unsigned long base = host_stub_area(slot, area);
	struct stub_handoff *ho = handoff(area);
	struct stub_op *op;
	int ret;

	op = next_op(slot, STUB_OP_THREAD);
	op->arg[0] = HOST_GUEST_THREAD_FLAGS;
	op->arg[1] = base + stack;
	op->arg[3] = base + STUB_HANDOFF;

	handoff_init(area, stack, false);
	ho->turn = STUB_TURN_GUEST;
	ret = host_stub_commit(slot);
	if (ret)
		return ret;
	host->tid[area] = READ_ONCE(request_page(slot)->tid);
	ho->tid = host->tid[area];
	return wait_word(slot, &ho->turn, STUB_TURN_KERNEL, &ho->kernel_sleeps,
			 guest_unsafe(UNSAFE_PARK_LIMIT) ? 0 : STOP_LIMIT_NS) ? 0 : -HOST_ESRCH;
}

/* --- hand-off ------------------------------------------------------------ */

/* Whether the guest thread is to poll, having another CPU. */
static __always_inline bool set_spin(struct stub_handoff *ho)
{
	bool polls = !on_this_cpu(ho) && host->boot.host_cpus > 1;

	WRITE_ONCE(ho->spin, polls ? GUEST_SPIN_CYCLES : 0);
	return polls;
}

/*
 * On one host CPU there is nothing to do for the vCPU until the guest thread has had
 * its turn: it sleeps until then, and the threads run in a circle.  With another CPU
 * the guest may be back before the vCPU is, for which the mapper has to make room.
 */
int host_stub_run(u32 slot, u32 area)
{
	struct stub_handoff *ho = handoff(area);
	bool polls;

	if (!host->stub[slot].nops) {
		host_guest_resume(area);
		return 0;
	}
	if (!host_stub_alive(slot))
		return -HOST_ESRCH;
	polls = set_spin(ho);
	/* what it comes back with when an operation fails: nothing has run */
	WRITE_ONCE(ho->event, STUB_EVENT_UNDONE);
	WRITE_ONCE(ho->turn, STUB_TURN_MAPPER);
	start_mapper(slot, STUB_AREAS + area * STUB_AREA_SIZE + STUB_HANDOFF);
	return polls ? host_stub_settle(slot) : 1;
}

void noinstr host_guest_resume(u32 area)
{
	struct stub_handoff *ho = handoff(area);

	set_spin(ho);
	xchg(&ho->turn, STUB_TURN_GUEST);
	if (READ_ONCE(ho->guest_sleeps))
		host_wake(&ho->turn);
}

void noinstr host_guest_leave(u32 area)
{
	WRITE_ONCE(handoff(area)->spin, 0);
}

bool noinstr host_guest_wait(u32 area, u32 spin, const u32 *pending)
{
	struct stub_handoff *ho = handoff(area);
	unsigned int cpu = raw_smp_processor_id();
	const struct host_ring *ring = &host->disk_cpu[cpu].ring;
	u64 limit = cycles();
	bool parked;
	u32 turn;

	if (!on_this_cpu(ho))
		limit += spin;

	do {
		if (unlikely(ring->queued) && host_ring_flush_due(ring))
			host_disk_flush(cpu);
		if (smp_load_acquire(&ho->turn) == STUB_TURN_KERNEL)
			return true;
		if (READ_ONCE(*pending) || host_disk_look(cpu))
			return false;
		native_pause();
	} while (cycles() < limit);
	host_disk_flush(cpu);
	xchg(&ho->kernel_sleeps, 1);
	turn = smp_load_acquire(&ho->turn);
	parked = turn == STUB_TURN_KERNEL;
	if (!parked) {
		host_disk_listen(cpu);
		host_turn_wait_irq(&ho->turn, turn, pending);
		host_disk_listen_end(cpu);
		parked = smp_load_acquire(&ho->turn) == STUB_TURN_KERNEL;
	}
	WRITE_ONCE(ho->kernel_sleeps, 0);
	return parked;
}

/*
 * Wait for a guest thread that is to park at once; a kick makes it hurry.
 * #syscalls: tgkill(_, _, STUB_SIG_KICK)
 */
static int wait_parked(u32 slot, u32 area, bool kick)
{
	struct stub_handoff *ho = handoff(area);
	struct timespec64_host ts = { 0, KICK_AGAIN_NS };
	int pid = host->stub[slot].pid, tid = host->tid[area];
	u64 start = 0;

	if (guest_unsafe(UNSAFE_KICK_TID))
		tid = READ_ONCE(ho->tid);

	if (smp_load_acquire(&ho->turn) == STUB_TURN_KERNEL)
		return 0;
	xchg(&ho->kernel_sleeps, 1);
	while (smp_load_acquire(&ho->turn) != STUB_TURN_KERNEL) {
		u64 now = host_clock_ns();
		u32 turn = READ_ONCE(ho->turn);

		if (!start)
			start = now;
		if (!host_stub_alive(slot) || now - start > STOP_LIMIT_NS)
			return -HOST_ESRCH;
		/*
		 * Again and again: one that arrives while an earlier one is
		 * still being dismissed is dismissed with it.
		 */
		if (kick)
			sys3(__NR_tgkill, pid, tid, STUB_SIG_KICK);
		if (turn != STUB_TURN_KERNEL)
			sys4(__NR_futex, &ho->turn, FUTEX_WAIT, turn, &ts);
	}
	WRITE_ONCE(ho->kernel_sleeps, 0);
	return 0;
}

int host_guest_stop(u32 slot, u32 area)
{
	return wait_parked(slot, area, true);
}

int host_guest_save(u32 slot, u32 area)
{
	struct stub_handoff *ho = handoff(area);
	int ret, tries = 10;
	u64 limit;

	/* The watch for threads that run on may kick it: then once more. */
	do {
		limit = cycles() + (on_this_cpu(ho) ? 0 : GUEST_SPIN_CYCLES);
		WRITE_ONCE(ho->resume, STUB_RESUME_SAVE);
		host_guest_resume(area);
		while (smp_load_acquire(&ho->turn) != STUB_TURN_KERNEL && cycles() < limit)
			native_pause();
		ret = wait_parked(slot, area, false);
	} while (!ret && READ_ONCE(ho->event) == STUB_EVENT_UNDONE && --tries);
	return ret;
}

unsigned long host_stub_syscall(void)
{
	if (host->boot.traced)
		return 0;
	return host->boot.fsgsbase ? stub_syscall_checked_addr : stub_syscall_addr;
}

unsigned long host_stub_foreign(void)
{
	return stub_syscall_foreign_addr;
}
