// SPDX-License-Identifier: GPL-2.0-only
/* TCP and UDP over the loopback device, IPv4 and IPv6; netlink. */
#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include "ktap.h"

static void lo_up(void)
{
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq r = { .ifr_name = "lo" };

	must(s >= 0);
	must(ioctl(s, SIOCGIFFLAGS, &r) == 0);
	if (!(r.ifr_flags & IFF_UP)) {
		r.ifr_flags |= IFF_UP;
		must(ioctl(s, SIOCSIFFLAGS, &r) == 0);
	}
	must(ioctl(s, SIOCGIFFLAGS, &r) == 0);
	ok(r.ifr_flags & IFF_UP, "lo is up");
	close(s);
}

union address {
	struct sockaddr a;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static union address loopback(int family)
{
	union address u = { };

	u.a.sa_family = family;
	if (family == AF_INET)
		u.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		u.in6.sin6_addr = in6addr_loopback;
	return u;
}

#define MEGABYTES 8

static void test_tcp(int family, const char *name)
{
	int l = socket(family, SOCK_STREAM, 0), c, on = 1;
	union address u = loopback(family);
	socklen_t len = sizeof(u);
	static unsigned char buf[65536];
	unsigned long sum = 0, want = 0, total = 0;
	ssize_t n;
	pid_t pid;

	if (l < 0 && errno == EAFNOSUPPORT) {
		skip("no %s here", name);
		return;
	}
	setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(l, &u.a, len) && errno == EADDRNOTAVAIL) {
		skip("no %s address here", name);
		return;
	}
	must(listen(l, 5) == 0 && getsockname(l, &u.a, &len) == 0);
	pid = do_fork();
	if (!pid) {
		c = socket(family, SOCK_STREAM, 0);
		must(connect(c, &u.a, len) == 0);
		for (int i = 0; i < MEGABYTES * 16; i++) {
			memset(buf, i, sizeof(buf));
			for (size_t o = 0; o < sizeof(buf); o += n) {
				n = write(c, buf + o, sizeof(buf) - o);
				must(n > 0);
			}
		}
		shutdown(c, SHUT_WR);
		must(read(c, buf, 1) == 1);
		_exit(buf[0]);
	}
	c = accept(l, NULL, NULL);
	ok(c >= 0, "%s: accept", name);
	setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	while ((n = read(c, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			sum += buf[i];
		total += n;
	}
	for (int i = 0; i < MEGABYTES * 16; i++)
		want += (unsigned long)(i & 255) * 65536;
	is(total, MEGABYTES << 20, "%s: %d MB over TCP", name, MEGABYTES);
	is(sum, want, "%s: every byte", name);
	must(write(c, "\x2a", 1) == 1);
	is(reap(pid), EXITED(42), "%s: and an answer", name);
	close(c);
	close(l);
	c = socket(family, SOCK_STREAM, 0);
	fails(connect(c, &u.a, len), ECONNREFUSED, "%s: nobody listens", name);
	close(c);
}

static void test_udp(int family, const char *name)
{
	int a = socket(family, SOCK_DGRAM, 0), b = socket(family, SOCK_DGRAM, 0);
	union address u = loopback(family), from;
	socklen_t len = sizeof(u), flen = sizeof(from);
	struct pollfd p = { .fd = a, .events = POLLIN };
	char buf[2000];
	int bad = 0;

	if (a < 0 || bind(a, &u.a, len)) {
		skip("no %s here", name);
		return;
	}
	must(getsockname(a, &u.a, &len) == 0);
	for (int i = 0; i < 500; i++) {
		memset(buf, i, sizeof(buf));
		must(sendto(b, buf, i + 1, 0, &u.a, len) == i + 1);
		bad += poll(&p, 1, 5000) != 1;
		bad += recvfrom(a, buf, sizeof(buf), 0, &from.a, &flen) != i + 1;
		bad += buf[i] != (char)i;
	}
	is(bad, 0, "%s: 500 datagrams", name);
	is(sendto(a, "back", 4, 0, &from.a, flen), 4, "%s: an answer", name);
	is(recv(b, buf, sizeof(buf), 0), 4, "%s: comes back", name);
	close(a);
	close(b);
}

/* Asks rtnetlink for the links; lo is among them. */
static void test_netlink(void)
{
	int s = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct { struct nlmsghdr h; struct ifinfomsg m; } q = {
		.h = { .nlmsg_len = sizeof(q), .nlmsg_type = RTM_GETLINK,
		       .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP, .nlmsg_seq = 1 },
	};
	bool lo = false, end = false;
	char buf[32768];

	must(s >= 0 && send(s, &q, sizeof(q), 0) == sizeof(q));
	while (!end) {
		int n = recv(s, buf, sizeof(buf), 0);

		must(n > 0);
		for (struct nlmsghdr *h = (void *)buf; NLMSG_OK(h, (unsigned int)n);
		     h = NLMSG_NEXT(h, n)) {
			struct ifinfomsg *m = NLMSG_DATA(h);
			int left = IFLA_PAYLOAD(h);

			end |= h->nlmsg_type == NLMSG_DONE;
			if (h->nlmsg_type != RTM_NEWLINK)
				continue;
			for (struct rtattr *r = IFLA_RTA(m); RTA_OK(r, left);
			     r = RTA_NEXT(r, left))
				if (r->rta_type == IFLA_IFNAME)
					lo |= !strcmp(RTA_DATA(r), "lo");
		}
	}
	ok(lo, "netlink lists lo");
	close(s);
}

int main(void)
{
	lo_up();
	test_tcp(AF_INET, "IPv4");
	test_tcp(AF_INET6, "IPv6");
	test_udp(AF_INET, "IPv4");
	test_udp(AF_INET6, "IPv6");
	test_netlink();
	return done();
}
