// SPDX-License-Identifier: GPL-2.0-only
/*
 * vCPU threads: start, interrupt, wait, park.
 *
 * Every vCPU is one host thread for the whole life of the process, made before
 * the process confines itself.  While it runs kernel code its signal mask is
 * the same as all others'; while it is parked, on a stack of the host side's
 * own, everything is blocked.
 */
#include <linux/sched.h>
#include <uapi/linux/futex.h>
#include "state.h"
#include "syscall.h"

#define CPU_THREAD_FLAGS	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | \
				 CLONE_THREAD | CLONE_SYSVSEM)

#define RUNNING_MASK		HOST_MASKED_SIGNALS

struct host_sigaction {
	void *handler;
	unsigned long flags;
	void *restorer;
	u64 mask;
};

struct host_sigevent {
	u64 value;
	s32 signo;
	s32 notify;
	s32 tid;
	s32 pad[11];
};

extern const char host_wait_begin[], host_wait_end[], host_wait_abort[];
long host_futex_wait_irq(u32 *word, u32 val, struct timespec64_host *rel, const u32 *pending);

/* #syscalls: rt_sigprocmask(HOST_SIG_SETMASK) */
static void set_mask(u64 mask)
{
	sys4(__NR_rt_sigprocmask, HOST_SIG_SETMASK, &mask, NULL, 8);
}

static void set_action(int sig, void *handler)
{
	struct host_sigaction sa = {
		.handler = handler,
		.flags = HOST_SA_SIGINFO | HOST_SA_RESTORER | HOST_SA_NODEFER,
		.restorer = host_sig_return,
	};

	sys4(__NR_rt_sigaction, sig, &sa, NULL, 8);
}

/*
 * #syscalls: rt_sigaction(HOST_SIGSEGV) rt_sigaction(HOST_SIGBUS)
 * #syscalls: rt_sigaction(HOST_SIGILL) rt_sigaction(HOST_SIGFPE)
 * #syscalls: rt_sigaction(HOST_SIGTRAP)
 */
static const u8 faults[] = {
	HOST_SIGSEGV, HOST_SIGBUS, HOST_SIGILL, HOST_SIGFPE, HOST_SIGTRAP
};

/**
 * host_signals_start() - signals as they are while there is no kernel yet
 *
 * Also on the way to a reboot: the entries' data is about to go.
 *
 * #syscalls: rt_sigaction(HOST_SIG_IRQ)
 * #syscalls: rt_sigaction(HOST_SIGPIPE) rt_sigaction(HOST_SIGXFSZ)
 * #syscalls: rt_sigaction(HOST_SIGCHLD)
 */
void host_signals_start(void)
{
	/* Traced threads stop all the time; only ends are of interest. */
	struct host_sigaction chld = { .flags = HOST_SA_NOCLDSTOP };
	int i;

	/* A closed pipe and a full file are errors of calls, no reason to die. */
	set_action(HOST_SIGPIPE, HOST_SIG_IGN);
	set_action(HOST_SIGXFSZ, HOST_SIG_IGN);
	set_action(HOST_SIG_IRQ, HOST_SIG_IGN);
	sys4(__NR_rt_sigaction, HOST_SIGCHLD, &chld, NULL, 8);
	for (i = 0; i < ARRAY_SIZE(faults); i++)
		set_action(faults[i], HOST_SIG_DFL);
	set_mask(RUNNING_MASK);
}

void host_vectors(void *irq, void *fault)
{
	int i;

	set_action(HOST_SIG_IRQ, irq);
	for (i = 0; i < ARRAY_SIZE(faults); i++)
		set_action(faults[i], fault);
}

/* #syscalls: arch_prctl(HOST_ARCH_SET_GS) */
void host_cpu_init(unsigned int cpu, unsigned long gsbase)
{
	sys2(__NR_arch_prctl, HOST_ARCH_SET_GS, gsbase);
}

/* A vCPU's thread while it is no vCPU: on its host stack, all blocked. */
static void parked(long cpu)
{
	struct host_cpu *c = &host->cpu[cpu];

	while (!smp_load_acquire(&c->go))
		sys4(__NR_futex, &c->go, FUTEX_WAIT, 0, NULL);
	c->go = 0;
	set_mask(RUNNING_MASK);
	host_switch_stack(c->stack, c->entry);
}

/*
 * The first steps of a vCPU's thread.
 *
 * #syscalls: rseq(_, STUB_RSEQ_SIZE, 0, STUB_RSEQ_SIG)
 */
static void thread_start(long cpu)
{
	struct host_cpu *c = &host->cpu[cpu];

	c->rseq.cpu_id = -1;
	sys4(__NR_rseq, &c->rseq, STUB_RSEQ_SIZE, 0, STUB_RSEQ_SIG);
	host_ring_start(cpu);
	if (cpu)
		parked(cpu);
}

/* Which vCPU is told by the stack. */
static void parked_again(void)
{
	parked(((u8 *)__builtin_frame_address(0) - host->cpu_stack[0]) / HOST_STACK_SIZE);
}

static void make_timer(struct host_cpu *c)
{
	struct host_sigevent ev = {
		.signo = HOST_SIG_IRQ, .notify = HOST_SIGEV_THREAD_ID, .tid = c->tid,
		.value = c - host->cpu,
	};

	if (sys3(__NR_timer_create, 1 /* CLOCK_MONOTONIC */, &ev, &c->timer) < 0)
		host_usage_error("ncpus=", "the host gives no timer", "check ulimit -i");
}

/**
 * host_cpus_start() - make the threads of all vCPUs, parked, and their timers
 *
 * Context: the process's first thread, which is vCPU 0, before confinement.
 */
void host_cpus_start(void)
{
	unsigned int cpu;
	long tid = sys0(__NR_gettid);

	set_mask(~0ULL);
	for (cpu = 0; cpu < host->boot.ncpus; cpu++) {
		if (cpu)
			tid = host_thread_clone(CPU_THREAD_FLAGS,
						host->cpu_stack[cpu] + HOST_STACK_SIZE,
						thread_start, cpu);
		if (tid < 0)
			host_usage_error("ncpus=", "the host gives no thread", "check ulimit -u");
		host->cpu[cpu].tid = tid;
		make_timer(&host->cpu[cpu]);
	}
	thread_start(0);
	set_mask(RUNNING_MASK);
}

int host_cpu_start(unsigned int cpu, void (*entry)(void), void *stack)
{
	struct host_cpu *c = &host->cpu[cpu];

	if (!c->tid)
		return -HOST_ESRCH;
	c->entry = entry;
	c->stack = stack;
	smp_store_release(&c->go, 1);
	host_wake(&c->go);
	return 0;
}

void __noreturn host_cpu_park(unsigned int cpu, u32 *word)
{
	set_mask(~0ULL);
	host_disk_drain(cpu);
	if (word) {
		/* The caller may reuse our stack as soon as it sees this. */
		asm volatile("movq %0, %%rsp\n\tmovl $1, (%1)\n\tjmp *%2"
			     : : "r" (host->cpu_stack[cpu] + HOST_STACK_SIZE - 8), "r" (word),
				 "r" (parked_again) : "memory");
		__builtin_unreachable();
	}
	host_switch_stack(host->cpu_stack[cpu] + HOST_STACK_SIZE, parked_again);
}

/* #syscalls: tgkill(_, _, STUB_SIG_KICK) */
void host_cpu_signal(unsigned int cpu)
{
	int tid = READ_ONCE(host->cpu[cpu].tid);

	if (tid)
		sys3(__NR_tgkill, host->cpu[0].tid, tid, HOST_SIG_IRQ);
}

bool notrace host_cpu_displaced(unsigned int cpu)
{
	int there = READ_ONCE(host->cpu[cpu].rseq.cpu_id);
	unsigned int self = raw_smp_processor_id();

	return there >= 0 && cpu != self && there == READ_ONCE(host->cpu[self].rseq.cpu_id);
}

void noinstr host_wait_irq(u32 *word, u32 val, u64 ns, const u32 *pending)
{
	struct timespec64_host ts = { ns / 1000000000, ns % 1000000000 };

	host_futex_wait_irq(word, val, ns ? &ts : NULL, pending);
}

unsigned long noinstr host_wait_fixup(unsigned long ip)
{
	if (ip >= (unsigned long)host_wait_begin && ip < (unsigned long)host_wait_end)
		return (unsigned long)host_wait_abort;
	return ip;
}

/* #syscalls: futex(_, FUTEX_WAKE) */
void noinstr host_wake(u32 *word)
{
	sys3(__NR_futex, word, FUTEX_WAKE, 1);
}

/* #syscalls: sched_yield */
void noinstr host_yield(void)
{
	sys0(__NR_sched_yield);
}

/* #syscalls: timer_settime */
void host_timer_set(unsigned int cpu, u64 ns)
{
	struct {
		struct timespec64_host interval, value;
	} it = { .value = { ns / 1000000000, ns % 1000000000 } };

	sys4(__NR_timer_settime, host->cpu[cpu].timer, 0, &it, NULL);
}
