/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What "kernelet mount" and "kernelet cp" ask of a guest's files: requests on
 * the standard input of a session that REC_FILES has made, one reply to each on
 * its standard output, in order.
 *
 * A request is a struct files_request, then @path_len bytes, then @data_len
 * bytes.  The path is absolute in the guest, or empty where a handle names the
 * file; what the data are says the operation.  A reply is a struct files_reply
 * and its data.
 *
 * The guest is not trusted: the host checks lengths and names in what comes.
 */
#ifndef FILES_ABI_H
#define FILES_ABI_H

#include <stdint.h>

#define FILES_PATH	4096		/* the longest path, with its NUL */
#define FILES_DATA	(256 << 10)	/* the most data of a request or reply */

enum files_op {
	FILES_STAT = 1,	/* reply: struct files_stat; of the link, not what it names */
	FILES_LIST,	/* @offset: where to begin; reply: struct files_entry, ... */
	FILES_READLINK,	/* reply: the text */
	FILES_OPEN,	/* @flags, @mode; reply: value is a handle */
	FILES_CLOSE,	/* @handle */
	FILES_READ,	/* @handle, @offset, @count; reply: the bytes */
	FILES_WRITE,	/* @handle, @offset, the bytes; reply: value is how many */
	FILES_SYNC,	/* @handle */
	FILES_TRUNCATE,	/* @offset: the new size */
	FILES_MKDIR,	/* @mode */
	FILES_MKNOD,	/* @mode, @offset: device number */
	FILES_UNLINK,
	FILES_RMDIR,
	FILES_SYMLINK,	/* data: what it names */
	FILES_LINK,	/* data: the new name */
	FILES_RENAME,	/* data: the new name; @flags of renameat2() */
	FILES_CHMOD,	/* @mode */
	FILES_CHOWN,	/* @uid, @gid */
	FILES_UTIMES,	/* data: two struct timespec */
	FILES_STATFS,	/* reply: struct files_statfs */
	FILES_OPS
};

struct files_request {
	uint32_t op;
	uint32_t path_len;	/* with its NUL, or 0 */
	uint32_t data_len;
	uint32_t mode;
	uint32_t flags;
	uint32_t handle;
	uint32_t count;
	uint32_t uid;
	uint32_t gid;
	uint32_t pad;
	uint64_t offset;
};

struct files_reply {
	int32_t error;		/* 0, or an errno */
	uint32_t data_len;
	uint64_t value;
};

struct files_stat {
	uint64_t ino;
	uint64_t size;
	uint64_t blocks;
	uint64_t rdev;
	uint32_t mode;
	uint32_t nlink;
	uint32_t uid;
	uint32_t gid;
	int64_t atime, mtime, ctime;
	uint32_t atime_nsec, mtime_nsec, ctime_nsec;
	uint32_t pad;
};

struct files_statfs {
	uint64_t blocks, bfree, bavail, files, ffree;
	uint32_t bsize, namelen;
};

/* An entry of a directory; @name ends with a NUL, the next entry follows it. */
struct files_entry {
	int64_t next;		/* offset of the entry after it */
	uint64_t ino;
	uint8_t type;		/* DT_* */
	uint8_t len;		/* of the name */
	char name[];
} __attribute__((packed));

#endif /* FILES_ABI_H */
