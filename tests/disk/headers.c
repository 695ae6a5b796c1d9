// SPDX-License-Identifier: GPL-2.0-only
/*
 * headers OVERLAY TMP COUNT: open COUNT damaged copies of an overlay.
 *
 * Half of them have a right checksum, so that what comes after it is looked at too.
 * Each opens and can be read, or is refused with a message; nothing else, and the
 * base is as before: it is opened for reading only.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../../tools/launcher/image_work.h"
#include "../../tools/launcher/util.h"
#include "trace.h"

static void damage(struct cow_header *h, uint64_t *seed)
{
	static const uint64_t values[] = { 0, 1, 511, 512, 4096, 1ULL << 32, 1ULL << 46, ~0ULL };
	unsigned char *bytes = (unsigned char *)h;
	int times = 1 + mix((*seed)++) % 4;

	while (times--) {
		uint64_t r = mix((*seed)++);
		unsigned int at = r % 140;		/* the fields, and the name's first bytes */

		if (r >> 32 & 1)
			at = r % sizeof(*h);
		if (r >> 33 & 1)
			bytes[at] ^= 1 << (r >> 40 & 7);
		else if (r >> 34 & 1)
			bytes[at] = r >> 48;
		else
			memcpy(bytes + (at & ~7u) % (sizeof(*h) - 8),
			       &values[(r >> 40) % ARRAY_SIZE(values)], 8);
	}
}

/* Return: whether it opened. */
static int try(const char *path)
{
	char *error = NULL, buf[4096];
	struct image *im = image_open(path, IMAGE_OVERLAY, &error);

	if (!im) {
		if (!error || strchr(error, '\n'))
			fail("refused without one line");
		free(error);
		return 0;
	}
	free(image_wrong(im));
	image_read(im, buf, sizeof(buf), 0);
	image_read(im, buf, sizeof(buf), im->size / 2);
	image_read(im, buf, sizeof(buf), im->size - 100);
	image_close(im);
	return 1;
}

int main(int argc, char **argv)
{
	struct cow_header good[2], bad[2];
	int fd, i, opened = 0, count;
	uint64_t seed = 1;

	if (argc != 4)
		return 2;
	count = atoi(argv[3]);
	fd = open(argv[1], O_RDONLY);
	if (fd < 0 || read_all(fd, good, sizeof(good), 0))
		fail("%s: %s", argv[1], strerror(errno));
	close(fd);
	fd = open(argv[2], O_RDWR | O_CREAT, 0666);
	for (i = 0; i < count; i++) {
		uint64_t r = mix(seed++);

		memcpy(bad, good, sizeof(bad));
		damage(&bad[0], &seed);
		if (r & 1)
			cow_header_seal(&bad[0]);
		/* the other copy: the same, another damage, or nothing at all */
		bad[1] = bad[0];
		if (r & 2)
			damage(&bad[1], &seed);
		if (r & 4)
			memset(&bad[1], 0, sizeof(bad[1]));
		if (ftruncate(fd, r & 8 ? 8 << 20 : r >> 8 & 8191) ||
		    write_all(fd, bad, r & 16 ? sizeof(bad) : sizeof(bad[0]) + 100, 0))
			fail("%s: %s", argv[2], strerror(errno));
		opened += try(argv[2]);
	}
	printf("%d headers, %d of them opened\n", count, opened);
	return 0;
}
