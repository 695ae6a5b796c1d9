// SPDX-License-Identifier: GPL-2.0-only
/* System calls: which registers survive, errors, bad pointers, numbers. */
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include "ktap.h"

/* getpid() with every register set; fills @out with what came back. */
static long with_registers(long nr, uint64_t out[15])
{
	static uint64_t v[15];

	asm volatile("push %%rbp\n"
		"mov $0x1111, %%rbx\n mov $0x2222, %%rcx\n"
		"mov $0x3333, %%rdx\n mov $0x4444, %%rsi\n"
		"mov $0x5555, %%rdi\n mov $0x6666, %%rbp\n"
		"mov $0x8888, %%r8\n mov $0x9999, %%r9\n"
		"mov $0xaaaa, %%r10\n mov $0xbbbb, %%r11\n"
		"mov $0xcccc, %%r12\n mov $0xdddd, %%r13\n"
		"mov $0xeeee, %%r14\n mov $0xffff, %%r15\n"
		"syscall\n"
		"0: mov %%rax, 0+%c[v](%%rip)\n mov %%rbx, 8+%c[v](%%rip)\n"
		"mov %%rcx, 16+%c[v](%%rip)\n mov %%rdx, 24+%c[v](%%rip)\n"
		"mov %%rsi, 32+%c[v](%%rip)\n mov %%rdi, 40+%c[v](%%rip)\n"
		"mov %%rbp, 48+%c[v](%%rip)\n mov %%r8, 56+%c[v](%%rip)\n"
		"mov %%r9, 64+%c[v](%%rip)\n mov %%r10, 72+%c[v](%%rip)\n"
		"mov %%r11, 80+%c[v](%%rip)\n mov %%r12, 88+%c[v](%%rip)\n"
		"mov %%r13, 96+%c[v](%%rip)\n mov %%r14, 104+%c[v](%%rip)\n"
		"mov %%r15, 112+%c[v](%%rip)\n"
		"pop %%rbp\n"
		: "+a"(nr)
		: [v] "i"(v)
		: "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11",
		  "r12", "r13", "r14", "r15", "memory", "cc");
	memcpy(out, v, sizeof(v));
	return v[0];
}

static void test_registers(void)
{
	static const uint64_t want[15] = {
		0, 0x1111, 0, 0x3333, 0x4444, 0x5555, 0x6666, 0x8888, 0x9999,
		0xaaaa, 0, 0xcccc, 0xdddd, 0xeeee, 0xffff
	};
	static const char *const names[15] = {
		"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8", "r9",
		"r10", "r11", "r12", "r13", "r14", "r15"
	};
	uint64_t got[15];
	int bad = 0;

	for (int round = 0; round < 1000 && !bad; round++) {
		if (with_registers(SYS_getpid, got) != getpid())
			bad++;
		for (int i = 1; i < 15; i++)
			if (i != 2 && i != 10 && got[i] != want[i]) {
				printf("# %s is %#lx\n", names[i], got[i]);
				bad++;
			}
	}
	is(bad, 0, "a system call changes rax, rcx and r11 only");
	with_registers(100000, got);
	is(got[0], -ENOSYS, "an unknown number gives ENOSYS");
	with_registers(-1, got);
	is(got[0], -ENOSYS, "number -1 gives ENOSYS");
	with_registers(0x7fffffff, got);
	is(got[0], -ENOSYS, "a huge number gives ENOSYS");
	with_registers(SYS_getpid | 0x100000000, got);
	is(got[0], getpid(), "only 32 bits of the number count");
}

/* The direction flag is clear and the flags survive. */
static void test_flags(void)
{
	unsigned long before, after;

	asm volatile("push $0x246\n popf\n pushf\n pop %0\n"
		     "mov %2, %%eax\n syscall\n"
		     "pushf\n pop %1\n"
		     : "=&r"(before), "=&r"(after) : "i"(SYS_getpid)
		     : "rax", "rcx", "r11", "memory", "cc");
	is(after, before, "flags survive a system call");
	asm volatile("std\n mov %1, %%eax\n syscall\n pushf\n pop %0\n cld\n"
		     : "=&r"(after) : "i"(SYS_getpid)
		     : "rax", "rcx", "r11", "memory", "cc");
	ok(after & 0x400, "the direction flag survives a system call");
}

static void test_pointers(void)
{
	char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = temp_file(0), zero = open("/dev/zero", O_RDONLY);
	struct iovec iov[2];

	must(p != MAP_FAILED && zero >= 0);
	must(munmap(p + PAGE, PAGE) == 0);

	fails(read(zero, at(16), 1), EFAULT, "read to a low address");
	fails(read(zero, at(-4096), 1), EFAULT, "read to the last page");
	fails(read(zero, at(0xffff880000000000), 1), EFAULT,
	      "read to a kernel address");
	fails(read(zero, at(0x800000000000), 1), EFAULT,
	      "read to a non-canonical address");
	fails(syscall(SYS_open, at(8), O_RDONLY), EFAULT, "open of a bad name");
	is(write(fd, p + PAGE - 10, 20), 10,
	   "write stops at an unmapped page");
	fails(write(fd, p + PAGE, 20), EFAULT, "write from an unmapped page");
	is(read(zero, p + PAGE - 5, 20), 5, "read stops at an unmapped page");
	iov[0] = (struct iovec){ p, 10 };
	iov[1] = (struct iovec){ p + PAGE, 10 };
	is(writev(fd, iov, 2), 10, "writev stops at an unmapped page");

	mprotect(p, PAGE, PROT_READ);
	fails(read(zero, p, 1), EFAULT, "read into a read-only page");
	mprotect(p, PAGE, PROT_NONE);
	fails(write(fd, p, 1), EFAULT, "write from a PROT_NONE page");
	close(zero);
}

static void test_errors(void)
{
	struct utsname u;
	struct sysinfo s;
	char c;

	fails(read(-1, &c, 1), EBADF, "read of descriptor -1");
	fails(close(1000), EBADF, "close of a closed descriptor");
	fails(open("/no/such", O_RDONLY), ENOENT, "open of a missing file");
	fails(open("/proc/self/exe/x", O_RDONLY), ENOTDIR, "a file is no directory");
	fails(open("/", O_WRONLY), EISDIR, "a directory is not written");
	fails(lseek(0, 0, 99), EINVAL, "lseek with a wrong whence");
	fails(kill(getpid(), 65), EINVAL, "signal 65");
	fails(syscall(SYS_mmap, 0, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
	      EINVAL, "mmap of no length");
	is(uname(&u), 0, "uname");
	is(strcmp(u.sysname, "Linux"), 0, "it says Linux");
	is(strcmp(u.machine, "x86_64"), 0, "on x86_64");
	is(sysinfo(&s), 0, "sysinfo");
	ok(s.totalram > s.freeram && s.freeram > 0 && s.procs > 0,
	   "sysinfo is plausible");
	ok(getppid() != getpid() && getpid() == syscall(SYS_gettid),
	   "pids are plausible");
	is(sysconf(_SC_PAGESIZE), PAGE, "pages have 4096 bytes");
	ok(sysconf(_SC_NPROCESSORS_ONLN) >= 1, "a CPU is online");
}

/* Many calls of many kinds quickly, each with its right answer. */
static void test_mixed(void)
{
	int bad = 0, fd = temp_file(PAGE);
	pid_t pid = getpid();

	for (int i = 0; i < 20000; i++) {
		unsigned char out = i, in = ~i;

		bad += syscall(SYS_getpid) != pid;
		bad += pwrite(fd, &out, 1, i % PAGE) != 1;
		bad += pread(fd, &in, 1, i % PAGE) != 1 || in != out;
		bad += close(-1) != -1;
	}
	is(bad, 0, "80 000 calls give their right answers");
}

int main(void)
{
	test_registers();
	test_flags();
	test_pointers();
	test_errors();
	test_mixed();
	return done();
}
