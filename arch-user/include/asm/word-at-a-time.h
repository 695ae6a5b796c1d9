/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_USER_WORD_AT_A_TIME_H
#define _ASM_USER_WORD_AT_A_TIME_H

#include <asm/asm.h>
#include <asm-generic/word-at-a-time.h>

/*
 * A load that may run over the end of the last mapped page: what lies beyond
 * reads as zero.
 */
static inline unsigned long load_unaligned_zeropad(const void *addr)
{
	unsigned long ret, shift;

	asm("1:	movq	(%[addr]), %[ret]\n"
	    "2:\n"
	    "	.pushsection .text.fixup, \"ax\"\n"
	    "3:	movq	%[addr], %[ret]\n"
	    "	andq	$-8, %[ret]\n"
	    "	movq	(%[ret]), %[ret]\n"
	    "	movl	%k[addr], %k[shift]\n"
	    "	andl	$7, %k[shift]\n"
	    "	shll	$3, %k[shift]\n"
	    "	shrq	%%cl, %[ret]\n"
	    "	jmp	2b\n"
	    "	.popsection\n"
	    _ASM_EXTABLE(1b, 3b)
	    : [ret] "=&r" (ret), [shift] "=&c" (shift)
	    : [addr] "r" (addr), "m" (*(unsigned long *)addr));
	return ret;
}

#endif /* _ASM_USER_WORD_AT_A_TIME_H */
