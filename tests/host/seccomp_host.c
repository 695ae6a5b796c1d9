// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the seccomp intercept relies on: a filter of one thread that allows
 * calls from one page only and turns every other into SIGSYS, the i386 entry
 * and the vsyscall page included.
 */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include "ktap.h"

static char *gate;		/* a page with "syscall; ret" */
static volatile int traps;
static siginfo_t info;
static greg_t regs[NGREG];

static void on_sigsys(int sig, siginfo_t *si, void *ctx)
{
	greg_t *r = ((ucontext_t *)ctx)->uc_mcontext.gregs;

	traps++;
	info = *si;
	memcpy(regs, r, sizeof(regs));
	r[REG_RAX] = 4321;
}

/* A system call whose instruction lies in the gate page. */
static long through_gate(long nr, long a, long b, long c)
{
	long r;

	asm volatile("call *%[gate]\n"
		     : "=a"(r) : "a"(nr), "D"(a), "S"(b), "d"(c), [gate] "r"(gate)
		     : "rcx", "r11", "memory");
	return r;
}

static long direct(long nr)
{
	long r;

	asm volatile("syscall" : "=a"(r) : "a"(nr) : "rcx", "r11", "memory");
	return r;
}

/*
 * Installs the filter on this thread: all calls from the gate, no others but
 * rt_sigreturn.
 */
static void close_thread(unsigned int otherwise)
{
	uint64_t ip = (uintptr_t)gate;
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 7),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 4, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, instruction_pointer) + 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ip >> 32, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, instruction_pointer)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)ip + 2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, otherwise),
	};
	struct sock_fprog p = { ARRAY_SIZE(f), f };

	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	must(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &p) == 0);
}

static int results[16];

static void *closed(void *arg)
{
	sigset_t set;

	close_thread(SECCOMP_RET_TRAP);
	traps = 0;
	results[0] = direct(SYS_getppid) == 4321 && traps == 1;
	results[1] = info.si_syscall == SYS_getppid && info.si_code == 1 &&
		     info.si_arch == AUDIT_ARCH_X86_64;
	results[2] = (greg_t)info.si_call_addr == regs[REG_RIP];
	results[3] = regs[REG_RAX] == SYS_getppid;
	results[4] = through_gate(SYS_getppid, 0, 0, 0) > 0 && traps == 1;
	/* SYS_exit would be trapped too; the last call goes by the gate. */
	sigemptyset(&set);
	results[5] = through_gate(SYS_rt_sigprocmask, SIG_SETMASK, (long)&set,
				  0) == -EINVAL;
	results[6] = 1;
	__atomic_store_n((int *)arg, 1, __ATOMIC_RELEASE);
	through_gate(SYS_exit, 0, 0, 0);
	return NULL;
}

static int one_thread(void)
{
	volatile int ready = 0;
	pthread_t t;

	pthread_create(&t, NULL, closed, (void *)&ready);
	while (!__atomic_load_n(&ready, __ATOMIC_ACQUIRE))
		sched_yield();
	/* This thread has no filter. */
	return syscall(SYS_getppid) > 0 ? 0 : 1;
}

/* int 0x80: the filter sees another architecture. */
static int i386_entry(void)
{
	long r = 20;		/* getpid there */

	close_thread(SECCOMP_RET_TRAP);
	traps = 0;
	asm volatile("int $0x80" : "+a"(r) : : "memory", "r8", "r9", "r10", "r11");
	/* By the gate, but with int 0x80's arch: never allowed. */
	through_gate(SYS_exit_group,
		     traps == 1 && info.si_arch == AUDIT_ARCH_I386 ? 0 :
		     traps == 0 && r == -ENOSYS ? 7 : 1, 0, 0);
	return 2;
}

static int vsyscall(void)
{
	long (*vtime)(long *) = (void *)at(0xffffffffff600400);

	close_thread(SECCOMP_RET_TRAP);
	traps = 0;
	vtime(NULL);
	through_gate(SYS_exit_group, traps == 1 ? 0 : 1, 0, 0);
	return 2;
}

/* SA_NODEFER and an empty mask: handlers that never return do not pile up. */
static sigjmp_buf env;

static void leaves(int sig, siginfo_t *si, void *ctx)
{
	if (++traps == 10000)
		through_gate(SYS_exit_group, 0, 0, 0);
	/* Back to just behind the call, without rt_sigreturn. */
	__builtin_longjmp((void **)env, 1);
}

static int without_sigreturn(void)
{
	struct sigaction sa = {
		.sa_sigaction = leaves,
		.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK,
	};
	stack_t ss = { .ss_sp = malloc(65536), .ss_size = 65536 };

	sigaltstack(&ss, NULL);
	sigaction(SIGSYS, &sa, NULL);
	close_thread(SECCOMP_RET_TRAP);
	traps = 0;
	__builtin_setjmp((void **)env);
	for (;;)
		direct(SYS_getppid);
	return 1;
}

static int blocked(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	close_thread(SECCOMP_RET_TRAP);
	direct(SYS_getppid);
	through_gate(SYS_exit_group, 0, 0, 0);
	return 0;
}

int main(void)
{
	static const char *const names[] = {
		"a call from elsewhere is trapped",
		"siginfo has the number and the architecture",
		"si_call_addr is behind the instruction",
		"rax is as it was",
		"a call from the gate is made",
		"as any other is",
		"threads have their own filters",
	};
	static const unsigned char code[] = { 0x0f, 0x05, 0xc3 };
	struct sigaction sa = {
		.sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO
	};
	char maps[65536];
	int status;

	gate = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memcpy(gate, code, sizeof(code));
	must(mprotect(gate, PAGE, PROT_READ | PROT_EXEC) == 0);
	sigaction(SIGSYS, &sa, NULL);
	/* 0: trapped; 7: not there, says the host; SIGSEGV: says the CPU */
	status = in_child(i386_entry);
	ok(status == EXITED(0) || status == EXITED(7) || status == SIGSEGV,
	   "int 0x80 is trapped, or not there");
	read_file("/proc/self/maps", maps, sizeof(maps));
	if (strstr(maps, "[vsyscall]")) {
		status = in_child(vsyscall);
		ok(status == EXITED(0) || WIFSIGNALED(status),
		   "the vsyscall page is trapped");
	}
	is(in_child(without_sigreturn), EXITED(0),
	   "10 000 handlers left without rt_sigreturn");
	is(in_child(blocked) & 0x7f, SIGSYS, "a blocked SIGSYS kills");
	is(one_thread(), 0, "a thread has a filter, another has not");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		ok(results[i], "%s", names[i]);
	return done();
}
