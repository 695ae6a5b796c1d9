/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Software events: there is no PMU.  A sample of guest code wants its
 * registers, and an interrupt as such does not stop the guest thread.
 */
#ifndef _ASM_USER_PERF_EVENT_H
#define _ASM_USER_PERF_EVENT_H

#include <asm/ptrace.h>

#define perf_arch_fetch_caller_regs(regs, caller) do {			\
	(regs)->ip = (caller);						\
	(regs)->bp = (unsigned long)__builtin_frame_address(0);		\
	(regs)->sp = current_stack_pointer;				\
	(regs)->cs = KERNEL_CS;						\
	(regs)->flags = 0;						\
} while (0)

/* The first that is asked of a sample's registers. */
unsigned long perf_misc_flags(struct pt_regs *regs);
#define perf_misc_flags perf_misc_flags
#define perf_instruction_pointer(regs) instruction_pointer(regs)

#endif /* _ASM_USER_PERF_EVENT_H */
