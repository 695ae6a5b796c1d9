// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events of the host's I/O thread, handed to those they are for.
 */
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/xarray.h>
#include <asm/host.h>
#include <asm/host_events.h>
#include <asm/intercept.h>

struct host_event_handler {
	void (*fn)(void *data);
	void *data;
};

static DEFINE_XARRAY_FLAGS(handlers, XA_FLAGS_ALLOC1 | XA_FLAGS_LOCK_IRQ);

int host_event_register(u32 *id, void (*fn)(void *data), void *data)
{
	struct host_event_handler *h = kmalloc(sizeof(*h), GFP_KERNEL);
	int ret;

	if (!h)
		return -ENOMEM;
	h->fn = fn;
	h->data = data;
	ret = xa_alloc_irq(&handlers, id, h, xa_limit_32b, GFP_KERNEL);
	if (ret)
		kfree(h);
	return ret;
}
EXPORT_SYMBOL_GPL(host_event_register);

void host_event_unregister(u32 id)
{
	struct host_event_handler *h = xa_erase_irq(&handlers, id);

	/* the interrupt that runs handlers is an RCU reader */
	synchronize_rcu();
	kfree(h);
}
EXPORT_SYMBOL_GPL(host_event_unregister);

static void run_handler(u32 id)
{
	struct host_event_handler *h;

	rcu_read_lock();
	h = xa_load(&handlers, id);
	if (h)
		h->fn(h->data);
	rcu_read_unlock();
}

void host_events_run(void)
{
	struct host_event ev;

	while (host_event_next(&ev)) {
		switch (ev.type) {
		case HOST_EVENT_READY:
			run_handler(ev.id);
			break;
		case HOST_EVENT_STUB_DEAD:
			stub_died(ev.id);
			break;
		case HOST_EVENT_WINDOW:
			user_console_resize();
			break;
		case HOST_EVENT_CHILD:
			host_traced_reap();
			break;
		}
	}
	host_watch_run();
}
