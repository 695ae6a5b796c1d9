// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where mappings go: as stock code has it, but for MAP_32BIT, which on x86-64
 * asks for the second gigabyte.
 */
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched/mm.h>
#include <linux/sizes.h>
#include <asm/rewrite.h>

static unsigned long area_32bit(unsigned long addr, unsigned long len)
{
	struct vm_unmapped_area_info info = {
		.length = len,
		.low_limit = SZ_1G,
		.high_limit = SZ_2G,
	};

	if (addr) {
		struct vm_area_struct *vma;

		addr = PAGE_ALIGN(addr);
		vma = find_vma(current->mm, addr);
		if (addr < SZ_2G && len <= SZ_2G - addr &&
		    (!vma || addr + len <= vm_start_gap(vma)))
			return addr;
	}
	return vm_unmapped_area(&info);
}

/* Something will be mapped there. */
static unsigned long found(unsigned long addr, unsigned long len)
{
	if (!IS_ERR_VALUE(addr))
		rewrite_avoid(addr, len);
	return addr;
}

unsigned long arch_get_unmapped_area(struct file *file, unsigned long addr, unsigned long len,
				     unsigned long pgoff, unsigned long flags,
				     vm_flags_t vm_flags)
{
	if ((flags & MAP_32BIT) && !(flags & MAP_FIXED))
		return area_32bit(addr, len);
	return found(generic_get_unmapped_area(file, addr, len, pgoff, flags, vm_flags), len);
}

unsigned long arch_get_unmapped_area_topdown(struct file *file, unsigned long addr,
					     unsigned long len, unsigned long pgoff,
					     unsigned long flags, vm_flags_t vm_flags)
{
	if ((flags & MAP_32BIT) && !(flags & MAP_FIXED))
		return area_32bit(addr, len);
	addr = generic_get_unmapped_area_topdown(file, addr, len, pgoff, flags, vm_flags);
	return found(addr, len);
}
