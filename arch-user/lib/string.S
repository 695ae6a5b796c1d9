/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * memcpy, memset, memmove: the CPU's own string instructions.
 */
#include <linux/linkage.h>
#include <linux/export.h>
#include <asm/cfi.h>

	.section .noinstr.text, "ax"

SYM_FUNC_START(__memcpy)
	.cfi_startproc
	movq	%rdi, %rax
	movq	%rdx, %rcx
	cmpq	$64, %rdx
	jb	1f
	rep movsb
	ret
1:	shrq	$3, %rcx
	rep movsq
	movl	%edx, %ecx
	andl	$7, %ecx
	rep movsb
	ret
	.cfi_endproc
SYM_FUNC_END(__memcpy)
EXPORT_SYMBOL(__memcpy)
SYM_FUNC_ALIAS_WEAK(memcpy, __memcpy)
EXPORT_SYMBOL(memcpy)

SYM_FUNC_START(__memset)
	.cfi_startproc
	movq	%rdi, %r9
	movzbl	%sil, %eax
	movq	%rdx, %rcx
	rep stosb
	movq	%r9, %rax
	ret
	.cfi_endproc
SYM_FUNC_END(__memset)
EXPORT_SYMBOL(__memset)
SYM_FUNC_ALIAS_WEAK(memset, __memset)
EXPORT_SYMBOL(memset)

SYM_FUNC_START(__memmove)
	.cfi_startproc
	movq	%rdi, %rax
	movq	%rdi, %r8
	subq	%rsi, %r8
	cmpq	%rdx, %r8
	movq	%rdx, %rcx
	jb	1f
	rep movsb
	ret
	/* the destination begins within the source: from the end */
1:	leaq	-1(%rdi, %rdx), %rdi
	leaq	-1(%rsi, %rdx), %rsi
	std
	rep movsb
	cld
	ret
	.cfi_endproc
SYM_FUNC_END(__memmove)
EXPORT_SYMBOL(__memmove)
SYM_FUNC_ALIAS_WEAK(memmove, __memmove)
EXPORT_SYMBOL(memmove)
