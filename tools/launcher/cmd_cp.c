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

static void trouble(const char *path, int error)
{
	progress_end();
	complain("cp: %s: %s", path, strerror(-error));
	failed = true;
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

static void copy_out(const char *path, int dir, const char *name);

/* Mode and times; a file of the guest has no set-user-id bit here. */
static void finish_out(int fd, const struct stat *st)
{
	struct timespec ts[2] = { st->st_atim, st->st_mtim };

	if (!fchmod(fd, st->st_mode & 0777))
		futimens(fd, ts);
}

static int write_out(int fd, const char *buf, size_t n)
{
	while (n) {
		ssize_t put = write(fd, buf, n);

		if (put < 0 && errno != EINTR)
			return -errno;
		if (put > 0) {
			buf += put;
			n -= put;
		}
	}
	return 0;
}

static int data_out(uint32_t handle, int fd)
{
	static char buf[FILES_DATA];
	struct files_request r = { .op = FILES_READ, .handle = handle, .count = sizeof(buf) };
	struct files_reply reply;
	int error;

	for (;;) {
		error = files_call(&files, &r, NULL, NULL, 0, &reply, buf, sizeof(buf), false);
		if (error || !reply.data_len)
			return error;
		error = write_out(fd, buf, reply.data_len);
		if (error)
			return error;
		r.offset += reply.data_len;
		progress_add(reply.data_len);
	}
}

static int file_out(const char *path, const struct stat *st, int dir, const char *name)
{
	int fd __auto_fd = -1;
	struct files_request r = { .op = FILES_OPEN, .flags = O_RDONLY | O_NOFOLLOW };
	struct files_reply reply;
	int error = files_call(&files, &r, path, NULL, 0, &reply, NULL, 0, true);

	if (error)
		return error;
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY,
		    0600);
	error = fd < 0 ? -errno : data_out(reply.value, fd);
	r = (struct files_request){ .op = FILES_CLOSE, .handle = reply.value };
	files_simple(&files, r, NULL, NULL);
	if (!error)
		finish_out(fd, st);
	return error;
}

static int dir_out(const char *path, const struct stat *st, int dir, const char *name)
{
	int fd __auto_fd = -1;
	struct words names = { 0 };
	size_t i;
	int error;

	if (mkdirat(dir, name, 0700) && errno != EEXIST)
		return -errno;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	error = files_list(&files, path, collect, &names);
	for (i = 0; i < names.n; i++) {
		char *each = join(path, names.v[i]);

		copy_out(each, fd, names.v[i]);
		free(each);
		free(names.v[i]);
	}
	free(names.v);
	finish_out(fd, st);
	return error;
}

static int link_out(const char *path, int dir, const char *name)
{
	char target[FILES_PATH];
	int error = files_readlink(&files, path, target);

	return error ? error : symlinkat(target, dir, name) ? -errno : 0;
}

static void copy_out(const char *path, int dir, const char *name)
{
	struct stat st;
	int error = files_stat(&files, path, &st);

	if (error)
		;
	else if (S_ISDIR(st.st_mode))
		error = dir_out(path, &st, dir, name);
	else if (S_ISREG(st.st_mode))
		error = file_out(path, &st, dir, name);
	else if (S_ISLNK(st.st_mode))
		error = link_out(path, dir, name);
	else
		error = -EOPNOTSUPP;
	if (error)
		trouble(path, error);
}

/* ---- into the guest ------------------------------------------------------- */

static void copy_in(int dir, const char *name, const char *path);

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

static int data_in(int fd, uint32_t handle)
{
	static char buf[FILES_DATA];
	off_t offset = 0;
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf)))) {
		int error = n < 0 ? -errno : write_in(handle, offset, buf, n);

		if (error)
			return error;
		offset += n;
		progress_add(n);
	}
	return 0;
}

static int file_in(int dir, const char *name, const struct stat *st, const char *path)
{
	struct files_request r = {
		.op = FILES_OPEN, .flags = O_WRONLY | O_CREAT | O_TRUNC, .mode = 0600,
	};
	struct files_reply reply;
	int fd __auto_fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	int error;

	if (fd < 0)
		return -errno;
	error = files_call(&files, &r, path, NULL, 0, &reply, NULL, 0, true);
	if (error)
		return error;
	error = data_in(fd, reply.value);
	r = (struct files_request){ .op = FILES_CLOSE, .handle = reply.value };
	if (files_simple(&files, r, NULL, NULL) && !error)
		error = -EIO;
	if (!error)
		finish_in(st, path);
	return error;
}

static int dir_in(int dir, const char *name, const struct stat *st, const char *path)
{
	struct files_request r = { .op = FILES_MKDIR, .mode = 0700 };
	int error = files_simple(&files, r, path, NULL);
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d)
		return -errno;
	while ((!error || error == -EEXIST) && (e = readdir(d))) {
		char *each __auto_free = join(path, e->d_name);

		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			copy_in(fd, e->d_name, each);
	}
	closedir(d);
	if (error && error != -EEXIST)
		return error;
	finish_in(st, path);
	return 0;
}

static int link_in(int dir, const char *name, const char *path)
{
	char target[FILES_PATH];
	ssize_t n = readlinkat(dir, name, target, sizeof(target) - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	return files_simple(&files, (struct files_request){ .op = FILES_SYMLINK }, path, target);
}

static void copy_in(int dir, const char *name, const char *path)
{
	struct stat st;
	int error = 0;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW))
		error = -errno;
	else if (S_ISDIR(st.st_mode))
		error = dir_in(dir, name, &st, path);
	else if (S_ISREG(st.st_mode))
		error = file_in(dir, name, &st, path);
	else if (S_ISLNK(st.st_mode))
		error = link_in(dir, name, path);
	else
		error = -EOPNOTSUPP;
	if (error)
		trouble(path, error);
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

static void out_of_guest(char *from, char *to)
{
	int dir __auto_fd = -1;
	struct stat st;
	char *slash;

	trim(from);
	if (!stat(to, &st) && S_ISDIR(st.st_mode)) {
		if (names_nothing(last_name(from)))
			fail("cp: %s: say what its copy in %s is to be called", from, to);
		dir = open(to, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (dir < 0)
			fail("cp: %s: %s", to, strerror(errno));
		copy_out(from, dir, last_name(from));
		return;
	}
	trim(to);
	slash = strrchr(to, '/');
	if (slash)
		*slash = '\0';
	dir = open(!slash ? "." : *to ? to : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		fail("cp: %s: %s", to, strerror(errno));
	copy_out(from, dir, slash ? slash + 1 : to);
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
	copy_in(AT_FDCWD, from, to);
}

static int run(int argc, char **argv)
{
	char *guest[2];

	if (argc != 2)
		fail("cp: say kernelet cp NAME:PATH DEST or kernelet cp SOURCE NAME:PATH");
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
		"What cannot be copied is named, the rest is, and the exit status is 1.",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.settings = &settings,
	.run = run,
};
