/* SPDX-License-Identifier: GPL-2.0-only */
/* Nothing to add to stock code's unlock; see asm/qspinlock.h. */
