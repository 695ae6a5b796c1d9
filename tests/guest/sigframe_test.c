// SPDX-License-Identifier: GPL-2.0-only
/* The signal frame: registers are shown and taken back, contexts switch. */
#include "ktap.h"

static volatile int count;
static greg_t seen[NGREG];

static void set(int sig, void *fn)
{
	struct sigaction sa = { .sa_sigaction = fn, .sa_flags = SA_SIGINFO };

	count = 0;
	must(sigaction(sig, &sa, NULL) == 0);
}

static void shows(int sig, siginfo_t *si, void *ctx)
{
	memcpy(seen, ((ucontext_t *)ctx)->uc_mcontext.gregs, sizeof(seen));
	((ucontext_t *)ctx)->uc_mcontext.gregs[REG_RIP] += 2;	/* the ud2 */
	((ucontext_t *)ctx)->uc_mcontext.gregs[REG_R12] = 0x5678;
	((ucontext_t *)ctx)->uc_mcontext.gregs[REG_RAX] = 0x9abc;
	count++;
}

static void test_registers(void)
{
	unsigned long rax = 0x11, r12 = 0, rsp = 0, here = 0;

	set(SIGILL, shows);
	asm volatile("mov $0x22, %%rbx\n mov $0x1234, %%r12\n mov $0x88, %%r8\n"
		     "mov $0xff, %%r15\n mov %%rsp, %[rsp]\n"
		     "lea 1f(%%rip), %[here]\n stc\n"
		     "1: ud2\n"
		     "mov %%r12, %[r12]\n"
		     : "+a"(rax), [r12] "=&r"(r12), [rsp] "=&r"(rsp),
		       [here] "=&r"(here)
		     : : "rbx", "r12", "r8", "r15", "memory", "cc");
	is(count, 1, "ud2 is handled, and stepped over");
	ok(seen[REG_RAX] == 0x11 && seen[REG_RBX] == 0x22 &&
	   seen[REG_R12] == 0x1234 && seen[REG_R8] == 0x88 &&
	   seen[REG_R15] == 0xff, "the frame shows the registers");
	is(seen[REG_RSP], rsp, "the stack pointer");
	is(seen[REG_RIP], here, "the instruction");
	ok(seen[REG_EFL] & 1, "the flags");
	is(seen[REG_TRAPNO], 6, "the trap number");
	is(seen[REG_CSGSFS] & 0xffff, 0x33, "the code segment");
	is(r12, 0x5678, "a register changed in the frame is changed");
	is(rax, 0x9abc, "rax too");
}

/* After a system call the frame's rax is the call's value, not lost. */
static void test_rax(void)
{
	long r;

	set(SIGUSR1, shows);
	asm volatile("syscall\n nop\n nop\n" : "=a"(r)
		     : "a"(SYS_tgkill), "D"(getpid()), "S"(syscall(SYS_gettid)),
		       "d"(SIGUSR1)
		     : "rcx", "r11", "r12", "memory");
	is(seen[REG_RAX], 0, "the frame of a signal to itself has tgkill's value");
	is(r, 0x9abc, "and takes another");
}

/* The handler continues somewhere else, with another stack. */
static char other_stack[65536] __attribute__((aligned(16)));
static sigjmp_buf env;

static void elsewhere(long a, long b)
{
	count = a * 100 + b;
	siglongjmp(env, 1);
}

static void diverts(int sig, siginfo_t *si, void *ctx)
{
	greg_t *r = ((ucontext_t *)ctx)->uc_mcontext.gregs;

	r[REG_RIP] = (greg_t)elsewhere;
	r[REG_RSP] = (greg_t)(other_stack + sizeof(other_stack) - 8);
	r[REG_RDI] = 7;
	r[REG_RSI] = 3;
}

static void bad_rip(int sig, siginfo_t *si, void *ctx)
{
	((ucontext_t *)ctx)->uc_mcontext.gregs[REG_RIP] = 0x8000000000000000;
}

static int to_noncanonical(void)
{
	set(SIGUSR1, bad_rip);
	raise(SIGUSR1);
	return 1;
}

static void bad_sp(int sig, siginfo_t *si, void *ctx)
{
	asm volatile("mov $0x1000, %rsp\n mov $15, %eax\n syscall\n");
}

static int sigreturn_without_frame(void)
{
	set(SIGUSR1, bad_sp);
	raise(SIGUSR1);
	return 1;
}

static void kernel_cs(int sig, siginfo_t *si, void *ctx)
{
	greg_t *r = &((ucontext_t *)ctx)->uc_mcontext.gregs[REG_CSGSFS];

	*r = (*r & ~0xffffLL) | 0x10;
}

static void iopl(int sig, siginfo_t *si, void *ctx)
{
	((ucontext_t *)ctx)->uc_mcontext.gregs[REG_EFL] |= 0x3000 | 0x400;
}

/* A frame cannot raise privileges: the segment is user's, IOPL stays 0. */
static int privileged(void)
{
	unsigned long flags, cs;

	set(SIGUSR1, iopl);
	raise(SIGUSR1);
	asm volatile("pushf\n pop %0\n cld\n mov %%cs, %1" : "=r"(flags), "=r"(cs));
	if ((flags & 0x3000) || (cs & 3) != 3)
		return 2;
	set(SIGUSR1, kernel_cs);
	raise(SIGUSR1);
	asm volatile("mov %%cs, %0" : "=r"(cs));
	return (cs & 3) == 3 ? 1 : 3;
}

static void test_diverted(void)
{
	int status;

	set(SIGUSR1, diverts);
	if (!sigsetjmp(env, 1))
		raise(SIGUSR1);
	is(count, 703, "a handler can divert the program");
	is(in_child(to_noncanonical) & 0x7f, SIGSEGV, "not to nowhere");
	is(in_child(sigreturn_without_frame) & 0x7f, SIGSEGV,
	   "sigreturn without a frame");
	status = in_child(privileged);
	ok(status == EXITED(1) || (status & 0x7f) == SIGSEGV,
	   "a frame gives no privileges");
}

static ucontext_t ctx_main, ctx_a, ctx_b;
static int trace[200], traced;

static void coroutine(int id)
{
	for (int i = 0; i < 50; i++) {
		trace[traced++] = id;
		swapcontext(id ? &ctx_b : &ctx_a, id ? &ctx_a : &ctx_b);
	}
}

static void test_contexts(void)
{
	static char sa[65536], sb[65536];
	volatile int bad = 0;

	getcontext(&ctx_a);
	ctx_a.uc_stack = (stack_t){ .ss_sp = sa, .ss_size = sizeof(sa) };
	ctx_a.uc_link = &ctx_main;
	makecontext(&ctx_a, (void (*)(void))coroutine, 1, 0);
	getcontext(&ctx_b);
	ctx_b.uc_stack = (stack_t){ .ss_sp = sb, .ss_size = sizeof(sb) };
	ctx_b.uc_link = &ctx_main;
	makecontext(&ctx_b, (void (*)(void))coroutine, 1, 1);
	swapcontext(&ctx_main, &ctx_a);
	for (int i = 0; i < traced; i++)
		bad += trace[i] != i % 2;
	ok(traced >= 99 && !bad, "two contexts take turns");
}

static void flags_clean(int sig, siginfo_t *si, void *ctx)
{
	unsigned long flags;

	asm volatile("pushf\n pop %0" : "=r"(flags));
	count = (flags & 0x500) == 0;
	seen[0] = (uintptr_t)__builtin_frame_address(0);
}

static void test_entry(void)
{
	set(SIGUSR1, flags_clean);
	asm volatile("std\n syscall\n cld" : : "a"(SYS_tgkill), "D"(getpid()),
		     "S"(syscall(SYS_gettid)), "d"(SIGUSR1)
		     : "rcx", "r11", "memory");
	is(count, 1, "a handler starts with a clear direction flag");
	is(seen[0] % 16, 0, "and an aligned stack");
}

int main(void)
{
	test_registers();
	test_rax();
	test_diverted();
	test_contexts();
	test_entry();
	return done();
}
