// SPDX-License-Identifier: GPL-2.0-only
/*
 * The system call table, which is x86-64's, and the calls that are the port's.
 */
#include <linux/syscalls.h>
#include <linux/mman.h>
#include <asm/syscall.h>

SYSCALL_DEFINE6(mmap, unsigned long, addr, unsigned long, len, unsigned long, prot,
		unsigned long, flags, unsigned long, fd, unsigned long, off)
{
	if (off & ~PAGE_MASK)
		return -EINVAL;
	return ksys_mmap_pgoff(addr, len, prot, flags, fd, off >> PAGE_SHIFT);
}

/* There are no ports to have privileges for. */
SYSCALL_DEFINE1(iopl, unsigned int, level)
{
	return -ENOSYS;
}

SYSCALL_DEFINE3(ioperm, unsigned long, from, unsigned long, num, int, on)
{
	return -ENOSYS;
}

asmlinkage long sys_rt_sigreturn(void);
asmlinkage long sys_arch_prctl(int option, unsigned long arg);
asmlinkage long sys_modify_ldt(int func, void __user *ptr, unsigned long bytes);

#define __SYSCALL_NORETURN(nr, sym)	__SYSCALL(nr, sym)
#define __SYSCALL(nr, sym)		[nr] = (sys_call_ptr_t)sym,

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-function-type"
#pragma GCC diagnostic ignored "-Woverride-init"
const sys_call_ptr_t sys_call_table[NR_syscalls] = {
	[0 ... NR_syscalls - 1] = (sys_call_ptr_t)sys_ni_syscall,
#include <asm/syscall_table_64.h>
};
#pragma GCC diagnostic pop
