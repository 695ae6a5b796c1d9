// SPDX-License-Identifier: GPL-2.0-only
/* kernelet console: a guest's console, with a shell for root. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "control.h"
#include "options.h"
#include "terminal.h"

#define LEAVE	0x1d	/* ^] */
#define KEYS	128	/* at a time: the launcher takes short packets */

static struct source keys, shown;
static bool done, ended, typed_at;

static void keys_ready(void *data, short happened)
{
	char buf[KEYS];
	ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));
	char *leave = typed_at && n > 0 ? memchr(buf, LEAVE, n) : NULL;

	(void)data;
	(void)happened;
	if (leave)
		n = leave - buf;
	if (n > 0)
		send(shown.fd, buf, n, MSG_NOSIGNAL);
	else if (!leave && (!n || (errno != EAGAIN && errno != EINTR)))
		keys.events = 0;	/* the end of a file: go on looking */
	if (leave)
		done = true;
}

static void shown_ready(void *data, short happened)
{
	char buf[32768];
	ssize_t n = recv(shown.fd, buf, sizeof(buf), 0);

	(void)data;
	(void)happened;
	if (n > 0)
		done |= write(STDOUT_FILENO, buf, n) < 0;
	else
		ended = true;
}

static void end(int signal)
{
	(void)signal;
	done = true;
}

static int run(int argc, char **argv)
{
	static const int ending[] = { SIGINT, SIGTERM, SIGHUP };
	char *request __auto_free = NULL;
	const char *term = getenv("TERM");
	uint16_t size[2];

	if (argc != 1)
		fail("console: say kernelet console NAME (see kernelet ps)");
	terminal_size(STDIN_FILENO, size);
	request = print("console %u %u %.40s", size[0], size[1], term ? term : "linux");
	shown = (struct source){ control_open(argv[0], request), POLLIN, shown_ready, NULL };
	keys = (struct source){ STDIN_FILENO, POLLIN, keys_ready, NULL };
	loop_signals(ending, ARRAY_SIZE(ending), end);
	loop_add(&shown);
	typed_at = isatty(STDIN_FILENO);
	if (typed_at) {
		complain("the console of %s; ^] leaves it", argv[0]);
		terminal_raw(STDIN_FILENO, &keys);
	} else {
		loop_add(&keys);
	}
	while (!done && !ended)
		loop_turn(-1);
	terminal_restore();
	if (ended)
		complain("%s: the guest has ended", argv[0]);
	return 0;
}

const struct command cmd_console = {
	.name = "console",
	.summary = "Look at a guest's console, where root has a shell; ^] leaves it.",
	.operands = "NAME",
	.complete = "guest",
	.text = "The console shows the kernel's messages, the last of them at once.  The shell\n"
		"goes on when the console is left.  For commands exec is better suited.",
	.run = run,
};
