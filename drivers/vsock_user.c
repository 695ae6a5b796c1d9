// SPDX-License-Identifier: GPL-2.0-only
/*
 * AF_VSOCK between the guest and its host.
 *
 * The packets are virtio's, so that net/vmw_vsock/virtio_transport_common.c does
 * the work; they go as messages through the packet socket that vsock= of the
 * command line names.  At its other end is tools/net/vsock.c, or any program
 * that speaks as a virtio-vsock device does.
 *
 * What comes may sleep, so work items receive and send.  A socket that is full
 * is waited for by the host's I/O thread; the senders' credit bounds what is
 * queued until then.
 */
#include <linux/init.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/virtio_vsock.h>
#include <linux/workqueue.h>
#include <net/af_vsock.h>
#include <asm/host.h>
#include <asm/host_events.h>

#define PACKET_MAX	(sizeof(struct virtio_vsock_hdr) + VIRTIO_VSOCK_MAX_PKT_BUF_SIZE)
#define BATCH		64		/* packets before others have a turn */

static struct {
	const struct host_vsock *host;
	struct workqueue_struct *queue;
	struct work_struct receive, send;
	struct sk_buff_head to_send;
	u32 in_event, room_event;
	void *buf;			/* of the receiving work */
} vs;

static struct virtio_transport user_transport;

static u32 local_cid(void)
{
	return vs.host->cid;
}

/* ---- to the host ----------------------------------------------------------- */

static int send_packet(struct sk_buff *skb)
{
	int len = skb->len;

	virtio_vsock_skb_queue_tail(&vs.to_send, skb);
	queue_work(vs.queue, &vs.send);
	return len;
}

static int cancel_packets(struct vsock_sock *vsk)
{
	virtio_transport_purge_skbs(vsk, &vs.to_send);
	return 0;
}

static int send_one(struct sk_buff *skb)
{
	struct host_iov iov[MAX_SKB_FRAGS + 2];
	struct host_frame f = { .iov = iov };
	int i;

	iov[f.niov++] = (struct host_iov){ virtio_vsock_hdr(skb),
					   sizeof(struct virtio_vsock_hdr) };
	if (skb_headlen(skb))
		iov[f.niov++] = (struct host_iov){ skb->data, skb_headlen(skb) };
	for (i = 0; i < skb_shinfo(skb)->nr_frags; i++) {
		const skb_frag_t *frag = &skb_shinfo(skb)->frags[i];

		iov[f.niov++] = (struct host_iov){ skb_frag_address(frag), skb_frag_size(frag) };
	}
	return host_frames_send(vs.host->fd, &f, 1);
}

static void send_work(struct work_struct *work)
{
	struct sk_buff *skb;

	while ((skb = virtio_vsock_skb_dequeue(&vs.to_send))) {
		virtio_transport_deliver_tap_pkt(skb);
		if (send_one(skb) == -EAGAIN) {
			virtio_vsock_skb_queue_head(&vs.to_send, skb);
			host_watch(vs.host->out, vs.room_event, true);
			return;
		}
		virtio_transport_consume_skb_sent(skb, true);
	}
}

static void room(void *data)
{
	queue_work(vs.queue, &vs.send);
}

/* ---- from the host --------------------------------------------------------- */

static void receive_packet(const void *data, size_t size)
{
	const struct virtio_vsock_hdr *h = data;
	struct sk_buff *skb;
	size_t len;

	if (size < sizeof(*h))
		return;
	len = size - sizeof(*h);
	if (le32_to_cpu(h->len) != len)
		return;
	skb = virtio_vsock_alloc_skb(VIRTIO_VSOCK_SKB_HEADROOM + len, GFP_KERNEL);
	if (!skb)
		return;
	memcpy(virtio_vsock_hdr(skb), h, sizeof(*h));
	if (skb_is_nonlinear(skb))
		skb->len = len;
	else
		skb_put(skb, len);
	skb_store_bits(skb, 0, h + 1, len);
	virtio_transport_deliver_tap_pkt(skb);
	virtio_transport_recv_pkt(&user_transport, skb);
}

static void receive_work(struct work_struct *work)
{
	int i;

	for (i = 0; i < BATCH; i++) {
		struct host_iov iov = { vs.buf, PACKET_MAX };
		struct host_frame f = { .iov = &iov, .niov = 1 };
		int ret = host_frames_recv(vs.host->fd, &f, 1);

		if (ret == -EAGAIN) {
			host_watch(vs.host->fd, vs.in_event, false);
			return;
		}
		if (ret != 1 || !(u32)f.len)
			return;		/* the other side has gone */
		if (!((u32)f.flags & HOST_FRAME_CUT))
			receive_packet(vs.buf, (u32)f.len);
	}
	queue_work(vs.queue, &vs.receive);
}

static void readable(void *data)
{
	queue_work(vs.queue, &vs.receive);
}

/* ---- the transport --------------------------------------------------------- */

static bool seqpacket_allow(u32 remote_cid)
{
	return false;
}

static struct virtio_transport user_transport = {
	.transport = {
		.module				= THIS_MODULE,
		.get_local_cid			= local_cid,
		.init				= virtio_transport_do_socket_init,
		.destruct			= virtio_transport_destruct,
		.release			= virtio_transport_release,
		.connect			= virtio_transport_connect,
		.shutdown			= virtio_transport_shutdown,
		.cancel_pkt			= cancel_packets,
		.dgram_bind			= virtio_transport_dgram_bind,
		.dgram_dequeue			= virtio_transport_dgram_dequeue,
		.dgram_enqueue			= virtio_transport_dgram_enqueue,
		.dgram_allow			= virtio_transport_dgram_allow,
		.stream_dequeue			= virtio_transport_stream_dequeue,
		.stream_enqueue			= virtio_transport_stream_enqueue,
		.stream_has_data		= virtio_transport_stream_has_data,
		.stream_has_space		= virtio_transport_stream_has_space,
		.stream_rcvhiwat		= virtio_transport_stream_rcvhiwat,
		.stream_is_active		= virtio_transport_stream_is_active,
		.stream_allow			= virtio_transport_stream_allow,
		.seqpacket_allow		= seqpacket_allow,
		.notify_poll_in			= virtio_transport_notify_poll_in,
		.notify_poll_out		= virtio_transport_notify_poll_out,
		.notify_recv_init		= virtio_transport_notify_recv_init,
		.notify_recv_pre_block		= virtio_transport_notify_recv_pre_block,
		.notify_recv_pre_dequeue	= virtio_transport_notify_recv_pre_dequeue,
		.notify_recv_post_dequeue	= virtio_transport_notify_recv_post_dequeue,
		.notify_send_init		= virtio_transport_notify_send_init,
		.notify_send_pre_block		= virtio_transport_notify_send_pre_block,
		.notify_send_pre_enqueue	= virtio_transport_notify_send_pre_enqueue,
		.notify_send_post_enqueue	= virtio_transport_notify_send_post_enqueue,
		.notify_buffer_size		= virtio_transport_notify_buffer_size,
		.notify_set_rcvlowat		= virtio_transport_notify_set_rcvlowat,
		.unsent_bytes			= virtio_transport_unsent_bytes,
		.read_skb			= virtio_transport_read_skb,
	},
	.send_pkt = send_packet,
};

static int __init vsock_user_init(void)
{
	int ret;

	vs.host = &host_boot_info()->vsock;
	if (!vs.host->cid)
		return 0;
	skb_queue_head_init(&vs.to_send);
	INIT_WORK(&vs.send, send_work);
	INIT_WORK(&vs.receive, receive_work);
	vs.buf = kvmalloc(PACKET_MAX, GFP_KERNEL);
	vs.queue = alloc_workqueue("vsock-user", 0, 0);
	ret = vs.buf && vs.queue ? 0 : -ENOMEM;
	if (!ret)
		ret = host_event_register(&vs.in_event, readable, NULL);
	if (!ret)
		ret = host_event_register(&vs.room_event, room, NULL);
	if (!ret)
		ret = vsock_core_register(&user_transport.transport, VSOCK_TRANSPORT_F_G2H);
	if (ret)
		pr_err("vsock: cannot be added (%d)\n", ret);
	else
		queue_work(vs.queue, &vs.receive);
	return ret;
}
late_initcall(vsock_user_init);
