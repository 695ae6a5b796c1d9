/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_USER_STRING_H
#define _ASM_USER_STRING_H

#include <linux/types.h>

/* lib/string.S: REP MOVSB and STOSB, fast on CPUs of the last ten years. */
#define __HAVE_ARCH_MEMCPY
void *memcpy(void *to, const void *from, size_t n);
void *__memcpy(void *to, const void *from, size_t n);
#define __HAVE_ARCH_MEMSET
void *memset(void *to, int c, size_t n);
void *__memset(void *to, int c, size_t n);
#define __HAVE_ARCH_MEMMOVE
void *memmove(void *to, const void *from, size_t n);
void *__memmove(void *to, const void *from, size_t n);

#endif /* _ASM_USER_STRING_H */
