/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The flags register as user space and debuggers see it.
 */
#ifndef _ASM_USER_STEP_H
#define _ASM_USER_STEP_H

struct task_struct;

/**
 * user_flags() - a task's flags register as its program knows it
 * @tsk:	current, or stopped
 *
 * Return: the register without a trap flag that is a debugger's.
 */
unsigned long user_flags(struct task_struct *tsk);

/**
 * set_user_flags() - change what user code may change of the flags register
 * @tsk:	current, or stopped
 * @flags:	new value; other bits in it have no effect
 *
 * A trap flag in @flags is the program's own.  One that a debugger has set
 * stays set.
 */
void set_user_flags(struct task_struct *tsk, unsigned long flags);

#endif /* _ASM_USER_STEP_H */
