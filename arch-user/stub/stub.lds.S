/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stub's text: one page for guest threads, one for the mapper, the rest
 * for the zygote and read-only data.  The seccomp filters go by these pages.
 */
#include <asm/stub_abi.h>

OUTPUT_FORMAT("elf64-x86-64")
OUTPUT_ARCH(i386:x86-64)
ENTRY(zygote_main)

SECTIONS
{
	. = STUB_BASE;
	.text : {
		stub_text_guest = .;
		*(.text.guest)
		. = ALIGN(0x1000);
		*(.text.mapper)
		. = ALIGN(0x1000);
		*(.text .text.*)
		*(.rodata .rodata.*)
		*(.data.rel.ro .data.rel.ro.*)
	}
	_end = .;
	.bad : { *(.data .data.* .bss .bss.* COMMON .got .got.*) }
	ASSERT(SIZEOF(.bad) == 0, "the stub has no writable memory of its own")
	ASSERT(stub_no_signals == STUB_NO_SIGNALS, "the filter knows where it is")
	ASSERT(stub_futex_ip == STUB_FUTEX_IP, "and this")
	ASSERT(_end <= STUB_TEXT_END, "the stub's text is too large")
	/DISCARD/ : { *(*) }
}
