/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
#ifndef _UAPI_ASM_USER_AUXVEC_H
#define _UAPI_ASM_USER_AUXVEC_H

#define AT_SYSINFO_EHDR		33
#define AT_MINSIGSTKSZ		51

/* entries that ARCH_DLINFO adds */
#define AT_VECTOR_SIZE_ARCH	2

#endif /* _UAPI_ASM_USER_AUXVEC_H */
