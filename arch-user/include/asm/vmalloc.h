/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_USER_VMALLOC_H
#define _ASM_USER_VMALLOC_H
#endif /* _ASM_USER_VMALLOC_H */
