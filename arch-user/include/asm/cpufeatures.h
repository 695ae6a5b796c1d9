/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names of CPU features that headers taken from x86 ask for.
 */
#ifndef _ASM_USER_CPUFEATURES_H
#define _ASM_USER_CPUFEATURES_H

#define X86_FEATURE_CX8		(0 * 32 + 8)
#define X86_FEATURE_XMM		(0 * 32 + 25)
#define X86_FEATURE_XMM2	(0 * 32 + 26)
#define X86_FEATURE_CX16	(4 * 32 + 13)
#define X86_FEATURE_LFENCE_RDTSC (3 * 32 + 18)

#endif /* _ASM_USER_CPUFEATURES_H */
