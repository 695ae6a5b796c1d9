/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Limits on what a guest uses of the host: a control group (version 2) of its
 * own, below one that the caller may write to.
 */
#ifndef LIMITS_H
#define LIMITS_H

#include "shares.h"

/**
 * limits_make() - make the control group, if a limit is wanted
 * @cpu:	--cpu-limit: CPUs, as 1.5; or NULL
 * @io:		--io-limit: bytes a second, as 50M, for each of reading and writing; or NULL
 * @sh:		the latter is on the devices that these are on,
 * @disks:	and these, values of --disk
 *
 * Ends the program when the host does not let us.
 */
void limits_make(const char *cpu, const char *io, const struct shares *sh,
		 const struct words *disks);

/**
 * limits_enter() - in a child: belong to it
 */
void limits_enter(void);

/**
 * limits_remove() - when all its processes have ended; more than once is no harm
 */
void limits_remove(void);

#endif /* LIMITS_H */
