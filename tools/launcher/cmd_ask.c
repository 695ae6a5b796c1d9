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
	int i;

	if (!argc)
		fail("%s: which guest? (see kernelet ps)", what);
	for (i = 0; i < argc; i++)
		free(control_ask(argv[i], NULL, "%s", what));
	return 0;
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
} settings;

static const struct option log_options[] = {
	OPTION(struct settings, follow, .name = "follow", .letter = 'f', .kind = OPT_FLAG,
	       .help = "go on until the guest ends"),
};

static int run_log(int argc, char **argv)
{
	size_t at = 0;

	if (argc != 1)
		fail("log: say kernelet log NAME (see kernelet ps)");
	for (;;) {
		char *text __auto_free = control_ask(argv[0], NULL, "log %zu", at);
		size_t n = strlen(text);

		fwrite(text, 1, n, stdout);
		at += n;
		if (n)
			continue;
		if (!settings.follow)
			return 0;
		fflush(stdout);
		usleep(FOLLOW_US);
	}
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
	.text = "The launcher keeps the last of them.",
	.options = log_options,
	.n_options = ARRAY_SIZE(log_options),
	.settings = &settings,
	.run = run_log,
};
