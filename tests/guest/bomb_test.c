// SPDX-License-Identifier: GPL-2.0-only
/*
 * A fork bomb: as many processes as there can be, held for a while; forkbomb.t
 * has no bound but the default, and looks at the host meanwhile.
 *
 * Boot options: sysctl.kernel.threads-max=300
 */
#include "ktap.h"

#define MOST 20000

static pid_t pids[MOST];

int main(void)
{
	int n, error = 0, bad = 0;

	need_guest();
	ok(true, "a bomb");
	fflush(stdout);
	for (n = 0; n < MOST; n++) {
		pids[n] = fork();
		if (!pids[n])
			for (;;)
				pause();
		if (pids[n] < 0) {
			error = errno;
			break;
		}
	}
	printf("# bomb: %d tasks, then error %d\n", n, error);
	is(error, EAGAIN, "fork() fails with EAGAIN");
	sleep_ms(2000);
	for (int i = 0; i < n; i++)
		kill(pids[i], SIGKILL);
	for (int i = 0; i < n; i++)
		bad += reap(pids[i]) != KILLED(SIGKILL);
	is(bad, 0, "all of them end");
	bad = 0;
	for (int i = 0; i < 20; i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(3);
		bad += pid < 0 || reap(pid) != EXITED(3);
	}
	printf("# bomb: gone, %d of 20 fail\n", bad);
	is(bad, 0, "there can be others then");
	return done();
}
