// SPDX-License-Identifier: GPL-2.0-only
#include <poll.h>
#include <stddef.h>
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
