// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accessed bits that are cleared, and what the stub still maps of such pages.
 *
 * Theory of operation
 *
 * Reclaim, in both its forms, and whoever else wants to know what is in use
 * clears accessed bits page by page, with page table locks held and for many
 * pages at a time.  Hardware sets the bit again at the next access; here that
 * takes a fault, and there is none as long as the stub has the page mapped.
 * An unmapping for each of them would cost a request to the stub each time.
 *
 * So the place is only noted, in mm_context_t.old, in units of the soft TLB's
 * chunks.  The way back to guest code flushes what is noted: for a task that
 * is in the kernel that is before its next instruction; one that runs guest
 * code on another vCPU gets there with the next tick.  An access in between is
 * not seen, which stock code allows for on hardware with TLBs, too.
 */
#include <linux/minmax.h>
#include <linux/mm.h>
#include <asm/tlbflush.h>

/* TASK_SIZE in chunks has 26 bits. */
#define OLD_END_SHIFT	32

static u64 old_range(u64 first, u64 end)
{
	return first | end << OLD_END_SHIFT;
}

static u64 old_first(u64 old)
{
	return (u32)old;
}

static u64 old_end(u64 old)
{
	return old >> OLD_END_SHIFT;
}

/*
 * The bit has been cleared by a locked instruction: whoever empties the note
 * after it was found to hold the chunk sees the PTE as it is now.
 */
static void note_old(struct mm_struct *mm, unsigned long addr)
{
	u64 chunk = addr >> PMD_SHIFT;
	u64 was = READ_ONCE(mm->context.old), want;

	do {
		want = was ? old_range(min(old_first(was), chunk), max(old_end(was), chunk + 1)) :
			     old_range(chunk, chunk + 1);
		if (want == was)
			return;
	} while (!try_cmpxchg(&mm->context.old, &was, want));
}

static bool clear_young(struct vm_area_struct *vma, unsigned long addr, unsigned long *entry)
{
	if (!test_and_clear_bit(ilog2(_PAGE_ACCESSED), entry))
		return false;
	note_old(vma->vm_mm, addr);
	return true;
}

int ptep_test_and_clear_young(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep)
{
	return clear_young(vma, addr, &pte_val(*ptep));
}

#ifdef CONFIG_TRANSPARENT_HUGEPAGE
int pmdp_test_and_clear_young(struct vm_area_struct *vma, unsigned long addr, pmd_t *pmdp)
{
	return clear_young(vma, addr, &pmd_val(*pmdp));
}
#endif

void tlb_flush_old(struct mm_struct *mm)
{
	u64 old = xchg(&mm->context.old, 0);

	tlb_flush_range(mm, old_first(old) << PMD_SHIFT, old_end(old) << PMD_SHIFT);
}
