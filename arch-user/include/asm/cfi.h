/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frame descriptions of functions in assembly, for debuggers: they go to
 * .debug_frame and cost nothing at run time.
 */
#ifndef _ASM_USER_CFI_H
#define _ASM_USER_CFI_H

#ifdef __ASSEMBLY__

	.cfi_sections .debug_frame

/* Code from which there is no way back: where a backtrace ends. */
.macro CFI_START_OUTERMOST
	.cfi_startproc simple
	.cfi_def_cfa rsp, 0
	.cfi_undefined rip
.endm

#endif /* __ASSEMBLY__ */
#endif /* _ASM_USER_CFI_H */
