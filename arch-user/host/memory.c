// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest RAM and the kernel's own mappings.
 *
 * RAM is one memfd.  The kernel maps all of it at DIRECT_MAP_ADDR.  Of the
 * image, text and read-only data stay what the host mapped from the file, so
 * that a debugger's breakpoints and perf's symbols work; data and bss become
 * pages of RAM at KERNEL_PHYS_ADDR, so that they have a physical address like
 * any other kernel memory.
 */
#include <linux/string.h>
#include <uapi/linux/mman.h>
#include <uapi/linux/fcntl.h>
#include <asm/sections.h>
#include "state.h"
#include "syscall.h"

extern char __image_data[], __image_ro[];

static int host_prot(int prot)
{
	return (prot & HOST_PROT_READ ? PROT_READ : 0) |
	       (prot & HOST_PROT_WRITE ? PROT_WRITE : 0) |
	       (prot & HOST_PROT_EXEC ? PROT_EXEC : 0);
}

/* #syscalls: mmap(_, _, _, MAP_SHARED | MAP_FIXED, host->ram_fd) */
int host_map_ram(unsigned long addr, u64 phys, size_t size, int prot)
{
	long ret = sys_mmap_at(addr, size, host_prot(prot), MAP_SHARED | MAP_FIXED,
			       host->ram_fd, phys);

	return sys_failed(ret) ? ret : 0;
}

/* #syscalls: munmap */
int host_unmap(unsigned long addr, size_t size)
{
	return sys2(__NR_munmap, addr, size);
}

/* #syscalls: mprotect */
int host_protect(unsigned long addr, size_t size, int prot)
{
	return sys3(__NR_mprotect, addr, size, host_prot(prot));
}

/*
 * A memfd whose pages may be executed, also where that must be asked for, and
 * which no write beyond its end makes larger.
 */
static int make_memfd(const char *name, u64 size)
{
	const unsigned int flags = HOST_MFD_CLOEXEC | HOST_MFD_ALLOW_SEALING;
	long fd = sys2(__NR_memfd_create, name, flags | HOST_MFD_EXEC);
	long ret;

	if (fd == -HOST_EINVAL)
		fd = sys2(__NR_memfd_create, name, flags);
	if (fd < 0)
		host_usage_error("memory", "the host refuses a memfd", NULL);
	ret = sys2(__NR_ftruncate, fd, size);
	if (ret < 0)
		host_usage_error("mem=", "the host does not give so much", "ask for less");
	if (!host_unsafe(HOST_DEFENCE_SEALS))
		sys3(__NR_fcntl, fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
	return fd;
}

static void map_whole(unsigned long addr, u64 size, int fd, const char *what)
{
	long ret = sys_mmap_at(addr, size, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_NORESERVE, fd, 0);

	if (ret != addr)
		host_usage_error(what, "cannot be mapped",
				 "is there a limit on address space (ulimit -v)?");
}

void host_ram_start(void)
{
	host->ram_fd = make_memfd("kernelet-ram", host->boot.ram_size);
	host->control_fd = make_memfd("kernelet-control", CONTROL_SIZE);
}

static void put_data(void)
{
	unsigned long start = (unsigned long)__image_data;
	unsigned long phys = start - KERNEL_LINK_ADDR + KERNEL_PHYS_ADDR;
	size_t size = PAGE_ALIGN((unsigned long)_end) - start;

	/*
	 * From the first to the last of these calls nothing in the image's
	 * data may change; there is nothing of ours there.
	 */
	sys4(__NR_pwrite64, host->ram_fd, start, (unsigned long)__bss_start - start, phys);
	host_map_ram(start, phys, size, HOST_PROT_READ | HOST_PROT_WRITE);
}

/**
 * host_image_load() - make data and bss part of guest RAM, for the first time
 */
void host_image_load(void)
{
	map_whole(DIRECT_MAP_ADDR, host->boot.ram_size, host->ram_fd, "mem=");
	map_whole(CONTROL_ADDR, CONTROL_SIZE, host->control_fd, "control memory");
	put_data();
}
