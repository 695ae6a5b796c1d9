// SPDX-License-Identifier: GPL-2.0-only
/* sigaction and its flags, masks, restart, alternate stacks, nesting. */
#include <sys/resource.h>
#include "ktap.h"

static volatile int count, depth, deepest, last;
static siginfo_t info;
static volatile char *where;

static void counts(int sig)
{
	count++;
	last = sig;
}

static void nests(int sig)
{
	depth++;
	if (depth > deepest)
		deepest = depth;
	if (++count < 5)
		raise(sig);
	depth--;
}

static void full(int sig, siginfo_t *si, void *ctx)
{
	info = *si;
	count++;
}

static void notes_stack(int sig)
{
	char here;

	where = &here;
	count++;
}

static void set(int sig, void *fn, int flags)
{
	struct sigaction sa = { .sa_handler = fn, .sa_flags = flags };

	count = 0;
	depth = 0;
	deepest = 0;
	must(sigaction(sig, &sa, NULL) == 0);
}

static void test_flags(void)
{
	struct sigaction sa;

	set(SIGUSR1, counts, 0);
	for (int i = 0; i < 1000; i++)
		raise(SIGUSR1);
	is(count, 1000, "a handler runs each time");
	set(SIGUSR1, nests, 0);
	raise(SIGUSR1);
	is(deepest, 1, "a signal is blocked in its handler");
	set(SIGUSR1, nests, SA_NODEFER);
	raise(SIGUSR1);
	is(deepest, 5, "SA_NODEFER nests");
	set(SIGUSR1, counts, SA_RESETHAND);
	raise(SIGUSR1);
	sigaction(SIGUSR1, NULL, &sa);
	ok(count == 1 && sa.sa_handler == SIG_DFL, "SA_RESETHAND");
	set(SIGUSR1, full, SA_SIGINFO);
	kill(getpid(), SIGUSR1);
	ok(count == 1 && info.si_signo == SIGUSR1 && info.si_code == SI_USER &&
	   info.si_pid == getpid() && info.si_uid == getuid(), "siginfo of kill");
	raise(SIGUSR1);
	is(info.si_code, SI_TKILL, "siginfo of tgkill");
	sigqueue(getpid(), SIGUSR1, (union sigval){ .sival_int = 42 });
	ok(info.si_code == SI_QUEUE && info.si_value.sival_int == 42,
	   "siginfo of sigqueue");
	fails(sigaction(SIGKILL, &sa, NULL), EINVAL, "SIGKILL has no handler");
	set(SIGUSR1, SIG_IGN, 0);
	raise(SIGUSR1);
	ok(true, "an ignored signal");
}

static void test_mask(void)
{
	struct sigaction sa = { .sa_handler = counts };
	sigset_t set_, old, pending;

	set(SIGUSR1, counts, 0);
	set(SIGUSR2, counts, 0);
	sigemptyset(&set_);
	sigaddset(&set_, SIGUSR1);
	sigaddset(&set_, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set_, &old);
	raise(SIGUSR2);
	raise(SIGUSR1);
	raise(SIGUSR1);
	is(count, 0, "blocked signals wait");
	sigpending(&pending);
	ok(sigismember(&pending, SIGUSR1) && !sigismember(&pending, SIGHUP),
	   "sigpending");
	sigsuspend(&old);
	is(count, 2, "sigsuspend lets both in, once each");
	sigprocmask(SIG_BLOCK, NULL, &pending);
	ok(sigismember(&pending, SIGUSR1), "and restores the mask");
	sigprocmask(SIG_SETMASK, &old, NULL);
	sigaddset(&sa.sa_mask, SIGUSR2);
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	sigprocmask(SIG_BLOCK, NULL, &pending);
	ok(!sigismember(&pending, SIGUSR2), "sa_mask ends with the handler");
}

/* Waits until process @pid is in one of @states, as /proc shows them. */
static void await_state(pid_t pid, const char *states)
{
	char name[32], buf[512], *p;

	snprintf(name, sizeof(name), "/proc/%d/stat", pid);
	for (;;) {
		must(read_file(name, buf, sizeof(buf)) > 0);
		p = strrchr(buf, ')');
		if (p && strchr(states, p[2]))
			return;
		sched_yield();
	}
}

/* A child that signals this process once it sleeps. */
static pid_t signaller(int sig)
{
	pid_t parent = getpid(), pid = do_fork();

	if (pid)
		return pid;
	await_state(parent, "S");
	kill(parent, sig);
	_exit(0);
}

static void test_interrupted(void)
{
	struct timespec ts = { 100, 0 }, left;
	pid_t pid;
	int p[2];
	char c;

	must(pipe(p) == 0);
	set(SIGUSR1, counts, 0);
	pid = signaller(SIGUSR1);
	fails(read(p[0], &c, 1), EINTR, "a read ends with EINTR");
	reap(pid);

	set(SIGUSR1, counts, SA_RESTART);
	pid = signaller(SIGUSR1);
	fails(nanosleep(&ts, &left), EINTR, "nanosleep does, SA_RESTART or not");
	ok(left.tv_sec >= 90 && left.tv_sec < 100, "and says what is left");
	reap(pid);
}

static void test_restart(void)
{
	struct timespec ts = { 0, 300000000 };
	pid_t pid, helper;
	int p[2];
	char c;

	must(pipe(p) == 0);
	set(SIGUSR1, counts, SA_RESTART);
	pid = signaller(SIGUSR1);
	helper = do_fork();
	if (!helper) {
		await_state(pid, "Z");		/* the signal was sent */
		await_state(getppid(), "S");	/* and the read restarted */
		_exit(write(p[1], "x", 1) != 1);
	}
	is(read(p[0], &c, 1), 1, "a read goes on with SA_RESTART");
	is(count, 1, "after the handler ran");
	reap(pid);
	is(reap(helper), 0, "and ends when there is something");

	pid = signaller(SIGSTOP);
	helper = do_fork();
	if (!helper) {
		await_state(getppid(), "T");
		kill(getppid(), SIGCONT);
		_exit(0);
	}
	is(nanosleep(&ts, NULL), 0, "nanosleep goes on after stop and continue");
	reap(pid);
	reap(helper);
}

static void test_altstack(void)
{
	size_t size = 65536;
	stack_t ss = { .ss_sp = malloc(size), .ss_size = size }, old;
	char here;

	must(sigaltstack(&ss, NULL) == 0);
	set(SIGUSR1, notes_stack, SA_ONSTACK);
	raise(SIGUSR1);
	ok(where >= (char *)ss.ss_sp && where < (char *)ss.ss_sp + size,
	   "SA_ONSTACK runs on the alternate stack");
	set(SIGUSR1, notes_stack, 0);
	raise(SIGUSR1);
	ok(labs(where - &here) < 1 << 20, "without it on the usual one");
	sigaltstack(NULL, &old);
	ok(old.ss_sp == ss.ss_sp && old.ss_flags == 0, "it is remembered");
	ss.ss_size = 100;
	fails(sigaltstack(&ss, NULL), ENOMEM, "a tiny one is refused");
	ss.ss_flags = SS_DISABLE;
	is(sigaltstack(&ss, NULL), 0, "disable");
}

static char *overflow(char *p)
{
	char big[4096];

	memset(big, 1, sizeof(big));
	asm volatile("" : : "r"(big) : "memory");
	return p == big ? p : overflow(big) + big[7];
}

static void overflowed(int sig, siginfo_t *si, void *ctx)
{
	unsigned long sp = ((ucontext_t *)ctx)->uc_mcontext.gregs[REG_RSP];
	long distance = (char *)si->si_addr - (char *)sp;

	_exit(labs(distance) < 65536 ? 21 : 22);
}

static int overflow_child(void)
{
	struct rlimit rl = { 256 << 10, 256 << 10 };
	stack_t ss = { .ss_sp = malloc(65536), .ss_size = 65536 };

	setrlimit(RLIMIT_STACK, &rl);
	sigaltstack(&ss, NULL);
	set(SIGSEGV, overflowed, SA_ONSTACK | SA_SIGINFO);
	overflow(NULL);
	return 0;
}

static int overflow_no_altstack(void)
{
	struct rlimit rl = { 256 << 10, 256 << 10 };

	setrlimit(RLIMIT_STACK, &rl);
	set(SIGSEGV, overflowed, SA_SIGINFO);
	overflow(NULL);
	return 0;
}

static int blocked_fault(void)
{
	sigset_t all;

	set(SIGSEGV, counts, 0);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	*(volatile int *)at(16) = 1;
	return 0;
}

static void test_stack_overflow(void)
{
	is(in_child(overflow_child), EXITED(21),
	   "a stack overflow is handled on the alternate stack");
	is(in_child(overflow_no_altstack) & 0x7f, SIGSEGV,
	   "and kills without one");
	is(in_child(blocked_fault) & 0x7f, SIGSEGV,
	   "a fault while SIGSEGV is blocked kills");
}

static void nested_outer(int sig)
{
	volatile int keep = 12345;

	if (count++ < 20)
		raise(sig == SIGUSR1 ? SIGUSR2 : SIGUSR1);
	if (keep != 12345)
		_exit(1);
	depth++;
}

static void test_nested(void)
{
	set(SIGUSR2, nested_outer, SA_NODEFER);
	set(SIGUSR1, nested_outer, SA_NODEFER);
	raise(SIGUSR1);
	is(depth, 21, "21 nested handlers all return");
}

/* A handler that leaves by siglongjmp. */
static sigjmp_buf env;

static void jumps(int sig)
{
	siglongjmp(env, 1);
}

static void test_longjmp(void)
{
	volatile int n = 0;
	sigset_t now;

	set(SIGUSR1, jumps, 0);
	for (int i = 0; i < 100; i++)
		if (!sigsetjmp(env, 1))
			raise(SIGUSR1);
		else
			n++;
	is(n, 100, "siglongjmp out of a handler 100 times");
	sigprocmask(0, NULL, &now);
	is(sigismember(&now, SIGUSR1), 0, "restores the mask");
}

static void test_child(void)
{
	pid_t pid;

	set(SIGCHLD, full, SA_SIGINFO);
	pid = do_fork();
	if (!pid)
		_exit(9);
	ok(wait_for(count, 10000), "SIGCHLD comes");
	ok(info.si_pid == pid && info.si_code == CLD_EXITED &&
	   info.si_status == 9, "and says who and how");
	reap(pid);
	set(SIGCHLD, SIG_DFL, 0);
}

int main(void)
{
	test_flags();
	test_mask();
	test_interrupted();
	test_restart();
	test_altstack();
	test_stack_overflow();
	test_nested();
	test_longjmp();
	test_child();
	return done();
}
