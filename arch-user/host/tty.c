// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's terminals: raw while the guest runs, and set back in every case.
 *
 * A process that is killed cannot set anything back, so a guard process, made
 * at the start when a console is a terminal, waits for the end of a pipe whose
 * other end only this process holds.  A byte on the pipe tells it that there
 * is nothing left to do.
 */
#include <uapi/asm-generic/ioctls.h>
#include <uapi/asm-generic/termbits.h>
#include <uapi/linux/close_range.h>
#include "state.h"
#include "syscall.h"

static int console_tty_fd(int n)
{
	struct host_console *c = &host->boot.console[n];

	if (c->in_tty)
		return c->in;
	return c->out_tty ? c->out : -1;
}

static void set_back(void)
{
	int n;

	for (n = 0; n < HOST_MAX_CONSOLES; n++) {
		int fd = console_tty_fd(n);

		if (fd >= 0)
			sys3(__NR_ioctl, fd, TCSETSW, &host->tty_saved[n]);
	}
}

/* Keep the terminals and the pipe, drop all other descriptors. */
static void close_others(int keep)
{
	int fd, last = 0;

	for (fd = 0; fd <= 1023; fd++) {
		bool wanted = fd == keep;
		int n;

		for (n = 0; n < HOST_MAX_CONSOLES; n++)
			wanted |= fd == console_tty_fd(n);
		if (!wanted)
			continue;
		if (fd > last)
			sys3(__NR_close_range, last, fd - 1, 0);
		last = fd + 1;
	}
	sys3(__NR_close_range, last, ~0U, 0);
}

static void __noreturn watch_over(int fd)
{
	u64 all = ~0ULL;
	char c;

	sys4(__NR_rt_sigprocmask, HOST_SIG_SETMASK, &all, NULL, 8);
	close_others(fd);
	if (host_read_wait(fd, &c, 1) != 1)
		set_back();
	for (;;)
		sys1(__NR_exit_group, 0);
}

/**
 * host_tty_start() - remember how terminals are set, and start the guard
 */
void host_tty_start(void)
{
	int fds[2];
	bool any = false;
	long pid;
	int n;

	host->guard_pipe = -1;
	for (n = 0; n < HOST_MAX_CONSOLES; n++) {
		int fd = console_tty_fd(n);

		if (fd >= 0 && !sys3(__NR_ioctl, fd, TCGETS, &host->tty_saved[n]))
			any = true;
	}
	if (!any)
		return;
	if (sys2(__NR_pipe2, fds, HOST_O_CLOEXEC) < 0)
		host_usage_error("console", "the host gives no pipe", NULL);
	pid = sys5(__NR_clone, HOST_SIGCHLD, 0, 0, 0, 0);
	if (pid < 0)
		host_usage_error("console", "the host gives no process", "check ulimit -u");
	if (!pid) {
		sys1(__NR_close, fds[1]);
		watch_over(fds[0]);
	}
	sys1(__NR_close, fds[0]);
	host->guard_pid = pid;
	host->guard_pipe = fds[1];
}

int host_tty_raw(int fd)
{
	struct ktermios t;
	long ret = sys3(__NR_ioctl, fd, TCGETS, &t);

	if (ret)
		return ret;
	t.c_iflag &= ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
	t.c_oflag &= ~OPOST;
	t.c_lflag &= ~(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
	t.c_cflag = (t.c_cflag & ~(CSIZE | PARENB)) | CS8;
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	host->tty_changed = true;
	return sys3(__NR_ioctl, fd, TCSETSW, &t);
}

/**
 * host_tty_restore() - set terminals back and send the guard home
 */
void host_tty_restore(void)
{
	if (host->tty_changed)
		set_back();
	if (host->guard_pipe < 0)
		return;
	host_write_wait(host->guard_pipe, "x", 1);
	sys4(__NR_wait4, host->guard_pid, NULL, 0, NULL);
}
