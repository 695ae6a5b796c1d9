// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests that libfuse is to see are ones that a kernel could have sent.
 *
 * libfuse trusts its kernel: it takes lengths and strings as they are. So each
 * request is compared with what its opcode asks for: the length of the fixed
 * part, the strings behind it (each with its NUL, nothing behind the last),
 * names of one component, and sizes that fit the room for data or reply.
 */
#include "server.h"
#include <errno.h>
#include <limits.h>
#include <linux/limits.h>
#include <string.h>

#ifndef FUSE_STATX
#define FUSE_STATX 52
#endif
#define STATX_ARG 24		/* struct fuse_statx_in */
#define COMPAT_SETXATTR_IN 8

enum tail {
	NONE,		/* nothing */
	NAME,		/* a name */
	NAMES,		/* two names */
	NAME_TEXT,		/* a name, and what a link says */
	ATTR,		/* the name of an attribute */
	ATTR_VALUE,	/* and its value, of the size in the fixed part */
	FORGETS,	/* as many as the fixed part says */
	ANY_NAME,	/* one that is not used */
};

struct shape {
	bool known;
	uint8_t fixed;
	uint8_t tail;
};

static const struct shape shapes[] = {
	[FUSE_LOOKUP]		= { true, 0, NAME },
	[FUSE_GETATTR]		= { true, sizeof(struct fuse_getattr_in), NONE },
	[FUSE_SETATTR]		= { true, sizeof(struct fuse_setattr_in), NONE },
	[FUSE_READLINK]		= { true, 0, NONE },
	[FUSE_SYMLINK]		= { true, 0, NAME_TEXT },
	[FUSE_MKNOD]		= { true, sizeof(struct fuse_mknod_in), NAME },
	[FUSE_MKDIR]		= { true, sizeof(struct fuse_mkdir_in), NAME },
	[FUSE_UNLINK]		= { true, 0, NAME },
	[FUSE_RMDIR]		= { true, 0, NAME },
	[FUSE_RENAME]		= { true, sizeof(struct fuse_rename_in), NAMES },
	[FUSE_LINK]		= { true, sizeof(struct fuse_link_in), NAME },
	[FUSE_OPEN]		= { true, sizeof(struct fuse_open_in), NONE },
	[FUSE_READ]		= { true, sizeof(struct fuse_read_in), NONE },
	[FUSE_WRITE]		= { true, sizeof(struct fuse_write_in), NONE },
	[FUSE_STATFS]		= { true, 0, NONE },
	[FUSE_RELEASE]		= { true, sizeof(struct fuse_release_in), NONE },
	[FUSE_FSYNC]		= { true, sizeof(struct fuse_fsync_in), NONE },
	[FUSE_SETXATTR]		= { true, COMPAT_SETXATTR_IN, ATTR_VALUE },
	[FUSE_GETXATTR]		= { true, sizeof(struct fuse_getxattr_in), ATTR },
	[FUSE_LISTXATTR]	= { true, sizeof(struct fuse_getxattr_in), NONE },
	[FUSE_REMOVEXATTR]	= { true, 0, ATTR },
	[FUSE_FLUSH]		= { true, sizeof(struct fuse_flush_in), NONE },
	[FUSE_INIT]		= { true, sizeof(struct fuse_init_in), NONE },
	[FUSE_OPENDIR]		= { true, sizeof(struct fuse_open_in), NONE },
	[FUSE_READDIR]		= { true, sizeof(struct fuse_read_in), NONE },
	[FUSE_RELEASEDIR]	= { true, sizeof(struct fuse_release_in), NONE },
	[FUSE_FSYNCDIR]		= { true, sizeof(struct fuse_fsync_in), NONE },
	[FUSE_CREATE]		= { true, sizeof(struct fuse_create_in), NAME },
	[FUSE_DESTROY]		= { true, 0, NONE },
	[FUSE_BATCH_FORGET]	= { true, sizeof(struct fuse_batch_forget_in), FORGETS },
	[FUSE_FALLOCATE]	= { true, sizeof(struct fuse_fallocate_in), NONE },
	[FUSE_READDIRPLUS]	= { true, sizeof(struct fuse_read_in), NONE },
	[FUSE_RENAME2]		= { true, sizeof(struct fuse_rename2_in), NAMES },
	[FUSE_LSEEK]		= { true, sizeof(struct fuse_lseek_in), NONE },
	[FUSE_COPY_FILE_RANGE]	= { true, sizeof(struct fuse_copy_file_range_in), NONE },
	[FUSE_SYNCFS]		= { true, sizeof(struct fuse_syncfs_in), NONE },
	[FUSE_TMPFILE]		= { true, sizeof(struct fuse_create_in), ANY_NAME },
	[FUSE_STATX]		= { true, STATX_ARG, NONE },
};

/* A string of at most @max bytes at *p, which moves behind its NUL. */
static const char *string(const char **p, const char *end, size_t max)
{
	const char *s = *p;
	size_t len = strnlen(s, end - s);

	if (s + len == end || !len || len > max)
		return NULL;
	*p = s + len + 1;
	return s;
}

static int name(const char **p, const char *end)
{
	const char *s = string(p, end, NAME_MAX);

	if (!s) {
		/* a long name is an honest mistake */
		size_t len = strnlen(*p, end - *p);

		return len > NAME_MAX && *p + len < end ? ENAMETOOLONG : EINVAL;
	}
	if (strchr(s, '/') || !strcmp(s, ".") || !strcmp(s, ".."))
		return EINVAL;
	return 0;
}

static int check_attr(const char *p, const char *end, const void *fixed)
{
	const struct fuse_setxattr_in *in = fixed;

	if (!string(&p, end, XATTR_NAME_MAX))
		return EINVAL;
	if (!in)
		return p == end ? 0 : EINVAL;
	return (size_t)(end - p) == in->size && in->size <= XATTR_SIZE_MAX ? 0 : EINVAL;
}

static int check_tail(enum tail tail, const char *p, const char *end, const void *fixed)
{
	int error = 0;

	switch (tail) {
	case NONE:
		break;
	case NAMES:
		error = name(&p, end);
		__attribute__((fallthrough));
	case NAME:
		error = error ?: name(&p, end);
		break;
	case NAME_TEXT:
		error = name(&p, end);
		if (!error && !string(&p, end, PATH_MAX))
			error = EINVAL;
		break;
	case ATTR:
		return check_attr(p, end, NULL);
	case ATTR_VALUE:
		return check_attr(p, end, fixed);
	case FORGETS: {
		const struct fuse_batch_forget_in *in = fixed;

		return (size_t)(end - p) / sizeof(struct fuse_forget_one) == in->count &&
		       (size_t)(end - p) % sizeof(struct fuse_forget_one) == 0 ? 0 : EINVAL;
	}
	case ANY_NAME:
		if (!string(&p, end, PATH_MAX))
			error = EINVAL;
		break;
	}
	return error ?: p == end ? 0 : EINVAL;
}

/* Sizes that name room elsewhere. */
static int check_room(const struct work *w, uint32_t opcode, const void *fixed)
{
	switch (opcode) {
	case FUSE_WRITE:
		return ((const struct fuse_write_in *)fixed)->size == w->data_len ? 0 : EINVAL;
	case FUSE_READ:
	case FUSE_READDIR:
	case FUSE_READDIRPLUS:
		return ((const struct fuse_read_in *)fixed)->size <= w->out_len ? 0 : EINVAL;
	case FUSE_GETXATTR:
	case FUSE_LISTXATTR:
		return ((const struct fuse_getxattr_in *)fixed)->size <= w->out_len ? 0 : EINVAL;
	default:
		return 0;
	}
}

int check_request(const struct work *w)
{
	const struct fuse_in_header *h = (const void *)w->in;
	const char *fixed = (const char *)(h + 1);
	size_t len = w->in_len + w->data_len - sizeof(*h);
	const struct shape *s;
	int error;

	if (w->in_len < sizeof(*h) || h->len != w->in_len + w->data_len || !h->unique ||
	    h->total_extlen)
		return EINVAL;
	if (h->opcode >= sizeof(shapes) / sizeof(*shapes) || !shapes[h->opcode].known)
		return ENOSYS;
	s = &shapes[h->opcode];
	if (len - w->data_len < s->fixed)
		return EINVAL;
	error = check_tail(s->tail, fixed + s->fixed, (const char *)w->in + w->in_len, fixed);
	return error ?: check_room(w, h->opcode, fixed);
}
