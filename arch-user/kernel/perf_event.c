// SPDX-License-Identifier: GPL-2.0-only
/*
 * Samples of software events.
 */
#include <linux/perf_event.h>
#include <asm/intercept.h>

/**
 * perf_misc_flags() - where a sample was taken
 * @regs:	the interrupted context's registers
 *
 * Of guest code that is running they are those of its last event: it is
 * stopped, and they are right for all that is asked of them after this.
 */
unsigned long perf_misc_flags(struct pt_regs *regs)
{
	if (!user_mode(regs))
		return PERF_RECORD_MISC_KERNEL;
	if (regs == task_pt_regs(current))
		guest_stop(current);
	return PERF_RECORD_MISC_USER;
}
