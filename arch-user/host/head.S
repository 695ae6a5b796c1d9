/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the host's exec enters.
 */
#include <linux/linkage.h>
#include <linux/init.h>
#include <asm/cfi.h>

	__HEAD
SYM_CODE_START(_start)
	CFI_START_OUTERMOST
	xorl	%ebp, %ebp
	movq	%rsp, %rdi
	andq	$-16, %rsp
	call	host_start
	ud2
	.cfi_endproc
	/* gdb steps over a breakpoint by a copy of the instruction, which it puts here. */
	.skip	64, 0x90
SYM_CODE_END(_start)
