/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Static branches: five bytes that are a NOP, or a jump out of line.
 * kernel/jump_label.c changes one into the other.
 */
#ifndef _ASM_USER_JUMP_LABEL_H
#define _ASM_USER_JUMP_LABEL_H

#define JUMP_LABEL_NOP_SIZE	5
#define HAVE_JUMP_LABEL_BATCH

#ifndef __ASSEMBLY__

#include <linux/types.h>

/* struct jump_entry, relative; bit 0 of the key says which way is likely. */
#define STATIC_BRANCH_ENTRY(label, key)		\
	".pushsection __jump_table, \"aw\"\n\t"	\
	".balign 8\n\t"				\
	".long 771b - .\n\t"			\
	".long " label " - .\n\t"		\
	".quad " key " - .\n\t"			\
	".popsection"

static __always_inline bool arch_static_branch(struct static_key * const key, const bool likely)
{
	asm goto("771: .byte 0x0f, 0x1f, 0x44, 0x00, 0x00\n\t"
		 STATIC_BRANCH_ENTRY("%l[taken]", "%c[key]")
		 : : [key] "i" ((const char *)key + likely) : : taken);
	return false;
taken:
	return true;
}

static __always_inline bool arch_static_branch_jump(struct static_key * const key,
						    const bool likely)
{
	asm goto("771: .byte 0xe9\n\t"
		 ".long %l[taken] - (771b + 5)\n\t"
		 STATIC_BRANCH_ENTRY("%l[taken]", "%c[key]")
		 : : [key] "i" ((const char *)key + likely) : : taken);
	return false;
taken:
	return true;
}

#endif /* __ASSEMBLY__ */
#endif /* _ASM_USER_JUMP_LABEL_H */
