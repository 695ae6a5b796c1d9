/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the servers of shares say and hand over: see hostfs/abi.h.
 */
#ifndef _ASM_USER_HOST_SHARE_H
#define _ASM_USER_HOST_SHARE_H

#include <asm/host.h>

/* The sockets lie here: the filter knows them by their numbers. */
#define HOST_SHARE_FD		224
#define HOST_SHARE_FD_LAST	(HOST_SHARE_FD + HOST_MAX_SHARES - 1)

/* Files of all shares that the kernel holds at a time. */
#define HOST_SHARE_FILES	64

/**
 * host_share_receive() - take a message of a share's server
 * @share:	the share
 * @buf:	for the message
 * @size:	of every message, in bytes
 * @file:	result: number of the file that came with it, to be given back with
 *		host_share_close(), or negative when there was none or no room for one
 *
 * Context: any.
 * Return: 0; -EAGAIN when there is none; any other errno: the server is gone.
 */
int host_share_receive(const struct host_share *share, void *buf, size_t size, int *file);

/**
 * host_share_read() - read what the host has of a file in its page cache
 * @file:	its number
 * @iov:	where to, in the kernel's memory
 * @n:		pieces, at most 1024
 * @pos:	offset in the file, in bytes
 *
 * Context: any; does not wait for a disk.
 * Return: bytes, maybe fewer than there are; -EAGAIN when there is none in the cache,
 * -EOPNOTSUPP when the file's kind cannot tell.
 */
long host_share_read(int file, const struct host_iov *iov, unsigned int n, u64 pos);

/**
 * host_share_close() - give a file back
 * @file:	its number
 *
 * Context: any.
 */
void host_share_close(int file);

#endif /* _ASM_USER_HOST_SHARE_H */
