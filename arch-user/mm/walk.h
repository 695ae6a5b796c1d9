/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Looking user addresses up in the page tables without a lock.
 *
 * Interrupts must be off all the while: tables are freed by RCU, which waits
 * for that.
 */
#ifndef _MM_WALK_H
#define _MM_WALK_H

#include <linux/mm.h>
#include <linux/pgtable.h>

struct pt_regs;

/**
 * struct user_walk - a walk that remembers the last table
 * @mm:		address space
 * @base:	start of the 2 MiB that @pmd and @table are about, plus one
 * @pmd:	its entry
 * @table:	its page table, or NULL when @pmd is none
 */
struct user_walk {
	struct mm_struct *mm;
	unsigned long base;
	pmd_t pmd;
	pte_t *table;
};

static inline void walk_table(struct user_walk *walk, unsigned long addr)
{
	pgd_t *pgd = pgd_offset(walk->mm, addr);
	p4d_t *p4dp = p4d_offset(pgd, addr), p4d = READ_ONCE(*p4dp);
	pud_t *pudp, pud;

	walk->base = (addr & PMD_MASK) + 1;
	walk->table = NULL;
	walk->pmd = __pmd(0);
	if (p4d_none(p4d))
		return;
	pudp = p4d_pgtable(p4d) + pud_index(addr);
	pud = READ_ONCE(*pudp);
	if (pud_none(pud))
		return;
	walk->pmd = READ_ONCE(pud_pgtable(pud)[pmd_index(addr)]);
	if (!pmd_none(walk->pmd) && !pmd_leaf(walk->pmd) && !pmd_bad(walk->pmd))
		walk->table = (pte_t *)pmd_page_vaddr(walk->pmd);
}

/**
 * walk_user() - the PTE of a user address
 * @walk:	.mm set, the rest zero at first
 * @addr:	below TASK_SIZE
 *
 * Return: the PTE; for a page of a huge one, the PTE it would have; a PTE of
 * zero when there is none.
 */
static inline pte_t walk_user(struct user_walk *walk, unsigned long addr)
{
	if (walk->base != (addr & PMD_MASK) + 1)
		walk_table(walk, addr);
	if (likely(walk->table))
		return READ_ONCE(walk->table[pte_index(addr)]);
	if (pmd_leaf(walk->pmd) && pmd_present(walk->pmd))
		return __pte((pmd_val(walk->pmd) & ~_PAGE_LEAF) + (addr & ~PMD_MASK & PAGE_MASK));
	return __pte(0);
}

/**
 * walk_user_young() - the PTE of a user address, made young
 * @walk:	as for walk_user()
 * @addr:	below TASK_SIZE
 *
 * It is as if somebody had looked at the page just now.
 */
static inline pte_t walk_user_young(struct user_walk *walk, unsigned long addr)
{
	pte_t pte = walk_user(walk, addr);
	unsigned long young = pte_val(pte) | _PAGE_ACCESSED;

	if (!(pte_val(pte) & _PAGE_PRESENT) || pte_young(pte) || !walk->table)
		return pte;
	if (!try_cmpxchg(&pte_val(walk->table[pte_index(addr)]), &pte_val(pte), young))
		return pte;
	return __pte(young);
}

void uaccess_sync(struct mm_struct *mm);

/**
 * struct user_fault - how a fault ended
 * @code:	0, SEGV_*, or -1: see @fault
 * @fault:	VM_FAULT_* of an error
 */
struct user_fault {
	int code;
	vm_fault_t fault;
};

struct user_fault user_fault_in(unsigned long address, unsigned long error,
				struct pt_regs *regs);

#endif /* _MM_WALK_H */
