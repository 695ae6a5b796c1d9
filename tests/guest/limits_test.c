// SPDX-License-Identifier: GPL-2.0-only
/* Resource limits, PDEATHSIG, capabilities of a process to limit itself. */
#include <sys/prctl.h>
#include <sys/resource.h>
#include "ktap.h"

static int files(void)
{
	struct rlimit rl = { 10, 10 };
	int n = 0;

	setrlimit(RLIMIT_NOFILE, &rl);
	while (dup(1) >= 0)
		n++;
	return errno == EMFILE && n <= 7 ? 0 : 1;
}

static int memory(void)
{
	struct rlimit rl = { 64 << 20, 64 << 20 };

	setrlimit(RLIMIT_AS, &rl);
	if (mmap(NULL, 128 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
	    MAP_FAILED || errno != ENOMEM)
		return 1;
	return mmap(NULL, 16 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0) == MAP_FAILED ? 2 : 0;
}

static int file_size(void)
{
	struct rlimit rl = { 10, 10 };
	int fd = temp_file(0);
	char buf[20] = "";

	setrlimit(RLIMIT_FSIZE, &rl);
	if (write(fd, buf, 20) != 10)
		return 1;
	if (write(fd, buf, 20) == -1)
		return 2;
	return 3;
}

static int cpu(void)
{
	struct rlimit rl = { 1, 10 };

	setrlimit(RLIMIT_CPU, &rl);
	for (;;)
		;
	return 0;
}

static void test_pdeathsig(void)
{
	int p[2];
	pid_t pid, child;
	char c;

	must(pipe(p) == 0);
	pid = do_fork();
	if (!pid) {
		child = fork();
		if (!child) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			must(write(p[1], "r", 1) == 1);
			for (;;)
				pause();
		}
		close(p[1]);
		must(read(p[0], &c, 1) == 1);
		_exit(0);
	}
	close(p[1]);
	is(reap(pid), 0, "a parent ends");
	is(read(p[0], &c, 1), 0, "and PDEATHSIG its child");
}

int main(void)
{
	is(in_child(files), EXITED(0), "RLIMIT_NOFILE");
	is(in_child(memory), EXITED(0), "RLIMIT_AS");
	is(in_child(file_size) & 0x7f, SIGXFSZ, "RLIMIT_FSIZE");
	is(in_child(cpu) & 0x7f, SIGXCPU, "RLIMIT_CPU");
	test_pdeathsig();
	return done();
}
