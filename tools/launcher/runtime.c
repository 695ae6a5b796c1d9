// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "runtime.h"

#define NAME_LENGTH	64

/* ---- the directory of all ------------------------------------------------- */

/* A directory that is ours alone, made if need be; -1 when it is not. */
static int own_directory(const char *path)
{
	struct stat st;
	int fd;

	if (mkdir(path, 0700) && errno != EEXIST)
		return -1;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (!fstat(fd, &st) && st.st_uid == geteuid() && !(st.st_mode & 077))
		return fd;
	close(fd);
	return -1;
}

int runtime_directory(void)
{
	const char *xdg = getenv("XDG_RUNTIME_DIR");
	char *path[3] = {
		xdg && *xdg == '/' ? print("%s/kernelet", xdg) : NULL,
		print("/run/user/%u/kernelet", geteuid()),
		print("/tmp/kernelet-%u", geteuid()),
	};
	mode_t mask = umask(077);
	int i, fd = -1;

	for (i = 0; i < 3 && fd < 0; i++)
		if (path[i])
			fd = own_directory(path[i]);
	umask(mask);
	for (i = 0; i < 3; i++)
		free(path[i]);
	return fd;
}

static int open_all(void)
{
	int fd = runtime_directory();

	if (fd < 0)
		fail("/tmp/kernelet-%u: not a directory that is yours alone; set XDG_RUNTIME_DIR",
		     geteuid());
	return fd;
}

/* Nobody else makes or removes a guest's directory until it is closed; or -1. */
static int lock_all(int base)
{
	mode_t mask = umask(077);
	int fd = openat(base, ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	umask(mask);
	if (fd < 0 || !flock(fd, LOCK_EX))
		return fd;
	close(fd);
	return -1;
}

static int lock_or_fail(int base)
{
	int fd = lock_all(base);

	if (fd < 0)
		fail("the runtime directory cannot be locked: %s", strerror(errno));
	return fd;
}

/* ---- one guest's ---------------------------------------------------------- */

static bool is_alive(int base, const char *name)
{
	char *path __auto_free = print("%s/alive", name);
	int fd __auto_fd = openat(base, path, O_RDWR | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK;
}

static void remove_directory(int base, const char *name)
{
	static const char *const files[] = { "alive", "control", "info" };
	size_t i;
	int dir;

	dir = openat(base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	for (i = 0; i < ARRAY_SIZE(files); i++)
		unlinkat(dir, files[i], 0);
	if (dir >= 0)
		close(dir);
	unlinkat(base, name, AT_REMOVEDIR);
}

/* The names of those that live; the others' directories are removed. */
static struct words sweep(int base)
{
	struct words found = { 0 };
	struct dirent *d;
	DIR *all = fdopendir(dup(base));

	if (!all)
		return found;
	rewinddir(all);
	while ((d = readdir(all))) {
		if (*d->d_name == '.')
			continue;
		if (is_alive(base, d->d_name))
			words_add(&found, print("%s", d->d_name));
		else
			remove_directory(base, d->d_name);
	}
	closedir(all);
	return found;
}

struct words entries(void)
{
	int base __auto_fd = open_all();
	int lock __auto_fd = lock_or_fail(base);

	return sweep(base);
}

static bool is_name(const char *name)
{
	const char *s;

	for (s = name; *s; s++)
		if (!(*s >= 'a' && *s <= 'z') && !(*s >= 'A' && *s <= 'Z') &&
		    !(*s >= '0' && *s <= '9') && !(s != name && strchr("-_.", *s)))
			break;
	return !*s && s > name && s - name <= NAME_LENGTH;
}

void name_check(const char *option, const char *name)
{
	if (!is_name(name))
		fail("%s%s: not a name for a guest: letters, digits, -_. (not first), at most %d",
		     option, name, NAME_LENGTH);
}

/* A path that is short enough for a socket, however long the directory's is. */
static struct sockaddr_un socket_address(int dir)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/control", dir);
	return a;
}

static int listen_in(int dir)
{
	struct sockaddr_un a = socket_address(dir);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 16))
		fail("the control socket cannot be made: %s", strerror(errno));
	return fd;
}

static void write_info(int dir, const char *info)
{
	int fd __auto_fd = openat(dir, "info", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ssize_t n = strlen(info);

	if (fd < 0 || write(fd, info, n) != n)
		fail("the runtime directory cannot be written: %s", strerror(errno));
}

void entry_create(struct entry *e, const char *name, const char *info)
{
	int base __auto_fd = open_all();
	int lock __auto_fd = lock_or_fail(base);
	struct words alive = sweep(base);
	mode_t mask = umask(077);
	size_t i;

	e->name = name ? print("%s", name) : print("run-%d", getpid());
	for (i = 0; i < alive.n; i++)
		if (!strcmp(alive.v[i], e->name))
			fail("--name=%s: a guest of this name runs already", e->name);
	if (mkdirat(base, e->name, 0700))
		fail("runtime directory: %s: %s", e->name, strerror(errno));
	e->dir = openat(base, e->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	e->alive = openat(e->dir, "alive", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (e->dir < 0 || e->alive < 0 || flock(e->alive, LOCK_EX | LOCK_NB))
		fail("runtime directory: %s: %s", e->name, strerror(errno));
	e->listener = listen_in(e->dir);
	write_info(e->dir, info);
	umask(mask);
}

/* What cannot be removed is left to who comes next. */
void entry_remove(struct entry *e)
{
	int base __auto_fd = -1, lock __auto_fd = -1;

	if (e->dir < 0)
		return;
	base = runtime_directory();
	lock = lock_all(base);
	if (lock >= 0)
		remove_directory(base, e->name);
	close(e->listener);
	close(e->alive);
	close(e->dir);
	e->dir = -1;
}

/* ---- from another command ------------------------------------------------- */

char *entry_text(const char *name)
{
	int base __auto_fd = open_all();
	char *path __auto_free = print("%s/info", name);

	return is_name(name) && is_alive(base, name) ? read_file(base, path) : NULL;
}

char *entry_info(const char *name, const char *key)
{
	char *text __auto_free = entry_text(name);
	char *line, *save = NULL;
	size_t n = strlen(key);

	for (line = text ? strtok_r(text, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save))
		if (!strncmp(line, key, n) && line[n] == '=')
			return print("%s", line + n + 1);
	return print("%s", "");
}

int entry_connect(const char *name, char **trouble)
{
	int base __auto_fd = open_all();
	int dir __auto_fd = -1;
	struct sockaddr_un a;
	int fd;

	if (is_name(name))
		dir = openat(base, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || !is_alive(base, name)) {
		*trouble = print("%s: no guest of this name runs (see kernelet ps)", name);
		return -1;
	}
	a = socket_address(dir);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd >= 0 && !connect(fd, (struct sockaddr *)&a, sizeof(a)))
		return fd;
	*trouble = print("%s: its launcher does not answer: %s", name, strerror(errno));
	close_auto(&fd);
	return -1;
}
