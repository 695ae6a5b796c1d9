/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Images of disks: raw files, and overlays over others (drivers/cow_format.h).
 */
#ifndef IMAGE_H
#define IMAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include "../../drivers/cow_format.h"

#define IMAGE_LAYERS	32	/* as many as the kernel takes */

/**
 * struct image - an image and, if it is an overlay, those below it
 * @path:	where it is, without links
 * @fd:		open file
 * @flags:	IMAGE_* that it was opened with
 * @writable:	opened so
 * @overlay:	in our format; else raw
 * @header:	of an overlay
 * @copy:	which of its two headers that is
 * @size:	bytes of the disk
 * @map:	of an overlay, whole pages
 * @base:	of an overlay, or NULL when it was not wanted
 * @st:		of the file
 */
struct image {
	char *path;
	int fd;
	int flags;
	bool writable;
	bool overlay;
	struct cow_header header;
	int copy;
	uint64_t size;
	unsigned char *map;
	struct image *base;
	struct stat st;
};

enum {
	IMAGE_WRITE	= 1,	/* open for writing, alone */
	IMAGE_NO_BASE	= 2,	/* leave the base of an overlay alone */
	IMAGE_ANY_BASE	= 4,	/* one that has changed will do */
	IMAGE_COMMIT	= 8,	/* a commit that was interrupted will do */
	IMAGE_RAW	= 16,	/* it is raw, whatever it begins with */
	IMAGE_OVERLAY	= 32,	/* what begins like an overlay is one, and has its base */
	IMAGE_ANY_MARK	= 64,	/* nobody will use what its header says */
};

/**
 * image_open() - open an image and what it lies over
 * @path:	its file
 * @flags:	IMAGE_*
 * @error:	what is wrong, a new string, when there is NULL
 */
struct image *image_open(const char *path, int flags, char **error);
void image_close(struct image *im);

/**
 * image_has() - whether an overlay itself has a block
 */
bool image_has(const struct image *im, uint64_t block);

uint64_t image_blocks(const struct image *im);

/**
 * image_read() - read from the disk, through all layers
 *
 * Return: 0, or -1 with errno set.
 */
int image_read(const struct image *im, void *buf, size_t n, uint64_t pos);

/**
 * image_data() - find data, at @pos or behind it
 *
 * Return: where it begins, what lies before being zeros; the size if there is none.
 */
uint64_t image_data(const struct image *im, uint64_t pos);

/**
 * image_write_block() - put a block into an overlay
 * @data:	all of it
 *
 * image_sync() is to follow.
 * Return: 0, or -1 with errno set.
 */
int image_write_block(struct image *im, uint64_t block, const void *data);

/**
 * image_sync() - have data and then the map of an overlay on the disk
 */
int image_sync(struct image *im);

/**
 * image_save_header() - write @header, as its next generation
 */
int image_save_header(struct image *im);

/**
 * image_mark() - mark a file as an overlay with its header's base
 *
 * Return: false when its file system keeps no marks, with errno set.
 */
bool image_mark(int fd, const struct cow_header *header);

/**
 * image_set_base() - have an overlay's header name a base
 * @header:	changed, not written
 * @base:	open image
 * @overlay:	absolute path of the overlay
 * @error:	a new string, when it fails
 */
bool image_set_base(struct cow_header *header, const struct image *base, const char *overlay,
		    char **error);

/**
 * image_time() - a time as people read it, in UTC; a new string
 */
char *image_time(int64_t sec, uint32_t nsec);

/* Whole reads and writes; 0, or -1 with errno set (EIO at the end of the file). */
int read_all(int fd, void *buf, size_t n, uint64_t pos);
int write_all(int fd, const void *buf, size_t n, uint64_t pos);

#endif /* IMAGE_H */
