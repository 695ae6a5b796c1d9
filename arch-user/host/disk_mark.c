// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mark of overlays: see drivers/cow_format.h.
 */
#include "../../drivers/cow_format.h"
#include "state.h"
#include "syscall.h"

/**
 * host_disk_marked() - what the mark of a file says
 * @fd:		the file
 * @h:		its header, or NULL when it has none
 *
 * Context: before the confinement.
 */
enum host_disk_mark host_disk_marked(int fd, const struct cow_header *h)
{
	char mark[COW_MARK_SIZE], want[COW_MARK_SIZE];
	long n = sys4(__NR_fgetxattr, fd, COW_MARK, mark, sizeof(mark));

	if (n < 0)
		return HOST_UNMARKED;
	return h && n == cow_mark(want, h) && !memcmp(mark, want, n) ? HOST_MARK_FITS :
								       HOST_MARK_OTHER;
}

/**
 * host_disk_mark() - mark a file as an overlay
 * @fd:		the file
 * @h:		its header
 *
 * Where the host's file system keeps no marks the user has to say what it is.
 *
 * Context: before the confinement.
 */
void host_disk_mark(int fd, const struct cow_header *h)
{
	char mark[COW_MARK_SIZE];

	sys5(__NR_fsetxattr, fd, COW_MARK, mark, cow_mark(mark, h), 0);
}
