// SPDX-License-Identifier: GPL-2.0
/*
 * Build products of a kernel tree. The last matching rule of the deepest
 * .gitignore decides, as in git; a directory that is a product is not gone
 * into, so rules never have to look at a path's parents.
 */
#define _GNU_SOURCE
#include <fnmatch.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ignore.h"
#include "util.h"

/*
 * Used below the tree's own top-level rules, for a tree that was copied without
 * its dot files: enough to keep a build's results out.
 */
static const char builtin_rules[] =
	".*\n*.o\n*.a\n*.o.*\n*.ko\n*.mod\n*.mod.c\n*.s\n*.i\n*.so\n*.so.dbg\n"
	"Module.symvers\nmodules.order\n/modules.*\n/System.map\n/vmlinux\n"
	"/vmlinux.*\n/include/config/\n/include/generated/\n"
	"/arch/*/include/generated/\n";

/* Used above the tree's top-level rules: sources although their names say no. */
static const char kept_rules[] =
	"!.gitignore\n!.kunitconfig\n!.yamllint\n"
	"!/tools/testing/selftests/arm64/tags/\n";

enum rule_kind { RULE_LITERAL, RULE_SUFFIX, RULE_GLOB };

struct rule {
	const char *pat;	/* without leading "!", "/" and trailing "/" */
	size_t len;
	enum rule_kind kind;
	int fnm_flags;
	bool keep;		/* "!pattern" */
	bool dir_only;		/* "pattern/" */
	bool anchored;		/* matched against the path, not the name */
};

/* Parses one line in place; false when it holds no rule. */
static bool parse_rule(struct rule *r, char *line)
{
	size_t len = strlen(line);

	while (len && strchr(" \t\r", line[len - 1]))
		line[--len] = '\0';
	if (!len || line[0] == '#')
		return false;
	if (!strcmp(line, "/*"))	/* Debian's: see mkfarm.c */
		return false;

	*r = (struct rule){ .fnm_flags = FNM_PATHNAME };
	if (line[0] == '!') {
		r->keep = true;
		line++, len--;
	}
	if (len && line[len - 1] == '/') {
		r->dir_only = true;
		line[--len] = '\0';
	}
	if (!strncmp(line, "**/", 3) && !strchr(line + 3, '/'))
		line += 3, len -= 3;
	r->anchored = strchr(line, '/');
	if (line[0] == '/')
		line++, len--;
	if (strstr(line, "**"))
		r->fnm_flags = 0;

	r->pat = line;
	r->len = len;
	r->kind = RULE_GLOB;
	if (!strpbrk(line, "*?[\\"))
		r->kind = RULE_LITERAL;
	else if (!r->anchored && line[0] == '*' && !strpbrk(line + 1, "*?[\\"))
		r->kind = RULE_SUFFIX;
	return len > 0;
}

void load_rules(struct ruleset *set, const char *path)
{
	bool top = !set->up;
	char *line, *save = NULL, *text = NULL, name[PATH_MAX];
	size_t room = 0;
	struct rule r;
	FILE *in;

	path_printf(name, "%s/.gitignore", path);
	in = fopen(name, "re");
	if (in) {
		if (getdelim(&text, &room, '\0', in) < 0) {	/* empty */
			free(text);
			text = NULL;
		}
		fclose(in);
	}
	if (asprintf(&set->text, "%s%s\n%s", top ? builtin_rules : "",
		     text ? text : "", top ? kept_rules : "") < 0)
		die("out of memory");
	free(text);

	for (line = strtok_r(set->text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (!parse_rule(&r, line))
			continue;
		set->rules = xrealloc(set->rules, (set->n + 1) * sizeof(r));
		set->rules[set->n++] = r;
	}
}

void free_rules(struct ruleset *set)
{
	free(set->rules);
	free(set->text);
}

static bool rule_matches(const struct rule *r, const char *path,
			 const char *name, bool is_dir)
{
	size_t len;

	if (r->dir_only && !is_dir)
		return false;
	if (r->anchored)
		name = path;
	switch (r->kind) {
	case RULE_LITERAL:
		return !strcmp(r->pat, name);
	case RULE_SUFFIX:
		len = strlen(name);
		return len >= r->len - 1 &&
		       !strcmp(name + len - (r->len - 1), r->pat + 1);
	default:
		return !fnmatch(r->pat, name, r->fnm_flags);
	}
}

bool is_product(const struct ruleset *set, const char *path, const char *name,
		bool is_dir)
{
	size_t i;

	for (; set; set = set->up)
		for (i = set->n; i-- > 0;)
			if (rule_matches(&set->rules[i], path + set->base,
					 name, is_dir))
				return !set->rules[i].keep;
	return false;
}
