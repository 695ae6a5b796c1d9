/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_USER_SETUP_H
#define _ASM_USER_SETUP_H

#include <linux/types.h>

#define COMMAND_LINE_SIZE	4096

#ifndef __ASSEMBLY__
void kernel_early_start(void);	/* head.S goes there */
void paging_init(void);
void smp_init_cpus(void);
void pv_locks_early(void);
void pv_locks_start(void);
#ifdef CONFIG_JUMP_LABEL
void jump_label_setup(void);
#else
static inline void jump_label_setup(void)
{
}
#endif
#endif

#endif /* _ASM_USER_SETUP_H */
