// SPDX-License-Identifier: GPL-2.0-only
/*
 * FUSE requests in slots of guest memory, and replies out of them.
 *
 * Small arguments are copied.  Pages, and a last argument that is large, are
 * named by address: the server reads and writes them where they are.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/vmalloc.h>
#include "hostfs.h"

/* A last argument above these is not copied.  A link's target is. */
#define IN_COPIED	4352
#define OUT_COPIED	1024

static int put_seg(struct hostfs_slot *slot, u32 *n, phys_addr_t addr, u32 len)
{
	u32 at = *n + slot->in_segs;
	struct hostfs_seg *last = *n ? &slot->seg[at - 1] : NULL;

	if (last && last->addr + last->len == addr) {
		last->len += len;
		return 0;
	}
	if (at == HOSTFS_SEGS)
		return -E2BIG;
	slot->seg[at] = (struct hostfs_seg){ .addr = addr, .len = len };
	++*n;
	return 0;
}

static int put_pages(struct hostfs_slot *slot, u32 *n, struct fuse_args *args, u32 size)
{
	struct fuse_args_pages *ap = container_of(args, typeof(*ap), args);
	unsigned int i;
	int ret = 0;

	for (i = 0; i < ap->num_pages && size && !ret; i++) {
		u32 len = min(ap->descs[i].length, size);

		ret = put_seg(slot, n, page_to_phys(ap->pages[i]) + ap->descs[i].offset, len);
		size -= len;
	}
	return size && !ret ? -EIO : ret;
}

static phys_addr_t address_of(const void *p)
{
	if (is_vmalloc_or_module_addr(p))
		return page_to_phys(vmalloc_to_page(p)) + offset_in_page(p);
	return virt_to_phys((void *)p);
}

static int put_memory(struct hostfs_slot *slot, u32 *n, const void *p, u32 size)
{
	int ret = 0;

	while (size && !ret) {
		u32 len = min_t(u32, size, PAGE_SIZE - offset_in_page(p));

		ret = put_seg(slot, n, address_of(p), len);
		p += len;
		size -= len;
	}
	return ret;
}

static int put_in(struct hostfs_slot *slot, struct fuse_req *req)
{
	struct fuse_args *args = req->args;
	u32 at = sizeof(req->in.h), segs = 0;
	int i, ret = 0;

	memcpy(slot->data, &req->in.h, at);
	for (i = 0; i < args->in_numargs && !ret; i++) {
		const struct fuse_in_arg *arg = &args->in_args[i];
		bool last = i == args->in_numargs - 1;

		if (last && args->in_pages) {
			ret = put_pages(slot, &segs, args, arg->size);
		} else if (last && arg->size > IN_COPIED) {
			ret = put_memory(slot, &segs, arg->value, arg->size);
		} else if (at + arg->size > sizeof(slot->data)) {
			ret = -E2BIG;
		} else {
			memcpy(slot->data + at, arg->value, arg->size);
			at += arg->size;
		}
	}
	slot->in_inline = at;
	slot->in_segs = segs;
	return ret;
}

static bool copied_out(const struct fuse_args *args, int i)
{
	return i != args->out_numargs - 1 ||
	       !(args->out_pages || args->out_args[i].size > OUT_COPIED);
}

static int put_out(struct hostfs_slot *slot, struct fuse_args *args)
{
	u32 room = 0, segs = 0;
	int i, ret = 0;

	for (i = 0; i < args->out_numargs && !ret; i++) {
		const struct fuse_arg *arg = &args->out_args[i];

		if (copied_out(args, i))
			room += arg->size;
		else if (args->out_pages)
			ret = put_pages(slot, &segs, args, arg->size);
		else
			ret = put_memory(slot, &segs, arg->value, arg->size);
	}
	slot->out_inline = room;
	slot->out_segs = segs;
	if (ALIGN(slot->in_inline, 8) + room > sizeof(slot->data))
		return -E2BIG;
	return ret;
}

int hostfs_request_put(struct hostfs_slot *slot, struct fuse_req *req)
{
	int ret;

	slot->in_segs = 0;
	ret = put_in(slot, req);
	return ret ?: put_out(slot, req->args);
}

/* What the pages hold behind the reply is not to be seen. */
static void zero_rest(struct fuse_args *args, u32 len)
{
	struct fuse_args_pages *ap = container_of(args, typeof(*ap), args);
	unsigned int i;

	for (i = 0; i < ap->num_pages; i++) {
		u32 size = ap->descs[i].length;

		if (len < size)
			zero_user(ap->pages[i], ap->descs[i].offset + len, size - len);
		len -= min(len, size);
	}
}

/* Is a reply with so many bytes of arguments one that this request can have? */
static bool plausible(struct fuse_args *args, u32 len)
{
	u32 most = fuse_len_args(args->out_numargs, args->out_args);

	if (!args->out_argvar)
		return len == most;
	return len <= most && len >= most - args->out_args[args->out_numargs - 1].size;
}

static int get_out(const struct hostfs_slot *slot, struct fuse_args *args, u32 len)
{
	const u8 *from = slot->data + ALIGN(slot->in_inline, 8);
	int i;

	if (!plausible(args, len))
		return -EIO;
	for (i = 0; i < args->out_numargs; i++) {
		struct fuse_arg *arg = &args->out_args[i];
		bool copied = copied_out(args, i);

		if (args->out_argvar && i == args->out_numargs - 1)
			arg->size = len;
		if (copied) {
			memcpy(arg->value, from, arg->size);
			from += arg->size;
		}
		len -= arg->size;
	}
	if (args->out_pages && args->page_zeroing)
		zero_rest(args, args->out_args[args->out_numargs - 1].size);
	return 0;
}

void hostfs_reply_get(const struct hostfs_slot *slot, struct fuse_req *req)
{
	struct fuse_out_header h;

	BUILD_BUG_ON(sizeof(h) != sizeof(slot->reply));
	memcpy(&h, slot->reply, sizeof(h));
	if (h.len < sizeof(h) || h.error > 0 || h.error <= -512)
		h.error = -EIO;
	if (!h.error && test_bit(FR_ISREPLY, &req->flags))
		h.error = get_out(slot, req->args, h.len - sizeof(h));
	req->out.h.error = h.error;
}
