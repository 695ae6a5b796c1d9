// SPDX-License-Identifier: GPL-2.0-only
/*
 * Offsets for assembly.
 */
#include <linux/kbuild.h>
#include <linux/sched.h>
#include <asm/current.h>
#include <asm/switch_to.h>
#include "traps.h"

int main(void)
{
	DEFINE(PT_REGS_SIZE, sizeof(struct pt_regs));
	OFFSET(TASK_THREAD_SP, task_struct, thread.sp);
	OFFSET(INACTIVE_FRAME_RET, inactive_task_frame, ret_addr);
	OFFSET(HOST_CONTEXT_REGS, host_context, r8);
	OFFSET(PCPU_CURRENT, pcpu_hot, current_task);
	return 0;
}
