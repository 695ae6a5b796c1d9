/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_USER_SWITCH_TO_H
#define _ASM_USER_SWITCH_TO_H

struct pt_regs;
struct task_struct;

struct task_struct *__switch_to(struct task_struct *prev, struct task_struct *next);

/* a new task's first steps; kernel/switch.S goes there */
void task_first_steps(struct task_struct *prev, struct pt_regs *regs, int (*fn)(void *),
		      void *arg);

void guest_leave(struct task_struct *task);
void guest_switch(struct task_struct *prev, struct task_struct *next);

#define switch_to(prev, next, last)			\
do {							\
	guest_switch(prev, next);			\
	(last) = __switch_to((prev), (next));		\
} while (0)

/* What a switched-out task has on top of its kernel stack (kernel/switch.S). */
struct inactive_task_frame {
	unsigned long r15, r14, r13, r12, bx, bp;
	unsigned long ret_addr;
};

#endif /* _ASM_USER_SWITCH_TO_H */
