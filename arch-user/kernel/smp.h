/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The other vCPUs, between files of this directory.
 */
#ifndef _KERNEL_SMP_H
#define _KERNEL_SMP_H

#include <linux/types.h>

bool smp_stopped(void);

#endif /* _KERNEL_SMP_H */
