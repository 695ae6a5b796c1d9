// SPDX-License-Identifier: GPL-2.0-only
/* The vsyscall page of old static programs. */
#include <sys/time.h>
#include "trap.h"

#define PAGE_AT 0xffffffffff600000

static void gtod_bad(void *arg)
{
	((int (*)(struct timeval *, void *))at(PAGE_AT))(at(8), NULL);
}

int main(void)
{
	int (*gtod)(struct timeval *, void *) = (void *)at(PAGE_AT);
	time_t (*vtime)(time_t *) = (void *)at(PAGE_AT + 0x400);
	long (*getcpu_)(unsigned int *, unsigned int *, void *) =
		(void *)at(PAGE_AT + 0x800);
	char maps[65536];
	struct timeval tv;
	unsigned int cpu = -1;
	time_t t;

	must(read_file("/proc/self/maps", maps, sizeof(maps)) > 0);
	if (!strstr(maps, "[vsyscall]")) {
		printf("KTAP version 1\n1..0 # SKIP no vsyscall page here\n");
		return 0;
	}
	t = time(NULL);
	is(gtod(&tv, NULL), 0, "gettimeofday");
	ok(tv.tv_sec - t <= 1, "has the time");
	ok(vtime(NULL) - t <= 1, "time");
	is(getcpu_(&cpu, NULL, NULL), 0, "getcpu");
	ok(cpu < 4096, "gives a CPU");
	ok(trap(do_call, at(PAGE_AT + 0x10)).sig == SIGSEGV,
	   "nothing else there can be called");
	is(write_sig(at(PAGE_AT)), SIGSEGV, "nor written");
	is(trap(gtod_bad, NULL).sig, SIGSEGV, "a bad pointer faults");
	return done();
}
