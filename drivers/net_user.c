// SPDX-License-Identifier: GPL-2.0-only
/*
 * eth0 to eth15: what net0= to net15= of the command line name.
 *
 * Theory of operation
 *
 * An interface is a descriptor of the host, for each queue one: a TAP device, or
 * a socket whose messages are frames.  Frames go out as they come (net_tx.c) and
 * are received by NAPI (net_rx.c), which is scheduled when the host says that
 * there is something (host_watch.c).  With a struct virtio_net_hdr before each
 * frame checksums and the segmentation of TCP and UDP are left to the host, or
 * to whoever is at the other end, and a frame may be 64K long.
 *
 * Over a socket the other side says by messages of one byte, notices, whether
 * there is a link.  A spare interface does not exist until there is one, and
 * vanishes when told: this is how interfaces are added to a guest that runs,
 * whose kernel cannot get descriptors any more.
 *
 * All that comes in may be hostile and is checked by the network core; headers
 * of the host by virtio_net_hdr_to_skb().
 */
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/init.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include "net_user.h"

/* ---- events ---------------------------------------------------------------- */

static void schedule_here(void *data)
{
	struct net_queue *q = data;

	napi_schedule_irqoff(&q->napi);
}

/* vCPU 0, hard interrupt: queues beyond the first are other vCPUs'. */
static void readable(void *data)
{
	struct net_queue *q = data;

	q->count.rx_events++;
	if (q->index && cpu_online(q->index) &&
	    !smp_call_function_single_async(q->index, &q->csd))
		return;
	schedule_here(q);
}

void net_notice(struct net_port *port, u8 notice)
{
	switch (notice) {
	case NET_LINK_DOWN:
	case NET_LINK_UP:
	case NET_LINK_UP_OFFLOADS:
		port->link = notice != NET_LINK_DOWN;
		if (!port->dev) {
			port->offloads = notice == NET_LINK_UP_OFFLOADS;
			break;
		}
		if (port->link)
			netif_carrier_on(port->dev);
		else
			netif_carrier_off(port->dev);
		break;
	case NET_REMOVE:
		port->link = false;
		if (!port->host->spare || !port->dev)
			break;
		port->removal = true;
		schedule_work(&port->idle_work);
		break;
	}
}

/* ---- the device ------------------------------------------------------------ */

static void queue_close(struct net_queue *q)
{
	napi_disable(&q->napi);
	host_watcher_remove(&q->watch);
	net_tx_drop(q);
	net_tx_free(q);
	net_rx_free(q);
}

static int queue_open(struct net_queue *q)
{
	int ret = net_rx_init(q);

	if (ret)
		return ret;
	ret = net_tx_init(q);
	if (ret)
		goto out_rx;
	q->watch.fd = q->fd;
	q->watch.fn = readable;
	q->watch.data = q;
	ret = host_watcher_add(&q->watch);
	if (ret)
		goto out_tx;
	napi_enable(&q->napi);
	return 0;

out_tx:
	net_tx_free(q);
out_rx:
	net_rx_free(q);
	return ret;
}

static int net_open(struct net_device *dev)
{
	struct net_port *port = net_port(dev);
	int i, ret;

	for (i = 0; i < port->host->queues; i++) {
		ret = queue_open(&port->queue[i]);
		if (ret)
			goto out_close;
	}
	/* what has come meanwhile */
	for (i = 0; i < port->host->queues; i++) {
		local_bh_disable();
		napi_schedule(&port->queue[i].napi);
		local_bh_enable();
	}
	netif_tx_start_all_queues(dev);
	return 0;

out_close:
	while (i--)
		queue_close(&port->queue[i]);
	return ret;
}

static int net_stop(struct net_device *dev)
{
	struct net_port *port = net_port(dev);
	int i;

	netif_tx_disable(dev);
	for (i = 0; i < port->host->queues; i++)
		queue_close(&port->queue[i]);
	if (port->host->socket && !port->queue[0].dead)
		schedule_work(&port->idle_work);
	return 0;
}

static int net_change_mtu(struct net_device *dev, int mtu)
{
	WRITE_ONCE(dev->mtu, mtu);
	return 0;
}

static void net_get_stats64(struct net_device *dev, struct rtnl_link_stats64 *stats)
{
	struct net_port *port = net_port(dev);
	int i;

	for (i = 0; i < port->host->queues; i++) {
		const struct net_counters *c = &port->queue[i].count;

		stats->rx_packets += c->rx_packets;
		stats->rx_bytes += c->rx_bytes;
		stats->rx_dropped += c->rx_dropped;
		stats->rx_length_errors += c->rx_length_errors;
		stats->rx_frame_errors += c->rx_frame_errors;
		stats->rx_errors += c->rx_length_errors + c->rx_frame_errors;
		stats->tx_packets += c->tx_packets;
		stats->tx_bytes += c->tx_bytes;
		stats->tx_dropped += c->tx_dropped;
		stats->tx_errors += c->tx_errors;
	}
}

static const struct net_device_ops net_ops = {
	.ndo_open		= net_open,
	.ndo_stop		= net_stop,
	.ndo_start_xmit		= net_xmit,
	.ndo_change_mtu		= net_change_mtu,
	.ndo_get_stats64	= net_get_stats64,
	.ndo_set_mac_address	= eth_mac_addr,
	.ndo_validate_addr	= eth_validate_addr,
	.ndo_features_check	= passthru_features_check,
};

static void set_features(struct net_device *dev, const struct net_port *port)
{
	dev->features = NETIF_F_HIGHDMA;
	if (port->offloads)
		dev->features |= NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_TSO | NETIF_F_TSO6 |
				 NETIF_F_TSO_ECN | NETIF_F_GSO_ROBUST;
	if (port->offloads && port->host->uso)
		dev->features |= NETIF_F_GSO_UDP_L4;
	dev->hw_features = dev->features & ~(NETIF_F_HIGHDMA | NETIF_F_GSO_ROBUST);
	dev->vlan_features = dev->features;
	dev->priv_flags |= IFF_LIVE_ADDR_CHANGE;
}

static void net_setup(struct net_port *port, struct net_device *dev)
{
	const struct host_net *host = port->host;
	int i;

	((struct net_priv *)netdev_priv(dev))->port = port;
	dev->netdev_ops = &net_ops;
	dev->ethtool_ops = &net_ethtool_ops;
	dev->min_mtu = ETH_MIN_MTU;
	dev->max_mtu = HOST_NET_MTU;
	dev->needs_free_netdev = true;
	if (host->mtu)
		dev->mtu = host->mtu;
	if (host->has_mac)
		eth_hw_addr_set(dev, host->mac);
	else
		eth_hw_addr_random(dev);
	set_features(dev, port);
	for (i = 0; i < host->queues; i++) {
		struct net_queue *q = &port->queue[i];

		q->dead = false;
		netif_napi_add(dev, &q->napi, net_rx_poll);
	}
}

static int net_create(struct net_port *port)
{
	struct net_device *dev = alloc_etherdev_mq(sizeof(struct net_priv), port->host->queues);
	int ret;

	if (!dev)
		return -ENOMEM;
	snprintf(dev->name, IFNAMSIZ, "eth%u", port->number);
	net_setup(port, dev);
	port->dev = dev;
	ret = register_netdevice(dev);
	if (ret) {
		port->dev = NULL;
		free_netdev(dev);
		return ret;
	}
	netif_carrier_on(dev);
	return 0;
}

static void net_destroy(struct net_port *port)
{
	unregister_netdevice(port->dev);
	port->dev = NULL;
}

/* ---- while nothing is received --------------------------------------------- */

/* Acts on notices and drops frames; returns whether there may be more to come. */
static bool drain(struct net_port *port)
{
	struct host_iov iov;
	struct host_frame f;
	u8 byte;

	for (;;) {
		iov = (struct host_iov){ &byte, 1 };
		f = (struct host_frame){ .iov = &iov, .niov = 1 };
		if (host_frames_recv(port->queue[0].fd, &f, 1) != 1)
			return true;
		if (!(u32)f.len)
			return false;
		if (!((u32)f.flags & HOST_FRAME_CUT))
			net_notice(port, byte);
	}
}

static void idle_work(struct work_struct *work)
{
	struct net_port *port = container_of(work, struct net_port, idle_work);
	bool more = true;

	rtnl_lock();
	if (!port->dev || !netif_running(port->dev))
		more = drain(port);
	if (port->dev && port->removal)
		net_destroy(port);
	port->removal = false;
	if (!port->dev && port->link && net_create(port))
		pr_err("eth%u: cannot be added\n", port->number);
	if (more && (!port->dev || !netif_running(port->dev)))
		host_watch(port->queue[0].fd, port->idle_event, false);
	rtnl_unlock();
}

static void idle_event(void *data)
{
	struct net_port *port = data;

	schedule_work(&port->idle_work);
}

/* ---- start ----------------------------------------------------------------- */

static int __init net_add(unsigned int n, const struct host_net *host)
{
	struct net_port *port = kzalloc(struct_size(port, queue, host->queues), GFP_KERNEL);
	int i, ret;

	if (!port)
		return -ENOMEM;
	port->host = host;
	port->number = n;
	INIT_WORK(&port->idle_work, idle_work);
	for (i = 0; i < host->queues; i++) {
		struct net_queue *q = &port->queue[i];

		q->port = port;
		q->index = i;
		q->fd = host->fd[i];
		INIT_CSD(&q->csd, schedule_here, q);
	}
	net_pcap_start(port);
	if (host->socket) {
		ret = host_event_register(&port->idle_event, idle_event, port);
		if (ret)
			goto out_free;
	}
	port->link = !host->spare;
	port->offloads = host->vnet_hdr;
	rtnl_lock();
	ret = host->spare ? 0 : net_create(port);
	rtnl_unlock();
	if (ret)
		goto out_event;
	if (host->socket)
		schedule_work(&port->idle_work);
	return 0;

out_event:
	if (host->socket)
		host_event_unregister(port->idle_event);
out_free:
	kfree(port);
	return ret;
}

static int __init net_user_init(void)
{
	unsigned int i;

	for (i = 0; i < HOST_MAX_NETS; i++) {
		const struct host_net *host = &host_boot_info()->net[i];
		int ret = host->queues ? net_add(i, host) : 0;

		if (ret)
			pr_err("eth%u: cannot be added (%d)\n", i, ret);
	}
	return 0;
}
device_initcall(net_user_init);
