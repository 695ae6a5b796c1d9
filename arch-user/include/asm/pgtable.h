/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest page tables.  No hardware reads them: the format is ours.  The port
 * walks them to copy to and from user memory (mm/uaccess.c), to fill a stub's
 * mappings (mm/tlb.c) and to map vmalloc space for the kernel itself
 * (mm/kernel_map.c).  Accessed and dirty bits are set by faults alone: a stub
 * maps a page only when it is young, and writable only when it is dirty.
 */
#ifndef _ASM_USER_PGTABLE_H
#define _ASM_USER_PGTABLE_H

#include <asm-generic/pgtable-nop4d.h>
#include <asm/page.h>

#define PMD_SHIFT	21
#define PMD_SIZE	(1UL << PMD_SHIFT)
#define PMD_MASK	(~(PMD_SIZE - 1))
#define PUD_SHIFT	30
#define PUD_SIZE	(1UL << PUD_SHIFT)
#define PUD_MASK	(~(PUD_SIZE - 1))
#define PGDIR_SHIFT	39
#define PGDIR_SIZE	(1UL << PGDIR_SHIFT)
#define PGDIR_MASK	(~(PGDIR_SIZE - 1))

#define PTRS_PER_PTE	512
#define PTRS_PER_PMD	512
#define PTRS_PER_PUD	512
#define PTRS_PER_PGD	512
#define USER_PTRS_PER_PGD 256

#define _PAGE_PRESENT	_BITUL(0)
#define _PAGE_WRITE	_BITUL(1)
#define _PAGE_USER	_BITUL(2)
#define _PAGE_EXEC	_BITUL(3)
#define _PAGE_ACCESSED	_BITUL(4)
#define _PAGE_DIRTY	_BITUL(5)
#define _PAGE_LEAF	_BITUL(6)	/* in a PMD: a huge page */
#define _PAGE_SPECIAL	_BITUL(7)
#define _PAGE_PROTNONE	_BITUL(8)	/* there, but not to be touched */
#define _PAGE_SWP_EXCLUSIVE _BITUL(9)
#define _PAGE_SOFT_DIRTY _BITUL(10)
#define _PAGE_UFFD_WP	_BITUL(11)

/* In a swap entry, where types and offsets begin at bit 11. */
#define _PAGE_SWP_SOFT_DIRTY	_PAGE_SOFT_DIRTY
#define _PAGE_SWP_UFFD_WP	_PAGE_SPECIAL

#define _PAGE_TABLE	(_PAGE_PRESENT | _PAGE_WRITE | _PAGE_USER | _PAGE_ACCESSED | _PAGE_DIRTY)
#define _PFN_MASK	0x000ffffffffff000UL
#define _PAGE_CHG_MASK	(_PFN_MASK | _PAGE_ACCESSED | _PAGE_DIRTY | _PAGE_SPECIAL | _PAGE_LEAF | \
			 _PAGE_SOFT_DIRTY | _PAGE_UFFD_WP)

#define _PAGE_BASE	(_PAGE_PRESENT | _PAGE_ACCESSED)
#define PAGE_NONE	__pgprot(_PAGE_PROTNONE | _PAGE_ACCESSED)
#define PAGE_READONLY	__pgprot(_PAGE_BASE | _PAGE_USER)
#define PAGE_READONLY_EXEC __pgprot(_PAGE_BASE | _PAGE_USER | _PAGE_EXEC)
#define PAGE_COPY	PAGE_READONLY
#define PAGE_COPY_EXEC	PAGE_READONLY_EXEC
#define PAGE_SHARED	__pgprot(_PAGE_BASE | _PAGE_USER | _PAGE_WRITE)
#define PAGE_SHARED_EXEC __pgprot(_PAGE_BASE | _PAGE_USER | _PAGE_WRITE | _PAGE_EXEC)
#define PAGE_KERNEL	__pgprot(_PAGE_BASE | _PAGE_WRITE | _PAGE_DIRTY)
#define PAGE_KERNEL_RO	__pgprot(_PAGE_BASE)
#define PAGE_KERNEL_ROX	__pgprot(_PAGE_BASE | _PAGE_EXEC)
#define PAGE_KERNEL_EXEC __pgprot(_PAGE_BASE | _PAGE_WRITE | _PAGE_DIRTY | _PAGE_EXEC)

#define VMALLOC_START	VMALLOC_ADDR
#define VMALLOC_END	VMALLOC_ADDR_END
#define MODULES_VADDR	MODULES_ADDR
#define MODULES_END	MODULES_ADDR_END

#ifndef __ASSEMBLY__

#include <linux/mmzone.h>

extern pgd_t swapper_pg_dir[PTRS_PER_PGD];
extern unsigned long empty_zero_page[PAGE_SIZE / sizeof(unsigned long)];

#define ZERO_PAGE(vaddr)	virt_to_page(empty_zero_page)

#define pte_ERROR(e)	pr_err("%s:%d: bad pte %016lx\n", __FILE__, __LINE__, pte_val(e))
#define pmd_ERROR(e)	pr_err("%s:%d: bad pmd %016lx\n", __FILE__, __LINE__, pmd_val(e))
#define pud_ERROR(e)	pr_err("%s:%d: bad pud %016lx\n", __FILE__, __LINE__, pud_val(e))
#define pgd_ERROR(e)	pr_err("%s:%d: bad pgd %016lx\n", __FILE__, __LINE__, pgd_val(e))

/* --- tables -------------------------------------------------------------- */

#define set_pte(ptep, pte)	WRITE_ONCE(*(ptep), pte)
#define set_pmd(pmdp, pmd)	WRITE_ONCE(*(pmdp), pmd)
#define set_pud(pudp, pud)	WRITE_ONCE(*(pudp), pud)
#define set_p4d(p4dp, p4d)	WRITE_ONCE(*(p4dp), p4d)

#define pte_none(pte)		(!pte_val(pte))
#define pmd_none(pmd)		(!pmd_val(pmd))
#define pud_none(pud)		(!pud_val(pud))
#define p4d_none(p4d)		(!pgd_val((p4d).pgd))
#define pmd_present(pmd)	(!!(pmd_val(pmd) & (_PAGE_PRESENT | _PAGE_PROTNONE)))
#define pud_present(pud)	(!!(pud_val(pud) & _PAGE_PRESENT))
#define p4d_present(p4d)	(!!(pgd_val((p4d).pgd) & _PAGE_PRESENT))
#define pmd_leaf(pmd)		(!!(pmd_val(pmd) & _PAGE_LEAF))
#define pmd_bad(pmd)		((pmd_val(pmd) & ~_PFN_MASK) != _PAGE_TABLE)
#define pud_bad(pud)		((pud_val(pud) & ~_PFN_MASK) != _PAGE_TABLE)
#define p4d_bad(p4d)		((pgd_val((p4d).pgd) & ~_PFN_MASK) != _PAGE_TABLE)
#define pmd_clear(pmdp)		set_pmd(pmdp, __pmd(0))
#define pud_clear(pudp)		set_pud(pudp, __pud(0))
#define p4d_clear(p4dp)		set_p4d(p4dp, __p4d(0))
#define pte_clear(mm, addr, ptep) set_pte(ptep, __pte(0))

#define PFN_PTE_SHIFT		PAGE_SHIFT
#define pte_pfn(pte)		((pte_val(pte) & _PFN_MASK) >> PAGE_SHIFT)
#define pmd_pfn(pmd)		((pmd_val(pmd) & _PFN_MASK) >> PAGE_SHIFT)
#define pud_pfn(pud)		((pud_val(pud) & _PFN_MASK) >> PAGE_SHIFT)
#define pfn_pte(pfn, prot)	__pte(((unsigned long)(pfn) << PAGE_SHIFT) | pgprot_val(prot))
#define pfn_pmd(pfn, prot)	__pmd(((unsigned long)(pfn) << PAGE_SHIFT) | pgprot_val(prot))
#define pte_page(pte)		pfn_to_page(pte_pfn(pte))
#define pmd_page(pmd)		pfn_to_page(pmd_pfn(pmd))
#define pud_page(pud)		pfn_to_page(pud_pfn(pud))
#define p4d_page(p4d)		pfn_to_page((pgd_val((p4d).pgd) & _PFN_MASK) >> PAGE_SHIFT)
#define mk_pte(page, prot)	pfn_pte(page_to_pfn(page), prot)
#define mk_pmd(page, prot)	pfn_pmd(page_to_pfn(page), prot)

static inline unsigned long pmd_page_vaddr(pmd_t pmd)
{
	return (unsigned long)__va(pmd_val(pmd) & _PFN_MASK);
}

static inline pmd_t *pud_pgtable(pud_t pud)
{
	return __va(pud_val(pud) & _PFN_MASK);
}

static inline pud_t *p4d_pgtable(p4d_t p4d)
{
	return __va(pgd_val(p4d.pgd) & _PFN_MASK);
}

/* --- PTEs ---------------------------------------------------------------- */

#define pte_present(pte)	(!!(pte_val(pte) & (_PAGE_PRESENT | _PAGE_PROTNONE)))
#define pte_accessible(mm, pte)	(!!(pte_val(pte) & _PAGE_PRESENT))
#define pte_write(pte)		(!!(pte_val(pte) & _PAGE_WRITE))
#define pte_exec(pte)		(!!(pte_val(pte) & _PAGE_EXEC))
#define pte_user(pte)		(!!(pte_val(pte) & _PAGE_USER))
#define pte_dirty(pte)		(!!(pte_val(pte) & _PAGE_DIRTY))
#define pte_young(pte)		(!!(pte_val(pte) & _PAGE_ACCESSED))
#define pte_special(pte)	(!!(pte_val(pte) & _PAGE_SPECIAL))
#define pte_same(a, b)		(pte_val(a) == pte_val(b))
#define __HAVE_ARCH_PTE_SAME

#define PTE_BIT_FUNC(name, op)						\
static inline pte_t pte_##name(pte_t pte)				\
{									\
	return __pte(pte_val(pte) op);					\
}

PTE_BIT_FUNC(wrprotect, & ~_PAGE_WRITE)
PTE_BIT_FUNC(mkwrite_novma, | _PAGE_WRITE)
PTE_BIT_FUNC(mkdirty, | _PAGE_DIRTY | _PAGE_SOFT_DIRTY)
PTE_BIT_FUNC(mkclean, & ~_PAGE_DIRTY)
PTE_BIT_FUNC(mkyoung, | _PAGE_ACCESSED)
PTE_BIT_FUNC(mkold, & ~_PAGE_ACCESSED)
PTE_BIT_FUNC(mkspecial, | _PAGE_SPECIAL)
PTE_BIT_FUNC(mkhuge, | _PAGE_LEAF)

/* For those who ask what was written, and who want to be asked first. */
#define pte_soft_dirty(pte)	(!!(pte_val(pte) & _PAGE_SOFT_DIRTY))
#define pte_uffd_wp(pte)	(!!(pte_val(pte) & _PAGE_UFFD_WP))
PTE_BIT_FUNC(mksoft_dirty, | _PAGE_SOFT_DIRTY)
PTE_BIT_FUNC(clear_soft_dirty, & ~_PAGE_SOFT_DIRTY)
PTE_BIT_FUNC(clear_uffd_wp, & ~_PAGE_UFFD_WP)

/* For those who take a page without a lock: not what is PROT_NONE or the kernel's. */
static inline bool pte_access_permitted(pte_t pte, bool write)
{
	unsigned long need = _PAGE_PRESENT | _PAGE_USER | (write ? _PAGE_WRITE : 0);

	return (pte_val(pte) & need) == need;
}
#define pte_access_permitted pte_access_permitted

static inline pte_t pte_mkuffd_wp(pte_t pte)
{
	return pte_wrprotect(__pte(pte_val(pte) | _PAGE_UFFD_WP));
}

static inline pte_t pte_modify(pte_t pte, pgprot_t prot)
{
	return __pte((pte_val(pte) & _PAGE_CHG_MASK) | (pgprot_val(prot) & ~_PAGE_ACCESSED));
}

static inline pgprot_t pte_pgprot(pte_t pte)
{
	return __pgprot(pte_val(pte) & ~_PFN_MASK);
}

#define pgprot_noncached(prot)	(prot)
#define pgprot_writecombine(prot) (prot)
#define pgprot_nx(prot)		__pgprot(pgprot_val(prot) & ~_PAGE_EXEC)

/* --- swap entries: neither PRESENT nor PROTNONE --------------------------- */

#define __SWP_TYPE_SHIFT	11
#define __SWP_TYPE_BITS		5
#define __SWP_OFFSET_SHIFT	(__SWP_TYPE_SHIFT + __SWP_TYPE_BITS)
#define MAX_SWAPFILES_CHECK()	BUILD_BUG_ON(MAX_SWAPFILES_SHIFT > __SWP_TYPE_BITS)

#define __swp_type(x)		(((x).val >> __SWP_TYPE_SHIFT) & (BIT(__SWP_TYPE_BITS) - 1))
#define __swp_offset(x)		((x).val >> __SWP_OFFSET_SHIFT)
#define __swp_entry(type, off)	((swp_entry_t) {			\
	((unsigned long)(type) << __SWP_TYPE_SHIFT) |			\
	((unsigned long)(off) << __SWP_OFFSET_SHIFT) })
#define __pte_to_swp_entry(pte)	((swp_entry_t) { pte_val(pte) })
#define __swp_entry_to_pte(x)	__pte((x).val)
#define __pmd_to_swp_entry(pmd)	((swp_entry_t) { pmd_val(pmd) & ~_PAGE_LEAF })
#define __swp_entry_to_pmd(x)	__pmd((x).val | _PAGE_LEAF)

#define pte_swp_exclusive(pte)	(!!(pte_val(pte) & _PAGE_SWP_EXCLUSIVE))
PTE_BIT_FUNC(swp_mkexclusive, | _PAGE_SWP_EXCLUSIVE)
PTE_BIT_FUNC(swp_clear_exclusive, & ~_PAGE_SWP_EXCLUSIVE)

#define pte_swp_soft_dirty(pte)	(!!(pte_val(pte) & _PAGE_SWP_SOFT_DIRTY))
PTE_BIT_FUNC(swp_mksoft_dirty, | _PAGE_SWP_SOFT_DIRTY)
PTE_BIT_FUNC(swp_clear_soft_dirty, & ~_PAGE_SWP_SOFT_DIRTY)

#define pte_swp_uffd_wp(pte)	(!!(pte_val(pte) & _PAGE_SWP_UFFD_WP))
PTE_BIT_FUNC(swp_mkuffd_wp, | _PAGE_SWP_UFFD_WP)
PTE_BIT_FUNC(swp_clear_uffd_wp, & ~_PAGE_SWP_UFFD_WP)

/* --- huge pages ----------------------------------------------------------- */

static inline pte_t pmd_pte(pmd_t pmd)
{
	return __pte(pmd_val(pmd));
}

static inline pmd_t pte_pmd(pte_t pte)
{
	return __pmd(pte_val(pte));
}

#ifdef CONFIG_TRANSPARENT_HUGEPAGE
#define pmd_trans_huge(pmd)	(pmd_leaf(pmd) && pmd_present(pmd))
#define pmd_write(pmd)		pte_write(pmd_pte(pmd))
#define pmd_access_permitted(pmd, write) pte_access_permitted(pmd_pte(pmd), write)
#define pmd_dirty(pmd)		pte_dirty(pmd_pte(pmd))
#define pmd_young(pmd)		pte_young(pmd_pte(pmd))
#define pmd_mkhuge(pmd)		__pmd(pmd_val(pmd) | _PAGE_LEAF)
#define pmd_wrprotect(pmd)	pte_pmd(pte_wrprotect(pmd_pte(pmd)))
#define pmd_mkwrite_novma(pmd)	pte_pmd(pte_mkwrite_novma(pmd_pte(pmd)))
#define pmd_mkdirty(pmd)	pte_pmd(pte_mkdirty(pmd_pte(pmd)))
#define pmd_mkclean(pmd)	pte_pmd(pte_mkclean(pmd_pte(pmd)))
#define pmd_mkyoung(pmd)	pte_pmd(pte_mkyoung(pmd_pte(pmd)))
#define pmd_mkold(pmd)		pte_pmd(pte_mkold(pmd_pte(pmd)))
#define pmd_soft_dirty(pmd)	pte_soft_dirty(pmd_pte(pmd))
#define pmd_mksoft_dirty(pmd)	pte_pmd(pte_mksoft_dirty(pmd_pte(pmd)))
#define pmd_clear_soft_dirty(pmd) pte_pmd(pte_clear_soft_dirty(pmd_pte(pmd)))
#define pmd_uffd_wp(pmd)	pte_uffd_wp(pmd_pte(pmd))
#define pmd_mkuffd_wp(pmd)	pte_pmd(pte_mkuffd_wp(pmd_pte(pmd)))
#define pmd_clear_uffd_wp(pmd)	pte_pmd(pte_clear_uffd_wp(pmd_pte(pmd)))
#define pmd_swp_soft_dirty(pmd)	pte_swp_soft_dirty(pmd_pte(pmd))
#define pmd_swp_mksoft_dirty(pmd) pte_pmd(pte_swp_mksoft_dirty(pmd_pte(pmd)))
#define pmd_swp_clear_soft_dirty(pmd) pte_pmd(pte_swp_clear_soft_dirty(pmd_pte(pmd)))
#define pmd_swp_uffd_wp(pmd)	pte_swp_uffd_wp(pmd_pte(pmd))
#define pmd_swp_mkuffd_wp(pmd)	pte_pmd(pte_swp_mkuffd_wp(pmd_pte(pmd)))
#define pmd_swp_clear_uffd_wp(pmd) pte_pmd(pte_swp_clear_uffd_wp(pmd_pte(pmd)))

static inline pmd_t pmd_modify(pmd_t pmd, pgprot_t prot)
{
	return pte_pmd(pte_modify(pmd_pte(pmd), prot));
}

/* Not to be used, but still known to be there: for a split in progress. */
static inline pmd_t pmd_mkinvalid(pmd_t pmd)
{
	return __pmd((pmd_val(pmd) & ~_PAGE_PRESENT) | _PAGE_PROTNONE);
}

static inline void set_pmd_at(struct mm_struct *mm, unsigned long addr, pmd_t *pmdp, pmd_t pmd)
{
	set_pmd(pmdp, pmd);
}

static inline pmd_t pmdp_establish(struct vm_area_struct *vma, unsigned long addr,
				   pmd_t *pmdp, pmd_t pmd)
{
	return __pmd(xchg(&pmd_val(*pmdp), pmd_val(pmd)));
}
#define pmdp_establish pmdp_establish

#define update_mmu_cache_pmd(vma, addr, pmdp)	do { } while (0)
#endif /* CONFIG_TRANSPARENT_HUGEPAGE */

#ifdef CONFIG_NUMA_BALANCING
#error "no NUMA here"
#endif

/* --- growing old ----------------------------------------------------------- */

/*
 * Stock code clears the accessed bit without a flush, at many places at once.
 * That the stub still maps the page is noted, and put right before guest code
 * of the address space next goes on: see mm/aging.c.
 */
int ptep_test_and_clear_young(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep);
#define __HAVE_ARCH_PTEP_TEST_AND_CLEAR_YOUNG
#define ptep_clear_flush_young ptep_test_and_clear_young
#define __HAVE_ARCH_PTEP_CLEAR_YOUNG_FLUSH

#ifdef CONFIG_TRANSPARENT_HUGEPAGE
int pmdp_test_and_clear_young(struct vm_area_struct *vma, unsigned long addr, pmd_t *pmdp);
#define __HAVE_ARCH_PMDP_TEST_AND_CLEAR_YOUNG
#define pmdp_clear_flush_young pmdp_test_and_clear_young
#define __HAVE_ARCH_PMDP_CLEAR_YOUNG_FLUSH
#endif

/* --- what happens when one is set ----------------------------------------- */

/* A page that was not there is mapped by the fault that follows. */
#define update_mmu_cache(vma, addr, ptep)			do { } while (0)
#define update_mmu_cache_range(vmf, vma, addr, ptep, nr)	do { } while (0)
#define flush_tlb_fix_spurious_fault(vma, addr, ptep)		do { } while (0)

#define HAVE_ARCH_UNMAPPED_AREA
#define HAVE_ARCH_UNMAPPED_AREA_TOPDOWN

/* vmalloc space is mapped on the host when its tables change. */
#define ARCH_PAGE_TABLE_SYNC_MASK	PGTBL_PTE_MODIFIED

#endif /* __ASSEMBLY__ */
#endif /* _ASM_USER_PGTABLE_H */
