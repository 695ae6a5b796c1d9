/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_USER_VDSO_PROCESSOR_H
#define _ASM_USER_VDSO_PROCESSOR_H

static __always_inline void cpu_relax(void)
{
	asm volatile("pause" : : : "memory");
}

#endif /* _ASM_USER_VDSO_PROCESSOR_H */
