// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's files for the host (../files_abi.h): what a session runs instead
 * of a command.  Nothing is checked but sizes: it acts as the session's user.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "../files_abi.h"
#include "init.h"

/* getdents64()'s */
struct dent {
	uint64_t ino;
	int64_t off;
	unsigned short len;
	unsigned char type;
	char name[];
};

static struct files_request req;
static struct files_reply reply;
static char path[FILES_PATH];
static char in[FILES_DATA + 1];
static char out[FILES_DATA];

static bool read_all(void *p, size_t n)
{
	while (n) {
		ssize_t got = read(STDIN_FILENO, p, n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		p = (char *)p + got;
		n -= got;
	}
	return true;
}

static bool write_all(const void *p, size_t n)
{
	while (n) {
		ssize_t put = write(STDOUT_FILENO, p, n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return false;
		p = (const char *)p + put;
		n -= put;
	}
	return true;
}

/* ---- operations: 0, or -1 with errno -------------------------------------- */

static int do_stat(void)
{
	struct files_stat *s = (void *)out;
	struct stat st;

	if (lstat(path, &st))
		return -1;
	*s = (struct files_stat){
		.ino = st.st_ino, .size = st.st_size, .blocks = st.st_blocks,
		.rdev = st.st_rdev, .mode = st.st_mode, .nlink = st.st_nlink,
		.uid = st.st_uid, .gid = st.st_gid,
		.atime = st.st_atim.tv_sec, .atime_nsec = st.st_atim.tv_nsec,
		.mtime = st.st_mtim.tv_sec, .mtime_nsec = st.st_mtim.tv_nsec,
		.ctime = st.st_ctim.tv_sec, .ctime_nsec = st.st_ctim.tv_nsec,
	};
	reply.data_len = sizeof(*s);
	return 0;
}

/* Our entries take no more room than the kernel's. */
static int do_list(void)
{
	static char buf[32768];
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long n = -1, at;

	if (fd < 0)
		return -1;
	if (!req.offset || lseek(fd, req.offset, SEEK_SET) >= 0)
		n = syscall(SYS_getdents64, fd, buf, sizeof(buf));
	close(fd);
	for (at = 0; at < n; ) {
		struct dent *d = (void *)(buf + at);
		struct files_entry *e = (void *)(out + reply.data_len);

		*e = (struct files_entry){ d->off, d->ino, d->type, strlen(d->name) };
		memcpy(e->name, d->name, e->len + 1);
		reply.data_len += sizeof(*e) + e->len + 1;
		at += d->len;
	}
	return n < 0 ? -1 : 0;
}

static int do_readlink(void)
{
	ssize_t n = readlink(path, out, FILES_PATH);

	if (n < 0)
		return -1;
	reply.data_len = n;
	return 0;
}

static int do_open(void)
{
	int fd = open(path, req.flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, req.mode);

	if (fd < 0)
		return -1;
	reply.value = fd;
	return 0;
}

static int do_close(void)
{
	return req.handle > STDERR_FILENO ? close(req.handle) : 0;
}

static int do_read(void)
{
	ssize_t n = pread(req.handle, out, req.count < FILES_DATA ? req.count : FILES_DATA,
			  req.offset);

	if (n < 0 && errno == ESPIPE)
		n = read(req.handle, out, req.count < FILES_DATA ? req.count : FILES_DATA);
	if (n < 0)
		return -1;
	reply.data_len = n;
	return 0;
}

static int do_write(void)
{
	ssize_t n = pwrite(req.handle, in, req.data_len, req.offset);

	if (n < 0 && errno == ESPIPE)
		n = write(req.handle, in, req.data_len);
	if (n < 0)
		return -1;
	reply.value = n;
	return 0;
}

static int do_sync(void)
{
	return fsync(req.handle);
}

static int do_truncate(void)
{
	return truncate(path, req.offset);
}

static int do_mkdir(void)
{
	return mkdir(path, req.mode);
}

static int do_mknod(void)
{
	return mknod(path, req.mode, req.offset);
}

static int do_unlink(void)
{
	return unlink(path);
}

static int do_rmdir(void)
{
	return rmdir(path);
}

static int do_symlink(void)
{
	return symlink(in, path);
}

static int do_link(void)
{
	return link(path, in);
}

static int do_rename(void)
{
	return renameat2(AT_FDCWD, path, AT_FDCWD, in, req.flags);
}

static int do_chmod(void)
{
	return chmod(path, req.mode);
}

static int do_chown(void)
{
	return lchown(path, req.uid, req.gid);
}

static int do_utimes(void)
{
	struct timespec ts[2];

	memcpy(ts, in, sizeof(ts));
	return utimensat(AT_FDCWD, path, ts, AT_SYMLINK_NOFOLLOW);
}

static int do_statfs(void)
{
	struct files_statfs *s = (void *)out;
	struct statvfs st;

	if (statvfs(path, &st))
		return -1;
	*s = (struct files_statfs){ st.f_blocks, st.f_bfree, st.f_bavail, st.f_files, st.f_ffree,
				    st.f_frsize, st.f_namemax };
	reply.data_len = sizeof(*s);
	return 0;
}

static int (*const ops[FILES_OPS])(void) = {
	[FILES_STAT] = do_stat, [FILES_LIST] = do_list, [FILES_READLINK] = do_readlink,
	[FILES_OPEN] = do_open, [FILES_CLOSE] = do_close, [FILES_READ] = do_read,
	[FILES_WRITE] = do_write, [FILES_SYNC] = do_sync, [FILES_TRUNCATE] = do_truncate,
	[FILES_MKDIR] = do_mkdir, [FILES_MKNOD] = do_mknod, [FILES_UNLINK] = do_unlink,
	[FILES_RMDIR] = do_rmdir, [FILES_SYMLINK] = do_symlink, [FILES_LINK] = do_link,
	[FILES_RENAME] = do_rename, [FILES_CHMOD] = do_chmod, [FILES_CHOWN] = do_chown,
	[FILES_UTIMES] = do_utimes, [FILES_STATFS] = do_statfs,
};

void files_serve(void)
{
	/* the host has applied the caller's */
	umask(0);
	while (read_all(&req, sizeof(req))) {
		if (req.path_len > sizeof(path) || req.data_len > FILES_DATA ||
		    !read_all(path, req.path_len) || !read_all(in, req.data_len))
			return;
		path[req.path_len ? req.path_len - 1 : 0] = '\0';
		in[req.data_len] = '\0';
		reply = (struct files_reply){ 0 };
		if (req.op >= FILES_OPS || !ops[req.op])
			reply.error = ENOSYS;
		else if (ops[req.op]())
			reply = (struct files_reply){ .error = errno };
		if (!write_all(&reply, sizeof(reply)) || !write_all(out, reply.data_len))
			return;
	}
}
