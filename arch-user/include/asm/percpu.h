/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Per-CPU data by %gs, as on x86-64: the base is the CPU's offset, and 0 until
 * the first CPU has one, which makes the static image its data.
 *
 * The x86 header picks %gs and the 8-byte operations only where CONFIG_X86_64
 * is set; nothing else in it depends on that.
 */
#ifndef _ASM_USER_PERCPU_H
#define _ASM_USER_PERCPU_H

#define CONFIG_X86_64 1
#include <../arch/x86/include/asm/percpu.h>
#undef CONFIG_X86_64

#endif /* _ASM_USER_PERCPU_H */
