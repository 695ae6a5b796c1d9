/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rewritten system calls: see mm/rewrite.c.
 */
#ifndef _ASM_USER_REWRITE_H
#define _ASM_USER_REWRITE_H

#include <linux/mm_types.h>
#include <asm/stub_abi.h>

struct guest_event;
struct pt_regs;

/* System calls of an address space before its sites are looked at. */
#define REWRITE_AFTER	128
/* mm_context_t.traps of one that is never looked at again */
#define REWRITE_NEVER	UINT_MAX

void __rewrite_seen(unsigned long ip, long nr);

/**
 * rewrite_seen() - a system call of current's was trapped
 * @ip:		behind its instruction
 * @nr:		its number
 *
 * Context: may sleep.
 */
static inline void rewrite_seen(unsigned long ip, long nr)
{
	unsigned int traps = READ_ONCE(current->mm->context.traps);

	if (likely(traps < REWRITE_AFTER))
		WRITE_ONCE(current->mm->context.traps, traps + 1);
	else if (traps != REWRITE_NEVER)
		__rewrite_seen(ip, nr);
}

void __rewrite_untangle(struct mm_struct *mm, struct pt_regs *regs, struct guest_event *ev);

/**
 * rewrite_untangle() - registers of a guest thread that was on its way
 * @mm:		its address space
 * @regs:	an instruction pointer in a trampoline becomes one in the program
 * @ev:		what happened there; becomes an interrupt
 *
 * Context: any.
 */
static inline void rewrite_untangle(struct mm_struct *mm, struct pt_regs *regs,
				    struct guest_event *ev)
{
	if (unlikely(regs->ip - STUB_TRAMPOLINES < STUB_TRAMPOLINES_SIZE && mm->context.rewrite))
		__rewrite_untangle(mm, regs, ev);
}

bool __rewrite_entered(struct pt_regs *regs, struct guest_event *ev);

/**
 * rewrite_entered() - whether an exception is a jump into a rewritten site
 * @regs:	current's registers; changed if so
 * @ev:		the exception; becomes what the original instruction would do
 *
 * Context: interrupts off.
 */
static inline bool rewrite_entered(struct pt_regs *regs, struct guest_event *ev)
{
	return unlikely(current->mm->context.rewrite) && __rewrite_entered(regs, ev);
}

void rewrite_off(struct mm_struct *mm);
void rewrite_avoid(unsigned long addr, unsigned long len);
unsigned long rewrite_pfn(struct mm_struct *mm, unsigned long addr, unsigned long pfn);
bool rewrite_unmapped(struct mm_struct *mm, unsigned long addr);
void rewrite_all_unmapped(struct mm_struct *mm);
void rewrite_committed(struct mm_struct *mm);
void rewrite_end(struct mm_struct *mm);

#endif /* _ASM_USER_REWRITE_H */
