/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * User memory is reached through the page tables and the direct map
 * (mm/uaccess.c); kernel memory that may not be there, by exception tables.
 */
#ifndef _ASM_USER_UACCESS_H
#define _ASM_USER_UACCESS_H

#include <linux/string.h>
#include <asm/asm.h>
#include <asm/extable.h>
#include <asm/processor.h>

unsigned long raw_copy_from_user(void *to, const void __user *from, unsigned long n);
unsigned long raw_copy_to_user(void __user *to, const void *from, unsigned long n);
unsigned long __clear_user(void __user *to, unsigned long n);
long strncpy_from_user(char *dst, const char __user *src, long count);
long strnlen_user(const char __user *s, long n);

#define __clear_user		__clear_user

static inline int __user_get_fn(size_t size, const void __user *ptr, void *x)
{
	return unlikely(raw_copy_from_user(x, ptr, size)) ? -EFAULT : 0;
}
#define __get_user_fn(sz, u, k)	__user_get_fn(sz, u, k)

static inline int __user_put_fn(size_t size, void __user *ptr, void *x)
{
	return unlikely(raw_copy_to_user(ptr, x, size)) ? -EFAULT : 0;
}
#define __put_user_fn(sz, u, k)	__user_put_fn(sz, u, k)

/* The error goes through a register: gcc 12's asm goto cannot have outputs. */
#define __get_kernel_nofault(dst, src, type, label)			\
do {									\
	const type *__src = (const type *)(src);			\
	type __val;							\
	int __err = 0;							\
									\
	asm volatile("1:	mov %[s], %[d]\n"			\
		     "2:\n"						\
		     _ASM_EXTABLE_TYPE_REG(1b, 2b, EX_TYPE_EFAULT_REG, %[e]) \
		     : [e] "+r" (__err), [d] "=&q" (__val)		\
		     : [s] "m" (*__src));				\
	if (unlikely(__err))						\
		goto label;						\
	*(type *)(dst) = __val;						\
} while (0)

#define __put_kernel_nofault(dst, src, type, label)			\
do {									\
	type __val = *(type *)(src);					\
	int __err = 0;							\
									\
	asm volatile("1:	mov %[s], %[d]\n"			\
		     "2:\n"						\
		     _ASM_EXTABLE_TYPE_REG(1b, 2b, EX_TYPE_EFAULT_REG, %[e]) \
		     : [e] "+r" (__err), [d] "=m" (*(type *)(dst))	\
		     : [s] "q" (__val));				\
	if (unlikely(__err))						\
		goto label;						\
} while (0)

#include <asm-generic/uaccess.h>

#endif /* _ASM_USER_UACCESS_H */
