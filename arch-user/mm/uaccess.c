// SPDX-License-Identifier: GPL-2.0-only
/*
 * User memory, as the kernel reaches it: through the page tables and the
 * direct map.
 *
 * Theory of operation
 *
 * A copy goes page by page.  With interrupts off, the PTE is looked up without
 * a lock; if it allows the access (young, and for a write dirty: nothing here
 * sets those bits), the bytes are copied through the direct map; if not, the
 * fault is handled as the guest's would be, and the lookup done again.
 *
 * Between lookup and copy another vCPU may take the page away.  Each vCPU has
 * a counter that is odd while it copies.  A flush, after the PTE has been
 * changed, waits until every vCPU that uses the address space has been seen
 * even, or at another value, once (uaccess_sync()).  The store of the odd
 * value must be visible before the PTE is read: a locked instruction.
 */
#include <linux/mutex.h>
#include <linux/futex.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/uaccess.h>
#include <asm/futex.h>
#include <asm/intercept.h>
#include "walk.h"

static DEFINE_PER_CPU_ALIGNED(unsigned int, uaccess_seq);

/**
 * uaccess_sync() - wait for copies that may use an old PTE
 * @mm:		address space
 *
 * Context: any; page tables have been changed before.
 */
void uaccess_sync(struct mm_struct *mm)
{
	unsigned int cpu, self = raw_smp_processor_id();

	if (num_online_cpus() == 1)
		return;
	smp_mb();
	for_each_cpu(cpu, mm_cpumask(mm)) {
		unsigned int *seq = per_cpu_ptr(&uaccess_seq, cpu);
		unsigned int was = smp_load_acquire(seq);

		if (cpu == self || !(was & 1))
			continue;
		while (smp_load_acquire(seq) == was)
			cpu_relax();
	}
}

/* Interrupts are off from begin to end. */
static __always_inline unsigned long access_begin(void)
{
	unsigned long flags;

	local_irq_save(flags);
	asm volatile("lock; incl %%gs:%0" : "+m" (uaccess_seq) : : "memory");
	return flags;
}

static __always_inline void access_end(unsigned long flags)
{
	barrier();
	raw_cpu_inc(uaccess_seq);
	local_irq_restore(flags);
}

/* The page's place in the direct map, or NULL when the PTE forbids it. */
static __always_inline void *access_page(unsigned long addr, bool write)
{
	struct user_walk walk = { .mm = current->mm };
	unsigned long need = _PAGE_PRESENT | _PAGE_USER | _PAGE_ACCESSED |
			     (write ? _PAGE_WRITE | _PAGE_DIRTY : 0);
	pte_t pte = walk_user(&walk, addr);

	if ((pte_val(pte) & need) != need)
		return NULL;
	return __va(pte_pfn(pte) << PAGE_SHIFT);
}

/* Have the fault handled that an access by the guest would make. */
static int fault_in(unsigned long addr, bool write)
{
	if (pagefault_disabled() || irqs_disabled() || in_atomic() || !current->mm)
		return -EFAULT;
	return user_fault_in(addr, write ? PF_ERR_WRITE : 0, NULL).code ? -EFAULT : 0;
}

/*
 * Bytes of one page, or fewer: how many were copied, 0 when the address is
 * none of the program's.
 */
static __always_inline unsigned long copy_piece(unsigned long addr, void *kernel,
						unsigned long n, bool write, bool zero)
{
	unsigned long off = offset_in_page(addr), flags;
	void *page;

	n = min(n, PAGE_SIZE - off);
	for (;;) {
		flags = access_begin();
		page = access_page(addr, write);
		if (likely(page))
			break;
		access_end(flags);
		if (fault_in(addr, write))
			return 0;
	}
	if (zero)
		memset(page + off, 0, n);
	else if (write)
		memcpy(page + off, kernel, n);
	else
		memcpy(kernel, page + off, n);
	access_end(flags);
	return n;
}

static __always_inline unsigned long copy_user(unsigned long addr, void *kernel,
					       unsigned long n, bool write, bool zero)
{
	if (unlikely(addr >= TASK_SIZE || n > TASK_SIZE - addr || !current->mm))
		return n;
	while (n) {
		unsigned long done = copy_piece(addr, kernel, n, write, zero);

		if (unlikely(!done))
			break;
		addr += done;
		kernel += done;
		n -= done;
	}
	return n;
}

unsigned long raw_copy_from_user(void *to, const void __user *from, unsigned long n)
{
	return copy_user((unsigned long)from, to, n, false, false);
}
EXPORT_SYMBOL(raw_copy_from_user);

unsigned long raw_copy_to_user(void __user *to, const void *from, unsigned long n)
{
	return copy_user((unsigned long)to, (void *)from, n, true, false);
}
EXPORT_SYMBOL(raw_copy_to_user);

unsigned long __clear_user(void __user *to, unsigned long n)
{
	return copy_user((unsigned long)to, NULL, n, true, true);
}
EXPORT_SYMBOL(__clear_user);

/* --- strings ------------------------------------------------------------------- */

/* Length of the string's part in this page, NUL excluded; *end when it ends. */
static long string_piece(unsigned long addr, char *dst, unsigned long n, bool *end)
{
	unsigned long off = offset_in_page(addr), flags, len;
	void *page;

	n = min(n, PAGE_SIZE - off);
	for (;;) {
		flags = access_begin();
		page = access_page(addr, false);
		if (likely(page))
			break;
		access_end(flags);
		if (fault_in(addr, false))
			return -EFAULT;
	}
	len = strnlen(page + off, n);
	*end = len < n;
	if (dst)
		memcpy(dst, page + off, *end ? len + 1 : len);
	access_end(flags);
	return len;
}

static long scan_string(unsigned long addr, char *dst, long count, bool *end)
{
	long done = 0;

	*end = false;
	while (done < count && !*end) {
		long n;

		if (addr + done >= TASK_SIZE)
			return -EFAULT;
		n = string_piece(addr + done, dst ? dst + done : NULL, count - done, end);
		if (n < 0)
			return n;
		done += n;
	}
	return done;
}

/**
 * strncpy_from_user() - copy a string from user memory
 * @dst:	kernel memory, at least @count bytes
 * @src:	user address
 * @count:	the most bytes to copy, the NUL included
 *
 * Context: may sleep, unless page faults are disabled.
 * Return: the length without the NUL; @count when there was no NUL; -EFAULT.
 */
long strncpy_from_user(char *dst, const char __user *src, long count)
{
	bool end;

	if (count <= 0)
		return 0;
	might_fault();
	return scan_string((unsigned long)src, dst, count, &end);
}
EXPORT_SYMBOL(strncpy_from_user);

/**
 * strnlen_user() - size of a string in user memory
 * @s:		user address
 * @n:		the most bytes to look at
 *
 * Context: may sleep, unless page faults are disabled.
 * Return: the size with the NUL; more than @n when there was none; 0 when an
 * address is not the program's.
 */
long strnlen_user(const char __user *s, long n)
{
	long len;
	bool end;

	if (n <= 0)
		return 0;
	might_fault();
	len = scan_string((unsigned long)s, NULL, n, &end);
	return len < 0 ? 0 : len + 1;
}
EXPORT_SYMBOL(strnlen_user);

/* --- futexes ------------------------------------------------------------------- */

/* Page faults are disabled: the caller faults the page in and tries again. */
static u32 *futex_word(u32 __user *uaddr, unsigned long *flags)
{
	unsigned long addr = (unsigned long)uaddr;
	void *page;

	if (!access_ok(uaddr, sizeof(*uaddr)))
		return NULL;
	*flags = access_begin();
	page = access_page(addr, true);
	if (page)
		return page + offset_in_page(addr);
	access_end(*flags);
	return NULL;
}

static u32 apply(int op, u32 old, u32 arg)
{
	switch (op) {
	case FUTEX_OP_SET:
		return arg;
	case FUTEX_OP_ADD:
		return old + arg;
	case FUTEX_OP_OR:
		return old | arg;
	case FUTEX_OP_ANDN:
		return old & ~arg;
	default:
		return old ^ arg;
	}
}

int arch_futex_atomic_op_inuser(int op, int oparg, int *oval, u32 __user *uaddr)
{
	unsigned long flags;
	u32 *word, old;

	if (op < FUTEX_OP_SET || op > FUTEX_OP_XOR)
		return -ENOSYS;
	word = futex_word(uaddr, &flags);
	if (!word)
		return -EFAULT;
	old = READ_ONCE(*word);
	while (!try_cmpxchg(word, &old, apply(op, old, oparg)))
		;
	access_end(flags);
	*oval = old;
	return 0;
}

int futex_atomic_cmpxchg_inatomic(u32 *uval, u32 __user *uaddr, u32 oldval, u32 newval)
{
	unsigned long flags;
	u32 *word = futex_word(uaddr, &flags);

	if (!word)
		return -EFAULT;
	*uval = cmpxchg(word, oldval, newval);
	access_end(flags);
	return 0;
}
