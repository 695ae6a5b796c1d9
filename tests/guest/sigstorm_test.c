// SPDX-License-Identifier: GPL-2.0-only
/*
 * Timer signals at arbitrary instructions: a loop computes with every integer
 * register, the flags, the red zone and eight vector registers while a timer
 * interrupts it as often as it can; the sums stay right.
 */
#include <sys/time.h>
#include "ktap.h"

static volatile unsigned long ticks;

static void tick(int sig)
{
	ticks++;
	/* Leaves nothing as it was. */
	asm volatile("mov $-1, %%rax\n mov %%rax, %%rcx\n mov %%rax, %%rdx\n"
		     "mov %%rax, %%rsi\n mov %%rax, %%rdi\n mov %%rax, %%r8\n"
		     "mov %%rax, %%r9\n mov %%rax, %%r10\n mov %%rax, %%r11\n"
		     "mov %%rax, %%r12\n mov %%rax, %%r13\n mov %%rax, %%r14\n"
		     "mov %%rax, %%r15\n mov %%rax, %%rbx\n"
		     "pcmpeqd %%xmm0, %%xmm0\n pcmpeqd %%xmm1, %%xmm1\n"
		     "pcmpeqd %%xmm2, %%xmm2\n pcmpeqd %%xmm3, %%xmm3\n"
		     "pcmpeqd %%xmm4, %%xmm4\n pcmpeqd %%xmm5, %%xmm5\n"
		     "pcmpeqd %%xmm14, %%xmm14\n pcmpeqd %%xmm15, %%xmm15\n"
		     "cmp %%rax, %%rax\n stc\n"
		     : : : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9",
		     "r10", "r11", "r12", "r13", "r14", "r15", "xmm0", "xmm1",
		     "xmm2", "xmm3", "xmm4", "xmm5", "xmm14", "xmm15", "cc");
}

/*
 * Adds 1..@n in thirteen integer registers and eight vector registers; gives
 * how many of them disagree with each other at the end.
 */
static unsigned long compute(unsigned long n)
{
	unsigned long wrong = 0, vec[16];

	asm volatile("xor %%eax, %%eax\n xor %%ebx, %%ebx\n xor %%edx, %%edx\n"
		"xor %%esi, %%esi\n xor %%r8d, %%r8d\n xor %%r9d, %%r9d\n"
		"xor %%r10d, %%r10d\n xor %%r11d, %%r11d\n xor %%r12d, %%r12d\n"
		"xor %%r13d, %%r13d\n xor %%r14d, %%r14d\n xor %%r15d, %%r15d\n"
		"movq $0, -8(%%rsp)\n movq $0, -120(%%rsp)\n"
		"pxor %%xmm0, %%xmm0\n pxor %%xmm1, %%xmm1\n"
		"pxor %%xmm2, %%xmm2\n pxor %%xmm3, %%xmm3\n"
		"pxor %%xmm4, %%xmm4\n pxor %%xmm5, %%xmm5\n"
		"pxor %%xmm14, %%xmm14\n pxor %%xmm15, %%xmm15\n"
		"1: add %%rcx, %%rax\n add %%rcx, %%rbx\n add %%rcx, %%rdx\n"
		"add %%rcx, %%rsi\n add %%rcx, %%r8\n add %%rcx, %%r9\n"
		"add %%rcx, %%r10\n add %%rcx, %%r11\n add %%rcx, %%r12\n"
		"add %%rcx, %%r13\n add %%rcx, %%r14\n add %%rcx, %%r15\n"
		"add %%rcx, -8(%%rsp)\n add %%rcx, -120(%%rsp)\n"
		"movq %%rcx, %%xmm6\n"
		"paddq %%xmm6, %%xmm0\n paddq %%xmm6, %%xmm1\n"
		"paddq %%xmm6, %%xmm2\n paddq %%xmm6, %%xmm3\n"
		"paddq %%xmm6, %%xmm4\n paddq %%xmm6, %%xmm5\n"
		"paddq %%xmm6, %%xmm14\n paddq %%xmm6, %%xmm15\n"
		"stc\n lea (%%rax), %%rax\n jnc 2f\n"
		"dec %%rcx\n jnz 1b\n jmp 3f\n"
		"2: incq %[wrong]\n"
		"3: mov %%rax, %%rcx\n"
		"xor %%rcx, %%rbx\n or %%rbx, %[wrong]\n"
		"xor %%rcx, %%rdx\n or %%rdx, %[wrong]\n"
		"xor %%rcx, %%rsi\n or %%rsi, %[wrong]\n"
		"xor %%rcx, %%r8\n or %%r8, %[wrong]\n"
		"xor %%rcx, %%r9\n or %%r9, %[wrong]\n"
		"xor %%rcx, %%r10\n or %%r10, %[wrong]\n"
		"xor %%rcx, %%r11\n or %%r11, %[wrong]\n"
		"xor %%rcx, %%r12\n or %%r12, %[wrong]\n"
		"xor %%rcx, %%r13\n or %%r13, %[wrong]\n"
		"xor %%rcx, %%r14\n or %%r14, %[wrong]\n"
		"xor %%rcx, %%r15\n or %%r15, %[wrong]\n"
		"mov -8(%%rsp), %%rdx\n xor %%rcx, %%rdx\n or %%rdx, %[wrong]\n"
		"mov -120(%%rsp), %%rdx\n xor %%rcx, %%rdx\n or %%rdx, %[wrong]\n"
		"movq %%xmm0, (%[vec])\n movq %%xmm1, 8(%[vec])\n"
		"movq %%xmm2, 16(%[vec])\n movq %%xmm3, 24(%[vec])\n"
		"movq %%xmm4, 32(%[vec])\n movq %%xmm5, 40(%[vec])\n"
		"movq %%xmm14, 48(%[vec])\n movq %%xmm15, 56(%[vec])\n"
		: "+c"(n), [wrong] "+m"(wrong)
		: [vec] "D"(vec)
		: "rax", "rbx", "rdx", "rsi", "r8", "r9", "r10", "r11", "r12",
		  "r13", "r14", "r15", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4",
		  "xmm5", "xmm6", "xmm14", "xmm15", "memory", "cc");
	for (int i = 0; i < 8; i++)
		wrong |= vec[i] ^ n;
	return wrong;
}

#define N 100000UL

static unsigned long sum_of_sums(uint64_t ms)
{
	uint64_t end = now_ns(CLOCK_MONOTONIC) + ms * 1000000;
	unsigned long wrong = 0;

	while (now_ns(CLOCK_MONOTONIC) < end)
		wrong += compute(N) != 0;
	return wrong;
}

static unsigned long in_calls(uint64_t ms)
{
	uint64_t end = now_ns(CLOCK_MONOTONIC) + ms * 1000000;
	unsigned long wrong = 0;
	pid_t pid = getpid();

	while (now_ns(CLOCK_MONOTONIC) < end)
		for (int i = 0; i < 100; i++)
			wrong += syscall(SYS_getpid) != pid;
	return wrong;
}

/* The alternate case: fresh memory is touched while signals come. */
static unsigned long in_faults(uint64_t ms)
{
	uint64_t end = now_ns(CLOCK_MONOTONIC) + ms * 1000000;
	unsigned long wrong = 0;

	while (now_ns(CLOCK_MONOTONIC) < end) {
		unsigned long *p = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		must(p != MAP_FAILED);
		for (int i = 0; i < 64; i++) {
			wrong += p[i * 512] != 0;
			p[i * 512] = i;
		}
		for (int i = 0; i < 64; i++)
			wrong += p[i * 512] != (unsigned long)i;
		munmap(p, 64 * PAGE);
	}
	return wrong;
}

static void storm(const char *name, unsigned long (*fn)(uint64_t), int flags)
{
	struct itimerval it = { { 0, 500 }, { 0, 500 } }, off = { };
	struct sigaction sa = { .sa_handler = tick, .sa_flags = flags };
	unsigned long wrong;

	ticks = 0;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	wrong = fn(1000);
	setitimer(ITIMER_REAL, &off, NULL);
	is(wrong, 0, "%s under timer signals", name);
	ok(ticks > 50, "they came");
	printf("# %lu signals\n", ticks);
}

int main(void)
{
	char *stack = malloc(65536);
	stack_t ss = { .ss_sp = stack, .ss_size = 65536 };

	is(compute(1000), 0, "the loop is right without them");
	storm("arithmetic", sum_of_sums, SA_RESTART);
	storm("system calls", in_calls, SA_RESTART);
	storm("page faults", in_faults, SA_RESTART);
	sigaltstack(&ss, NULL);
	storm("arithmetic on an alternate stack", sum_of_sums,
	      SA_RESTART | SA_ONSTACK);
	return done();
}
