// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vDSO: code by which guest programs read the clocks without a system
 * call, and the data pages it reads.
 *
 * A process maps, upwards: the data page of the clocks, a page for time
 * namespaces, the code.  Whoever is in a time namespace has the namespace's
 * page in the first place, which sends the code to the clocks' page, then in
 * the second place (see kernel/time/namespace.c).
 *
 * A stub maps nothing but pages of guest RAM.  The image's data is that, its
 * text is not, so the code is copied into pages of its own.
 */
#include <linux/binfmts.h>
#include <linux/elf.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/time_namespace.h>
#include <vdso/datapage.h>
#include <asm/vdso.h>
#include <asm/vdso/vsyscall.h>

enum vvar_page { VVAR_CLOCKS, VVAR_TIMENS };

static_assert(VVAR_TIMENS + 1 == VVAR_PAGES);

/* Written by kernel/time/vsyscall.c, from early on. */
union vdso_data_store vdso_data_store __page_aligned_data;
static_assert(sizeof(union vdso_data_store) == PAGE_SIZE);

static unsigned long vdso_text_size __ro_after_init;

static vm_fault_t vvar_fault(const struct vm_special_mapping *sm, struct vm_area_struct *vma,
			     struct vm_fault *vmf)
{
	struct page *namespace = find_timens_vvar_page(vma);
	unsigned long pfn = virt_to_pfn(&vdso_data_store);

	if (vmf->pgoff == VVAR_CLOCKS)
		return vmf_insert_pfn(vma, vmf->address,
				      namespace ? page_to_pfn(namespace) : pfn);
	if (vmf->pgoff == VVAR_TIMENS && namespace)
		return vmf_insert_pfn(vma, vmf->address, pfn);
	return VM_FAULT_SIGBUS;
}

static int vdso_moved(const struct vm_special_mapping *sm, struct vm_area_struct *vma)
{
	current->mm->context.vdso = (void *)vma->vm_start;
	return 0;
}

static const struct vm_special_mapping clock_mapping = {
	.name	= "[vvar]",
	.fault	= vvar_fault,
};

static struct vm_special_mapping code_mapping __ro_after_init = {
	.name	= "[vdso]",
	.mremap	= vdso_moved,
};

#ifdef CONFIG_TIME_NS
struct vdso_data *arch_get_vdso_data(void *vvar_page)
{
	return ((union vdso_data_store *)vvar_page)->data;
}

/**
 * vdso_join_timens() - let a task see another time namespace's clocks
 * @task:	whose namespace has changed
 * @ns:		the new one
 *
 * The next look at a data page faults and finds the right one.
 */
int vdso_join_timens(struct task_struct *task, struct time_namespace *ns)
{
	struct mm_struct *mm = task->mm;
	struct vm_area_struct *vma;
	struct vma_iterator iter;

	mmap_read_lock(mm);
	vma_iter_init(&iter, mm, 0);
	for_each_vma(iter, vma)
		if (vma_is_special_mapping(vma, &clock_mapping))
			zap_vma_pages(vma);
	mmap_read_unlock(mm);
	return 0;
}
#endif

/*
 * Above the stack, in the gap that stack randomisation leaves and within the
 * same page table; without that gap wherever there is room.
 */
static unsigned long pick_address(struct mm_struct *mm, unsigned long size)
{
	struct vm_area_struct *stack = find_vma(mm, mm->start_stack);
	unsigned long low = stack ? stack->vm_end : TASK_SIZE;
	unsigned long high = min(ALIGN(low + 1, PMD_SIZE), TASK_SIZE) - size;

	if (low > high)
		return get_unmapped_area(NULL, 0, size, 0, 0);
	if (current->flags & PF_RANDOMIZE)
		low += get_random_u32_below((high - low) / PAGE_SIZE + 1) * PAGE_SIZE;
	return get_unmapped_area(NULL, low, size, 0, 0);
}

static int map_vdso(struct mm_struct *mm)
{
	const unsigned long data_size = VVAR_PAGES * PAGE_SIZE;
	unsigned long addr = pick_address(mm, data_size + vdso_text_size);
	struct vm_area_struct *vma;

	if (IS_ERR_VALUE(addr))
		return addr;
	vma = _install_special_mapping(mm, addr, data_size,
				       VM_READ | VM_MAYREAD | VM_IO | VM_DONTDUMP | VM_PFNMAP,
				       &clock_mapping);
	if (IS_ERR(vma))
		return PTR_ERR(vma);

	/* a debugger may write: it gets a copy */
	addr += data_size;
	vma = _install_special_mapping(mm, addr, vdso_text_size,
				       VM_READ | VM_EXEC |
				       VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC,
				       &code_mapping);
	if (IS_ERR(vma))
		return PTR_ERR(vma);
	mm->context.vdso = (void *)addr;
	return 0;
}

/**
 * arch_setup_additional_pages() - give a new program the vDSO
 * @bprm:		the program
 * @uses_interp:	it has a dynamic linker
 */
int arch_setup_additional_pages(struct linux_binprm *bprm, int uses_interp)
{
	struct mm_struct *mm = current->mm;
	int ret;

	if (!vdso_text_size)
		return 0;
	if (mmap_write_lock_killable(mm))
		return -EINTR;
	ret = map_vdso(mm);
	mmap_write_unlock(mm);
	return ret;
}

static int __init vdso_init(void)
{
	size_t i, left = vdso_image_end - vdso_image_start;
	const char *from = vdso_image_start;
	size_t n = DIV_ROUND_UP(left, PAGE_SIZE);
	struct page **pages = kcalloc(n + 1, sizeof(*pages), GFP_KERNEL | __GFP_NOFAIL);

	for (i = 0; i < n; i++) {
		size_t size = min(left, PAGE_SIZE);

		pages[i] = alloc_page(GFP_KERNEL | __GFP_NOFAIL | __GFP_ZERO);
		memcpy(page_address(pages[i]), from, size);
		from += size;
		left -= size;
	}
	code_mapping.pages = pages;
	vdso_text_size = n * PAGE_SIZE;
	return 0;
}
arch_initcall(vdso_init);
