// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "loop.h"
#include "util.h"

static struct source **sources;
static size_t n_sources;

void loop_add(struct source *s)
{
	sources = grow(sources, (n_sources + 1) * sizeof(*sources));
	sources[n_sources++] = s;
}

/* The place stays, empty, as loop_turn() may be on its way through. */
void loop_remove(struct source *s)
{
	size_t i;

	for (i = 0; i < n_sources; i++)
		if (sources[i] == s)
			sources[i] = NULL;
}

static void compact(void)
{
	size_t i, n = 0;

	for (i = 0; i < n_sources; i++)
		if (sources[i])
			sources[n++] = sources[i];
	n_sources = n;
}

void loop_turn(int ms)
{
	static struct pollfd *p;
	size_t i, n;

	compact();
	n = n_sources;
	p = grow(p, (n + 1) * sizeof(*p));
	for (i = 0; i < n; i++) {
		p[i].fd = sources[i]->events ? sources[i]->fd : -1;
		p[i].events = sources[i]->events;
		p[i].revents = 0;
	}
	if (poll(p, n, ms) <= 0)
		return;
	for (i = 0; i < n; i++)
		if (p[i].revents && sources[i])
			sources[i]->ready(sources[i]->data, p[i].revents);
}

/* ---- signals -------------------------------------------------------------- */

static struct source signals;
static void (*signal_taken)(int signal);

static void signal_ready(void *data, short happened)
{
	struct signalfd_siginfo info;

	(void)data;
	(void)happened;
	while (read(signals.fd, &info, sizeof(info)) == sizeof(info))
		signal_taken(info.ssi_signo);
}

int loop_signals(const int *list, size_t n, void (*taken)(int signal))
{
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	for (i = 0; i < n; i++)
		sigaddset(&set, list[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal_taken = taken;
	signals = (struct source){ signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), POLLIN,
				   signal_ready, NULL };
	if (signals.fd < 0)
		fail("no descriptor for signals: %s", strerror(errno));
	loop_add(&signals);
	return signals.fd;
}
