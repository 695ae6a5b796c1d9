// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's own services are not the guest's in user mode.
 *
 * libslirp makes connections of the host to whatever address a guest's packet
 * names.  Its option disable_host_loopback is about the gateway's address; a
 * packet to 127.0.0.1 or 0.0.0.0 itself it does not mind, nor one to any port of
 * the name server, which may be the host's own.  Those are dropped here.
 *
 * Only packets that libslirp understands count: Ethernet without VLAN tags.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include "net.h"
#include "packet.h"

#define DNS_PORT	53

static uint32_t dns;
static struct in6_addr dns6;
static bool has_dns6;

void shield_set(const char *ipv4, const char *ipv6)
{
	struct in_addr a;

	if (ipv4 && inet_pton(AF_INET, ipv4, &a) == 1)
		dns = ntohl(a.s_addr);
	has_dns6 = ipv6 && inet_pton(AF_INET6, ipv6, &dns6) == 1;
}

/* Addresses that mean this host, and nothing beyond it. */
static bool is_local(uint32_t ipv4)
{
	return ipv4 >> 24 == 127 || ipv4 >> 24 == 0;
}

static bool is_dns_port(unsigned int protocol, const uint8_t *p, size_t len)
{
	if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6)
		return true;
	return (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP) && len >= 4 &&
	       get_word(p + 2) == DNS_PORT;
}

static bool ipv4_passes(const uint8_t *p, size_t len)
{
	size_t head = (p[0] & 15) * 4;
	uint32_t to;

	if (len < 20 || head < 20 || head > len)
		return false;
	to = get_long(p + 16);
	if (is_local(to))
		return false;
	if (to != dns || !dns)
		return true;
	/* ports are in the first fragment only: none to the name server */
	if (get_word(p + 6) & 0x3fff)
		return false;
	return is_dns_port(p[9], p + head, len - head);
}

static bool ipv6_passes(const uint8_t *p, size_t len)
{
	struct in6_addr to;

	if (len < 40)
		return false;
	memcpy(&to, p + 24, sizeof(to));
	if (IN6_IS_ADDR_LOOPBACK(&to) || IN6_IS_ADDR_UNSPECIFIED(&to))
		return false;
	/* ::ffff:a.b.c.d and ::a.b.c.d are IPv4 to a socket */
	if (IN6_IS_ADDR_V4MAPPED(&to) || IN6_IS_ADDR_V4COMPAT(&to))
		return false;
	if (!has_dns6 || memcmp(&to, &dns6, sizeof(to)))
		return true;
	/* with an extension header it is neither */
	return is_dns_port(p[6], p + 40, len - 40);
}

bool shield_passes(const uint8_t *frame, size_t len)
{
	if (len < FRAME_MIN)
		return false;
	switch (get_word(frame + 12)) {
	case TYPE_IPV4:
		return len >= FRAME_MIN + 20 && ipv4_passes(frame + FRAME_MIN, len - FRAME_MIN);
	case TYPE_IPV6:
		return ipv6_passes(frame + FRAME_MIN, len - FRAME_MIN);
	}
	return true;
}
