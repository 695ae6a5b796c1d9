/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_USER_VDSO_H
#define _ASM_USER_VDSO_H

/* Data pages below the vDSO: the clocks', and room for a time namespace's. */
#define VVAR_PAGES	2

#ifndef __ASSEMBLY__
/* The finished vDSO, inside the image (vdso/vdso_image.S). */
extern const char vdso_image_start[], vdso_image_end[];
#endif

#endif /* _ASM_USER_VDSO_H */
