// SPDX-License-Identifier: GPL-2.0-only
/* Core dumps: written where core_pattern says, with memory and registers. */
#include <elf.h>
#include <sys/procfs.h>
#include <sys/resource.h>
#include "ktap.h"

static volatile char mark[] = "a mark in the core file";
static volatile unsigned long where;

static int crashes(void)
{
	struct rlimit rl = { RLIM_INFINITY, RLIM_INFINITY };

	setrlimit(RLIMIT_CORE, &rl);
	mark[0] = 'A';
	asm volatile("mov $0x1234567, %%r12\n ud2" : : : "r12");
	return 0;
}

static bool usable_pattern(void)
{
	char buf[256];

	if (getenv("KERNELET_GUEST") && !geteuid()) {
		write_file("/proc/sys/kernel/core_pattern", "core");
		write_file("/proc/sys/kernel/core_uses_pid", "0");
	}
	return read_file("/proc/sys/kernel/core_pattern", buf, sizeof(buf)) > 0 &&
	       !strcmp(buf, "core\n");
}

int main(void)
{
	static unsigned char core[64 << 20];
	Elf64_Ehdr *eh = (void *)core;
	int status, fd, loads = 0;
	bool found = false;
	struct elf_prstatus *prs = NULL;
	struct rlimit rl;
	ssize_t n, size = 0;

	getrlimit(RLIMIT_CORE, &rl);
	if (!usable_pattern() || rl.rlim_max != RLIM_INFINITY) {
		printf("KTAP version 1\n1..0 # SKIP no plain core files here\n");
		return 0;
	}
	temp_dir();
	status = in_child(crashes);
	is(status & 0x7f, SIGILL, "a program dies");
	ok(WCOREDUMP(status), "and leaves a core file");
	fd = open("core", O_RDONLY);
	if (!ok(fd >= 0, "with the name core"))
		return done();
	while ((n = read(fd, core + size, sizeof(core) - size)) > 0)
		size += n;
	ok(size > 64 && !memcmp(core, ELFMAG, SELFMAG) && eh->e_type == ET_CORE,
	   "an ELF core file");
	for (int i = 0; i < eh->e_phnum; i++) {
		Elf64_Phdr *ph = (void *)(core + eh->e_phoff + i * eh->e_phentsize);

		if (ph->p_type == PT_NOTE) {
			Elf64_Nhdr *nh = (void *)(core + ph->p_offset);

			if (nh->n_type == NT_PRSTATUS)
				prs = (void *)((char *)(nh + 1) +
					       (nh->n_namesz + 3) / 4 * 4);
		}
		if (ph->p_type == PT_LOAD) {
			long o = (char *)mark - (char *)ph->p_vaddr;

			loads++;
			if (o >= 0 && o < (long)ph->p_filesz)
				found = !strcmp((char *)core + ph->p_offset + o,
						"A mark in the core file");
		}
	}
	ok(loads >= 3, "with the program's memory");
	ok(found, "as it was at the end");
	if (!ok(prs, "with a status note"))
		return done();
	is(prs->pr_cursig, SIGILL, "the signal");
	is(prs->pr_reg[3], 0x1234567, "and the registers (r12)");
	return done();
}
