/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Registers, in the order of x86-64's struct pt_regs: stock tools (BPF, perf,
 * kprobes, gdb scripts) count on it.
 */
#ifndef _ASM_USER_PTRACE_H
#define _ASM_USER_PTRACE_H

#include <uapi/asm/ptrace.h>
#include <uapi/asm/processor-flags.h>
#include <linux/types.h>

#define USER_CS		0x33
#define USER_SS		0x2b
#define KERNEL_CS	0x10
#define KERNEL_SS	0x18

#ifndef __ASSEMBLY__

struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx;
	unsigned long r11, r10, r9, r8, ax, cx, dx, si, di;
	unsigned long orig_ax;
	unsigned long ip, cs, flags, sp, ss;
};

struct task_struct;

#define user_mode(regs)			(((regs)->cs & 3) == 3)
#define instruction_pointer(regs)	((regs)->ip)
#define user_stack_pointer(regs)	((regs)->sp)
#define kernel_stack_pointer(regs)	((regs)->sp)
#define frame_pointer(regs)		((regs)->bp)
#define profile_pc(regs)		instruction_pointer(regs)

#define GET_IP(regs)			((regs)->ip)

static inline void instruction_pointer_set(struct pt_regs *regs, unsigned long val)
{
	regs->ip = val;
}

static inline unsigned long regs_return_value(struct pt_regs *regs)
{
	return regs->ax;
}

static inline void regs_set_return_value(struct pt_regs *regs, unsigned long rc)
{
	regs->ax = rc;
}

/* Interrupts that came while the kernel ran it ran with them on. */
#define regs_irqs_disabled(regs)	(!((regs)->flags & X86_EFLAGS_IF))

/* TF by itself: the stub's host does the stepping. */
#define arch_has_single_step()		(1)
#define ARCH_HAS_USER_SINGLE_STEP_REPORT
#define current_user_stack_pointer()	(current_pt_regs()->sp)

int regs_query_register_offset(const char *name);
const char *regs_query_register_name(unsigned int offset);
#define MAX_REG_OFFSET			offsetof(struct pt_regs, ss)

static inline unsigned long regs_get_register(struct pt_regs *regs, unsigned int offset)
{
	if (offset > MAX_REG_OFFSET)
		return 0;
	return *(unsigned long *)((unsigned long)regs + offset);
}

unsigned long regs_get_kernel_stack_nth(struct pt_regs *regs, unsigned int n);
unsigned long regs_get_kernel_argument(struct pt_regs *regs, unsigned int n);

#endif /* __ASSEMBLY__ */
#endif /* _ASM_USER_PTRACE_H */
