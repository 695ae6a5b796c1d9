// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stub processes as the kernel uses them: asked through their request page, run
 * through the hand-off pages of their areas.  They are made in zygote.c.
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
/*
 * A guest thread is hostile when it does not park within this time, in which its process
 * has had so much of a CPU: the host may have had no time for it.  After a longer time in
 * any case: it need not compute to keep us waiting.
 */
#define STOP_LIMIT_NS		2000000000ULL
#define STOP_CPU_NS		500000000ULL
#define STOP_MOST_NS		4000000000ULL

long host_turn_wait_irq(u32 *turn, u32 val, const u32 *pending);

extern const unsigned long stub_syscall_addr, stub_syscall_checked_addr;
extern const unsigned long stub_syscall_foreign_addr;

/* --- requests ------------------------------------------------------------ */

static void await_mapper(u32 slot);

static struct stub_op *next_op(u32 slot, u32 nr)
{
	struct host_stub *s = &host->stub[slot];
	struct stub_op *op;

	await_mapper(slot);
	/* callers leave room; no stub is better than one that lacks an operation */
	if (unlikely(s->nops == STUB_MAX_OPS)) {
		host_stub_kill(slot);
		s->nops = 0;
		s->unmaps = 0;
	}
	op = &host_request_page(slot)->op[s->nops++];
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
	struct stub_op *op = host_request_page(slot)->op, *to = op, *end = op + s->nops;

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
	s->nops = to - host_request_page(slot)->op;
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

	strscpy(host_request_page(slot)->name, name, sizeof(host_request_page(slot)->name));
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
 * Notes a stub's death before the I/O thread does: that may be waiting for vCPU 0 to take
 * events, while vCPU 0 waits for this stub.
 */
static void look_for_death(u32 slot)
{
	struct { s32 fd; s16 events, revents; } p = { host->stub[slot].pidfd, 1 /* POLLIN */, 0 };

	if (host->boot.traced)
		host_traced_reap();
	else if (sys3(__NR_poll, &p, 1, 0) == 1)
		WRITE_ONCE(host->stub[slot].dead, 1);
}

/**
 * struct patience - with a guest thread
 * @start:	when the wait began
 * @cpu:	CPU time of its process, soon after
 */
struct patience {
	u64 start;
	u64 cpu;
};

/* Whether it is over.  A process's threads have their CPU time together. */
static bool is_over(struct patience *p, u32 slot)
{
	u64 now = host_clock_ns(), waited, cpu;

	if (!p->start)
		p->start = now;
	waited = now - p->start;
	if (waited < STOP_LIMIT_NS / 2)
		return false;
	cpu = host_stub_cpu_ns(slot);
	if (!p->cpu)
		p->cpu = cpu;
	return (waited > STOP_LIMIT_NS && cpu - p->cpu > STOP_CPU_NS) || waited > STOP_MOST_NS;
}

/*
 * Wait for a word of a stub to have a value, or for the stub's death.  A word
 * that guest code can write may never have it: @patience, or NULL.
 *
 * #syscalls: poll
 */
static bool wait_word(u32 slot, u32 *word, u32 val, u32 *sleeps, struct patience *patience)
{
	struct timespec64_host ts = { 0, DEATH_CHECK_NS };

	for (;;) {
		u32 now;

		xchg(sleeps, 1);
		now = smp_load_acquire(word);
		if (now == val)
			break;
		if (!host_stub_alive(slot) || (patience && is_over(patience, slot)))
			return false;
		if (sys4(__NR_futex, word, FUTEX_WAIT, now, &ts) == -HOST_ETIMEDOUT)
			look_for_death(slot);
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
	struct stub_request *req = host_request_page(slot);
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
static bool start_mapper(u32 slot, u64 resume)
{
	struct stub_request *req = host_request_page(slot);
	struct host_stub *s = &host->stub[slot];
	bool alive = host_stub_alive(slot);

	if (alive)
		bring_mapper(slot);
	req->nops = s->nops;
	/* also of one that is dead: there is room again */
	s->nops = 0;
	s->unmaps = 0;
	if (!alive)
		return false;
	req->resume = resume;
	req->error = 0;
	s->pending = true;
	xchg(&req->seq, req->seq + 1);
	host_wake(&req->seq);
	return true;
}

/* The last batch's error is kept for host_stub_settle(). */
static void await_mapper(u32 slot)
{
	struct stub_request *req = host_request_page(slot);
	struct host_stub *s = &host->stub[slot];

	if (!s->pending)
		return;
	if (wait_word(slot, &req->done, req->seq, &req->kernel_sleeps, NULL))
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
	/* of a batch that has given the turn, and of which nobody has asked yet */
	before = s->error;
	if (!start_mapper(slot, 0))
		return -HOST_ESRCH;
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

u64 host_stub_cpu_ns(u32 slot)
{
	return host_cpu_ns(host->stub[slot].pid);
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
	struct stub_request *req = host_request_page(slot);

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
	struct stub_request *req = host_request_page(slot);
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
	struct patience patience = { 0 };
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
	host->tid[area] = READ_ONCE(host_request_page(slot)->tid);
	ho->tid = host->tid[area];
	return wait_word(slot, &ho->turn, STUB_TURN_KERNEL, &ho->kernel_sleeps,
			 guest_unsafe(UNSAFE_PARK_LIMIT) ? NULL : &patience) ? 0 : -HOST_ESRCH;
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
	polls = set_spin(ho);
	/* what it comes back with when an operation fails: nothing has run */
	WRITE_ONCE(ho->event, STUB_EVENT_UNDONE);
	WRITE_ONCE(ho->turn, STUB_TURN_MAPPER);
	if (!start_mapper(slot, STUB_AREAS + area * STUB_AREA_SIZE + STUB_HANDOFF))
		return -HOST_ESRCH;
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
	struct patience patience = { 0 };

	if (guest_unsafe(UNSAFE_KICK_TID))
		tid = READ_ONCE(ho->tid);

	if (smp_load_acquire(&ho->turn) == STUB_TURN_KERNEL)
		return 0;
	xchg(&ho->kernel_sleeps, 1);
	while (smp_load_acquire(&ho->turn) != STUB_TURN_KERNEL) {
		u32 turn = READ_ONCE(ho->turn);

		if (!host_stub_alive(slot) || is_over(&patience, slot))
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
