/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_USER_ELF_H
#define _ASM_USER_ELF_H

#include <linux/thread_info.h>
#include <asm/ptrace.h>

#define R_X86_64_NONE		0
#define R_X86_64_64		1
#define R_X86_64_PC32		2
#define R_X86_64_PLT32		4
#define R_X86_64_32		10
#define R_X86_64_32S		11
#define R_X86_64_PC64		24

typedef unsigned long elf_greg_t;
#define ELF_NGREG	27	/* struct user_regs_struct */
typedef elf_greg_t elf_gregset_t[ELF_NGREG];
typedef struct { unsigned char area[512]; } elf_fpregset_t;

#define ELF_CLASS	ELFCLASS64
#define ELF_DATA	ELFDATA2LSB
#define ELF_ARCH	EM_X86_64

#define elf_check_arch(x)	((x)->e_machine == EM_X86_64)

/* As the x86-64 ABI has it: %rdx is no function to register at exit. */
#define ELF_PLAT_INIT(regs, load_addr)	do { } while (0)

#define CORE_DUMP_USE_REGSET
#define ELF_EXEC_PAGESIZE	4096
#define ELF_ET_DYN_BASE		(TASK_SIZE / 3 * 2)

#define ELF_HWCAP		user_hwcap()
#define ELF_HWCAP2		user_hwcap2()
#define ELF_PLATFORM		("x86_64")

#define ARCH_DLINFO							\
do {									\
	if (current->mm->context.vdso)					\
		NEW_AUX_ENT(AT_SYSINFO_EHDR,				\
			    (unsigned long)current->mm->context.vdso);	\
	NEW_AUX_ENT(AT_MINSIGSTKSZ, get_sigframe_size());		\
} while (0)

#define SET_PERSONALITY(ex)	set_personality(PER_LINUX | (current->personality & ~PER_MASK))

#define ARCH_HAS_SETUP_ADDITIONAL_PAGES 1
struct linux_binprm;
int arch_setup_additional_pages(struct linux_binprm *bprm, int uses_interp);

u32 user_hwcap(void);
u32 user_hwcap2(void);
unsigned long get_sigframe_size(void);

#endif /* _ASM_USER_ELF_H */
