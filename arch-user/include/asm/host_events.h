/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who is told when a descriptor that was given to host_watch() is ready.
 */
#ifndef _ASM_USER_HOST_EVENTS_H
#define _ASM_USER_HOST_EVENTS_H

#include <linux/types.h>

/**
 * host_event_register() - have a function called when a descriptor is ready
 * @id:		result: what to give to host_watch()
 * @fn:		called on vCPU 0 in hard interrupt context.  It may be called
 *		without cause: events that were on their way when the guest
 *		rebooted arrive in the new one
 * @data:	its argument
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int host_event_register(u32 *id, void (*fn)(void *data), void *data);

/**
 * host_event_unregister() - the end of it
 * @id:		from host_event_register()
 *
 * Context: may sleep.  The function is not running any more when this returns.
 */
void host_event_unregister(u32 id);

/**
 * host_events_run() - hand out the events that the I/O thread has left
 *
 * Context: the I/O interrupt, on vCPU 0.
 */
void host_events_run(void);

/**
 * user_early_console() - show kernel messages before there is a real console
 *
 * Context: setup_arch(), after parse_early_param(), which knows of "quiet".
 */
void user_early_console(void);

#ifdef CONFIG_HVC_USER
/**
 * user_console_resize() - a host terminal has changed its size
 *
 * Context: hard interrupt.
 */
void user_console_resize(void);
#else
static inline void user_console_resize(void) { }
#endif

#endif /* _ASM_USER_HOST_EVENTS_H */
