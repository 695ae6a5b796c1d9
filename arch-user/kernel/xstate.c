// SPDX-License-Identifier: GPL-2.0-only
/*
 * Floating-point and vector state of guest tasks.
 *
 * Theory of operation
 *
 * The kernel is built without vector instructions and never holds a guest
 * task's state in registers.  While a task is in the kernel its state lies in
 * the host's signal frame, in guest_xstate(): an XSAVE area in the standard
 * format.  The stub loads it with XRSTOR when the task runs again.
 *
 * Two things follow.  The memory belongs to the guest: a sibling thread may
 * write to it at any time, so nothing read from it is used as a size or an
 * offset.  And what the kernel itself writes there must be such that XRSTOR
 * does not fault: see legacy_ok() and header_ok(), and the Intel SDM, volume
 * 1, chapter 13, for the rules.
 *
 * Sizes and offsets come from CPUID leaf 0xd.  Components that do not fit in
 * the host's frame are not there: the host leaves out those that a process has
 * to ask for (AMX), and nobody asks.
 */

#include <linux/init.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <asm/host.h>
#include <asm/intercept.h>
#include <asm/xstate.h>

#define CPUID_XSTATE		0xd
#define XSTATE_BITS		63

#define X87_CONTROL_INIT	0x037f
#define MXCSR_INIT		0x1f80
#define MXCSR_MASK_DEFAULT	0xffbf

/**
 * struct xstate_part - a component behind the legacy region
 * @feature:	its bit
 * @offset:	where it lies in the area
 * @size:	bytes
 */
struct xstate_part {
	u64 feature;
	unsigned int offset;
	unsigned int size;
};

/*
 * Set once at boot.
 * @features:	components in use
 * @user_size:	bytes up to the end of the last one
 * @mxcsr_mask:	bits of MXCSR this processor knows
 * @part:	those behind the legacy region
 * @nparts:	how many
 */
static struct {
	u64 features;
	unsigned int user_size;
	u32 mxcsr_mask;
	struct xstate_part part[XSTATE_BITS];
	unsigned int nparts;
} layout __ro_after_init;

unsigned int xstate_user_size(void)
{
	return layout.user_size;
}

u64 xstate_features(void)
{
	return layout.features;
}

static u32 __init read_mxcsr_mask(void)
{
	static struct _fpstate fx __initdata __aligned(16);

	asm volatile("fxsaveq %0" : "=m" (fx));
	return fx.mxcsr_mask ?: MXCSR_MASK_DEFAULT;
}

/*
 * Enter a component into the layout when the host's frame has it.
 */
static void __init add_part(unsigned int nr, unsigned int room)
{
	u32 size, offset, flags, unused;

	asm volatile("cpuid" : "=a" (size), "=b" (offset), "=c" (flags), "=d" (unused)
			     : "a" (CPUID_XSTATE), "c" (nr));
	if (!size || offset < XSTATE_EXT_OFFSET || offset > room || size > room - offset)
		return;

	layout.part[layout.nparts++] = (struct xstate_part) {
		.feature	= BIT_ULL(nr),
		.offset		= offset,
		.size		= size,
	};
	layout.features |= BIT_ULL(nr);
	layout.user_size = max(layout.user_size, offset + size);
}

static int __init xstate_setup(void)
{
	const struct boot_info *host = host_boot_info();
	u64 extended = host->xfeatures & ~(XSTATE_LEGACY | XSTATE_AMX);
	unsigned int nr;

	layout.features = XSTATE_LEGACY;
	layout.user_size = XSTATE_EXT_OFFSET;
	layout.mxcsr_mask = read_mxcsr_mask();

	for (nr = 0; nr < XSTATE_BITS; nr++)
		if (extended & BIT_ULL(nr))
			add_part(nr, host->xstate_size - FP_XSTATE_MAGIC2_SIZE);
	return 0;
}
early_initcall(xstate_setup);

/* --- the initial state ------------------------------------------------------ */

static void init_x87(struct _fpstate *fx)
{
	memset(fx, 0, offsetof(struct _fpstate, mxcsr));
	memset(fx->st_space, 0, sizeof(fx->st_space));
	fx->cwd = X87_CONTROL_INIT;
}

static void init_mxcsr(struct _fpstate *fx)
{
	fx->mxcsr = MXCSR_INIT;
	fx->mxcsr_mask = layout.mxcsr_mask;
}

void xstate_reset_area(struct _xstate *area)
{
	/* No component is in use: XRSTOR takes MXCSR alone from memory. */
	init_mxcsr(&area->fpstate);
	memset(&area->xstate_hdr, 0, sizeof(area->xstate_hdr));
}

void xstate_reset(struct task_struct *tsk)
{
	xstate_reset_area(guest_xstate(tsk));
}

/* --- showing it ----------------------------------------------------------- */

/*
 * Write the initial values of components that XRSTOR would not look at.
 */
static void fill_unused(struct _xstate *area, u64 unused)
{
	const struct xstate_part *p;
	unsigned int i;

	if (unused & XSTATE_X87)
		init_x87(&area->fpstate);
	if (unused & XSTATE_SSE)
		memset(area->fpstate.xmm_space, 0, sizeof(area->fpstate.xmm_space));
	for (i = 0; i < layout.nparts; i++) {
		p = &layout.part[i];
		if (unused & p->feature)
			memset((void *)area + p->offset, 0, p->size);
	}
}

const struct _xstate *xstate_view(struct task_struct *tsk)
{
	struct _xstate *area = guest_xstate(tsk);
	u64 used = READ_ONCE(area->xstate_hdr.xfeatures) & layout.features;

	memset(&area->xstate_hdr, 0, sizeof(area->xstate_hdr));
	area->xstate_hdr.xfeatures = used;
	area->fpstate.mxcsr &= layout.mxcsr_mask;
	area->fpstate.mxcsr_mask = layout.mxcsr_mask;
	fill_unused(area, layout.features & ~used);
	return area;
}

/* --- changing it ---------------------------------------------------------- */

static bool legacy_ok(const struct _fpstate *fx)
{
	return !(fx->mxcsr & ~layout.mxcsr_mask);
}

static bool header_ok(const struct _header *hdr)
{
	return !(hdr->xfeatures & ~layout.features) &&
	       !memchr_inv(hdr->reserved1, 0, sizeof(hdr->reserved1)) &&
	       !memchr_inv(hdr->reserved2, 0, sizeof(hdr->reserved2));
}

/*
 * Store what has been checked.  The software bytes stay the host's.
 */
static void store_legacy(struct _xstate *area, const struct _fpstate *fx, u64 used)
{
	memcpy(&area->fpstate, fx, XSTATE_SW_OFFSET);
	memset(&area->xstate_hdr, 0, sizeof(area->xstate_hdr));
	area->xstate_hdr.xfeatures = used;
}

int xstate_set(struct task_struct *tsk, const struct _xstate *from)
{
	struct _xstate *area = guest_xstate(tsk);

	if (!legacy_ok(&from->fpstate) || !header_ok(&from->xstate_hdr))
		return -EINVAL;

	store_legacy(area, &from->fpstate, from->xstate_hdr.xfeatures);
	memcpy((void *)area + XSTATE_EXT_OFFSET, (const void *)from + XSTATE_EXT_OFFSET,
	       layout.user_size - XSTATE_EXT_OFFSET);
	return 0;
}

int xstate_set_legacy(struct task_struct *tsk, const struct _fpstate *from)
{
	const struct _xstate *now = xstate_view(tsk);

	if (!legacy_ok(from))
		return -EINVAL;
	store_legacy(guest_xstate(tsk), from, now->xstate_hdr.xfeatures | XSTATE_LEGACY);
	return 0;
}

/* --- signal frames -------------------------------------------------------- */

/*
 * The part of the frame that is not copied as it is.  x87 and SSE are always
 * marked as in use: a handler that knows FXSAVE alone may change them.
 */
static void make_frame_header(struct _fpx_sw_bytes *sw, struct _header *hdr, u64 used)
{
	*sw = (struct _fpx_sw_bytes) {
		.magic1		= FP_XSTATE_MAGIC1,
		.extended_size	= layout.user_size + FP_XSTATE_MAGIC2_SIZE,
		.xfeatures	= layout.features,
		.xstate_size	= layout.user_size,
	};
	*hdr = (struct _header) {
		.xfeatures	= used | XSTATE_LEGACY,
	};
}

int xstate_save_user(void __user *to)
{
	const struct _xstate *area = xstate_view(current);
	struct {
		struct _fpx_sw_bytes sw;
		struct _header hdr;
	} mid;
	const u32 magic2 = FP_XSTATE_MAGIC2;

	make_frame_header(&mid.sw, &mid.hdr, area->xstate_hdr.xfeatures);

	if (copy_to_user(to, area, XSTATE_SW_OFFSET) ||
	    copy_to_user(to + XSTATE_SW_OFFSET, &mid, sizeof(mid)) ||
	    copy_to_user(to + XSTATE_EXT_OFFSET, (const void *)area + XSTATE_EXT_OFFSET,
			 layout.user_size - XSTATE_EXT_OFFSET) ||
	    copy_to_user(to + layout.user_size, &magic2, sizeof(magic2)))
		return -EFAULT;
	return 0;
}

/*
 * Whether a frame holds more than FXSAVE's part: then both magic words are
 * where they belong and the sizes are possible.
 */
static bool has_extended(void __user *from, const struct _fpx_sw_bytes *sw)
{
	u32 magic2;

	return sw->magic1 == FP_XSTATE_MAGIC1 &&
	       sw->xstate_size >= XSTATE_EXT_OFFSET &&
	       sw->xstate_size <= layout.user_size &&
	       sw->xstate_size <= sw->extended_size &&
	       !get_user(magic2, (u32 __user *)(from + sw->xstate_size)) &&
	       magic2 == FP_XSTATE_MAGIC2;
}

/*
 * Components a frame holds, by its own word and by its size.
 */
static u64 frame_features(const struct _fpx_sw_bytes *sw)
{
	u64 features = sw->xfeatures & layout.features;
	const struct xstate_part *p;
	unsigned int i;

	for (i = 0; i < layout.nparts; i++) {
		p = &layout.part[i];
		if (p->offset + p->size > sw->xstate_size)
			features &= ~p->feature;
	}
	return features;
}

static int restore_extended(void __user *from, struct _fpstate *fx)
{
	struct _xstate *area = guest_xstate(current);
	u64 features = frame_features(&fx->sw_reserved);
	struct _header hdr;

	if (copy_from_user(&hdr, from + sizeof(*fx), sizeof(hdr)))
		return -EFAULT;
	if (!IS_ALIGNED((unsigned long)from, XSTATE_ALIGN) || !header_ok(&hdr))
		return -EINVAL;

	if (!(features & (XSTATE_SSE | XSTATE_AVX)))
		init_mxcsr(fx);
	if (!legacy_ok(fx))
		return -EINVAL;

	store_legacy(area, fx, hdr.xfeatures & features);
	if (copy_from_user((void *)area + XSTATE_EXT_OFFSET, from + XSTATE_EXT_OFFSET,
			   fx->sw_reserved.xstate_size - XSTATE_EXT_OFFSET))
		return -EFAULT;
	return 0;
}

static int restore_legacy(void __user *from, const struct _fpstate *fx)
{
	if (!IS_ALIGNED((unsigned long)from, 16) || !legacy_ok(fx))
		return -EINVAL;
	store_legacy(guest_xstate(current), fx, XSTATE_LEGACY);
	return 0;
}

int xstate_restore_user(void __user *from)
{
	struct _fpstate fx;
	int err = 0;

	if (!from)
		xstate_reset(current);
	else if (copy_from_user(&fx, from, sizeof(fx)))
		err = -EFAULT;
	else if (has_extended(from, &fx.sw_reserved))
		err = restore_extended(from, &fx);
	else
		err = restore_legacy(from, &fx);

	if (err)
		xstate_reset(current);
	return err;
}

int xstate_fpe_code(unsigned int vector)
{
	const struct _xstate *area = xstate_view(current);
	u32 mxcsr = area->fpstate.mxcsr;
	u32 raised;

	/* Exceptions raised and not masked: the same six bits for both. */
	if (vector == VECTOR_MF)
		raised = area->fpstate.swd & ~area->fpstate.cwd;
	else
		raised = mxcsr & ~(mxcsr >> 7);
	if (raised & BIT(0))
		return FPE_FLTINV;
	if (raised & BIT(2))
		return FPE_FLTDIV;
	if (raised & BIT(3))
		return FPE_FLTOVF;
	if (raised & (BIT(1) | BIT(4)))
		return FPE_FLTUND;
	if (raised & BIT(5))
		return FPE_FLTRES;
	return FPE_FLTUNK;
}
