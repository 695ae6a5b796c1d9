// SPDX-License-Identifier: GPL-2.0-only
/*
 * The boot console: kernel messages go straight to con0's output until hvc0
 * takes over, so that a panic before that is seen.
 */
#include <linux/console.h>
#include <linux/init.h>
#include <asm/host.h>
#include <asm/host_events.h>

static void early_write(struct console *con, const char *s, unsigned int n)
{
	int fd = host_boot_info()->console[0].out;

	while (fd >= 0 && n) {
		long done = host_write(fd, s, n);

		if (done > 0) {
			s += done;
			n -= done;
		} else if (done == -EAGAIN) {
			host_yield();
		} else {
			return;
		}
	}
}

static struct console early_console_dev = {
	.name	= "early",
	.write	= early_write,
	.flags	= CON_PRINTBUFFER | CON_BOOT | CON_ANYTIME,
	.index	= -1,
};

void __init user_early_console(void)
{
	register_console(&early_console_dev);
}
