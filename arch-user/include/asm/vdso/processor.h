/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_USER_VDSO_PROCESSOR_H
#define _ASM_USER_VDSO_PROCESSOR_H

#ifdef __VDSO__
static __always_inline void cpu_relax(void)
{
	asm volatile("pause" : : : "memory");
}
#else
void cpu_relax(void);	/* lib/relax.c */
#endif

#endif /* _ASM_USER_VDSO_PROCESSOR_H */
