/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The format of overlays: files that hold what differs from a base.
 *
 * Included by the guest's driver, the host side that opens files, and the tools:
 * plain C, no calls, basic types.
 *
 * Theory of operation
 *
 *	0		header, copy 0
 *	4096		header, copy 1
 *	map		a bit for each block: set when the overlay has it
 *	data		block N at data + N * block size; those without a bit are holes
 *
 * Numbers are little-endian.  Of the two headers the valid one with the higher
 * generation counts, and a change is written over the other one: a write that is
 * cut leaves the old header.
 *
 * A disk's block that has its bit is read from the overlay, else from the base;
 * what lies behind the end of the base reads as zeros.  The base is a raw file or
 * another overlay, and is never written to.
 *
 * A bit is written only when the block's data is on the disk (a sync lies
 * between), and a flush is acknowledged when the bits are on the disk too.  Bits
 * are never cleared while a guest runs.  So whichever of the writes since the last
 * flush reached the disk, torn ones included, each set bit stands for a whole
 * block, and what was flushed is there.
 *
 * The map has room for a disk that grows to COW_HEADROOM times its size.
 *
 * The file reaches to the end of the data from the start: it is made that long before
 * it has a header that says so, and no write makes it shorter.  One that is shorter has
 * been cut, and is not used: holes of the map would have its blocks read from the base.
 *
 * What a file begins with is the guest's to write: a raw disk can be made to look like
 * an overlay over any file of the host, and a kernel that was taken over can name
 * another base in an overlay's header.  So a file is an overlay, and its base the right
 * one, only if the extended attribute COW_MARK says so, which is set by who makes an
 * overlay and is out of a guest's reach; or if the user does.
 */
#ifndef _COW_FORMAT_H
#define _COW_FORMAT_H

#include <linux/types.h>

#define COW_MAGIC	"KERNELET"
#define COW_VERSION	1
#define COW_HEADER_SIZE	4096u
#define COW_NAME_SIZE	2048u
#define COW_UUID_SIZE	16u
#define COW_MAP_PAGE	4096u		/* the map is read and written in these */

#define COW_MIN_SHIFT	12u
#define COW_MAX_SHIFT	21u
#define COW_MAX_SIZE	(1ULL << 46)	/* 64 TB */
#define COW_MAP_USUAL	(2ULL << 20)	/* larger blocks rather than a larger map */
#define COW_HEADROOM	16

#define COW_MARK	"user.kernelet.base"
#define COW_MARK_SIZE	(COW_UUID_SIZE + COW_NAME_SIZE)

/* flags */
#define COW_COMMITTING	1u		/* the base is being written to by a commit */

/**
 * struct cow_header - what an overlay begins with
 * @magic:	COW_MAGIC
 * @version:	COW_VERSION
 * @checksum:	CRC-32C of the header with zero here
 * @generation:	one more at each change
 * @flags:	COW_COMMITTING
 * @block_shift: log2 of the bytes in a block
 * @size:	bytes of the disk, a multiple of 512
 * @map_offset:	where the map begins
 * @map_size:	bytes it may have
 * @data_offset: where the data begins
 * @uuid:	of this overlay
 * @base_size:	bytes of the base's disk
 * @base_sec:	when the base was last changed, in seconds since 1970
 * @base_nsec:	and nanoseconds
 * @base_uuid:	of a base that is an overlay, else zeros
 * @base_name:	the base, relative to the directory of the overlay, or absolute
 */
struct cow_header {
	char magic[8];
	__u32 version;
	__u32 checksum;
	__u64 generation;
	__u32 flags;
	__u32 block_shift;
	__u64 size;
	__u64 map_offset;
	__u64 map_size;
	__u64 data_offset;
	__u8 uuid[COW_UUID_SIZE];
	__u64 base_size;
	__s64 base_sec;
	__u32 base_nsec;
	__u32 unused;
	__u8 base_uuid[COW_UUID_SIZE];
	char base_name[COW_NAME_SIZE];
	__u8 zero[COW_HEADER_SIZE - 120 - COW_NAME_SIZE];
};

_Static_assert(sizeof(struct cow_header) == COW_HEADER_SIZE, "size of an overlay's header");

/* CRC-32C (Castagnoli), as in RFC 3720, appendix B.4. */
static inline __u32 cow_crc(const void *data, unsigned int n)
{
	const __u8 *p = data;
	__u32 crc = ~0u;
	int bit;

	while (n--) {
		crc ^= *p++;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
	}
	return ~crc;
}

static inline __u32 cow_checksum(struct cow_header *h)
{
	__u32 was = h->checksum, sum;

	h->checksum = 0;
	sum = cow_crc(h, sizeof(*h));
	h->checksum = was;
	return sum;
}

static inline int cow_is_overlay(const void *start)
{
	return !__builtin_memcmp(start, COW_MAGIC, 8);
}

/* Bytes of map that a disk of this size takes. */
static inline __u64 cow_map_bytes(__u64 size, unsigned int shift)
{
	__u64 blocks = (size + (1ULL << shift) - 1) >> shift;

	return (blocks + 7) / 8;
}

/* The same in whole pages. */
static inline __u64 cow_map_pages(__u64 size, unsigned int shift)
{
	return (cow_map_bytes(size, shift) + COW_MAP_PAGE - 1) / COW_MAP_PAGE;
}

/**
 * cow_header_wrong() - look whether a header makes sense
 * @h:		the header; whatever is in it
 *
 * Return: what is wrong with it, or NULL.
 */
static inline const char *cow_header_wrong(struct cow_header *h)
{
	unsigned int i;

	if (!cow_is_overlay(h->magic))
		return "no overlay";
	if (h->version != COW_VERSION)
		return "an overlay of another version";
	if (h->checksum != cow_checksum(h))
		return "the overlay's header is damaged (checksum)";
	if (h->block_shift < COW_MIN_SHIFT || h->block_shift > COW_MAX_SHIFT)
		return "the overlay's block size is impossible";
	if (!h->size || h->size % 512 || h->size > COW_MAX_SIZE || h->base_size > COW_MAX_SIZE)
		return "the overlay's disk size is impossible";
	if (h->map_offset != 2 * COW_HEADER_SIZE || h->map_size % COW_MAP_PAGE ||
	    h->map_size > COW_MAX_SIZE ||
	    h->map_size < cow_map_pages(h->size, h->block_shift) * COW_MAP_PAGE)
		return "the overlay's map is impossible";
	if (h->data_offset < h->map_offset + h->map_size || h->data_offset > COW_MAX_SIZE ||
	    h->data_offset % COW_HEADER_SIZE)
		return "the overlay's data is at an impossible place";
	if (h->flags & ~COW_COMMITTING || h->base_nsec >= 1000000000 || h->unused)
		return "the overlay's header is from a newer program";
	for (i = 0; i < COW_NAME_SIZE && h->base_name[i]; i++)
		;
	if (!i || i == COW_NAME_SIZE)
		return "the overlay names no base";
	return 0;
}

/**
 * cow_header_choose() - the header that counts
 * @h:		both copies
 * @wrong:	what is wrong, when there is none
 *
 * Return: 0 or 1, or -1.
 */
static inline int cow_header_choose(struct cow_header *h, const char **wrong)
{
	const char *first = cow_header_wrong(&h[0]), *second = cow_header_wrong(&h[1]);

	*wrong = first;
	if (first && second)
		return -1;
	if (first || second)
		return !!first;
	return h[1].generation > h[0].generation;
}

/* Whether the file of an overlay, @length bytes, has lost its end. */
static inline int cow_is_cut(const struct cow_header *h, __u64 length)
{
	return length < h->data_offset + h->size;
}

/* The usual block size for a disk: the smallest one with a map that is not large. */
static inline unsigned int cow_usual_shift(__u64 size)
{
	unsigned int shift = COW_MIN_SHIFT;

	while (shift < COW_MAX_SHIFT && cow_map_bytes(size, shift) > COW_MAP_USUAL)
		shift++;
	return shift;
}

/**
 * cow_header_init() - a new overlay's header
 * @h:		result; @h->uuid and what is about the base is left to the caller,
 *		and so is cow_header_seal()
 * @size:	bytes of the disk
 * @shift:	log2 of the block size
 */
static inline void cow_header_init(struct cow_header *h, __u64 size, unsigned int shift)
{
	__u64 align = 1ULL << (shift > 16 ? shift : 16);

	__builtin_memset(h, 0, sizeof(*h));
	__builtin_memcpy(h->magic, COW_MAGIC, 8);
	h->version = COW_VERSION;
	h->generation = 1;
	h->block_shift = shift;
	h->size = size;
	h->map_offset = 2 * COW_HEADER_SIZE;
	h->map_size = cow_map_pages(size, shift) * COW_HEADROOM * COW_MAP_PAGE;
	h->data_offset = (h->map_offset + h->map_size + align - 1) & ~(align - 1);
}

/* To be called after the last change. */
static inline void cow_header_seal(struct cow_header *h)
{
	h->checksum = cow_checksum(h);
}

/**
 * cow_relative() - how an overlay names its base
 * @name:	result, COW_NAME_SIZE bytes
 * @base:	absolute path of the base, without links and dots
 * @overlay:	the same of the overlay
 *
 * Return: 0, or -1 when the name is too long.
 */
static inline int cow_relative(char *name, const char *base, const char *overlay)
{
	unsigned int same = 0, n = 0, i;

	for (i = 0; base[i] && base[i] == overlay[i]; i++)
		if (base[i] == '/')
			same = i + 1;
	for (i = same; overlay[i]; i++) {
		if (overlay[i] != '/')
			continue;
		if (n + 3 >= COW_NAME_SIZE)
			return -1;
		__builtin_memcpy(name + n, "../", 3);
		n += 3;
	}
	for (i = same; base[i] && n < COW_NAME_SIZE - 1; i++)
		name[n++] = base[i];
	__builtin_memset(name + n, 0, COW_NAME_SIZE - n);
	return base[i] ? -1 : 0;
}

/**
 * cow_mark() - what COW_MARK of an overlay with this header is
 * @mark:	result, COW_MARK_SIZE bytes
 * @h:		a header that is not wrong
 *
 * Return: its length in bytes.
 */
static inline unsigned int cow_mark(char *mark, const struct cow_header *h)
{
	unsigned int i;

	__builtin_memcpy(mark, h->base_uuid, COW_UUID_SIZE);
	for (i = 0; h->base_name[i]; i++)
		mark[COW_UUID_SIZE + i] = h->base_name[i];
	return COW_UUID_SIZE + i;
}

#endif /* _COW_FORMAT_H */
