// SPDX-License-Identifier: GPL-2.0
/*
 * init - the first process of kernelet's built-in root
 *
 * Started by the launcher (the word kernelet.launcher on the kernel's command
 * line) it does what the host asks for on its channels: see serve.c.  The rest
 * of this text is about a kernel that was started by hand.
 *
 * Mounts what a Linux program expects, runs one command on the console, and
 * powers the guest off with that command's exit status.
 *
 * The command is what stands after "--" on the kernel's command line (Linux
 * itself makes that init's arguments), else a shell. The kernel appends
 * "con0.tty=0" or "con0.tty=1" to its command line to say whether the host side
 * of the console is a terminal:
 *
 *  - it is: the command gets /dev/hvc0 as its controlling terminal, in a session
 *    of its own, and the shell is a login shell with job control;
 *  - it is not: the console passes bytes through, there is no controlling
 *    terminal (an end of input must not become a SIGHUP), and the shell reads
 *    the console as a script, which keeps it from prompting.
 *
 * When the command ends, its exit status (128 + n when signal n ended it) is
 * written to /proc/sys/kernel/exit_status, from where the kernel takes the exit
 * status of its host process. Any child that loses its parent is reaped.
 * BusyBox's poweroff, halt and reboot talk to init by SIGUSR2, SIGUSR1, SIGTERM.
 *
 * Nothing is printed unless something goes wrong: the console may be a pipe that
 * a program on the host reads.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include "../session_abi.h"
#include "init.h"

#define CONSOLE "/dev/hvc0"
#define EXIT_STATUS "/proc/sys/kernel/exit_status"
#define GRACE_SECONDS 2		/* between SIGTERM and SIGKILL */

void warn(const char *what)
{
	fprintf(stderr, "init: %s: %s\n", what, strerror(errno));
}

/* ---- what programs expect to find ---------------------------------------- */

static const struct {
	const char *type, *dir, *options;
	unsigned long flags;
} mounts[] = {
	{ "proc", "/proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
	{ "sysfs", "/sys", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
	{ "devtmpfs", "/dev", "mode=755", MS_NOSUID },
	{ "devpts", "/dev/pts", "mode=620,ptmxmode=666", MS_NOSUID | MS_NOEXEC },
	{ "tmpfs", "/dev/shm", "mode=1777", MS_NOSUID | MS_NODEV },
	{ "tmpfs", "/run", "mode=755", MS_NOSUID | MS_NODEV },
	{ "tmpfs", "/tmp", "mode=1777", MS_NOSUID | MS_NODEV },
	{ "cgroup2", "/sys/fs/cgroup", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
};

static const char *const links[][2] = {
	{ "/proc/self/fd", "/dev/fd" },
	{ "/proc/self/fd/0", "/dev/stdin" },
	{ "/proc/self/fd/1", "/dev/stdout" },
	{ "/proc/self/fd/2", "/dev/stderr" },
};

/*
 * A file system that the kernel was configured without (ENODEV) is no error, nor
 * one that the kernel has mounted already (EBUSY).
 */
void mount_all(void)
{
	size_t i;

	for (i = 0; i < sizeof(mounts) / sizeof(*mounts); i++) {
		mkdir(mounts[i].dir, 0755);
		if (mount(mounts[i].type, mounts[i].dir, mounts[i].type,
			  mounts[i].flags, mounts[i].options) &&
		    errno != ENODEV && errno != EBUSY)
			warn(mounts[i].dir);
	}
	for (i = 0; i < sizeof(links) / sizeof(*links); i++)
		if (symlink(links[i][0], links[i][1]) && errno != EEXIST)
			warn(links[i][1]);
}

static void raise_loopback(void)
{
	struct ifreq req = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;		/* a kernel without networking */
	if (ioctl(fd, SIOCSIFFLAGS, &req))
		warn("lo");
	close(fd);
}

/* ---- the console --------------------------------------------------------- */

/* Does the kernel's command line hold the word @word? */
static bool has_word(const char *word)
{
	static char line[32768];
	char *p, *save = NULL;
	ssize_t n;
	int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	n = read(fd, line, sizeof(line) - 1);
	close(fd);
	line[n > 0 ? n : 0] = '\0';
	for (p = strtok_r(line, "\n ", &save); p; p = strtok_r(NULL, "\n ", &save))
		if (!strcmp(p, word))
			return true;
	return false;
}

/* Makes the console standard input, output and error. */
static void open_console(void)
{
	int i, fd = open(CONSOLE, O_RDWR | O_NOCTTY);

	if (fd < 0)
		return;		/* the kernel has given us /dev/console */
	for (i = 0; i < 3; i++)
		dup2(fd, i);
	if (fd > 2)
		close(fd);
}

/* ---- the command --------------------------------------------------------- */

/* In the child: never returns. */
static void __noreturn run(char **argv, bool tty)
{
	char *login[] = { "-sh", NULL };
	char *script[] = { "sh", CONSOLE, NULL };
	const char *file = argv[0];
	sigset_t none;
	int err;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (!tty) {
		/* No session leader: opening the console must not bind it. */
		setpgid(0, 0);
	} else {
		setsid();
		if (ioctl(STDIN_FILENO, TIOCSCTTY, 0) && errno != ENOTTY)
			warn(CONSOLE);
	}
	if (!file) {
		file = "/bin/sh";
		argv = tty ? login : script;
	}
	execvp(file, argv);
	err = errno;
	warn(file);
	_exit(err == ENOENT ? 127 : 126);	/* as a shell has it */
}

int exit_code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void report(int code)
{
	int fd = open(EXIT_STATUS, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;		/* not our kernel */
	if (dprintf(fd, "%d\n", code) < 0)
		warn(EXIT_STATUS);
	close(fd);
}

void signal_all(int signal)
{
	kill(-1, signal);
	kill(-1, SIGHUP);	/* what an interactive shell listens to */
	kill(-1, SIGCONT);
}

/* Asks all processes to end, then makes them. */
void end_all(void)
{
	const struct timespec step = { .tv_nsec = 100 * 1000 * 1000 };
	time_t end = time(NULL) + GRACE_SECONDS;
	sigset_t chld;
	pid_t pid;

	signal_all(SIGTERM);
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	while (time(NULL) <= end) {
		do
			pid = waitpid(-1, NULL, WNOHANG);
		while (pid > 0);
		if (pid < 0)
			return;	/* no child is left */
		sigtimedwait(&chld, NULL, &step);
	}
	kill(-1, SIGKILL);
}

/* Waits for @command to end, or to be told to stop: returns how to reboot(). */
static int supervise(pid_t command, const sigset_t *signals)
{
	int status;
	pid_t pid;

	for (;;) {
		switch (sigwaitinfo(signals, NULL)) {
		case SIGCHLD:
			while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
				if (pid != command)
					continue;
				report(exit_code(status));
				return RB_POWER_OFF;
			}
			break;
		case SIGUSR1:
			end_all();
			return RB_HALT_SYSTEM;
		case SIGUSR2:
			end_all();
			return RB_POWER_OFF;
		case SIGTERM:
			end_all();
			return RB_AUTOBOOT;
		}
	}
}

/* One command on the console: returns how to reboot(). */
static int run_by_hand(char **argv, const sigset_t *signals)
{
	bool tty = !has_word("con0.tty=0");
	pid_t command;

	if (chdir("/root") && chdir("/"))
		warn("/");
	open_console();
	command = fork();
	if (!command)
		run(argv + 1, tty);
	if (command < 0) {
		warn("fork");
		return RB_POWER_OFF;
	}
	return supervise(command, signals);
}

int main(int argc, char **argv)
{
	sigset_t signals;
	int how;

	(void)argc;
	if (getpid() != 1) {
		fprintf(stderr, "init: not the first process\n");
		return 2;
	}
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGUSR2);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);

	umask(022);
	mount_all();
	sethostname("kernelet", strlen("kernelet"));
	raise_loopback();
	setenv("PATH", DEFAULT_PATH, 1);
	setenv("HOME", "/root", 1);
	how = has_word(SESSION_WORD) ? serve(&signals) : run_by_hand(argv, &signals);
	sync();
	reboot(how);
	warn("reboot");
	return 1;
}
