// SPDX-License-Identifier: GPL-2.0-only
/* Many processes: 200 at once, 1000 fork+exec in a row, deep chains. */
#include "ktap.h"

#define AT_ONCE 200

static void test_at_once(void)
{
	pid_t pids[AT_ONCE];
	int ready[2], go[2], bad = 0;
	char c;

	must(pipe(ready) == 0 && pipe(go) == 0);
	for (int i = 0; i < AT_ONCE; i++) {
		pids[i] = do_fork();
		if (!pids[i]) {
			volatile char *mine = malloc(PAGE * 16);

			close(go[1]);
			for (size_t j = 0; j < PAGE * 16; j++)
				mine[j] = i;
			if (write(ready[1], "r", 1) != 1 || read(go[0], &c, 1))
				_exit(255);
			for (size_t j = 0; j < PAGE * 16; j++)
				if (mine[j] != (char)i)
					_exit(254);
			_exit(i % 100);
		}
	}
	for (int i = 0; i < AT_ONCE; i++)
		must(read(ready[0], &c, 1) == 1);
	ok(true, "%d processes are there at once", AT_ONCE);
	close(go[1]);
	for (int i = 0; i < AT_ONCE; i++)
		bad += reap(pids[i]) != EXITED(i % 100);
	is(bad, 0, "each kept its memory and has its status");
}

static void test_in_a_row(char *self)
{
	int bad = 0;

	for (int i = 0; i < 1000; i++) {
		pid_t pid = do_fork();

		if (!pid) {
			char n[8];

			snprintf(n, sizeof(n), "%d", i % 200);
			execl(self, self, n, NULL);
			_exit(255);
		}
		bad += reap(pid) != EXITED(i % 200);
	}
	is(bad, 0, "1000 times fork, exec, exit, wait");
}

/* A chain of 100 processes, each the child of the one before. */
static int chain(int depth)
{
	pid_t pid;
	int status;

	if (!depth)
		return 1;
	pid = fork();
	if (!pid)
		_exit(chain(depth - 1));
	if (pid < 0)
		return 200;
	status = reap(pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) + 1 : 201;
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return atoi(argv[1]);
	test_at_once();
	test_in_a_row("/proc/self/exe");
	fflush(stdout);
	is(chain(100), 101, "a chain of 100");
	return done();
}
