/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Disks that come and go: what "kernelet disk" and the guest's kernel say to each
 * other, over the packet socket that disk_socket= names.
 *
 * A message of the host is one packet, and has the files of a new disk with it
 * (SCM_RIGHTS), the top one first.  Each is answered by one packet.  The files have
 * been opened, locked and found to fit together by the host, which the kernel
 * trusts; the host trusts nothing but the length of an answer.
 */
#ifndef DISK_ABI_H
#define DISK_ABI_H

#include <linux/types.h>

#define DISK_ABI_VERSION	1
#define DISK_ABI_LAYERS		32
#define DISK_ABI_SERIAL		21

enum disk_what {
	DISK_ADD	= 1,
	DISK_REMOVE	= 2,
	DISK_LOOK	= 3,	/* what has been done with it? */
};

enum disk_flag {
	DISK_RO		= 1,
	DISK_DIRECT	= 2,
	DISK_SYNC	= 4,
	DISK_DISCARD	= 8,
	DISK_QUICK	= 16,
};

/**
 * struct disk_message - from the host
 * @version:	DISK_ABI_VERSION
 * @what:	enum disk_what
 * @number:	of the disk: 0 is /dev/uda; of a new one ~0 for the first that is free
 * @flags:	enum disk_flag
 * @layers:	files, with DISK_ADD
 * @block:	as in struct host_disk
 * @align:	ditto
 * @tag:	any number, for the answer
 * @iops:	ditto
 * @bps:	ditto
 * @serial:	ditto
 * @size:	bytes of each layer's disk
 * @overlay:	a bit for each layer
 * @unused:	0
 */
struct disk_message {
	__u32 version;
	__u32 what;
	__u32 number;
	__u32 flags;
	__u32 layers;
	__u32 block;
	__u32 align;
	__u32 tag;
	__u64 iops;
	__u64 bps;
	char serial[24];
	__u64 size[DISK_ABI_LAYERS];
	__u32 overlay;
	__u32 unused;
};

/**
 * struct disk_answer - from the guest
 * @error:	0 or a negative errno: ENODEV when there is no such disk
 * @number:	of the disk
 * @tag:	the message's
 * @unused:	0
 * @size:	its bytes
 * @reads:	requests that have been done, as the guest's kernel counts them
 * @writes:	ditto
 * @read:	bytes
 * @written:	ditto
 */
struct disk_answer {
	__s32 error;
	__u32 number;
	__u32 tag;
	__u32 unused;
	__u64 size;
	__u64 reads;
	__u64 writes;
	__u64 read;
	__u64 written;
};

#endif /* DISK_ABI_H */
