// SPDX-License-Identifier: GPL-2.0
/*
 * The console: a shell for root, once somebody looks at it ("kernelet console"),
 * and another one when that has ended.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include "init.h"

#define DEVICE		"/dev/hvc0"
#define SHORT_LIFE	1	/* seconds; a shell that ends so soon would do it again */

static pid_t shell;
static time_t started;
static char term[64] = "linux";

/* The lines of a terminal as people expect them; the driver's are for bytes. */
static void make_sane(int fd)
{
	struct termios t;

	if (tcgetattr(fd, &t))
		return;
	t.c_iflag = ICRNL | IXON;
	t.c_oflag = OPOST | ONLCR;
	t.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN;
	tcsetattr(fd, TCSANOW, &t);
}

static void __noreturn run_shell(void)
{
	char *bash[] = { "-bash", NULL }, *sh[] = { "-sh", NULL };
	sigset_t none;
	int i, fd;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	fd = open(DEVICE, O_RDWR);
	if (fd < 0) {
		warn(DEVICE);
		_exit(126);
	}
	ioctl(fd, TIOCSCTTY, 1);
	make_sane(fd);
	for (i = 0; i < 3; i++)
		dup2(fd, i);
	if (fd > 2)
		close(fd);
	setenv("TERM", term, 1);
	setenv("HOME", "/root", 1);
	setenv("PATH", DEFAULT_PATH, 1);
	if (chdir("/root") && chdir("/"))
		warn("/");
	execv("/bin/bash", bash);
	execv("/bin/sh", sh);
	warn("/bin/sh");
	_exit(127);
}

static void start(void)
{
	started = time(NULL);
	shell = fork();
	if (!shell)
		run_shell();
	if (shell < 0)
		warn("console");
}

void console_start(const char *text)
{
	struct winsize ws = { .ws_row = 24, .ws_col = 80 };
	int fd = open(DEVICE, O_RDWR | O_NOCTTY | O_CLOEXEC);

	sscanf(text, "%hu %hu %63s", &ws.ws_row, &ws.ws_col, term);
	if (fd >= 0) {
		ioctl(fd, TIOCSWINSZ, &ws);
		close(fd);
	}
	if (shell <= 0)
		start();
}

void console_ended(pid_t pid)
{
	if (pid != shell)
		return;
	shell = 0;
	if (time(NULL) > started + SHORT_LIFE)
		start();
}
