/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Subcommands and their options: each has one table from which the parser, the
 * help, the completion and the manual page are made.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stddef.h>
#include "util.h"

enum option_kind {
	OPT_FLAG,		/* bool */
	OPT_TEXT,		/* const char * */
	OPT_NUMBER,		/* unsigned long, above 0 */
	OPT_SECONDS,		/* double: 10, 1.5, 5m, 2h */
	OPT_SIZE,		/* const char *, checked: 512M */
	OPT_LIST,		/* struct words: may be given again */
};

/**
 * struct option - an option
 * @name:	without the dashes
 * @letter:	short form, or 0
 * @kind:	what it takes, and the type of the field that gets it
 * @field:	offset of that field in the subcommand's settings
 * @value:	name of its value in the help
 * @complete:	what a shell may complete: "file", "directory", "guest", or words
 * @bare:	its value when none is given, or NULL
 * @is_value:	whether the next word is one, for those with @bare
 * @help:	what it does
 */
struct option {
	const char *name;
	char letter;
	enum option_kind kind;
	size_t field;
	const char *value;
	const char *complete;
	const char *bare;
	bool (*is_value)(const char *word);
	const char *help;
};

#define OPTION(type, member, ...) { .field = offsetof(type, member), __VA_ARGS__ }

/**
 * struct command - a subcommand
 * @name:	as it is typed, one word or two
 * @summary:	one line
 * @operands:	what follows the options, for the usage line
 * @complete:	as for options, for the first operand
 * @text:	paragraphs of the manual page
 * @options:	its options
 * @n_options:	how many
 * @settings:	where options are stored; their defaults
 * @run:	does it; gets the operands; returns the exit status
 */
struct command {
	const char *name;
	const char *summary;
	const char *operands;
	const char *complete;
	const char *text;
	const struct option *options;
	size_t n_options;
	void *settings;
	int (*run)(int argc, char **argv);
};

extern const struct command *const commands[];
extern const size_t n_commands;

/**
 * command_run() - parse a subcommand's options and do it
 * @c:		the subcommand
 * @argc:	words after its name
 * @argv:	ditto
 */
int command_run(const struct command *c, int argc, char **argv);

/**
 * command_option() - take an option that stands among the operands
 * @c:		the subcommand
 * @argc:	words that are left, at least one
 * @argv:	ditto
 *
 * Return: how many words it took, 0 when the first one is an operand.
 */
int command_option(const struct command *c, int argc, char **argv);

/**
 * command_find() - by name, which may be of two words
 * @argc:	words of the command line
 * @argv:	ditto
 * @used:	result: how many of them are the name
 *
 * Ends the program when there is none.
 */
const struct command *command_find(int argc, char **argv, int *used);

/**
 * command_help() - print what --help shows
 */
void command_help(const struct command *c, FILE *out);

/**
 * option_write() - how an option is written, for help and manual
 * @o:		the option
 * @out:	where to
 */
void option_write(const struct option *o, FILE *out);

#endif /* OPTIONS_H */
