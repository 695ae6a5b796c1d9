// SPDX-License-Identifier: GPL-2.0-only
/*
 * Captures: the frames of an interface, in the format of pcap with nanoseconds,
 * appended to a file that the command line names.
 *
 * What is written is what goes through the descriptor: with the offloads of a
 * TAP device a frame may be 64K long and its checksum not be filled in.  The
 * file is opened for appending, so that what queues write at the same time does
 * not get mixed up.
 */
#include <linux/skbuff.h>
#include <linux/timekeeping.h>
#include "net_user.h"

#define MAGIC_NS	0xa1b23c4d
#define LINK_ETHERNET	1
#define SNAP		262144

struct file_header {
	u32 magic;
	u16 major, minor;
	u32 zone, accuracy, snap, link;
};

struct record_header {
	u32 seconds, ns, captured, length;
};

static void write_out(const struct net_port *port, struct host_iov *iov, int n)
{
	host_pwritev(port->host->pcap, iov, n, 0);
}

void net_pcap_start(const struct net_port *port)
{
	struct file_header h = {
		.magic = MAGIC_NS, .major = 2, .minor = 4, .snap = SNAP, .link = LINK_ETHERNET,
	};
	struct host_iov iov = { &h, sizeof(h) };

	if (port->host->pcap >= 0)
		write_out(port, &iov, 1);
}

void net_pcap(const struct net_port *port, const struct sk_buff *skb)
{
	struct host_iov iov[MAX_SKB_FRAGS + 2];
	struct timespec64 now;
	struct record_header h;
	int i, n = 0;

	if (likely(port->host->pcap < 0))
		return;
	ktime_get_real_ts64(&now);
	h = (struct record_header){ now.tv_sec, now.tv_nsec, skb->len, skb->len };
	iov[n++] = (struct host_iov){ &h, sizeof(h) };
	iov[n++] = (struct host_iov){ skb->data, skb_headlen(skb) };
	for (i = 0; i < skb_shinfo(skb)->nr_frags; i++) {
		const skb_frag_t *frag = &skb_shinfo(skb)->frags[i];

		iov[n++] = (struct host_iov){ skb_frag_address(frag), skb_frag_size(frag) };
	}
	write_out(port, iov, n);
}
