/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the guest's hostfs transport and the server kernelet-hostfs share.
 *
 * Theory of operation
 *
 * The two are joined by a SOCK_SEQPACKET socket and by guest RAM, which the
 * guest's process hands to the server as a memfd.  Requests lie in slots in
 * guest RAM; what they read or write goes straight from and to the guest's
 * pages.  Every address is guest-physical: an offset in the memfd.
 *
 * The guest fills a slot and sets its bit in @posted; a thread of the server
 * clears the bit, does the work, writes the reply and sets the bit in @done.
 * The server polls @posted for a while and then sleeps on @kick; the guest
 * polls @done for a while and then sets its bit in @notify, for which the
 * server sends a HOSTFS_DOORBELL over the socket.
 *
 * Large files that are only read may be handed over, open, for the guest to read them
 * by itself (HOSTFS_FILE), before the reply to the request that opened them.
 *
 * A directory may be read without having been opened, with HOSTFS_NO_HANDLE.
 *
 * The server believes nothing of what it finds here: it copies a request once
 * before it looks at it.
 */
#ifndef HOSTFS_ABI_H
#define HOSTFS_ABI_H

#include <linux/types.h>

#define HOSTFS_VERSION		3
#define HOSTFS_SLOTS		64	/* bits of a word */
#define HOSTFS_MAX_PAGES	256	/* of one request */
#define HOSTFS_SEGS		(HOSTFS_MAX_PAGES + 18)
#define HOSTFS_SLOT_SIZE	16384
#define HOSTFS_TAG_MAX		36	/* with the NUL */
#define HOSTFS_FILES		16	/* that a guest is given at a time */
#define HOSTFS_NO_HANDLE	0	/* never the handle of anything that is open */

enum hostfs_message_type {
	HOSTFS_HELLO = 0x6b686601,	/* to the server, with the memfd: @value is its size */
	HOSTFS_ATTACH,			/* to the server: @value is where the control page lies */
	HOSTFS_ATTACHED,		/* to the guest, before any doorbell */
	HOSTFS_DOORBELL,		/* to the guest */
	HOSTFS_DETACH,			/* to the server: guest memory is about to be others' */
	HOSTFS_DETACHED,		/* to the guest: it is not written to any more */
	HOSTFS_FILE,			/* to the guest, with a descriptor: @value is its handle */
};

/**
 * struct hostfs_message - what goes over the socket
 * @type:	enum hostfs_message_type
 * @version:	HOSTFS_VERSION
 * @value:	by type
 */
struct hostfs_message {
	__u32 type;
	__u32 version;
	__u64 value;
};

/**
 * struct hostfs_control - the control page
 * @posted:	slots with a request that nobody has taken
 * @done:	slots with a reply
 * @notify:	slots whose reply the guest does not poll for
 * @kick:	futex: counts wake-ups of the server
 * @polling:	threads of the server that look at @posted
 * @sleeping:	threads of the server that sleep on @kick
 * @rung:	a doorbell is on its way
 * @files:	counts the messages HOSTFS_FILE that have been sent
 * @slot:	addresses of the slots
 */
struct hostfs_control {
	__u64 posted __attribute__((aligned(64)));
	__u64 done __attribute__((aligned(64)));
	__u64 notify;
	__u32 rung;
	__u32 kick __attribute__((aligned(64)));
	__u32 polling;
	__u32 sleeping;
	__u32 files __attribute__((aligned(64)));
	__u64 slot[HOSTFS_SLOTS] __attribute__((aligned(64)));
};

/**
 * struct hostfs_seg - a piece of guest memory
 * @addr:	address
 * @len:	bytes
 * @pad:	0
 */
struct hostfs_seg {
	__u64 addr;
	__u32 len;
	__u32 pad;
};

/**
 * struct hostfs_slot - a request and its reply
 * @in_inline:	bytes of the request in @data, from its begin
 * @in_segs:	pieces that hold the rest of it
 * @out_inline:	room for the reply in @data, behind the request, 8-aligned,
 *		that goes before the pieces
 * @out_segs:	pieces for the rest of it, behind the request's in @seg
 * @reply:	struct fuse_out_header
 * @seg:	pieces
 * @data:	struct fuse_in_header and arguments; then the reply's arguments
 */
struct hostfs_slot {
	__u32 in_inline;
	__u32 in_segs;
	__u32 out_inline;
	__u32 out_segs;
	__u8 reply[16];
	struct hostfs_seg seg[HOSTFS_SEGS];
	__u8 data[HOSTFS_SLOT_SIZE - 32 - HOSTFS_SEGS * sizeof(struct hostfs_seg)];
};

_Static_assert(sizeof(struct hostfs_slot) == HOSTFS_SLOT_SIZE, "slot size");
_Static_assert(sizeof(struct hostfs_control) <= 4096, "control page");

#endif /* HOSTFS_ABI_H */
