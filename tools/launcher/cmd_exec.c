// SPDX-License-Identifier: GPL-2.0-only
/* kernelet exec: one more command in a guest that runs. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../session_abi.h"
#include "control.h"
#include "options.h"
#include "terminal.h"

static struct settings {
	bool root_user;
	const char *dir;
	struct words env;
} settings;

static const struct option options[] = {
	OPTION(struct settings, root_user, .name = "root-user", .kind = OPT_FLAG,
	       .help = "be root in the guest"),
	OPTION(struct settings, dir, .name = "dir", .letter = 'd', .kind = OPT_TEXT,
	       .value = "PATH", .help = "working directory in the guest"),
	OPTION(struct settings, env, .name = "env", .letter = 'e', .kind = OPT_LIST,
	       .value = "NAME[=VALUE]", .help = "pass on this variable too, or set it"),
};

static struct session session;
static int killed_by;

static void one_signal(int signal)
{
	if (signal == SIGWINCH)
		session_resize(&session);
	else if (signal == SIGINT || signal == SIGQUIT)
		session_signal(&session, signal);
	else
		killed_by = signal;
}

static void make_request(const char *name, int argc, char **argv)
{
	char *home __auto_free = entry_info(name, "home");
	char *dir __auto_free = entry_info(name, "dir");
	int i;

	request_add_caller(&session, settings.root_user, *home, &settings.env);
	if (settings.dir || *dir)
		request_add(&session, REC_DIR, "%s", settings.dir ? settings.dir : dir);
	for (i = 0; i < argc; i++)
		request_add(&session, REC_ARG, "%s", argv[i]);
}

static int run(int argc, char **argv)
{
	static const int watched[] = { SIGWINCH, SIGINT, SIGQUIT, SIGTERM, SIGHUP };
	const char *name = argv[0];
	struct streams streams;
	int channel;

	if (!argc)
		fail("exec: which guest? Say kernelet exec NAME -- COMMAND (see kernelet ps)");
	argc--;
	argv++;
	if (argc && argv[0][0] == '-') {
		if (strcmp(argv[0], "--"))
			fail("exec: %s: options go before the guest's name, and a command that begins "
			     "with - behind --", argv[0]);
		argc--;
		argv++;
	}
	make_request(name, argc, argv);
	channel = control_channel(name);
	streams_look(&streams, false);
	signal(SIGPIPE, SIG_IGN);
	loop_signals(watched, ARRAY_SIZE(watched), one_signal);
	session_open(&session, channel, &streams);
	while (session.code < 0 && !session.lost && !killed_by)
		loop_turn(-1);
	while (!killed_by && session_left(&session))
		loop_turn(-1);
	terminal_restore();
	if (killed_by)
		return 128 + killed_by;
	if (session.code >= 0)
		return session.code;
	complain("%s: the guest has ended", name);
	return EXIT_GUEST;
}

const struct command cmd_exec = {
	.name = "exec",
	.summary = "Run one more command, or a shell, in a guest that runs.",
	.operands = "NAME [--] [command [argument]...]",
	.complete = "guest",
	.text = "Streams, terminal and exit status are as for run.\n"
		"When exec itself is killed, so is the command.",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.settings = &settings,
	.run = run,
};
