// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>
#include "image.h"
#include "util.h"

/* ---- files ---------------------------------------------------------------- */

int read_all(int fd, void *buf, size_t n, uint64_t pos)
{
	while (n) {
		ssize_t got = pread(fd, buf, n, pos);

		if (!got)
			errno = EIO;
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -1;
		buf = (char *)buf + got;
		n -= got;
		pos += got;
	}
	return 0;
}

int write_all(int fd, const void *buf, size_t n, uint64_t pos)
{
	while (n) {
		ssize_t put = pwrite(fd, buf, n, pos);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return -1;
		buf = (const char *)buf + put;
		n -= put;
		pos += put;
	}
	return 0;
}

/* As many bytes as there are; zeros for the rest. */
static int read_some(int fd, void *buf, size_t n, uint64_t pos)
{
	ssize_t got = 1;

	memset(buf, 0, n);
	while (n && (got = pread(fd, buf, n, pos)) > 0) {
		buf = (char *)buf + got;
		n -= got;
		pos += got;
	}
	return got < 0 ? -1 : 0;
}

char *image_time(int64_t sec, uint32_t nsec)
{
	time_t t = sec;
	char text[64];
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm))
		return print("%lld", (long long)sec);
	return print("%s.%09u", text, nsec);
}

/* ---- opening -------------------------------------------------------------- */

static bool lock_image(struct image *im)
{
	struct flock lock = { .l_type = im->writable ? F_WRLCK : F_RDLCK };

	return !fcntl(im->fd, F_OFD_SETLK, &lock) || (errno != EAGAIN && errno != EACCES);
}

static bool file_size(struct image *im)
{
	im->size = im->st.st_size;
	return S_ISREG(im->st.st_mode) ||
	       (S_ISBLK(im->st.st_mode) && !ioctl(im->fd, BLKGETSIZE64, &im->size));
}

static char *open_file(struct image *im, const char *path, bool write)
{
	im->writable = write;
	/* alone on a block device, by whatever name; of a file this says nothing */
	im->fd = open(path, (write ? O_RDWR | O_EXCL : O_RDONLY) | O_CLOEXEC | O_NONBLOCK);
	if (im->fd < 0 && errno == EBUSY)
		return print("%s: in use by the host, a guest or another program", path);
	if (im->fd < 0 || fstat(im->fd, &im->st))
		return print("%s: %s", path, strerror(errno));
	if (!file_size(im))
		return print("%s: neither a regular file nor a block device", path);
	im->path = realpath(path, NULL);
	if (!im->path)
		return print("%s: %s", path, strerror(errno));
	if (!lock_image(im))
		return print("%s: in use by a guest or another program", path);
	return NULL;
}

static char *read_map(struct image *im)
{
	uint64_t n = cow_map_pages(im->size, im->header.block_shift) * COW_MAP_PAGE;

	im->map = malloc(n);
	if (!im->map)
		return print("%s: out of memory for its map", im->path);
	if (read_all(im->fd, im->map, n, im->header.map_offset))
		return print("%s: %s", im->path, strerror(errno));
	return NULL;
}

/* ---- marks ---------------------------------------------------------------- */

bool image_mark(int fd, const struct cow_header *h)
{
	char mark[COW_MARK_SIZE];

	return !fsetxattr(fd, COW_MARK, mark, cow_mark(mark, h), 0);
}

/* What is wrong with taking a file for an overlay with this header. */
static char *check_mark(const struct image *im)
{
	char mark[COW_MARK_SIZE], want[COW_MARK_SIZE];
	ssize_t n = fgetxattr(im->fd, COW_MARK, mark, sizeof(mark));

	if (n < 0)
		return print("%s: it begins like an overlay, and is not marked as one: "
			     "say overlay if it is yours, raw if a guest wrote that", im->path);
	if (n != cow_mark(want, &im->header) || memcmp(mark, want, n))
		return print("%s: the overlay names another base than it was made for", im->path);
	return NULL;
}

/* A file without a header. */
static char *check_raw(const struct image *im)
{
	if (fgetxattr(im->fd, COW_MARK, NULL, 0) < 0)
		return NULL;
	return print("%s: marked as an overlay, and its header is gone", im->path);
}

static char *read_header(struct image *im, int flags)
{
	struct cow_header both[2];
	const char *wrong;
	char *error;

	if (flags & IMAGE_RAW)
		return NULL;
	if (read_some(im->fd, both, sizeof(both), 0))
		return print("%s: %s", im->path, strerror(errno));
	if (!cow_is_overlay(&both[0]) && (!cow_is_overlay(&both[1]) || cow_header_wrong(&both[1])))
		return check_raw(im);
	im->copy = cow_header_choose(both, &wrong);
	if (im->copy < 0)
		return print("%s: %s", im->path, wrong);
	im->header = both[im->copy];
	error = flags & (IMAGE_OVERLAY | IMAGE_ANY_MARK) ? NULL : check_mark(im);
	if (error)
		return error;
	if (cow_is_cut(&im->header, im->size))
		return print("%s: the overlay has been cut: its file has %llu bytes, and was made "
			     "with %llu", im->path, (unsigned long long)im->size,
			     (unsigned long long)(im->header.data_offset + im->header.size));
	im->overlay = true;
	im->size = im->header.size;
	if (im->header.flags & COW_COMMITTING && !(flags & IMAGE_COMMIT))
		return print("%s: a commit of this overlay was interrupted: repeat it", im->path);
	return read_map(im);
}

static char *base_path(const struct image *im)
{
	const char *slash = strrchr(im->path, '/');

	if (im->header.base_name[0] == '/')
		return print("%s", im->header.base_name);
	return print("%.*s/%s", (int)(slash - im->path), im->path, im->header.base_name);
}

static char *check_base(const struct image *im)
{
	static const unsigned char none[COW_UUID_SIZE];
	const struct image *base = im->base;
	const struct cow_header *h = &im->header;

	if (S_ISREG(base->st.st_mode) && (base->st.st_mtim.tv_sec != h->base_sec ||
					  base->st.st_mtim.tv_nsec != h->base_nsec)) {
		char *then __auto_free = image_time(h->base_sec, h->base_nsec);
		char *now __auto_free = image_time(base->st.st_mtim.tv_sec,
						   base->st.st_mtim.tv_nsec);

		return print("%s: the base %s has changed since the overlay was made: "
			     "then %s, now %s", im->path, base->path, then, now);
	}
	if (base->size != h->base_size)
		return print("%s: the base %s has another size than when the overlay was made",
			     im->path, base->path);
	if (memcmp(h->base_uuid, base->overlay ? base->header.uuid : none, COW_UUID_SIZE))
		return print("%s: %s is not the file that the overlay was made for", im->path,
			     base->path);
	return NULL;
}

static struct image *open_layer(const char *path, int flags, int depth, char **error);

static char *open_base(struct image *im, int flags, int depth)
{
	char *path __auto_free = base_path(im);
	char *error = NULL;

	if (depth == IMAGE_LAYERS - 1)
		return print("%s: too many overlays over one another, the most is %d", im->path,
			     IMAGE_LAYERS - 1);
	im->base = open_layer(path, flags & (IMAGE_ANY_BASE | IMAGE_OVERLAY), depth + 1, &error);
	if (error || flags & (IMAGE_ANY_BASE | IMAGE_COMMIT))
		return error;
	return check_base(im);
}

static struct image *open_layer(const char *path, int flags, int depth, char **error)
{
	struct image *im = calloc(1, sizeof(*im));

	if (!im)
		fail("out of memory");
	im->flags = flags;
	*error = open_file(im, path, flags & IMAGE_WRITE);
	if (!*error)
		*error = read_header(im, flags);
	if (!*error && im->overlay && !(flags & IMAGE_NO_BASE))
		*error = open_base(im, flags, depth);
	if (*error) {
		image_close(im);
		return NULL;
	}
	return im;
}

struct image *image_open(const char *path, int flags, char **error)
{
	return open_layer(path, flags, 0, error);
}

void image_close(struct image *im)
{
	if (!im)
		return;
	image_close(im->base);
	if (im->fd >= 0)
		close(im->fd);
	free(im->path);
	free(im->map);
	free(im);
}

/* ---- blocks --------------------------------------------------------------- */

uint64_t image_blocks(const struct image *im)
{
	return (im->size + (1ULL << im->header.block_shift) - 1) >> im->header.block_shift;
}

bool image_has(const struct image *im, uint64_t block)
{
	return im->map[block / 8] >> block % 8 & 1;
}

/* The part of @n bytes at @pos that lies in one block. */
static size_t in_block(const struct image *im, size_t n, uint64_t pos)
{
	uint64_t size = 1ULL << im->header.block_shift, left = size - (pos & (size - 1));

	return left < n ? left : n;
}

static int read_overlay(const struct image *im, void *buf, size_t n, uint64_t pos)
{
	if (image_has(im, pos >> im->header.block_shift))
		return read_all(im->fd, buf, n, im->header.data_offset + pos);
	if (im->base)
		return image_read(im->base, buf, n, pos);
	memset(buf, 0, n);
	return 0;
}

int image_read(const struct image *im, void *buf, size_t n, uint64_t pos)
{
	while (n) {
		uint64_t left = pos < im->size ? im->size - pos : 0;
		size_t part = left < n ? left : n;

		if (!part) {
			memset(buf, 0, n);
			return 0;
		}
		if (im->overlay)
			part = in_block(im, part, pos);
		if (im->overlay ? read_overlay(im, buf, part, pos) :
				  read_all(im->fd, buf, part, pos))
			return -1;
		buf = (char *)buf + part;
		n -= part;
		pos += part;
	}
	return 0;
}

/* The same in a file, @from being where the disk begins in it. */
static uint64_t file_data(const struct image *im, uint64_t from, uint64_t pos)
{
	off_t at = lseek(im->fd, from + pos, SEEK_DATA);

	if (at >= 0)
		return at - from;
	return errno == ENXIO ? im->size : pos;
}

static uint64_t base_data(const struct image *im, uint64_t pos)
{
	uint64_t at = im->base ? image_data(im->base, pos) : im->size;

	return im->base && at >= im->base->size ? im->size : at;
}

uint64_t image_data(const struct image *im, uint64_t pos)
{
	uint64_t from = im->overlay ? im->header.data_offset : 0, own, below;

	if (pos >= im->size)
		return im->size;
	own = file_data(im, from, pos);
	below = base_data(im, pos);
	while (im->overlay && pos < im->size) {
		uint64_t block = pos >> im->header.block_shift;
		uint64_t end = (block + 1) << im->header.block_shift;
		uint64_t *at = image_has(im, block) ? &own : &below;

		if (*at < pos)
			*at = at == &own ? file_data(im, from, pos) : base_data(im, pos);
		if (*at < end)
			return *at;
		pos = end;
	}
	return im->overlay || own > im->size ? im->size : own;
}

int image_write_block(struct image *im, uint64_t block, const void *data)
{
	uint64_t size = 1ULL << im->header.block_shift;

	if (write_all(im->fd, data, size, im->header.data_offset + block * size))
		return -1;
	im->map[block / 8] |= 1 << block % 8;
	return 0;
}

int image_sync(struct image *im)
{
	uint64_t n = cow_map_pages(im->size, im->header.block_shift) * COW_MAP_PAGE;

	if (fdatasync(im->fd) || write_all(im->fd, im->map, n, im->header.map_offset))
		return -1;
	return fdatasync(im->fd);
}

/* ---- headers -------------------------------------------------------------- */

int image_save_header(struct image *im)
{
	im->header.generation++;
	cow_header_seal(&im->header);
	im->copy = !im->copy;
	if (write_all(im->fd, &im->header, sizeof(im->header), im->copy * COW_HEADER_SIZE))
		return -1;
	return fdatasync(im->fd);
}

bool image_set_base(struct cow_header *h, const struct image *base, const char *overlay,
		    char **error)
{
	h->base_size = base->size;
	h->base_sec = 0;
	h->base_nsec = 0;
	if (S_ISREG(base->st.st_mode)) {
		h->base_sec = base->st.st_mtim.tv_sec;
		h->base_nsec = base->st.st_mtim.tv_nsec;
	}
	memset(h->base_uuid, 0, COW_UUID_SIZE);
	if (base->overlay)
		memcpy(h->base_uuid, base->header.uuid, COW_UUID_SIZE);
	if (!cow_relative(h->base_name, base->path, overlay))
		return true;
	*error = print("%s: its path is too long", base->path);
	return false;
}
