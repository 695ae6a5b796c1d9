/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_USER_TIME_H
#define _ASM_USER_TIME_H

/**
 * user_timer_setup() - give the calling vCPU its timer
 *
 * Context: once each time the vCPU comes online, interrupts off.  time_init()
 * does it for vCPU 0.
 */
void user_timer_setup(void);

/**
 * timer_interrupt() - the calling vCPU's timer has expired
 *
 * Context: hard interrupt.
 */
void timer_interrupt(void);

#endif /* _ASM_USER_TIME_H */
