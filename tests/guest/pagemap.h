/* SPDX-License-Identifier: GPL-2.0-only */
/* Which pages are in memory and which in swap, and a swap device to have some. */
#ifndef PAGEMAP_H
#define PAGEMAP_H

#include <sys/swap.h>
#include "ktap.h"

#define PM_PRESENT	(1ULL << 63)
#define PM_SWAPPED	(1ULL << 62)

/* How many of the pages have @bit in /proc/self/pagemap. */
static inline size_t pages_with(const void *p, size_t pages, uint64_t bit)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	size_t n = 0;
	uint64_t e;

	must(fd >= 0);
	for (size_t i = 0; i < pages; i++) {
		must(pread(fd, &e, 8, ((uintptr_t)p / PAGE + i) * 8) == 8);
		n += !!(e & bit);
	}
	close(fd);
	return n;
}

/* Makes a block device a swap area and takes it into use. */
static inline void swap_on(const char *device)
{
	char command[128];

	snprintf(command, sizeof(command), "mkswap %s >/dev/null", device);
	must(system(command) == 0);
	must(swapon(device, 0) == 0);
}

static inline void zram_on(const char *size)
{
	write_file("/sys/block/zram0/disksize", size);
	swap_on("/dev/zram0");
}

#endif /* PAGEMAP_H */
