/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The preemption count is per CPU and inverted, as on x86.  Where preemption is
 * chosen at boot (PREEMPT_DYNAMIC) x86 calls a static call; here the thunk's
 * target looks at a static key, which is what kernel/sched has for everybody.
 */
#ifndef _ASM_USER_PREEMPT_H
#define _ASM_USER_PREEMPT_H

#pragma push_macro("CONFIG_PREEMPT_DYNAMIC")
#undef CONFIG_PREEMPT_DYNAMIC
#include <../arch/x86/include/asm/preempt.h>
#pragma pop_macro("CONFIG_PREEMPT_DYNAMIC")

#ifdef CONFIG_PREEMPT_DYNAMIC
void dynamic_preempt_schedule(void);
void dynamic_preempt_schedule_notrace(void);
#endif

#endif /* _ASM_USER_PREEMPT_H */
