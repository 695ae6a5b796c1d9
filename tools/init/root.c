// SPDX-License-Identifier: GPL-2.0
/*
 * The root and the shares that the host asks for, below /mnt of the built-in
 * root, then moved to /:
 *
 *   /mnt/lower   the root as it comes: a disk's file system, or the host's files
 *   /mnt/layer   guest memory with what is written over it and over shares
 *   /mnt/root    the two together
 *   /mnt/share   shares that are written over, as they come
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../session_abi.h"
#include "init.h"

#define LAYER	"/mnt/layer"

/* What is written to the root stays. */
static bool root_is_written;

struct trouble {
	char *text;
	size_t size;
};

static bool __attribute__((format(printf, 2, 3))) failed(struct trouble *t, const char *format, ...)
{
	int n, err = errno;
	va_list args;

	va_start(args, format);
	n = vsnprintf(t->text, t->size, format, args);
	va_end(args);
	if (n >= 0 && (size_t)n < t->size)
		snprintf(t->text + n, t->size - n, ": %s", strerror(err));
	return false;
}

/* Makes a directory and those above it. */
static void make_dirs(char *path)
{
	char *p;

	for (p = path + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(path, 0755);
		*p = '/';
	}
	mkdir(path, 0755);
}

/* Lays guest memory over @lower, at @place; @name is this layer's own. */
static bool lay_over(const char *lower, const char *name, const char *place, struct trouble *t)
{
	static bool layer;
	char options[8192], upper[256], work[256];
	struct stat st;

	if (!layer) {
		mkdir(LAYER, 0755);
		if (mount("tmpfs", LAYER, "tmpfs", MS_NODEV, "mode=755"))
			return failed(t, "memory for what is written");
		layer = true;
	}
	snprintf(upper, sizeof(upper), LAYER "/%s", name);
	snprintf(work, sizeof(work), LAYER "/%s.work", name);
	mkdir(upper, 0755);
	mkdir(work, 0755);
	/* the root of the whole shows the upper directory's owner and mode */
	if (!stat(lower, &st) && (chown(upper, st.st_uid, st.st_gid) ||
				  chmod(upper, st.st_mode & 07777)))
		return failed(t, "%s", upper);
	snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%s,workdir=%s",
		 lower, upper, work);
	if (mount("overlay", place, "overlay", 0, options))
		return failed(t, "a layer over %s", name);
	return true;
}

static bool mount_as(const char *type, const char *source, const char *mode, const char *place,
		     struct trouble *t)
{
	unsigned long flags = MS_NODEV;

	if (strcmp(mode, "rw"))
		flags |= MS_RDONLY;
	if (mount(source, place, type, flags, NULL))
		return failed(t, "%s %s", type, source);
	return true;
}

/* A tar archive that comes on a channel, into guest memory, by the built-in root's tar. */
static bool unpack(const char *flag, const char *channel, const char *place, struct trouble *t)
{
	char device[32], flags[8];
	int fd, status;
	pid_t pid;

	if (mount("tmpfs", place, "tmpfs", 0, "mode=755,size=90%"))
		return failed(t, "memory for the root");
	snprintf(device, sizeof(device), "/dev/hostchan%s", channel);
	snprintf(flags, sizeof(flags), "-xp%s", flag);
	fd = open(device, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return failed(t, "%s", device);
	pid = fork();
	if (!pid) {
		dup2(fd, STDIN_FILENO);
		execl("/bin/busybox", "tar", flags, "-f", "-", "-C", place, NULL);
		_exit(127);
	}
	close(fd);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return failed(t, "unpacking the root");
	errno = EIO;
	return !status || failed(t, "the archive cannot be unpacked, or does not fit");
}

/* Splits TEXT at its first two colons. */
static bool split(char *text, char **part)
{
	part[0] = text;
	part[1] = strchr(text, ':');
	if (!part[1])
		return false;
	*part[1]++ = '\0';
	part[2] = strchr(part[1], ':');
	if (!part[2])
		return false;
	*part[2]++ = '\0';
	return true;
}

/* Where the root is, in @root. */
static bool mount_root(const char *record, const char **root, struct trouble *t)
{
	char text[4096], *part[3];

	snprintf(text, sizeof(text), "%s", record);
	errno = EINVAL;
	if (!split(text, part))
		return failed(t, "root");
	mkdir("/mnt/lower", 0755);
	mkdir("/mnt/root", 0755);
	*root = "/mnt/lower";
	if (!strcmp(part[0], "tar"))
		return unpack(part[1], part[2], *root, t);
	if (!mount_as(part[0], part[2], part[1], "/mnt/lower", t))
		return false;
	root_is_written = !strcmp(part[1], "rw");
	if (strcmp(part[1], "overlay"))
		return true;
	*root = "/mnt/root";
	return lay_over("/mnt/lower", "root", "/mnt/root", t);
}

/* Whether it lies in what move_to() moves along: there it is to be mounted before. */
static bool is_moved(const char *place)
{
	return !strncmp(place, "/dev/", 5) || !strcmp(place, "/run") || !strncmp(place, "/run/", 5);
}

static bool mount_share(const char *record, const char *root, struct trouble *t)
{
	char text[8192], place[8192], lower[4096], *part[3];

	snprintf(text, sizeof(text), "%s", record);
	errno = EINVAL;
	if (!split(text, part))
		return failed(t, "share");
	snprintf(place, sizeof(place), "%s%s", is_moved(part[2]) ? "" : root, part[2]);
	make_dirs(place);
	if (strcmp(part[0], "overlay"))
		return mount_as("hostfs", part[1], part[0], place, t);
	snprintf(lower, sizeof(lower), "/mnt/share/%s", part[1]);
	make_dirs(lower);
	return mount_as("hostfs", part[1], "ro", lower, t) &&
	       lay_over(lower, part[1], place, t);
}

/* What mount_all() has mounted goes along. */
static bool move_to(const char *root, struct trouble *t)
{
	static const char *const dirs[] = { "/proc", "/sys", "/dev", "/run" };
	char place[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(dirs); i++) {
		snprintf(place, sizeof(place), "%s%s", root, dirs[i]);
		mkdir(place, 0755);
		if (mount(dirs[i], place, NULL, MS_MOVE, NULL))
			return failed(t, "%s of the root", dirs[i]);
	}
	if (chdir(root) || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/"))
		return failed(t, "the change of root");
	return true;
}

/* Whether something lies on it that the host asked for. */
static bool is_mounted_on(const char *place)
{
	struct stat at, above;
	char dir[64];

	snprintf(dir, sizeof(dir), "%s/..", place);
	return !stat(place, &at) && !stat(dir, &above) && at.st_dev != above.st_dev;
}

/* What the kernel can load; a root that is kept gets no new directory for it. */
static void mount_modules(const char *record)
{
	static char place[] = "/lib/modules";
	const char *source = strchr(record, ':') + 1;
	struct stat st;

	if (is_mounted_on(place))
		return;
	if (stat(place, &st)) {
		if (root_is_written)
			return;
		make_dirs(place);
	}
	if (!strncmp(record, "bind:", 5) ? mount(source, place, NULL, MS_BIND, NULL) :
	    mount(source, place, "hostfs", MS_RDONLY | MS_NODEV, NULL))
		warn(place);
}

void root_settle(void)
{
	sync();
	if (!root_is_written)
		return;
	end_all();
	if (mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY, NULL))
		warn("the root cannot be made read-only");
	sync();
}

bool root_set_up(const struct request *r, char *trouble, size_t size)
{
	const char *root = "", *record = request_next(r, NULL, REC_ROOT);
	struct trouble t = { trouble, size };
	const char *share = NULL;

	if (record && !mount_root(record, &root, &t))
		return false;
	while ((share = request_next(r, share, REC_MOUNT)))
		if (!mount_share(share, root, &t))
			return false;
	if (record && !move_to(root, &t))
		return false;
	record = request_next(r, NULL, REC_MODULES);
	if (record && strchr(record, ':'))
		mount_modules(record);
	return true;
}
