/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_USER_VDSO_CLOCKSOURCE_H
#define _ASM_USER_VDSO_CLOCKSOURCE_H

/* Counters that guest code can read by itself. */
#define VDSO_ARCH_CLOCKMODES	VDSO_CLOCKMODE_TSC

#endif /* _ASM_USER_VDSO_CLOCKSOURCE_H */
