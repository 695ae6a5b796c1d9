/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which files of a kernel tree are build products: the rules in its .gitignore
 * files (see gitignore(5)), as far as kernel trees use them.
 */
#ifndef FARM_IGNORE_H
#define FARM_IGNORE_H

#include <stdbool.h>
#include <stddef.h>

struct rule;

/* The rules of one directory; the parent's are looked at after them. */
struct ruleset {
	const struct ruleset *up;
	size_t base;		/* length of the directory's path, with "/" */
	struct rule *rules;
	size_t n;
	char *text;		/* what the patterns point into */
};

/**
 * load_rules() - read the rules of one directory
 * @set: to fill; @set->up and @set->base are set, the rest is zero
 * @path: the directory
 *
 * A directory without .gitignore has no rules. The top level (@set->up is NULL)
 * gets some built-in ones around its own.
 */
void load_rules(struct ruleset *set, const char *path);

void free_rules(struct ruleset *set);

/**
 * is_product() - is a file or directory the result of a build?
 * @set: the rules of the directory it is in
 * @path: its path from the top of the tree
 * @name: the last component of @path
 * @is_dir: what it is
 */
bool is_product(const struct ruleset *set, const char *path, const char *name,
		bool is_dir);

#endif
