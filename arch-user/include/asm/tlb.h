/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_USER_TLB_H
#define _ASM_USER_TLB_H

#include <asm/tlbflush.h>

#define tlb_flush tlb_flush
static inline void tlb_flush(struct mmu_gather *tlb);

#include <asm-generic/tlb.h>

static inline void tlb_flush(struct mmu_gather *tlb)
{
	if (tlb->fullmm || tlb->need_flush_all)
		tlb_flush_unmapped(tlb->mm, 0, TASK_SIZE);
	else if (tlb->end)
		tlb_flush_unmapped(tlb->mm, tlb->start, tlb->end);
}

/* Tables are walked without a lock, interrupts off: free them by RCU. */
static inline void __tlb_remove_table(void *table)
{
	free_page_and_swap_cache(table);
}

#endif /* _ASM_USER_TLB_H */
