// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory at boot: one zone, one direct map, and the image's protection.
 */
#include <linux/export.h>
#include <linux/init.h>
#include <linux/initrd.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/set_memory.h>
#include <asm/host.h>
#include <asm/sections.h>
#include <asm/setup.h>

extern char __image_data[], __init_text_begin[], __init_text_end[];

pgd_t swapper_pg_dir[PTRS_PER_PGD] __page_aligned_bss;
unsigned long empty_zero_page[PAGE_SIZE / sizeof(unsigned long)] __page_aligned_bss;
EXPORT_SYMBOL(empty_zero_page);

#define PROT_PAIR(p, s, flags)		\
	[flags] = p, [VM_SHARED | (flags)] = s

static const pgprot_t protection_map[16] = {
	PROT_PAIR(PAGE_NONE, PAGE_NONE, VM_NONE),
	PROT_PAIR(PAGE_READONLY, PAGE_READONLY, VM_READ),
	PROT_PAIR(PAGE_COPY, PAGE_SHARED, VM_WRITE),
	PROT_PAIR(PAGE_COPY, PAGE_SHARED, VM_WRITE | VM_READ),
	PROT_PAIR(PAGE_READONLY_EXEC, PAGE_READONLY_EXEC, VM_EXEC),
	PROT_PAIR(PAGE_READONLY_EXEC, PAGE_READONLY_EXEC, VM_EXEC | VM_READ),
	PROT_PAIR(PAGE_COPY_EXEC, PAGE_SHARED_EXEC, VM_EXEC | VM_WRITE),
	PROT_PAIR(PAGE_COPY_EXEC, PAGE_SHARED_EXEC, VM_EXEC | VM_WRITE | VM_READ),
};
DECLARE_VM_GET_PAGE_PROT

void __init paging_init(void)
{
	unsigned long max_pfn_of[MAX_NR_ZONES] = { 0 };

	min_low_pfn = 0;
	max_pfn = max_low_pfn = host_boot_info()->ram_size >> PAGE_SHIFT;
	max_mapnr = max_pfn;
	high_memory = __va(host_boot_info()->ram_size);
	max_pfn_of[ZONE_NORMAL] = max_pfn;
	free_area_init(max_pfn_of);
}

void __init mem_init(void)
{
	memblock_free_all();
}

/**
 * kernel_addr_is_ram() - whether an address has a struct page
 * @addr:	of the direct map or the image, or anything
 */
bool kernel_addr_is_ram(unsigned long addr)
{
	if (addr >= PAGE_OFFSET)
		return addr - PAGE_OFFSET < host_boot_info()->ram_size;
	return addr >= KERNEL_LINK_ADDR && addr < (unsigned long)_end;
}
EXPORT_SYMBOL(kernel_addr_is_ram);

/*
 * The last one first: the allocator gives out what it was given last, and what
 * it gives out one after another becomes, say, a file's pages in the page cache.
 * A stub maps those with one call only if they ascend (mm/tlb.c).
 */
static void free_descending(void *start, void *end, const char *what)
{
	void *page = (void *)round_down((unsigned long)end, PAGE_SIZE);

	start = (void *)PAGE_ALIGN((unsigned long)start);
	pr_info("Freeing %s: %ldK\n", what, (page - start) >> 10);
	while (page > start) {
		page -= PAGE_SIZE;
		free_reserved_area(page, page + PAGE_SIZE, POISON_FREE_INITMEM, NULL);
	}
}

/*
 * The pages go to the allocator; at their link address nothing is left.  The
 * text is the host file's and only made inaccessible: a debugger that has a
 * breakpoint in it (start_kernel) must be able to take that out again.
 */
void __ref free_initmem(void)
{
	free_descending(__init_text_begin, __init_text_end, "unused kernel text");
	host_protect((unsigned long)__init_text_begin, __init_text_end - __init_text_begin, 0);
	free_descending(__init_begin, __init_end, "unused kernel data");
	host_unmap((unsigned long)__init_begin, __init_end - __init_begin);
}

void __init free_initrd_mem(unsigned long start, unsigned long end)
{
	free_descending((void *)start, (void *)end, "initrd");
}

#ifdef CONFIG_STRICT_KERNEL_RWX
void mark_rodata_ro(void)
{
	unsigned long start = (unsigned long)__start_rodata;

	host_protect(start, (unsigned long)__image_data - start, HOST_PROT_READ);
	pr_info("Write protected read-only data: %luk\n",
		((unsigned long)__image_data - start) >> 10);
}
#endif
