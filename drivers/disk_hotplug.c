// SPDX-License-Identifier: GPL-2.0-only
/*
 * Disks that come and go while the guest runs: what the host says on the socket of
 * disk_socket=.  The host side has looked at the message; this adds and removes.
 */
#include <linux/init.h>
#include <linux/workqueue.h>
#include <asm/host_events.h>
#include "disk.h"

static u32 event;

static void look(unsigned int number)
{
	struct host_disk_counts counts;
	int ret = disk_counts(number, &counts);

	host_disk_answer(ret, number, ret ? NULL : &counts);
}

static void change(enum host_disk_change what, unsigned int number)
{
	bool added = what == HOST_DISK_ADDED;
	int ret = added ? disk_add(number) : disk_remove(number);

	/* files of one that could not be added, or is gone */
	if (added == !!ret)
		host_disk_forget(number);
	host_disk_answer(ret, number, NULL);
}

static void hotplug_work(struct work_struct *work)
{
	enum host_disk_change what;
	unsigned int number;
	int ret;

	do {
		ret = host_disk_receive(&what, &number);
		if (!ret && what == HOST_DISK_LOOK)
			look(number);
		else if (!ret)
			change(what, number);
	} while (!ret || ret == -EINTR);
	if (ret == -EAGAIN)
		host_watch(host_disk_socket(), event, false);
}

static DECLARE_WORK(hotplug, hotplug_work);

static void hotplug_event(void *data)
{
	schedule_work(&hotplug);
}

static int __init hotplug_init(void)
{
	int ret;

	if (host_disk_socket() < 0)
		return 0;
	ret = host_event_register(&event, hotplug_event, NULL);
	if (!ret)
		hotplug_event(NULL);
	return ret;
}
late_initcall(hotplug_init);
