/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A line on the user's terminal about something that takes long.  Nothing is
 * shown elsewhere, nor of what is over at once.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdint.h>

/**
 * progress_start() - begin
 * @what:	is being done
 * @total:	bytes in all, 0 when that is not known
 */
void progress_start(const char *what, uint64_t total);

/**
 * progress_add() - so many bytes more are done
 */
void progress_add(uint64_t n);

/**
 * progress_to() - so many bytes are done in all
 */
void progress_to(uint64_t n);

/**
 * progress_end() - take the line away
 */
void progress_end(void);

#endif /* PROGRESS_H */
