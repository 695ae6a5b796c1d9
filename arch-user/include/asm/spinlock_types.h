/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_USER_SPINLOCK_TYPES_H
#define _ASM_USER_SPINLOCK_TYPES_H

#include <linux/types.h>
#include <asm-generic/qspinlock_types.h>
#include <asm-generic/qrwlock_types.h>

#endif /* _ASM_USER_SPINLOCK_TYPES_H */
