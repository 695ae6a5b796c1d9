/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Defences against guest programs that a control build can leave out, one by
 * one, to see the attack that each of them stops succeed: boot_info.unsafe, by
 * the option unsafe= (host/unsafe.c).  An ordinary build has none of this.
 *
 * To be included by no other header: a control build compiles again whatever
 * includes this.
 */
#ifndef _ASM_USER_UNSAFE_H
#define _ASM_USER_UNSAFE_H

#define UNSAFE_GUEST_FILTER	0x001	/* guest threads install no filter */
#define UNSAFE_THREAD_ORDER	0x002	/* a new thread can be diverted before it has */
#define UNSAFE_PDEATHSIG	0x004	/* stubs do not die with the zygote */
#define UNSAFE_RECYCLE_THREAD	0x008	/* a stub's thread is believed to be parked */
#define UNSAFE_RECYCLE_CLEAR	0x010	/* areas and vector state are not cleared */
#define UNSAFE_KICK_TID		0x020	/* the kick goes where the hand-off page says */
#define UNSAFE_PARK_LIMIT	0x040	/* a new thread is waited for without limit */
#define UNSAFE_FRAME_CHECK	0x080	/* offsets in an area are not checked */
#define UNSAFE_RUN_ON		0x100	/* nobody looks whether parked threads run on */
#define UNSAFE_LOST_PIDFD	0x200	/* a stub without a pidfd is not noticed */
#define UNSAFE_STILL		0x400	/* a thread that says it has parked is taken to sleep */
#define UNSAFE_HOLD		0x800	/* a page that has to outlive its mapping is freed */

#ifndef __ASSEMBLY__

/* Whether a defence is left out. */
#ifdef CONFIG_KERNELET_ATTACK_CONTROL
#define guest_unsafe(bit)	(host_boot_info()->unsafe & (bit))
#else
#define guest_unsafe(bit)	0
#endif

#endif /* __ASSEMBLY__ */
#endif /* _ASM_USER_UNSAFE_H */
