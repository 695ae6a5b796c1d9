/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_USER_THREAD_INFO_H
#define _ASM_USER_THREAD_INFO_H

#include <asm/page.h>

/*
 * Host signal frames lie on kernel stacks, with a whole XSAVE area each
 * (2.7 KiB with AVX-512), and two or three can nest.
 */
#ifdef CONFIG_KASAN
#define THREAD_SIZE_ORDER	4
#else
#define THREAD_SIZE_ORDER	2
#endif
#define THREAD_SIZE		(PAGE_SIZE << THREAD_SIZE_ORDER)
#define THREAD_ALIGN		THREAD_SIZE

#ifndef __ASSEMBLY__

#include <linux/types.h>

struct thread_info {
	unsigned long flags;
	unsigned long syscall_work;
	u32 cpu;
};

#define INIT_THREAD_INFO(tsk)	{ .flags = 0 }

#endif /* __ASSEMBLY__ */

#define TIF_NOTIFY_RESUME	0
#define TIF_SIGPENDING		1
#define TIF_NEED_RESCHED	2
#define TIF_SINGLESTEP		3	/* stepped by a debugger */
#define TIF_FORCED_TF		4	/* its TF is the debugger's, not its own */
#define TIF_UPROBE		5
#define TIF_NOTIFY_SIGNAL	6
#define TIF_MEMDIE		7
#define TIF_PATCH_PENDING	8
#define TIF_POLLING_NRFLAG	9

#define _TIF_NOTIFY_RESUME	BIT(TIF_NOTIFY_RESUME)
#define _TIF_SIGPENDING		BIT(TIF_SIGPENDING)
#define _TIF_NEED_RESCHED	BIT(TIF_NEED_RESCHED)
#define _TIF_SINGLESTEP		BIT(TIF_SINGLESTEP)
#define _TIF_FORCED_TF		BIT(TIF_FORCED_TF)
#define _TIF_UPROBE		BIT(TIF_UPROBE)
#define _TIF_NOTIFY_SIGNAL	BIT(TIF_NOTIFY_SIGNAL)
#define _TIF_POLLING_NRFLAG	BIT(TIF_POLLING_NRFLAG)
#define _TIF_PATCH_PENDING	BIT(TIF_PATCH_PENDING)

#endif /* _ASM_USER_THREAD_INFO_H */
