// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nodeids: what the guest has looked up and not yet forgotten.
 *
 * Theory of operation
 *
 * A nodeid is an index into a table and a generation. A node knows which
 * object of the host it is (device, inode, time of birth: inode numbers are
 * used again) and by which name in which other node it was found. A lookup is
 * one statx(). The O_PATH descriptor is opened when something needs it, by
 * that name, and is then compared with what the node is; the ones not used for
 * longest are closed when there are too many.
 *
 * An object that loses the name it is known by keeps its descriptor, since
 * there would be no way back; and it is no longer what a lookup that meets the
 * same inode number finds.
 *
 * Only one component is ever opened, without following a link, without
 * leaving the file system; a mount point is entered when the file system
 * mounted there is listed below, and otherwise is an empty directory.
 *
 * Lock: table->lock protects everything; it is held over openat2() and statx()
 * of single components.
 */
#include "server.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#define MAX_NODES	(1 << 23)
#define BUCKETS		(1 << 16)
#define MAX_DEPTH	4096
#define MAX_DEVICES	1024
#define WANTED		(STATX_BASIC_STATS | STATX_BTIME)

/* What an object is, as long as it exists. */
struct identity {
	uint64_t dev, ino;
	int64_t born;		/* seconds */
	uint32_t born_ns;
	uint32_t type;
};

struct node {
	uint32_t index;
	uint32_t generation;
	struct identity id;
	uint64_t lookups;	/* of the guest */
	uint32_t pins;		/* of running requests */
	uint32_t children;	/* nodes whose parent it is */
	int fd;
	bool fenced;		/* shown as an empty directory */
	bool mounted;		/* the root of a mount */
	bool unnamed;		/* cannot be opened by its name any more */
	bool hashed;		/* can be found by its identity */
	bool cached;		/* the guest's page cache has read from it */
	struct node *parent;
	char *name;
	struct node *next;	/* in its bucket */
	struct node *newer, *older;	/* if it has a descriptor and a name */
};

struct slot {
	struct node *n;
	uint32_t generation;
	uint32_t next_free;
};

struct node_table {
	pthread_mutex_t lock;
	struct slot *slot;
	uint32_t n, room;
	uint32_t free;			/* 1 + index */
	struct node *bucket[BUCKETS];
	struct node *newest, *oldest;
	int fds, max_fds;
	uint64_t device[MAX_DEVICES];
	int devices;
	uint64_t devtmpfs;	/* statfs() does not tell it from tmpfs */
};

static const uint32_t listed[] = {
	EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, TMPFS_MAGIC, OVERLAYFS_SUPER_MAGIC,
	F2FS_SUPER_MAGIC, MSDOS_SUPER_MAGIC, EXFAT_SUPER_MAGIC, ISOFS_SUPER_MAGIC,
	SQUASHFS_MAGIC, NFS_SUPER_MAGIC, CIFS_SUPER_MAGIC, SMB2_SUPER_MAGIC, V9FS_MAGIC,
	CEPH_SUPER_MAGIC, RAMFS_MAGIC, EROFS_SUPER_MAGIC_V1, UDF_SUPER_MAGIC, FUSE_SUPER_MAGIC,
	REISERFS_SUPER_MAGIC, NILFS_SUPER_MAGIC, ECRYPTFS_SUPER_MAGIC, MINIX_SUPER_MAGIC2,
	0x2fc12fc1 /* zfs */, 0xca451a4e /* bcachefs */, 0x3153464a /* jfs */,
	0x7366746e /* ntfs3 */,
};

/* ---- the host ------------------------------------------------------------ */

static bool file_system_listed(const struct node_table *t, int fd)
{
	struct statfs sfs;
	struct stat st;
	size_t i;

	if (fstatfs(fd, &sfs) || fstat(fd, &st) || st.st_dev == t->devtmpfs)
		return false;
	for (i = 0; i < sizeof(listed) / sizeof(*listed); i++)
		if ((uint32_t)sfs.f_type == listed[i])
			return true;
	return false;
}

static int open_component(int dir, const char *name, uint64_t resolve)
{
	struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | resolve,
	};
	int fd = syscall(SYS_openat2, dir, name, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

static int look(int fd, const char *name, struct statx *stx)
{
	int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (*name ? 0 : AT_EMPTY_PATH);

	return statx(fd, name, flags, WANTED, stx) ? -errno : 0;
}

static struct identity identity_of(const struct statx *stx)
{
	return (struct identity){
		.dev = attr_dev(stx),
		.ino = stx->stx_ino,
		.born = stx->stx_mask & STATX_BTIME ? stx->stx_btime.tv_sec : 0,
		.born_ns = stx->stx_mask & STATX_BTIME ? stx->stx_btime.tv_nsec : 0,
		.type = stx->stx_mode & S_IFMT,
	};
}

static bool same(const struct identity *a, const struct identity *b)
{
	return a->ino == b->ino && a->dev == b->dev && a->born == b->born &&
	       a->born_ns == b->born_ns && a->type == b->type;
}

/* ---- descriptors that may be closed --------------------------------------- */

static void lru_remove(struct node_table *t, struct node *n)
{
	*(n->newer ? &n->newer->older : &t->newest) = n->older;
	*(n->older ? &n->older->newer : &t->oldest) = n->newer;
	n->newer = NULL;
	n->older = NULL;
}

static void lru_add(struct node_table *t, struct node *n)
{
	n->newer = NULL;
	n->older = t->newest;
	*(t->newest ? &t->newest->newer : &t->oldest) = n;
	t->newest = n;
}

/* Close the one not used for longest; false when none can be. */
static bool evict_one(struct node_table *t)
{
	struct node *n;

	for (n = t->oldest; n; n = n->newer) {
		if (n->pins)
			continue;
		lru_remove(t, n);
		close(n->fd);
		n->fd = NO_FD;
		t->fds--;
		return true;
	}
	return false;
}

static void set_fd(struct node_table *t, struct node *n, int fd)
{
	n->fd = fd;
	t->fds++;
	if (!n->unnamed)
		lru_add(t, n);
	while (t->fds > t->max_fds && evict_one(t))
		;
}

/* ---- the table ----------------------------------------------------------- */

static struct node **bucket_of(struct node_table *t, const struct identity *id)
{
	uint64_t h = (id->ino ^ id->dev << 40) * 0x9e3779b97f4a7c15ULL;

	return &t->bucket[h >> 48];
}

static void unhash(struct node_table *t, struct node *n)
{
	struct node **p = bucket_of(t, &n->id);

	if (!n->hashed)
		return;
	while (*p != n)
		p = &(*p)->next;
	*p = n->next;
	n->hashed = false;
}

static struct node *find(struct node_table *t, const struct identity *id)
{
	struct node *n = *bucket_of(t, id);

	while (n && !same(&n->id, id))
		n = n->next;
	return n;
}

static bool grow(struct node_table *t)
{
	uint32_t room = t->room ? t->room * 2 : 1024;
	struct slot *s;

	if (t->n < t->room)
		return true;
	if (t->n == MAX_NODES)
		return false;
	s = realloc(t->slot, room * sizeof(*s));
	if (!s)
		return false;
	t->slot = s;
	t->room = room;
	return true;
}

static struct node *new_node(struct node_table *t, const struct identity *id)
{
	struct node *n = calloc(1, sizeof(*n));

	if (!n || (!t->free && !grow(t))) {
		free(n);
		return NULL;
	}
	if (t->free) {
		n->index = t->free - 1;
		t->free = t->slot[n->index].next_free;
	} else {
		n->index = t->n++;
		t->slot[n->index].generation = n->index ? 1 : 0;
	}
	t->slot[n->index].n = n;
	n->generation = t->slot[n->index].generation;
	n->id = *id;
	n->fd = NO_FD;
	return n;
}

static void hash(struct node_table *t, struct node *n)
{
	struct node **b = bucket_of(t, &n->id);

	n->next = *b;
	*b = n;
	n->hashed = true;
}

/* Free it when nobody needs it, and then perhaps its parent. */
static void reap(struct node_table *t, struct node *n)
{
	while (n && n->index && !n->lookups && !n->pins && !n->children) {
		struct node *parent = n->parent;
		struct slot *s = &t->slot[n->index];

		unhash(t, n);
		if (n->fd != NO_FD) {
			if (!n->unnamed)
				lru_remove(t, n);
			close(n->fd);
			t->fds--;
		}
		s->n = NULL;
		s->generation++;
		s->next_free = t->free;
		t->free = n->index + 1;
		free(n->name);
		free(n);
		if (parent)
			parent->children--;
		n = parent;
	}
}

fuse_ino_t node_id(const struct node *n)
{
	return (uint64_t)n->generation << 32 | (n->index + 1);
}

uint32_t node_generation(const struct node *n)
{
	return n->generation;
}

mode_t node_type(const struct node *n)
{
	return n->id.type;
}

bool node_fenced(const struct node *n)
{
	return n->fenced;
}

static struct node *get_locked(struct node_table *t, fuse_ino_t id)
{
	uint32_t i = (uint32_t)id - 1;

	if (!(uint32_t)id || i >= t->n || !t->slot[i].n || t->slot[i].generation != id >> 32)
		return NULL;
	return t->slot[i].n;
}

struct node *node_get(struct server *srv, fuse_ino_t id)
{
	struct node_table *t = srv->nodes;
	struct node *n;

	pthread_mutex_lock(&t->lock);
	n = get_locked(t, id);
	if (n)
		n->pins++;
	pthread_mutex_unlock(&t->lock);
	return n;
}

bool node_is_cached(const struct node *n)
{
	return n && __atomic_load_n(&n->cached, __ATOMIC_RELAXED);
}

void node_set_cached(struct node *n)
{
	if (n)
		__atomic_store_n(&n->cached, true, __ATOMIC_RELAXED);
}

void node_put(struct server *srv, struct node *n)
{
	struct node_table *t = srv->nodes;

	if (!n)
		return;
	pthread_mutex_lock(&t->lock);
	n->pins--;
	reap(t, n);
	pthread_mutex_unlock(&t->lock);
}

/* ---- descriptors --------------------------------------------------------- */

static int fd_locked(struct node_table *t, struct node *n, int depth);

static int reopen(struct node_table *t, struct node *n, int depth)
{
	struct identity now;
	struct statx stx;
	int fd, dir;

	if (n->unnamed || !n->parent || depth == MAX_DEPTH)
		return -ESTALE;
	dir = fd_locked(t, n->parent, depth + 1);
	if (dir < 0)
		return dir;
	do {
		fd = open_component(dir, n->name, n->mounted ? 0 : RESOLVE_NO_XDEV);
	} while ((fd == -EMFILE || fd == -ENFILE) && evict_one(t));
	if (fd < 0)
		return fd == -ENOENT || fd == -EXDEV || fd == -ENOTDIR ? -ESTALE : fd;
	if (look(fd, "", &stx))
		goto out_stale;
	now = identity_of(&stx);
	if (!same(&n->id, &now) || (n->mounted && !file_system_listed(t, fd)))
		goto out_stale;
	return fd;

out_stale:
	close(fd);
	return -ESTALE;
}

static int fd_locked(struct node_table *t, struct node *n, int depth)
{
	int fd;

	if (n->fenced)
		return -EACCES;
	if (n->fd != NO_FD) {
		if (!n->unnamed && n->index && t->newest != n) {
			lru_remove(t, n);
			lru_add(t, n);
		}
		return n->fd;
	}
	n->pins++;
	fd = reopen(t, n, depth);
	if (fd >= 0)
		set_fd(t, n, fd);
	n->pins--;
	return fd;
}

int node_fd(struct server *srv, struct node *n)
{
	int fd;

	pthread_mutex_lock(&srv->nodes->lock);
	fd = fd_locked(srv->nodes, n, 0);
	pthread_mutex_unlock(&srv->nodes->lock);
	return fd;
}

/* What a fenced mount point looks like. */
static void fence(struct statx *stx)
{
	stx->stx_mode = S_IFDIR | 0555;
	stx->stx_nlink = 2;
	stx->stx_uid = 0;
	stx->stx_gid = 0;
	stx->stx_size = 0;
	stx->stx_blocks = 0;
}

int node_statx(struct server *srv, struct node *n, struct statx *stx)
{
	struct identity now;
	int ret, fd;

	if (n->fenced) {
		memset(stx, 0, sizeof(*stx));
		stx->stx_mask = STATX_BASIC_STATS;
		stx->stx_ino = n->id.ino;
		stx->stx_dev_major = major(n->id.dev);
		stx->stx_dev_minor = minor(n->id.dev);
		stx->stx_blksize = 4096;
		fence(stx);
		return 0;
	}
	pthread_mutex_lock(&srv->nodes->lock);
	/* by name when it has no descriptor: opening one costs more */
	if (n->fd == NO_FD && n->parent && !n->unnamed) {
		fd = fd_locked(srv->nodes, n->parent, 1);
		ret = fd < 0 ? fd : look(fd, n->name, stx);
		if (!ret) {
			now = identity_of(stx);
			if (!same(&n->id, &now))
				ret = -ESTALE;
		} else if (ret == -ENOENT || ret == -ENOTDIR) {
			ret = -ESTALE;
		}
		pthread_mutex_unlock(&srv->nodes->lock);
		return ret;
	}
	fd = fd_locked(srv->nodes, n, 0);
	pthread_mutex_unlock(&srv->nodes->lock);
	return fd < 0 ? fd : look(fd, "", stx);
}

/* ---- lookup -------------------------------------------------------------- */

/*
 * A mount point: 0 when it may be entered, with its descriptor, 1 when it is to
 * be fenced.
 */
static int enter_mount(const struct node_table *t, int dir, const char *name,
		       struct statx *stx, int *fd)
{
	*fd = open_component(dir, name, 0);
	if (*fd < 0)
		return *fd;
	if (!look(*fd, "", stx) && file_system_listed(t, *fd))
		return 0;
	close(*fd);
	*fd = NO_FD;
	if (!S_ISDIR(stx->stx_mode))
		return -ENOENT;
	fence(stx);
	return 1;
}

/* The newest name is the likeliest to last. */
static void set_name(struct node_table *t, struct node *n, struct node *dir, char *name)
{
	struct node *old = n->parent;

	dir->children++;
	n->parent = dir;
	if (old) {
		old->children--;
		reap(t, old);
	}
	free(n->name);
	n->name = name;
	if (n->unnamed && n->fd != NO_FD)
		lru_add(t, n);
	n->unnamed = false;
}

/* Under the lock: the node of @id, which @name in @dir has just shown. */
static struct node *intern(struct node_table *t, const struct identity *id, struct node *dir,
			   const char *name)
{
	struct node *n = find(t, id);
	char *copy = NULL;

	if (n && (!n->index || (!n->unnamed && n->parent == dir && !strcmp(n->name, name))))
		return n;
	copy = strdup(name);
	if (!copy)
		return NULL;
	if (!n) {
		n = new_node(t, id);
		if (!n) {
			free(copy);
			return NULL;
		}
		hash(t, n);
	}
	set_name(t, n, dir, copy);
	return n;
}

int node_lookup(struct server *srv, struct node *dir, const char *name, struct statx *stx,
		struct node **found)
{
	struct node_table *t = srv->nodes;
	struct identity id;
	struct node *n;
	int dirfd, ret, fd = NO_FD;
	bool mounted;

	if (dir->fenced)
		return -ENOENT;
	dirfd = node_fd(srv, dir);
	if (dirfd < 0)
		return dirfd;
	ret = look(dirfd, name, stx);
	mounted = !ret && stx->stx_attributes & STATX_ATTR_MOUNT_ROOT;
	if (mounted)
		ret = enter_mount(t, dirfd, name, stx, &fd);
	if (ret < 0)
		return ret;
	id = identity_of(stx);
	if (hide_object(srv, id.dev, id.ino)) {
		if (fd != NO_FD)
			close(fd);
		return -ENOENT;
	}
	pthread_mutex_lock(&t->lock);
	n = intern(t, &id, dir, name);
	if (n) {
		n->lookups++;
		if (n->index) {
			n->mounted = mounted;
			n->fenced = ret == 1;
		}
		n->pins++;
		if (fd != NO_FD && n->fd == NO_FD) {
			set_fd(t, n, fd);
			fd = NO_FD;
		}
	}
	pthread_mutex_unlock(&t->lock);
	if (fd != NO_FD)
		close(fd);
	*found = n;
	return n ? 0 : -ENOMEM;
}

int node_adopt(struct server *srv, int fd, struct statx *stx, struct node **found)
{
	struct node_table *t = srv->nodes;
	struct identity id;
	struct node *n;
	int ret = look(fd, "", stx);

	if (ret) {
		close(fd);
		return ret;
	}
	id = identity_of(stx);
	pthread_mutex_lock(&t->lock);
	n = new_node(t, &id);
	if (n) {
		hash(t, n);
		n->unnamed = true;
		n->lookups = 1;
		n->pins = 1;
		set_fd(t, n, fd);
	}
	pthread_mutex_unlock(&t->lock);
	if (!n)
		close(fd);
	*found = n;
	return n ? 0 : -ENOMEM;
}

void node_forget(struct server *srv, fuse_ino_t id, uint64_t count)
{
	struct node_table *t = srv->nodes;
	struct node *n;

	pthread_mutex_lock(&t->lock);
	n = get_locked(t, id);
	if (n) {
		n->lookups -= count < n->lookups ? count : n->lookups;
		reap(t, n);
	}
	pthread_mutex_unlock(&t->lock);
}

/* ---- names that change --------------------------------------------------- */

/* Under the lock: the node known by this name, NULL when there is none. */
static struct node *named(struct node_table *t, struct node *dir, const char *name,
			  struct statx *stx)
{
	struct identity id;
	struct node *n;
	int fd = fd_locked(t, dir, 0);

	if (fd < 0 || look(fd, name, stx))
		return NULL;
	id = identity_of(stx);
	n = find(t, &id);
	return n && n->index && !n->fenced ? n : NULL;
}

struct node *node_named(struct server *srv, struct node *dir, const char *name, bool *last)
{
	struct node_table *t = srv->nodes;
	struct statx stx;
	struct node *n;

	pthread_mutex_lock(&t->lock);
	n = named(t, dir, name, &stx);
	/* its descriptor is all that will be left of it */
	if (n && fd_locked(t, n, 0) >= 0)
		n->pins++;
	else
		n = NULL;
	*last = n && (S_ISDIR(stx.stx_mode) || stx.stx_nlink < 2);
	pthread_mutex_unlock(&t->lock);
	return n;
}

void node_unname(struct server *srv, struct node *dir, const char *name, struct node *n,
		 bool last)
{
	struct node_table *t = srv->nodes;

	pthread_mutex_lock(&t->lock);
	if (!n->unnamed && n->parent == dir && !strcmp(n->name, name) && n->fd != NO_FD) {
		lru_remove(t, n);
		n->unnamed = true;
	}
	if (last)
		unhash(t, n);
	pthread_mutex_unlock(&t->lock);
}

void node_rename(struct server *srv, struct node *dir, const char *name)
{
	struct node_table *t = srv->nodes;
	struct statx stx;
	struct node *n;
	char *copy;

	pthread_mutex_lock(&t->lock);
	n = named(t, dir, name, &stx);
	copy = n ? strdup(name) : NULL;
	if (copy)
		set_name(t, n, dir, copy);
	pthread_mutex_unlock(&t->lock);
}

/* ---- inode numbers ------------------------------------------------------- */

/*
 * The share's own device keeps its numbers. Others have theirs in the upper
 * bits; a number too large for that is spread over all of them.
 */
uint64_t node_inode(struct server *srv, uint64_t dev, uint64_t ino)
{
	struct node_table *t = srv->nodes;
	int i;

	if (dev == t->device[0])
		return ino;
	pthread_mutex_lock(&t->lock);
	for (i = 1; i < t->devices && t->device[i] != dev; i++)
		;
	if (i == t->devices && i < MAX_DEVICES)
		t->device[t->devices++] = dev;
	pthread_mutex_unlock(&t->lock);
	if (i < MAX_DEVICES && ino < 1ULL << 48)
		return (uint64_t)i << 48 | ino;
	return 1ULL << 63 | (ino ^ dev * 0x9e3779b97f4a7c15ULL) >> 1;
}

/* ---- start --------------------------------------------------------------- */

static uint64_t find_devtmpfs(void)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	unsigned int major, minor;
	uint64_t dev = 0;
	char line[8192];

	while (f && !dev && fgets(line, sizeof(line), f))
		if (strstr(line, " - devtmpfs ") &&
		    sscanf(line, "%*d %*d %u:%u", &major, &minor) == 2)
			dev = makedev(major, minor);
	if (f)
		fclose(f);
	return dev;
}

/* Half of what may be open is for files that the guest opens. */
static int fd_budget(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) || r.rlim_cur == RLIM_INFINITY || r.rlim_cur > 65536)
		return 32768;
	return r.rlim_cur < 64 ? 16 : r.rlim_cur / 2;
}

/* For messages. */
static const char *path_of(int fd)
{
	static char path[PATH_MAX];
	char link[32];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	path[n < 0 ? 0 : n] = '\0';
	return path;
}

int node_start(struct server *srv)
{
	struct node_table *t = calloc(1, sizeof(*t));
	struct identity id;
	struct statx stx;
	struct node *root;

	if (!t)
		return ENOMEM;
	srv->nodes = t;
	pthread_mutex_init(&t->lock, NULL);
	t->max_fds = fd_budget();
	t->devtmpfs = find_devtmpfs();
	if (look(srv->opt.dir, "", &stx))
		return errno;
	if (!file_system_listed(t, srv->opt.dir))
		usage_error(path_of(srv->opt.dir), "its file system is none that can be shared");
	id = identity_of(&stx);
	t->device[t->devices++] = id.dev;
	root = new_node(t, &id);
	if (!root)
		return ENOMEM;
	hash(t, root);
	root->fd = srv->opt.dir;
	root->lookups = 1;
	return 0;
}

void node_reset(struct server *srv)
{
	struct node_table *t = srv->nodes;
	bool again = true;
	uint32_t i;

	pthread_mutex_lock(&t->lock);
	/* children first: a parent goes when its last child does */
	while (again) {
		again = false;
		for (i = 1; i < t->n; i++) {
			struct node *n = t->slot[i].n;

			if (!n)
				continue;
			n->lookups = 0;
			if (!n->children) {
				reap(t, n);
				again = true;
			}
		}
	}
	pthread_mutex_unlock(&t->lock);
}
