// SPDX-License-Identifier: GPL-2.0-only
/*
 * Network interfaces: descriptors that frames go through.
 *
 * A TAP device takes and gives a frame by pwritev() and preadv(), in which it
 * does not look at the position.  A packet socket (SOCK_SEQPACKET of AF_UNIX,
 * which ignores a destination address, and so cannot be used to reach another
 * socket) takes and gives several by sendmmsg() and recvmmsg().  The filter
 * allows these on the sockets named here alone: they are moved to descriptors
 * of their own range.
 */
#include <linux/socket.h>
#include <uapi/asm/ioctls.h>
#include <uapi/asm/stat.h>
#include <uapi/linux/fcntl.h>
#include <uapi/linux/if.h>
#include <uapi/linux/if_tun.h>
#include <uapi/linux/stat.h>
#include "state.h"
#include "syscall.h"

#define VNET_HDR_SIZE	10

static const char shape[] =
	"say net0=fd:5[,fd:6...][,mac=MAC][,mtu=N][,vnet_hdr][,pcap=fd:N][,spare]";

/* The word up to the next comma; returns what follows it, or NULL. */
static const char *word_of(const char *s, char *word, size_t size)
{
	size_t n = 0;

	for (; *s && *s != ','; s++)
		if (n < size - 1)
			word[n++] = *s;
	word[n] = 0;
	return *s ? s + 1 : NULL;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_mac(const char *s, u8 *mac)
{
	int i;

	for (i = 0; i < 6; i++, s += 3) {
		if (hex(s[0]) < 0 || hex(s[1]) < 0 || s[2] != (i < 5 ? ':' : 0))
			return false;
		mac[i] = hex(s[0]) << 4 | hex(s[1]);
	}
	return !(mac[0] & 1) && (mac[0] | mac[1] | mac[2] | mac[3] | mac[4] | mac[5]);
}

static bool fd_taken(int fd)
{
	int i, k;

	for (i = 0; i < HOST_MAX_NETS; i++) {
		struct host_net *net = &host->boot.net[i];

		for (k = 0; k < net->queues; k++)
			if (net->fd[k] == fd)
				return true;
	}
	return false;
}

static int open_fd(const char *word, const char *value)
{
	u64 fd;

	if (!host_number(value, &fd) || fd > 1 << 20)
		host_usage_error(word, "not a descriptor", shape);
	if (sys2(__NR_fcntl, fd, F_GETFD) < 0)
		host_usage_error(word, "that descriptor is not open", NULL);
	return fd;
}

static bool is_packet_socket(int fd)
{
	int type = 0, domain = 0, n = sizeof(int);

	return !sys5(__NR_getsockopt, fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) &&
	       !sys5(__NR_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &n) &&
	       domain == AF_UNIX && type == HOST_SOCK_SEQPACKET;
}

/* What kind of a descriptor it is.  What a TAP can do it says itself. */
static void look_at(const char *word, struct host_net *net, int fd)
{
	struct stat st;
	struct ifreq ifr = { };
	int hdr = VNET_HDR_SIZE;

	if (!sys2(__NR_fstat, fd, &st) && S_ISSOCK(st.st_mode) && is_packet_socket(fd)) {
		net->socket = true;
		return;
	}
	if (sys3(__NR_ioctl, fd, TUNGETIFF, &ifr))
		host_usage_error(word, "neither a TAP device nor a packet socket",
				 "a socket has to be SOCK_SEQPACKET of AF_UNIX");
	if (!(ifr.ifr_flags & IFF_TAP) || !(ifr.ifr_flags & IFF_NO_PI))
		host_usage_error(word, "not a TAP device with IFF_NO_PI", NULL);
	net->vnet_hdr = ifr.ifr_flags & IFF_VNET_HDR;
	sys3(__NR_fcntl, fd, F_SETFL, O_RDWR | O_NONBLOCK);
	if (!net->vnet_hdr)
		return;
	if (sys3(__NR_ioctl, fd, TUNSETVNETHDRSZ, &hdr))
		host_usage_error(word, "the host's TAP device does not take a vnet_hdr", NULL);
	net->uso = !sys3(__NR_ioctl, fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 |
			 TUN_F_TSO_ECN | TUN_F_USO4 | TUN_F_USO6);
	if (!net->uso)
		sys3(__NR_ioctl, fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 |
		     TUN_F_TSO_ECN);
}

static void add_queue(const char *word, struct host_net *net, const char *value)
{
	int fd = open_fd(word, value);

	if (net->queues == HOST_NET_QUEUES)
		host_usage_error(word, "too many queues", "the most is 8");
	if (fd_taken(fd))
		host_usage_error(word, "that descriptor is named twice", NULL);
	look_at(word, net, fd);
	if (net->socket && net->queues)
		host_usage_error(word, "a socket is one queue", NULL);
	net->fd[net->queues++] = fd;
}

static void take_word(const char *word, struct host_net *net, const char *part)
{
	u64 n;

	if (host_starts(part, "fd:")) {
		add_queue(word, net, part + 3);
	} else if (host_starts(part, "mac=")) {
		if (!parse_mac(part + 4, net->mac))
			host_usage_error(word, "not a unicast MAC address",
					 "say for example mac=02:00:00:00:00:01");
		net->has_mac = true;
	} else if (host_starts(part, "mtu=")) {
		if (!host_number(part + 4, &n) || n < 68 || n > HOST_NET_MTU)
			host_usage_error(word, "not an MTU", "from 68 to 65521");
		net->mtu = n;
	} else if (host_starts(part, "pcap=fd:")) {
		net->pcap = open_fd(word, part + 8);
	} else if (host_same(part, "vnet_hdr")) {
		net->vnet_hdr = true;
		net->uso = true;
	} else if (host_same(part, "spare")) {
		net->spare = true;
	} else {
		host_usage_error(word, "unknown words", shape);
	}
}

/**
 * host_net_option() - netN= of the command line
 * @word:	all of it
 * @value:	what follows the =
 * @n:		N
 */
void host_net_option(const char *word, const char *value, unsigned int n)
{
	struct host_net *net = &host->boot.net[n];
	char part[64];

	if (net->queues)
		host_usage_error(word, "this interface is named twice", NULL);
	net->pcap = -1;
	while (value) {
		value = word_of(value, part, sizeof(part));
		take_word(word, net, part);
	}
	if (!net->queues)
		host_usage_error(word, "no descriptor", shape);
	if (net->spare && !net->socket)
		host_usage_error(word, "only a socket can be spare", NULL);
}

/**
 * host_vsock_option() - vsock=fd:N[,cid=C]
 * @word:	all of it
 * @value:	what follows the =
 * @n:		unused
 */
void host_vsock_option(const char *word, const char *value, unsigned int n)
{
	struct host_vsock *v = &host->boot.vsock;
	char part[64];
	u64 cid = 3;

	if (v->cid)
		host_usage_error(word, "named twice", NULL);
	value = word_of(value, part, sizeof(part));
	if (!host_starts(part, "fd:"))
		host_usage_error(word, "no descriptor", "say vsock=fd:5[,cid=3]");
	v->fd = open_fd(word, part + 3);
	if (!is_packet_socket(v->fd))
		host_usage_error(word, "not a packet socket",
				 "it has to be SOCK_SEQPACKET of AF_UNIX");
	if (value && (!host_starts(value, "cid=") || !host_number(value + 4, &cid) ||
		      cid < 3 || cid >= U32_MAX))
		host_usage_error(word, "not a context ID", "it is 3 or more: vsock=fd:5,cid=3");
	v->cid = cid;
}

static int move(int fd)
{
	return host_move_fd(fd, HOST_NET_FD, HOST_NET_FD_LAST);
}

/**
 * host_net_start() - move the sockets where the filter expects them
 *
 * Once there may be many descriptors.  The second one of each is to wait for
 * room on: a descriptor is watched for one thing.
 */
void host_net_start(void)
{
	int i;

	for (i = 0; i < HOST_MAX_NETS; i++) {
		struct host_net *net = &host->boot.net[i];

		if (!net->queues || !net->socket)
			continue;
		net->fd[0] = move(net->fd[0]);
		net->out = move(net->fd[0]);
	}
	if (host->boot.vsock.cid) {
		host->boot.vsock.fd = move(host->boot.vsock.fd);
		host->boot.vsock.out = move(host->boot.vsock.fd);
	}
}

_Static_assert(sizeof(struct host_frame) == sizeof(struct mmsghdr), "struct host_frame");
_Static_assert(offsetof(struct host_frame, iov) == offsetof(struct user_msghdr, msg_iov) &&
	       offsetof(struct host_frame, flags) == offsetof(struct user_msghdr, msg_flags) &&
	       offsetof(struct host_frame, len) == offsetof(struct mmsghdr, msg_len),
	       "struct host_frame");

/* #syscalls: recvmmsg(HOST_NET_FD..HOST_NET_FD_LAST, _, <=HOST_NET_FRAMES, MSG_DONTWAIT, 0) */
int host_frames_recv(int fd, struct host_frame *frame, unsigned int n)
{
	long ret;

	do {
		ret = sys5(__NR_recvmmsg, fd, frame, n, MSG_DONTWAIT, NULL);
	} while (ret == -HOST_EINTR);
	return ret;
}

/*
 * #syscalls: sendmmsg(HOST_NET_FD..HOST_NET_FD_LAST, _, <=HOST_NET_FRAMES,
 * MSG_DONTWAIT | MSG_NOSIGNAL)
 */
int host_frames_send(int fd, struct host_frame *frame, unsigned int n)
{
	long ret;

	do {
		ret = sys4(__NR_sendmmsg, fd, frame, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (ret == -HOST_EINTR);
	return ret;
}
