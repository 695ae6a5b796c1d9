// SPDX-License-Identifier: GPL-2.0-only
/*
 * What returning to guest code relies on: FS and GS bases set by instruction
 * where the host allows that, by a call where not, a CPU number from rseq(2),
 * iretq from user mode, XRSTOR of what XSAVE saved, a signal frame of one
 * thread resumed by another.
 */
#include <cpuid.h>
#include <asm/prctl.h>
#include <sys/auxv.h>
#include <sys/rseq.h>
#include "ktap.h"

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

static void test_bases_by_call(void)
{
	unsigned long gs, old, v = 0x123456;

	is(syscall(SYS_arch_prctl, ARCH_GET_GS, &old), 0, "ARCH_GET_GS");
	is(syscall(SYS_arch_prctl, ARCH_SET_GS, &v), 0, "ARCH_SET_GS");
	usleep(1000);
	asm volatile("mov %%gs:0, %0" : "=r"(gs));
	is(gs, 0x123456, "is kept over a switch");
	syscall(SYS_arch_prctl, ARCH_SET_GS, old);
}

static void test_bases(void)
{
	unsigned long gs, old, v = 0x123456;

	if (!(getauxval(AT_HWCAP2) & 2)) {
		test_bases_by_call();
		return;
	}
	asm volatile("rdgsbase %0" : "=r"(old));
	asm volatile("wrgsbase %0" : : "r"(&v));
	asm volatile("mov %%gs:0, %0" : "=r"(gs));
	is(gs, 0x123456, "wrgsbase");
	sched_yield();
	asm volatile("rdgsbase %0" : "=r"(gs));
	is(gs, (uintptr_t)&v, "is kept over a switch");
	asm volatile("wrgsbase %0" : : "r"(old));
	asm volatile("rdfsbase %0" : "=r"(gs));
	ok(gs != 0, "rdfsbase");
}

/* glibc has registered an area for each thread. */
static void test_rseq(void)
{
	const struct rseq *area = __builtin_thread_pointer() + __rseq_offset;
	cpu_set_t all, one;
	int cpu;

	if (!ok(__rseq_size, "rseq is registered"))
		return;
	sched_getaffinity(0, sizeof(all), &all);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
		is(*(volatile unsigned int *)&area->cpu_id, cpu, "rseq knows the CPU");
	}
	sched_setaffinity(0, sizeof(all), &all);
}

static void test_iretq(void)
{
	static char stack[4096] __attribute__((aligned(16)));
	unsigned long rsp = (uintptr_t)stack + 2048, flags, sp, r15;

	asm volatile("mov %%rsp, %%rbx\n"
		     "mov %%ss, %%rax\n push %%rax\n"
		     "push %[rsp]\n"
		     "pushf\n orq $0x801, (%%rsp)\n"	/* OF and CF */
		     "mov %%cs, %%rax\n push %%rax\n"
		     "lea 1f(%%rip), %%rax\n push %%rax\n"
		     "mov $0x7777, %%r15\n"
		     "iretq\n"
		     "1: mov %%rsp, %[sp]\n pushf\n pop %[flags]\n"
		     "mov %%r15, %[r15]\n mov %%rbx, %%rsp\n"
		     : [sp] "=&r"(sp), [flags] "=&r"(flags), [r15] "=&r"(r15)
		     : [rsp] "r"(rsp) : "rax", "rbx", "r15", "memory", "cc");
	is(sp, rsp, "iretq sets the stack");
	is(flags & 0x801, 0x801, "the flags");
	is(r15, 0x7777, "and leaves the registers");
}

static void test_xsave(void)
{
	static char area[16384] __attribute__((aligned(64)));
	unsigned int a, b, c, d;
	unsigned long v = 0;

	__cpuid(1, a, b, c, d);
	if (!ok(c & bit_OSXSAVE, "XSAVE is there"))
		return;
	__cpuid_count(0xd, 0, a, b, c, d);
	ok(b <= sizeof(area), "its area has %u bytes", b);
	asm volatile("mov $0x55, %%eax\n movq %%rax, %%xmm3\n"
		     "mov $-1, %%eax\n mov $-1, %%edx\n xsave (%1)\n"
		     "pxor %%xmm3, %%xmm3\n"
		     "mov $-1, %%eax\n mov $-1, %%edx\n xrstor (%1)\n"
		     "movq %%xmm3, %0\n"
		     : "=r"(v) : "r"(area) : "rax", "rdx", "xmm3", "memory");
	is(v, 0x55, "XRSTOR restores what XSAVE saved");
	ok(getauxval(AT_MINSIGSTKSZ) >= 512 + b - 512,
	   "AT_MINSIGSTKSZ (%lu) holds it", getauxval(AT_MINSIGSTKSZ));
}

/* One thread leaves a signal frame behind, another returns through it. */
static void *volatile frame;
static volatile int resumed, first, second;
static char stacks[2][65536] __attribute__((aligned(4096)));

static void parks(int sig, siginfo_t *si, void *ctx)
{
	frame = ctx;
	for (;;)
		syscall(SYS_exit, 0);
}

static void *interrupted(void *arg)
{
	stack_t ss = { .ss_sp = stacks[0], .ss_size = sizeof(stacks[0]) };
	volatile int local = 99;

	sigaltstack(&ss, NULL);
	first = syscall(SYS_gettid);
	raise(SIGUSR1);
	/* From here on another thread runs this. */
	second = syscall(SYS_gettid);
	resumed = local;
	for (;;)
		syscall(SYS_exit, 0);
	return NULL;
}

static void *resumes(void *arg)
{
	while (!frame)
		sched_yield();
	asm volatile("mov %0, %%rsp\n mov $15, %%eax\n syscall\n"
		     : : "r"(frame) : "memory");
	return NULL;
}

static void test_frames(void)
{
	struct sigaction sa = {
		.sa_sigaction = parks, .sa_flags = SA_SIGINFO | SA_ONSTACK
	};
	pthread_t a, b;

	sigaction(SIGUSR1, &sa, NULL);
	pthread_create(&a, NULL, interrupted, NULL);
	pthread_create(&b, NULL, resumes, NULL);
	ok(wait_for(resumed, 5000), "rt_sigreturn on another thread");
	is(resumed, 99, "goes on with the stack of the first");
	ok(first && second && first != second, "as another thread");
}

int main(void)
{
	test_bases();
	test_rseq();
	test_iretq();
	test_xsave();
	test_frames();
	return done();
}
