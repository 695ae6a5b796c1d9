/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Addresses: where things lie in the kernel process and in a stub process.
 *
 * Kernel process					stub process
 *   10000000 vmlinux (text: the file; data: RAM)	guest program,
 *   40000000 modules					0 ... TASK_SIZE
 *   100000000000 all of guest RAM (direct map)
 *   200000000000 vmalloc
 *   380000000000 host state (outlives a guest reboot)
 *   390000000000 control memfd				7fff00000000 the stub's own
 *
 * Guest user addresses and kernel addresses overlap as numbers; they are
 * never valid in the same process.
 */
#ifndef _ASM_USER_LAYOUT_H
#define _ASM_USER_LAYOUT_H

#include <linux/const.h>

/* Link address of the image, and the guest-physical address it stands for. */
#define KERNEL_LINK_ADDR	_AC(0x10000000, UL)
#define KERNEL_PHYS_ADDR	_AC(0x00200000, UL)

#define DIRECT_MAP_ADDR		_AC(0x100000000000, UL)
#define DIRECT_MAP_MAX		_AC(0x020000000000, UL)	/* 2 TiB of RAM */

#define MODULES_ADDR		_AC(0x40000000, UL)
#define MODULES_ADDR_END	_AC(0x78000000, UL)

#define VMALLOC_ADDR		_AC(0x200000000000, UL)
#define VMALLOC_ADDR_END	_AC(0x300000000000, UL)

#define HOST_STATE_ADDR		_AC(0x380000000000, UL)
#define CONTROL_ADDR		_AC(0x390000000000, UL)

/* A stub process's own part; guest memory lies below. */
#define STUB_BASE		_AC(0x7fff00000000, UL)

#endif /* _ASM_USER_LAYOUT_H */
