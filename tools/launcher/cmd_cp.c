// SPDX-License-Identifier: GPL-2.0-only
/*
 * kernelet cp: files and directories into a guest that runs, and out of it.
 *
 * The guest is not trusted: on the host everything is made below a descriptor of
 * its directory, no link is followed on the way, and names were checked
 * (files.c).
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "files.h"
#include "options.h"
#include "progress.h"

static struct settings {
	bool root_user;
} settings;

static const struct option options[] = {
	OPTION(struct settings, root_user, .name = "root-user", .kind = OPT_FLAG,
	       .help = "with the rights of the guest's root"),
};

static struct files files;
static bool failed;

/* Names what could not be copied, and goes on. */
static void say(const char *path, const char *why)
{
	char *clean __auto_free = text_clean(path, strlen(path), "");

	progress_end();
	complain("cp: %s: %s", clean, why);
	failed = true;
}

static void host_trouble(const char *path, int error)
{
	say(path, error == ELOOP ? "it is a symbolic link, which is not followed" :
				   strerror(error));
}

static void guest_trouble(const char *path, int error)
{
	say(path, error == -E2BIG ? "it has more than a million entries" : strerror(-error));
	if (files.lost)
		fail("cp: the guest has ended, or does not answer as it should");
}

static char *join(const char *dir, const char *name)
{
	return print("%s%s%s", dir, dir[strlen(dir) - 1] == '/' ? "" : "/", name);
}

static int collect(void *arg, const char *name, const struct stat *st)
{
	(void)st;
	words_add(arg, print("%s", name));
	return 0;
}

/* ---- out of the guest ----------------------------------------------------- */

#define HOLE	4096	/* so many zeroes are not written */

/*
 * @path is the file in the guest, @name in @dir its copy, which messages call @to.
 */
static void copy_out(const char *path, int dir, const char *name, const char *to);

/* Mode and times; a file of the guest has no set-user-id bit here. */
static void finish_out(int fd, const struct stat *st)
{
	struct timespec ts[2] = { st->st_atim, st->st_mtim };

	if (!fchmod(fd, st->st_mode & 0777))
		futimens(fd, ts);
}

/* How many bytes there are of the one kind, zeroes or not, in whole blocks. */
static size_t same_kind(const char *buf, size_t n, off_t at, bool *zeroes)
{
	size_t all = 0;

	while (all < n) {
		size_t left = HOLE - (at + all) % HOLE;
		size_t piece = left < n - all ? left : n - all;
		bool is_zero = !buf[all] && !memcmp(buf + all, buf + all + 1, piece - 1);

		if (all && is_zero != *zeroes)
			break;
		*zeroes = is_zero;
		all += piece;
	}
	return all;
}

/* At an offset, with holes for zeroes; or, below 0, one after the other. */
static bool write_out(int fd, const char *buf, size_t n, off_t at)
{
	while (n) {
		bool zeroes = false;
		ssize_t piece = at < 0 ? n : same_kind(buf, n, at, &zeroes);

		if (!zeroes)
			piece = at < 0 ? write(fd, buf, n) : pwrite(fd, buf, piece, at);
		if (piece < 0) {
			if (errno != EINTR)
				return false;
			continue;
		}
		buf += piece;
		n -= piece;
		at += at < 0 ? 0 : piece;
	}
	return true;
}

static bool data_out(const char *path, uint32_t handle, int fd, bool holes, const char *to)
{
	static char buf[FILES_DATA];
	struct files_request r = { .op = FILES_READ, .handle = handle, .count = sizeof(buf) };
	struct files_reply reply;

	for (;;) {
		int error = files_call(&files, &r, NULL, NULL, 0, &reply, buf, sizeof(buf), false);

		if (error) {
			guest_trouble(path, error);
			return false;
		}
		if (!reply.data_len)
			break;
		if (!write_out(fd, buf, reply.data_len, holes ? (off_t)r.offset : -1)) {
			host_trouble(to, errno);
			return false;
		}
		r.offset += reply.data_len;
		progress_add(reply.data_len);
	}
	/* what is a hole at its end */
	if (!holes || !ftruncate(fd, r.offset))
		return true;
	host_trouble(to, errno);
	return false;
}

static void file_out(const char *path, const struct stat *st, int dir, const char *name,
		     const char *to)
{
	int fd __auto_fd = -1;
	struct files_request r = { .op = FILES_OPEN, .flags = O_RDONLY | O_NOFOLLOW };
	struct files_reply reply;
	struct stat copy = { 0 };
	int error = files_call(&files, &r, path, NULL, 0, &reply, NULL, 0, true);

	if (error) {
		guest_trouble(path, error);
		return;
	}
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY,
		    0600);
	if (fd < 0 || fstat(fd, &copy))
		host_trouble(to, errno);
	else if (data_out(path, reply.value, fd, S_ISREG(copy.st_mode), to) &&
		 S_ISREG(copy.st_mode))
		finish_out(fd, st);
	r = (struct files_request){ .op = FILES_CLOSE, .handle = reply.value };
	files_simple(&files, r, NULL, NULL);
}

static void dir_out(const char *path, const struct stat *st, int dir, const char *name,
		    const char *to)
{
	int fd __auto_fd = -1;
	struct words names = { 0 };
	size_t i;
	int error;

	if (!mkdirat(dir, name, 0700) || errno == EEXIST)
		fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		host_trouble(to, errno);
		return;
	}
	error = files_list(&files, path, collect, &names);
	if (error)
		guest_trouble(path, error);
	for (i = 0; i < names.n; i++) {
		char *each = join(path, names.v[i]), *copy = join(to, names.v[i]);

		if (error != -E2BIG)
			copy_out(each, fd, names.v[i], copy);
		free(each);
		free(copy);
		free(names.v[i]);
	}
	free(names.v);
	finish_out(fd, st);
}

/* Takes the place of what is there, unless that is a directory. */
static void link_out(const char *path, int dir, const char *name, const char *to)
{
	char target[FILES_PATH];
	int error = files_readlink(&files, path, target);

	if (error)
		guest_trouble(path, error);
	else if (symlinkat(target, dir, name) &&
		 (errno != EEXIST || unlinkat(dir, name, 0) || symlinkat(target, dir, name)))
		host_trouble(to, errno);
}

static void copy_out(const char *path, int dir, const char *name, const char *to)
{
	struct stat st;
	int error = files_stat(&files, path, &st);

	if (error)
		guest_trouble(path, error);
	else if (S_ISDIR(st.st_mode))
		dir_out(path, &st, dir, name, to);
	else if (S_ISREG(st.st_mode))
		file_out(path, &st, dir, name, to);
	else if (S_ISLNK(st.st_mode))
		link_out(path, dir, name, to);
	else
		guest_trouble(path, -EOPNOTSUPP);
}

/* ---- into the guest ------------------------------------------------------- */

/*
 * @name in @dir is the file, which messages call @from, @path its copy in the guest.
 */
static void copy_in(int dir, const char *name, const char *from, const char *path);

static void finish_in(const struct stat *st, const char *path)
{
	struct timespec ts[2] = { st->st_atim, st->st_mtim };
	struct files_request r = { .op = FILES_CHMOD, .mode = st->st_mode & 07777 };
	struct files_reply reply;

	if (files_simple(&files, r, path, NULL))
		return;
	r = (struct files_request){ .op = FILES_UTIMES };
	files_call(&files, &r, path, ts, sizeof(ts), &reply, NULL, 0, true);
}

static int write_in(uint32_t handle, off_t offset, const char *buf, size_t n)
{
	struct files_request r = { .op = FILES_WRITE, .handle = handle, .offset = offset };
	struct files_reply reply;

	while (n) {
		int error = files_call(&files, &r, NULL, buf, n, &reply, NULL, 0, true);

		if (!error && (!reply.value || reply.value > n))
			error = -EIO;
		if (error)
			return error;
		r.offset += reply.value;
		buf += reply.value;
		n -= reply.value;
	}
	return 0;
}

static bool data_in(int fd, const char *from, uint32_t handle, const char *path)
{
	static char buf[FILES_DATA];
	off_t offset = 0;
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		int error = write_in(handle, offset, buf, n);

		if (error) {
			guest_trouble(path, error);
			return false;
		}
		offset += n;
		progress_add(n);
	}
	if (n < 0)
		host_trouble(from, errno);
	return !n;
}

static void file_in(int dir, const char *name, const char *from, const struct stat *st,
		    const char *path)
{
	struct files_request r = {
		.op = FILES_OPEN, .flags = O_WRONLY | O_CREAT | O_TRUNC, .mode = 0600,
	};
	struct files_reply reply;
	int fd __auto_fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	bool whole;
	int error;

	if (fd < 0) {
		host_trouble(from, errno);
		return;
	}
	error = files_call(&files, &r, path, NULL, 0, &reply, NULL, 0, true);
	if (error) {
		guest_trouble(path, error);
		return;
	}
	whole = data_in(fd, from, reply.value, path);
	r = (struct files_request){ .op = FILES_CLOSE, .handle = reply.value };
	error = files_simple(&files, r, NULL, NULL);
	if (whole && error)
		guest_trouble(path, error);
	else if (whole)
		finish_in(st, path);
}

static void dir_in(int dir, const char *name, const char *from, const struct stat *st,
		   const char *path)
{
	struct files_request r = { .op = FILES_MKDIR, .mode = 0700 };
	int error = files_simple(&files, r, path, NULL);
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d) {
		host_trouble(from, errno);
		return;
	}
	if (error && error != -EEXIST) {
		guest_trouble(path, error);
		closedir(d);
		return;
	}
	while ((e = readdir(d))) {
		char *each __auto_free = join(from, e->d_name);
		char *copy __auto_free = join(path, e->d_name);

		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			copy_in(fd, e->d_name, each, copy);
	}
	closedir(d);
	finish_in(st, path);
}

/* As link_out(). */
static void link_in(int dir, const char *name, const char *from, const char *path)
{
	struct files_request r = { .op = FILES_SYMLINK }, gone = { .op = FILES_UNLINK };
	char target[FILES_PATH];
	ssize_t n = readlinkat(dir, name, target, sizeof(target) - 1);
	int error;

	if (n < 0) {
		host_trouble(from, errno);
		return;
	}
	target[n] = '\0';
	error = files_simple(&files, r, path, target);
	if (error == -EEXIST) {
		error = files_simple(&files, gone, path, NULL);
		if (!error)
			error = files_simple(&files, r, path, target);
	}
	if (error)
		guest_trouble(path, error);
}

static void copy_in(int dir, const char *name, const char *from, const char *path)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW))
		host_trouble(from, errno);
	else if (S_ISDIR(st.st_mode))
		dir_in(dir, name, from, &st, path);
	else if (S_ISREG(st.st_mode))
		file_in(dir, name, from, &st, path);
	else if (S_ISLNK(st.st_mode))
		link_in(dir, name, from, path);
	else
		host_trouble(from, EOPNOTSUPP);
}

/* ---- the operands --------------------------------------------------------- */

/* The path behind "NAME:", or NULL for one of the host. */
static char *guest_path(char *word)
{
	char *colon = strchr(word, ':'), *slash = strchr(word, '/');

	return colon && colon > word && (!slash || colon < slash) ? colon + 1 : NULL;
}

static const char *last_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Without slashes at the end; "/" stays as it is. */
static void trim(char *path)
{
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		path[--n] = '\0';
}

static bool names_nothing(const char *name)
{
	return !*name || !strcmp(name, ".") || !strcmp(name, "..");
}

/* What has a slash behind it is a directory's name, there already or after the copy. */
static void check_slash(const char *from, const char *to)
{
	struct stat st;

	if (to[strlen(to) - 1] == '/' && !files_stat(&files, from, &st) && !S_ISDIR(st.st_mode))
		fail("cp: %s: there is no such directory", to);
}

static void out_of_guest(char *from, char *to)
{
	char *all __auto_free = NULL;
	const char *name;
	int dir __auto_fd = -1;
	struct stat st;

	trim(from);
	if (!stat(to, &st) && S_ISDIR(st.st_mode)) {
		if (names_nothing(last_name(from)))
			fail("cp: %s: say what its copy in %s is to be called", from, to);
		dir = open(to, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (dir < 0)
			fail("cp: %s: %s", to, strerror(errno));
		all = join(to, last_name(from));
		copy_out(from, dir, last_name(from), all);
		return;
	}
	check_slash(from, to);
	trim(to);
	name = last_name(to);
	all = name == to ? print(".") : print("%.*s", (int)(name - to), to);
	dir = open(all, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		fail("cp: %s: %s", all, strerror(errno));
	copy_out(from, dir, name, to);
}

static void into_guest(char *from, const char *to)
{
	struct stat st;
	char *into = NULL;

	trim(from);
	/* with a slash behind it also a link is looked through */
	into = print("%s/", to);
	if (!files_stat(&files, into, &st)) {
		if (names_nothing(last_name(from)))
			fail("cp: %s: say what its copy in %s is to be called", from, to);
		to = join(to, last_name(from));
	}
	free(into);
	copy_in(AT_FDCWD, from, from, to);
}

static int run(int argc, char **argv)
{
	char *guest[2];

	if (argc != 2)
		fail("cp: say kernelet cp NAME:PATH DEST or kernelet cp SOURCE NAME:PATH");
	if (!*argv[0] || !*argv[1])
		fail("cp: the %s is empty", *argv[0] ? "destination" : "source");
	guest[0] = guest_path(argv[0]);
	guest[1] = guest_path(argv[1]);
	if (!guest[0] == !guest[1])
		fail("cp: %s, %s: one of the two has to be NAME:PATH, in a guest",
		     argv[0], argv[1]);
	if (*(guest[0] ? guest[0] : guest[1]) != '/')
		fail("cp: %s: a path in a guest begins with /",
		     guest[0] ? argv[0] : argv[1]);
	(guest[0] ? guest[0] : guest[1])[-1] = '\0';
	files_open(&files, guest[0] ? argv[0] : argv[1], settings.root_user);
	progress_start("copying", 0);
	if (guest[0])
		out_of_guest(guest[0], argv[1]);
	else
		into_guest(argv[0], guest[1]);
	progress_end();
	return failed;
}

const struct command cmd_cp = {
	.name = "cp",
	.summary = "Copy files and directories into a guest that runs, or out of it.",
	.operands = "SOURCE DEST",
	.complete = "file",
	.text = "One of the two is NAME:PATH, a place in a guest.  Directories are copied with\n"
		"all that is in them; a DEST that is a directory gets SOURCE as an entry.  Modes and\n"
		"times stay; owners become the caller, and on the host nothing is set-user-id.\n"
		"What cannot be copied is named, the rest is, and the exit status is 1.  Blocks of zeroes\n"
		"become holes on the host.  A link of the host is not followed, the last name of DEST\n"
		"neither, unless that is a directory; a link that is copied takes the place of what has\n"
		"its name, unless that is a directory; a directory of more than a million entries is not\n"
		"copied.",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.settings = &settings,
	.run = run,
};
