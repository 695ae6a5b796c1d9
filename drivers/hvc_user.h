/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _HVC_USER_H
#define _HVC_USER_H

struct tty_struct;

/**
 * user_console_ended() - whether a terminal gets no more input
 * @tty:	any terminal
 *
 * Return: true for one of our consoles when the host's descriptor is at its
 * end and all that came from it is on its way to the line discipline.
 */
bool user_console_ended(const struct tty_struct *tty);

/**
 * end_of_input_init() - teach terminals about the end of input
 *
 * Context: before the first terminal is opened.
 */
void end_of_input_init(void);

/**
 * end_of_input_reached() - a console has ended
 * @tty:	its terminal
 *
 * Readers get to know it now, or once they have read all there is.
 *
 * Context: may sleep.
 */
void end_of_input_reached(struct tty_struct *tty);

#endif /* _HVC_USER_H */
