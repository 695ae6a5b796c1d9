/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_USER_VDSO_VSYSCALL_H
#define _ASM_USER_VDSO_VSYSCALL_H

#ifndef __ASSEMBLY__

#include <linux/timekeeper_internal.h>
#include <vdso/datapage.h>

extern union vdso_data_store vdso_data_store;

/* Where timekeeping leaves what the vDSO reads (kernel/vdso.c). */
static __always_inline struct vdso_data *user_vdso_data(void)
{
	return vdso_data_store.data;
}

#define __arch_get_k_vdso_data user_vdso_data

#include <asm-generic/vdso/vsyscall.h>

#endif /* __ASSEMBLY__ */
#endif /* _ASM_USER_VDSO_VSYSCALL_H */
