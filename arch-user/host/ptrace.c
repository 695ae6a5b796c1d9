// SPDX-License-Identifier: GPL-2.0-only
/*
 * Running guest code under ptrace(), for hosts that refuse a seccomp filter.
 *
 * Theory of operation
 *
 * The thread of vCPU 0, the only one there is then, traces the zygote from its
 * start; stubs and their threads are traced because what they were cloned from
 * is.  A stub's mapper runs freely and takes requests as ever.  A guest thread
 * is either stopped or runs under PTRACE_SYSEMU, which stops it at each system
 * call without making it: no guest code ever makes one, whatever it executes.
 * When the tracer ends, the host kills all that it traces (EXITKILL).
 *
 * Calls that a stub does not know how to make for this are put into it: the
 * registers of a stopped thread are set to those of a call, its instruction
 * pointer to a SYSCALL instruction of the stub's text, and PTRACE_SYSCALL
 * stops it again when the call is done.
 *
 * For an exception the host's tracing interface tells less than its signal
 * frame does (no error code, no vector).  So the thread is let go on into the
 * stub's signal handler, stepping, which stops it before the handler's first
 * instruction; the frame is read, and the registers are set anew for the next
 * run.  Nothing else of the guest runs meanwhile that could change the frame.
 *
 * All waiting is for one thread, except where the death of a stub has to be
 * seen: the host reports that of the mapper only after all other threads of it
 * have been waited for.  What such a wait comes upon besides goes to other().
 *
 * Here one host CPU is used: tracer and guest take turns, and to wake a thread
 * on another CPU takes several times as long.
 *
 * Where the host does take a filter, stubs have one all the same: it keeps a
 * tracer that has gone wild from having them do what the mapper must not.
 *
 * Host calls after the start, none of which attaches to anything:
 * #syscalls: ptrace(PTRACE_CONT) ptrace(PTRACE_SYSCALL) ptrace(PTRACE_SYSEMU)
 * #syscalls: ptrace(PTRACE_SYSEMU_SINGLESTEP) ptrace(PTRACE_INTERRUPT)
 * #syscalls: ptrace(PTRACE_GETREGS) ptrace(PTRACE_SETREGS)
 * #syscalls: ptrace(PTRACE_GETREGSET) ptrace(PTRACE_SETREGSET)
 * #syscalls: ptrace(PTRACE_GETSIGINFO) ptrace(PTRACE_GETEVENTMSG)
 * #syscalls: ptrace(PTRACE_SETSIGMASK) ptrace(PTRACE_GET_SYSCALL_INFO)
 * #syscalls: wait4
 */
#include <linux/sched.h>
#include <linux/string.h>
#include <uapi/linux/mman.h>
#include <uapi/linux/ptrace.h>
#include <uapi/asm/ptrace-abi.h>
#include <uapi/linux/seccomp.h>
#include <uapi/linux/wait.h>
#include "state.h"
#include "syscall.h"

#define TRACE_OPTIONS	(PTRACE_O_EXITKILL | PTRACE_O_TRACEFORK | PTRACE_O_TRACECLONE | \
			 PTRACE_O_TRACESYSGOOD)
#define SYSCALL_STOP	(HOST_SIGTRAP | 0x80)
/* what wait4() gives for a thread that SIGKILL ended */
#define KILLED		HOST_SIGKILL

long host_wait4_irq(int tid, int *status, int options, const u32 *pending);

extern const char stub_blob[], stub_blob_end[];

static long trace(long request, int tid, long addr, const void *data)
{
	return sys4(__NR_ptrace, request, tid, addr, data);
}

static long wait_any(int tid, int *status, int options)
{
	long ret;

	do {
		ret = sys4(__NR_wait4, tid, status, __WALL | options, NULL);
	} while (ret == -HOST_EINTR);
	return ret;
}

static bool ended(int status)
{
	return (status & 0x7f) != 0x7f;
}

static int stop_signal(int status)
{
	return status >> 8 & 0xff;
}

static int stop_event(int status)
{
	return status >> 16;
}

/* --- start ----------------------------------------------------------------- */

static bool filter_refused(void)
{
	/* A host that would take a filter gets as far as to read it. */
	return sys3(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL) != -HOST_EFAULT;
}

/* All that is started from here on stays on the CPU we are on. */
static void stay_on_cpu(void)
{
	u64 mask[HOST_CPU_WORDS] = { 0 };
	u32 cpu;

	if (sys3(__NR_getcpu, &cpu, NULL, NULL) || cpu >= sizeof(mask) * 8)
		return;
	mask[cpu / 64] = 1ULL << cpu % 64;
	sys3(__NR_sched_setaffinity, 0, sizeof(mask), mask);
}

/**
 * host_intercept_choose() - settle how guest code is intercepted
 *
 * Ends the process when the host does not give what was asked for.
 */
void host_intercept_choose(void)
{
	bool refused = host->intercept != INTERCEPT_PTRACE && filter_refused();

	if (refused && host->intercept == INTERCEPT_SECCOMP)
		host_usage_error("intercept=seccomp", "the host refuses a seccomp filter",
				 "intercept=ptrace needs none");
	host->boot.intercept_auto = host->intercept == INTERCEPT_AUTO;
	host->boot.traced = refused || host->intercept == INTERCEPT_PTRACE;
	if (!host->boot.traced)
		return;
	if (host->boot.ncpus > 1 && refused)
		host_usage_error("intercept=auto",
				 "the host refuses a seccomp filter, and ptrace runs one vCPU",
				 "say ncpus=1");
	if (host->boot.ncpus > 1)
		host_usage_error("intercept=ptrace", "runs one vCPU", "say ncpus=1");
	stay_on_cpu();
}

/**
 * host_traced_start() - trace the zygote, and so whatever comes of it
 */
void host_traced_start(void)
{
	if (!trace(PTRACE_SEIZE, host->zygote_pid, 0, (void *)TRACE_OPTIONS))
		return;
	sys4(__NR_pidfd_send_signal, host->zygote_pidfd, HOST_SIGKILL, NULL, 0);
	host_usage_error(host->boot.intercept_auto ? "intercept=auto" : "intercept=ptrace",
			 "the host refuses to trace a child of one's own",
			 "see kernel.yama.ptrace_scope");
}

/* --- waiting --------------------------------------------------------------- */

static struct host_stub *stub_of(int pid)
{
	u32 slot;

	for (slot = 0; slot < host->traced.slots; slot++)
		if (host->stub[slot].pid == pid)
			return &host->stub[slot];
	return NULL;
}

/*
 * What a wait for all came upon although it was for another.  A mapper or the
 * zygote stops when somebody sends it a stop signal: it goes on.  Else what
 * stops is new.
 */
static void other(int tid, int status)
{
	struct host_stub *s;

	if (tid == host->traced.running) {
		host->traced.status = status;
		return;
	}
	s = stub_of(tid);
	if (ended(status)) {
		if (s)
			WRITE_ONCE(s->dead, 1);
	} else if (s || tid == host->zygote_pid) {
		trace(PTRACE_CONT, tid, 0, NULL);
	} else {
		host->traced.newborn = tid;
	}
}

/* Wait for the zygote, a mapper, or what they have just made. */
static int wait_for(int tid)
{
	int status;
	long ret;

	for (;;) {
		if (host->traced.newborn == tid) {
			host->traced.newborn = 0;
			return PTRACE_EVENT_STOP << 16 | HOST_SIGTRAP << 8 | 0x7f;
		}
		ret = wait_any(tid, &status, WNOHANG);
		if (!ret) {
			ret = wait_any(-1, &status, 0);
			if (ret > 0 && ret != tid) {
				other(ret, status);
				continue;
			}
		}
		return ret == tid ? status : KILLED;
	}
}

void host_traced_reap(void)
{
	int status;
	long ret;

	if (!host->boot.traced)
		return;
	while ((ret = wait_any(-1, &status, WNOHANG)) > 0)
		other(ret, status);
}

/**
 * host_traced_bury() - wait for a stub's end
 * @pid:	its process; it has been killed, or told to end
 */
void host_traced_bury(int pid)
{
	while (!ended(wait_for(pid)))
		trace(PTRACE_CONT, pid, 0, NULL);
}

/**
 * host_traced_reset() - all stubs have ended: nothing runs
 */
void host_traced_reset(void)
{
	host->traced.running = 0;
	host->traced.status = 0;
}

/* --- stubs ------------------------------------------------------------------ */

/**
 * host_traced_spawn() - see a new stub and the zygote go on their ways
 * @slot:	which stub the zygote has just been asked for
 *
 * The zygote stops at a fork, and by a breakpoint when that failed.
 */
void host_traced_spawn(u32 slot)
{
	unsigned long pid = 0;
	int status;

	if (slot >= host->traced.slots)
		host->traced.slots = slot + 1;
	host->traced.newborn = 0;
	do {
		status = wait_for(host->zygote_pid);
		if (ended(status))
			return;
		if (stop_event(status) == PTRACE_EVENT_FORK)
			trace(PTRACE_GETEVENTMSG, host->zygote_pid, 0, &pid);
		trace(PTRACE_CONT, host->zygote_pid, 0, NULL);
	} while (stop_event(status) != PTRACE_EVENT_FORK && status >> 8 != HOST_SIGTRAP);
	if (pid && !ended(wait_for(pid)))
		trace(PTRACE_CONT, pid, 0, NULL);
}

/* --- calls put into a stopped thread ----------------------------------------- */

/* A SYSCALL instruction of the mapper's, from where such calls may be made. */
static unsigned long syscall_address(void)
{
	const char *p = stub_blob + (STUB_TEXT_MAPPER - STUB_BASE);

	for (; p < stub_blob_end - 2; p++)
		if (p[0] == 0x0f && p[1] == 0x05)
			break;
	return STUB_BASE + (p - stub_blob);
}

/* Let a thread run up to the end of a call; what it makes is left in *made. */
static bool finish_call(int tid, unsigned long *made)
{
	int status, stops = 0;

	while (stops < 2) {
		if (trace(PTRACE_SYSCALL, tid, 0, NULL))
			return false;
		status = wait_for(tid);
		if (ended(status))
			return false;
		if (stop_signal(status) == SYSCALL_STOP)
			stops++;
		else if (stop_event(status) == PTRACE_EVENT_CLONE)
			trace(PTRACE_GETEVENTMSG, tid, 0, made);
	}
	return true;
}

struct call {
	long nr, arg[6];
	unsigned long made;
};

/* Have a stopped thread make a call; its registers are changed. */
static long put_call(int tid, const struct host_traced_regs *now, struct call *c)
{
	struct host_traced_regs regs = *now;

	regs.ip = syscall_address();
	regs.orig_ax = -1;
	regs.ax = c->nr;
	regs.di = c->arg[0];
	regs.si = c->arg[1];
	regs.dx = c->arg[2];
	regs.r10 = c->arg[3];
	regs.r8 = c->arg[4];
	regs.r9 = c->arg[5];
	if (trace(PTRACE_SETREGS, tid, 0, &regs) || !finish_call(tid, &c->made) ||
	    trace(PTRACE_GETREGS, tid, 0, &regs))
		return -HOST_ESRCH;
	return regs.ax;
}

static bool stop_mapper(int pid, struct host_traced_regs *regs)
{
	if (trace(PTRACE_INTERRUPT, pid, 0, NULL) || ended(wait_for(pid)) ||
	    trace(PTRACE_GETREGS, pid, 0, regs))
		return false;
	/* It was in a call that is to be made again. */
	if ((long)regs->orig_ax >= 0 && (long)regs->ax <= -HOST_ERESTART_MIN &&
	    (long)regs->ax >= -HOST_ERESTART_MAX) {
		regs->ax = regs->orig_ax;
		regs->ip -= 2;
	}
	regs->orig_ax = -1;
	return true;
}

static void resume_mapper(int pid, const struct host_traced_regs *regs)
{
	trace(PTRACE_SETREGS, pid, 0, regs);
	trace(PTRACE_CONT, pid, 0, NULL);
}

/* A new thread's signal stack, and nothing blocked: all its signals are ours. */
static int prepare_thread(int tid, struct host_traced_regs *regs)
{
	struct call c = {
		.nr = __NR_sigaltstack, .arg = { STUB_REQUEST + REQUEST_SIGSTACK },
	};
	u64 none = 0;
	long ret;

	if (ended(wait_for(tid)) || trace(PTRACE_GETREGS, tid, 0, regs))
		return -HOST_ESRCH;
	ret = put_call(tid, regs, &c);
	return ret ?: trace(PTRACE_SETSIGMASK, tid, sizeof(none), &none);
}

int host_traced_thread(u32 slot, u32 area, struct host_traced_regs *regs)
{
	struct call clone = {
		.nr = __NR_clone,
		.arg = { HOST_GUEST_THREAD_FLAGS },
	};
	int pid = host->stub[slot].pid;
	struct host_traced_regs mapper;
	long ret;

	host->traced.newborn = 0;
	host_stub_area(slot, area);
	/* After this a new stub's mapper is where it waits for requests. */
	ret = host_stub_commit(slot);
	if (ret)
		return ret;
	if (!stop_mapper(pid, &mapper))
		return -HOST_ESRCH;
	ret = put_call(pid, &mapper, &clone);
	resume_mapper(pid, &mapper);
	if (sys_failed(ret))
		return ret;
	host->traced.tid[area] = clone.made;
	return prepare_thread(clone.made, regs);
}

/* --- guest threads ------------------------------------------------------------ */

int noinstr host_traced_resume(u32 area, const struct host_traced_regs *regs, bool all)
{
	int tid = host->traced.tid[area];
	struct host_iov iov = {
		(void *)regs, all ? sizeof(*regs) : offsetof(struct host_traced_regs, fsbase)
	};
	long ret = trace(PTRACE_SETREGSET, tid, HOST_NT_PRSTATUS, &iov);

	if (!ret)
		ret = trace(PTRACE_SYSEMU, tid, 0, NULL);
	if (!ret)
		host->traced.running = tid;
	return ret;
}

int host_traced_regs(u32 area, struct host_traced_regs *regs)
{
	return trace(PTRACE_GETREGS, host->traced.tid[area], 0, regs);
}

static bool is_fault(int sig)
{
	return sig == HOST_SIGSEGV || sig == HOST_SIGBUS || sig == HOST_SIGILL ||
	       sig == HOST_SIGFPE || sig == HOST_SIGTRAP;
}

/* Signals that do nothing to a stub, whoever sends them. */
static bool is_void(int sig)
{
	return is_fault(sig) || sig == HOST_SIGSYS || sig == STUB_SIG_KICK ||
	       (sig >= HOST_SIGCONT && sig <= HOST_SIGTTOU);
}

/* Something of the guest's; anything else is the host's business. */
static enum host_traced_stop look_at_signal(int tid, struct host_traced_event *ev)
{
	struct { s32 signo, error, code, pad; u64 addr, more[13]; } info;

	if (trace(PTRACE_GETSIGINFO, tid, 0, &info))
		return HOST_TRACED_DEAD;
	ev->code = info.code;
	ev->address = info.addr;
	if (is_fault(ev->sig) && info.code > 0)
		return HOST_TRACED_SIGNAL;
	if (ev->sig == HOST_SIGSYS && info.code > 0)
		return HOST_TRACED_VSYSCALL;
	trace(PTRACE_SYSEMU, tid, 0, (void *)(long)(is_void(ev->sig) ? 0 : ev->sig));
	return HOST_TRACED_RUNS;
}

static enum host_traced_stop look(int tid, int status, struct host_traced_event *ev)
{
	ev->sig = stop_signal(status);
	if (ended(status))
		return HOST_TRACED_DEAD;
	if (ev->sig == SYSCALL_STOP)
		return HOST_TRACED_SYSCALL;
	if (stop_event(status))
		return HOST_TRACED_STOPPED;
	return look_at_signal(tid, ev);
}

enum host_traced_stop noinstr host_traced_wait(u32 area, const u32 *pending,
					       struct host_traced_event *ev)
{
	int tid = host->traced.tid[area], status;
	enum host_traced_stop stop;
	long ret;

	do {
		status = host->traced.status;
		host->traced.status = 0;
		if (!status) {
			ret = pending ? host_wait4_irq(tid, &status, __WALL, pending) :
					wait_any(tid, &status, 0);
			if (ret == -HOST_EINTR)
				return HOST_TRACED_RUNS;
			if (ret != tid)
				status = KILLED;
		}
		stop = look(tid, status, ev);
	} while (stop == HOST_TRACED_RUNS);
	host->traced.running = 0;
	return stop;
}

enum host_traced_stop host_traced_stop(u32 area, struct host_traced_event *ev)
{
	trace(PTRACE_INTERRUPT, host->traced.tid[area], 0, NULL);
	return host_traced_wait(area, NULL, ev);
}

int host_traced_frame(u32 area, u32 sig, struct host_traced_regs *regs)
{
	int tid = host->traced.tid[area], status;
	long ret = trace(PTRACE_SYSEMU_SINGLESTEP, tid, 0, (void *)(long)sig);

	if (ret)
		return ret;
	if (wait_any(tid, &status, 0) != tid || ended(status))
		return -HOST_ESRCH;
	return trace(PTRACE_GETREGS, tid, 0, regs);
}

int host_traced_xstate(u32 area, void *buf, size_t size, bool set)
{
	struct host_iov iov = { buf, size };
	long ret = trace(set ? PTRACE_SETREGSET : PTRACE_GETREGSET, host->traced.tid[area],
			 HOST_NT_X86_XSTATE, &iov);

	return ret ?: iov.len;
}

bool host_traced_native(u32 area)
{
	struct { u8 op, pad[3]; u32 arch; u64 rest[9]; } info = { 0 };

	trace(PTRACE_GET_SYSCALL_INFO, host->traced.tid[area], sizeof(info), &info);
	return info.arch == HOST_AUDIT_ARCH;
}
