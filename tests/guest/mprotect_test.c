// SPDX-License-Identifier: GPL-2.0-only
/* mprotect is enforced at once, in every direction, in every thread. */
#include <sys/personality.h>
#include "trap.h"

#define RW (PROT_READ | PROT_WRITE)
#define RX (PROT_READ | PROT_EXEC)

static const unsigned char returns[] = { 0xb8, 0, 0, 0, 0, 0xc3 };

/* Writes a function that returns @n. */
static void write_code(void *p, int n)
{
	memcpy(p, returns, sizeof(returns));
	memcpy((char *)p + 1, &n, sizeof(n));
}

static int call(void *p)
{
	return ((int (*)(void))p)();
}

static void test_each(const char *kind, char *p)
{
	static const int prots[] = {
		PROT_NONE, PROT_READ, RW, RX, RW | PROT_EXEC, PROT_WRITE
	};
	int bad = 0;

	for (size_t from = 0; from < ARRAY_SIZE(prots); from++)
		for (size_t to = 0; to < ARRAY_SIZE(prots); to++) {
			int q = prots[to];
			bool r = q & (PROT_READ | PROT_WRITE | PROT_EXEC);

			must(mprotect(p, PAGE, RW) == 0);
			p[0] = (char)0xc3;
			must(mprotect(p, PAGE, prots[from]) == 0);
			read_sig(p);
			must(mprotect(p, PAGE, q) == 0);
			if ((read_sig(p) == 0) != r ||
			    (write_sig(p + 1) == 0) != !!(q & PROT_WRITE) ||
			    (trap(do_call, p).sig == 0) != !!(q & PROT_EXEC)) {
				printf("# from %d to %d\n", prots[from], q);
				bad++;
			}
		}
	is(bad, 0, "each protection after each other: %s", kind);
}

static void test_parts(void)
{
	char *p = mmap(NULL, 64 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int bad = 0;

	memset(p, 1, 64 * PAGE);
	for (int i = 0; i < 64; i += 2)
		must(mprotect(p + i * PAGE, PAGE, PROT_READ) == 0);
	for (int i = 0; i < 64; i++)
		bad += (write_sig(p + i * PAGE) == 0) != (i % 2);
	is(bad, 0, "every other page");
	must(mprotect(p, 64 * PAGE, RW) == 0);
	for (int i = 0; i < 64; i++)
		bad += write_sig(p + i * PAGE) != 0;
	is(bad, 0, "all writable again");
	fails(mprotect(p + 1, PAGE, RW), EINVAL, "an odd address");
	munmap(p + PAGE, PAGE);
	fails(mprotect(p, 3 * PAGE, PROT_READ), ENOMEM, "over a hole");
	munmap(p, 64 * PAGE);
}

static void test_code(void)
{
	char *p = mmap(NULL, PAGE, RW | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);
	int bad = 0, fd;
	char *w, *x;

	for (int i = 0; i < 1000; i++) {
		write_code(p, i);
		bad += call(p) != i;
	}
	is(bad, 0, "code rewritten in place runs as written");
	for (int i = 0; i < 300; i++) {
		must(mprotect(p, PAGE, RW) == 0);
		write_code(p, i);
		must(mprotect(p, PAGE, RX) == 0);
		bad += call(p) != i;
	}
	is(bad, 0, "written and executed in turns");
	munmap(p, PAGE);

	fd = temp_file(PAGE);
	w = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
	x = mmap(NULL, PAGE, RX, MAP_SHARED, fd, 0);
	must(w != MAP_FAILED && x != MAP_FAILED);
	for (int i = 0; i < 1000; i++) {
		write_code(w, i);
		bad += call(x) != i;
	}
	is(bad, 0, "written through one mapping, executed through another");
	write_code(w, 77);
	must(pwrite(fd, "\xb8\x4e\0\0\0\xc3", 6, 0) == 6);
	is(call(x), 0x4e, "write() changes the code too");
	for (int i = 0; i < 100; i++) {
		char buf[6];

		write_code(buf, i);
		must(pwrite(fd, buf, 6, 0) == 6);
		bad += call(x) != i;
	}
	is(bad, 0, "each time");
}

/* System call instructions in generated code, changed in place. */
static void test_code_calls(void)
{
	static const unsigned char code[] = {
		0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xc3	/* getpid */
	};
	char *p = mmap(NULL, PAGE, RW | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);
	int bad = 0;

	memcpy(p, code, sizeof(code));
	for (int i = 0; i < 1000; i++)
		bad += call(p) != getpid();
	is(bad, 0, "a generated system call");
	p[1] = 102;				/* getuid */
	for (int i = 0; i < 1000; i++)
		bad += call(p) != (int)getuid();
	is(bad, 0, "its number changed");
	p[5] = (char)0x90;
	p[6] = (char)0x90;
	is(call(p), 102, "replaced by no operation");
	p[5] = 0x0f;
	p[6] = 0x05;
	p[1] = 39;
	is(call(p), getpid(), "and back");
	is(!memcmp(p, code, sizeof(code)), 1, "the page holds what was written");
}

/* Whether the page holds code that runs; it is of brk() or of the stack. */
static bool runs(char *p)
{
	p[0] = (char)0xc3;
	return !trap(do_call, p).sig;
}

static char *more_heap(void)
{
	char *p = sbrk(2 * PAGE);

	must(p != (char *)-1);
	return (char *)(((uintptr_t)p + PAGE - 1) & -PAGE);
}

static void test_data(void)
{
	static char data[2 * PAGE];
	char on_stack[16];

	is(runs(more_heap()), 0, "what brk() gives cannot be executed");
	is(runs(data), 0, "nor a program's data");
	is(runs(on_stack), 0, "nor its stack");
	must(personality(READ_IMPLIES_EXEC) != -1);
	is(runs(more_heap()), 1, "READ_IMPLIES_EXEC: what brk() gives can be");
	must(personality(0) != -1);
}

/* One thread takes the right away while the other writes. */
static char *page;
static volatile int stop_writer, faults;
static sigjmp_buf env;

static void on_fault(int sig)
{
	faults++;
	siglongjmp(env, 1);
}

static void *writer(void *arg)
{
	volatile long n = 0;

	sigsetjmp(env, 1);
	while (!stop_writer)
		((volatile long *)page)[1] = n++;
	return NULL;
}

static void test_threads(void)
{
	int bad = 0;
	pthread_t t;

	page = mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	signal(SIGSEGV, on_fault);
	pthread_create(&t, NULL, writer, NULL);
	for (int i = 0; i < 200; i++) {
		long before;

		must(mprotect(page, PAGE, PROT_READ) == 0);
		before = ((volatile long *)page)[1];
		for (int j = 0; j < 1000; j++)
			bad += ((volatile long *)page)[1] != before;
		must(mprotect(page, PAGE, RW) == 0);
		for (int j = 0; j < 1000; j++)
			asm volatile("pause");
	}
	stop_writer = 1;
	pthread_join(t, NULL);
	is(bad, 0, "after mprotect returns no other thread writes");
	printf("# %d faults\n", faults);
}

int main(void)
{
	int fd = temp_file(PAGE);

	test_each("anonymous", mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS,
				    -1, 0));
	test_each("shared", mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS,
				 -1, 0));
	test_each("a file", mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0));
	test_each("a file, private", mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0));
	test_parts();
	test_code();
	test_code_calls();
	test_data();
	test_threads();
	return done();
}
