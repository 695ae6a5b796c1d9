// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests about open directories.
 *
 * The guest reads a page at a time; the host is read in larger pieces, and
 * what is left of one is kept with the handle. Offsets are the host's own.
 */
#include "server.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SETTLED_S	1

/* As getdents64() has it. */
struct dent {
	uint64_t ino;
	int64_t off;
	uint16_t len;
	uint8_t type;
	char name[];
};

/*
 * May the guest keep what it reads of this directory?  It looks at the time of
 * modification before it uses that again.  Just after a change that does not
 * tell: another within the same tick of the host's clock would be missed.
 */
static bool may_keep(struct server *srv, struct node *n)
{
	struct timespec now;
	struct statx stx;

	if (srv->opt.cache != CACHE_AUTO)
		return srv->opt.cache == CACHE_ALWAYS;
	return !node_statx(srv, n, &stx) && !clock_gettime(CLOCK_REALTIME, &now) &&
	       now.tv_sec - stx.stx_mtime.tv_sec > SETTLED_S;
}

/* A handle of the directory @n, which may be NULL. 0 or an errno. */
static int open_dir(struct server *srv, struct node *n, fuse_ino_t ino, uint64_t *fh)
{
	int fd = -ESTALE, error;

	if (n && !S_ISDIR(node_type(n))) {
		fd = -ENOTDIR;
	} else if (n && node_fenced(n)) {
		/* something that is a descriptor and is never read */
		fd = openat(srv->opt.dir, ".", O_PATH | O_CLOEXEC);
	} else if (n) {
		fd = node_fd(srv, n);
		if (fd >= 0)
			fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	error = fd >= 0 ? 0 : fd == -1 ? errno : -fd;
	return error ?: handle_open(srv, fd, true, ino, fh);
}

void fs_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct server *srv = server_of(req);
	struct node *n = node_get(srv, ino);
	bool keep = n && !node_fenced(n) && may_keep(srv, n);
	int error = open_dir(srv, n, ino, &fi->fh);

	node_put(srv, n);
	if (error) {
		fuse_reply_err(req, error);
		return;
	}
	fi->cache_readdir = keep;
	fi->keep_cache = keep;
	if (fuse_reply_open(req, fi))
		handle_close(srv, fi->fh, ino);
}

/* The handle in a request, or one for this request only; with *error if it is none. */
static struct handle *dir_handle(struct server *srv, struct node *n, fuse_ino_t ino, uint64_t fh,
				 int *error)
{
	bool passing = fh == HOSTFS_NO_HANDLE;
	struct handle *h;

	*error = passing ? open_dir(srv, n, ino, &fh) : 0;
	if (*error)
		return NULL;
	h = handle_get(srv, fh, ino);
	if (passing)
		handle_close(srv, fh, ino);
	if (!h || !h->dir)
		*error = EBADF;
	return h;
}

/* The entry at @off, NULL at the end or with *error. Under the handle's lock. */
static struct dent *next_entry(struct handle *h, off_t off, int *error)
{
	struct dir_buffer *b = h->dir;
	struct dent *d;
	long n;

	if (b->pos >= b->len || b->next != off) {
		if (lseek(h->fd, off, SEEK_SET) < 0) {
			*error = errno;
			return NULL;
		}
		n = syscall(SYS_getdents64, h->fd, b->data, sizeof(b->data));
		b->pos = 0;
		b->len = n > 0 ? n : 0;
		b->next = off;
		if (n <= 0) {
			*error = n < 0 ? errno : 0;
			return NULL;
		}
	}
	d = (struct dent *)(b->data + b->pos);
	return d;
}

static void entry_used(struct handle *h, const struct dent *d)
{
	h->dir->pos += d->len;
	h->dir->next = d->off;
}

/* Where entries are put together, and for whom. */
struct listing {
	fuse_req_t req;
	struct server *srv;
	struct node *dir;
	struct statx stx;	/* of the directory */
	bool plus;
	char *buf;
	size_t size, used;
};

static bool is_dot(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

static bool hidden(const struct listing *l, const struct dent *d)
{
	return hide_any(l->srv) &&
	       (hide_name(l->srv, &l->stx, d->name) ||
		hide_object(l->srv, attr_dev(&l->stx), d->ino));
}

/* 0; 1: no room; nothing is counted then. */
static int add_plus(struct listing *l, const struct dent *d, struct fuse_entry_param *e)
{
	size_t n;

	if (is_dot(d->name))
		e->ino = 0;
	else if (fs_entry(l->srv, l->dir, d->name, e))
		return 0;	/* gone, or not to be seen */
	n = fuse_add_direntry_plus(l->req, l->buf + l->used, l->size - l->used, d->name, e,
				   d->off);
	if (n > l->size - l->used) {
		if (e->ino)
			node_forget(l->srv, e->ino, 1);
		return 1;
	}
	l->used += n;
	return 0;
}

static int add(struct listing *l, const struct dent *d)
{
	struct fuse_entry_param e = { 0 };
	size_t n;

	if (hidden(l, d))
		return 0;
	e.attr.st_mode = DTTOIF(d->type);
	e.attr.st_ino = strcmp(d->name, "..") ? node_inode(l->srv, attr_dev(&l->stx), d->ino) : 1;
	if (l->plus)
		return add_plus(l, d, &e);
	n = fuse_add_direntry(l->req, l->buf + l->used, l->size - l->used, d->name, &e.attr,
			      d->off);
	if (n > l->size - l->used)
		return 1;
	l->used += n;
	return 0;
}

static int list(struct listing *l, struct handle *h, off_t off)
{
	struct dent *d;
	int error = 0;

	while ((d = next_entry(h, off, &error))) {
		if (add(l, d))
			break;
		off = d->off;
		entry_used(h, d);
	}
	return l->used ? 0 : error;
}

static void read_dir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		     struct fuse_file_info *fi, bool plus)
{
	struct server *srv = server_of(req);
	char buf[65536];
	struct listing l = {
		.req = req, .srv = srv, .dir = node_get(srv, ino), .plus = plus, .buf = buf,
		.size = size < sizeof(buf) ? size : sizeof(buf),
	};
	int error;
	struct handle *h = dir_handle(srv, l.dir, ino, fi->fh, &error);

	if (!error && !l.dir)
		error = EBADF;
	if (!error && !node_fenced(l.dir))
		error = -node_statx(srv, l.dir, &l.stx);
	if (!error && !node_fenced(l.dir)) {
		pthread_mutex_lock(&h->lock);
		error = list(&l, h, off);
		pthread_mutex_unlock(&h->lock);
	}
	handle_put(srv, h);
	node_put(srv, l.dir);
	if (error)
		fuse_reply_err(req, error);
	else
		fuse_reply_buf(req, buf, l.used);
}

void fs_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		struct fuse_file_info *fi)
{
	read_dir(req, ino, size, off, fi, false);
}

void fs_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		    struct fuse_file_info *fi)
{
	read_dir(req, ino, size, off, fi, true);
}

void fs_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	struct server *srv = server_of(req);
	struct node *n = node_get(srv, ino);
	int error;
	struct handle *h = dir_handle(srv, n, ino, fi->fh, &error);

	if (!error)
		error = (datasync ? fdatasync(h->fd) : fsync(h->fd)) ? errno : 0;
	handle_put(srv, h);
	node_put(srv, n);
	fuse_reply_err(req, error);
}
