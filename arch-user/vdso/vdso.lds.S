/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Layout of the vDSO: one loaded segment that starts with the ELF header, and
 * in front of it, not part of the file, the data pages.
 */
#include <asm/page.h>
#include <asm/vdso.h>

OUTPUT_FORMAT("elf64-x86-64")
OUTPUT_ARCH(i386:x86-64)

PHDRS
{
	code	PT_LOAD FLAGS(5) FILEHDR PHDRS;
	dynamic	PT_DYNAMIC FLAGS(4);
	note	PT_NOTE FLAGS(4);
	unwind	PT_GNU_EH_FRAME;
}

SECTIONS
{
	_vdso_data = . - VVAR_PAGES * PAGE_SIZE;
	_timens_data = _vdso_data + PAGE_SIZE;

	. = SIZEOF_HEADERS;
	.note : { *(.note .note.*) } :code :note
	.dynamic : { *(.dynamic) } :code :dynamic
	.dynsym : { *(.dynsym) } :code
	.dynstr : { *(.dynstr) }
	.gnu.hash : { *(.gnu.hash) }
	.hash : { *(.hash) }
	.gnu.version : { *(.gnu.version) }
	.gnu.version_d : { *(.gnu.version_d) }
	.rodata : { *(.rodata .rodata.*) } :code
	.eh_frame_hdr : { *(.eh_frame_hdr) } :code :unwind
	.eh_frame : { KEEP(*(.eh_frame)) } :code
	. = ALIGN(16);
	.text : { *(.text .text.*) } :code

	/DISCARD/ : {
		*(.data .data.* .bss .bss.* .got .got.* .plt .plt.*)
		*(.discard .discard.* .altinstructions .altinstr_replacement)
		*(.modinfo .export_symbol .note.GNU-stack .note.gnu.property)
		*(__ex_table __bug_table .smp_locks)
	}
}

VERSION
{
	LINUX_2.6 {
	global:
		clock_getres;
		clock_gettime;
		getcpu;
		gettimeofday;
		time;
		__vdso_clock_getres;
		__vdso_clock_gettime;
		__vdso_getcpu;
		__vdso_gettimeofday;
		__vdso_time;
	local:
		*;
	};
}
