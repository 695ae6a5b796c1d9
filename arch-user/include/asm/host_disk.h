/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Disks, for who sleeps: see host_disk_look() in asm/host.h.
 */
#ifndef _ASM_USER_HOST_DISK_H
#define _ASM_USER_HOST_DISK_H

#include <linux/types.h>

/**
 * host_disk_look_now() - whether there is something for host_disk_reap()
 * @cpu:	the calling vCPU
 *
 * While the host has more to do, host_disk_look() says no for some microseconds after
 * the last reap, so that several are taken at once.  This does not.
 *
 * Context: interrupts off.
 */
bool host_disk_look_now(unsigned int cpu);

#endif /* _ASM_USER_HOST_DISK_H */
