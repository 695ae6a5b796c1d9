// SPDX-License-Identifier: GPL-2.0-only
/*
 * Answers from published UDP ports to clients on the host's loopback.
 *
 * Theory of operation
 *
 * libslirp shows such a client to the guest as the gateway, at the client's port.
 * What the guest sends there it takes for an attempt to reach the host's loopback,
 * which disable_host_loopback forbids, and so it drops the answer.  That option
 * stays.  Here it is noted whom a datagram of the host's is from (answer_seen),
 * and the destination of an answer to exactly that port, from exactly that port
 * of the guest, is made the client's own address (answer_turn), which libslirp
 * sends to as it is.  From then on libslirp gives that address as the source of
 * the client's datagrams: it is made the gateway's again.
 *
 * A guest cannot begin anything by this: it reaches a port of the loopback only
 * while that port's owner, less than LIFE seconds ago, has itself sent something
 * to a published port.  libslirp answers as the gateway on its own at the ports of
 * DHCP and TFTP: those are no clients.  Of an answer in fragments only the first
 * has ports, so they are dropped: one datagram has to fit the interface's MTU.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <time.h>
#include "net.h"
#include "packet.h"

#define CLIENTS		1024
#define LIFE		120		/* seconds, as Linux' connection tracking has it */
#define DHCP_PORT	67
#define TFTP_PORT	69

struct client {
	uint32_t address;		/* 0: none */
	uint16_t port, guest_port;
	time_t since;
};

static struct client clients[CLIENTS];
static bool published[65536], on;
static uint32_t gateway, guest;

void answer_set(const char *its_gateway, const char *its_guest)
{
	struct in_addr a, b;

	if (its_gateway && its_guest && inet_pton(AF_INET, its_gateway, &a) == 1 &&
	    inet_pton(AF_INET, its_guest, &b) == 1) {
		gateway = ntohl(a.s_addr);
		guest = ntohl(b.s_addr);
	}
}

void answer_port(unsigned int port)
{
	if (port < ARRAY_SIZE(published))
		on = published[port] = true;
}

static time_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* A place for each; a newer client takes that of an older one. */
static struct client *place_of(unsigned int port, unsigned int guest_port)
{
	return &clients[(port ^ guest_port * 31) % CLIENTS];
}

/* The IPv4 header of a frame with UDP, or NULL. */
static const uint8_t *udp_packet(const uint8_t *frame, size_t len)
{
	const uint8_t *ip = frame + FRAME_MIN;
	size_t head;

	if (!on || len < FRAME_MIN + IPV4_HEAD || get_word(frame + 12) != TYPE_IPV4 ||
	    ip[0] >> 4 != 4 || ip[9] != IPPROTO_UDP)
		return NULL;
	head = (ip[0] & 15) * 4;
	return head >= IPV4_HEAD && len >= FRAME_MIN + head + UDP_HEAD ? ip : NULL;
}

static bool is_first(const uint8_t *ip)
{
	return !(get_word(ip + 6) & 0x1fff);
}

/* RFC 1624: a sum after a change of what it is of. */
static void adjust(uint8_t *sum, uint32_t old, uint32_t new)
{
	uint64_t s = (uint16_t)~get_word(sum);

	s += (uint16_t)~(old >> 16) + (uint16_t)~old + (new >> 16) + (new & 0xffff);
	put_word(sum, (uint16_t)~fold(s));
}

static void change_address(uint8_t *ip, int offset, uint32_t new)
{
	uint8_t *sum = ip + (ip[0] & 15) * 4 + UDP_CHECK;
	uint32_t old = get_long(ip + offset);

	put_long(ip + offset, new);
	adjust(ip + 10, old, new);
	if (!is_first(ip) || !get_word(sum))
		return;
	adjust(sum, old, new);
	if (!get_word(sum))
		put_word(sum, 0xffff);
}

void answer_seen(uint8_t *frame, size_t len)
{
	uint8_t *ip = (uint8_t *)udp_packet(frame, len), *udp;
	unsigned int port, guest_port;
	uint32_t from;

	if (!ip || get_long(ip + 16) != guest)
		return;
	from = get_long(ip + 12);
	if (from != gateway && from >> 24 != 127)
		return;
	udp = ip + (ip[0] & 15) * 4;
	port = get_word(udp);
	guest_port = get_word(udp + 2);
	if (is_first(ip) && published[guest_port] && port != DHCP_PORT && port != TFTP_PORT)
		*place_of(port, guest_port) = (struct client){
			from == gateway ? INADDR_LOOPBACK : from, port, guest_port, now(),
		};
	if (from != gateway)
		change_address(ip, 12, gateway);
}

const uint8_t *answer_turn(const uint8_t *frame, size_t len)
{
	static uint8_t turned[FRAME_MAX];
	const uint8_t *ip = udp_packet(frame, len), *udp;
	const struct client *c;

	if (!ip || get_long(ip + 12) != guest || get_long(ip + 16) != gateway ||
	    get_word(ip + 6) & 0x3fff || len > sizeof(turned))
		return frame;
	udp = ip + (ip[0] & 15) * 4;
	c = place_of(get_word(udp + 2), get_word(udp));
	if (!c->address || c->port != get_word(udp + 2) || c->guest_port != get_word(udp) ||
	    now() - c->since >= LIFE)
		return frame;
	memcpy(turned, frame, len);
	change_address(turned + FRAME_MIN, 16, c->address);
	return turned;
}
