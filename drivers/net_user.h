/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of the network driver know of each other: see net_user.c. */
#ifndef _DRIVERS_NET_USER_H
#define _DRIVERS_NET_USER_H

#include <linux/atomic.h>
#include <linux/if_ether.h>
#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <linux/virtio_net.h>
#include <asm/host.h>
#include <asm/host_events.h>

#define NET_BATCH	32		/* frames of a socket in one call */
#define NET_CHUNKS	20		/* pieces of memory that one frame may lie in */
#define NET_TX_PIECES	(MAX_SKB_FRAGS + 2)

/* A message of one byte on a socket is none of the network's frames. */
enum net_notice {
	NET_LINK_DOWN,
	NET_LINK_UP,
	NET_REMOVE,		/* for a spare interface: vanish; NET_LINK_UP makes it appear */
	NET_LINK_UP_OFFLOADS,	/* the other side does what a virtio_net_hdr leaves to it */
};

/**
 * struct net_chunk - memory that frames are received into, one after another
 * @page:	a page, perhaps a compound one
 * @size:	its bytes
 */
struct net_chunk {
	struct page *page;
	unsigned int size;
};

/**
 * struct net_slot - where the next frame goes
 * @chunk:	pieces; the first @used bytes of the first hold earlier frames
 * @n:		how many
 * @used:	see there
 * @room:	bytes that are free in all
 */
struct net_slot {
	struct net_chunk chunk[NET_CHUNKS];
	unsigned int n;
	unsigned int used;
	unsigned int room;
	struct virtio_net_hdr hdr;
	struct host_iov iov[NET_CHUNKS + 1];
};

/**
 * struct net_counters - what a queue counts
 *
 * The names are those of net_ethtool.c.
 */
struct net_counters {
	u64 rx_packets, rx_bytes, rx_calls, rx_length_errors, rx_frame_errors, rx_dropped;
	u64 rx_events;
	u64 tx_packets, tx_bytes, tx_calls, tx_dropped, tx_errors, tx_full;
};

/**
 * struct net_queue - a descriptor and its two directions
 * @port:	of which interface
 * @index:	number of the queue
 * @fd:		the descriptor
 * @napi:	receives
 * @watch:	says when there is something to receive
 * @csd:	brings the event to vCPU @index
 * @count:	counters
 * @dead:	the other side has gone for good
 * @slots:	of a TAP one, of a socket NET_BATCH
 * @frames:	for the host's call; the same number
 * @pending:	frames to be sent, a socket's; under the transmit queue's lock
 * @n_pending:	how many
 * @tx_hdr:	their headers
 * @tx_iov:	their pieces
 * @tx_frames:	for the host's call
 * @room_event:	says when there is room for frames again
 */
struct net_queue {
	struct net_port *port;
	unsigned int index;
	int fd;
	struct napi_struct napi;
	struct host_watcher watch;
	call_single_data_t csd;
	struct net_counters count;
	bool dead;

	struct net_slot *slots;
	struct host_frame *frames;

	struct sk_buff *pending[NET_BATCH];
	unsigned int n_pending;
	struct virtio_net_hdr *tx_hdr;
	struct host_iov (*tx_iov)[NET_TX_PIECES];
	struct host_frame *tx_frames;
	u32 room_event;
};

/**
 * struct net_port - an interface
 * @host:	what the command line says of it
 * @dev:	the network's device
 * @number:	N of ethN
 * @link:	what the last notice said
 * @offloads:	the other side completes checksums and segments
 * @removal:	it is to vanish
 * @pcap_ended:	the capture's file takes no more
 * @idle_work:	acts on notices while it does not receive
 * @idle_event:	of the host, for that
 * @queue:	its queues
 */
struct net_port {
	const struct host_net *host;
	struct net_device *dev;
	unsigned int number;
	bool link;
	bool offloads;
	bool removal;
	bool pcap_ended;
	struct work_struct idle_work;
	u32 idle_event;
	struct net_queue queue[];
};

/**
 * struct net_priv - what a network device carries
 */
struct net_priv {
	struct net_port *port;
};

static inline struct net_port *net_port(const struct net_device *dev)
{
	return ((struct net_priv *)netdev_priv(dev))->port;
}

/* The longest frame with a VLAN's tag. */
static inline unsigned int net_frame_max(const struct net_queue *q)
{
	unsigned int mtu = READ_ONCE(q->port->dev->mtu);

	/* what the host has put together is longer than the wire takes */
	if (q->port->host->vnet_hdr)
		mtu = max(mtu, 65535U);
	return mtu + VLAN_ETH_HLEN;
}

/* net_rx.c */

/**
 * net_rx_init() - get what receiving takes
 * Context: the interface is down.
 */
int net_rx_init(struct net_queue *q);
void net_rx_free(struct net_queue *q);

/**
 * net_rx_poll() - receive frames: NAPI
 */
int net_rx_poll(struct napi_struct *napi, int budget);

/* net_tx.c */
int net_tx_init(struct net_queue *q);
void net_tx_free(struct net_queue *q);

/**
 * net_tx_drop() - forget what was not sent
 * Context: nobody transmits.
 */
void net_tx_drop(struct net_queue *q);

/**
 * net_tx_resume() - send what waits for room
 * Context: NAPI.
 */
void net_tx_resume(struct net_queue *q);

/**
 * net_xmit() - send a frame: ndo_start_xmit
 */
netdev_tx_t net_xmit(struct sk_buff *skb, struct net_device *dev);

/* net_pcap.c */

/**
 * net_pcap_start() - begin a capture's file
 */
void net_pcap_start(struct net_port *port);

/**
 * net_pcap() - write a frame to the capture's file, if there is one
 */
void net_pcap(struct net_port *port, const struct sk_buff *skb);

/* net_ethtool.c */
extern const struct ethtool_ops net_ethtool_ops;

/* net_user.c */

/**
 * net_notice() - act on a notice
 * Context: NAPI.
 */
void net_notice(struct net_port *port, u8 notice);

#endif /* _DRIVERS_NET_USER_H */
