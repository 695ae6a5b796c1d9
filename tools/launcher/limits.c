// SPDX-License-Identifier: GPL-2.0-only
/*
 * The group is made beside the caller's own, where a desktop session has it, or
 * below it, where a container has: in the first of the two that has the
 * controllers or can get them.  A launcher that was killed leaves an empty one,
 * which the next removes.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "disks.h"
#include "limits.h"

#define PERIOD_US	100000
#define PREFIX		"kernelet-"
#define HOW		"start it as systemd-run --user --scope -p Delegate=yes kernelet run ..."

static int parent = -1;		/* the directory above the group */
static int group = -1;
static char *name;

/* ---- where ---------------------------------------------------------------- */

/* Where version 2 is mounted, from /proc/self/mountinfo. */
static char *mount_point(void)
{
	char *text __auto_free = read_file(AT_FDCWD, "/proc/self/mountinfo");
	char *line, *save = NULL, *result = NULL;

	for (line = text ? strtok_r(text, "\n", &save) : NULL; line && !result;
	     line = strtok_r(NULL, "\n", &save)) {
		char place[4096];

		if (strstr(line, " - cgroup2 ") &&
		    sscanf(line, "%*s %*s %*s %*s %4095s", place) == 1)
			result = print("%s", place);
	}
	return result;
}

/* Our own group, below that. */
static char *own_group(void)
{
	char *text __auto_free = read_file(AT_FDCWD, "/proc/self/cgroup");
	char *line = text ? strstr(text, "0::/") : NULL;

	if (!line || (line != text && line[-1] != '\n'))
		return NULL;
	return print("%.*s", (int)strcspn(line + 3, "\n"), line + 3);
}

static bool write_to(int dir, const char *file, const char *text)
{
	int fd __auto_fd = openat(dir, file, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

/* Has a group's children this controller? */
static bool controls(int dir, const char *controller)
{
	char *text __auto_free = read_file(dir, "cgroup.subtree_control");
	char *word, *save = NULL;

	for (word = text ? strtok_r(text, "\n ", &save) : NULL; word;
	     word = strtok_r(NULL, "\n ", &save))
		if (!strcmp(word, controller))
			return true;
	return false;
}

static bool usable(int dir, const char *const *controllers, size_t n)
{
	size_t i;

	if (faccessat(dir, "cgroup.procs", W_OK, 0) || faccessat(dir, ".", W_OK, 0))
		return false;
	for (i = 0; i < n; i++) {
		char *plus __auto_free = print("+%s", controllers[i]);

		if (!controls(dir, controllers[i]) &&
		    !write_to(dir, "cgroup.subtree_control", plus))
			return false;
	}
	return true;
}

static int find_parent(const char *const *controllers, size_t n)
{
	char *mount __auto_free = mount_point();
	char *own __auto_free = own_group();
	int up;

	for (up = 1; up >= 0 && mount && own; up--) {
		char *path __auto_free = print("%s%s%s", mount, own, up ? "/.." : "");
		int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		struct statfs fs;

		/* not above the mount point */
		if (fd >= 0 && !fstatfs(fd, &fs) && fs.f_type == 0x63677270 &&
		    usable(fd, controllers, n))
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return -1;
}

/* ---- what ----------------------------------------------------------------- */

/* What launchers that were killed have left. */
static void remove_empty(void)
{
	DIR *d = fdopendir(openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (!strncmp(e->d_name, PREFIX, strlen(PREFIX)) &&
		    kill(atoi(e->d_name + strlen(PREFIX)), 0) && errno == ESRCH)
			unlinkat(parent, e->d_name, AT_REMOVEDIR);
	if (d)
		closedir(d);
}

static void limit_cpu(const char *cpu)
{
	char *end, *text __auto_free = NULL;
	double n = strtod(cpu, &end);

	if (end == cpu || *end || !(n >= 0.01 && n <= 100000))
		fail("--cpu-limit=%s: not a number of CPUs; say for example 0.5 or 2", cpu);
	if (group < 0)
		return;
	text = print("%.0f %d", n * PERIOD_US, PERIOD_US);
	if (!write_to(group, "cpu.max", text))
		fail("--cpu-limit=%s: %s", cpu, strerror(errno));
}

/* The disk that a file is, or lies on: of a partition the whole. */
static bool disk_of(const struct stat *st, char disk[32])
{
	dev_t number = S_ISBLK(st->st_mode) ? st->st_rdev : st->st_dev;
	char *dir __auto_free = print("/sys/dev/block/%u:%u", major(number), minor(number));
	char *partition __auto_free = print("%s/partition", dir);
	char *dev __auto_free = print("%s%s", dir, access(partition, F_OK) ? "/dev" : "/../dev");
	char *text __auto_free = read_file(AT_FDCWD, dev);

	if (!text)
		return false;
	snprintf(disk, 32, "%.*s", (int)strcspn(text, "\n"), text);
	return true;
}

/* Whether the file is on a disk. */
static bool limit_disk(const char *io, unsigned long long bytes, const struct stat *st)
{
	char *text __auto_free = NULL;
	char disk[32];

	if (!disk_of(st, disk))
		return false;
	text = print("%s rbps=%llu wbps=%llu", disk, bytes, bytes);
	if (!write_to(group, "io.max", text))
		fail("--io-limit=%s: disk %s: %s", io, disk, strerror(errno));
	return true;
}

/* An overlay that is not there yet is made where its directory is. */
static bool stat_file(const char *file, struct stat *st)
{
	const char *slash = strrchr(file, '/');
	char *dir __auto_free = slash ? print("%.*s", (int)(slash - file) + 1, file) :
				print(".");

	return !stat(file, st) || !stat(dir, st);
}

static void limit_io(const char *io, const struct shares *sh, const struct words *disks)
{
	static const char units[] = "KMGT";
	char *end;
	unsigned long long n = strtoull(io, &end, 10);
	const char *unit = *end ? strchr(units, *end & ~0x20) : NULL;
	struct words files = { 0 };
	bool any = false;
	struct stat st;
	size_t i;

	if (unit)
		n <<= 10 * (unit - units + 1);
	for (i = 0; i <= sh->n; i++) {
		int fd = i < sh->n ? sh->share[i].dir : sh->root_fd;

		if (fd >= 0 && !fstat(fd, &st))
			any |= limit_disk(io, n, &st);
	}
	for (i = 0; i < disks->n; i++)
		disk_files(disks->v[i], &files);
	for (i = 0; i < files.n; i++)
		if (stat_file(files.v[i], &st))
			any |= limit_disk(io, n, &st);
	if (!any)
		fail("--io-limit=%s: neither the root nor a share nor --disk lies on a disk", io);
}

void limits_make(const char *cpu, const char *io, const struct shares *sh,
		 const struct words *disks)
{
	const char *controllers[2];
	size_t n = 0;

	if (cpu) {
		limit_cpu(cpu);		/* is it a number? */
		controllers[n++] = "cpu";
	}
	if (io)
		controllers[n++] = "io";
	if (!n)
		return;
	parent = find_parent(controllers, n);
	if (parent < 0)
		fail("%s: no control group (version 2) is yours to divide; " HOW,
		     cpu ? "--cpu-limit" : "--io-limit");
	remove_empty();
	name = print(PREFIX "%d", getpid());
	if (mkdirat(parent, name, 0755))
		fail("control group %s: %s", name, strerror(errno));
	group = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	atexit(limits_remove);
	if (cpu)
		limit_cpu(cpu);
	if (io)
		limit_io(io, sh, disks);
}

void limits_enter(void)
{
	if (group >= 0 && !write_to(group, "cgroup.procs", "0")) {
		dprintf(2, "kernelet: control group %s: %s\n", name, strerror(errno));
		_exit(EXIT_USAGE);
	}
}

void limits_remove(void)
{
	int i;

	if (group < 0)
		return;
	/* processes that were killed may take a moment to go */
	for (i = 0; i < 100 && unlinkat(parent, name, AT_REMOVEDIR) && errno == EBUSY; i++)
		usleep(5000);
	close(group);
	group = -1;
}
