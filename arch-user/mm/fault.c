// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page faults of guest code, and what the kernel's own mean.
 */
#include <linux/bitfield.h>
#include <linux/extable.h>
#include <linux/ksm.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/perf_event.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <linux/userfaultfd_k.h>
#include <asm/host.h>
#include <asm/intercept.h>
#include <asm/tlbflush.h>
#include "../kernel/traps.h"
#include "walk.h"

/* --- guest code ------------------------------------------------------------- */

static int access_of(unsigned long error)
{
	if (error & PF_ERR_INSTR)
		return HOST_PROT_EXEC;
	return error & PF_ERR_WRITE ? HOST_PROT_WRITE : HOST_PROT_READ;
}

static void bad_address(struct pt_regs *regs, unsigned long address, unsigned long error,
			int code)
{
	current->thread.cr2 = address;
	current->thread.trap_nr = VECTOR_PF;
	current->thread.error_code = error;
	force_sig_fault(SIGSEGV, code, (void __user *)address);
}

static void bad_page(struct pt_regs *regs, unsigned long address, unsigned long error,
		     vm_fault_t fault)
{
	if (fault & VM_FAULT_OOM) {
		pagefault_out_of_memory();
		return;
	}
	current->thread.cr2 = address;
	current->thread.trap_nr = VECTOR_PF;
	current->thread.error_code = error;
	if (fault & (VM_FAULT_HWPOISON | VM_FAULT_HWPOISON_LARGE))
		force_sig_mceerr(BUS_MCEERR_AR, (void __user *)address, PAGE_SHIFT);
	else if (fault & VM_FAULT_SIGSEGV)
		force_sig_fault(SIGSEGV, SEGV_MAPERR, (void __user *)address);
	else
		force_sig_fault(SIGBUS, BUS_ADRERR, (void __user *)address);
}

static bool vma_allows(const struct vm_area_struct *vma, unsigned long error)
{
	if (error & PF_ERR_INSTR)
		return vma->vm_flags & VM_EXEC;
	if (error & PF_ERR_WRITE)
		return vma->vm_flags & VM_WRITE;
	return vma_is_accessible((struct vm_area_struct *)vma);
}

/*
 * A fault costs more here than its page: a fault of its own for each of the
 * neighbours is what the following three save.
 */

#define AROUND_PAGES	256UL
#define COPY_PAGES	16UL

/* Pages of one mapping that the page cache has, from one address up to another. */
static void map_pages(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	struct vm_fault vmf = {
		.vma = vma,
		.address = start,
		.real_address = start,
		.pgoff = linear_page_index(vma, start),
		.pmd = pmd_off(vma->vm_mm, start),
	};

	/* a private mapping of /dev/zero has a file, and no operations */
	if (!vma->vm_ops || !vma->vm_ops->map_pages || uffd_disable_fault_around(vma))
		return;
	rcu_read_lock();
	vma->vm_ops->map_pages(&vmf, vmf.pgoff, linear_page_index(vma, end - PAGE_SIZE));
	rcu_read_unlock();
}

/*
 * Stock code maps 16 pages of a file around a fault.  What else the page cache
 * has around it is put into the tables, too, also of the mappings beside it: a
 * program's text, constants and data are one each.  Pages that have to be read are
 * left alone.  All is in one page table, which is there since the fault.
 */
static void map_around(struct mm_struct *mm, unsigned long address)
{
	unsigned long start = round_down(address, AROUND_PAGES * PAGE_SIZE);
	unsigned long end = start + AROUND_PAGES * PAGE_SIZE;
	struct vm_area_struct *vma;
	VMA_ITERATOR(vmi, mm, start);

	for_each_vma_range(vmi, vma, end)
		if (vma_is_accessible(vma))
			map_pages(vma, max(start, vma->vm_start), min(end, vma->vm_end));
}

/*
 * A private mapping of a file that lies behind one of the same file that can be
 * executed, with at most constants in between.
 */
static bool is_program_data(struct vm_area_struct *vma)
{
	unsigned long start = vma->vm_start;
	VMA_ITERATOR(vmi, vma->vm_mm, start);
	int i;

	for (i = 0; i < 4; i++) {
		struct vm_area_struct *prev = vma_prev(&vmi);

		if (!prev || prev->vm_end != start || prev->vm_file != vma->vm_file)
			return false;
		if (prev->vm_flags & VM_EXEC)
			return true;
		start = prev->vm_start;
	}
	return false;
}

static bool is_to_copy(struct vm_area_struct *vma, unsigned long address)
{
	struct user_walk walk = { .mm = vma->vm_mm };
	unsigned long flags;
	struct page *page;
	pte_t pte;

	local_irq_save(flags);
	pte = walk_user(&walk, address);
	local_irq_restore(flags);
	/* that it was written to would be seen by who looks for that */
	if (!pte_present(pte) || pte_write(pte) || is_zero_pfn(pte_pfn(pte)) ||
	    !(vma->vm_flags & VM_SOFTDIRTY || pte_soft_dirty(pte)))
		return false;
	page = pfn_to_page(pte_pfn(pte));
	return vma->vm_file || (PageAnon(page) && !PageKsm(page));
}

/*
 * A private page has been copied because it was written to.  The data of a program
 * is relocated and initialized from one end to the other: copy up to 16 pages of it.
 * In other mappings of files the pages not written to show what becomes of the file.
 * Of memory that fork() has shared copy what is behind the page, after its predecessor
 * has been copied, too, and twice as many each time.
 */
static void copy_around(struct vm_area_struct *vma, unsigned long address)
{
	mm_context_t *context = &vma->vm_mm->context;
	unsigned long faults = current->min_flt;
	unsigned long start, end;

	address &= PAGE_MASK;
	if (vma->vm_flags & (VM_SHARED | VM_HUGETLB) || userfaultfd_armed(vma))
		return;
	if (vma->vm_file) {
		map_around(vma->vm_mm, address);
		if (!is_program_data(vma))
			return;
		start = round_down(address, COPY_PAGES * PAGE_SIZE);
		end = start + COPY_PAGES * PAGE_SIZE;
	} else {
		unsigned int run = 0;

		if (READ_ONCE(context->copied_to) == address)
			run = min(2 * READ_ONCE(context->copied) + 1, COPY_PAGES - 1);
		start = address + PAGE_SIZE;
		end = start + run * PAGE_SIZE;
		WRITE_ONCE(context->copied, run);
		WRITE_ONCE(context->copied_to, end);
	}
	end = min(end, vma->vm_end);
	/* without a retry: the lock is held throughout */
	for (start = max(start, vma->vm_start); start < end; start += PAGE_SIZE)
		if (is_to_copy(vma, start) &&
		    handle_mm_fault(vma, start, FAULT_FLAG_WRITE, NULL) & VM_FAULT_ERROR)
			break;
	/* none that the program has had */
	current->min_flt = faults;
}

/* A fault that could not be handled: the signal's code, 0 for none. */
static struct user_fault failed(int code, vm_fault_t fault)
{
	return (struct user_fault) { .code = code, .fault = fault };
}

static struct user_fault fault_in(unsigned long address, unsigned long error,
				  struct pt_regs *regs)
{
	unsigned int flags = FAULT_FLAG_DEFAULT | (regs ? FAULT_FLAG_USER : 0);
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	vm_fault_t fault;

	if (error & PF_ERR_WRITE)
		flags |= FAULT_FLAG_WRITE;
	if (error & PF_ERR_INSTR)
		flags |= FAULT_FLAG_INSTRUCTION;
	do {
		vma = lock_mm_and_find_vma(mm, address, regs);
		if (!vma)
			return failed(SEGV_MAPERR, 0);
		if (!vma_allows(vma, error)) {
			mmap_read_unlock(mm);
			return failed(SEGV_ACCERR, 0);
		}
		fault = handle_mm_fault(vma, address, flags, regs);
		if ((fault & VM_FAULT_RETRY) && fatal_signal_pending(current))
			return failed(-1, 0);
		if (regs && fault_signal_pending(fault, regs))
			return failed(-1, 0);
		if (fault & VM_FAULT_COMPLETED)
			return failed(0, 0);
		flags |= FAULT_FLAG_TRIED;
	} while (fault & VM_FAULT_RETRY);
	if (regs && !(fault & VM_FAULT_ERROR)) {
		if (error & PF_ERR_WRITE)
			copy_around(vma, address);
		else if (vma->vm_file)
			map_around(mm, address);
	}
	mmap_read_unlock(mm);
	if (unlikely(fault & VM_FAULT_ERROR))
		return failed(-1, fault);
	return failed(0, 0);
}

/**
 * user_fault_in() - have stock code bring a page of current's mm in
 * @address:	user address
 * @error:	PF_ERR_*
 * @regs:	the guest's registers, or NULL when the kernel makes the access
 *
 * Context: may sleep.
 * Return: .code 0 when the tables have it now, or SEGV_MAPERR, SEGV_ACCERR, or
 * -1 with .fault telling why; .fault is 0 then when a signal is pending.
 */
struct user_fault user_fault_in(unsigned long address, unsigned long error,
				struct pt_regs *regs)
{
	struct guest_thread *gt = current->thread.guest;
	struct user_fault result;

	if (!regs || !gt)
		return fault_in(address, error, regs);
	/* Flushes need not be carried out before guest code runs again: see mm/tlb.c. */
	gt->in_fault = true;
	result = fault_in(address, error, regs);
	gt->in_fault = false;
	return result;
}

/* The same for the guest, with the signal it gets when it does not work. */
static bool bring_in(struct pt_regs *regs, unsigned long address, unsigned long error)
{
	struct user_fault result;

	perf_sw_event(PERF_COUNT_SW_PAGE_FAULTS, 1, regs, address);
	result = user_fault_in(address, error, regs);
	if (!result.code)
		return true;
	if (result.code > 0)
		bad_address(regs, address, error, result.code);
	else if (result.fault)
		bad_page(regs, address, error, result.fault);
	return false;
}

void user_page_fault(struct pt_regs *regs, unsigned long address, unsigned long error)
{
	int access = access_of(error), ret;

	error |= PF_ERR_USER;
	address = untagged_addr(address);
	if (unlikely(address >= TASK_SIZE)) {
		if (!user_vsyscall(regs, address))
			bad_address(regs, address, error, SEGV_MAPERR);
		return;
	}
	/* Often the tables have the page and only the stub does not. */
	do {
		ret = tlb_fill(current->mm, address & PAGE_MASK, access);
		if (ret != -EAGAIN)
			break;
		if (!bring_in(regs, address, error))
			return;
		ret = tlb_fill(current->mm, address & PAGE_MASK, access);
	} while (ret == -EAGAIN && !signal_pending(current));
	if (ret == -ENOMEM)
		pagefault_out_of_memory();
	else if (ret && ret != -EAGAIN)
		force_fatal_sig(SIGKILL);
}

/* Whether bringing in a page to write to is nobody's affair but the guest's. */
static bool is_plain(struct mm_struct *mm, unsigned long address)
{
	struct vm_area_struct *vma;
	bool plain;

	mmap_read_lock(mm);
	vma = vma_lookup(mm, address);
	plain = vma && !(vma->vm_flags & VM_SHARED) && !vma->vm_file && !userfaultfd_armed(vma);
	mmap_read_unlock(mm);
	return plain;
}

/* What comes of it is seen when guest code gets there. */
static void prefault(struct pt_regs *regs, unsigned long address, unsigned long error)
{
	struct mm_struct *mm = current->mm;
	int access = access_of(error);

	address &= PAGE_MASK;
	if (address >= TASK_SIZE || tlb_maps(mm, address, access) ||
	    tlb_fill(mm, address, access) != -EAGAIN)
		return;
	if (error & PF_ERR_WRITE && !is_plain(mm, address))
		return;
	if (!user_fault_in(address, error | PF_ERR_USER, regs).code)
		tlb_fill(mm, address, access);
}

/* What lies this far below the stack pointer will be written to soon. */
#define STACK_BELOW	256

/**
 * user_prefault_stack() - bring in the stack that guest code is about to write to
 * @regs:	current's registers
 *
 * Context: may sleep.
 */
void user_prefault_stack(struct pt_regs *regs)
{
	unsigned long top = regs->sp - 1, low = regs->sp - STACK_BELOW;

	prefault(regs, top, PF_ERR_WRITE);
	if (top >> PAGE_SHIFT != low >> PAGE_SHIFT)
		prefault(regs, low, PF_ERR_WRITE);
}

/**
 * user_prefault() - bring in what a new task, or one after exec, needs at once
 * @regs:	current's registers
 *
 * Each would be a fault, and a request to the mapper of its own.
 *
 * Context: may sleep.
 */
void user_prefault(struct pt_regs *regs)
{
	prefault(regs, regs->ip, PF_ERR_INSTR);
	user_prefault_stack(regs);
	/* the C library reads its headers first of all */
	if (!(current->flags & PF_FORKNOEXEC))
		prefault(regs, (unsigned long)current->mm->context.vdso, 0);
}

/* --- the kernel's own -------------------------------------------------------- */

static unsigned long *reg_of(struct pt_regs *regs, int n)
{
	static const u8 order[] = {
		offsetof(struct pt_regs, ax), offsetof(struct pt_regs, cx),
		offsetof(struct pt_regs, dx), offsetof(struct pt_regs, bx),
		offsetof(struct pt_regs, sp), offsetof(struct pt_regs, bp),
		offsetof(struct pt_regs, si), offsetof(struct pt_regs, di),
		offsetof(struct pt_regs, r8), offsetof(struct pt_regs, r9),
		offsetof(struct pt_regs, r10), offsetof(struct pt_regs, r11),
		offsetof(struct pt_regs, r12), offsetof(struct pt_regs, r13),
		offsetof(struct pt_regs, r14), offsetof(struct pt_regs, r15),
	};

	return (void *)regs + order[n & 15];
}

/**
 * fixup_exception() - go on where the exception table says
 * @regs:	where the fault was; changed when there is an entry
 *
 * Return: whether there is one.
 */
bool fixup_exception(struct pt_regs *regs)
{
	const struct exception_table_entry *e = search_exception_tables(regs->ip);
	int type, reg;

	if (!e)
		return false;
	type = FIELD_GET(EX_DATA_TYPE_MASK, e->data);
	reg = FIELD_GET(EX_DATA_REG_MASK, e->data);
	switch (type) {
	case EX_TYPE_DEFAULT:
	case EX_TYPE_FAULT:
	case EX_TYPE_UACCESS:
		break;
	case EX_TYPE_IMM_REG:
		*reg_of(regs, reg) = (long)FIELD_GET(EX_DATA_IMM_MASK, e->data);
		break;
	default:
		return false;
	}
	regs->ip = (unsigned long)&e->fixup + e->fixup;
	return true;
}
