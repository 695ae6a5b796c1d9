/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's first instruction: leave the host's stack for init's.
 */
#include <linux/linkage.h>
#include <linux/init.h>
#include <asm/thread_info.h>
#include <asm/asm-offsets.h>
#include <asm/cfi.h>

	__INIT
SYM_CODE_START(kernel_entry)
	CFI_START_OUTERMOST
	movq	$(init_stack + THREAD_SIZE - PT_REGS_SIZE), %rsp
	xorl	%ebp, %ebp
	call	kernel_early_start
	ud2
	.cfi_endproc
SYM_CODE_END(kernel_entry)
