// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's terminals: raw while the guest runs, and set back in every case.
 *
 * A process that is killed cannot set anything back: the guard (guard.c) does
 * it, in every case.
 */
#include <uapi/asm-generic/ioctls.h>
#include <uapi/asm-generic/termbits.h>
#include "state.h"
#include "syscall.h"

/**
 * host_console_tty() - a console's terminal
 * @n:		which console
 *
 * Return: a descriptor, or -1.
 */
int host_console_tty(int n)
{
	struct host_console *c = &host->boot.console[n];

	if (c->in_tty)
		return c->in;
	return c->out_tty ? c->out : -1;
}

/**
 * host_tty_set_back() - set the terminals as they were at the start
 *
 * Context: the guard.
 *
 * #guard-syscalls: ioctl(_, TCSETSW)
 */
void host_tty_set_back(void)
{
	int n;

	for (n = 0; n < HOST_MAX_CONSOLES; n++) {
		int fd = host_console_tty(n);

		if (fd >= 0)
			sys3(__NR_ioctl, fd, TCSETSW, &host->tty_saved[n]);
	}
}

/**
 * host_tty_start() - remember how terminals are set
 */
void host_tty_start(void)
{
	int n;

	for (n = 0; n < HOST_MAX_CONSOLES; n++) {
		int fd = host_console_tty(n);

		if (fd >= 0)
			sys3(__NR_ioctl, fd, TCGETS, &host->tty_saved[n]);
	}
}

/* #syscalls: ioctl(_, TCGETS) ioctl(_, TCSETSW) */
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
	return sys3(__NR_ioctl, fd, TCSETSW, &t);
}
