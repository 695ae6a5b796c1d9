// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receiving frames.
 *
 * Theory of operation
 *
 * The host writes frames into slots.  A slot is a list of chunks of memory with
 * room for the longest frame; a frame takes what it needs from the front, its
 * pages become the packet's fragments, and what is left of a chunk is for the
 * next frame.  So nothing is copied but headers and short frames, and short
 * frames do not cost the memory of the longest.
 *
 * A TAP device has one slot, a socket as many as frames are taken in one call.
 * Only NAPI uses them.
 */
#include <linux/etherdevice.h>
#include <linux/slab.h>
#include <linux/skbuff.h>
#include "net_user.h"

#define CHUNK_ORDER	3
#define COPY_MAX	256		/* up to which a frame is copied */
#define ALIGNMENT	64

/* ---- slots ----------------------------------------------------------------- */

static bool slot_grow(struct net_slot *s)
{
	struct net_chunk *c = &s->chunk[s->n];
	unsigned int order = CHUNK_ORDER;

	if (s->n == NET_CHUNKS)
		return false;
	c->page = __dev_alloc_pages(GFP_ATOMIC | __GFP_NOWARN | __GFP_COMP, order);
	if (!c->page) {
		order = 0;
		c->page = __dev_alloc_pages(GFP_ATOMIC | __GFP_NOWARN, order);
	}
	if (!c->page)
		return false;
	c->size = PAGE_SIZE << order;
	s->room += c->size;
	s->n++;
	return true;
}

/* Drops the first chunk; frames in it keep it. */
static void slot_shift(struct net_slot *s)
{
	s->room -= s->chunk[0].size - s->used;
	s->used = 0;
	put_page(s->chunk[0].page);
	s->n--;
	memmove(s->chunk, s->chunk + 1, s->n * sizeof(s->chunk[0]));
}

static bool slot_prepare(struct net_slot *s, unsigned int size)
{
	/* rather a fresh chunk than a short frame in two */
	if (s->n && s->chunk[0].size - s->used < min(size, 2048U))
		slot_shift(s);
	while (s->room < size)
		if (!slot_grow(s))
			return false;
	return true;
}

static void slot_free(struct net_slot *s)
{
	while (s->n)
		slot_shift(s);
}

/* Where the host is to write; returns how many pieces. */
static unsigned int slot_iov(struct net_slot *s, bool vnet_hdr)
{
	unsigned int i, n = 0;

	if (vnet_hdr)
		s->iov[n++] = (struct host_iov){ &s->hdr, sizeof(s->hdr) };
	for (i = 0; i < s->n; i++) {
		unsigned int from = i ? 0 : s->used;

		s->iov[n++] = (struct host_iov){
			page_address(s->chunk[i].page) + from, s->chunk[i].size - from,
		};
	}
	return n;
}

/* ---- a frame --------------------------------------------------------------- */

/* Moves @len bytes from the front of the slot into the packet, without a copy. */
static void take_pages(struct net_slot *s, struct sk_buff *skb, unsigned int skip,
		       unsigned int len)
{
	s->used += skip;
	s->room -= skip;
	while (len) {
		struct net_chunk *c = &s->chunk[0];
		unsigned int part = min(len, c->size - s->used);
		unsigned int used = min(ALIGN(part, ALIGNMENT), c->size - s->used);

		if (part) {
			get_page(c->page);
			skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags, c->page, s->used, part,
					used);
		}
		s->used += used;
		s->room -= used;
		len -= part;
		if (s->used == c->size)
			slot_shift(s);
	}
}

static bool fits(const struct net_slot *s, unsigned int len)
{
	unsigned int i, frags = 0, from = s->used;

	for (i = 0; i < s->n && len; i++, from = 0, frags++)
		len -= min(len, s->chunk[i].size - from);
	return frags <= MAX_SKB_FRAGS;
}

static struct sk_buff *make_packet(struct net_queue *q, struct net_slot *s, unsigned int len)
{
	unsigned int head = min_t(unsigned int, len, COPY_MAX);
	void *data = page_address(s->chunk[0].page) + s->used;
	struct sk_buff *skb;

	if (len > COPY_MAX)
		head = eth_get_headlen(q->port->dev, data, COPY_MAX);
	if (!fits(s, len))
		return NULL;
	skb = napi_alloc_skb(&q->napi, COPY_MAX);
	if (!skb)
		return NULL;
	skb_put_data(skb, data, head);
	if (len > head)
		take_pages(s, skb, head, len - head);
	return skb;
}

/* A frame of @len bytes, header included, is in the slot. */
static void take_frame(struct net_queue *q, struct net_slot *s, unsigned int len)
{
	bool vnet_hdr = q->port->host->vnet_hdr;
	unsigned int hdr = vnet_hdr ? sizeof(s->hdr) : 0;
	struct net_device *dev = q->port->dev;
	struct sk_buff *skb;

	if (len < hdr + ETH_HLEN || len - hdr > net_frame_max(q)) {
		q->count.rx_length_errors++;
		return;
	}
	skb = make_packet(q, s, len - hdr);
	if (!skb) {
		q->count.rx_dropped++;
		return;
	}
	net_pcap(q->port, skb);
	if (vnet_hdr) {
		if (s->hdr.flags & VIRTIO_NET_HDR_F_DATA_VALID)
			skb->ip_summed = CHECKSUM_UNNECESSARY;
		if (virtio_net_hdr_to_skb(skb, &s->hdr, true)) {
			q->count.rx_frame_errors++;
			kfree_skb(skb);
			return;
		}
	}
	q->count.rx_packets++;
	q->count.rx_bytes += skb->len;
	skb_record_rx_queue(skb, q->index);
	skb->protocol = eth_type_trans(skb, dev);
	napi_gro_receive(&q->napi, skb);
}

/* ---- NAPI ------------------------------------------------------------------ */

/* The host's call for a TAP device, which gives a frame at a time. */
static int tap_receive(struct net_queue *q, int budget)
{
	struct net_slot *s = q->slots;
	int done;

	for (done = 0; done < budget; done++) {
		long len;

		if (!slot_prepare(s, net_frame_max(q) + 1)) {
			q->count.rx_dropped++;
			return budget;		/* later, perhaps */
		}
		len = host_preadv(q->fd, s->iov, slot_iov(s, q->port->host->vnet_hdr), 0);
		q->count.rx_calls++;
		if (len == -EAGAIN)
			break;
		if (len <= 0) {
			q->dead = true;
			netif_carrier_off(q->port->dev);
			break;
		}
		take_frame(q, s, len);
	}
	return done;
}

static void socket_message(struct net_queue *q, struct net_slot *s, const struct host_frame *f)
{
	unsigned int hdr = q->port->host->vnet_hdr ? sizeof(s->hdr) : 0;

	if (!f->len) {
		q->dead = true;
		netif_carrier_off(q->port->dev);
	} else if ((u32)f->len == 1) {
		net_notice(q->port, hdr ? *(u8 *)&s->hdr :
			   *(u8 *)(page_address(s->chunk[0].page) + s->used));
	} else if ((u32)f->flags & HOST_FRAME_CUT) {
		q->count.rx_length_errors++;
	} else {
		take_frame(q, s, (u32)f->len);
	}
}

static int socket_receive(struct net_queue *q, int budget)
{
	int i, n, ret, done = 0;

	while (done < budget && !q->dead) {
		n = min(budget - done, NET_BATCH);
		for (i = 0; i < n; i++) {
			struct net_slot *s = &q->slots[i];

			if (!slot_prepare(s, net_frame_max(q)))
				break;
			q->frames[i] = (struct host_frame){
				.iov = s->iov,
				.niov = slot_iov(s, q->port->host->vnet_hdr),
			};
		}
		if (!i) {
			q->count.rx_dropped++;
			return budget;
		}
		ret = host_frames_recv(q->fd, q->frames, i);
		q->count.rx_calls++;
		if (ret < 0 && ret != -EAGAIN) {
			q->dead = true;
			netif_carrier_off(q->port->dev);
		}
		for (n = 0; n < ret && !q->dead; n++)
			socket_message(q, &q->slots[n], &q->frames[n]);
		if (ret > 0)
			done += ret;
		if (ret < i)
			break;
	}
	return done;
}

int net_rx_poll(struct napi_struct *napi, int budget)
{
	struct net_queue *q = container_of(napi, struct net_queue, napi);
	int done = 0;

	if (netif_tx_queue_stopped(netdev_get_tx_queue(q->port->dev, q->index)))
		net_tx_resume(q);
	if (!budget)
		return 0;
	if (!q->dead)
		done = q->port->host->socket ? socket_receive(q, budget) : tap_receive(q, budget);
	if (done < budget && napi_complete_done(napi, done) && !q->dead)
		host_watcher_on(&q->watch);
	return done;
}

int net_rx_init(struct net_queue *q)
{
	unsigned int n = q->port->host->socket ? NET_BATCH : 1;

	q->slots = kvcalloc(n, sizeof(*q->slots), GFP_KERNEL);
	q->frames = kcalloc(n, sizeof(*q->frames), GFP_KERNEL);
	if (q->slots && q->frames)
		return 0;
	net_rx_free(q);
	return -ENOMEM;
}

void net_rx_free(struct net_queue *q)
{
	unsigned int i, n = q->port->host->socket ? NET_BATCH : 1;

	for (i = 0; q->slots && i < n; i++)
		slot_free(&q->slots[i]);
	kvfree(q->slots);
	kfree(q->frames);
	q->slots = NULL;
	q->frames = NULL;
}
