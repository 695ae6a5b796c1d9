/* SPDX-License-Identifier: GPL-2.0-only */
/* What is in a frame: numbers, sums, and where TCP has its fields. */
#ifndef PACKET_H
#define PACKET_H

#include <stdint.h>
#include <string.h>

#define TYPE_IPV4	0x0800
#define TYPE_IPV6	0x86dd
#define TYPE_VLAN	0x8100
#define TYPE_VLAN_AD	0x88a8
#define VLAN_TAG	4

#define IPV4_HEAD	20
#define IPV6_HEAD	40

#define TCP_HEAD	20
#define TCP_CHECK	16		/* offset */
#define TCP_FIN		0x01
#define TCP_PSH		0x08
#define TCP_ACK		0x10
#define TCP_CWR		0x80
#define UDP_HEAD	8
#define UDP_CHECK	6

static inline unsigned int get_word(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static inline void put_word(uint8_t *p, unsigned int value)
{
	p[0] = value >> 8;
	p[1] = value;
}

static inline uint32_t get_long(const uint8_t *p)
{
	return (uint32_t)get_word(p) << 16 | get_word(p + 2);
}

static inline void put_long(uint8_t *p, uint32_t value)
{
	put_word(p, value >> 16);
	put_word(p + 2, value);
}

/* Sums of 16 bit words: they are in the order of memory. */
static inline uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static inline uint16_t sum_of(const uint8_t *p, size_t n)
{
	uint64_t sum = 0;
	uint32_t word;

	for (; n >= sizeof(word); n -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		sum += word;
	}
	word = 0;
	memcpy(&word, p, n);
	return fold(sum + word);
}

/* The checksum of what has itself none yet, or a part of the sum. */
static inline void put_checksum(uint8_t *place, const uint8_t *p, size_t n)
{
	uint16_t sum = ~sum_of(p, n);

	if (!sum)
		sum = 0xffff;		/* 0 is none at all, to UDP */
	memcpy(place, &sum, sizeof(sum));
}

#endif /* PACKET_H */
