// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "image_work.h"
#include "util.h"

#define PIECE		(1u << 20)

/* ---- progress ------------------------------------------------------------- */

static void progress(const char *what, uint64_t done, uint64_t all)
{
	static time_t last;

	if (!isatty(2) || (time(NULL) == last && done < all))
		return;
	last = time(NULL);
	fprintf(stderr, "\rkernelet: %s: %d %%%s", what, (int)(all ? 100.0 * done / all : 100),
		done == all ? "\n" : "");
}

static void *piece(size_t n)
{
	void *p = aligned_alloc(4096, n);

	if (!p)
		fail("out of memory");
	return p;
}

static bool is_zero(const char *p, size_t n)
{
	return !*p && !memcmp(p, p + 1, n - 1);
}

/* ---- check ---------------------------------------------------------------- */

char *image_wrong(const struct image *im)
{
	uint64_t bits, block;

	if (!im->overlay)
		return NULL;
	bits = cow_map_pages(im->size, im->header.block_shift) * COW_MAP_PAGE * 8;
	for (block = image_blocks(im); block < bits; block++)
		if (image_has(im, block))
			return print("the map has block %llu behind the end of the disk",
				     (unsigned long long)block);
	return NULL;
}

/* ---- resize --------------------------------------------------------------- */

static int copy_up(struct image *im, uint64_t block, const struct image *from, char *buf)
{
	uint64_t size = 1ULL << im->header.block_shift;

	if (image_read(from, buf, size, block * size))
		return -1;
	return image_write_block(im, block, buf);
}

int image_settle_end(struct image *im, uint64_t size)
{
	uint64_t block = im->size >> im->header.block_shift, n = 1ULL << im->header.block_shift;
	uint64_t pages = cow_map_pages(size, im->header.block_shift), was;
	uint64_t part = im->size & (n - 1), old = im->size, i;
	char *buf __auto_free = piece(n);

	was = cow_map_pages(old, im->header.block_shift);
	im->map = realloc(im->map, pages * COW_MAP_PAGE);
	if (!im->map)
		fail("out of memory");
	memset(im->map + was * COW_MAP_PAGE, 0, (pages - was) * COW_MAP_PAGE);
	if (part && (image_has(im, block) || im->base->size > old)) {
		/* reads zeros behind the old end */
		if (copy_up(im, block, im, buf))
			return -1;
		block++;
	} else if (part) {
		block++;
	}
	/* a base that is larger than the overlay was must not show through */
	memset(buf, 0, n);
	for (i = block; i << im->header.block_shift < im->base->size && i * n < size; i++)
		if (image_write_block(im, i, buf))
			return -1;
	im->size = size;
	return image_sync(im);
}

/* ---- commit --------------------------------------------------------------- */

static void __noreturn broken(const struct image *im)
{
	fail("%s: %s", im->path, strerror(errno));
}

static void empty(struct image *im)
{
	uint64_t n = cow_map_pages(im->size, im->header.block_shift) * COW_MAP_PAGE;

	memset(im->map, 0, n);
	if (write_all(im->fd, im->map, n, im->header.map_offset) || fdatasync(im->fd))
		broken(im);
	if (fallocate(im->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, im->header.data_offset,
		      im->size) && errno != EOPNOTSUPP)
		broken(im);
}

/* The base as an image that may be written to; larger if need be. */
static struct image *base_to_write(struct image *im)
{
	struct image *base;
	char *error, *path = print("%s", im->base->path);

	if (im->base->overlay && im->base->size < im->size)
		fail("%s: smaller than the overlay: see kernelet image resize", path);
	image_close(im->base);
	im->base = NULL;
	base = image_open(path, IMAGE_WRITE | (im->flags & IMAGE_OVERLAY), &error);
	if (!base)
		fail("%s", error);
	if (base->size < im->size && ftruncate(base->fd, im->size))
		broken(base);
	base->size = base->size < im->size ? im->size : base->size;
	free(path);
	return base;
}

static int commit_part(struct image *base, char *buf, size_t n, uint64_t pos)
{
	uint64_t size, left;

	if (!base->overlay)
		return write_all(base->fd, buf, n, pos);
	size = 1ULL << base->header.block_shift;
	while (n) {
		char *block __auto_free = piece(size);
		uint64_t at = pos & ~(size - 1);

		left = size - (pos - at);
		if (left > n)
			left = n;
		if (image_read(base, block, size, at))
			return -1;
		memcpy(block + (pos - at), buf, left);
		if (image_write_block(base, at / size, block))
			return -1;
		buf += left;
		pos += left;
		n -= left;
	}
	return 0;
}

/*
 * The mark in the header comes first, so that an overlay whose base was written
 * to in part is not used; what the overlay holds goes last.
 */
void image_commit(struct image *im)
{
	uint64_t size = 1ULL << im->header.block_shift, end = image_blocks(im), i;
	char *buf __auto_free = piece(size), *error;
	struct image *base = base_to_write(im);

	im->header.flags |= COW_COMMITTING;
	if (image_save_header(im))
		broken(im);
	for (i = 0; i < end; i++) {
		uint64_t n = im->size - i * size < size ? im->size - i * size : size;

		progress("commit", i, end);
		if (!image_has(im, i))
			continue;
		if (image_read(im, buf, n, i * size))
			broken(im);
		if (commit_part(base, buf, n, i * size))
			broken(base);
	}
	if (base->overlay ? image_sync(base) : fsync(base->fd))
		broken(base);
	progress("commit", end, end);
	if (fstat(base->fd, &base->st))
		broken(base);
	empty(im);
	if (!image_set_base(&im->header, base, im->path, &error))
		fail("%s", error);
	im->header.flags &= ~COW_COMMITTING;
	if (image_save_header(im))
		broken(im);
	image_mark(im->fd, &im->header);
	image_close(base);
}

/* ---- rebase --------------------------------------------------------------- */

/* Blocks that differ between the bases come into the overlay. */
static void keep_contents(struct image *im, const struct image *base)
{
	uint64_t size = 1ULL << im->header.block_shift, end = image_blocks(im), i;
	char *old __auto_free = piece(size), *new __auto_free = piece(size);

	for (i = 0; i < end; i++) {
		progress("rebase", i, end);
		if (image_has(im, i))
			continue;
		if (image_read(im->base, old, size, i * size))
			broken(im->base);
		if (image_read(base, new, size, i * size))
			broken(base);
		if (memcmp(old, new, size) && image_write_block(im, i, old))
			broken(im);
	}
	progress("rebase", end, end);
	if (image_sync(im))
		broken(im);
}

void image_rebase(struct image *im, struct image *base, bool only_name)
{
	const struct image *layer;
	char *error;

	for (layer = base; layer; layer = layer->base)
		if (layer->st.st_dev == im->st.st_dev && layer->st.st_ino == im->st.st_ino)
			fail("%s: it would lie over itself", im->path);
	if (base->size % 512)
		fail("%s: its size is not a multiple of 512 bytes", base->path);
	if (!only_name)
		keep_contents(im, base);
	if (!image_set_base(&im->header, base, im->path, &error))
		fail("%s", error);
	if (image_save_header(im))
		broken(im);
	image_mark(im->fd, &im->header);
	image_close(base);
}

/* ---- convert -------------------------------------------------------------- */

void image_flatten(const struct image *im, const char *path, int fd)
{
	char *buf __auto_free = piece(PIECE);
	uint64_t pos, n;

	for (pos = image_data(im, 0); pos < im->size; pos = image_data(im, pos + n)) {
		n = PIECE - pos % PIECE;
		if (n > im->size - pos)
			n = im->size - pos;
		progress("convert", pos, im->size);
		if (image_read(im, buf, n, pos))
			broken(im);
		if (!is_zero(buf, n) && write_all(fd, buf, n, pos))
			fail("%s: %s", path, strerror(errno));
	}
	if (ftruncate(fd, im->size) || fsync(fd))
		fail("%s: %s", path, strerror(errno));
	progress("convert", im->size, im->size);
}
