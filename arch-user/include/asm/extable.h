/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Entries as on x86: the image is an x86-64 ELF file, and scripts/sorttable
 * sorts what it knows.
 */
#ifndef _ASM_USER_EXTABLE_H
#define _ASM_USER_EXTABLE_H

#include <linux/types.h>
#include <asm/extable_fixup_types.h>

struct pt_regs;

/**
 * struct exception_table_entry - an instruction that may fault
 * @insn:	where it is, relative to this field
 * @fixup:	where to go on, relative to this field
 * @data:	EX_TYPE_* and its operands
 */
struct exception_table_entry {
	s32 insn;
	s32 fixup;
	s32 data;
};

#define ARCH_HAS_RELATIVE_EXTABLE

/* The rest of an exchange of two entries that are @distance bytes apart. */
static inline void ex_exchange(struct exception_table_entry *low,
			       struct exception_table_entry *high,
			       const struct exception_table_entry *old_low, int distance)
{
	low->data = high->data;
	low->fixup = high->fixup + distance;
	high->data = old_low->data;
	high->fixup = old_low->fixup - distance;
}

#define swap_ex_entry_fixup(x, y, old_x, distance)	ex_exchange(x, y, &(old_x), distance)

bool fixup_exception(struct pt_regs *regs);

#endif /* _ASM_USER_EXTABLE_H */
