/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_USER_ARCH_PRCTL_H
#define _ASM_USER_ARCH_PRCTL_H

struct task_struct;

/**
 * do_arch_prctl() - carry out arch_prctl(2) on a task
 * @tsk:	current, or stopped
 * @option:	ARCH_*
 * @arg:	as the option wants it; an address is one of the caller's
 *
 * Return: what the system call returns.
 */
long do_arch_prctl(struct task_struct *tsk, int option, unsigned long arg);

#endif /* _ASM_USER_ARCH_PRCTL_H */
