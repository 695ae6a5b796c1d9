/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_USER_SIGNAL_H
#define _ASM_USER_SIGNAL_H

#define _NSIG		64
#define _NSIG_BPW	64
#define _NSIG_WORDS	(_NSIG / _NSIG_BPW)

#ifndef __ASSEMBLY__

typedef struct {
	unsigned long sig[_NSIG_WORDS];
} sigset_t;

typedef unsigned long old_sigset_t;

#include <uapi/asm/signal.h>

#define __ARCH_HAS_SA_RESTORER

#include <uapi/asm/sigcontext.h>

#endif /* __ASSEMBLY__ */
#endif /* _ASM_USER_SIGNAL_H */
