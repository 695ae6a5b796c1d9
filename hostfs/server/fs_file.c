// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests about open files.
 *
 * Only regular files are opened. Data goes between the file and guest memory
 * in one system call: a READ's reply is in its place before libfuse makes the
 * header, a WRITE's data libfuse never sees.
 */
#include "server.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#define FMODE_EXEC	0x20		/* as the kernel has it */
#define OPEN_FLAGS (O_ACCMODE | O_APPEND | O_TRUNC | O_SYNC | O_DSYNC | O_NOATIME)

/* ---- open ---------------------------------------------------------------- */

static int open_flags(const struct server *srv, int flags)
{
	flags = (flags & OPEN_FLAGS) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	if (srv->opt.cache == CACHE_ALWAYS) {
		/* the guest fills pages that it writes to, and knows the end */
		if ((flags & O_ACCMODE) == O_WRONLY)
			flags = (flags & ~O_ACCMODE) | O_RDWR;
		flags &= ~O_APPEND;
	}
	return flags;
}

static int reopen(int fd, int wanted, int flags)
{
	int file = openat(AT_FDCWD, fd_name(fd).s, flags);

	/* a file that may be written and not read */
	if (file < 0 && errno == EACCES && (flags & O_ACCMODE) != (wanted & O_ACCMODE))
		file = openat(AT_FDCWD, fd_name(fd).s,
			      (flags & ~O_ACCMODE) | (wanted & O_ACCMODE));
	if (file < 0 && errno == EPERM && flags & O_NOATIME)
		file = openat(AT_FDCWD, fd_name(fd).s, flags & ~O_NOATIME);
	return file < 0 ? -errno : file;
}

static bool changes(int flags)
{
	return (flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC;
}

static int open_node(struct server *srv, struct node *n, int flags)
{
	int fd;

	if (!n)
		return -ESTALE;
	if (!S_ISREG(node_type(n)))
		return -EACCES;
	if (srv->opt.readonly && changes(flags))
		return -EROFS;
	fd = node_fd(srv, n);
	return fd < 0 ? fd : reopen(fd, flags, open_flags(srv, flags));
}

static bool is_large_input(int flags, int fd)
{
	struct stat st;

	return (flags & O_ACCMODE) == O_RDONLY && !fstat(fd, &st) && st.st_size >= STREAMED_SIZE;
}

/*
 * Do reads and writes go past the guest's page cache, straight between the file
 * and the program?  That saves a copy and the guest's memory, and pays where the
 * data are large and not wanted again: where a file is only written to, as every
 * write is a request anyway, and where a large one is read as a stream.
 *
 * What is going to be mapped is better cached: a mapping of such an open file
 * has the guest drop all that it had of it.  Programs when they are run are known
 * by FMODE_EXEC.  Of a library nothing tells when it is opened; but then the page
 * cache reads from it, and the next time it is cached.
 */
static bool is_streamed(const struct server *srv, const struct node *n, int flags, int fd)
{
	if (srv->opt.cache == CACHE_NONE)
		return true;
	if (srv->opt.cache == CACHE_ALWAYS && !srv->opt.readonly)
		return false;
	if ((flags & O_ACCMODE) == O_WRONLY)
		return true;
	return !(flags & FMODE_EXEC) && !node_is_cached(n) && is_large_input(flags, fd);
}

static void set_caching(const struct server *srv, const struct node *n,
			struct fuse_file_info *fi, int fd)
{
	fi->direct_io = is_streamed(srv, n, fi->flags, fd);
	/* the attributes that came with the open tell whether pages are good */
	fi->keep_cache = srv->opt.cache != CACHE_NONE;
	fi->noflush = srv->opt.cache == CACHE_AUTO && (fi->flags & O_ACCMODE) == O_RDONLY;
}

void fs_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct server *srv = server_of(req);
	struct node *n = node_get(srv, ino);
	int fd = open_node(srv, n, fi->flags);
	int error = fd < 0 ? -fd : handle_open(srv, fd, false, ino, &fi->fh);

	if (!error)
		set_caching(srv, n, fi, fd);
	node_put(srv, n);
	if (error) {
		fuse_reply_err(req, error);
		return;
	}
	if (fi->direct_io && is_large_input(fi->flags, fd))
		handle_give(srv, fi->fh, ino);
	if (fuse_reply_open(req, fi))
		handle_close(srv, fi->fh, ino);
}

/* Make it, or open what is there; never follow a link. */
static int create(struct server *srv, fuse_req_t req, int dir, const char *name, mode_t mode,
		  struct fuse_file_info *fi)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct options *o = &srv->opt;
	int flags = open_flags(srv, fi->flags) | O_CREAT | O_NOFOLLOW | (fi->flags & O_EXCL);
	struct stat st;
	int fd;

	umask_begin(srv, ctx->umask);
	fd = openat(dir, name, flags, mode & 07777);
	umask_end(srv);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return -EACCES;
	}
	if (!geteuid() && fi->flags & O_EXCL &&
	    fchown(fd, attr_to_host(o->uid, o->uids, ctx->uid),
		   attr_to_host(o->gid, o->gids, ctx->gid))) {
		int error = errno;

		close(fd);
		return -error;
	}
	return fd;
}

void fs_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
	       struct fuse_file_info *fi)
{
	struct server *srv = server_of(req);
	struct node *dir;
	int dirfd = fs_dir_begin(srv, parent, name, &dir);
	int fd = dirfd < 0 ? dirfd : create(srv, req, dirfd, name, mode, fi);
	struct fuse_entry_param e;
	int error = fd < 0 ? -fd : fs_entry(srv, dir, name, &e);

	node_put(srv, dir);
	if (error && fd >= 0)
		close(fd);
	if (!error) {
		error = handle_open(srv, fd, false, e.ino, &fi->fh);
		if (error)
			node_forget(srv, e.ino, 1);
	}
	if (error) {
		fuse_reply_err(req, error);
		return;
	}
	set_caching(srv, NULL, fi, fd);
	if (fuse_reply_create(req, &e, fi)) {
		handle_close(srv, fi->fh, e.ino);
		node_forget(srv, e.ino, 1);
	}
}

/* ---- O_TMPFILE, which libfuse does not know ------------------------------ */

static int tmpfile_open(struct server *srv, const struct fuse_in_header *in,
			const struct fuse_create_in *arg, int *file)
{
	struct node *dir;
	int fd = fs_dir_begin(srv, in->nodeid, "", &dir);
	int flags = (open_flags(srv, arg->flags) & ~O_TRUNC) | O_TMPFILE | (arg->flags & O_EXCL);

	*file = NO_FD;
	if (fd < 0)
		return -fd;
	if ((flags & O_ACCMODE) == O_RDONLY)
		flags |= O_RDWR;
	umask_begin(srv, arg->umask);
	*file = openat(fd, ".", flags, arg->mode & 07777);
	umask_end(srv);
	node_put(srv, dir);
	return *file < 0 ? errno : 0;
}

static void to_attr(const struct stat *st, struct fuse_attr *a)
{
	*a = (struct fuse_attr){
		.ino = st->st_ino, .size = st->st_size, .blocks = st->st_blocks,
		.atime = st->st_atim.tv_sec, .atimensec = st->st_atim.tv_nsec,
		.mtime = st->st_mtim.tv_sec, .mtimensec = st->st_mtim.tv_nsec,
		.ctime = st->st_ctim.tv_sec, .ctimensec = st->st_ctim.tv_nsec,
		.mode = st->st_mode, .nlink = st->st_nlink, .uid = st->st_uid,
		.gid = st->st_gid, .blksize = st->st_blksize,
	};
}

void fs_tmpfile(struct work *w, const struct fuse_in_header *in, const void *p)
{
	const struct fuse_create_in *arg = p;
	struct server *srv = w->srv;
	struct {
		struct fuse_entry_out entry;
		struct fuse_open_out open;
	} out = { 0 };
	struct fuse_entry_param e;
	struct node *n = NULL;
	struct statx stx;
	int file, path, error = tmpfile_open(srv, in, arg, &file);

	if (!error) {
		path = openat(AT_FDCWD, fd_name(file).s, O_PATH | O_CLOEXEC);
		error = path < 0 ? errno : -node_adopt(srv, path, &stx, &n);
	}
	if (error && file >= 0)
		close(file);
	if (!error) {
		fs_entry_fill(srv, n, &stx, &e);
		error = handle_open(srv, file, false, e.ino, &out.open.fh);
		node_put(srv, n);
		if (error)
			node_forget(srv, e.ino, 1);
	}
	if (error) {
		ring_reply(w, error, NULL, 0);
		return;
	}
	out.entry.nodeid = e.ino;
	out.entry.generation = e.generation;
	out.entry.attr_valid = e.attr_timeout;
	to_attr(&e.attr, &out.entry.attr);
	out.open.open_flags = srv->opt.cache == CACHE_NONE ? FOPEN_DIRECT_IO : FOPEN_KEEP_CACHE;
	ring_reply(w, 0, &out, sizeof(out));
}

/* ---- data ---------------------------------------------------------------- */

static ssize_t read_all(int fd, struct iovec *iov, int n, size_t size, off_t off)
{
	ssize_t got = preadv(fd, iov, n, off);

	(void)size;
	return got < 0 ? -errno : got;
}

static void set_cached(struct server *srv, fuse_ino_t ino)
{
	struct node *n = node_get(srv, ino);

	node_set_cached(n);
	node_put(srv, n);
}

void fs_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct server *srv = server_of(req);
	struct handle *h = handle_get(srv, fi->fh, ino);
	struct iovec iov[HOSTFS_SEGS + 1];
	ssize_t got = -EBADF;

	if (h && !h->dir)
		got = read_all(h->fd, iov, ring_out(ring_work(), iov, size), size, off);
	/* a read() that goes past the cache names its owner */
	if (got > 0 && !fi->lock_owner && !__atomic_exchange_n(&h->cached, true, __ATOMIC_RELAXED))
		set_cached(srv, ino);
	handle_put(srv, h);
	if (got < 0)
		fuse_reply_err(req, -got);
	else
		ring_reply_placed(req, got);
}

/* What could not be written at once is tried again: then comes the error. */
static ssize_t write_all(int fd, struct iovec *iov, int n, off_t off)
{
	ssize_t sum = 0;

	while (n) {
		ssize_t put = pwritev(fd, iov, n, off + sum);

		if (put < 0)
			return sum ? sum : -errno;
		if (!put)
			break;
		sum += put;
		for (; n && (size_t)put >= iov->iov_len; iov++, n--)
			put -= iov->iov_len;
		if (n) {
			iov->iov_base = (char *)iov->iov_base + put;
			iov->iov_len -= put;
		}
	}
	return sum;
}

void fs_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
	      struct fuse_file_info *fi)
{
	struct server *srv = server_of(req);
	struct handle *h = handle_get(srv, fi->fh, ino);
	struct work *w = ring_work();
	struct iovec rest = { (void *)buf, size };
	ssize_t put = -EBADF;

	if (h && !h->dir) {
		/* a small one may lie inline, behind the header */
		if (w->data_n)
			put = write_all(h->fd, w->data, w->data_n, off);
		else
			put = size ? write_all(h->fd, &rest, 1, off) : 0;
	}
	handle_put(srv, h);
	if (put < 0)
		fuse_reply_err(req, -put);
	else
		fuse_reply_write(req, put);
}

/* ---- the rest ------------------------------------------------------------ */

void fs_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct server *srv = server_of(req);
	struct handle *h = handle_get(srv, fi->fh, ino);
	int copy, error = 0;

	/* file systems that write on close tell of their errors then */
	copy = h ? dup(h->fd) : NO_FD;
	if (!h)
		error = EBADF;
	else if (copy < 0 || close(copy))
		error = errno;
	handle_put(srv, h);
	fuse_reply_err(req, error);
}

void fs_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	handle_close(server_of(req), fi->fh, ino);
	fuse_reply_err(req, 0);
}

void fs_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	struct server *srv = server_of(req);
	struct handle *h = handle_get(srv, fi->fh, ino);
	int error = EBADF;

	if (h)
		error = (datasync ? fdatasync(h->fd) : fsync(h->fd)) ? errno : 0;
	handle_put(srv, h);
	fuse_reply_err(req, error);
}

void fs_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off, off_t len,
		  struct fuse_file_info *fi)
{
	struct server *srv = server_of(req);
	struct handle *h = handle_get(srv, fi->fh, ino);
	int error = EBADF;

	if (h && !h->dir)
		error = fallocate(h->fd, mode, off, len) ? errno : 0;
	handle_put(srv, h);
	fuse_reply_err(req, error);
}

void fs_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence, struct fuse_file_info *fi)
{
	struct server *srv = server_of(req);
	struct handle *h = handle_get(srv, fi->fh, ino);
	off_t at = -1;
	int error = EBADF;

	/* with data still in the guest, the host does not know where holes are */
	if (srv->opt.cache == CACHE_ALWAYS) {
		handle_put(srv, h);
		fuse_reply_err(req, ENOSYS);
		return;
	}
	if (h && !h->dir && (whence == SEEK_DATA || whence == SEEK_HOLE || whence == SEEK_END)) {
		at = lseek(h->fd, off, whence);
		error = at < 0 ? errno : 0;
	} else if (h) {
		error = EINVAL;
	}
	handle_put(srv, h);
	if (error)
		fuse_reply_err(req, error);
	else
		fuse_reply_lseek(req, at);
}

void fs_copy_file_range(fuse_req_t req, fuse_ino_t ino_in, off_t off_in,
			struct fuse_file_info *fi_in, fuse_ino_t ino_out, off_t off_out,
			struct fuse_file_info *fi_out, size_t len, int flags)
{
	struct server *srv = server_of(req);
	struct handle *in = handle_get(srv, fi_in->fh, ino_in);
	struct handle *out = handle_get(srv, fi_out->fh, ino_out);
	ssize_t n = -1;
	int error = EBADF;

	if (in && out && !in->dir && !out->dir) {
		n = copy_file_range(in->fd, &off_in, out->fd, &off_out, len, flags);
		error = n < 0 ? errno : 0;
	}
	handle_put(srv, in);
	handle_put(srv, out);
	if (error)
		fuse_reply_err(req, error);
	else
		fuse_reply_write(req, n);
}

void fs_syncfs(struct work *w, const struct fuse_in_header *in)
{
	struct node *n = node_get(w->srv, in->nodeid);
	int fd = n ? node_fd(w->srv, n) : -ESTALE;
	int error = 0, dir = NO_FD;

	if (fd >= 0)
		dir = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		error = -fd;
	else if (dir >= 0 && syncfs(dir))
		error = errno;
	if (dir >= 0)
		close(dir);
	node_put(w->srv, n);
	ring_reply(w, error, NULL, 0);
}
