// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>
#include "progress.h"

/* Seconds until there is a line, and between two. */
static const double first = 0.5, step = 0.2;

static struct {
	const char *what;
	uint64_t total, done;
	double began, shown;
	bool terminal, visible;
} state;

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

void progress_start(const char *what, uint64_t total)
{
	state.what = what;
	state.total = total;
	state.done = 0;
	state.began = seconds();
	state.shown = state.began + first - step;
	state.terminal = isatty(STDERR_FILENO);
	state.visible = false;
}

void progress_add(uint64_t n)
{
	progress_to(state.done + n);
}

void progress_to(uint64_t n)
{
	double t;

	state.done = n;
	if (!state.terminal)
		return;
	t = seconds();
	if (t < state.shown + step)
		return;
	state.shown = t;
	state.visible = true;
	fprintf(stderr, "\r\033[K%s: %.0f MB", state.what, state.done / 1e6);
	if (state.total)
		fprintf(stderr, " of %.0f MB", state.total / 1e6);
	fprintf(stderr, ", %.0f MB/s", state.done / 1e6 / (t - state.began));
}

void progress_end(void)
{
	if (state.visible)
		fputs("\r\033[K", stderr);
	state.visible = false;
}
