// SPDX-License-Identifier: GPL-2.0-only
/* kernelet ps, kernelet stats: the guests that run, and what they use. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include "control.h"
#include "disks.h"
#include "options.h"

#define ANSWER_S	1	/* of a launcher, for ps */

static struct settings {
	bool json;
} settings;

static const struct option options[] = {
	OPTION(struct settings, json, .name = "json", .kind = OPT_FLAG, .help = "as JSON"),
};

/**
 * struct column - a column of a table
 * @key:	of the information, and in JSON
 * @title:	above the column
 * @width:	of the column
 * @number:	not quoted in JSON
 */
struct column {
	const char *key;
	const char *title;
	int width;
	bool number;
};

static const struct column ps_columns[] = {
	{ "name", "NAME", 16, false },
	{ "pid", "PID", 8, true },
	{ "state", "STATE", 9, false },
	{ "age", "AGE", 8, true },
	{ "cpus", "CPUS", 5, true },
	{ "memory", "MEMORY", 8, true },
	{ "root", "ROOT", 20, false },
	{ "command", "COMMAND", 0, false },
};

static const struct column stats_columns[] = {
	{ "name", "NAME", 16, false },
	{ "pid", "PID", 8, true },
	{ "state", "STATE", 8, false },
	{ "processes", "PROCS", 7, true },
	{ "cpu", "CPU-SECONDS", 13, true },
	{ "memory", "HOST-MEMORY", 13, true },
	{ "read", "DISK-READ", 13, true },
	{ "written", "DISK-WRITTEN", 0, true },
};

/* The value of a line KEY=VALUE. */
static char *line_value(const char *text, const char *key)
{
	size_t n = strlen(key);

	while (*text) {
		size_t line = strcspn(text, "\n");

		if (!strncmp(text, key, n) && text[n] == '=')
			return print("%.*s", (int)(line - n - 1), text + n + 1);
		text += line + (text[line] == '\n');
	}
	return print("%s", "");
}

/* A size as --memory has it, in bytes. */
static char *in_bytes(const char *size)
{
	static const char units[] = "kmgt";
	char *end;
	unsigned long n = strtoul(size, &end, 10);
	const char *unit = *end ? strchr(units, *end | 0x20) : NULL;

	return print("%lu", unit ? n << 10 * (unit - units + 1) : n);
}

static char *value_of(const char *name, const char *key, const char *facts)
{
	if (!strcmp(key, "name"))
		return print("%s", name);
	if (!strcmp(key, "age")) {
		char *started __auto_free = line_value(facts, "started");

		return print("%ld", time(NULL) - atol(started));
	}
	if (settings.json && !strcmp(key, "memory")) {
		char *size __auto_free = line_value(facts, key);

		return in_bytes(size);
	}
	return line_value(facts, key);
}

static void show_json(const struct column *c, const char *value)
{
	printf("\"%s\": ", c->key);
	if (c->number)
		fputs(*value ? value : "null", stdout);
	else
		json_text(stdout, value);
}

static void show_text(const struct column *c, const char *value, char end)
{
	char *clean __auto_free = text_clean(value, strlen(value), "");

	printf("%-*s%c", c->width - 1, !*value && c->number ? "-" : clean, end);
}

static void show_guest(const struct column *c, size_t n, const char *name, const char *facts)
{
	size_t i;

	for (i = 0; i < n; i++) {
		char *v __auto_free = value_of(name, c[i].key, facts);

		if (settings.json) {
			fputs(i ? ", " : "{ ", stdout);
			show_json(&c[i], v);
		} else {
			show_text(&c[i], v, i + 1 < n ? ' ' : '\n');
		}
	}
	if (settings.json)
		fputs(" }", stdout);
}

/* Whether it is paused; nobody waits long for a launcher that is stopped, or busy. */
static char *state_of(const char *name)
{
	struct timeval patience = { .tv_sec = ANSWER_S };
	char *trouble __auto_free = NULL;
	int socket __auto_fd = entry_connect(name, &trouble);
	char text[64];

	setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (socket < 0 || !control_exchange(socket, text, sizeof(text), NULL, "state"))
		return print("state=unknown\n");
	return print("state=%s\n", text + 1);
}

/* What is known of a guest, lines KEY=VALUE; NULL when it does not run. */
static char *facts_of(const char *name, bool stats, char **trouble)
{
	char *used __auto_free = stats ? control_try(name, trouble, "stats") : state_of(name);
	char *info __auto_free = used ? entry_text(name) : NULL;
	char *disks __auto_free = info && stats ? disks_counted(name) : print("%s", "");

	if (used && !info)
		*trouble = print("%s: it has ended", name);
	return info ? print("%s%s%s", used, disks, info) : NULL;
}

/* A guest that ends meanwhile is left out, unless it was @asked_for. */
static int show(const struct column *c, size_t n, const struct words *names, bool stats,
		bool asked_for)
{
	size_t i, shown = 0;
	int status = 0;

	for (i = 0; i < n && !settings.json; i++)
		printf("%-*s%s", c[i].width - 1, c[i].title, i + 1 < n ? " " : "\n");
	if (settings.json)
		putchar('[');
	for (i = 0; i < names->n; i++) {
		char *trouble __auto_free = NULL;
		char *facts __auto_free = facts_of(names->v[i], stats, &trouble);

		if (!facts && asked_for) {
			complain("%s", trouble);
			status = EXIT_USAGE;
		}
		if (!facts)
			continue;
		if (settings.json)
			fputs(shown ? ",\n  " : "\n  ", stdout);
		show_guest(c, n, names->v[i], facts);
		shown++;
	}
	if (settings.json)
		fputs(shown ? "\n]\n" : "]\n", stdout);
	return status;
}

static int run_ps(int argc, char **argv)
{
	struct words names = entries();

	if (argc)
		fail("ps: %s: it takes no operand", argv[0]);
	return show(ps_columns, ARRAY_SIZE(ps_columns), &names, false, false);
}

static int run_stats(int argc, char **argv)
{
	struct words all = entries(), some = { argv, argc };

	return show(stats_columns, ARRAY_SIZE(stats_columns), argc ? &some : &all, true, argc);
}

const struct command cmd_ps = {
	.name = "ps",
	.summary = "List the guests that run.",
	.operands = "",
	.text = "A guest is running or paused, or settling: its processes have ended, and what they\n"
		"wrote is put on disks.  That is unknown when its launcher does not answer in a\n"
		"second.  Age is in seconds, and memory in JSON in bytes.",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.settings = &settings,
	.run = run_ps,
};

const struct command cmd_stats = {
	.name = "stats",
	.summary = "Show what guests use of the host.",
	.operands = "[NAME]...",
	.complete = "guest",
	.text = "Processes and CPU seconds are of the processes that live now;\n"
		"memory is the host memory that the guest's kernel has mapped, in bytes; of disks,\n"
		"the bytes that have been read and written (see kernelet disk list for each).  One that\n"
		"is paused cannot tell those: they are - in the table, and null in JSON.  In JSON, also of\n"
		"ps, a byte of a word that is not UTF-8 is the character of its number, \\u0080 to \\u00ff.",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.settings = &settings,
	.run = run_stats,
};
