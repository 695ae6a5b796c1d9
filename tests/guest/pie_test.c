// SPDX-License-Identifier: GPL-2.0-only
/*
 * This program is linked static-pie: it is loaded anywhere, relocates itself,
 * and its segments have their protection. Two runs differ in all addresses.
 */
#include <elf.h>
#include <sys/auxv.h>
#include <sys/personality.h>
#include "trap.h"

static int data = 1;
static int *const volatile pointer = &data;	/* needs a relocation */
static const char text[] = "read-only";

struct layout {
	void *code, *stack, *heap, *map, *vdso;
};

static void show_layout(int fd)
{
	struct layout l = {
		.code = show_layout, .stack = &l, .heap = sbrk(0),
		.map = mmap(NULL, PAGE, PROT_READ,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
		.vdso = (void *)getauxval(AT_SYSINFO_EHDR),
	};

	must(write(fd, &l, sizeof(l)) == sizeof(l));
}

static struct layout run_again(bool random)
{
	struct layout l = { };
	char n[16];
	pid_t pid;
	int p[2];

	must(pipe(p) == 0);
	pid = do_fork();
	if (!pid) {
		if (!random)
			personality(ADDR_NO_RANDOMIZE);
		snprintf(n, sizeof(n), "%d", p[1]);
		execl("/proc/self/exe", "pie", n, NULL);
		_exit(1);
	}
	is(reap(pid), EXITED(0), "a run");
	must(read(p[0], &l, sizeof(l)) == sizeof(l));
	return l;
}

int main(int argc, char **argv)
{
	struct layout a, b;

	if (argc > 1) {
		show_layout(atoi(argv[1]));
		return 0;
	}
	is(((Elf64_Ehdr *)getauxval(AT_PHDR) - 1)->e_type, ET_DYN,
	   "the program is position independent");
	is(*pointer, 1, "it relocated itself");
	is(write_sig((void *)text), SIGSEGV, "its constants are read-only");
	is(write_sig((void *)show_layout), SIGSEGV, "its code is read-only");
	is(trap(do_call, &data).sig, SIGSEGV, "its data is not executable");
	a = run_again(true);
	b = run_again(true);
	ok(a.code != b.code, "ASLR: the code differs");
	ok(a.stack != b.stack, "ASLR: the stack differs");
	ok(a.heap != b.heap, "ASLR: the heap differs");
	ok(a.map != b.map, "ASLR: mappings differ");
	ok(a.vdso != b.vdso, "ASLR: the vDSO differs");
	a = run_again(false);
	b = run_again(false);
	ok(!memcmp(&a, &b, sizeof(a)), "without it nothing does");
	return done();
}
