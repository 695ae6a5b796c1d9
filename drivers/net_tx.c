// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sending frames.
 *
 * A TAP device takes a frame at a time, at once.  Frames for a socket are
 * gathered while the network core has more of them, and go in one call of the
 * host.  When the socket is full they stay with us, and the queue is stopped,
 * until the host's I/O thread says that there is room.
 *
 * All of it is under the transmit queue's lock.
 */
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include "net_user.h"

static unsigned int packet_iov(struct sk_buff *skb, struct host_iov *iov,
			       struct virtio_net_hdr *hdr)
{
	unsigned int i, n = 0;

	if (hdr)
		iov[n++] = (struct host_iov){ hdr, sizeof(*hdr) };
	if (skb_headlen(skb))
		iov[n++] = (struct host_iov){ skb->data, skb_headlen(skb) };
	for (i = 0; i < skb_shinfo(skb)->nr_frags; i++) {
		const skb_frag_t *frag = &skb_shinfo(skb)->frags[i];

		iov[n++] = (struct host_iov){ skb_frag_address(frag), skb_frag_size(frag) };
	}
	return n;
}

static void sent(struct net_queue *q, struct sk_buff *skb)
{
	q->count.tx_packets++;
	q->count.tx_bytes += skb->len;
	dev_consume_skb_any(skb);
}

static void refused(struct net_queue *q, struct sk_buff *skb)
{
	q->count.tx_errors++;
	dev_kfree_skb_any(skb);
}

static void tap_send(struct net_queue *q, struct sk_buff *skb, struct virtio_net_hdr *hdr)
{
	struct host_iov iov[NET_TX_PIECES];
	long ret = host_pwritev(q->fd, iov, packet_iov(skb, iov, hdr), 0);

	q->count.tx_calls++;
	if (ret == skb->len + (hdr ? sizeof(*hdr) : 0))
		sent(q, skb);
	else
		refused(q, skb);
}

/* Takes the first @n of the pending frames out. */
static void forget(struct net_queue *q, unsigned int n)
{
	q->n_pending -= n;
	memmove(q->pending, q->pending + n, q->n_pending * sizeof(q->pending[0]));
	memmove(q->tx_hdr, q->tx_hdr + n, q->n_pending * sizeof(q->tx_hdr[0]));
}

/* Returns false when the socket takes no more. */
static bool socket_flush(struct net_queue *q)
{
	bool vnet_hdr = q->port->host->vnet_hdr;
	int i, ret;

	while (q->n_pending) {
		for (i = 0; i < q->n_pending; i++)
			q->tx_frames[i] = (struct host_frame){
				.iov = q->tx_iov[i],
				.niov = packet_iov(q->pending[i], q->tx_iov[i],
						   vnet_hdr ? &q->tx_hdr[i] : NULL),
			};
		ret = host_frames_send(q->fd, q->tx_frames, i);
		q->count.tx_calls++;
		if (ret == -EAGAIN)
			return false;
		if (ret <= 0) {
			/* this one it does not take, whatever it is */
			refused(q, q->pending[0]);
			forget(q, 1);
			continue;
		}
		for (i = 0; i < ret; i++)
			sent(q, q->pending[i]);
		forget(q, ret);
	}
	return true;
}

static void await_room(struct net_queue *q)
{
	struct netdev_queue *txq = netdev_get_tx_queue(q->port->dev, q->index);

	q->count.tx_full++;
	netif_tx_stop_queue(txq);
	host_watch(q->port->host->out, q->room_event, true);
}

static void socket_send(struct net_queue *q, struct sk_buff *skb)
{
	q->pending[q->n_pending++] = skb;
	if (netdev_xmit_more() && q->n_pending < NET_BATCH)
		return;
	if (!socket_flush(q))
		await_room(q);
}

netdev_tx_t net_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct net_port *port = net_port(dev);
	struct net_queue *q = &port->queue[skb_get_queue_mapping(skb)];
	struct virtio_net_hdr *hdr, tap_hdr;

	hdr = !port->host->vnet_hdr ? NULL : port->host->socket ? &q->tx_hdr[q->n_pending] :
	      &tap_hdr;
	if (q->dead || (hdr && virtio_net_hdr_from_skb(skb, hdr, true, false, 0))) {
		q->count.tx_dropped++;
		dev_kfree_skb_any(skb);
		/* what waits for more must not wait for ever */
		if (q->n_pending && !netdev_xmit_more() && !q->dead && !socket_flush(q))
			await_room(q);
		return NETDEV_TX_OK;
	}
	net_pcap(port, skb);
	skb_tx_timestamp(skb);
	if (port->host->socket)
		socket_send(q, skb);
	else
		tap_send(q, skb, hdr);
	return NETDEV_TX_OK;
}

/* Hard interrupt; the transmit queue's lock is one of soft interrupts. */
static void room(void *data)
{
	struct net_queue *q = data;

	/* NAPI sends what is pending: see net_tx_resume() */
	napi_schedule_irqoff(&q->napi);
}

void net_tx_resume(struct net_queue *q)
{
	struct netdev_queue *txq = netdev_get_tx_queue(q->port->dev, q->index);

	__netif_tx_lock(txq, smp_processor_id());
	if (q->dead || socket_flush(q))
		netif_tx_wake_queue(txq);
	else
		host_watch(q->port->host->out, q->room_event, true);
	__netif_tx_unlock(txq);
}

int net_tx_init(struct net_queue *q)
{
	int ret;

	if (!q->port->host->socket)
		return 0;
	q->tx_hdr = kcalloc(NET_BATCH, sizeof(*q->tx_hdr), GFP_KERNEL);
	q->tx_iov = kcalloc(NET_BATCH, sizeof(*q->tx_iov), GFP_KERNEL);
	q->tx_frames = kcalloc(NET_BATCH, sizeof(*q->tx_frames), GFP_KERNEL);
	ret = q->tx_hdr && q->tx_iov && q->tx_frames ? 0 : -ENOMEM;
	if (!ret)
		ret = host_event_register(&q->room_event, room, q);
	if (ret)
		net_tx_free(q);
	return ret;
}

void net_tx_free(struct net_queue *q)
{
	if (q->room_event) {
		host_unwatch(q->port->host->out);
		host_event_unregister(q->room_event);
	}
	q->room_event = 0;
	kfree(q->tx_hdr);
	kfree(q->tx_iov);
	kfree(q->tx_frames);
	q->tx_hdr = NULL;
	q->tx_iov = NULL;
	q->tx_frames = NULL;
}

void net_tx_drop(struct net_queue *q)
{
	while (q->n_pending) {
		q->count.tx_dropped++;
		dev_kfree_skb_any(q->pending[--q->n_pending]);
	}
}
