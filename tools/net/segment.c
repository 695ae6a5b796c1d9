// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a guest's frames leave to the other side, which a plug does not do:
 * checksums, and the segmentation of TCP and UDP.
 *
 * A message is a struct virtio_net_hdr and a frame.  Its checksum is to be put
 * csum_offset after csum_start, where the transport header begins; what is there
 * is the pseudo header's sum, with the length of all that follows.
 *
 * Segments are made where they lie: each one's headers are written before its
 * part of the payload, over the end of the part before, which is sent by then.
 *
 * The guest may be hostile.  It can make us write no further than its own frame,
 * and what is sent is looked at afterwards (shield.c): a checksum may have been
 * put into an address.
 */
#include <arpa/inet.h>
#include <linux/virtio_net.h>
#include "net.h"
#include "packet.h"

#define HEAD_MAX	256		/* of all headers of a frame to be segmented */
#define GSO_UDP_L4	5		/* VIRTIO_NET_HDR_GSO_UDP_L4, which older headers lack */
/**
 * struct cut - how a frame is segmented
 * @head:	its headers, as they came
 * @network:	where the network header is
 * @transport:	where the transport header is
 * @size:	bytes of all headers
 * @ipv4:	it is IPv4, not IPv6
 * @tcp:	it is TCP, not UDP
 */
struct cut {
	uint8_t head[HEAD_MAX];
	size_t network, transport, size;
	bool ipv4, tcp;
};

/* ---- segments -------------------------------------------------------------- */

/* Returns false when the frame is none that can be segmented. */
static bool look_at(struct cut *c, const struct virtio_net_hdr *h, const uint8_t *frame,
		    size_t len)
{
	unsigned int type = h->gso_type & ~VIRTIO_NET_HDR_GSO_ECN;
	unsigned int tag = get_word(frame + 12);

	c->tcp = type == VIRTIO_NET_HDR_GSO_TCPV4 || type == VIRTIO_NET_HDR_GSO_TCPV6;
	if (!c->tcp && type != GSO_UDP_L4)
		return false;
	if (!(h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) || !h->gso_size ||
	    h->csum_offset != (c->tcp ? TCP_CHECK : UDP_CHECK))
		return false;
	c->network = tag == TYPE_VLAN || tag == TYPE_VLAN_AD ? FRAME_MIN + VLAN_TAG : FRAME_MIN;
	c->transport = h->csum_start;
	c->size = c->transport + (c->tcp ? TCP_HEAD : UDP_HEAD);
	if (c->transport < c->network + IPV4_HEAD || c->size > len)
		return false;
	if (c->tcp)
		c->size = c->transport + (frame[c->transport + 12] >> 4) * 4;
	if (c->size < c->transport + (c->tcp ? TCP_HEAD : UDP_HEAD) || c->size >= len ||
	    c->size > HEAD_MAX)
		return false;
	c->ipv4 = frame[c->network] >> 4 == 4;
	if (c->transport < c->network + (c->ipv4 ? (frame[c->network] & 15) * 4 : IPV6_HEAD))
		return false;
	memcpy(c->head, frame, c->size);
	return true;
}

static void network_header(const struct cut *c, uint8_t *frame, size_t len, unsigned int n)
{
	uint8_t *p = frame + c->network;

	if (!c->ipv4) {
		put_word(p + 4, len - c->network - IPV6_HEAD);
		return;
	}
	put_word(p + 2, len - c->network);
	put_word(p + 4, get_word(p + 4) + n);
	put_word(p + 10, 0);
	put_checksum(p + 10, p, (p[0] & 15) * 4);
}

static void transport_header(const struct cut *c, uint8_t *frame, size_t len, size_t at,
			     size_t payload)
{
	size_t all = c->size - c->transport + payload, own = len - c->transport;
	size_t offset = c->tcp ? TCP_CHECK : UDP_CHECK;
	uint8_t *p = frame + c->transport;
	uint16_t sum;

	if (c->tcp) {
		put_long(p + 4, get_long(p + 4) + at);
		if (at)
			p[13] &= ~TCP_CWR;
		if (at + len - c->size < payload)
			p[13] &= ~(TCP_FIN | TCP_PSH);
	} else {
		put_word(p + 4, own);
	}
	/* the pseudo header's sum, with the segment's length */
	memcpy(&sum, p + offset, sizeof(sum));
	sum = fold(sum + (uint16_t)~htons(all) + htons(own));
	memcpy(p + offset, &sum, sizeof(sum));
	put_checksum(p + offset, p, own);
}

static bool segment(uint8_t *frame, size_t len, const struct virtio_net_hdr *h,
		    bool (*send)(const uint8_t *frame, size_t len))
{
	size_t at, payload, part;
	unsigned int n = 0;
	struct cut c;

	if (!look_at(&c, h, frame, len))
		return true;
	payload = len - c.size;
	for (at = 0; at < payload; at += part) {
		part = payload - at < h->gso_size ? payload - at : h->gso_size;
		memcpy(frame + at, c.head, c.size);
		network_header(&c, frame + at, c.size + part, n++);
		transport_header(&c, frame + at, c.size + part, at, payload);
		if (!send(frame + at, c.size + part))
			return false;
	}
	return true;
}

bool segment_message(uint8_t *message, size_t len,
		     bool (*send)(const uint8_t *frame, size_t len))
{
	struct virtio_net_hdr h;
	uint8_t *frame = message + sizeof(h);

	if (len < sizeof(h) + FRAME_MIN)
		return true;
	memcpy(&h, message, sizeof(h));
	len -= sizeof(h);
	if (h.gso_type != VIRTIO_NET_HDR_GSO_NONE)
		return segment(frame, len, &h, send);
	if (h.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		size_t place = (size_t)h.csum_start + h.csum_offset;

		if (place + 2 > len)
			return true;
		put_checksum(frame + place, frame + h.csum_start, len - h.csum_start);
	}
	return send(frame, len);
}
