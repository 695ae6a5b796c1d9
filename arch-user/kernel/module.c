// SPDX-License-Identifier: GPL-2.0-only
/*
 * Modules: relocation.
 */
#include <linux/elf.h>
#include <linux/module.h>
#include <linux/moduleloader.h>

static int relocate(const struct module *me, void *loc, unsigned int type, u64 val)
{
	s64 rel = val - (u64)loc;

	switch (type) {
	case R_X86_64_NONE:
		return 0;
	case R_X86_64_64:
		*(u64 *)loc = val;
		return 0;
	case R_X86_64_PC64:
		*(u64 *)loc = rel;
		return 0;
	case R_X86_64_32:
		*(u32 *)loc = val;
		return val == (u32)val ? 0 : -ERANGE;
	case R_X86_64_32S:
		*(s32 *)loc = val;
		return (s64)val == (s32)val ? 0 : -ERANGE;
	case R_X86_64_PC32:
	case R_X86_64_PLT32:
		*(s32 *)loc = rel;
		return rel == (s32)rel ? 0 : -ERANGE;
	default:
		return -ENOEXEC;
	}
}

int apply_relocate_add(Elf64_Shdr *sechdrs, const char *strtab, unsigned int symindex,
		       unsigned int relsec, struct module *me)
{
	Elf64_Rela *rel = (void *)sechdrs[relsec].sh_addr;
	Elf64_Rela *end = (void *)rel + sechdrs[relsec].sh_size;
	Elf64_Sym *syms = (void *)sechdrs[symindex].sh_addr;
	u64 base = sechdrs[sechdrs[relsec].sh_info].sh_addr;

	for (; rel < end; rel++) {
		const Elf64_Sym *sym = &syms[ELF64_R_SYM(rel->r_info)];
		unsigned int type = ELF64_R_TYPE(rel->r_info);
		int ret = relocate(me, (void *)(base + rel->r_offset), type,
				   sym->st_value + rel->r_addend);

		if (!ret)
			continue;
		pr_err("%s: relocation %u against %s: %s\n", me->name, type,
		       strtab + sym->st_name, ret == -ERANGE ? "out of range" : "unknown");
		return -ENOEXEC;
	}
	return 0;
}
