/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The linked vDSO as data.  kernel/vdso.c copies it into pages of RAM at the
 * start and the original goes away with the rest of the init sections.
 */
#include <linux/linkage.h>
#include <asm/page.h>

	.section .init.rodata, "a"

	.balign PAGE_SIZE
SYM_DATA_START(vdso_image_start)
	.incbin "arch/user/vdso/vdso.so"
SYM_DATA_END_LABEL(vdso_image_start, SYM_L_GLOBAL, vdso_image_end)
