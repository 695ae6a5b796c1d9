// SPDX-License-Identifier: GPL-2.0-only
/* kernelet stop: the end of a guest. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "control.h"
#include "disks.h"
#include "options.h"

#define LOOK_MS	200

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

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* Whether disks have been read or written since the last time. */
static bool disks_work(const char *name, char **before)
{
	char *after = disks_counted(name);
	bool work = *after && strcmp(after, *before);

	free(*before);
	*before = after;
	return work;
}

/*
 * Whether it ended in time; its launcher hangs up when it does.  Once its processes
 * have ended it has all the time it takes to put on disks what they wrote; and so have
 * processes that were made to end (@made_to) and write while they do.
 */
static bool wait_for_end(int socket, const char *name, bool made_to)
{
	char *before __auto_free = made_to ? disks_counted(name) : NULL;
	struct pollfd p = { .fd = socket, .events = POLLIN };
	double end = now() + settings.timeout;
	bool said = false;
	char state[64];

	for (;;) {
		if (!control_exchange(socket, state, sizeof(state), NULL, "state") ||
		    poll(&p, 1, LOOK_MS) > 0)
			return true;
		if (now() < end)
			continue;
		if (strcmp(state, "+settling") && !(made_to && disks_work(name, &before)))
			return false;
		if (!said)
			complain("%s: what was written there is being put on disks (--force does not "
				 "wait)", name);
		said = true;
		end = now() + settings.timeout;
	}
}

/* Whether it has ended after a request. */
static bool ended_by(const char *request, int socket, const char *name)
{
	char answer[64];

	return !control_exchange(socket, answer, sizeof(answer), NULL, "%s", request) ||
	       wait_for_end(socket, name, !strcmp(request, "stop now"));
}

/* Return: the exit status. */
static int stop(const char *name)
{
	char *trouble __auto_free = NULL;
	int socket __auto_fd = entry_connect(name, &trouble);

	if (socket < 0) {
		complain("%s", trouble);
		return EXIT_USAGE;
	}
	if (!settings.force && (ended_by("stop", socket, name) ||
				ended_by("stop now", socket, name)))
		return 0;
	if (!ended_by("kill", socket, name)) {
		complain("%s: it does not end", name);
		return EXIT_USAGE;
	}
	if (settings.force)
		return 0;
	complain("%s: was killed; what it had not written is lost", name);
	return 1;
}

static int run(int argc, char **argv)
{
	int i, status = 0;

	if (!argc)
		fail("stop: which guest? (see kernelet ps)");
	for (i = 0; i < argc; i++) {
		int each = stop(argv[i]);

		status = each > status ? each : status;
	}
	return status;
}

const struct command cmd_stop = {
	.name = "stop",
	.summary = "End guests.",
	.operands = "NAME...",
	.complete = "guest",
	.text = "The processes in the guest are asked to end (SIGTERM), and made to (SIGKILL) if they\n"
		"take too long.  What they have written is put on disks then, however long that\n"
		"takes.  A guest whose init does not answer to this is killed, and the exit status is 1;\n"
		"then, and with --force, it is as after a power failure.",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.settings = &settings,
	.run = run,
};
