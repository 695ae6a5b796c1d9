// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames between two plugs of libvdeplug, as fast as they go: what a switch
 * carries by itself.
 *
 *	netplug take URL		says "ready", and at the end Mbit/s
 *	netplug give URL SECONDS
 */
#include <errno.h>
#include <libvdeplug.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FRAME		1514
#define TAKER		"\x02\0\0\0\0\x01"
#define GIVER		"\x02\0\0\0\0\x02"
#define TYPE		"\x88\xb5"		/* for experiments */
#define QUIET_MS	1000			/* then it was the last one */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void take(VDECONN *plug)
{
	char frame[FRAME] = { 0 };
	struct pollfd p = { .fd = vde_datafd(plug), .events = POLLIN };
	double first = 0, last = 0, bytes = 0;

	/* the switch learns where we are */
	memcpy(frame, GIVER TAKER TYPE, 14);
	vde_send(plug, frame, 60, 0);
	puts("ready");
	fflush(stdout);
	while (poll(&p, 1, bytes ? QUIET_MS : -1) == 1) {
		ssize_t n = vde_recv(plug, frame, sizeof(frame), 0);

		if (n <= 0)
			break;
		last = now();
		if (!first)
			first = last;
		bytes += n;
	}
	printf("%.0f\n", last > first ? bytes * 8 / (last - first) / 1e6 : 0);
}

/* A full queue is waited for: vde_send() blocks. */
static void give(VDECONN *plug, double seconds)
{
	char frame[FRAME] = { 0 };
	double end = now() + seconds;
	int i;

	memcpy(frame, TAKER GIVER TYPE, 14);
	while (now() < end)
		for (i = 0; i < 32; i++)
			vde_send(plug, frame, sizeof(frame), 0);
}

int main(int argc, char **argv)
{
	VDECONN *plug = argc > 2 ? vde_open(argv[2], "netplug", NULL) : NULL;

	if (!plug) {
		fprintf(stderr, "netplug: %s: %s\n", argc > 2 ? argv[2] : "no URL", strerror(errno));
		return 2;
	}
	if (!strcmp(argv[1], "take"))
		take(plug);
	else
		give(plug, argc > 3 ? atof(argv[3]) : 1);
	vde_close(plug);
	return 0;
}
