// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process of the same user as the guest, for confine.t: it holds a secret and
 * an open file, says where, and waits.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

static char secret[] = "a host's secret";

int main(int argc, char **argv)
{
	int fd = argc > 1 ? open(argv[1], O_WRONLY | O_CREAT, 0600) : -1;

	if (fd < 0 || dup2(fd, 7) < 0)
		return 1;
	/* what stands in the way is to be the guest's filter, not Yama */
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	printf("%lu\n", (unsigned long)secret);
	fflush(stdout);
	for (;;)
		pause();
}
