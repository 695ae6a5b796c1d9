/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the launcher takes from the guest's process before it starts: the kernel
 * confines itself further.
 */
#ifndef CONFINE_H
#define CONFINE_H

#include <stdbool.h>
#include <sys/types.h>

/**
 * confine_clone() - fork() into namespaces of its own, as far as the host allows
 * @wanted:	or none
 * @got:	result: which, for people
 *
 * Return: as fork().
 */
pid_t confine_clone(bool wanted, const char **got);

/**
 * confine_user() - in the child: be the same user in the new namespace
 */
void confine_user(void);

/**
 * confine_rights() - in the child: no capability, and none to be gained
 *
 * Return: 0, or -1 when the host refuses.
 */
int confine_rights(void);

/**
 * confine_possible() - whether the host lets us install seccomp filters
 */
bool confine_possible(void);

#endif /* CONFINE_H */
