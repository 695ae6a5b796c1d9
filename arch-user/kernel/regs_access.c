// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers by name, and the kernel stack by index, for kprobe events.
 */

#include <linux/array_size.h>
#include <linux/errno.h>
#include <linux/ptrace.h>
#include <linux/string.h>
#include <linux/thread_info.h>

/* In the order of struct pt_regs. */
static const char *const reg_names[] = {
	"r15", "r14", "r13", "r12", "bp", "bx", "r11", "r10", "r9", "r8", "ax",
	"cx", "dx", "si", "di", "orig_ax", "ip", "cs", "flags", "sp", "ss",
};

static_assert(ARRAY_SIZE(reg_names) * sizeof(long) == sizeof(struct pt_regs));

/**
 * regs_query_register_offset() - where a register lies in struct pt_regs
 * @name:	the register's name
 *
 * Return: its offset, or -EINVAL when there is no such register.
 */
int regs_query_register_offset(const char *name)
{
	int i = match_string(reg_names, ARRAY_SIZE(reg_names), name);

	return i < 0 ? -EINVAL : i * (int)sizeof(long);
}

/**
 * regs_query_register_name() - which register lies at an offset
 * @offset:	in struct pt_regs
 *
 * Return: its name, or NULL when none begins there.
 */
const char *regs_query_register_name(unsigned int offset)
{
	unsigned int i = offset / sizeof(long);

	return offset % sizeof(long) || i >= ARRAY_SIZE(reg_names) ? NULL : reg_names[i];
}

/**
 * regs_get_kernel_stack_nth() - a word of the kernel stack
 * @regs:	of an event in kernel code
 * @n:		how many words above the stack pointer
 *
 * Return: the word, or 0 when it is outside of the stack.
 */
unsigned long regs_get_kernel_stack_nth(struct pt_regs *regs, unsigned int n)
{
	unsigned long sp = kernel_stack_pointer(regs);
	unsigned long addr = sp + n * sizeof(long);

	if (round_down(addr, THREAD_SIZE) != round_down(sp, THREAD_SIZE))
		return 0;
	return READ_ONCE_NOCHECK(*(unsigned long *)addr);
}

/**
 * regs_get_kernel_argument() - an argument of the function just entered
 * @regs:	at its first instruction
 * @n:		which argument, from 0
 *
 * Return: its value if it is passed in a register, else 0.
 */
unsigned long regs_get_kernel_argument(struct pt_regs *regs, unsigned int n)
{
	const unsigned long args[] = {
		regs->di, regs->si, regs->dx, regs->cx, regs->r8, regs->r9,
	};

	return n < ARRAY_SIZE(args) ? args[n] : 0;
}
