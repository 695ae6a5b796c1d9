// SPDX-License-Identifier: GPL-2.0-only
/* Faults: the signal, si_code and si_addr of each kind. */
#include <fenv.h>
#include <immintrin.h>
#include "trap.h"

static void is_trap(struct trapped t, int sig, int code, void *addr,
		    const char *name)
{
	bool good = t.sig == sig && t.code == code &&
		    (addr == (void *)-1 || t.addr == addr);

	if (!ok(good, "%s", name))
		printf("# got signal %d code %d addr %p, wanted %d %d %p\n",
		       t.sig, t.code, t.addr, sig, code, addr);
}

static void divide(void *arg)
{
	volatile int zero = 0, one = 1;

	one = one / zero;
}

static void divide_overflow(void *arg)
{
	asm volatile("mov $0x80000000, %%eax\n cdq\n idivl %0"
		     : : "m"(*(int *)arg) : "eax", "edx");
}

static void float_divide(void *arg)
{
	volatile double zero = 0, one = 1;

	feclearexcept(FE_ALL_EXCEPT);
	feenableexcept(FE_DIVBYZERO);
	one = one / zero;
}

static void float_invalid(void *arg)
{
	volatile double zero = 0;

	feclearexcept(FE_ALL_EXCEPT);
	feenableexcept(FE_INVALID);
	zero = zero / zero;
}

static void x87_divide(void *arg)
{
	uint16_t cw = 0x37b;	/* divide by zero unmasked */

	asm volatile("fninit\n fldcw %0\n fld1\n fldz\n fdivrp\n fwait\n"
		     : : "m"(cw) : "st");
}

static void ud2(void *arg)
{
	asm volatile("ud2");
}

static void int3(void *arg)
{
	asm volatile("int3");
}

static void int1(void *arg)
{
	asm volatile(".byte 0xf1");
}

static void hlt(void *arg)
{
	asm volatile("hlt");
}

static void cli(void *arg)
{
	asm volatile("cli");
}

static void port(void *arg)
{
	asm volatile("outb %%al, $0x80" : : "a"(0));
}

static void single_step(void *arg)
{
	asm volatile("pushf\n orl $0x100, (%rsp)\n popf\n nop\n nop\n");
}

static void unaligned_sse(void *arg)
{
	asm volatile("movaps (%0), %%xmm0" : : "r"((char *)arg + 1) : "xmm0");
}

static void gp_stack(void *arg)
{
	asm volatile("mov %%rbp, %%rbx\n mov %0, %%rbp\n mov (%%rbp), %%rax\n"
		     "mov %%rbx, %%rbp\n"
		     : : "r"(0x8000000000000000UL) : "rax", "rbx", "memory");
}

static void test_memory(void)
{
	char *p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct trapped t;

	must(p != MAP_FAILED && munmap(p + 2 * PAGE, PAGE) == 0);
	p[0] = (char)0xc3;
	is_trap(trap(do_read, at(0)), SIGSEGV, SEGV_MAPERR, NULL, "read of NULL");
	is_trap(trap(do_write, at(1234)), SIGSEGV, SEGV_MAPERR, at(1234),
		"write near NULL");
	is_trap(trap(do_read, p + 2 * PAGE + 77), SIGSEGV, SEGV_MAPERR,
		p + 2 * PAGE + 77, "read of an unmapped page");
	t = trap(do_write, p + 2 * PAGE + 8);
	is(t.trapno, 14, "the frame says page fault");
	is(t.err, 6, "a user write to what is not there");
	is(t.cr2, (uintptr_t)p + 2 * PAGE + 8, "where");
	mprotect(p, PAGE, PROT_READ);
	is_trap(trap(do_write, p + 5), SIGSEGV, SEGV_ACCERR, p + 5,
		"write to a read-only page");
	is(trap(do_write, p + 5).err & 7, 7, "its error code: present, write, user");
	is_trap(trap(do_call, p), SIGSEGV, SEGV_ACCERR, p,
		"execution of a data page");
	is(trap(do_call, p).err & 0x10, 0x10, "its error code: instruction fetch");
	mprotect(p, PAGE, PROT_NONE);
	is_trap(trap(do_read, p + 9), SIGSEGV, SEGV_ACCERR, p + 9,
		"read of a PROT_NONE page");
	mprotect(p, PAGE, PROT_READ | PROT_EXEC);
	is_trap(trap(do_call, p), 0, 0, NULL, "an executable page runs");
	is_trap(trap(do_write, p), SIGSEGV, SEGV_ACCERR, p, "and is not written");
	mprotect(p + PAGE, PAGE, PROT_READ);
	is_trap(trap(do_read, p + PAGE), 0, 0, NULL,
		"an untouched read-only page reads");
	is_trap(trap(do_write, p + PAGE), SIGSEGV, SEGV_ACCERR, p + PAGE,
		"and is not written");
	is_trap(trap(do_call, at(0x10)), SIGSEGV, SEGV_MAPERR, at(0x10),
		"a jump to nowhere");
	is_trap(trap(do_read, at(0xffffffff81000000)), SIGSEGV, SEGV_MAPERR,
		at(0xffffffff81000000), "read of a kernel address");
	is_trap(trap(do_write, at(0x7ffffffff000)), SIGSEGV, SEGV_MAPERR,
		at(0x7ffffffff000), "write to the last page of the user half");
}

static void test_file(void)
{
	int fd = temp_file(PAGE + 100);
	char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	must(p != MAP_FAILED);
	is_trap(trap(do_read, p + PAGE + 4000), 0, 0, NULL,
		"the rest of a file's last page reads");
	is_trap(trap(do_read, p + 2 * PAGE + 5), SIGBUS, BUS_ADRERR,
		p + 2 * PAGE + 5, "beyond it: SIGBUS");
	is_trap(trap(do_write, p + 3 * PAGE), SIGBUS, BUS_ADRERR, p + 3 * PAGE,
		"also for a write");
	is(read_sig(p), 0, "the first page reads");
	must(ftruncate(fd, 0) == 0);
	is_trap(trap(do_read, p), SIGBUS, BUS_ADRERR, p,
		"SIGBUS once the file is cut");
	must(ftruncate(fd, PAGE) == 0);
	is_trap(trap(do_read, p), 0, 0, NULL, "and fine when it grows again");
	munmap(p, 4 * PAGE);
	p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, open("/proc/self/exe", 0), 0);
	is_trap(trap(do_write, p), SIGSEGV, SEGV_ACCERR, p,
		"write to a read-only file mapping");
}

static void test_protection(void)
{
	char buf[64] __attribute__((aligned(16)));

	is_trap(trap(do_read, at(0x8000000000000000)), SIGSEGV, SI_KERNEL, NULL,
		"read of a non-canonical address");
	is_trap(trap(do_write, at(0xdead000000000000)), SIGSEGV, SI_KERNEL, NULL,
		"write to one");
	is_trap(trap(do_call, at(0xdead000000000000)), SIGSEGV, SI_KERNEL, NULL,
		"jump to one");
	is_trap(trap(hlt, NULL), SIGSEGV, SI_KERNEL, NULL, "hlt");
	is_trap(trap(cli, NULL), SIGSEGV, SI_KERNEL, NULL, "cli");
	is_trap(trap(port, NULL), SIGSEGV, SI_KERNEL, NULL, "a port");
	is_trap(trap(unaligned_sse, buf), SIGSEGV, SI_KERNEL, NULL,
		"movaps of an odd address");
	is(trap(hlt, NULL).trapno, 13, "general protection by number");
	is_trap(trap(gp_stack, NULL), SIGBUS, SI_KERNEL, NULL,
		"a non-canonical stack access");
}

static void test_arithmetic(void)
{
	int minus = -1;
	struct trapped t = trap(divide, NULL);

	is_trap(t, SIGFPE, FPE_INTDIV, at(t.ip), "integer division by zero");
	is_trap(trap(divide_overflow, &minus), SIGFPE, FPE_INTDIV, (void *)-1,
		"integer division overflow");
	t = trap(float_divide, NULL);
	is_trap(t, SIGFPE, FPE_FLTDIV, at(t.ip), "SSE division by zero");
	is_trap(trap(float_invalid, NULL), SIGFPE, FPE_FLTINV, (void *)-1,
		"SSE invalid operation");
	fedisableexcept(FE_ALL_EXCEPT);
	is_trap(trap(x87_divide, NULL), SIGFPE, FPE_FLTDIV, (void *)-1,
		"x87 division by zero");
	asm volatile("fninit");
}

static void test_traps(void)
{
	struct trapped t = trap(ud2, NULL);

	is_trap(t, SIGILL, ILL_ILLOPN, at(t.ip), "ud2");
	t = trap(int3, NULL);
	is_trap(t, SIGTRAP, SI_KERNEL, NULL, "int3");
	is(*(unsigned char *)(t.ip - 1), 0xcc, "stops after the instruction");
	t = trap(int1, NULL);
	is(t.sig, SIGTRAP, "int1");
	t = trap(single_step, NULL);
	is_trap(t, SIGTRAP, TRAP_TRACE, at(t.ip), "the trap flag");
	ok(true, "and the program goes on");
}

int main(void)
{
	test_memory();
	test_file();
	test_protection();
	test_arithmetic();
	test_traps();
	return done();
}
