// SPDX-License-Identifier: GPL-2.0-only
/* Pseudo-terminals: echo, lines, signals, window size, job control. */
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include "ktap.h"

static int master;
static char slave_name[64];

/* Reads from the terminal until @text has come. */
static bool sees(const char *text)
{
	static char buf[4096];
	size_t have = 0;

	for (;;) {
		struct pollfd p = { .fd = master, .events = POLLIN };
		ssize_t n;

		if (poll(&p, 1, 5000) != 1)
			break;
		n = read(master, buf + have, sizeof(buf) - 1 - have);
		if (n <= 0)
			break;
		have += n;
		buf[have] = 0;
		if (strstr(buf, text))
			return true;
	}
	buf[have] = 0;
	printf("# saw: %s\n", buf);
	return false;
}

static void types(const char *text)
{
	must(write(master, text, strlen(text)) == (ssize_t)strlen(text));
}

static void winch(int sig)
{
	struct winsize w;

	ioctl(0, TIOCGWINSZ, &w);
	dprintf(1, "size %dx%d.\n", w.ws_row, w.ws_col);
}

static void on_interrupt(int sig)
{
	dprintf(1, "interrupted.\n");
}

static pid_t session(void)
{
	pid_t pid = do_fork();
	char line[256];
	ssize_t n;
	int s;

	if (pid)
		return pid;
	close(master);
	setsid();
	s = open(slave_name, O_RDWR);
	must(s >= 0);
	must(ioctl(s, TIOCSCTTY, 0) == 0 || errno == EPERM);
	dup2(s, 0);
	dup2(s, 1);
	dup2(s, 2);
	signal(SIGWINCH, winch);
	signal(SIGINT, on_interrupt);
	dprintf(1, "ready.\n");
	for (;;) {
		n = read(0, line, sizeof(line) - 1);
		if (n < 0 && errno == EINTR)
			continue;
		/* the end of the line wakes us before its signal arrives */
		while (n < 0)
			pause();
		if (!n)
			_exit(17);
		line[n] = 0;
		if (!strcmp(line, "q"))
			_exit(16);
		dprintf(1, "line %zd: %s", n, line);
	}
}

static void new_terminal(void)
{
	master = posix_openpt(O_RDWR | O_NOCTTY);
	must(master >= 0);
	is(grantpt(master) | unlockpt(master), 0, "a pseudo-terminal");
	must(ptsname_r(master, slave_name, sizeof(slave_name)) == 0);
}

int main(void)
{
	struct winsize w = { 33, 99, 0, 0 };
	struct termios t;
	pid_t pid;

	new_terminal();
	ioctl(master, TIOCSWINSZ, &w);
	pid = session();
	ok(sees("ready."), "a session on it");
	types("hello\n");
	ok(sees("hello\r\nline 6: hello\r\n"), "a line is echoed and read");
	types("wrogn\177\177ng\n");
	ok(sees("line 6: wrong\r\n"), "the line is edited");
	types("\003");
	ok(sees("interrupted."), "^C interrupts");
	w.ws_row = 44;
	ioctl(master, TIOCSWINSZ, &w);
	ok(sees("size 44x99."), "a new window size is told");
	tcgetattr(master, &t);
	t.c_lflag &= ~(ICANON | ECHO);
	tcsetattr(master, TCSANOW, &t);
	types("k");
	ok(sees("line 1: k"), "a key without a line");
	types("q");
	is(reap(pid), EXITED(16), "nor a second");
	close(master);
	new_terminal();
	pid = session();
	ok(sees("ready."), "another session");
	types("\004");
	is(reap(pid), EXITED(17), "^D ends its input");
	close(master);
	new_terminal();
	pid = session();
	ok(sees("ready."), "and one more");
	close(master);
	is(reap(pid) & 0x7f, SIGHUP, "is hung up when the terminal goes");
	return done();
}
