// SPDX-License-Identifier: GPL-2.0-only
/*
 * Captures: the frames of an interface, in the format of pcap with nanoseconds,
 * appended to a file that the command line names.
 *
 * What is written is what goes through the descriptor: with the offloads of a
 * TAP device a frame may be 64K long and its checksum not be filled in.  The
 * file is opened for appending, so that what queues write at the same time does
 * not get mixed up.  When it takes no more, as on a full disk, the capture ends, and
 * the log says so: what follows a part of a frame would not be understood.
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

static void write_out(struct net_port *port, struct host_iov *iov, int n)
{
	long want = 0, ret;
	int i;

	for (i = 0; i < n; i++)
		want += iov[i].len;
	ret = host_pwritev(port->host->pcap, iov, n, 0);
	if (ret != want && !xchg(&port->pcap_ended, true))
		pr_err("eth%u: the capture ends: its file takes no more (%ld)\n", port->number,
		       ret < 0 ? ret : -ENOSPC);
}

void net_pcap_start(struct net_port *port)
{
	struct file_header h = {
		.magic = MAGIC_NS, .major = 2, .minor = 4, .snap = SNAP, .link = LINK_ETHERNET,
	};
	struct host_iov iov = { &h, sizeof(h) };

	if (port->host->pcap >= 0)
		write_out(port, &iov, 1);
}

void net_pcap(struct net_port *port, const struct sk_buff *skb)
{
	struct host_iov iov[MAX_SKB_FRAGS + 2];
	struct timespec64 now;
	struct record_header h;
	int i, n = 0;

	if (likely(port->host->pcap < 0) || READ_ONCE(port->pcap_ended))
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
