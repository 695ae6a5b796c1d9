// SPDX-License-Identifier: GPL-2.0-only
/* The parser of options, and what it says when it does not understand. */
#include <stdlib.h>
#include <string.h>
#include "options.h"

/* ---- the nearest name ----------------------------------------------------- */

#define NAME_MAX_LENGTH	32

/* How many letters have to be changed, added or left out (Levenshtein). */
static size_t distance(const char *a, const char *b)
{
	size_t row[NAME_MAX_LENGTH + 1], n = strlen(b), i, j;

	if (n > NAME_MAX_LENGTH)
		return n;
	for (j = 0; j <= n; j++)
		row[j] = j;
	for (i = 0; a[i]; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (j = 1; j <= n; j++) {
			size_t best = diagonal + (a[i] != b[j - 1]);

			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[n];
}

static void consider(const char *word, const char *name, const char **best, size_t *least)
{
	size_t d = distance(word, name);

	if (!strncmp(word, name, strlen(word)))
		d = 0;		/* an abbreviation */
	if (d < *least) {
		*least = d;
		*best = name;
	}
}

static void __noreturn unknown_option(const struct command *c, const char *word)
{
	const char *best = "help";
	size_t least = 100, i, n = strcspn(word, "=");

	for (i = 0; i < c->n_options; i++)
		consider(word, c->options[i].name, &best, &least);
	consider(word, "help", &best, &least);
	fail("%s: no option --%.*s; the nearest is --%s (see kernelet %s --help)", c->name,
	     (int)n, word, best, c->name);
}

static const char *operand_of(int argc, char **argv)
{
	return argc > 1 && argv[1][0] != '-' ? argv[1] : "";
}

const struct command *command_find(int argc, char **argv, int *used)
{
	char *two __auto_free = print("%s %s", argv[0], operand_of(argc, argv));
	const char *best = "run", *typed = argv[0];
	size_t least = 100, i;

	for (i = 0; i < n_commands; i++) {
		const char *name = commands[i]->name, *space = strchr(name, ' ');

		*used = space ? 2 : 1;
		if (!strcmp(name, space ? two : argv[0]))
			return commands[i];
		/* the first word of two is right */
		if (space && !strncmp(two, name, space - name + 1))
			typed = two;
		consider(space ? two : argv[0], name, &best, &least);
	}
	fail("no subcommand %s; the nearest is %s (see kernelet --help)", typed, best);
}

/* ---- values --------------------------------------------------------------- */

static void parse_number(const struct option *o, const char *value, unsigned long *field)
{
	char *end;

	*field = strtoul(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || !*field)
		fail("--%s=%s: not a whole number above 0", o->name, value);
}

static void parse_seconds(const struct option *o, const char *value, double *field)
{
	static const struct {
		const char *unit;
		double factor;
	} units[] = { { "", 1 }, { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 } };
	char *end;
	size_t i;

	*field = strtod(value, &end);
	for (i = 0; i < ARRAY_SIZE(units); i++)
		if (!strcmp(end, units[i].unit) && end != value && *field > 0 && *field < 1e8)
			break;
	if (i == ARRAY_SIZE(units))
		fail("--%s=%s: not a time; say for example 90, 1.5, 10m or 2h", o->name, value);
	*field *= units[i].factor;
}

static void check_size(const struct option *o, const char *value)
{
	char *end;

	if (*value >= '1' && *value <= '9') {
		strtoul(value, &end, 10);
		if (!*end || (strchr("kKmMgGtT", *end) && !end[1]))
			return;
	}
	fail("--%s=%s: not a size; say for example 512M or 2G", o->name, value);
}

static void set(const struct command *c, const struct option *o, char *value)
{
	void *field = (char *)c->settings + o->field;

	switch (o->kind) {
	case OPT_FLAG:
		break;		/* take() */
	case OPT_SIZE:
		check_size(o, value);
		*(const char **)field = value;
		break;
	case OPT_TEXT:
		*(const char **)field = value;
		break;
	case OPT_NUMBER:
		parse_number(o, value, field);
		break;
	case OPT_SECONDS:
		parse_seconds(o, value, field);
		break;
	case OPT_LIST:
		words_add(field, value);
		break;
	}
}

/* ---- words ---------------------------------------------------------------- */

static const struct option *find_long(const struct command *c, const char *word)
{
	size_t n = strcspn(word, "="), i;

	for (i = 0; i < c->n_options; i++)
		if (strlen(c->options[i].name) == n && !strncmp(c->options[i].name, word, n))
			return &c->options[i];
	unknown_option(c, word);
}

static const struct option *find_short(const struct command *c, char letter)
{
	size_t i;

	for (i = 0; i < c->n_options; i++)
		if (c->options[i].letter == letter)
			return &c->options[i];
	fail("%s: no option -%c (see kernelet %s --help)", c->name, letter, c->name);
}

/* Takes the option argv[0], and its value; returns how many words those are. */
static int take(const struct command *c, int argc, char **argv)
{
	bool is_long = argv[0][1] == '-';
	const struct option *o = is_long ? find_long(c, argv[0] + 2) : find_short(c, argv[0][1]);
	char *value = is_long ? strchr(argv[0], '=') : argv[0][2] ? argv[0] + 1 : NULL;

	if (value)
		value++;
	if (o->kind == OPT_FLAG) {
		if (value)
			fail("%s: it takes no value", argv[0]);
		*(bool *)((char *)c->settings + o->field) = true;
		return 1;
	}
	if (value) {
		set(c, o, value);
		return 1;
	}
	if (o->bare && (argc < 2 || !o->is_value(argv[1]))) {
		/* a word that stands before "--" is no command */
		if (argc > 2 && argv[1][0] != '-' && !strcmp(argv[2], "--"))
			fail("%s %s: not a value of it (see kernelet %s --help)", argv[0], argv[1],
			     c->name);
		set(c, o, (char *)o->bare);
		return 1;
	}
	if (argc < 2)
		fail("%s: it needs a value, %s", argv[0], o->value);
	set(c, o, argv[1]);
	return 2;
}

int command_option(const struct command *c, int argc, char **argv)
{
	return argv[0][0] == '-' && argv[0][1] ? take(c, argc, argv) : 0;
}

int command_run(const struct command *c, int argc, char **argv)
{
	while (argc && argv[0][0] == '-' && argv[0][1]) {
		int n;

		if (!strcmp(argv[0], "--")) {
			argc--;
			argv++;
			break;
		}
		if (!strcmp(argv[0], "--help") || !strcmp(argv[0], "-h")) {
			command_help(c, stdout);
			return 0;
		}
		n = take(c, argc, argv);
		argc -= n;
		argv += n;
	}
	return c->run(argc, argv);
}

/* ---- help ----------------------------------------------------------------- */

void option_write(const struct option *o, FILE *out)
{
	if (o->letter)
		fprintf(out, "-%c, ", o->letter);
	fprintf(out, "--%s", o->name);
	if (o->kind != OPT_FLAG)
		fprintf(out, " %s", o->value);
}

void command_help(const struct command *c, FILE *out)
{
	size_t i;

	fprintf(out, "usage: kernelet %s%s %s\n%s\n", c->name, c->n_options ? " [option]..." : "",
		c->operands, c->summary);
	for (i = 0; i < c->n_options; i++) {
		char *text __auto_free = NULL;
		size_t size;
		FILE *f = open_memstream(&text, &size);

		option_write(&c->options[i], f);
		fclose(f);
		fprintf(out, "%s  %-26s%s%s\n", i ? "" : "\n", text,
			size > 25 ? "\n                            " : "", c->options[i].help);
	}
	fprintf(out, "%s  %-26s%s\n", c->n_options ? "" : "\n", "-h, --help", "show this");
}
