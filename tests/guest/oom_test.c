// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process that takes all memory is killed by the guest's own OOM killer;
 * the guest, and this program, live on.
 *
 * Boot options: mem=128M
 * Allowed in the log: oom-killer|Out of memory|oom_reaper|Call Trace
 */
#include "ktap.h"

static int eats_all(void)
{
	write_file("/proc/self/oom_score_adj", "1000");
	for (;;) {
		char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			return 1;
		memset(p, 1, 1 << 20);
	}
}

static int fills_tmpfs(void)
{
	static char buf[1 << 20];
	int fd = open("fill", O_WRONLY | O_CREAT, 0600);
	ssize_t n;

	while ((n = write(fd, buf, sizeof(buf))) > 0)
		;
	return errno == ENOSPC ? 0 : 1;
}

int main(void)
{
	char *p;
	int bad = 0;

	need_guest();
	for (int i = 0; i < 3; i++)
		bad += in_child(eats_all) != KILLED(SIGKILL);
	is(bad, 0, "three times a process that eats all is killed");
	p = malloc(16 << 20);
	memset(p, 3, 16 << 20);
	ok(p[15 << 20] == 3, "its memory is there again");
	temp_dir();
	is(in_child(fills_tmpfs), EXITED(0), "a full tmpfs says ENOSPC");
	unlink("fill");
	return done();
}
