/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_USER_EXEC_H
#define _ASM_USER_EXEC_H

unsigned long arch_align_stack(unsigned long sp);

#endif /* _ASM_USER_EXEC_H */
