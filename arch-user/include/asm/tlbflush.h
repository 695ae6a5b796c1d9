/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Flushing: see mm/tlb.c for what a stub's mappings are a cache of.
 */
#ifndef _ASM_USER_TLBFLUSH_H
#define _ASM_USER_TLBFLUSH_H

#include <linux/mm_types.h>

void tlb_flush_range(struct mm_struct *mm, unsigned long start, unsigned long end);

/**
 * tlb_flush_unmapped() - the same, for pages of which nobody counts the references
 * @mm:		address space
 * @start:	first address, page aligned
 * @end:	first after it
 *
 * Pages may be held until current's guest code runs again.
 *
 * Context: any but hard interrupt; may hold page table locks.
 */
void tlb_flush_unmapped(struct mm_struct *mm, unsigned long start, unsigned long end);

void flush_tlb_kernel_range(unsigned long start, unsigned long end);

static inline void flush_tlb_range(struct vm_area_struct *vma, unsigned long start,
				   unsigned long end)
{
	tlb_flush_range(vma->vm_mm, start, end);
}

static inline void flush_tlb_page(struct vm_area_struct *vma, unsigned long addr)
{
	tlb_flush_range(vma->vm_mm, addr & PAGE_MASK, (addr & PAGE_MASK) + PAGE_SIZE);
}

void flush_tlb_mm(struct mm_struct *mm);
void flush_tlb_all(void);

/**
 * tlb_fill() - have a stub map a page and its neighbours
 * @mm:		current's address space
 * @addr:	where the fault was
 * @access:	HOST_PROT_* that it needs
 *
 * Context: may sleep.
 * Return: 0 when the page tables allow the access; it is mapped when current's
 * guest code runs again, or tlb_commit() has returned.  -EAGAIN when they don't, or
 * another error of the host's.
 */
int tlb_fill(struct mm_struct *mm, unsigned long addr, int access);

/**
 * tlb_maps() - whether current's stub maps a page
 * @mm:		current's address space
 * @addr:	page aligned
 * @access:	one of HOST_PROT_*
 */
bool tlb_maps(struct mm_struct *mm, unsigned long addr, int access);

void tlb_drop(struct mm_struct *mm);
/**
 * tlb_flush_old() - have the stub forget pages that have become old
 * @mm:		address space
 *
 * Context: any but hard interrupt.
 */
void tlb_flush_old(struct mm_struct *mm);

void tlb_forget(struct mm_struct *mm);

struct stub;
void tlb_release_held(struct stub *stub);
void tlb_settle(struct stub *stub);

#endif /* _ASM_USER_TLBFLUSH_H */
