// SPDX-License-Identifier: GPL-2.0-only
/* kernelet pause, resume, sysrq and log: short requests. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "control.h"
#include "options.h"

#define FOLLOW_US	200000

static int ask_all(int argc, char **argv, const char *what)
{
	if (!argc)
		fail("%s: which guest? (see kernelet ps)", what);
	return control_try_all(argc, argv, what);
}

static int run_pause(int argc, char **argv)
{
	return ask_all(argc, argv, "pause");
}

static int run_resume(int argc, char **argv)
{
	return ask_all(argc, argv, "resume");
}

static int run_sysrq(int argc, char **argv)
{
	if (argc != 2 || strlen(argv[1]) != 1)
		fail("sysrq: say kernelet sysrq NAME LETTER, for example t for all tasks");
	free(control_ask(argv[0], NULL, "sysrq %s", argv[1]));
	return 0;
}

static struct settings {
	bool follow;
	bool raw;
} settings;

static const struct option log_options[] = {
	OPTION(struct settings, follow, .name = "follow", .letter = 'f', .kind = OPT_FLAG,
	       .help = "go on until the guest ends"),
	OPTION(struct settings, raw, .name = "raw", .kind = OPT_FLAG,
	       .help = "with control characters, as the guest has written them"),
};

static void show_log(const char *text, size_t n)
{
	char *clean __auto_free = settings.raw ? NULL : text_clean(text, n, "\n\t");

	if (clean)
		fputs(clean, stdout);
	else
		fwrite(text, 1, n, stdout);
}

static int run_log(int argc, char **argv)
{
	char text[CONTROL_PACKET + 1], *trouble;
	size_t n, at = 0, from;
	int socket __auto_fd = -1;

	if (argc != 1)
		fail("log: say kernelet log NAME (see kernelet ps)");
	socket = entry_connect(argv[0], &trouble);
	if (socket < 0)
		fail("%s", trouble);
	/* "+", where the text stands in all there ever was, a line's end, the text */
	while ((n = control_exchange(socket, text, sizeof(text), NULL, "log %zu", at))) {
		char *body = memchr(text, '\n', n);

		if (!body || *text != '+')
			fail("%s: its launcher is of another version", argv[0]);
		from = strtoul(text + 1, NULL, 10);
		n -= ++body - text;
		if (at && from > at)
			complain("log: %zu bytes came too fast, and are lost", from - at);
		show_log(body, n);
		at = from + n;
		if (n)
			continue;
		if (!settings.follow)
			return 0;
		fflush(stdout);
		usleep(FOLLOW_US);
	}
	return 0;
}

const struct command cmd_pause = {
	.name = "pause",
	.summary = "Stop guests for a while.",
	.operands = "NAME...",
	.complete = "guest",
	.text = "",
	.run = run_pause,
};

const struct command cmd_resume = {
	.name = "resume",
	.summary = "Let guests that were paused go on.",
	.operands = "NAME...",
	.complete = "guest",
	.text = "",
	.run = run_resume,
};

const struct command cmd_sysrq = {
	.name = "sysrq",
	.summary = "Press SysRq in a guest: its kernel answers in its log.",
	.operands = "NAME LETTER",
	.complete = "guest",
	.text = "",
	.run = run_sysrq,
};

const struct command cmd_log = {
	.name = "log",
	.summary = "Show the messages of a guest's kernel.",
	.operands = "NAME",
	.complete = "guest",
	.text = "The launcher keeps the last of them.  Control characters are shown as '?', as the\n"
		"guest may write what it likes.",
	.options = log_options,
	.n_options = ARRAY_SIZE(log_options),
	.settings = &settings,
	.run = run_log,
};
