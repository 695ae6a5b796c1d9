/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_USER_SPINLOCK_H
#define _ASM_USER_SPINLOCK_H

#include <asm/qspinlock.h>
#include <asm/qrwlock.h>

#endif /* _ASM_USER_SPINLOCK_H */
