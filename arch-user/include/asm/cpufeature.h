/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Features that headers taken from x86 ask for are those of every CPU that the
 * port runs on.
 */
#ifndef _ASM_USER_CPUFEATURE_H
#define _ASM_USER_CPUFEATURE_H

#include <asm/cpufeatures.h>

#define boot_cpu_has(bit)		1
#define static_cpu_has(bit)		1
#define cpu_feature_enabled(bit)	1
#define system_has_cmpxchg128()		1

#endif /* _ASM_USER_CPUFEATURE_H */
