/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names that the files of the stub share.
 */
#ifndef _STUB_H
#define _STUB_H

#include <linux/compiler_attributes.h>
#include <linux/stddef.h>

struct sock_fprog;

/* the filter of guest threads; in read-only memory */
extern const struct sock_fprog guest_filter;

__noreturn void zygote_main(long parent, long traced);

#endif /* _STUB_H */
