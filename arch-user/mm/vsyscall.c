// SPDX-License-Identifier: GPL-2.0-only
/*
 * The legacy vsyscall page at the top of the address space: three functions at
 * fixed addresses, which very old programs call instead of the vDSO.
 *
 * No page is there.  Where the host emulates its own vsyscall page, the stub's
 * filter makes a call of it the system call it stands for before this port
 * sees it; where it does not, the instruction fetch faults and comes here.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/seccomp.h>
#include <linux/uaccess.h>
#include <asm/syscall.h>
#include "../kernel/traps.h"

#define VSYSCALL_PAGE	0xffffffffff600000UL

/**
 * user_vsyscall() - a fault above the program's addresses: maybe a vsyscall
 * @regs:	the task's registers; changed when it was one
 * @address:	CR2
 *
 * Context: interrupts on, may sleep.
 * Return: whether it was one.
 */
bool user_vsyscall(struct pt_regs *regs, unsigned long address)
{
	static const short nrs[] = { __NR_gettimeofday, __NR_time, __NR_getcpu };
	unsigned long n = (address - VSYSCALL_PAGE) >> 10;
	unsigned long ret;

	if ((address & ~0xc00UL) != VSYSCALL_PAGE || n >= ARRAY_SIZE(nrs) || regs->ip != address)
		return false;
	if (copy_from_user(&ret, (void __user *)regs->sp, sizeof(ret)))
		return false;
	regs->ip = ret;
	regs->sp += sizeof(ret);
	regs->orig_ax = nrs[n];
	regs->ax = -ENOSYS;
	if (!secure_computing())
		regs->ax = sys_call_table[nrs[n]](regs->di, regs->si, 0, 0, 0, 0);
	regs->orig_ax = -1;
	user_vsyscall_result(regs);
	return true;
}

/**
 * user_vsyscall_result() - after a system call that came from the page
 * @regs:	the task's registers
 *
 * A bad pointer is the caller's fault there, as it is in the vDSO.
 *
 * Context: interrupts on, may sleep.
 */
void user_vsyscall_result(struct pt_regs *regs)
{
	if (regs->ax == -EFAULT)
		force_sig_fault(SIGSEGV, SEGV_MAPERR, (void __user *)regs->di);
}

/* --- how /proc/PID/maps shows it ------------------------------------------------ */

static const char *gate_name(struct vm_area_struct *vma)
{
	return "[vsyscall]";
}

static const struct vm_operations_struct gate_ops = {
	.name = gate_name,
};

static struct vm_area_struct gate __ro_after_init = {
	.vm_start = VSYSCALL_PAGE,
	.vm_end = VSYSCALL_PAGE + PAGE_SIZE,
	.vm_ops = &gate_ops,
};

static int __init gate_init(void)
{
	vm_flags_init(&gate, VM_EXEC);
	gate.vm_page_prot = PAGE_READONLY_EXEC;
	return 0;
}
core_initcall(gate_init);

struct vm_area_struct *get_gate_vma(struct mm_struct *mm)
{
	return &gate;
}

int in_gate_area_no_mm(unsigned long addr)
{
	return (addr & PAGE_MASK) == VSYSCALL_PAGE;
}

int in_gate_area(struct mm_struct *mm, unsigned long addr)
{
	return in_gate_area_no_mm(addr);
}
