// SPDX-License-Identifier: GPL-2.0-only
/*
 * Task switches keep every task's vector registers: processes and threads
 * hold different values in all of them through loops, system calls, sleeps
 * and page faults.
 */
#include <cpuid.h>
#include "ktap.h"

#define TASKS 6

static bool have_avx;

/* Fills the registers from @v, makes system call @nr, stores them to @out. */
static void through_call(const char v[16][32], char out[16][32], long nr)
{
	static const struct timespec ts = { 0, 50000 };

#define EACH(insn) ".irp r, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n" \
	insn "\n.endr\n"
#define USED "rcx", "r11", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", \
	     "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",	\
	     "xmm12", "xmm13", "xmm14", "xmm15"
	/* The loop lets a preemption fall between load and call. */
	if (have_avx)
		asm volatile(EACH("vmovdqu \\r*32(%[v]), %%ymm\\r")
			     "mov $3000, %%ecx\n1: dec %%ecx\n jnz 1b\n"
			     "syscall\n" EACH("vmovdqu %%ymm\\r, \\r*32(%[out])")
			     "vzeroupper\n"
			     : "+a"(nr) : [v] "r"(v), [out] "r"(out), "D"(&ts),
			       "S"(0) : USED);
	else
		asm volatile(EACH("movdqu \\r*32(%[v]), %%xmm\\r")
			     "mov $3000, %%ecx\n1: dec %%ecx\n jnz 1b\n"
			     "syscall\n" EACH("movdqu %%xmm\\r, \\r*32(%[out])")
			     : "+a"(nr) : [v] "r"(v), [out] "r"(out), "D"(&ts),
			       "S"(0) : USED);
}

static void *task(void *arg)
{
	static const long calls[] = { SYS_getppid, SYS_sched_yield, SYS_nanosleep };
	size_t n = have_avx ? 32 : 16;
	char v[16][32], out[16][32];
	long id = (long)arg, bad = 0;

	for (int i = 0; i < 400; i++) {
		char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		for (int r = 0; r < 16; r++)
			for (int b = 0; b < 32; b++)
				v[r][b] = id * 41 + r * 7 + b + i;
		through_call(v, (void *)p, calls[i % 3]);
		memcpy(out, p, sizeof(out));
		munmap(p, PAGE);
		for (int r = 0; r < 16; r++)
			bad += memcmp(v[r], out[r], n) != 0;
	}
	return (void *)bad;
}

int main(void)
{
	unsigned int a, b, c, d;
	pthread_t t[TASKS];
	pid_t pids[TASKS];
	long bad = 0;

	__cpuid(1, a, b, c, d);
	have_avx = (c & bit_AVX) && (c & bit_OSXSAVE);
	for (long i = 0; i < TASKS; i++) {
		pids[i] = do_fork();
		if (!pids[i])
			_exit(!!task((void *)(i + 10)));
	}
	for (long i = 0; i < TASKS; i++)
		pthread_create(&t[i], NULL, task, (void *)i);
	for (int i = 0; i < TASKS; i++) {
		void *r;

		pthread_join(t[i], &r);
		bad += (long)r;
	}
	is(bad, 0, "%d threads keep their registers", TASKS);
	for (int i = 0; i < TASKS; i++)
		bad += reap(pids[i]) != 0;
	is(bad, 0, "%d processes keep theirs", TASKS);
	return done();
}
