// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames for a guest that are parts of one TCP stream become one message, as the
 * guest's kernel would join them itself, at more cost.
 *
 * Only frames that follow one another in a batch are joined, whose headers are
 * the same but for what changes from one segment to the next, and whose checksums
 * are right.  Nothing is copied: the message is the first frame and the payloads
 * of the others.
 */
#include <linux/virtio_net.h>
#include <netinet/in.h>
#include <stdlib.h>
#include "net.h"
#include "packet.h"

#define PACKET_MAX	65535

/**
 * struct run - a message that is being put together
 * @message:	its beginning, with the struct virtio_net_hdr
 * @frame:	the first frame
 * @transport:	where its transport header is; 0 if it is no segment of TCP
 * @head:	bytes of all headers
 * @step:	payload of each frame but the last
 * @payload:	of all frames
 * @frames:	how many
 * @open:	there may be more
 */
struct run {
	uint8_t *message, *frame;
	size_t transport, head, step, payload;
	unsigned int frames;
	bool open;
};

/* ---- one frame ------------------------------------------------------------- */

/* The pseudo header's sum. */
static uint16_t pseudo_sum(const uint8_t *frame, size_t transport, size_t len)
{
	bool ipv4 = get_word(frame + 12) == TYPE_IPV4;
	size_t size = ipv4 ? 8 : 32;

	return fold((uint64_t)sum_of(frame + transport - size, size) +
		    htons(IPPROTO_TCP) + htons(len));
}

/* Where the transport header is, if it can be TCP's and nothing follows the packet. */
static size_t find_transport(const uint8_t *frame, size_t len)
{
	const uint8_t *p = frame + FRAME_MIN;

	if (len < FRAME_MIN + IPV4_HEAD + TCP_HEAD)
		return 0;
	if (get_word(frame + 12) == TYPE_IPV4)
		return p[0] == 0x45 && !(get_word(p + 6) & 0x3fff) && p[9] == IPPROTO_TCP &&
		       get_word(p + 2) + FRAME_MIN == len && sum_of(p, IPV4_HEAD) == 0xffff ?
		       FRAME_MIN + IPV4_HEAD : 0;
	if (get_word(frame + 12) != TYPE_IPV6 || len < FRAME_MIN + IPV6_HEAD + TCP_HEAD)
		return 0;
	return p[0] >> 4 == 6 && p[6] == IPPROTO_TCP &&
	       get_word(p + 4) + FRAME_MIN + IPV6_HEAD == len ? FRAME_MIN + IPV6_HEAD : 0;
}

/* Begins with a message of @len bytes. */
static void run_begin(struct run *r, uint8_t *message, size_t len)
{
	uint8_t *frame = message + VNET_HDR, *tcp;
	size_t t;

	len -= VNET_HDR;
	t = find_transport(frame, len);
	tcp = frame + t;
	*r = (struct run){ .message = message, .frame = frame, .frames = 1 };
	if (!t)
		return;
	r->head = t + (tcp[12] >> 4) * 4;
	if (r->head < t + TCP_HEAD || r->head >= len || (tcp[13] & ~TCP_PSH) != TCP_ACK)
		return;
	if (fold((uint64_t)pseudo_sum(frame, t, len - t) + sum_of(tcp, len - t)) != 0xffff)
		return;
	r->transport = t;
	r->step = len - r->head;
	r->payload = r->step;
	r->open = !(tcp[13] & TCP_PSH);
}

/* ---- several --------------------------------------------------------------- */

/* Whether the headers are those of the same stream, in the same state. */
static bool same_headers(const uint8_t *a, const uint8_t *b, size_t transport, size_t head)
{
	const uint8_t *p = a + FRAME_MIN, *q = b + FRAME_MIN;
	bool ipv4 = transport == FRAME_MIN + IPV4_HEAD;

	if (memcmp(a, b, FRAME_MIN))
		return false;
	/* but for lengths, identification, and IPv4's checksum */
	if (ipv4 && (memcmp(p, q, 2) || memcmp(p + 6, q + 6, 4) || memcmp(p + 12, q + 12, 8)))
		return false;
	if (!ipv4 && (memcmp(p, q, 4) || memcmp(p + 6, q + 6, 34)))
		return false;
	p = a + transport;
	q = b + transport;
	/* but for the sequence number, PSH and the checksum */
	return !memcmp(p, q, 4) && !memcmp(p + 8, q + 8, 5) && !memcmp(p + 14, q + 14, 2) &&
	       !memcmp(p + 18, q + 18, head - transport - 18);
}

/* Takes @next as the run's next frame, if it is. */
static bool run_continue(struct run *r, const struct run *next)
{
	uint8_t *tcp = r->frame + r->transport, *its = next->frame + next->transport;

	if (!r->open || next->transport != r->transport || next->head != r->head ||
	    next->step > r->step ||
	    r->head - FRAME_MIN + r->payload + next->step > PACKET_MAX ||
	    get_long(its + 4) != (uint32_t)(get_long(tcp + 4) + r->payload) ||
	    !same_headers(r->frame, next->frame, r->transport, r->head))
		return false;
	tcp[13] |= its[13] & TCP_PSH;
	r->payload += next->step;
	r->frames++;
	r->open = next->open && next->step == r->step;
	return true;
}

static void run_end(struct run *r)
{
	size_t len = r->head + r->payload;
	uint8_t *p = r->frame + FRAME_MIN;
	bool ipv4 = r->transport == FRAME_MIN + IPV4_HEAD;
	struct virtio_net_hdr h = { 0 };
	uint16_t sum;

	if (r->frames > 1) {
		put_word(p + (ipv4 ? 2 : 4), len - (ipv4 ? FRAME_MIN : FRAME_MIN + IPV6_HEAD));
		if (ipv4) {
			put_word(p + 10, 0);
			put_checksum(p + 10, p, IPV4_HEAD);
		}
		sum = pseudo_sum(r->frame, r->transport, len - r->transport);
		memcpy(r->frame + r->transport + TCP_CHECK, &sum, sizeof(sum));
		h = (struct virtio_net_hdr){
			.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
			.gso_type = ipv4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6,
			.gso_size = r->step,
			.hdr_len = r->head,
			.csum_start = r->transport,
			.csum_offset = TCP_CHECK,
		};
	} else if (r->transport) {
		h.flags = VIRTIO_NET_HDR_F_DATA_VALID;
	}
	memcpy(r->message, &h, sizeof(h));
}

int merge(struct batch *b, int n)
{
	int i, messages = 0;
	struct run run, next;
	size_t len;

	for (i = 0; i < n; i++) {
		uint8_t *message = batch_frame(b, i, &len);

		run_begin(&next, message, len);
		if (messages && run_continue(&run, &next)) {
			batch_join(b, messages - 1, i, VNET_HDR + run.head);
			continue;
		}
		if (messages)
			run_end(&run);
		batch_begin(b, messages++, i);
		run = next;
	}
	if (messages)
		run_end(&run);
	return messages;
}
