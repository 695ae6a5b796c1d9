// SPDX-License-Identifier: GPL-2.0-only
/* execve: arguments, scripts, errors, what is kept and what is reset. */
#include <sys/auxv.h>
#include <sys/resource.h>
#include "ktap.h"

static int do_exec(const char *file, char **argv, char **envp)
{
	pid_t pid = do_fork();

	if (!pid) {
		execve(file, argv, envp);
		_exit(errno == E2BIG ? 240 : errno == ENOEXEC ? 241 :
		      errno == EACCES ? 242 : errno == ENOENT ? 243 :
		      errno == ELOOP ? 244 : errno == ETXTBSY ? 245 : 239);
	}
	return reap(pid);
}

static char *self = "/proc/self/exe";

/* What the program does when this test starts it again. */
static int again(int argc, char **argv, char **envp)
{
	struct sigaction sa;
	sigset_t set;
	size_t sum = 0;

	switch (argv[1][0]) {
	case 'c':	/* count of arguments, modulo */
		for (int i = 2; i < argc; i++)
			sum += strlen(argv[i]);
		return argc == 1002 && sum == 1000 * 100 && !envp[0] ? 1 : 2;
	case 'e':
		return getenv("KEY") && !strcmp(getenv("KEY"), "value") ? 3 : 4;
	case 's':	/* signals and descriptors */
		sigaction(SIGUSR1, NULL, &sa);
		if (sa.sa_handler != SIG_DFL)
			return 10;
		sigaction(SIGUSR2, NULL, &sa);
		if (sa.sa_handler != SIG_IGN)
			return 11;
		sigprocmask(0, NULL, &set);
		if (!sigismember(&set, SIGHUP) || sigismember(&set, SIGINT))
			return 12;
		if (fcntl(100, F_GETFD) != -1 || fcntl(101, F_GETFD) == -1)
			return 13;
		return 5;
	case 'S':	/* started by a script: interpreter, option, script */
		if (argc == 5)
			return !strcmp(argv[2], "./script") &&
			       !strcmp(argv[3], "./script2") &&
			       !strcmp(argv[4], "arg") ? 17 : 18;
		return argc == 4 && !strcmp(argv[2], "./script") &&
		       !strcmp(argv[3], "arg") ? 6 : 7;
	case 'p':
		return getpid() == atoi(argv[2]) ? 8 : 9;
	case 'a':
		return getauxval(AT_PAGESZ) == PAGE && getauxval(AT_ENTRY) &&
		       getauxval(AT_RANDOM) && getauxval(AT_PHDR) &&
		       getauxval(AT_SYSINFO_EHDR) && !getauxval(AT_SECURE) &&
		       getauxval(AT_CLKTCK) && getauxval(AT_EXECFN) &&
		       getauxval(AT_UID) == getuid() ? 15 : 16;
	}
	return 99;
}

static void test_arguments(void)
{
	static char *argv[1003], *env[] = { "KEY=value", NULL };
	static char *none[] = { NULL };
	static char hundred[101];
	char *big;

	memset(hundred, 'x', 100);
	argv[0] = "exec";
	argv[1] = "c";
	for (int i = 2; i < 1002; i++)
		argv[i] = hundred;
	is(do_exec(self, argv, none), EXITED(1), "1000 arguments of 100 bytes");
	is(do_exec(self, (char *[]){ "exec", "e", NULL }, env), EXITED(3),
	   "an environment variable");
	is(do_exec(self, (char *[]){ "exec", "a", NULL }, env), EXITED(15),
	   "the auxiliary vector");
	big = malloc(200 * 1024);
	memset(big, 'y', 200 * 1024 - 1);
	big[200 * 1024 - 1] = 0;
	is(do_exec(self, (char *[]){ "exec", "e", big, NULL }, env),
	   EXITED(240), "one string of 200 kB is too long");
	big[120 * 1024] = 0;
	for (int i = 2; i < 10; i++)
		argv[i] = big;
	argv[1] = "e";
	argv[10] = NULL;
	is(do_exec(self, argv, env), EXITED(3), "eight of 120 kB are not");
	free(big);
}

static void test_kept(void)
{
	int p[2], status;
	sigset_t set;
	pid_t pid;
	char n[16];

	must(pipe(p) == 0);
	pid = do_fork();
	if (!pid) {
		signal(SIGUSR1, (void *)again);
		signal(SIGUSR2, SIG_IGN);
		sigemptyset(&set);
		sigaddset(&set, SIGHUP);
		sigprocmask(SIG_SETMASK, &set, NULL);
		dup3(p[0], 100, O_CLOEXEC);
		dup2(p[0], 101);
		execl(self, "exec", "s", NULL);
		_exit(1);
	}
	status = reap(pid);
	is(status, EXITED(5), "signals and descriptors over exec");
	pid = do_fork();
	if (!pid) {
		snprintf(n, sizeof(n), "%d", getpid());
		execl(self, "exec", "p", n, NULL);
		_exit(1);
	}
	status = reap(pid);
	is(status, EXITED(8), "the pid stays");
}

static void make(const char *name, const char *text, int mode)
{
	write_file(name, text);
	must(chmod(name, mode) == 0);
}

static void test_scripts(void)
{
	char exe[PATH_MAX], line[PATH_MAX + 32];
	char *argv[] = { "x", "arg", NULL }, *env[] = { NULL };
	ssize_t n = readlink(self, exe, sizeof(exe) - 1);
	int fd;

	must(n > 0);
	exe[n] = 0;
	snprintf(line, sizeof(line), "#!%s S\n", exe);
	make("script", line, 0755);
	is(do_exec("./script", argv, env), EXITED(6), "a script");
	make("script2", "#!./script\n", 0755);
	is(do_exec("./script2", argv, env), EXITED(17), "a script's script");
	make("noexec", "#!/bin/sh\n", 0644);
	is(do_exec("./noexec", argv, env), EXITED(242), "EACCES");
	make("garbage", "garbage\n", 0755);
	is(do_exec("./garbage", argv, env), EXITED(241), "ENOEXEC");
	make("empty", "", 0755);
	is(do_exec("./empty", argv, env), EXITED(241), "ENOEXEC of nothing");
	make("lost", "#!/no/such/interpreter\n", 0755);
	is(do_exec("./lost", argv, env), EXITED(243), "ENOENT of the interpreter");
	is(do_exec("./none", argv, env), EXITED(243), "ENOENT");
	is(do_exec("/", argv, env), EXITED(242), "a directory");
	make("self", "#!./self\n", 0755);
	is(do_exec("./self", argv, env), EXITED(244), "ELOOP");
	make("short", "\177ELF", 0755);
	is(do_exec("./short", argv, env), EXITED(241), "a short ELF file");
	make("busy", "#!/bin/sh\n", 0755);
	fd = open("busy", O_WRONLY);
	is(do_exec("./busy", argv, env), EXITED(245), "ETXTBSY");
	close(fd);
}

static void test_execveat(void)
{
	int fd = open(self, O_RDONLY | O_CLOEXEC), memfd, status;
	char *argv[] = { "exec", "e", NULL }, *env[] = { "KEY=value", NULL };
	char buf[65536];
	ssize_t n;
	pid_t pid;

	pid = do_fork();
	if (!pid) {
		syscall(SYS_execveat, fd, "", argv, env, AT_EMPTY_PATH);
		_exit(1);
	}
	status = reap(pid);
	is(status, EXITED(3), "execveat of a descriptor");
	memfd = memfd_create("copy", MFD_CLOEXEC);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		must(write(memfd, buf, n) == n);
	pid = do_fork();
	if (!pid) {
		syscall(SYS_execveat, memfd, "", argv, env, AT_EMPTY_PATH);
		_exit(1);
	}
	status = reap(pid);
	is(status, EXITED(3), "of a memfd");
}

static void *exec_thread(void *arg)
{
	char n[16];

	snprintf(n, sizeof(n), "%d", getpid());
	execl(self, "exec", "p", n, NULL);
	return NULL;
}

static void *idle_thread(void *arg)
{
	for (;;)
		pause();
	return NULL;
}

static int exec_among_threads(void)
{
	pthread_t t;

	for (int i = 0; i < 10; i++)
		pthread_create(&t, NULL, idle_thread, NULL);
	pthread_create(&t, NULL, exec_thread, NULL);
	idle_thread(NULL);
	return 0;
}

int main(int argc, char **argv, char **envp)
{
	if (argc > 1)
		return again(argc, argv, envp);
	temp_dir();
	test_arguments();
	test_kept();
	test_scripts();
	test_execveat();
	is(in_child(exec_among_threads), EXITED(8),
	   "exec of one thread ends the others and keeps the pid");
	return done();
}
