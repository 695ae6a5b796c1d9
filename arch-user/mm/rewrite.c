// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rewritten system calls: a guest program's hot SYSCALL instructions become
 * jumps, which reach the kernel without the host being entered at all.
 *
 * Theory of operation
 *
 * The guest's page is never changed.  A page of code with a hot site is copied
 * to a shadow page, the site is overwritten there, and the stub maps the
 * shadow in the page's place.  What the guest kernel sees (page cache, ptrace,
 * core dumps, fork) is the original; only the program's own reads of its text
 * show the jumps.
 *
 * Two kinds of site are known, by what stands beside the SYSCALL:
 *
 *	mov $nr, %eax; syscall		7 bytes, from the MOV on
 *	syscall; cmp $-4095, %rax	8 bytes, from the SYSCALL on (or $-4096)
 *
 * Either becomes "jmp *slot", an indirect jump through an absolute address
 * below 2 GiB, 7 bytes long.  The slot lies in a trampoline page, which the
 * stub maps at STUB_TRAMPOLINES, and leads to a few instructions of the site's
 * own.  They load the trampoline's address into R11, which SYSCALL clobbers
 * anyway, and jump to stub_syscall in stub/guest.S.  That stores the registers
 * in the hand-off page, found by the GS base, and gives up the turn.
 *
 * A jump into the middle of a site must do what it did.  The one place in each
 * that a program can have a reason to jump to (a restarted system call, the
 * return from a signal handler) is the second of the original instructions,
 * and there the new bytes fault:
 *  - MOV, SYSCALL: the slot's address has 0x06 as its third byte, which is no
 *    instruction in 64-bit mode (#UD);
 *  - SYSCALL, CMP: the jump is written with 0xe5 as its third byte, an unusual
 *    form of the usual, which is "in $imm8, %eax" by itself (#GP).
 * rewrite_entered() carries out the original instruction then.
 *
 * Invariants:
 *  - a shadow belongs to a user address and the frame that was there.  It goes
 *    when the stub's mapping of that page goes (rewrite_unmapped()), which is
 *    before the frame can be used for something else;
 *  - a shadow or trampoline page is freed only after the stub is known to have
 *    it unmapped (rewrite_committed());
 *  - shadows are never changed once mapped: another site on the page takes a
 *    new copy;
 *  - the GS base of a guest thread is that of its hand-off page as long as the
 *    program has set none.  When it does, its address space is left alone from
 *    then on (rewrite_off()); so too when it is single-stepped, and when it
 *    maps something where the trampolines are.
 *
 * A page is left alone when somebody may be writing to its file.  Who writes
 * to the text of a running program later sees the old text go on for a while,
 * where hardware would mix both.
 *
 * Locks: everything in struct rewrite is under mm_context_t.lock, @hot apart.
 */
#include <linux/fs.h>
#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/moduleparam.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/unaligned.h>
#include <asm/host.h>
#include <asm/intercept.h>
#include <asm/rewrite.h>
#include <asm/tlbflush.h>
#include "walk.h"

/* Trapped so often, a site is rewritten; must be a power of two. */
#define HOT_COUNT	8
/* Sites are counted in sets by their hash, so many in each. */
#define HOT_BITS	5
#define HOT_WAYS	4

#define ENTRY_SIZE	64
#define PAGE_ENTRIES	(PAGE_SIZE / ENTRY_SIZE)
#define MAX_PAGES	(STUB_TRAMPOLINES_SIZE / PAGE_SIZE)

/* In an entry; the first of each page is the way to the stub. */
#define ENTRY_SLOT	0	/* where the site's jump goes to */
#define ENTRY_BEHIND	8	/* behind the site */
#define ENTRY_IP	STUB_TRAMPOLINE_IP
#define ENTRY_BACK	STUB_TRAMPOLINE_BACK
#define ENTRY_IN	32
#define ENTRY_OUT	50	/* SITE_CMP: on the way back */
#define OUT_CMP_SIZE	6

enum site_kind { SITE_FREE, SITE_MOV, SITE_CMP };

#define SYSCALL_SIZE	2
#define MOV_SIZE	5
#define CMP_SIZE	6

/**
 * struct rewrite_site - a rewritten site
 * @start:	its first byte
 * @imm:	the immediate of its MOV or CMP
 * @kind:	SITE_FREE when nothing jumps here any more
 */
struct rewrite_site {
	unsigned long start;
	u32 imm;
	enum site_kind kind;
};

/**
 * struct rewrite_page - a trampoline page and the sites that use it
 * @page:	its memory
 * @mapped:	the stub maps it
 * @site:	by entry; the first is not used
 */
struct rewrite_page {
	struct page *page;
	bool mapped;
	struct rewrite_site site[PAGE_ENTRIES];
};

/**
 * struct rewrite - an address space's rewritten system calls
 * @shadows:	shadow pages by page number; their private field is the frame
 *		that they stand for
 * @unmapped:	pages to be freed at the next commit
 * @pages:	trampoline pages
 * @hot:	how often system calls came from where; only a hint, no lock
 */
struct rewrite {
	struct xarray shadows;
	struct list_head unmapped;
	struct rewrite_page *pages[MAX_PAGES];
	struct rewrite_hot {
		unsigned long ip;
		unsigned int count;
	} hot[1 << HOT_BITS][HOT_WAYS];
};

static bool enabled __read_mostly = true;
core_param(rewrite, enabled, bool, 0444);

/* --- sites ---------------------------------------------------------------------- */

static unsigned long behind_site(const struct rewrite_site *site)
{
	return site->start + SYSCALL_SIZE + (site->kind == SITE_MOV ? MOV_SIZE : CMP_SIZE);
}

/* Where a jump into the middle may go to. */
static unsigned long second_insn(const struct rewrite_site *site)
{
	return site->start + (site->kind == SITE_MOV ? MOV_SIZE : SYSCALL_SIZE);
}

/*
 * What site the SYSCALL at an offset of a page is; false when it is none.  The
 * number tells a MOV from something that only looks like one.
 */
static bool recognise(const u8 *text, unsigned int at, long nr, struct rewrite_site *site)
{
	const u8 *insn = text + at;

	if (insn[0] != 0x0f || insn[1] != 0x05)
		return false;
	if (at > MOV_SIZE && insn[-5] == 0xb8 && get_unaligned((u32 *)(insn - 4)) == nr &&
	    (insn[-6] & 0xf0) != 0x40) {
		site->kind = SITE_MOV;
		site->imm = nr;
		return true;
	}
	if (at + SYSCALL_SIZE + CMP_SIZE <= PAGE_SIZE && insn[2] == 0x48 && insn[3] == 0x3d) {
		site->kind = SITE_CMP;
		site->imm = get_unaligned((u32 *)(insn + 4));
		return site->imm == (u32)-4095 || site->imm == (u32)-4096;
	}
	return false;
}

static u8 *put_bytes(u8 *to, const void *bytes, size_t n)
{
	memcpy(to, bytes, n);
	return to + n;
}

/* jmp *addr; the two forms are the same to the CPU. */
static u8 *put_jump(u8 *to, unsigned long addr, u8 form)
{
	const u8 op[] = { 0xff, 0x24, form };
	u32 disp = addr;

	to = put_bytes(to, op, sizeof(op));
	return put_bytes(to, &disp, sizeof(disp));
}

#define JUMP_USUAL	0x25
#define JUMP_FAULTS	0xe5

static unsigned long entry_addr(unsigned int page, unsigned int entry)
{
	return STUB_TRAMPOLINES + page * PAGE_SIZE + entry * ENTRY_SIZE;
}

static void put_u64(u8 *to, u64 val)
{
	memcpy(to, &val, sizeof(val));
}

/* Fill a site's entry; nothing jumps there yet. */
static void fill_entry(struct rewrite_page *rp, unsigned int page, unsigned int entry)
{
	const struct rewrite_site *site = &rp->site[entry];
	u8 *base = page_address(rp->page) + entry * ENTRY_SIZE, *p = base + ENTRY_IN;
	unsigned long addr = entry_addr(page, entry);
	u32 low = addr;

	put_u64(base + ENTRY_SLOT, addr + ENTRY_IN);
	put_u64(base + ENTRY_BEHIND, behind_site(site));
	if (site->kind == SITE_MOV) {
		put_u64(base + ENTRY_IP, behind_site(site));
		put_u64(base + ENTRY_BACK, behind_site(site));
		p = put_bytes(p, "\xb8", 1);			/* mov $nr, %eax */
		p = put_bytes(p, &site->imm, 4);
	} else {
		put_u64(base + ENTRY_IP, second_insn(site));
		put_u64(base + ENTRY_BACK, addr + ENTRY_OUT);
	}
	p = put_bytes(p, "\x41\xbb", 2);			/* mov $addr, %r11d */
	p = put_bytes(p, &low, sizeof(low));
	put_jump(p, entry_addr(page, 0), JUMP_USUAL);
	p = base + ENTRY_OUT;
	p = put_bytes(p, "\x48\x3d", 2);			/* cmp $, %rax */
	p = put_bytes(p, &site->imm, 4);
	put_jump(p, addr + ENTRY_BEHIND, JUMP_USUAL);
}

static void write_jump(u8 *text, const struct rewrite_site *site, unsigned long slot)
{
	u8 *p = text + offset_in_page(site->start);

	if (site->kind == SITE_MOV) {
		put_jump(p, slot, JUMP_USUAL);
	} else {
		p = put_jump(p, slot, JUMP_FAULTS);
		*p = 0x90;
	}
}

/* --- entries -------------------------------------------------------------------- */

/* The entry of a site: the one it had, or a free one. */
static struct rewrite_site *find_entry(struct rewrite *rw, const struct rewrite_site *want,
				       unsigned int *page, unsigned int *entry)
{
	struct rewrite_site *free = NULL;
	unsigned int i, j;

	for (i = 0; i < MAX_PAGES && rw->pages[i]; i++) {
		for (j = 1; j < PAGE_ENTRIES; j++) {
			struct rewrite_site *site = &rw->pages[i]->site[j];
			bool same = site->kind == want->kind && site->start == want->start &&
				    site->imm == want->imm;

			if (!same && (free || site->kind != SITE_FREE))
				continue;
			free = site;
			*page = i;
			*entry = j;
			if (same)
				return site;
		}
	}
	return free;
}

static struct rewrite_page *new_page(void)
{
	struct rewrite_page *rp = kzalloc(sizeof(*rp), GFP_KERNEL);

	if (!rp)
		return NULL;
	rp->page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!rp->page) {
		kfree(rp);
		return NULL;
	}
	put_u64(page_address(rp->page), host_stub_syscall());
	return rp;
}

static void free_trampoline(struct rewrite_page *rp)
{
	if (!rp)
		return;
	__free_page(rp->page);
	kfree(rp);
}

/*
 * Have the stub map a trampoline page.  The host may not let it, since the
 * address is low: then there will be no rewriting.
 */
static bool map_page(struct mm_struct *mm, struct rewrite_page *rp, unsigned int nr)
{
	struct stub *stub = mm->context.stub;
	int ret;

	if (rp->mapped)
		return true;
	spin_lock(&stub->lock);
	/* what faults have left is not ours to fail for; it is tried again */
	if (stub->deferred) {
		spin_unlock(&stub->lock);
		return false;
	}
	host_stub_map(stub->slot, entry_addr(nr, 0), page_to_phys(rp->page), PAGE_SIZE,
		      HOST_PROT_READ | HOST_PROT_EXEC, true);
	ret = host_stub_commit(stub->slot);
	spin_unlock(&stub->lock);
	if (ret)
		enabled = false;
	rp->mapped = !ret;
	return rp->mapped;
}

/* --- rewriting ------------------------------------------------------------------ */

/**
 * struct rewriting - one site's rewriting
 * @mm:		address space
 * @site:	what is to be rewritten
 * @insn:	the SYSCALL's address
 * @nr:		system call number seen there
 * @shadow:	a fresh page for the new shadow, then NULL
 * @trampoline:	a fresh trampoline page in case one is needed, then NULL
 * @old:	the shadow before
 */
struct rewriting {
	struct mm_struct *mm;
	struct rewrite_site site;
	unsigned long insn;
	long nr;
	struct page *shadow;
	struct rewrite_page *trampoline;
	struct page *old;
};

/* Text of a file that nobody has open for writing, mapped by the ordinary means. */
static bool may_rewrite(struct mm_struct *mm, unsigned long insn)
{
	struct vm_area_struct *vma = vma_lookup(mm, insn);
	struct vm_area_struct *low = find_vma(mm, STUB_TRAMPOLINES);

	return vma && vma->vm_file && (vma->vm_flags & VM_EXEC) &&
	       !(vma->vm_flags & (VM_WRITE | VM_SHARED | VM_HUGETLB | VM_PFNMAP)) &&
	       !inode_is_open_for_write(file_inode(vma->vm_file)) &&
	       mm->start_brk >= STUB_TRAMPOLINES + STUB_TRAMPOLINES_SIZE &&
	       (!low || low->vm_start >= STUB_TRAMPOLINES + STUB_TRAMPOLINES_SIZE);
}

/* The text's frame, if it can be mapped as text and nothing else; or 0. */
static unsigned long text_frame(struct mm_struct *mm, unsigned long addr)
{
	struct user_walk walk = { .mm = mm };
	unsigned long flags;
	pte_t pte;

	local_irq_save(flags);
	pte = walk_user(&walk, addr);
	local_irq_restore(flags);
	if (!pte_present(pte) || !pte_young(pte) || !pte_exec(pte) || pte_write(pte))
		return 0;
	return pte_pfn(pte);
}

static bool rewrite_locked(struct rewriting *r)
{
	struct rewrite *rw = r->mm->context.rewrite;
	unsigned long pfn = text_frame(r->mm, r->insn), index = r->insn >> PAGE_SHIFT;
	unsigned int page, entry;
	struct rewrite_site *site;

	if (!pfn)
		return false;
	r->old = xa_load(&rw->shadows, index);
	if (r->old && page_private(r->old) != pfn)
		return false;
	copy_page(page_address(r->shadow), r->old ? page_address(r->old) : pfn_to_kaddr(pfn));
	if (!recognise(page_address(r->shadow), offset_in_page(r->insn), r->nr, &r->site))
		return false;
	r->site.start = r->insn - (r->site.kind == SITE_MOV ? MOV_SIZE : 0);

	site = find_entry(rw, &r->site, &page, &entry);
	if (!site) {
		for (page = 0; page < MAX_PAGES && rw->pages[page]; page++)
			;
		if (page == MAX_PAGES || !r->trampoline)
			return false;
		rw->pages[page] = r->trampoline;
		r->trampoline = NULL;
		entry = 1;
		site = &rw->pages[page]->site[entry];
	}
	*site = r->site;
	fill_entry(rw->pages[page], page, entry);
	if (!map_page(r->mm, rw->pages[page], page))
		return false;
	write_jump(page_address(r->shadow), site, entry_addr(page, entry));
	set_page_private(r->shadow, pfn);
	if (xa_err(xa_store(&rw->shadows, index, r->shadow, GFP_ATOMIC | __GFP_NOWARN)))
		return false;
	r->shadow = NULL;
	return true;
}

static bool rewrite_site(struct mm_struct *mm, unsigned long insn, long nr)
{
	struct rewriting r = { .mm = mm, .insn = insn, .nr = nr };
	bool done = false;

	r.shadow = alloc_page(GFP_KERNEL);
	r.trampoline = new_page();
	if (r.shadow && mmap_read_lock_killable(mm) == 0) {
		if (may_rewrite(mm, insn)) {
			spin_lock(&mm->context.lock);
			done = rewrite_locked(&r);
			spin_unlock(&mm->context.lock);
		}
		mmap_read_unlock(mm);
	}
	if (r.shadow)
		__free_page(r.shadow);
	free_trampoline(r.trampoline);
	if (!done)
		return false;
	/* The stub has the old page mapped until this is done. */
	if (tlb_fill(mm, insn & PAGE_MASK, HOST_PROT_EXEC) || !tlb_commit(mm))
		tlb_drop(mm);
	if (r.old)
		__free_page(r.old);
	return true;
}

static struct rewrite *get_rewrite(struct mm_struct *mm)
{
	struct rewrite *rw = READ_ONCE(mm->context.rewrite);

	if (rw)
		return rw;
	rw = kzalloc(sizeof(*rw), GFP_KERNEL);
	if (!rw)
		return NULL;
	xa_init(&rw->shadows);
	INIT_LIST_HEAD(&rw->unmapped);
	if (cmpxchg(&mm->context.rewrite, NULL, rw))
		kfree(rw);
	return mm->context.rewrite;
}

/* What of a set a new site does not take the place of; one that was of no use yields. */
static unsigned int worth(const struct rewrite_hot *h)
{
	return h->count < HOT_COUNT ? h->count : 0;
}

static struct rewrite_hot *find_hot(struct rewrite *rw, unsigned long insn)
{
	struct rewrite_hot *set = rw->hot[hash_long(insn, HOT_BITS)], *least = set, *h;

	for (h = set; h < set + HOT_WAYS; h++) {
		if (READ_ONCE(h->ip) == insn)
			return h;
		if (worth(h) < worth(least))
			least = h;
	}
	WRITE_ONCE(least->ip, insn);
	WRITE_ONCE(least->count, 0);
	return least;
}

void __rewrite_seen(unsigned long ip, long nr)
{
	struct mm_struct *mm = current->mm;
	unsigned long insn = ip - SYSCALL_SIZE;
	struct rewrite *rw;
	struct rewrite_hot *hot;

	if (!enabled || !host_stub_syscall() || current->ptrace || current->thread.gsbase) {
		if (!current->ptrace)
			rewrite_off(mm);
		return;
	}
	rw = get_rewrite(mm);
	if (!rw || insn >= TASK_SIZE)
		return;
	hot = find_hot(rw, insn);
	hot->count++;
	/* what does not work may do so later; what does makes room */
	if (hot->count >= HOT_COUNT && is_power_of_2(hot->count) &&
	    rewrite_site(mm, insn, nr))
		WRITE_ONCE(hot->count, 0);
}

/* --- what the soft TLB tells ------------------------------------------------------ */

/**
 * rewrite_pfn() - what the stub is to map for a frame of read-only text
 * @mm:		address space
 * @addr:	page
 * @pfn:	the frame that the tables have there
 *
 * Context: under mm_context_t.lock.
 */
unsigned long rewrite_pfn(struct mm_struct *mm, unsigned long addr, unsigned long pfn)
{
	struct rewrite *rw = mm->context.rewrite;
	struct page *shadow;

	if (likely(!rw))
		return pfn;
	shadow = xa_load(&rw->shadows, addr >> PAGE_SHIFT);
	return shadow && page_private(shadow) == pfn ? page_to_pfn(shadow) : pfn;
}

/**
 * rewrite_unmapped() - a page of the stub is about to be unmapped
 * @mm:		address space
 * @addr:	page
 *
 * Context: under mm_context_t.lock, rewrite_committed() to follow.
 * Return: whether it was a shadow.
 */
bool rewrite_unmapped(struct mm_struct *mm, unsigned long addr)
{
	struct rewrite *rw = mm->context.rewrite;
	struct page *shadow;

	if (likely(!rw))
		return false;
	shadow = xa_erase(&rw->shadows, addr >> PAGE_SHIFT);
	if (!shadow)
		return false;
	list_add(&shadow->lru, &rw->unmapped);
	return true;
}

/**
 * rewrite_all_unmapped() - all of the stub is about to be unmapped
 * @mm:		address space
 *
 * Context: as above.
 */
void rewrite_all_unmapped(struct mm_struct *mm)
{
	struct rewrite *rw = mm->context.rewrite;
	struct page *shadow;
	unsigned long index;
	int i;

	if (likely(!rw))
		return;
	xa_for_each(&rw->shadows, index, shadow)
		list_add(&shadow->lru, &rw->unmapped);
	xa_destroy(&rw->shadows);
	for (i = 0; i < MAX_PAGES && rw->pages[i]; i++)
		rw->pages[i]->mapped = false;
}

/**
 * rewrite_committed() - what was to be unmapped is
 * @mm:		address space
 *
 * Context: under mm_context_t.lock.
 */
void rewrite_committed(struct mm_struct *mm)
{
	struct rewrite *rw = mm->context.rewrite;
	struct page *page, *next;

	if (likely(!rw))
		return;
	list_for_each_entry_safe(page, next, &rw->unmapped, lru) {
		list_del(&page->lru);
		__free_page(page);
	}
}

/**
 * rewrite_end() - an address space ends; its stub has nothing of it mapped
 * @mm:		address space
 */
void rewrite_end(struct mm_struct *mm)
{
	struct rewrite *rw = mm->context.rewrite;
	int i;

	if (!rw)
		return;
	rewrite_all_unmapped(mm);
	rewrite_committed(mm);
	for (i = 0; i < MAX_PAGES; i++)
		free_trampoline(rw->pages[i]);
	kfree(rw);
	mm->context.rewrite = NULL;
}

/**
 * rewrite_off() - undo all of an address space's rewriting, for good
 * @mm:		address space
 *
 * Context: any but hard interrupt; its threads may be running.
 */
void rewrite_off(struct mm_struct *mm)
{
	WRITE_ONCE(mm->context.traps, REWRITE_NEVER);
	if (mm->context.rewrite)
		tlb_drop(mm);
}

/**
 * rewrite_avoid() - something is being mapped by current
 * @addr:	where
 * @len:	bytes
 *
 * Context: mmap_lock held for writing.
 */
void rewrite_avoid(unsigned long addr, unsigned long len)
{
	if (unlikely(addr < STUB_TRAMPOLINES + STUB_TRAMPOLINES_SIZE &&
		     addr + len > STUB_TRAMPOLINES && current->mm))
		rewrite_off(current->mm);
}

/* --- a site that is not entered or left in the usual way -------------------------- */

static struct rewrite_site *site_of_entry(struct rewrite *rw, unsigned long ip)
{
	unsigned long off = ip - STUB_TRAMPOLINES;
	struct rewrite_page *rp = rw->pages[off >> PAGE_SHIFT];
	struct rewrite_site *site;

	if (!rp)
		return NULL;
	site = &rp->site[offset_in_page(off) / ENTRY_SIZE];
	return site->kind == SITE_FREE ? NULL : site;
}

/*
 * The thread was interrupted in a trampoline.  On the way in nothing has
 * happened yet but to registers that the system call clobbers or the site sets:
 * it begins anew.
 */
void __rewrite_untangle(struct mm_struct *mm, struct pt_regs *regs, struct guest_event *ev)
{
	struct rewrite_site *site = site_of_entry(mm->context.rewrite, regs->ip);
	unsigned int at = regs->ip % ENTRY_SIZE;

	if (!site)
		return;
	if (at < ENTRY_OUT)
		regs->ip = site->start;
	else if (at < ENTRY_OUT + OUT_CMP_SIZE)
		regs->ip = second_insn(site);
	else
		regs->ip = behind_site(site);
	if (ev->type != GUEST_EVENT_EXCEPTION)
		return;
	/*
	 * The page was dropped meanwhile; or a program steps itself, or has a
	 * GS base of its own.
	 */
	if (ev->vector == VECTOR_DB || ev->vector == VECTOR_UD)
		ev->vector = VECTOR_REWRITE;
	else
		ev->type = GUEST_EVENT_INTERRUPT;
}

/* The site whose second instruction is at @ip, on a page that is shadowed. */
static struct rewrite_site *site_by_second(struct rewrite *rw, unsigned long ip)
{
	unsigned int i, j;

	if (!xa_load(&rw->shadows, ip >> PAGE_SHIFT))
		return NULL;
	for (i = 0; i < MAX_PAGES && rw->pages[i]; i++) {
		for (j = 1; j < PAGE_ENTRIES; j++) {
			struct rewrite_site *site = &rw->pages[i]->site[j];

			if (site->kind != SITE_FREE && second_insn(site) == ip)
				return site;
		}
	}
	return NULL;
}

/* CMP, as it would have set the flags. */
static void compare(struct pt_regs *regs, u32 imm)
{
	unsigned long flags, status = X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF |
				      X86_EFLAGS_ZF | X86_EFLAGS_SF | X86_EFLAGS_OF;

	asm("cmpq %2, %1\n\tpushfq\n\tpopq %0"
	    : "=r" (flags) : "r" (regs->ax), "r" ((long)(s32)imm) : "cc");
	regs->flags = (regs->flags & ~status) | (flags & status);
}

bool __rewrite_entered(struct pt_regs *regs, struct guest_event *ev)
{
	struct mm_struct *mm = current->mm;
	struct rewrite_site *site;
	bool found = false;

	if (ev->vector != VECTOR_UD && ev->vector != VECTOR_GP)
		return false;
	spin_lock(&mm->context.lock);
	site = site_by_second(mm->context.rewrite, regs->ip);
	if (site && ev->vector == VECTOR_UD && site->kind == SITE_MOV) {
		regs->ip = behind_site(site);
		regs->cx = regs->ip;
		regs->r11 = regs->flags;
		*ev = (struct guest_event) {
			.type = GUEST_EVENT_SYSCALL, .nr = (int)regs->ax, .address = regs->ip,
		};
		found = true;
	} else if (site && ev->vector == VECTOR_GP && site->kind == SITE_CMP) {
		compare(regs, site->imm);
		regs->ip = behind_site(site);
		ev->type = GUEST_EVENT_INTERRUPT;
		found = true;
	}
	spin_unlock(&mm->context.lock);
	return found;
}
