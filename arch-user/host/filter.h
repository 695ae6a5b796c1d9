/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Instructions of the seccomp filters that mkcalls.pl writes.
 *
 * A filter looks at the architecture first: numbers mean other calls for
 * int 0x80.  Calls of x32 have a bit in their number that none of ours has.
 * "miss" is how many instructions to skip when an argument does not fit; the
 * variable "deny" is what a call gets that is not listed.
 */
#ifndef _HOST_FILTER_H
#define _HOST_FILTER_H

#include <linux/types.h>
#include <uapi/linux/audit.h>
#include <uapi/linux/filter.h>
#include <uapi/linux/seccomp.h>

#define FILTER_LOAD(offset)	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)
#define FILTER_IF(op, val, yes, no)	BPF_JUMP(BPF_JMP | (op) | BPF_K, (u32)(val), yes, no)
/* little-endian: the low half first */
#define FILTER_LOAD_LO(n)	FILTER_LOAD(offsetof(struct seccomp_data, args[n]))
#define FILTER_LOAD_HI(n)	FILTER_LOAD(offsetof(struct seccomp_data, args[n]) + 4)

#define FILTER_ALLOW		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define FILTER_DENY		BPF_STMT(BPF_RET | BPF_K, deny)

#define FILTER_HEAD						\
	FILTER_LOAD(offsetof(struct seccomp_data, arch)),	\
	FILTER_IF(BPF_JEQ, AUDIT_ARCH_X86_64, 1, 0),		\
	FILTER_DENY,						\
	FILTER_LOAD(offsetof(struct seccomp_data, nr))

/* Another call: on to the next rule, @skip instructions behind this one. */
#define FILTER_CALL(nr, skip)	FILTER_IF(BPF_JEQ, nr, 0, skip)

#define FILTER_EQ(n, val, miss)					\
	FILTER_LOAD_LO(n),					\
	FILTER_IF(BPF_JEQ, (u64)(val), 0, (miss) + 2),		\
	FILTER_LOAD_HI(n),					\
	FILTER_IF(BPF_JEQ, (u64)(val) >> 32, 0, miss)

#define FILTER_LE(n, val, miss)					\
	FILTER_LOAD_HI(n),					\
	FILTER_IF(BPF_JEQ, 0, 0, (miss) + 2),			\
	FILTER_LOAD_LO(n),					\
	FILTER_IF(BPF_JGT, (u64)(val), miss, 0)

#define FILTER_IN(n, from, to, miss)				\
	FILTER_LOAD_HI(n),					\
	FILTER_IF(BPF_JEQ, 0, 0, (miss) + 3),			\
	FILTER_LOAD_LO(n),					\
	FILTER_IF(BPF_JGE, (u64)(from), 0, (miss) + 1),		\
	FILTER_IF(BPF_JGT, (u64)(to), miss, 0)

#endif /* _HOST_FILTER_H */
