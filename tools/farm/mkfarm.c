// SPDX-License-Identifier: GPL-2.0
/*
 * mkfarm - lay the port over a Linux tree without touching the tree
 *
 * usage: mkfarm TREE FARM OBJ REPO
 *
 * Theory of operation
 *
 * FARM becomes what kbuild sees as its source tree: links into TREE, and a real
 * directory arch/user holding one link per entry of REPO/arch-user (see
 * lay_port()). TREE may be read-only and is only ever read.
 *
 * A kernel developer's TREE is usually built in. Its objects, generated headers
 * and host programs must not be seen, since kbuild looks for prerequisites in
 * the source tree as well (VPATH) and would take them for its own. What is a
 * build product is not guessed here: the tree's own .gitignore files say so,
 * and the kernel's rule is that a tree is clean for git after any build.
 * Debian's package adds one rule to hide everything at the top level, for the
 * sake of its packaging repository: parse_rule() leaves that one out.
 *
 * A top-level directory (or one in arch/ or include/) with no build product in
 * it is one link, any other is a real directory with one link per file. So a
 * clean tree costs about a hundred links, a used one some ten thousand, once.
 * arch/ and include/ are real because ".." after a linked directory leads out
 * of the farm, and both are places that are gone through that way.
 *
 * Every run reads all of TREE's directories (no stat()), so new and vanished
 * files show up in the next build. The file FARM.stamp names the tree that the
 * farm stands for. When that is another one, the farm is made afresh and the
 * objects in OBJ are removed (configuration files stay): the files of the new
 * tree may be older than objects made from the old one, and make goes by age.
 *
 * Links are relative and lead through FARM/.src, the one absolute link to TREE:
 * short ones are stored in the inode, which makes them several times cheaper.
 * Exit status: 0, or 2 after one line on standard error.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ignore.h"
#include "util.h"

#define PORT "arch/user"	/* where the port lives inside the farm */
#define SRC ".src"		/* the farm's link to the tree */

/* A file or directory, with what is in it. */
struct node {
	char *name;
	bool is_dir;
	bool clean;		/* no build product in it or below */
	bool stale;		/* of the farm: to be replaced */
	struct node *kids;	/* sorted by name */
	size_t n;
};

/* What every step needs: the roots as given in links, and where we are. */
struct farm {
	char tree[PATH_MAX];
	char root[PATH_MAX];
	char repo[PATH_MAX];
	char path[PATH_MAX];	/* of the directory at hand, "" or ending in "/" */
};

/* ---- directories --------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct node *)a)->name,
		      ((const struct node *)b)->name);
}

static bool entry_is_dir(int dirfd, const struct dirent *d)
{
	struct stat st;

	if (d->d_type != DT_UNKNOWN)
		return d->d_type == DT_DIR;
	return !fstatat(dirfd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) &&
	       S_ISDIR(st.st_mode);
}

/* Lists @path, which must be a directory; its kids are not gone into. */
static struct node read_dir(const char *path)
{
	struct node list = { .is_dir = true, .clean = true };
	DIR *dir = opendir(path);
	struct dirent *d;

	if (!dir)
		die("cannot read %s: %s", path, strerror(errno));
	while ((d = readdir(dir))) {
		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
			continue;
		if (!(list.n & (list.n - 1)))	/* full: 0, 1, 2, 4, ... */
			list.kids = xrealloc(list.kids, (2 * list.n + 1) *
					     sizeof(*list.kids));
		list.kids[list.n++] = (struct node){
			.name = xstrdup(d->d_name),
			.is_dir = entry_is_dir(dirfd(dir), d),
			.clean = true,
		};
	}
	closedir(dir);
	if (list.n)
		qsort(list.kids, list.n, sizeof(*list.kids), by_name);
	return list;
}

static void free_kids(struct node *dir)
{
	size_t i;

	for (i = 0; i < dir->n; i++) {
		free_kids(&dir->kids[i]);
		free(dir->kids[i].name);
	}
	free(dir->kids);
}

/* Extends f->path by @name; returns the length to cut it back to. */
static size_t go_down(struct farm *f, const char *name)
{
	size_t len = strlen(f->path);

	if (len + strlen(name) + 2 > sizeof(f->path))
		die("path too long: %s%s", f->path, name);
	sprintf(f->path + len, "%s/", name);
	return len;
}

/* ---- removing ------------------------------------------------------------ */

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	if (type == FTW_DP || type == FTW_D || type == FTW_DNR)
		return rmdir(path);
	return unlink(path);
}

/* Removes @path, and all below it if it is a directory; follows no link. */
static void remove_tree(const char *path)
{
	if (nftw(path, remove_one, 64, FTW_DEPTH | FTW_PHYS) && errno != ENOENT)
		die("cannot remove %s: %s", path, strerror(errno));
}

/* Empties the object directory but for .config, .config.old, .config.made. */
static void remove_objects(const char *obj)
{
	bool told = false;
	char path[PATH_MAX];
	struct node list;
	size_t i;

	if (access(obj, F_OK))
		return;
	list = read_dir(obj);
	for (i = 0; i < list.n; i++) {
		if (!strncmp(list.kids[i].name, ".config", 7))
			continue;
		if (!told)
			fputs("kernelet: another source tree than last time: all is built anew\n",
			      stderr);
		told = true;
		path_printf(path, "%s/%s", obj, list.kids[i].name);
		remove_tree(path);
	}
	free_kids(&list);
}

/* ---- reading the tree ---------------------------------------------------- */

/* Drops build products from @dir, which is f->path of the tree. */
static void drop_products(struct farm *f, struct node *dir,
			  const struct ruleset *set)
{
	char path[PATH_MAX];
	size_t i, n = 0;

	for (i = 0; i < dir->n; i++) {
		struct node *kid = &dir->kids[i];

		path_printf(path, "%s%s", f->path, kid->name);
		if (!strcmp(path, PORT))
			die("%s has an %s of its own", f->tree, PORT);
		if (is_product(set, path, kid->name, kid->is_dir))
			free(kid->name);
		else
			dir->kids[n++] = *kid;
	}
	dir->clean = n == dir->n;
	dir->n = n;
}

/* Reads the tree's directory f->path and all below it. */
static struct node read_tree(struct farm *f, const struct ruleset *up)
{
	struct ruleset set = { .up = up, .base = strlen(f->path) };
	char path[PATH_MAX];
	struct node dir;
	size_t i, len;

	path_printf(path, "%s/%s", f->tree, f->path);
	dir = read_dir(path);
	load_rules(&set, path);
	drop_products(f, &dir, &set);
	for (i = 0; i < dir.n; i++) {
		struct node *kid = &dir.kids[i];
		char *name = kid->name;

		if (!kid->is_dir)
			continue;
		len = go_down(f, name);
		*kid = read_tree(f, &set);
		f->path[len] = '\0';
		kid->name = name;
		dir.clean &= kid->clean;
	}
	free_rules(&set);
	return dir;
}

/* ---- making the farm ----------------------------------------------------- */

static void make_dir(const char *path)
{
	if (mkdir(path, 0777) && errno != EEXIST)
		die("cannot make directory %s: %s", path, strerror(errno));
}

static void make_link(const char *target, const char *path)
{
	if (symlink(target, path))
		die("cannot make link %s: %s", path, strerror(errno));
}

/* May the directory @kid of f->path be one link? See the head of this file. */
static bool is_whole(const struct farm *f, const struct node *kid)
{
	if (!kid->clean)
		return false;
	if (!f->path[0])
		return strcmp(kid->name, "arch") && strcmp(kid->name, "include");
	return !strcmp(f->path, "arch/") || !strcmp(f->path, "include/");
}

/* The farm's own entries, which the tree does not know of. */
static bool is_ours(const struct farm *f, const char *name)
{
	if (!f->path[0])
		return !strcmp(name, SRC);
	return !strcmp(f->path, "arch/") && !strcmp(name, "user");
}

/* Makes the farm's entry for @kid, which is missing. */
static void add_entry(struct farm *f, const struct node *kid)
{
	char target[PATH_MAX], up[PATH_MAX] = "", path[PATH_MAX];
	const char *p;
	size_t len = 0;

	path_printf(path, "%s/%s%s", f->root, f->path, kid->name);
	if (kid->is_dir && !is_whole(f, kid)) {
		make_dir(path);
		return;
	}
	for (p = f->path; (p = strchr(p, '/')); p++)
		len += sprintf(up + len, "../");
	path_printf(target, "%s" SRC "/%s%s", up, f->path, kid->name);
	make_link(target, path);
}

/* Is the farm's @have good for the tree's @want, going by the kind of both? */
static bool is_fit(const struct farm *f, const struct node *want,
		   const struct node *have)
{
	if (!want)
		return is_ours(f, have->name);
	if (have->is_dir)
		return want->is_dir;
	return !want->is_dir || is_whole(f, want);
}

static struct node *find_kid(const struct node *dir, const char *name)
{
	struct node key = { .name = (char *)name };

	return dir->n ? bsearch(&key, dir->kids, dir->n, sizeof(key), by_name) :
			NULL;
}

/* Makes the farm's directory f->path like @dir, and all below it. */
static void sync_dir(struct farm *f, const struct node *dir)
{
	char path[PATH_MAX];
	struct node have, *old;
	size_t i, len;
	bool real;

	path_printf(path, "%s/%s", f->root, f->path);
	have = read_dir(path);
	for (i = 0; i < have.n; i++) {
		old = &have.kids[i];
		old->stale = !is_fit(f, find_kid(dir, old->name), old);
		if (!old->stale)
			continue;
		path_printf(path, "%s/%s%s", f->root, f->path, old->name);
		remove_tree(path);
	}
	for (i = 0; i < dir->n; i++) {
		const struct node *kid = &dir->kids[i];

		old = find_kid(&have, kid->name);
		if (old && !old->stale) {
			real = old->is_dir;
		} else {
			add_entry(f, kid);
			real = kid->is_dir && !is_whole(f, kid);
		}
		if (!real)
			continue;
		len = go_down(f, kid->name);
		sync_dir(f, kid);
		f->path[len] = '\0';
	}
	free_kids(&have);
}

/* Makes PORT/@name a link to @target, or nothing when there is no @target. */
static void lay_link(struct farm *f, const char *name, const char *target)
{
	char path[PATH_MAX], now[PATH_MAX] = "";
	bool wanted = !access(target, F_OK);

	path_printf(path, "%s/" PORT "/%s", f->root, name);
	if (readlink(path, now, sizeof(now) - 1) > 0 && wanted &&
	    !strcmp(now, target))
		return;
	remove_tree(path);
	if (wanted)
		make_link(target, path);
}

/*
 * Fills arch/user: one link per entry of arch-user/, and the directories and
 * the file that the repository keeps elsewhere. Directories are linked whole,
 * so a new file in one needs no run of this program.
 */
static void lay_port(struct farm *f)
{
	static const char *const elsewhere[][2] = {
		{ "drivers", "drivers" },
		{ "hostfs", "hostfs" },
		{ "Kconfig.kernelet", "Kconfig" },
	};
	char path[PATH_MAX];
	struct node list;
	size_t i;

	path_printf(path, "%s/" PORT, f->root);
	make_dir(path);
	list = read_dir(path);
	for (i = 0; i < list.n; i++) {
		path_printf(path, "%s/" PORT "/%s", f->root, list.kids[i].name);
		if (access(path, F_OK))		/* leads nowhere any more */
			remove_tree(path);
	}
	free_kids(&list);

	path_printf(path, "%s/arch-user", f->repo);
	list = read_dir(path);
	for (i = 0; i < list.n; i++) {
		path_printf(path, "%s/arch-user/%s", f->repo, list.kids[i].name);
		lay_link(f, list.kids[i].name, path);
	}
	free_kids(&list);
	for (i = 0; i < sizeof(elsewhere) / sizeof(*elsewhere); i++) {
		path_printf(path, "%s/%s", f->repo, elsewhere[i][1]);
		lay_link(f, elsewhere[i][0], path);
	}
}

/* ---- the stamp ----------------------------------------------------------- */

/*
 * What tells one tree from another: the path, and the inode, which changes when
 * a newer package is unpacked at the same path.
 */
static void describe(struct farm *f, char text[static 3 * PATH_MAX])
{
	struct stat st;

	if (stat(f->tree, &st))
		die("cannot read %s: %s", f->tree, strerror(errno));
	snprintf(text, 3 * PATH_MAX, "mkfarm 1\ntree %s\ninode %lu\nrepo %s\n",
		 f->tree, (unsigned long)st.st_ino, f->repo);
}

static bool stamp_is(const char *stamp, const char *text)
{
	static char now[3 * PATH_MAX];	/* too large for the stack's taste */
	FILE *in = fopen(stamp, "re");
	size_t n;

	if (!in)
		return false;
	n = fread(now, 1, sizeof(now) - 1, in);
	now[n] = '\0';
	fclose(in);
	return !strcmp(now, text);
}

static void write_stamp(const char *stamp, const char *text)
{
	FILE *out = fopen(stamp, "we");

	if (!out || fputs(text, out) < 0 || fclose(out))
		die("cannot write %s: %s", stamp, strerror(errno));
}

static void real_path(const char *path, char out[PATH_MAX])
{
	if (!realpath(path, out))
		die("no such directory: %s", path);
}

int main(int argc, char **argv)
{
	static struct farm f;
	static char text[3 * PATH_MAX];
	char stamp[PATH_MAX], src[PATH_MAX];
	struct node top;
	bool same;

	if (argc != 5)
		die("usage: mkfarm TREE FARM OBJ REPO");
	real_path(argv[1], f.tree);
	real_path(argv[4], f.repo);
	make_dir(argv[2]);
	real_path(argv[2], f.root);
	path_printf(stamp, "%s.stamp", f.root);
	path_printf(src, "%s/" SRC, f.root);

	top = read_tree(&f, NULL);
	describe(&f, text);
	same = stamp_is(stamp, text);
	if (!same) {
		unlink(stamp);
		remove_objects(argv[3]);
		remove_tree(f.root);
		make_dir(f.root);
		make_link(f.tree, src);
	}
	sync_dir(&f, &top);
	lay_port(&f);
	if (!same)
		write_stamp(stamp, text);
	free_kids(&top);
	return 0;
}
