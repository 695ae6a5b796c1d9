// SPDX-License-Identifier: GPL-2.0-only
/*
 * faultfs DIR MOUNTPOINT: the files of DIR, by FUSE, with faults on demand and a
 * record of what is done to them.
 *
 * A line written to MOUNTPOINT/control:
 *
 *	fail OP ERRNO COUNT	the next COUNT of these operations fail so
 *	short OP COUNT		... move half of what they are asked for
 *	slow OP MS COUNT	... take so long
 *
 * OP is read, write, sync or allocate.  Each write and sync is appended to DIR/log,
 * see trace.h.  The host caches nothing: what is written arrives here.
 */
#define FUSE_USE_VERSION 35
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "trace.h"

enum { READ, WRITE, SYNC, ALLOCATE, OPS };

static const char *const names[OPS] = { "read", "write", "sync", "allocate" };

static struct fault {
	int fail, fails, shorts, ms, slows;
} faults[OPS];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int dir, log_fd;

static void append(unsigned int kind, const char *path, const void *data, size_t n, off_t at)
{
	struct trace_entry e = { .kind = kind, .file = path[1], .length = n, .offset = at };

	pthread_mutex_lock(&lock);
	if (write(log_fd, &e, sizeof(e)) != sizeof(e) ||
	    (n && write(log_fd, data, n) != (ssize_t)n))
		abort();
	pthread_mutex_unlock(&lock);
}

/* Return: 0 or an error for this operation; *n may become less. */
static int fault(int op, size_t *n)
{
	struct fault *f = &faults[op];
	int error = 0, ms = 0;

	pthread_mutex_lock(&lock);
	if (f->slows && f->slows--)
		ms = f->ms;
	if (f->fails && f->fails--)
		error = -f->fail;
	else if (n && *n > 512 && f->shorts && f->shorts--)
		*n /= 2;
	pthread_mutex_unlock(&lock);
	usleep(1000 * ms);
	return error;
}

static int command(const char *text, size_t n)
{
	char line[128] = "", op[16], what[16];
	int i, a = 0, b = 0;

	memcpy(line, text, n < sizeof(line) ? n : sizeof(line) - 1);
	if (sscanf(line, "%15s %15s %d %d", what, op, &a, &b) < 3)
		return -EINVAL;
	for (i = 0; i < OPS && strcmp(op, names[i]); i++)
		;
	if (i == OPS)
		return -EINVAL;
	pthread_mutex_lock(&lock);
	if (!strcmp(what, "fail")) {
		faults[i].fail = a;
		faults[i].fails = b;
	} else if (!strcmp(what, "short")) {
		faults[i].shorts = a;
	} else {
		faults[i].ms = a;
		faults[i].slows = b;
	}
	pthread_mutex_unlock(&lock);
	return n;
}

static int is_control(const char *path)
{
	return !strcmp(path, "/control");
}

static int do_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	if (is_control(path)) {
		*st = (struct stat){ .st_mode = S_IFREG | 0666, .st_nlink = 1 };
		return 0;
	}
	return fstatat(dir, path[1] ? path + 1 : ".", st, 0) ? -errno : 0;
}

static int do_open(const char *path, struct fuse_file_info *fi)
{
	fi->direct_io = 1;
	if (is_control(path))
		return 0;
	fi->fh = openat(dir, path + 1, (fi->flags & O_ACCMODE) == O_RDONLY ? O_RDONLY : O_RDWR);
	return (int)fi->fh < 0 ? -errno : 0;
}

static int do_release(const char *path, struct fuse_file_info *fi)
{
	if (!is_control(path))
		close(fi->fh);
	return 0;
}

static int do_read(const char *path, char *buf, size_t n, off_t at, struct fuse_file_info *fi)
{
	int error = is_control(path) ? -EIO : fault(READ, &n);
	ssize_t ret = error ? error : pread(fi->fh, buf, n, at);

	return error ? error : ret < 0 ? -errno : ret;
}

static int do_write(const char *path, const char *buf, size_t n, off_t at,
		    struct fuse_file_info *fi)
{
	int error = is_control(path) ? command(buf, n) : fault(WRITE, &n);
	ssize_t ret;

	if (error)
		return error;
	ret = pwrite(fi->fh, buf, n, at);
	if (ret > 0)
		append(TRACE_WRITE, path, buf, ret, at);
	return ret < 0 ? -errno : ret;
}

static int do_fsync(const char *path, int datasync, struct fuse_file_info *fi)
{
	int error;

	append(TRACE_SYNC_BEGIN, path, NULL, 0, 0);
	error = fault(SYNC, NULL);
	if (!error)
		append(TRACE_SYNC_END, path, NULL, 0, 0);
	return error;
}

static int do_fallocate(const char *path, int mode, off_t at, off_t n, struct fuse_file_info *fi)
{
	int error = fault(ALLOCATE, NULL);

	return error ? error : fallocate(fi->fh, mode, at, n) ? -errno : 0;
}

static int do_truncate(const char *path, off_t size, struct fuse_file_info *fi)
{
	int fd;

	if (is_control(path))
		return 0;
	fd = fi ? (int)fi->fh : openat(dir, path + 1, O_RDWR);
	return ftruncate(fd, size) ? -errno : 0;
}

static const struct fuse_operations operations = {
	.getattr = do_getattr,
	.open = do_open,
	.release = do_release,
	.read = do_read,
	.write = do_write,
	.fsync = do_fsync,
	.fallocate = do_fallocate,
	.truncate = do_truncate,
};

int main(int argc, char **argv)
{
	char *words[] = { argv[0], "-f", "-o", "allow_other,auto_unmount", argc == 3 ? argv[2] : "" };

	if (argc != 3) {
		fprintf(stderr, "usage: faultfs DIR MOUNTPOINT\n");
		return 2;
	}
	dir = open(argv[1], O_PATH | O_DIRECTORY);
	log_fd = openat(dir, "log", O_WRONLY | O_CREAT | O_APPEND, 0666);
	if (dir < 0 || log_fd < 0) {
		perror(argv[1]);
		return 2;
	}
	return fuse_main(5, words, &operations, NULL);
}
