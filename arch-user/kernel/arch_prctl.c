// SPDX-License-Identifier: GPL-2.0-only
/*
 * arch_prctl(2), and what PTRACE_ARCH_PRCTL does of it on another task.
 */

#include <linux/errno.h>
#include <linux/sched.h>
#include <linux/syscalls.h>
#include <linux/uaccess.h>

#include <asm/arch_prctl.h>
#include <asm/processor.h>
#include <asm/rewrite.h>
#include <asm/xstate.h>

#include <uapi/asm/prctl.h>

static int set_base(unsigned long *base, unsigned long addr)
{
	if (addr >= TASK_SIZE)
		return -EPERM;
	*base = addr;
	return 0;
}

/*
 * No component has to be asked for; asking for one that is there is fine.
 */
static int request_component(unsigned long nr)
{
	if (nr >= 64)
		return -EINVAL;
	return xstate_features() & BIT_ULL(nr) ? 0 : -EOPNOTSUPP;
}

long do_arch_prctl(struct task_struct *tsk, int option, unsigned long arg)
{
	struct thread_struct *thread = &tsk->thread;

	switch (option) {
	case ARCH_SET_FS:
		return set_base(&thread->fsbase, arg);
	case ARCH_SET_GS:
		if (arg && arg < TASK_SIZE && tsk->mm)
			rewrite_off(tsk->mm);
		return set_base(&thread->gsbase, arg);
	case ARCH_GET_FS:
		return put_user(thread->fsbase, (unsigned long __user *)arg);
	case ARCH_GET_GS:
		return put_user(thread->gsbase, (unsigned long __user *)arg);
	case ARCH_GET_CPUID:
		return 1;	/* CPUID never traps */
	case ARCH_SET_CPUID:
		return -ENODEV;
	case ARCH_GET_XCOMP_SUPP:
	case ARCH_GET_XCOMP_PERM:
		return put_user(xstate_features(), (u64 __user *)arg);
	case ARCH_REQ_XCOMP_PERM:
		return request_component(arg);
	}
	return -EINVAL;
}

SYSCALL_DEFINE2(arch_prctl, int, option, unsigned long, arg2)
{
	return do_arch_prctl(current, option, arg2);
}
