/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kernelet-hostfs: the parts of the server and what they give each other.
 *
 * Theory of operation
 *
 *   main.c     options; the socket: memory comes in, doorbells go out
 *   confine.c  gives up everything but the share, before the first request
 *   ring.c     threads that take requests out of guest memory (abi.h)
 *   check.c    refuses what no kernel sends, before libfuse sees it
 *   ops.c      libfuse's table; requests that libfuse does not know
 *   node.c     nodeids: what a guest has looked up
 *   handle.c   file handles: what a guest has opened
 *   hide.c     names that are not shown
 *   fs_*.c     the requests themselves
 *
 * The guest's kernel is not trusted: nodeids and handles are indices with a
 * generation, names are single components, and whatever lies in guest memory
 * is copied before it is looked at.
 */
#ifndef SERVER_H
#define SERVER_H

#define FUSE_USE_VERSION FUSE_MAKE_VERSION(3, 12)
#include <fuse_lowlevel.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include "../abi.h"

#define WORKERS		4
#define MAX_MAPS	16
#define MAX_HIDDEN	256
#define NO_FD		(-1)
#define STREAMED_SIZE	(1 << 20)	/* a file is large from here on */

enum cache_mode { CACHE_NONE, CACHE_AUTO, CACHE_ALWAYS };

struct id_map {
	uint32_t host;
	uint32_t guest;
};

struct options {
	int sock;
	int dir;
	int ready;
	bool readonly;
	bool verbose;
	bool unconfined;
	enum cache_mode cache;
	struct id_map uid[MAX_MAPS], gid[MAX_MAPS];
	int uids, gids;
	const char *hide[MAX_HIDDEN];
	int hides;
};

/**
 * struct server - everything
 * @opt:	what it was started with
 * @ram:	guest memory
 * @ram_size:	its size
 * @control:	the control page in it, NULL while no guest is attached
 * @attached:	counts guests: futex of threads that have none
 * @poll:	threads may look for requests without sleeping
 * @se:		libfuse's session
 * @ready:	all threads are there
 * @umask_shared: a thread cannot have a umask of its own here
 * @umask_lock:	held then while it is not 0
 * @busy:	held by those who handle a request; written by attach
 * @nodes:	see node.c
 * @handles:	see handle.c
 * @hidden:	see hide.c
 */
struct server {
	struct options opt;
	uint8_t *ram;
	uint64_t ram_size;
	struct hostfs_control *control;
	uint32_t attached;
	bool poll;
	struct fuse_session *se;
	pthread_barrier_t ready;
	bool umask_shared;
	pthread_mutex_t umask_lock;
	pthread_rwlock_t busy;
	struct node_table *nodes;
	struct handle_table *handles;
	struct hidden *hidden;
};

/* One line on standard error, status 2. */
void usage_error(const char *what, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 2, 3)));

/* ---- ring.c -------------------------------------------------------------- */

#define REQUEST_MAX	(sizeof(struct hostfs_slot) + 65536 + 4096)

/**
 * struct work - a request that a thread has taken
 * @srv:	the server
 * @slot:	where in guest memory it came from
 * @in:		private copy of the request; a WRITE's data is left out
 * @in_len:	its length
 * @data:	a WRITE's data: pieces of guest memory
 * @out:	where a reply's arguments go, in guest memory
 * @placed:	that many bytes of the reply are in @out already
 * @replied:	the header is written
 */
struct work {
	struct server *srv;
	struct hostfs_slot *slot;
	uint8_t *in;
	size_t in_len;
	struct iovec data[HOSTFS_SEGS];
	int data_n;
	size_t data_len;
	struct iovec out[HOSTFS_SEGS + 1];
	int out_n;
	size_t out_len;
	ssize_t placed;
	bool replied;
};

int ring_start(struct server *srv);

/* Around a call that makes a file: that much of the mode is not given. */
void umask_begin(struct server *srv, mode_t mask);
void umask_end(struct server *srv);

void ring_attach(struct server *srv, uint64_t control);
void ring_detach(struct server *srv);

/* The request that the calling thread works at. */
struct work *ring_work(void);

/* libfuse's way to reply, and ours for what it does not know. */
ssize_t ring_writev(int fd, struct iovec *iov, int count, void *userdata);
void ring_reply(struct work *w, int error, const void *arg, size_t len);

/* Hand an open file over, with the handle it has: before the reply that tells of that. */
bool ring_give(struct server *srv, uint64_t fh, int fd);

/* Reply with the first @len bytes of w->out, which hold them already. */
void ring_reply_placed(fuse_req_t req, size_t len);

/* The first @len bytes of w->out, for preadv(). */
int ring_out(struct work *w, struct iovec *iov, size_t len);

/* ---- check.c ------------------------------------------------------------- */

/* 0, or the error to refuse it with. */
int check_request(const struct work *w);

/* ---- ops.c --------------------------------------------------------------- */

int ops_session(struct server *srv);
void ops_handle(struct work *w);

/* ---- node.c -------------------------------------------------------------- */

struct node;

int node_start(struct server *srv);
void node_reset(struct server *srv);

/* NULL: no such nodeid. What is got is put again. */
struct node *node_get(struct server *srv, fuse_ino_t id);
void node_put(struct server *srv, struct node *n);
/* Has the guest's page cache read from this file?  No for NULL. */
bool node_is_cached(const struct node *n);
void node_set_cached(struct node *n);

fuse_ino_t node_id(const struct node *n);
mode_t node_type(const struct node *n);
uint32_t node_generation(const struct node *n);

/* A mount point of a file system that is not shown: an empty directory. */
bool node_fenced(const struct node *n);

/* An O_PATH descriptor, good until node_put(); or a negative errno. */
int node_fd(struct server *srv, struct node *n);

/* Look up a name; the node found has one more lookup counted. */
int node_lookup(struct server *srv, struct node *dir, const char *name,
		struct statx *stx, struct node **found);
/* The same for an object of which a descriptor is at hand, with no name. */
int node_adopt(struct server *srv, int fd, struct statx *stx, struct node **found);
void node_forget(struct server *srv, fuse_ino_t id, uint64_t n);

/*
 * The object called @name is about to lose that name: its node, or NULL, to be
 * put; @last is whether that is its last name. When it has lost it,
 * node_unname().
 */
struct node *node_named(struct server *srv, struct node *dir, const char *name, bool *last);
void node_unname(struct server *srv, struct node *dir, const char *name, struct node *n,
		 bool last);
/* What is now called @name in @dir had another name before. */
void node_rename(struct server *srv, struct node *dir, const char *name);

int node_statx(struct server *srv, struct node *n, struct statx *stx);
uint64_t node_inode(struct server *srv, uint64_t dev, uint64_t ino);

/* ---- handle.c ------------------------------------------------------------ */

struct dir_buffer {
	size_t len, pos;
	int64_t next;
	char data[32768];
};

struct handle {
	int fd;
	uint32_t refs;
	fuse_ino_t node;
	bool given;		/* to the guest too */
	bool cached;		/* so its node has been told */
	pthread_mutex_t lock;	/* protects @dir */
	struct dir_buffer *dir;	/* of a directory */
};

int handle_start(struct server *srv);
void handle_reset(struct server *srv);
/* 0, or an error; takes @fd in any case. */
int handle_open(struct server *srv, int fd, bool dir, fuse_ino_t node, uint64_t *fh);
struct handle *handle_get(struct server *srv, uint64_t fh, fuse_ino_t node);
void handle_put(struct server *srv, struct handle *h);
void handle_close(struct server *srv, uint64_t fh, fuse_ino_t node);
/* Have the guest read an open file by itself, unless it has many. */
void handle_give(struct server *srv, uint64_t fh, fuse_ino_t node);

/* ---- hide.c -------------------------------------------------------------- */

int hide_start(struct server *srv);
/* Is a name in this directory not to be used? */
bool hide_name(struct server *srv, const struct statx *dir, const char *name);
/* Is this object not to be seen? */
bool hide_object(struct server *srv, uint64_t dev, uint64_t ino);
bool hide_any(struct server *srv);

/* ---- confine.c ----------------------------------------------------------- */

/* Before threads and after the share and the socket are open. */
void confine_early(struct server *srv);
/* When all threads are there. */
void confine_calls(struct server *srv);

/* ---- attr.c -------------------------------------------------------------- */

uint32_t attr_to_guest(const struct id_map *map, int n, uint32_t id);
uint32_t attr_to_host(const struct id_map *map, int n, uint32_t id);
void attr_stat(struct server *srv, const struct statx *stx, struct stat *st);
double attr_timeout(struct server *srv);
uint32_t attr_blksize(const struct statx *stx);
uint64_t attr_dev(const struct statx *stx);

/* ---- fs_*.c -------------------------------------------------------------- */

static inline struct server *server_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

void fs_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void fs_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup);
void fs_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets);
void fs_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void fs_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		struct fuse_file_info *fi);
void fs_readlink(fuse_req_t req, fuse_ino_t ino);
void fs_statfs(fuse_req_t req, fuse_ino_t ino);
void fs_statx(struct work *w, const struct fuse_in_header *in, const void *arg);

void fs_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev);
void fs_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void fs_symlink(fuse_req_t req, const char *link, fuse_ino_t parent, const char *name);
void fs_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t newparent, const char *newname);
void fs_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void fs_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void fs_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent,
	       const char *newname, unsigned int flags);

void fs_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void fs_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
	       struct fuse_file_info *fi);
void fs_tmpfile(struct work *w, const struct fuse_in_header *in, const void *arg);
void fs_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);
void fs_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
	      struct fuse_file_info *fi);
void fs_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void fs_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void fs_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);
void fs_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off, off_t len,
		  struct fuse_file_info *fi);
void fs_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence, struct fuse_file_info *fi);
void fs_copy_file_range(fuse_req_t req, fuse_ino_t ino_in, off_t off_in,
			struct fuse_file_info *fi_in, fuse_ino_t ino_out, off_t off_out,
			struct fuse_file_info *fi_out, size_t len, int flags);
void fs_syncfs(struct work *w, const struct fuse_in_header *in);

void fs_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void fs_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		struct fuse_file_info *fi);
void fs_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);
void fs_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		    struct fuse_file_info *fi);

void fs_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
		 size_t size, int flags);
void fs_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size);
void fs_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size);
void fs_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name);

/* Make an entry's reply; 0 or an errno, and then nothing is counted. */
int fs_entry(struct server *srv, struct node *dir, const char *name, struct fuse_entry_param *e);
void fs_entry_fill(struct server *srv, struct node *n, const struct statx *stx,
		   struct fuse_entry_param *e);
/* What every change begins with: a directory one may write to, 0 or an errno. */
int fs_dir_begin(struct server *srv, fuse_ino_t id, const char *name, struct node **dir);

/* Does a system call need the path of an O_PATH descriptor? It is this (cwd is /proc/self/fd). */
struct fd_name {
	char s[16];
};

struct fd_name fd_name(int fd);

#endif /* SERVER_H */
