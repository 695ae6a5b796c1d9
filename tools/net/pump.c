// SPDX-License-Identifier: GPL-2.0-only
/*
 * kernelet-net pump: frames between a guest's packet socket and a plug of
 * libvdeplug: a switch, user mode networking, a TAP device, and what else there
 * are plug-ins for.
 *
 * It opens the plug, says so on the pipe --ready by a byte of 0, or why not by text, confines itself and moves
 * frames until one side is gone.  Its end is the news: the launcher tells the
 * guest that its link is down, and starts another pump.
 *
 * The guest leaves checksums and segmentation to us (segment.c), and gets frames
 * of a TCP stream joined (merge.c): one message may be 64K of frames.
 *
 * A side that takes nothing is waited for a little, since a lost frame costs
 * TCP more, and then frames are dropped, as on any wire.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libvdeplug.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "net.h"

#define WAIT_MS		10
#define LONG		16384		/* bytes of a message that is many frames */

static struct {
	int fd;
	int ready;
	const char *url, *name, *dns, *dns6, *gateway, *guest;
	bool shield;
} opt = { .fd = -1, .ready = -1 };

static VDECONN *plug;
static int plug_fd, plug_ctl;

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "fd", required_argument, NULL, 'f' },
		{ "ready", required_argument, NULL, 'r' },
		{ "url", required_argument, NULL, 'u' },
		{ "name", required_argument, NULL, 'n' },
		{ "shield", no_argument, NULL, 's' },
		{ "dns", required_argument, NULL, 'd' },
		{ "dns6", required_argument, NULL, '6' },
		{ "gateway", required_argument, NULL, 'g' },
		{ "guest", required_argument, NULL, 'G' },
		{ "udp-port", required_argument, NULL, 'p' },
		{ NULL }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'f':
			opt.fd = number_of("fd", optarg);
			break;
		case 'r':
			opt.ready = number_of("ready", optarg);
			break;
		case 'u':
			opt.url = optarg;
			break;
		case 'n':
			opt.name = optarg;
			break;
		case 's':
			opt.shield = true;
			break;
		case 'd':
			opt.dns = optarg;
			break;
		case '6':
			opt.dns6 = optarg;
			break;
		case 'g':
			opt.gateway = optarg;
			break;
		case 'G':
			opt.guest = optarg;
			break;
		case 'p':
			answer_port(number_of("udp-port", optarg));
			break;
		default:
			exit(2);
		}
	}
	if (opt.fd < 0 || !opt.url || !opt.name)
		fail("pump: --fd, --url and --name are needed");
}

/* Whoever waits on the pipe --ready says it to whom it concerns; else nobody is there. */
static void __noreturn __printf(1, 2) refuse(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (opt.ready >= 0)
		vdprintf(opt.ready, format, args);
	va_end(args);
	exit(2);
}

/* What the plug-in says on its way, as it may be much, or nothing. */
static void open_plug(void)
{
	char *url = strdup(opt.url);

	errno = 0;
	plug = url ? vde_open(url, "kernelet", NULL) : NULL;
	free(url);
	if (!plug && (errno == EPROTONOSUPPORT || errno == ENOSYS))
		refuse("%s: libvdeplug has no such plug-in here; see libvdeplug-* packages",
		       opt.name);
	if (!plug)
		refuse("%s: cannot be opened: %s", opt.name,
		       errno ? strerror(errno) : "the plug-in does not say why");
	plug_fd = vde_datafd(plug);
	plug_ctl = vde_ctlfd(plug);
	if (plug_fd < 0)
		refuse("%s: the plug-in has no descriptor to wait on", opt.name);
	fcntl(plug_fd, F_SETFL, fcntl(plug_fd, F_GETFL) | O_NONBLOCK);
}

static enum calls calls_of(const char *url)
{
	static const char *const frames[] = { "vde", "ptp", "tap", "null", "udp" };
	size_t i, n = strcspn(url, ":");

	if (!strncmp(url, "slirp://", 8))
		return CALLS_INTERNET;
	/* without a scheme it is a switch's directory */
	if (strncmp(url + n, "://", 3))
		return CALLS_FRAMES;
	for (i = 0; i < ARRAY_SIZE(frames); i++)
		if (strlen(frames[i]) == n && !strncmp(frames[i], url, n))
			return CALLS_FRAMES;
	return CALLS_ALL_SOCKETS;
}

/* Returns false when the plug is gone. */
static bool to_plug(const uint8_t *frame, size_t len)
{
	struct pollfd p = { .fd = plug_fd, .events = POLLOUT };

	if (opt.shield && !shield_passes(frame, len))
		return true;
	if (opt.shield)
		frame = answer_turn(frame, len);
	if (vde_send(plug, frame, len, 0) >= 0)
		return true;
	if (errno != EAGAIN && errno != ENOBUFS)
		return errno != EBADF && errno != EPIPE && errno != ECONNREFUSED &&
		       errno != ENOTCONN && errno != ECONNRESET;
	if (poll(&p, 1, WAIT_MS) == 1)
		vde_send(plug, frame, len, 0);
	return true;
}

static bool plug_ready(struct batch *b)
{
	bool open = true;
	int n;

	for (n = 0; n < BATCH; n++) {
		uint8_t *message = batch_room(b, n);
		ssize_t got = vde_recv(plug, message + VNET_HDR, FRAME_MAX - VNET_HDR, 0);

		if (got <= 0) {
			open = got < 0 ? errno == EAGAIN || errno == EINTR : n > 0;
			break;
		}
		if (opt.shield)
			answer_seen(message + VNET_HDR, got);
		batch_set(b, n, VNET_HDR + got);
	}
	if (n)
		batch_send(b, 0, merge(b, n), opt.fd, WAIT_MS);
	return open;
}

/*
 * Returns false when a side is gone.  A message may be many frames, for each of
 * which something may come back, and a plug's queue is short.
 */
static bool guest_ready(struct batch *b, struct batch *back)
{
	int i, n = batch_receive(b, opt.fd);

	for (i = 0; i < n; i++) {
		size_t len;
		uint8_t *message = batch_frame(b, i, &len);

		if (!segment_message(message, len, to_plug))
			return false;
		if (len > LONG && !plug_ready(back))
			return false;
	}
	return n >= 0;
}

static void pump(void)
{
	struct batch *out = batch_new(), *in = batch_new();
	struct pollfd p[] = {
		{ .fd = opt.fd, .events = POLLIN },
		{ .fd = plug_fd, .events = POLLIN },
		/* silent, but for its end */
		{ .fd = plug_ctl != plug_fd ? plug_ctl : -1, .events = POLLIN },
	};

	for (;;) {
		if (poll(p, ARRAY_SIZE(p), -1) < 0)
			continue;
		if (p[0].revents && !guest_ready(out, in))
			return;
		if (p[1].revents && !plug_ready(in))
			return;
		if (p[2].revents & (POLLHUP | POLLERR))
			return;
		if (p[2].revents & POLLIN) {
			char c[64];

			if (read(plug_ctl, c, sizeof(c)) <= 0)
				return;
		}
	}
}

int pump_main(int argc, char **argv)
{
	const char up = NOTICE_UP_OFFLOADS;

	parse(argc, argv);
	keep_only(opt.fd, opt.ready);
	prctl(PR_SET_NAME, "kernelet-pump");
	open_plug();
	if (opt.shield) {
		shield_set(opt.dns, opt.dns6);
		answer_set(opt.gateway, opt.guest);
	}
	if (opt.ready >= 0) {
		if (write(opt.ready, "", 1) != 1)
			return 1;
		close(opt.ready);
	}
	confine(calls_of(opt.url), NULL);
	if (write(opt.fd, &up, 1) != 1)
		return 1;
	pump();
	return 1;
}
