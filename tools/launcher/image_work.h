/* SPDX-License-Identifier: GPL-2.0-only */
/* What takes long on images; it shows its progress on a terminal. */
#ifndef IMAGE_WORK_H
#define IMAGE_WORK_H

#include "image.h"

/**
 * image_wrong() - what is wrong with a layer, a new string, or NULL
 */
char *image_wrong(const struct image *im);

/**
 * image_settle_end() - before an overlay becomes larger: fix what its end reads as
 *
 * The part of its last block that lies behind the end, and what a larger base has
 * there, are zeros of the disk from then on.
 * Return: 0, or -1 with errno set.
 */
int image_settle_end(struct image *im, uint64_t size);

/**
 * image_commit() - write what an overlay holds into its base, and empty it
 */
void image_commit(struct image *im);

/**
 * image_rebase() - put an overlay over another base
 * @only_name:	it holds the same
 */
void image_rebase(struct image *im, struct image *base, bool only_name);

/**
 * image_flatten() - one raw file of all layers
 * @path:	of the file, for what is said
 * @fd:		the same, empty and open
 */
void image_flatten(const struct image *im, const char *path, int fd);

#endif /* IMAGE_WORK_H */
