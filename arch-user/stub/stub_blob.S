/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stub's text as read-only data of the kernel image.
 */
#include <linux/linkage.h>
#include "stub_syms.h"

	.section .rodata, "a"
	.balign	4096
	.globl	stub_blob, stub_blob_end
stub_blob:
	.incbin	"arch/user/stub/stub.bin"
stub_blob_end:

	.globl	stub_signal_addr, zygote_main_addr
	.globl	stub_syscall_addr, stub_syscall_checked_addr, stub_syscall_foreign_addr
	.balign	8
stub_signal_addr:
	.quad	addr_stub_signal
zygote_main_addr:
	.quad	addr_zygote_main
stub_syscall_addr:
	.quad	addr_stub_syscall
stub_syscall_checked_addr:
	.quad	addr_stub_syscall_checked
stub_syscall_foreign_addr:
	.quad	addr_stub_syscall_foreign
