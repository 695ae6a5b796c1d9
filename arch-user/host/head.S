/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the host's exec enters.
 */
#include <linux/linkage.h>
#include <linux/init.h>

	__HEAD
SYM_CODE_START(_start)
	xorl	%ebp, %ebp
	movq	%rsp, %rdi
	andq	$-16, %rsp
	call	host_start
	ud2
SYM_CODE_END(_start)
