/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Floating-point and vector state of guest tasks, in the XSAVE format.
 */
#ifndef _ASM_USER_XSTATE_H
#define _ASM_USER_XSTATE_H

#include <linux/bits.h>
#include <linux/types.h>
#include <uapi/asm/sigcontext.h>

struct task_struct;

/* State components that have a meaning here; the others are only carried. */
#define XSTATE_X87		BIT_ULL(0)
#define XSTATE_SSE		BIT_ULL(1)
#define XSTATE_AVX		BIT_ULL(2)
#define XSTATE_AMX		(BIT_ULL(17) | BIT_ULL(18))

#define XSTATE_LEGACY		(XSTATE_X87 | XSTATE_SSE)

/* The bytes of the legacy region that software may use, and the rest. */
#define XSTATE_SW_OFFSET	offsetof(struct _fpstate, sw_reserved)
#define XSTATE_EXT_OFFSET	offsetof(struct _xstate, ymmh)

/* XSAVE areas begin at a multiple of this. */
#define XSTATE_ALIGN		64

/**
 * xstate_user_size() - size of the state as user space sees it
 *
 * Return: bytes of an XSAVE area in standard format that holds all components
 * of xstate_features(), without the magic word behind it in a signal frame.
 */
unsigned int xstate_user_size(void);

/**
 * xstate_features() - components a guest task has
 *
 * Return: a mask in the format of XCR0.
 */
u64 xstate_features(void);

/**
 * xstate_reset() - give a task the state of a new program
 * @tsk:	current, or stopped
 */
void xstate_reset(struct task_struct *tsk);

/**
 * xstate_reset_area() - make an XSAVE area the initial state
 * @area:	XSTATE_ALIGN-aligned
 */
void xstate_reset_area(struct _xstate *area);

/**
 * xstate_fpe_code() - why a floating point exception was raised
 * @vector:	VECTOR_MF (x87) or VECTOR_XF (SSE)
 *
 * Context: current's guest code is stopped.
 * Return: FPE_*.
 */
int xstate_fpe_code(unsigned int vector);


/**
 * xstate_view() - a task's state, made fit to be shown
 * @tsk:	current, or stopped
 *
 * Return: xstate_user_size() bytes, all of them defined: a component that is
 * not in use holds its initial values.  The software bytes do not belong to
 * it.  Guest threads may write to the memory at any time: copy, never trust.
 */
const struct _xstate *xstate_view(struct task_struct *tsk);

/**
 * xstate_set() - replace a task's state
 * @tsk:	stopped
 * @from:	xstate_user_size() bytes in kernel memory
 *
 * Return: 0, or -EINVAL when XRSTOR would not take it; nothing is changed
 * then.
 */
int xstate_set(struct task_struct *tsk, const struct _xstate *from);

/**
 * xstate_set_legacy() - replace what FXSAVE knows of a task's state
 * @tsk:	stopped
 * @from:	the new values in kernel memory
 *
 * Return: 0, or -EINVAL when FXRSTOR would not take it; nothing is changed
 * then.
 */
int xstate_set_legacy(struct task_struct *tsk, const struct _fpstate *from);

/**
 * xstate_save_user() - write the current task's state to a signal frame
 * @to:		XSTATE_ALIGN'ed user memory of xstate_user_size() bytes and
 *		FP_XSTATE_MAGIC2_SIZE more
 *
 * Context: may sleep.
 * Return: 0 or -EFAULT.
 */
int xstate_save_user(void __user *to);

/**
 * xstate_restore_user() - load the current task's state from a signal frame
 * @from:	what the frame says; NULL stands for the initial state
 *
 * Takes frames without extended state too.  After an error the task has the
 * initial state.
 *
 * Context: may sleep.
 * Return: 0, -EFAULT, or -EINVAL when XRSTOR would not take it.
 */
int xstate_restore_user(void __user *from);

#endif /* _ASM_USER_XSTATE_H */
