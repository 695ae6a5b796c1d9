/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_USER_PGALLOC_H
#define _ASM_USER_PGALLOC_H

#include <linux/mm.h>
#include <asm-generic/pgalloc.h>

static inline void pmd_populate_kernel(struct mm_struct *mm, pmd_t *pmd, pte_t *pte)
{
	set_pmd(pmd, __pmd(__pa(pte) | _PAGE_TABLE));
}

static inline void pmd_populate(struct mm_struct *mm, pmd_t *pmd, pgtable_t pte)
{
	set_pmd(pmd, __pmd(page_to_phys(pte) | _PAGE_TABLE));
}

static inline void pud_populate(struct mm_struct *mm, pud_t *pud, pmd_t *pmd)
{
	set_pud(pud, __pud(__pa(pmd) | _PAGE_TABLE));
}

static inline void p4d_populate(struct mm_struct *mm, p4d_t *p4d, pud_t *pud)
{
	set_p4d(p4d, __p4d(__pa(pud) | _PAGE_TABLE));
}

/* Kernel addresses are in init_mm's table alone. */
static inline pgd_t *pgd_alloc(struct mm_struct *mm)
{
	return (pgd_t *)get_zeroed_page(GFP_PGTABLE_USER);
}

/* Macros: what they use is declared after this header. */
#define __table_free_tlb(tlb, desc, level)				\
do {									\
	struct ptdesc *__table = (desc);				\
									\
	pagetable_##level##_dtor(__table);				\
	tlb_remove_page_ptdesc((tlb), __table);				\
} while (0)

#define __pte_free_tlb(tlb, tbl, addr)	__table_free_tlb(tlb, page_ptdesc(tbl), pte)
#define __pmd_free_tlb(tlb, tbl, addr)	__table_free_tlb(tlb, virt_to_ptdesc(tbl), pmd)
#define __pud_free_tlb(tlb, tbl, addr)	__table_free_tlb(tlb, virt_to_ptdesc(tbl), pud)

#endif /* _ASM_USER_PGALLOC_H */
