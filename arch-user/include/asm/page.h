/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_USER_PAGE_H
#define _ASM_USER_PAGE_H

#include <linux/const.h>
#include <asm/layout.h>

#define PAGE_SHIFT	12
#define PAGE_SIZE	(_AC(1, UL) << PAGE_SHIFT)
#define PAGE_MASK	(~(PAGE_SIZE - 1))

#define PAGE_OFFSET	DIRECT_MAP_ADDR

#define HPAGE_SHIFT	21
#define HPAGE_SIZE	(_AC(1, UL) << HPAGE_SHIFT)
#define HPAGE_MASK	(~(HPAGE_SIZE - 1))

/* what brk() gives is executed only by programs whose personality says so */
#define VM_DATA_DEFAULT_FLAGS	VM_DATA_FLAGS_TSK_EXEC

/* the legacy vsyscall page: mm/vsyscall.c */
#define __HAVE_ARCH_GATE_AREA	1

#ifndef __ASSEMBLY__

#include <linux/types.h>

typedef struct { unsigned long pte; } pte_t;
typedef struct { unsigned long pmd; } pmd_t;
typedef struct { unsigned long pud; } pud_t;
typedef struct { unsigned long pgd; } pgd_t;
typedef struct { unsigned long pgprot; } pgprot_t;
typedef struct page *pgtable_t;

#define pte_val(x)	((x).pte)
#define pmd_val(x)	((x).pmd)
#define pud_val(x)	((x).pud)
#define pgd_val(x)	((x).pgd)
#define pgprot_val(x)	((x).pgprot)

#define __pte(x)	((pte_t) { (x) })
#define __pmd(x)	((pmd_t) { (x) })
#define __pud(x)	((pud_t) { (x) })
#define __pgd(x)	((pgd_t) { (x) })
#define __pgprot(x)	((pgprot_t) { (x) })

#define clear_page(page)		__builtin_memset((page), 0, PAGE_SIZE)
#define copy_page(to, from)		__builtin_memcpy((to), (from), PAGE_SIZE)
#define clear_user_page(page, va, pg)	clear_page(page)
#define copy_user_page(to, from, va, pg) copy_page(to, from)

/*
 * Two ranges have physical addresses: the direct map, and the image, whose
 * data and bss are RAM at KERNEL_PHYS_ADDR.
 */
static inline unsigned long virt_to_phys_addr(unsigned long va)
{
	if (va >= PAGE_OFFSET)
		return va - PAGE_OFFSET;
	return va - KERNEL_LINK_ADDR + KERNEL_PHYS_ADDR;
}

#define __pa(x)			virt_to_phys_addr((unsigned long)(x))
#define __pa_symbol(x)		__pa(x)
#define __va(x)			((void *)((unsigned long)(x) + PAGE_OFFSET))

#define ARCH_PFN_OFFSET		0UL
#define virt_to_pfn(kaddr)	(__pa(kaddr) >> PAGE_SHIFT)
#define virt_to_page(kaddr)	pfn_to_page(virt_to_pfn(kaddr))
#define page_to_virt(page)	__va(PFN_PHYS(page_to_pfn(page)))
#define page_to_phys(page)	PFN_PHYS(page_to_pfn(page))
#define pfn_to_kaddr(pfn)	__va((unsigned long)(pfn) << PAGE_SHIFT)

bool kernel_addr_is_ram(unsigned long addr);
#define virt_addr_valid(kaddr)	kernel_addr_is_ram((unsigned long)(kaddr))

#include <asm-generic/memory_model.h>
#include <asm-generic/getorder.h>

#endif /* __ASSEMBLY__ */
#endif /* _ASM_USER_PAGE_H */
