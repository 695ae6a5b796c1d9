// SPDX-License-Identifier: GPL-2.0-only
/* kernelet stop: the end of a guest. */
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>
#include "control.h"
#include "options.h"

static struct settings {
	bool force;
	double timeout;
} settings = { .timeout = 10 };

static const struct option options[] = {
	OPTION(struct settings, force, .name = "force", .letter = 'f', .kind = OPT_FLAG,
	       .help = "at once, without asking its processes"),
	OPTION(struct settings, timeout, .name = "timeout", .letter = 't', .kind = OPT_SECONDS,
	       .value = "TIME", .help = "how long they may take before they are made to (10)"),
};

/* Whether it ended in time; its launcher hangs up when it does. */
static bool wait_for_end(int socket, double seconds)
{
	struct pollfd p = { .fd = socket, .events = POLLIN };

	return poll(&p, 1, seconds * 1000) > 0;
}

static void stop(const char *name)
{
	int socket = entry_connect(name);

	free(control_ask(name, NULL, settings.force ? "kill" : "stop"));
	if (wait_for_end(socket, settings.timeout)) {
		close(socket);
		return;
	}
	if (!settings.force)
		free(control_ask(name, NULL, "kill"));
	if (!wait_for_end(socket, settings.timeout))
		fail("%s: it does not end", name);
	close(socket);
}

static int run(int argc, char **argv)
{
	int i;

	if (!argc)
		fail("stop: which guest? (see kernelet ps)");
	for (i = 0; i < argc; i++)
		stop(argv[i]);
	return 0;
}

const struct command cmd_stop = {
	.name = "stop",
	.summary = "End guests.",
	.operands = "NAME...",
	.complete = "guest",
	.text = "The processes in the guest are asked to end (SIGTERM), and made to if they\n"
		"take too long.  What is written to a root that persists is safe then;\n"
		"with --force it is as after a power failure.",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.settings = &settings,
	.run = run,
};
