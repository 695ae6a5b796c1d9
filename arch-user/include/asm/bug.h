/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * BUG() and WARN() are UD2, told apart by the bug table; kernel/traps.c gets
 * them as the host's SIGILL.
 */
#ifndef _ASM_USER_BUG_H
#define _ASM_USER_BUG_H

#include <linux/stringify.h>
#include <linux/instrumentation.h>

#define UD2_OPCODE	0x0b0f
#define UD2_LENGTH	2

#ifdef CONFIG_GENERIC_BUG
#ifdef CONFIG_DEBUG_BUGVERBOSE
#define __BUG_LOCATION							\
	"	.quad	%c[file]\n"					\
	"	.word	%c[line]\n"
#else
#define __BUG_LOCATION
#endif

#define __BUG_FLAGS(bug_flags)						\
	asm volatile("1:	ud2\n"					\
		     "	.pushsection __bug_table, \"aw\"\n"		\
		     "	.balign	8\n"					\
		     "2:	.quad	1b\n"				\
		     __BUG_LOCATION					\
		     "	.word	%c[fl]\n"				\
		     "	.org	2b + %c[size]\n"			\
		     "	.popsection\n"					\
		     : : [file] "i" (__FILE__), [line] "i" (__LINE__),	\
			 [fl] "i" (bug_flags),				\
			 [size] "i" (sizeof(struct bug_entry)))

#define HAVE_ARCH_BUG
#define BUG()								\
do {									\
	instrumentation_begin();					\
	__BUG_FLAGS(0);							\
	__builtin_unreachable();					\
} while (0)

#define __WARN_FLAGS(flags)						\
do {									\
	instrumentation_begin();					\
	__BUG_FLAGS(BUGFLAG_WARNING | (flags));				\
	instrumentation_end();						\
} while (0)
#endif /* CONFIG_GENERIC_BUG */

#include <asm-generic/bug.h>

#endif /* _ASM_USER_BUG_H */
