// SPDX-License-Identifier: GPL-2.0-only
/* The stack grows when used, to its limit; MAP_GROWSDOWN; brk. */
#include <sys/resource.h>
#include "trap.h"

static size_t deep(size_t bytes)
{
	volatile char block[16384];

	block[0] = 1;
	block[sizeof(block) - 1] = 2;
	if (bytes <= sizeof(block))
		return block[0];
	return deep(bytes - sizeof(block)) + block[0];
}

static int six_megabytes(void)
{
	return deep(6 << 20) >= (6 << 20) / 16384 ? 3 : 4;
}

static int all_and_more(void)
{
	return deep(64 << 20) & 1;
}

static int one_jump(void)
{
	/* A big frame touched at its far end first. */
	volatile char big[4 << 20];

	big[0] = 5;
	return big[0];
}

/* The kernel writes where the stack has not grown to yet. */
static int by_kernel(void)
{
	char big[2 << 20];
	int zero = open("/dev/zero", O_RDONLY);

	asm volatile("" : : "r"(big) : "memory");
	return read(zero, big, 100) == 100 ? 6 : 7;
}

/* How far the stack reaches when a fault ends it. */
static volatile uintptr_t lowest;
static volatile bool stop;

static void dig(void *arg)
{
	volatile char block[16384];

	block[0] = 1;
	lowest = (uintptr_t)block;
	if (!stop)
		dig(arg);
	block[1] = 2;
}

static int size_at_limit(void)
{
	stack_t ss = { .ss_sp = malloc(65536), .ss_size = 65536 };
	struct sigaction sa = { .sa_sigaction = trap_handler,
				.sa_flags = SA_SIGINFO | SA_ONSTACK };
	char here;

	sigaltstack(&ss, NULL);
	sigaction(SIGSEGV, &sa, NULL);
	if (!sigsetjmp(trap_env, 1))
		dig(NULL);
	return ((uintptr_t)&here - lowest) >> 20;
}

static void test_growth(void)
{
	struct rlimit rl, old;

	getrlimit(RLIMIT_STACK, &old);
	rl = (struct rlimit){ 8 << 20, old.rlim_max };
	must(setrlimit(RLIMIT_STACK, &rl) == 0);
	is(in_child(six_megabytes), EXITED(3), "6 MB of stack");
	is(in_child(all_and_more) & 0x7f, SIGSEGV, "64 MB are too much");
	is(in_child(one_jump), EXITED(5), "a jump of 4 MB");
	is(in_child(by_kernel), EXITED(6), "read() into stack not yet used");
	is(in_child(size_at_limit), EXITED(7), "it ends just before 8 MB");
	rl.rlim_cur = 3 << 20;
	must(setrlimit(RLIMIT_STACK, &rl) == 0);
	is(in_child(size_at_limit), EXITED(2), "or before the limit set");
	setrlimit(RLIMIT_STACK, &old);
}

static void *thread_deep(void *arg)
{
	return (void *)deep(1 << 20);
}

static void *thread_dig(void *arg)
{
	dig(arg);
	return NULL;
}

static int thread_overflow(void)
{
	pthread_attr_t a;
	pthread_t t;

	pthread_attr_init(&a);
	pthread_attr_setstacksize(&a, 1 << 20);
	pthread_create(&t, &a, thread_dig, NULL);
	pthread_join(t, NULL);
	return 1;
}

static void test_threads(void)
{
	pthread_attr_t a;
	pthread_t t;
	void *r;

	pthread_attr_init(&a);
	pthread_attr_setstacksize(&a, 2 << 20);
	pthread_create(&t, &a, thread_deep, NULL);
	pthread_join(t, &r);
	is((long)r, 64, "a thread uses its stack");
	is(in_child(thread_overflow) & 0x7f, SIGSEGV, "its guard page ends it");
}

static void test_growsdown(void)
{
	char *hole = mmap(NULL, 4096 * PAGE, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *p;

	must(hole != MAP_FAILED && munmap(hole, 4096 * PAGE) == 0);
	p = mmap(hole + 4000 * PAGE, PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN, -1, 0);
	must(p == hole + 4000 * PAGE);
	is(write_sig(p - 1), 0, "MAP_GROWSDOWN grows");
	is(write_sig(p - 100 * PAGE), 0, "by more than a page");
	is(p[-1], 1, "and keeps what is written");
	is(read_sig(p + PAGE), SIGSEGV, "not upwards");
	mmap(p - 2000 * PAGE, PAGE, PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	is(write_sig(p - 1990 * PAGE), SIGSEGV, "not into the guard gap");
}

static void test_brk(void)
{
	char *start = sbrk(0), *p;
	int bad = 0;

	p = sbrk(100 * PAGE);
	ok(p != (void *)-1, "brk grows");
	for (int i = 0; i < 100; i++) {
		bad += p[i * PAGE];
		p[i * PAGE] = i;
	}
	is(bad, 0, "with zeroes");
	is(brk(start), 0, "brk shrinks");
	is(read_sig(start + 50 * PAGE), SIGSEGV, "what is given back is gone");
	p = sbrk(100 * PAGE);
	for (int i = 1; i < 100; i++)
		bad += p[i * PAGE];
	is(bad, 0, "and zero when it comes again");
	fails(brk(at(1UL << 46)), ENOMEM, "not without bounds");
	brk(start);
}

int main(void)
{
	test_growth();
	test_threads();
	test_growsdown();
	test_brk();
	return done();
}
