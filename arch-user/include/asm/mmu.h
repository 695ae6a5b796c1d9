/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_USER_MMU_H
#define _ASM_USER_MMU_H

#include <linux/spinlock_types.h>

struct rewrite;
struct stub;
struct xarray;

/**
 * struct mm_context_t - what the port knows of a guest address space
 * @lock:	orders faults against flushes: a PTE is read and its mapping
 *		put into the batch under it; a flush takes it after the PTE has changed
 * @stub:	the stub process, or NULL before the first use
 * @chunks:	what the stub maps, struct tlb_chunk by address >> PMD_SHIFT;
 *		under @lock
 * @nr_maps:	bound of how many mappings the host keeps for it; under @lock
 * @rewrite:	rewritten system calls, or NULL; see mm/rewrite.c
 * @traps:	system calls trapped so far, up to a limit
 * @vdso:	user address of the vDSO
 * @copied:	pages copied ahead at the last copy on write of anonymous memory
 * @copied_to:	the end of those; both without a lock, a guess
 * @old:	chunks in which PTEs have become old and the stub does not know:
 *		the first one, and above bit 32 the end; 0 for none
 */
typedef struct {
	spinlock_t lock;
	struct stub *stub;
	struct xarray *chunks;
	unsigned long nr_maps;
	struct rewrite *rewrite;
	unsigned int traps;
	void *vdso;
	unsigned int copied;
	unsigned long copied_to;
	u64 old;
} mm_context_t;

#define INIT_MM_CONTEXT(mm)						\
	.context = {							\
		.lock = __SPIN_LOCK_UNLOCKED((mm).context.lock),	\
	},

#endif /* _ASM_USER_MMU_H */
