/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kernelet-net: programs that stand between a guest's network and the host's.
 * Each is a subcommand, holds one thing of the host, and gives up all else.
 */
#ifndef NET_H
#define NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ARRAY_SIZE(a)		(sizeof(a) / sizeof(*(a)))
#define __noreturn		__attribute__((noreturn))
#define __printf(f, a)		__attribute__((format(printf, f, a)))

#define FRAME_MAX	(65535 + 18 + 10)	/* with a VLAN's tag and a vnet_hdr */
#define FRAME_MIN	14
#define BATCH		32			/* frames in one call */

/* A message of one byte on a guest's socket, see drivers/net_user.h. */
#define NOTICE_UP_OFFLOADS 3
#define VNET_HDR	10	/* bytes of a struct virtio_net_hdr */

/**
 * fail() - end with one line on standard error, status 2
 */
void __noreturn __printf(1, 2) fail(const char *format, ...);

/**
 * number_of() - the value of an option that is a number
 */
unsigned int number_of(const char *option, const char *value);

/**
 * keep_only() - close all descriptors but the standard streams and two
 * @a:		one, or -1
 * @b:		another, or -1
 */
void keep_only(int a, int b);

/* What a program still asks of the host once it works. */
enum calls {
	CALLS_FRAMES,		/* moving bytes on descriptors it has */
	CALLS_INTERNET,		/* also sockets of IPv4 and IPv6, and resolv.conf */
	CALLS_UNIX,		/* also UNIX sockets, and accepting */
	CALLS_ALL_SOCKETS,	/* what an unknown plug-in may need */
};

/**
 * confine() - give up what is not needed from now on
 * @calls:	the system calls that remain; any other ends the process
 * @dir:	the one directory beneath which it may use files, or NULL
 *
 * All threads that there are come under it, and those they make.
 */
void confine(enum calls calls, const char *dir);

/**
 * struct batch - frames for one call of the host
 */
struct batch;

/**
 * batch_new() - room for BATCH frames
 */
struct batch *batch_new(void);

/**
 * batch_receive() - take what has come on a packet socket
 *
 * Return: frames; 0 when there are none; -1 at the end of the socket.
 */
int batch_receive(struct batch *b, int fd);

/**
 * batch_frame() - a frame's bytes
 * @i:		which
 * @len:	result
 */
void *batch_frame(struct batch *b, int i, size_t *len);

/**
 * batch_room() - where a frame of up to FRAME_MAX bytes is put by hand
 */
void *batch_room(struct batch *b, int i);

/**
 * batch_set() - say how long a frame is that was put there
 */
void batch_set(struct batch *b, int i, size_t len);

/**
 * batch_begin() - let a message be a frame, where each is its own before that
 * @message:	which, not beyond @i
 * @i:		the frame
 */
void batch_begin(struct batch *b, int message, int i);

/**
 * batch_join() - append to a message the next frame
 * @skip:	bytes of the frame to leave out at its beginning
 */
void batch_join(struct batch *b, int message, int i, size_t skip);

/**
 * batch_send() - send frames, or the messages that were made of them
 * @from:	first
 * @n:		how many
 * @ms:		wait so long for room
 *
 * Return: how many the socket took.
 */
int batch_send(struct batch *b, int from, int n, int fd, int ms);

/**
 * shield_set() - keep a guest in user mode from the host's own services
 * @dns:	its name server's address, IPv4, of which it may use port 53 alone
 * @dns6:	ditto, IPv6
 */
void shield_set(const char *dns, const char *dns6);

/**
 * shield_passes() - whether a frame of the guest may go out
 */
bool shield_passes(const uint8_t *frame, size_t len);

/**
 * answer_set() - whose answers answer_turn() is for
 * @its_gateway: as which libslirp shows clients on the host's loopback
 * @its_guest:	the guest's address
 */
void answer_set(const char *its_gateway, const char *its_guest);

/**
 * answer_port() - a UDP port of the guest is published
 */
void answer_port(unsigned int port);

/**
 * answer_seen() - note whom a frame for the guest is from, and let it be the gateway
 */
void answer_seen(uint8_t *frame, size_t len);

/**
 * answer_turn() - turn an answer of the guest to the client itself
 *
 * Return: the frame as it is to go out, good until the next call.
 */
const uint8_t *answer_turn(const uint8_t *frame, size_t len);

/**
 * segment_message() - do what a guest's frame leaves to the other side, and send it
 * @message:	a struct virtio_net_hdr and a frame, which are overwritten
 * @send:	is called for each frame that comes of it; false ends it
 *
 * What is not understood is dropped.
 *
 * Return: false when @send has returned that.
 */
bool segment_message(uint8_t *message, size_t len,
		     bool (*send)(const uint8_t *frame, size_t len));

/**
 * merge() - join frames for a guest into fewer messages
 * @n:		frames, with room for a struct virtio_net_hdr before each
 *
 * Return: messages
 */
int merge(struct batch *b, int n);

int pump_main(int argc, char **argv);
int switch_main(int argc, char **argv);
int vsock_main(int argc, char **argv);

#endif /* NET_H */
