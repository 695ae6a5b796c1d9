/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_USER_TLB_H
#define _ASM_USER_TLB_H

#include <asm/tlbflush.h>
#include <asm-generic/tlb.h>

/* Tables are walked without a lock, interrupts off: free them by RCU. */
static inline void __tlb_remove_table(void *table)
{
	free_page_and_swap_cache(table);
}

#endif /* _ASM_USER_TLB_H */
