/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The user's terminal: raw while a guest's terminal does the echo, the editing
 * and the signals, and set back in every case.
 */
#ifndef TERMINAL_H
#define TERMINAL_H

#include <stdint.h>
#include "loop.h"

/**
 * terminal_raw() - put a terminal into raw mode, and wait for what is typed there
 * @fd:		the terminal
 * @keys:	is added to the loop
 *
 * A process in the background, which would be stopped for that, leaves the terminal
 * alone; it is done once it comes to the foreground.
 * A process that is killed sets nothing back, so a guard process, that this
 * makes, waits for the end of ours.
 */
void terminal_raw(int fd, struct source *keys);

/**
 * terminal_restore() - set it back; nothing happens if it was never changed
 */
void terminal_restore(void);

/**
 * terminal_size() - rows and columns
 */
void terminal_size(int fd, uint16_t size[2]);

#endif /* TERMINAL_H */
