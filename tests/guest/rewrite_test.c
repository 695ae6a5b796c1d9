// SPDX-License-Identifier: GPL-2.0-only
/*
 * System calls made very often from one place behave as the first one did:
 * registers, flags, red zone and vector state; signals, stepping, jumps to the
 * call itself; a GS base of the program's own; memory mapped anywhere.
 */
#include <asm/prctl.h>
#include <sys/time.h>
#include "trap.h"

#define OFTEN	400		/* enough for any place to be noticed */

/* The two usual ways to make a call. */
asm(".text\n .balign 64\n"
    ".globl call_mov, call_mov_syscall, call_mov_end\n"
    "call_mov:		mov $39, %eax\n"		/* getpid */
    "call_mov_syscall:	syscall\n"
    "call_mov_end:	ret\n"
    ".balign 64\n"
    ".globl call_cmp, call_cmp_cmp, call_cmp_end\n"
    "call_cmp:		syscall\n"
    "call_cmp_cmp:	cmp $-4095, %rax\n"
    "call_cmp_end:	ret\n"
    ".balign 64\n"
    ".globl pause_mov\n"
    "pause_mov:		mov $34, %eax\n syscall\n ret\n"
    ".globl read_cmp\n"
    "read_cmp:		xor %eax, %eax\n syscall\n cmp $-4096, %rax\n ret\n"
    ".balign 16\n"
    ".globl many, many_end\n"
    "many:\n"
    ".rept 100\n mov $39, %eax\n syscall\n ret\n .balign 16\n .endr\n"
    "many_end:\n");

extern char call_mov[], call_mov_syscall[], call_mov_end[];
extern char call_cmp[], call_cmp_cmp[], call_cmp_end[];
extern char pause_mov[], read_cmp[], many[], many_end[];

struct result {
	long ax, cx, flags, zone;
};

/* Calls a place with given rax and flags; the red zone holds a pattern. */
static struct result enter(const void *where, long ax, long flags, long di, long si, long dx)
{
	struct result r;
	register long r8 asm("r8") = (long)where;

	asm volatile("sub $512, %%rsp\n"		/* this function's own red zone */
		     "pushf\n andq $~0x8d5, (%%rsp)\n orq %[flags], (%%rsp)\n popf\n"
		     "movq $0x5a5a5a5a, -0x30(%%rsp)\n"	/* the callee's */
		     "call *%%r8\n"
		     "mov -0x30(%%rsp), %[zone]\n"
		     "pushf\n pop %[fl]\n"
		     "add $512, %%rsp\n"
		     : "=a"(r.ax), "=c"(r.cx), [fl] "=&r"(r.flags), [zone] "=&r"(r.zone),
		       "+D"(di), "+S"(si), "+d"(dx), "+r"(r8)
		     : "0"(ax), [flags] "r"(flags)
		     : "r9", "r10", "r11", "memory", "cc");
	return r;
}

static void often(const void *where, long ax)
{
	for (int i = 0; i < OFTEN; i++)
		enter(where, ax, 0, 0, 0, 0);
}

static void test_results(void)
{
	const long status = 0x8d5;
	struct result r;
	int bad = 0;

	for (int i = 0; i < OFTEN; i++) {
		long flags = i & 1 ? 0x8d5 & ~0x40 : 0x40;

		r = enter(call_mov, -1, flags, 0, 0, 0);
		bad += r.ax != getpid() || r.cx != (long)call_mov_end ||
		       (r.flags & status) != flags || r.zone != 0x5a5a5a5a;
	}
	is(bad, 0, "mov, syscall: result, rcx, flags, red zone");
	bad = 0;
	for (int i = 0; i < OFTEN; i++) {
		r = enter(call_cmp, i & 1 ? SYS_getppid : -1, 0x8d5, 0, 0, 0);
		bad += r.ax != (i & 1 ? getppid() : -ENOSYS) || r.cx != (long)call_cmp_cmp ||
		       r.zone != 0x5a5a5a5a || (r.flags & 1) != (i & 1);
	}
	is(bad, 0, "syscall, cmp: result, rcx, flags of the comparison, red zone");
}

static void test_second(void)
{
	struct result r;
	int bad = 0;

	often(call_mov, 0);
	often(call_cmp, SYS_getppid);
	for (int i = 0; i < 20; i++) {
		r = enter(call_mov_syscall, SYS_getppid, 0, 0, 0, 0);
		bad += r.ax != getppid() || r.cx != (long)call_mov_end;
	}
	is(bad, 0, "a jump to the syscall alone");
	bad = 0;
	for (int i = 0; i < 20; i++) {
		r = enter(call_cmp_cmp, i - 10, 0, 0, 0, 0);
		/* carry: below -4095, unsigned */
		bad += r.ax != i - 10 || (r.flags & 1) != (i >= 10);
		r = enter(call_cmp_cmp, -4095, 0, 0, 0, 0);
		bad += (r.flags & 0x41) != 0x40;
	}
	is(bad, 0, "a jump to the comparison alone");
}

static volatile int alarms;
static volatile long interrupted_at;

static void on_alarm(int sig, siginfo_t *info, void *ctx)
{
	alarms++;
	interrupted_at = ((ucontext_t *)ctx)->uc_mcontext.gregs[REG_RIP];
}

static void test_signals(void)
{
	struct itimerval soon = { .it_value.tv_usec = 20000 }, none = {};
	struct itimerval fast = { .it_value.tv_usec = 300, .it_interval.tv_usec = 300 };
	struct sigaction sa = { .sa_sigaction = on_alarm, .sa_flags = SA_SIGINFO };
	char c;
	int pipes[2], bad = 0, strange = 0;

	must(pipe(pipes) == 0);
	for (int i = 0; i < OFTEN; i++) {
		must(write(pipes[1], "x", 1) == 1);
		must(enter(read_cmp, 0, 0, pipes[0], (long)&c, 1).ax == 1);
	}
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	is(enter(read_cmp, 0, 0, pipes[0], (long)&c, 1).ax, -EINTR, "interrupted: EINTR");
	is(interrupted_at, (long)read_cmp + 4, "and the handler sees where");

	sa.sa_flags |= SA_RESTART;
	sigaction(SIGALRM, &sa, NULL);
	if (!do_fork()) {
		usleep(80000);
		_exit(write(pipes[1], "y", 1) != 1);
	}
	setitimer(ITIMER_REAL, &soon, NULL);
	is(enter(read_cmp, 0, 0, pipes[0], (long)&c, 1).ax, 1, "restarted");
	is(interrupted_at, (long)read_cmp + 2, "at the call itself");
	wait(NULL);

	setitimer(ITIMER_REAL, &soon, NULL);
	is(enter(pause_mov, 0, 0, 0, 0, 0).ax, -EINTR, "pause");

	/* Signals all the time, wherever the calls happen to be. */
	alarms = 0;
	setitimer(ITIMER_REAL, &fast, NULL);
	for (uint64_t end = now_ns(CLOCK_MONOTONIC) + 500000000; now_ns(CLOCK_MONOTONIC) < end;) {
		long where;

		bad += enter(call_mov, 0, 0, 0, 0, 0).ax != getpid();
		bad += enter(call_cmp, SYS_getppid, 0, 0, 0, 0).ax != getppid();
		where = interrupted_at;
		strange += where < 0x100000;	/* no program text there */
	}
	setitimer(ITIMER_REAL, &none, NULL);
	ok(alarms > 5, "%d signals in half a second of calls", alarms);
	is(bad, 0, "none of the calls noticed");
	is(strange, 0, "and none was at a place that is not the program's");
	close(pipes[0]);
	close(pipes[1]);
}

static void test_vectors(void)
{
	struct itimerval fast = { .it_value.tv_usec = 300, .it_interval.tv_usec = 300 };
	struct itimerval none = {};
	int bad = 0;

	setitimer(ITIMER_REAL, &fast, NULL);
	for (int i = 0; i < 20 * OFTEN; i++) {
		long in = i * 0x100000001, out = 0;

		asm volatile("movq %[in], %%xmm7\n movq %[in], %%xmm15\n"
			     "mov $39, %%eax\n syscall\n"
			     "movq %%xmm15, %%rax\n movq %%xmm7, %[out]\n xor %%rax, %[out]\n"
			     : [out] "=&r"(out) : [in] "r"(in)
			     : "rax", "rcx", "r11", "xmm7", "xmm15", "memory");
		bad += out != 0;
		if (i % OFTEN == 0 && !do_fork())
			_exit(0);
	}
	setitimer(ITIMER_REAL, &none, NULL);
	while (wait(NULL) > 0)
		;
	is(bad, 0, "vector registers, with signals and forks between");
}

static volatile int steps, steps_in;

static void on_step(int sig, siginfo_t *info, void *ctx)
{
	long ip = ((ucontext_t *)ctx)->uc_mcontext.gregs[REG_RIP];

	steps++;
	steps_in += ip >= (long)call_mov && ip <= (long)call_mov_end;
}

static int step_itself(void)
{
	struct sigaction sa = { .sa_sigaction = on_step, .sa_flags = SA_SIGINFO };
	struct result r;

	often(call_mov, 0);
	sigaction(SIGTRAP, &sa, NULL);
	r = enter(call_mov, 0, 0x100, 0, 0, 0);
	asm volatile("pushf\n andq $~0x100, (%%rsp)\n popf" : : : "cc", "memory");
	if (r.ax != getpid())
		return 1;
	/* before the mov, before the syscall, behind it */
	return steps_in == 3 || steps_in == 2 ? 0 : 2 + steps_in;
}

static int own_gs(void)
{
	static long there = 0x123456789;
	long seen, gs;

	often(call_mov, 0);
	often(call_cmp, SYS_getppid);
	if (syscall(SYS_arch_prctl, ARCH_SET_GS, &there))
		return 1;
	often(call_mov, 0);
	often(call_cmp, SYS_getppid);
	asm volatile("mov %%gs:0, %0" : "=r"(seen));
	if (seen != there)
		return 2;
	syscall(SYS_arch_prctl, ARCH_GET_GS, &gs);
	return gs == (long)&there ? 0 : 3;
}

static int no_gs(void)
{
	long gs = -1;

	often(call_mov, 0);
	syscall(SYS_arch_prctl, ARCH_GET_GS, &gs);
	return gs != 0;
}

/* Low memory is the program's, too, whether there was a call before or not. */
static int low_memory(void)
{
	size_t size = 0x40000;
	char *low;

	often(call_mov, 0);
	low = mmap(at(0x50000), size, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (low == MAP_FAILED)
		return 77;
	for (size_t i = 0; i < size; i++)
		if (low[i])
			return 1;
	memset(low, 0x77, size);
	often(call_mov, 0);
	for (size_t i = 0; i < size; i++)
		if (low[i] != 0x77)
			return 2;
	return 0;
}

/* Text that goes away and other text that comes to its place. */
static int replaced_text(void)
{
	static const unsigned char code[2][16] = {
		{ 0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xc3 },	/* getpid */
		{ 0xb8, 110, 0, 0, 0, 0x0f, 0x05, 0xc3 },	/* getppid */
	};
	char *text = NULL;

	for (int i = 0; i < 8; i++) {
		int fd = memfd_create("text", 0);
		long want = i & 1 ? getppid() : getpid();

		must(write(fd, code[i & 1], 16) == 16);
		must(ftruncate(fd, PAGE) == 0);
		text = mmap(text, PAGE, PROT_READ | PROT_EXEC,
			    MAP_PRIVATE | (text ? MAP_FIXED : 0), fd, 0);
		must(text != MAP_FAILED);
		close(fd);
		for (int j = 0; j < OFTEN; j++)
			if (enter(text, 0, 0, 0, 0, 0).ax != want)
				return i + 1;
	}
	return 0;
}

static void *calls(void *arg)
{
	long *bad = arg, tid = syscall(SYS_gettid);

	for (int i = 0; i < 10 * OFTEN; i++) {
		*bad += enter(call_cmp, SYS_gettid, 0, 0, 0, 0).ax != tid;
		*bad += enter(call_mov, 0, 0, 0, 0, 0).ax != getpid();
	}
	return NULL;
}

static void test_threads(void)
{
	pthread_t t[4];
	long bad[4] = {}, all = 0;

	for (int i = 0; i < 4; i++)
		must(pthread_create(&t[i], NULL, calls, &bad[i]) == 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], NULL);
		all += bad[i];
	}
	is(all, 0, "four threads get each its own answers");
}

/* Forked while the place is known, and after vfork() from it. */
static int forked(void)
{
	long bad = 0;

	often(call_mov, 0);
	for (int i = 0; i < 10; i++) {
		pid_t pid = do_fork();

		if (!pid) {
			for (int j = 0; j < OFTEN; j++)
				bad += enter(call_mov, 0, 0, 0, 0, 0).ax != getpid();
			_exit(bad != 0);
		}
		bad += reap(pid) != 0;
	}
	return bad != 0;
}

/*
 * Many places in turn.  Whether they have been noticed is seen from the host only
 * (tests/intercept.t), which looks while this waits for input.
 */
static void test_many(void)
{
	long bad = 0;
	char c;

	for (int i = 0; i < OFTEN; i++)
		for (const char *p = many; p < many_end; p += 16)
			bad += enter(p, 0, 0, 0, 0, 0).ax != getpid();
	is(bad, 0, "a hundred places in turn");
	printf("# places from %lx to %lx\n", (long)many, (long)many_end);
	fflush(stdout);
	must(read(0, &c, 1) >= 0);
}

int main(void)
{
	int status;

	test_results();
	test_second();
	test_signals();
	test_vectors();
	is(in_child(step_itself), EXITED(0), "a program that steps itself through a call");
	is(in_child(own_gs), EXITED(0), "a GS base of the program's own");
	is(in_child(no_gs), EXITED(0), "none otherwise");
	status = in_child(low_memory);
	ok(status == EXITED(0) || status == EXITED(77), "low memory is as it should be");
	is(in_child(replaced_text), EXITED(0), "other text in the place of the first");
	is(in_child(forked), EXITED(0), "children make their own calls");
	test_threads();
	test_many();
	return done();
}
