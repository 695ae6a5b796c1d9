/* SPDX-License-Identifier: GPL-2.0-only */
/* A loop that waits for descriptors. */
#ifndef LOOP_H
#define LOOP_H

#include <stdbool.h>
#include <stddef.h>

/**
 * struct source - a descriptor and who is told when it is ready
 * @fd:		the descriptor, or -1
 * @events:	of poll(); 0 while nothing is wanted
 * @ready:	called with what happened; may change or remove any source
 * @data:	its argument
 */
struct source {
	int fd;
	short events;
	void (*ready)(void *data, short happened);
	void *data;
};

/*
 * Messages of a guest that are taken at a time: other descriptors, signals first,
 * have their turn however fast it sends.
 */
#define LOOP_MESSAGES	16

void loop_add(struct source *s);
void loop_remove(struct source *s);

/**
 * loop_turn() - wait until something is ready and tell who wants to know
 * @ms:		at most so long, or -1
 */
void loop_turn(int ms);

/**
 * loop_signals() - have signals come by the loop, and not as they would
 * @list:	which
 * @n:		how many
 * @taken:	called with each that came; may change or remove any source
 *
 * To be called once.
 *
 * Return: the descriptor that they come by, for who waits elsewhere meanwhile.
 */
int loop_signals(const int *list, size_t n, void (*taken)(int signal));

#endif /* LOOP_H */
