/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Entries as on x86: the image is an x86-64 ELF file, and scripts/sorttable
 * sorts what it knows.
 */
#ifndef _ASM_USER_EXTABLE_H
#define _ASM_USER_EXTABLE_H

#include <asm/extable_fixup_types.h>

struct exception_table_entry {
	int insn, fixup, data;
};
struct pt_regs;

#define ARCH_HAS_RELATIVE_EXTABLE

#define swap_ex_entry_fixup(a, b, tmp, delta)			\
	do {							\
		(a)->fixup = (b)->fixup + (delta);		\
		(b)->fixup = (tmp).fixup - (delta);		\
		(a)->data = (b)->data;				\
		(b)->data = (tmp).data;				\
	} while (0)

bool fixup_exception(struct pt_regs *regs);

#endif /* _ASM_USER_EXTABLE_H */
