/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The image: text and read-only data, which stay mappings of the file, then
 * everything that becomes guest RAM (host/memory.c).
 */
#include <asm/cache.h>
#include <asm/layout.h>
#include <asm/page.h>
#include <asm/thread_info.h>

#define RO_EXCEPTION_TABLE_ALIGN	16
#define RUNTIME_DISCARD_EXIT

#include <asm-generic/vmlinux.lds.h>

OUTPUT_FORMAT("elf64-x86-64")
OUTPUT_ARCH(i386:x86-64)
ENTRY(_start)

PHDRS
{
	text PT_LOAD FLAGS(5);
	rodata PT_LOAD FLAGS(6);
	data PT_LOAD FLAGS(6);
	note PT_NOTE FLAGS(4);
}

jiffies = jiffies_64;

SECTIONS
{
	. = KERNEL_LINK_ADDR;
	_stext = .;
	.text : {
		_text = .;
		HEAD_TEXT
		IRQENTRY_TEXT
		SOFTIRQENTRY_TEXT
		TEXT_TEXT
		LOCK_TEXT
		SCHED_TEXT
		STATIC_CALL_TEXT
		KPROBES_TEXT
		*(.text.fixup)
	} :text =0xcccccccc
	. = ALIGN(PAGE_SIZE);
	_etext = .;

	__init_text_begin = .;
	INIT_TEXT_SECTION(PAGE_SIZE)
	.exit.text : { EXIT_TEXT }
	. = ALIGN(PAGE_SIZE);
	__init_text_end = .;

	.rodata.start : { } :rodata
	RO_DATA(PAGE_SIZE)
	. = ALIGN(PAGE_SIZE);

	__image_data = .;
	_sdata = .;
	.data.start : { } :data
	RW_DATA(L1_CACHE_BYTES, PAGE_SIZE, THREAD_SIZE)
	. = ALIGN(PAGE_SIZE);
	_edata = .;

	__init_begin = .;
	INIT_DATA_SECTION(16)
	.exit.data : { EXIT_DATA }
	PERCPU_SECTION(L1_CACHE_BYTES)
	. = ALIGN(PAGE_SIZE);
	__init_end = .;

	.got : { *(.got) *(.igot.*) }
	.got.plt : { *(.got.plt) }
	. = ALIGN(PAGE_SIZE);
	BSS_SECTION(PAGE_SIZE, PAGE_SIZE, PAGE_SIZE)
	_end = .;

	STABS_DEBUG
	DWARF_DEBUG
	ELF_DETAILS
	.plt : { *(.plt) *(.plt.*) *(.iplt) }
	.rela.plt : { *(.rela.*) *(.rela_*) }
	ASSERT(SIZEOF(.got) == 0, "unexpected GOT")
	ASSERT(SIZEOF(.plt) == 0, "unexpected PLT")
	ASSERT(SIZEOF(.rela.plt) == 0, "unexpected relocations")
	DISCARDS
}
