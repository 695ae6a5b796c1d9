// SPDX-License-Identifier: GPL-2.0-only
/*
 * The soft TLB: what a stub maps is a cache of the guest's page tables.
 *
 * Theory of operation
 *
 * For each 2 MiB of address space in use there is a chunk that remembers, for
 * every page, which frame the stub maps there and how.  tlb_fill() maps what
 * the tables say; a flush compares what is remembered with the tables and
 * unmaps or write-protects what no longer agrees.
 *
 * Invariants, all under mm_context_t.lock:
 *  - a page is mapped in the stub, or is to be by its batch, only if its chunk
 *    says so;
 *  - a PTE is read and its mapping put into the batch without the lock being
 *    dropped in between.  Whoever changes a PTE flushes afterwards, and so finds the
 *    mapping if the fault was first, or the fault finds the change;
 *  - a batch is carried out in order;
 *  - a flush returns only when the stub has unmapped, or when it does so before
 *    anything in it runs: then the page may be reused;
 *  - a page is mapped only while its PTE is young, writable only while dirty:
 *    clearing either bit takes a flush to be noticed, which generic code does.
 *
 * The cache is bounded by the host's limit on mappings: at the bound it is
 * emptied with one call and filled again by faults.
 *
 * Requests to the mapper are what costs, so they are few.  A fault maps what the
 * tables have around it, also as far as the page cache allows (mm/fault.c), and
 * that is carried out on the way back to guest code, with what else has come up:
 * the mapper itself has the guest thread go on (tlb_commit_and_run()).  And
 * a flush need not be carried out before guest code runs again: it waits in the
 * batch for the next request, or for guest_run(), if the stub's only thread is
 * current's and
 *  - is asleep, which the host tells.  Then a freed page may be mapped in a stub,
 *    in which nobody can look;
 *  - or says that it is parked, and polls.  It may be lying: so no page that it could
 *    still see is freed.  Each is held with a reference until the batch has been
 *    carried out.  That is for the few pages of a fault or of an munmap().  Who moves
 *    or reclaims pages counts their references, and gets its flush at once.
 *
 * Flushing also waits for copies to or from user memory on other vCPUs, which
 * read the tables without a lock: see mm/uaccess.c.
 */
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/xarray.h>
#include <asm/host.h>
#include <asm/intercept.h>
#include <asm/rewrite.h>
#include <asm/tlb.h>
#include <asm/unsafe.h>
#include "walk.h"

/* A page of a chunk: frame number and HOST_PROT_*, 0 when not mapped. */
typedef u32 tlb_page_t;

#define TLB_PROT_BITS	3
#define TLB_PROT_MASK	7U

/**
 * struct tlb_chunk - what a stub maps of 2 MiB
 * @nr_mapped:	pages that it does
 * @filled:	a bit for each FILL_FIRST pages in which there has been a fault
 * @page:	what it maps
 */
struct tlb_chunk {
	unsigned int nr_mapped;
	unsigned int filled;
	tlb_page_t page[PTRS_PER_PTE];
};

/* Pages looked at around a fault, and of those in which order. */
#define FILL_WINDOW	256
#define FILL_FIRST	16
/* Ranges that are mapped beyond the first ones: each costs the host a mapping. */
#define FILL_RANGES	8
/* Room in a batch that is left, for those who do not look. */
#define BATCH_SPARE	8

static tlb_page_t tlb_page(unsigned long pfn, int prot)
{
	return pfn << TLB_PROT_BITS | prot;
}

/* What the stub should map for a PTE: 0 when nothing. */
static tlb_page_t tlb_wanted(pte_t pte)
{
	int prot = HOST_PROT_READ;

	if ((pte_val(pte) & (_PAGE_PRESENT | _PAGE_USER | _PAGE_ACCESSED)) !=
	    (_PAGE_PRESENT | _PAGE_USER | _PAGE_ACCESSED))
		return 0;
	if (pte_write(pte) && pte_dirty(pte))
		prot |= HOST_PROT_WRITE;
	if (pte_exec(pte))
		prot |= HOST_PROT_EXEC;
	return tlb_page(pte_pfn(pte), prot);
}

/* --- batches ------------------------------------------------------------------ */

static int commit(struct stub *stub)
{
	stub->deferred = stub->refused;
	return host_stub_commit(stub->slot);
}

/**
 * tlb_release_held() - let go of pages that had to outlive their mappings
 * @stub:	nothing of it runs, or it maps none of them any more
 *
 * Context: any but hard interrupt; under @stub->lock, or nobody else knows it.
 */
void tlb_release_held(struct stub *stub)
{
	while (stub->nr_held)
		put_page(stub->held[--stub->nr_held]);
}

/* The pages of a batch that was refused stay until all has been dropped. */
static int commit_held(struct stub *stub)
{
	int ret = commit(stub);

	if ((!ret && !stub->refused) || ret == -ESRCH)
		tlb_release_held(stub);
	return ret;
}

/* Under @stub->lock, before anything is added to its batch. */
static void settle(struct stub *stub)
{
	if (!stub->unsettled)
		return;
	stub->unsettled = false;
	if (!host_stub_settle(stub->slot)) {
		stub->failures = 0;
		tlb_release_held(stub);
		return;
	}
	/* its guest thread has not run, and does not before commit_all() */
	stub->refused = true;
	stub->deferred = true;
}

/* Whether a stub's only thread is current's, and says that it is parked. */
static bool stub_is_parked(const struct stub *stub)
{
	const struct guest_thread *gt = current->thread.guest;

	return stub->nr_threads == 1 && gt && gt->stub == stub && !gt->ops && !gt->running;
}

/*
 * Nothing runs in a stub whose only thread is parked and asleep: no word of its
 * own is believed for that.
 */
static bool stub_is_still(const struct stub *stub)
{
	return stub_is_parked(stub) &&
	       (guest_unsafe(UNSAFE_STILL) || host_guest_still(current->thread.guest->area));
}

/* @safe: what is to be unmapped is held, or there is no such thing. */
static int commit_later(struct stub *stub, bool safe)
{
	if (host_stub_room(stub->slot) < BATCH_SPARE)
		return commit_held(stub);
	if (!safe || !stub_is_parked(stub)) {
		if (!stub_is_still(stub))
			return commit_held(stub);
		tlb_release_held(stub);
	}
	stub->deferred = true;
	return 0;
}

/*
 * Adjacent pages that need the same operation; carried out when it ends.
 * @hold: pages to unmap are to be held, while there is room; @bare: some are not.
 */
struct tlb_run {
	struct mm_struct *mm;
	struct stub *stub;
	unsigned long fault;
	unsigned long start;
	unsigned long end;
	tlb_page_t first;
	enum { RUN_MAP, RUN_UNMAP, RUN_PROTECT } op;
	unsigned int count;
	bool hold;
	bool bare;
	int error;
};

static void run_commit(struct tlb_run *run)
{
	int ret = commit(run->stub);

	if (ret && !run->error)
		run->error = ret;
}

/*
 * Whether the host is to fill its page tables at once.  What is mapped on the off
 * chance is not worth it: the host's own fault is cheap, and brings 16 pages where
 * they are read only.
 */
static bool run_populates(const struct tlb_run *run, size_t size, int prot)
{
	return run->fault - run->start < size &&
	       (prot & HOST_PROT_WRITE || size <= FILL_FIRST * PAGE_SIZE);
}

static void run_emit(struct tlb_run *run)
{
	u32 slot = run->stub->slot;
	size_t size = run->end - run->start;
	int prot = run->first & TLB_PROT_MASK;

	if (!size)
		return;
	if (!host_stub_room(slot))
		run_commit(run);
	switch (run->op) {
	case RUN_MAP:
		host_stub_map(slot, run->start, (u64)(run->first >> TLB_PROT_BITS) << PAGE_SHIFT,
			      size, prot, run_populates(run, size, prot));
		run->mm->context.nr_maps += 2;
		break;
	case RUN_UNMAP:
		host_stub_unmap(slot, run->start, size);
		run->mm->context.nr_maps++;
		break;
	case RUN_PROTECT:
		host_stub_protect(slot, run->start, size, prot);
		run->mm->context.nr_maps += 2;
		break;
	}
	run->start = run->end;
	run->count++;
}

/* Left for guest_run(), which commits before the guest thread goes on. */
static void run_finish(struct tlb_run *run)
{
	int ret;

	run_emit(run);
	if (!guest_ops && host_stub_room(run->stub->slot) >= BATCH_SPARE) {
		run->stub->deferred = true;
		return;
	}
	ret = commit_held(run->stub);
	if (ret && !run->error)
		run->error = ret;
}

/* Whether a page continues the run: same operation, protection, next frame. */
static bool run_continues(const struct tlb_run *run, int op, unsigned long addr, tlb_page_t page)
{
	unsigned long n = (addr - run->start) >> PAGE_SHIFT;

	if (run->start == run->end || run->op != op || run->end != addr)
		return false;
	switch (op) {
	case RUN_MAP:
		return page == run->first + (n << TLB_PROT_BITS);
	case RUN_PROTECT:
		return (page & TLB_PROT_MASK) == (run->first & TLB_PROT_MASK);
	default:
		return true;
	}
}

static void run_add(struct tlb_run *run, int op, unsigned long addr, tlb_page_t page)
{
	if (!run_continues(run, op, addr, page)) {
		run_emit(run);
		run->op = op;
		run->start = addr;
		run->first = page;
	}
	run->end = addr + PAGE_SIZE;
}

/*
 * Whether a page may outlive its mapping.  Not one that has a shadow, since that would
 * have to be held.  And not one of a file that could be written to: when the mapping is
 * gone others may rely on that.
 */
static bool may_outlive(tlb_page_t page, bool shadow)
{
	unsigned long pfn = page >> TLB_PROT_BITS;

	return !shadow && pfn_valid(pfn) &&
	       (!(page & HOST_PROT_WRITE) || PageAnon(compound_head(pfn_to_page(pfn))));
}

/* It has not been freed: who does so flushes first. */
static void run_hold(struct tlb_run *run, tlb_page_t mapped, bool shadow)
{
	struct page *page = pfn_to_page(mapped >> TLB_PROT_BITS);
	struct stub *stub = run->stub;

	if (!run->hold || stub->nr_held == STUB_MAX_HELD || !may_outlive(mapped, shadow))
		run->bare = true;
	else if (guest_unsafe(UNSAFE_HOLD))
		return;
	else if (get_page_unless_zero(compound_head(page)))
		stub->held[stub->nr_held++] = page;
	else
		run->bare = true;
}

/* --- emptying ------------------------------------------------------------------- */

static void forget_chunks(struct mm_struct *mm)
{
	struct tlb_chunk *chunk;
	unsigned long index;

	xa_for_each(mm->context.chunks, index, chunk)
		kfree(chunk);
	xa_destroy(mm->context.chunks);
	mm->context.nr_maps = 0;
}

/**
 * tlb_forget() - drop what is remembered of an address space
 * @mm:		one that nobody uses any more
 */
void tlb_forget(struct mm_struct *mm)
{
	if (!mm->context.chunks)
		return;
	forget_chunks(mm);
	kfree(mm->context.chunks);
	mm->context.chunks = NULL;
}

static int drop_all(struct mm_struct *mm, struct stub *stub)
{
	int ret;

	host_stub_unmap(stub->slot, 0, TASK_SIZE);
	forget_chunks(mm);
	rewrite_all_unmapped(mm);
	stub->refused = false;
	ret = commit_later(stub, false);
	/* guest code does not run before it has worked */
	if (ret)
		stub->refused = stub->deferred = true;
	rewrite_committed(mm);
	return ret;
}

/**
 * tlb_drop() - have a stub map nothing
 * @mm:		address space
 *
 * Context: any but hard interrupt.
 */
void tlb_drop(struct mm_struct *mm)
{
	struct stub *stub;

	spin_lock(&mm->context.lock);
	stub = mm->context.stub;
	if (stub) {
		spin_lock(&stub->lock);
		drop_all(mm, stub);
		spin_unlock(&stub->lock);
	}
	spin_unlock(&mm->context.lock);
}

static bool too_many_maps(struct mm_struct *mm)
{
	return mm->context.nr_maps > host_boot_info()->max_maps / 2;
}

/* --- filling --------------------------------------------------------------------- */

static struct tlb_chunk *get_chunk(struct mm_struct *mm, unsigned long addr)
{
	struct tlb_chunk *chunk = xa_load(mm->context.chunks, addr >> PMD_SHIFT);

	if (chunk)
		return chunk;
	chunk = kzalloc(sizeof(*chunk), GFP_ATOMIC | __GFP_NOWARN);
	if (!chunk)
		return NULL;
	if (xa_err(xa_store(mm->context.chunks, addr >> PMD_SHIFT, chunk,
			    GFP_ATOMIC | __GFP_NOWARN))) {
		kfree(chunk);
		return NULL;
	}
	return chunk;
}

/* The page to map for one that is wanted: text may have a shadow. */
static tlb_page_t tlb_mapped(struct mm_struct *mm, unsigned long addr, tlb_page_t want)
{
	int prot = want & TLB_PROT_MASK;

	if (prot != (HOST_PROT_READ | HOST_PROT_EXEC))
		return want;
	return tlb_page(rewrite_pfn(mm, addr, want >> TLB_PROT_BITS), prot);
}

/* Map what the tables hold from @start up to @end, within one chunk. */
static void fill_range(struct tlb_run *run, struct tlb_chunk *chunk, unsigned long start,
		       unsigned long end, unsigned int max, bool first)
{
	struct user_walk walk = { .mm = run->mm };
	unsigned long addr;

	for (addr = start; addr < end && run->count < max; addr += PAGE_SIZE) {
		tlb_page_t *have = &chunk->page[pte_index(addr)];
		tlb_page_t want = tlb_wanted(first ? walk_user_young(&walk, addr) :
						     walk_user(&walk, addr));

		if (!want || want == *have)
			continue;
		if (!*have)
			chunk->nr_mapped++;
		*have = want;
		run_add(run, RUN_MAP, addr, tlb_mapped(run->mm, addr, want));
	}
}

static bool allows(pte_t pte, int access)
{
	tlb_page_t want = tlb_wanted(pte);

	return want && !(access & ~(want & TLB_PROT_MASK));
}

/*
 * What is near first; what is farther away as long as it takes few mappings.
 *
 * fork() makes a child's pages old, which says nothing: at the first fault near
 * them, or in their window, they are taken to be in use.
 */
static void fill_around(struct tlb_run *run, struct tlb_chunk *chunk, unsigned long addr)
{
	unsigned long start = round_down(addr, FILL_WINDOW * PAGE_SIZE);
	unsigned long end = start + FILL_WINDOW * PAGE_SIZE;
	unsigned long near = round_down(addr, FILL_FIRST * PAGE_SIZE);
	unsigned long near_end = near + FILL_FIRST * PAGE_SIZE;
	unsigned int block = BIT(pte_index(addr) / FILL_FIRST);
	unsigned int window = GENMASK(pte_index(end - PAGE_SIZE) / FILL_FIRST,
				      pte_index(start) / FILL_FIRST);
	bool first = !(chunk->filled & window);

	fill_range(run, chunk, near, near_end, UINT_MAX, !(chunk->filled & block));
	chunk->filled |= block;
	fill_range(run, chunk, near_end, end, run->count + FILL_RANGES, first);
	fill_range(run, chunk, start, near, run->count + FILL_RANGES, first);
}

/* Under the lock: if the tables allow the access, map around it. */
static int fill_locked(struct mm_struct *mm, struct stub *stub, unsigned long addr, int access)
{
	struct tlb_run run = { .mm = mm, .stub = stub, .fault = addr };
	struct user_walk walk = { .mm = mm };
	struct tlb_chunk *chunk;
	unsigned long flags;
	int ret = -EAGAIN;

	if (too_many_maps(mm))
		drop_all(mm, stub);
	chunk = get_chunk(mm, addr);
	if (!chunk)
		return -ENOMEM;
	/* Interrupts off: tables that are being freed stay until on again. */
	local_irq_save(flags);
	if (allows(walk_user(&walk, addr), access)) {
		/* what was asked for is mapped again even if we believe it is */
		if (chunk->page[pte_index(addr)]) {
			chunk->page[pte_index(addr)] = 0;
			chunk->nr_mapped--;
		}
		fill_around(&run, chunk, addr);
		ret = 0;
	}
	local_irq_restore(flags);
	if (ret)
		return ret;
	run_finish(&run);
	return run.error;
}

int tlb_fill(struct mm_struct *mm, unsigned long addr, int access)
{
	struct stub *stub = mm->context.stub;
	int ret;

	spin_lock(&mm->context.lock);
	spin_lock(&stub->lock);
	ret = fill_locked(mm, stub, addr, access);
	if (ret && ret != -EAGAIN && ret != -ESRCH) {
		/* The host has no more mappings, or we no more memory: start over. */
		drop_all(mm, stub);
		ret = fill_locked(mm, stub, addr, access);
	}
	spin_unlock(&stub->lock);
	spin_unlock(&mm->context.lock);
	return ret;
}

bool tlb_maps(struct mm_struct *mm, unsigned long addr, int access)
{
	struct tlb_chunk *chunk;
	bool ret;

	spin_lock(&mm->context.lock);
	chunk = xa_load(mm->context.chunks, addr >> PMD_SHIFT);
	ret = chunk && chunk->page[pte_index(addr)] & access;
	spin_unlock(&mm->context.lock);
	return ret;
}

/* --- flushing --------------------------------------------------------------------- */

/* Have the stub agree with the tables again, within one chunk. */
static void flush_chunk(struct tlb_run *run, struct tlb_chunk *chunk, unsigned long start,
			unsigned long end)
{
	struct user_walk walk = { .mm = run->mm };
	unsigned long addr;

	for (addr = start; addr < end && chunk->nr_mapped; addr += PAGE_SIZE) {
		tlb_page_t *have = &chunk->page[pte_index(addr)];
		tlb_page_t want;
		bool shadow;

		if (!*have)
			continue;
		want = tlb_wanted(walk_user(&walk, addr));
		if (want == *have)
			continue;
		shadow = rewrite_unmapped(run->mm, addr);
		if (!shadow &&
		    (want >> TLB_PROT_BITS) == (*have >> TLB_PROT_BITS) && want) {
			/* no more than before: a fault adds what is missing */
			want = tlb_page(want >> TLB_PROT_BITS, want & *have & TLB_PROT_MASK);
			if (want == *have)
				continue;
			if (!may_outlive(*have, false))
				run->bare = true;
			*have = want;
			run_add(run, RUN_PROTECT, addr, want);
			continue;
		}
		run_hold(run, *have, shadow);
		*have = 0;
		chunk->nr_mapped--;
		run_add(run, RUN_UNMAP, addr, 0);
	}
}

static void flush_locked(struct mm_struct *mm, struct stub *stub, unsigned long start,
			 unsigned long end, bool hold)
{
	struct tlb_run run = { .mm = mm, .stub = stub, .hold = hold };
	struct tlb_chunk *chunk;
	unsigned long index, flags;

	settle(stub);
	/* of one that has ended nothing is needed any more */
	if (too_many_maps(mm) || !atomic_read(&mm->mm_users)) {
		drop_all(mm, stub);
		return;
	}
	local_irq_save(flags);
	xa_for_each_range(mm->context.chunks, index, chunk, start >> PMD_SHIFT,
			  (end - 1) >> PMD_SHIFT) {
		unsigned long base = index << PMD_SHIFT;

		if (chunk->nr_mapped)
			flush_chunk(&run, chunk, max(start, base), min(end, base + PMD_SIZE));
	}
	local_irq_restore(flags);
	run_emit(&run);
	/* what a mapping was to replace may still be there */
	if (run.error || (host_stub_queued(stub->slot) && commit_later(stub, !run.bare)))
		drop_all(mm, stub);
	rewrite_committed(mm);
}

/* References are counted, and expected to be right, by who reclaims. */
static bool may_hold(void)
{
	return !(current->flags & PF_MEMALLOC);
}

static void flush_range(struct mm_struct *mm, unsigned long start, unsigned long end, bool hold)
{
	struct stub *stub;

	if (start >= end)
		return;
	uaccess_sync(mm);
	spin_lock(&mm->context.lock);
	stub = mm->context.stub;
	if (stub && !xa_empty(mm->context.chunks)) {
		spin_lock(&stub->lock);
		flush_locked(mm, stub, start, end, hold && may_hold());
		spin_unlock(&stub->lock);
	}
	spin_unlock(&mm->context.lock);
}

/**
 * tlb_flush_range() - make changes of page tables seen
 * @mm:		address space
 * @start:	first address, page aligned
 * @end:	first after it
 *
 * Context: any but hard interrupt; may hold page table locks.
 */
void tlb_flush_range(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	const struct guest_thread *gt = current->thread.guest;

	flush_range(mm, start, end, gt && gt->in_fault);
}

void tlb_flush_unmapped(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	flush_range(mm, start, end, true);
}

/* A host that refuses so many batches in a row will not do otherwise. */
#define MAX_FAILURES	8

#define NO_AREA		(-1)

/* Gives the turn to the guest thread of an area, if there is one. */
static int commit_and_run(struct stub *stub, int area)
{
	int ret;

	stub->deferred = false;
	if (area == NO_AREA)
		return host_stub_commit(stub->slot);
	ret = host_stub_run(stub->slot, area);
	if (ret <= 0)
		return ret;
	stub->unsettled = true;
	return 0;
}

static bool commit_all(struct mm_struct *mm, int area)
{
	struct stub *stub = mm->context.stub;
	int ret;

	spin_lock(&mm->context.lock);
	spin_lock(&stub->lock);
	settle(stub);
	ret = stub->refused ? -ENOMEM : commit_and_run(stub, area);
	stub->refused = false;
	if (!ret && !stub->unsettled) {
		stub->failures = 0;
		tlb_release_held(stub);
	} else if (ret && ret != -ESRCH && ++stub->failures < MAX_FAILURES) {
		/* the host has no more mappings: start over */
		ret = drop_all(mm, stub);
		if (!ret)
			ret = commit_and_run(stub, area);
	}
	spin_unlock(&stub->lock);
	spin_unlock(&mm->context.lock);
	return !ret;
}

/**
 * tlb_commit() - carry out what faults and flushes have left for later
 * @mm:		address space
 *
 * Context: any but hard interrupt.
 * Return: whether the stub is of use.
 */
bool tlb_commit(struct mm_struct *mm)
{
	return commit_all(mm, NO_AREA);
}

/**
 * tlb_settle() - see to what has been carried out
 * @stub:	one whose guest thread has been running
 *
 * Context: any but hard interrupt.
 */
void tlb_settle(struct stub *stub)
{
	spin_lock(&stub->lock);
	settle(stub);
	spin_unlock(&stub->lock);
}

/**
 * tlb_commit_and_run() - the same, and give the turn to a guest thread
 * @mm:		address space
 * @area:	of current's guest thread, which is parked
 *
 * Context: interrupts off.
 * Return: whether the stub is of use.
 */
bool tlb_commit_and_run(struct mm_struct *mm, u32 area)
{
	return commit_all(mm, area);
}

void flush_tlb_mm(struct mm_struct *mm)
{
	tlb_flush_range(mm, 0, TASK_SIZE);
}

void flush_tlb_all(void)
{
	flush_tlb_kernel_range(VMALLOC_START, VMALLOC_END);
}
