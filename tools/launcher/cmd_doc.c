// SPDX-License-Identifier: GPL-2.0-only
/* kernelet completion, kernelet manual: made from the tables of subcommands. */
#include <string.h>
#include "options.h"
#include "shares.h"

/* ---- completion ----------------------------------------------------------- */

/* The words of bash that give what may stand for a value. */
static const char *completion_of(const char *what)
{
	static char words[256];

	if (!what)
		return ":";
	if (!strcmp(what, "file"))
		return "_kernelet_files -f";
	if (!strcmp(what, "directory"))
		return "_kernelet_files -d";
	if (!strcmp(what, "guest"))
		return "_kernelet_offer -W \"$(_kernelet_guests)\"";
	snprintf(words, sizeof(words), "_kernelet_offer -W '%s'", what);
	return words;
}

/* Words that are no options: behind "--" there is a command, if the subcommand takes one. */
static void complete_operands(const struct command *c)
{
	if (strstr(c->operands, "[command"))
		printf("\t\tif [ $behind = 1 ]; then\n\t\t\t_kernelet_files -c\n"
		       "\t\telif [ $behind != 0 ]; then\n\t\t\t_kernelet_files -f\n"
		       "\t\telse\n\t\t\t%s\n\t\tfi ;;\n",
		       completion_of(c->complete ? c->complete : "file"));
	else
		printf("\t\t%s ;;\n",
		       completion_of(c->complete || !*c->operands ? c->complete : "file"));
}

static void complete_options(const struct command *c)
{
	size_t i;

	printf("\t'%s')\n\t\tcase $behind$prev in\n", c->name);
	for (i = 0; i < c->n_options; i++) {
		const struct option *o = &c->options[i];

		if (o->kind == OPT_FLAG)
			continue;
		printf("\t\t0--%s", o->name);
		if (o->letter)
			printf("|0-%c", o->letter);
		printf(") %s; return ;;\n", completion_of(o->complete));
	}
	printf("\t\tesac\n\t\tcase $behind$cur in\n\t\t0-*) _kernelet_offer -W '");
	for (i = 0; i < c->n_options; i++)
		printf("--%s ", c->options[i].name);
	printf("--help'; return ;;\n\t\tesac\n");
	complete_operands(c);
}

static size_t first_word(const char *name)
{
	return strcspn(name, " ");
}

/* Of the subcommands whose names begin with the same word the first. */
static bool is_first(size_t i)
{
	size_t j, n = first_word(commands[i]->name);

	for (j = 0; j < i; j++)
		if (first_word(commands[j]->name) == n &&
		    !strncmp(commands[i]->name, commands[j]->name, n))
			return false;
	return true;
}

/* The first words of subcommands, or the second ones of those with that name's first. */
static void complete_words(const char *name)
{
	size_t i, n = name ? first_word(name) : 0;

	for (i = 0; i < n_commands; i++) {
		const char *each = commands[i]->name;

		if (!name && is_first(i))
			printf("%.*s ", (int)first_word(each), each);
		else if (name && first_word(each) == n && !strncmp(each, name, n + 1))
			printf("%s ", each + n + 1);
	}
}

/* A first word may be a subcommand itself, whose operands are offered, too. */
static void complete_second(const char *name)
{
	int n = first_word(name);
	size_t i;

	printf("\tif [ \"$sub\" = %.*s ]; then\n"
	       "\t\tif [ \"$COMP_CWORD\" = 2 ] && [ \"${cur#-}\" = \"$cur\" ]; then\n"
	       "\t\t\t_kernelet_offer -W '", n, name);
	complete_words(name);
	for (i = 0; i < n_commands; i++)
		if (!strncmp(commands[i]->name, name, n) && !commands[i]->name[n] &&
		    commands[i]->complete)
			printf("%s", commands[i]->complete);
	printf("'\n\t\t\treturn\n\t\tfi\n"
	       "\t\tcase ${COMP_WORDS[2]} in\n\t\t");
	for (i = 0; i < n_commands; i++)
		if (!strncmp(commands[i]->name, name, n) && commands[i]->name[n])
			printf("%s) sub=\"$sub ${COMP_WORDS[2]}\" ;; ", commands[i]->name + n + 1);
	printf("\n\t\tesac\n\tfi\n");
}

/*
 * $cur is what is to be completed, $prev the word before it, $head what is part of
 * the same word for bash and stays, $behind how many words there are from "--" on.
 */
static const char completion_head[] =
	"# Completion of kernelet for bash: source it, or install it as\n"
	"# PREFIX/share/bash-completion/completions/kernelet\n"
	"_kernelet_guests()\n{\n"
	"\tkernelet ps 2>/dev/null | awk 'NR > 1 { print $1 }'\n}\n\n"
	"# By compgen; a name may hold spaces.\n"
	"_kernelet_offer()\n{\n"
	"\tmapfile -t COMPREPLY < <(compgen -P \"$head\" \"$@\" -- \"$cur\")\n}\n\n"
	"_kernelet_files()\n{\n"
	"\tcompopt -o filenames 2>/dev/null\n\t_kernelet_offer \"$@\"\n}\n\n"
	"_kernelet()\n{\n\tlocal cur=${COMP_WORDS[COMP_CWORD]}\n"
	"\tlocal prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	"\tlocal sub=${COMP_WORDS[1]} head='' behind=0 i\n\n"
	"\tCOMPREPLY=()\n"
	"\tfor ((i = 2; i < COMP_CWORD; i++)); do\n"
	"\t\tif [ \"${COMP_WORDS[i]}\" = -- ]; then\n"
	"\t\t\tbehind=$((COMP_CWORD - i))\n\t\t\tbreak\n\t\tfi\n\tdone\n"
	"\t# --OPTION=VALUE is three words, or one if = is not in COMP_WORDBREAKS\n"
	"\tcase $prev,$cur in\n"
	"\t--*,=) cur= ;;\n"
	"\t=,*) prev=${COMP_WORDS[COMP_CWORD-2]} ;;\n"
	"\t*,--*=*) prev=${cur%%=*} head=$prev= cur=${cur#*=} ;;\n"
	"\tesac\n"
	"\tif [ \"$COMP_CWORD\" = 1 ]; then\n"
	"\t\t_kernelet_offer -W '";

static int run_completion(int argc, char **argv)
{
	size_t i;

	if (argc && strcmp(argv[0], "bash"))
		fail("completion: %s: only bash is known", argv[0]);
	fputs(completion_head, stdout);
	complete_words(NULL);
	printf("'\n\t\treturn\n\tfi\n");
	for (i = 0; i < n_commands; i++)
		if (is_first(i) && strchr(commands[i]->name, ' '))
			complete_second(commands[i]->name);
	printf("\tcase $sub in\n");
	for (i = 0; i < n_commands; i++)
		complete_options(commands[i]);
	printf("\tesac\n}\ncomplete -F _kernelet kernelet\n");
	return 0;
}

/* ---- the manual page ------------------------------------------------------ */

/* Text in which nothing is a request of roff. */
static void roff(const char *s)
{
	for (; *s; s++) {
		if (*s == '-')
			fputs("\\-", stdout);
		else if (*s == '\\')
			fputs("\\e", stdout);
		else if (*s == '.' || *s == '\'')
			printf("\\&%c", *s);
		else
			putchar(*s);
	}
	putchar('\n');
}

static void manual_of(const struct command *c)
{
	size_t i;

	printf(".SS kernelet %s ", c->name);
	roff(c->operands);
	roff(c->summary);
	if (*c->text) {
		printf(".PP\n");
		roff(c->text);
	}
	for (i = 0; i < c->n_options; i++) {
		char *text __auto_free = NULL;
		size_t size;
		FILE *f = open_memstream(&text, &size);

		option_write(&c->options[i], f);
		fclose(f);
		printf(".TP\n.B ");
		roff(text);
		roff(c->options[i].help);
	}
}

static const char manual_head[] =
	".TH KERNELET 1 \"\" kernelet\n"
	".SH NAME\nkernelet \\- Linux guests as ordinary processes\n"
	".SH SYNOPSIS\n.B kernelet\n.I subcommand\n[option]... [operand]...\n"
	".br\n.B kernelet help\n[subcommand]\n"
	".br\n.B kernelet \\-\\-version\n"
	".SH SUBCOMMANDS\n";

static const char manual_hidden[] =
	".SH HIDDEN FILES\n"
	"Of the host's files a guest does not see, unless\n.B \\-\\-no\\-hide\nsays so:\n";

static const char manual_end[] =
	".SH EXIT STATUS\n"
	"That of the command; 128 + n when signal n ended it; 2 for wrong input, when nothing\n"
	"was started; 124 when the time is over; 125 when the root, a share or a stream cannot\n"
	"be set up; 126 or 127 when the command cannot be run or is not there; 255 when the\n"
	"guest's kernel failed, and the end of its messages is shown, or when the guest was\n"
	"powered off or rebooted before the command had ended.\n"
	".SH ENVIRONMENT\n"
	".TP\n.B XDG_RUNTIME_DIR\n"
	"where guests that run are found; else /run/user/UID or /tmp/kernelet\\-UID.\n";

static int run_manual(int argc, char **argv)
{
	char *text __auto_free = NULL;
	size_t size, i;
	FILE *f;

	if (argc)
		fail("manual: %s: it takes no operand", argv[0]);
	fputs(manual_head, stdout);
	for (i = 0; i < n_commands; i++)
		manual_of(commands[i]);
	fputs(manual_hidden, stdout);
	f = open_memstream(&text, &size);
	shares_hidden_list(f);
	fclose(f);
	roff(text);
	fputs(manual_end, stdout);
	return 0;
}

const struct command cmd_completion = {
	.name = "completion",
	.summary = "Print what makes bash complete this command.",
	.operands = "[bash]",
	.complete = "bash",
	.text = "",
	.run = run_completion,
};

const struct command cmd_manual = {
	.name = "manual",
	.summary = "Print the manual page.",
	.operands = "",
	.text = "",
	.run = run_manual,
};
