// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a debugger and a core dump see of a task's registers.
 *
 * The layouts are x86-64's: struct user_regs_struct, FXSAVE's image, and the
 * XSAVE area with the mask of components in its software bytes.  There are no
 * debug registers: they read as zero, and zero is all that can be written to
 * them.  Stepping is in step.c.
 */

#include <linux/elf.h>
#include <linux/errno.h>
#include <linux/init.h>
#include <linux/ptrace.h>
#include <linux/regset.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <asm/arch_prctl.h>
#include <asm/processor.h>
#include <asm/rewrite.h>
#include <asm/step.h>
#include <asm/xstate.h>

/* struct user and its parts: what debuggers know as <sys/user.h> */
#include <../arch/x86/include/asm/user_64.h>

#define USER_REG(name)	offsetof(struct user_regs_struct, name)

/* struct pt_regs is the beginning of what user space is shown. */
static_assert(offsetof(struct pt_regs, r15) == USER_REG(r15));
static_assert(offsetof(struct pt_regs, orig_ax) == USER_REG(orig_ax));
static_assert(offsetof(struct pt_regs, ss) == USER_REG(ss));
static_assert(sizeof(struct pt_regs) == USER_REG(fs_base));

/* --- single registers ------------------------------------------------------- */

static unsigned long read_reg(struct task_struct *tsk, unsigned int offset)
{
	switch (offset) {
	case USER_REG(flags):
		return user_flags(tsk);
	case USER_REG(fs_base):
		return tsk->thread.fsbase;
	case USER_REG(gs_base):
		return tsk->thread.gsbase;
	case USER_REG(ds):
	case USER_REG(es):
	case USER_REG(fs):
	case USER_REG(gs):
		return 0;
	default:
		return *(unsigned long *)((void *)task_pt_regs(tsk) + offset);
	}
}

static int write_base(unsigned long *base, unsigned long value)
{
	if (value >= TASK_SIZE)
		return -EIO;
	*base = value;
	return 0;
}

static int write_reg(struct task_struct *tsk, unsigned int offset, unsigned long value)
{
	switch (offset) {
	case USER_REG(flags):
		set_user_flags(tsk, value);
		return 0;
	case USER_REG(fs_base):
		return write_base(&tsk->thread.fsbase, value);
	case USER_REG(gs_base):
		if (value && tsk->mm)
			rewrite_off(tsk->mm);
		return write_base(&tsk->thread.gsbase, value);
	case USER_REG(cs):
	case USER_REG(ss):
	case USER_REG(ds):
	case USER_REG(es):
	case USER_REG(fs):
	case USER_REG(gs):
		return value == read_reg(tsk, offset) ? 0 : -EIO;
	default:
		*(unsigned long *)((void *)task_pt_regs(tsk) + offset) = value;
		return 0;
	}
}

/* --- register sets -------------------------------------------------------- */

static int general_get(struct task_struct *tsk, const struct user_regset *regset,
		       struct membuf to)
{
	unsigned int offset;

	for (offset = 0; offset < sizeof(struct user_regs_struct); offset += sizeof(long))
		membuf_store(&to, read_reg(tsk, offset));
	return to.left;
}

static int general_set(struct task_struct *tsk, const struct user_regset *regset,
		       unsigned int pos, unsigned int count,
		       const void *kbuf, const void __user *ubuf)
{
	unsigned long value[sizeof(struct user_regs_struct) / sizeof(long)];
	unsigned int offset = pos;
	int err;

	err = user_regset_copyin(&pos, &count, &kbuf, &ubuf, value, 0, sizeof(value));
	for (; !err && offset < pos; offset += sizeof(long))
		err = write_reg(tsk, offset, value[offset / sizeof(long)]);
	return err;
}

static int fp_get(struct task_struct *tsk, const struct user_regset *regset,
		  struct membuf to)
{
	const struct _xstate *state = xstate_view(tsk);

	membuf_write(&to, &state->fpstate, XSTATE_SW_OFFSET);
	return membuf_zero(&to, sizeof(struct _fpx_sw_bytes));
}

static int fp_set(struct task_struct *tsk, const struct user_regset *regset,
		  unsigned int pos, unsigned int count,
		  const void *kbuf, const void __user *ubuf)
{
	struct _fpstate fx;
	int err;

	if (pos || count != sizeof(fx))
		return -EINVAL;
	err = user_regset_copyin(&pos, &count, &kbuf, &ubuf, &fx, 0, sizeof(fx));
	return err ?: xstate_set_legacy(tsk, &fx);
}

static int xstate_get(struct task_struct *tsk, const struct user_regset *regset,
		      struct membuf to)
{
	const struct _xstate *state = xstate_view(tsk);

	/* Debuggers take the first software word for XCR0. */
	membuf_write(&to, &state->fpstate, XSTATE_SW_OFFSET);
	membuf_store(&to, xstate_features());
	membuf_zero(&to, sizeof(struct _fpx_sw_bytes) - sizeof(u64));
	return membuf_write(&to, &state->xstate_hdr,
			    xstate_user_size() - offsetof(struct _xstate, xstate_hdr));
}

static int xstate_put(struct task_struct *tsk, const struct user_regset *regset,
		      unsigned int pos, unsigned int count,
		      const void *kbuf, const void __user *ubuf)
{
	struct _xstate *state;
	int err;

	if (pos || count != xstate_user_size())
		return -EFAULT;

	state = kvmalloc(xstate_user_size(), GFP_KERNEL);
	if (!state)
		return -ENOMEM;
	err = user_regset_copyin(&pos, &count, &kbuf, &ubuf, state, 0, xstate_user_size());
	if (!err)
		err = xstate_set(tsk, state);
	kvfree(state);
	return err;
}

enum { REGSET_GENERAL, REGSET_FP, REGSET_XSTATE, NR_REGSETS };

static struct user_regset regsets[NR_REGSETS] __ro_after_init = {
	[REGSET_GENERAL] = {
		.core_note_type	= NT_PRSTATUS,
		.n		= sizeof(struct user_regs_struct) / sizeof(long),
		.size		= sizeof(long),
		.align		= sizeof(long),
		.regset_get	= general_get,
		.set		= general_set,
	},
	[REGSET_FP] = {
		.core_note_type	= NT_PRFPREG,
		.n		= sizeof(struct user_i387_struct) / sizeof(long),
		.size		= sizeof(long),
		.align		= sizeof(long),
		.regset_get	= fp_get,
		.set		= fp_set,
	},
	[REGSET_XSTATE] = {
		.core_note_type	= NT_X86_XSTATE,
		.size		= sizeof(u64),
		.align		= sizeof(u64),
		.regset_get	= xstate_get,
		.set		= xstate_put,
	},
};

static const struct user_regset_view view = {
	.name		= "x86_64",
	.e_machine	= EM_X86_64,
	.regsets	= regsets,
	.n		= NR_REGSETS,
};

/*
 * The size is known after xstate_setup().
 */
static int __init regsets_setup(void)
{
	regsets[REGSET_XSTATE].n = xstate_user_size() / sizeof(u64);
	return 0;
}
core_initcall(regsets_setup);

const struct user_regset_view *task_user_regset_view(struct task_struct *tsk)
{
	return &view;
}

/* --- requests ------------------------------------------------------------- */

static int read_user_area(struct task_struct *tsk, unsigned long addr, unsigned long data)
{
	unsigned long value = 0;

	if (!IS_ALIGNED(addr, sizeof(value)) || addr >= sizeof(struct user))
		return -EIO;
	if (addr < sizeof(struct user_regs_struct))
		value = read_reg(tsk, addr);
	return put_user(value, (unsigned long __user *)data);
}

/*
 * Debuggers clear the debug registers of every new thread, and give up when
 * they cannot.
 */
static int write_user_area(struct task_struct *tsk, unsigned long addr, unsigned long data)
{
	unsigned long first_dr = offsetof(struct user, u_debugreg);

	if (!IS_ALIGNED(addr, sizeof(data)))
		return -EIO;
	if (addr < sizeof(struct user_regs_struct))
		return write_reg(tsk, addr, data);
	if (addr >= first_dr && addr < first_dr + sizeof_field(struct user, u_debugreg))
		return data ? -EIO : 0;
	return -EIO;
}

static int get_regset(struct task_struct *tsk, unsigned int nr, unsigned long data)
{
	return copy_regset_to_user(tsk, &view, nr, 0, regsets[nr].n * regsets[nr].size,
				   (void __user *)data);
}

static int set_regset(struct task_struct *tsk, unsigned int nr, unsigned long data)
{
	return copy_regset_from_user(tsk, &view, nr, 0, regsets[nr].n * regsets[nr].size,
				     (const void __user *)data);
}

long arch_ptrace(struct task_struct *child, long request, unsigned long addr,
		 unsigned long data)
{
	switch (request) {
	case PTRACE_PEEKUSR:
		return read_user_area(child, addr, data);
	case PTRACE_POKEUSR:
		return write_user_area(child, addr, data);
	case PTRACE_GETREGS:
		return get_regset(child, REGSET_GENERAL, data);
	case PTRACE_SETREGS:
		return set_regset(child, REGSET_GENERAL, data);
	case PTRACE_GETFPREGS:
		return get_regset(child, REGSET_FP, data);
	case PTRACE_SETFPREGS:
		return set_regset(child, REGSET_FP, data);
	case PTRACE_ARCH_PRCTL:
		return do_arch_prctl(child, data, addr);
	default:
		return ptrace_request(child, request, addr, data);
	}
}

/**
 * ptrace_disable() - a tracer lets go of a task
 * @child:	stopped
 */
void ptrace_disable(struct task_struct *child)
{
	user_disable_single_step(child);
}
