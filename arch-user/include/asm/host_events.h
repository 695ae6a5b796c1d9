/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who is told when a descriptor that was given to host_watch() is ready.
 */
#ifndef _ASM_USER_HOST_EVENTS_H
#define _ASM_USER_HOST_EVENTS_H

#include <linux/smp.h>
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
 * struct host_watcher - a descriptor that is watched for a device with traffic
 * @fd:		the descriptor
 * @fn:		called in hard interrupt context when it can be read, also
 *		without cause
 * @data:	its argument
 * @id:		of the host's event
 * @state:	who looks at it
 * @next:	another one
 */
struct host_watcher {
	int fd;
	void (*fn)(void *data);
	void *data;
	u32 id;
	enum { WATCHER_OFF, WATCHER_WAITS, WATCHER_ARMED } state;
	struct host_watcher *next;
};

/**
 * host_watcher_add() - begin to watch; the first event comes after host_watcher_on()
 * @w:		@fd, @fn and @data are set
 *
 * Context: may sleep.
 */
int host_watcher_add(struct host_watcher *w);

/**
 * host_watcher_remove() - the end of it
 * Context: may sleep; host_watcher_on() is not called any more.
 */
void host_watcher_remove(struct host_watcher *w);

/**
 * host_watcher_on() - have an event when the descriptor can be read, once
 *
 * Context: any.
 */
void host_watcher_on(struct host_watcher *w);

extern bool host_watch_waits;
void host_watch_arm_all(void);

/**
 * host_watch_arm() - have the I/O thread look at what nobody looks at yet
 *
 * Before vCPU 0 goes on with guest code, and at its ticks.
 */
static __always_inline void host_watch_arm(void)
{
	if (unlikely(READ_ONCE(host_watch_waits)) && !raw_smp_processor_id())
		host_watch_arm_all();
}

/**
 * host_watch_idle() - before an idle vCPU sleeps: look at descriptors ourselves
 * @pending:	its pending interrupts
 *
 * Context: arch_cpu_idle().
 * Return: true when there are pending interrupts now.
 */
bool host_watch_idle(u32 *pending);

/**
 * host_watch_run() - tell those whose descriptors an idle vCPU has found ready
 *
 * Context: hard interrupt.
 */
void host_watch_run(void);

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

#ifdef CONFIG_BLK_DEV_USER
/**
 * user_disk_interrupt() - take what the host has done for disks
 *
 * Context: hard interrupt, of the vCPU that asked for it.
 */
void user_disk_interrupt(void);
#else
static inline void user_disk_interrupt(void) { }
#endif

#endif /* _ASM_USER_HOST_EVENTS_H */
