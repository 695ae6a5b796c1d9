/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The image is not patched for the CPU at hand: x86-64 headers that offer two
 * instructions get the newer one, which every CPU of the last ten years has.
 */
#ifndef _ASM_USER_ALTERNATIVE_H
#define _ASM_USER_ALTERNATIVE_H

#ifdef __ASSEMBLY__
#define LOCK_PREFIX	lock
#else
#include <linux/stringify.h>
#include <asm/asm.h>

#define LOCK_PREFIX_HERE	""
#define LOCK_PREFIX		"lock; "

#define ALTERNATIVE(old, new, ft_flags)		new
#define ASM_NO_INPUT_CLOBBER(clbr...)		"i" (0) : clbr
#define alternative(old, new, ft_flags)		\
	asm volatile(new : : : "memory")
#define alternative_io(old, new, ft_flags, output, input...)	\
	asm volatile(new : output : "i" (0), ## input)
#define alternative_input(old, new, ft_flags, input...)	\
	asm volatile(new : : "i" (0), ## input)
#define alternative_call(old, new, ft_flags, output, input...)	\
	asm volatile("call %c[func]" : output : [func] "i" (new), ## input)
#define ALT_OUTPUT_SP(...)	"+r" (current_stack_pointer), ## __VA_ARGS__
#endif

#endif /* _ASM_USER_ALTERNATIVE_H */
