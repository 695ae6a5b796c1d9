// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the host's exec to the kernel's first instruction, and back again for
 * a reboot.
 *
 * Order matters here.  The guard and the zygote are forked first, while the
 * process holds nothing but its image; then RAM is made and the image's data
 * moved into it.  Threads are made and the process confines itself (confine.c);
 * from then on this is a kernel, and nothing is opened or made any more.
 */
#include <linux/bitops.h>
#include <linux/random.h>
#include <uapi/linux/elf.h>
#include <uapi/linux/auxvec.h>
#include <uapi/asm/auxvec.h>
#include <uapi/linux/mman.h>
#include <uapi/linux/falloc.h>
#include <uapi/linux/fcntl.h>
#include <asm/sections.h>
#include "state.h"
#include "syscall.h"

#define HOST_HWCAP2_FSGSBASE	2

extern char __image_data[];
void __noreturn kernel_entry(void);

struct boot_info *host_boot_info(void)
{
	return &host->boot;
}

static u64 file_number(const char *path, u64 otherwise)
{
	char buf[32];
	u64 v = 0;
	long i, n, fd = sys3(__NR_open, path, O_RDONLY | O_CLOEXEC, 0);

	if (fd < 0)
		return otherwise;
	n = host_read_wait(fd, buf, sizeof(buf));
	sys1(__NR_close, fd);
	for (i = 0; i < n && buf[i] >= '0' && buf[i] <= '9'; i++)
		v = v * 10 + buf[i] - '0';
	return i ? v : otherwise;
}

static void look_at_cpu(void)
{
	u32 a = 0xd, b, c = 0, d;
	u32 lo, hi;
	u64 mask[16] = { 0 };
	long n = sys3(__NR_sched_getaffinity, 0, sizeof(mask), mask);
	int i;

	for (i = 0; i < n / 8; i++)
		host->boot.host_cpus += hweight64(mask[i]);
	memcpy(host->cpus_allowed, mask, sizeof(host->cpus_allowed));
	if (!host->boot.host_cpus)
		host->boot.host_cpus = 1;
	asm volatile("xgetbv" : "=a" (lo), "=d" (hi) : "c" (0));
	asm volatile("cpuid" : "+a" (a), "=b" (b), "+c" (c), "=d" (d));
	host->boot.xfeatures = (u64)hi << 32 | lo;
	host->boot.xstate_size = b + 4;
}

static void look_at_host(unsigned long *auxv)
{
	unsigned long vdso = 0;

	for (; auxv[0] != AT_NULL; auxv += 2) {
		if (auxv[0] == AT_SYSINFO_EHDR)
			vdso = auxv[1];
		if (auxv[0] == AT_HWCAP2)
			host->boot.hwcap2 = auxv[1];
	}
	host->boot.fsgsbase = host->boot.hwcap2 & HOST_HWCAP2_FSGSBASE;
	look_at_cpu();
	host->boot.max_maps = file_number("/proc/sys/vm/max_map_count", 65530);
	host_limits_start();
	host_clock_start(vdso);
}

/* Each stub takes a descriptor: as many as the host allows. */
static void raise_descriptor_limit(void)
{
	struct { u64 now, most; } limit;

	if (sys4(__NR_prlimit64, 0, HOST_RLIMIT_NOFILE, NULL, &limit))
		return;
	limit.now = limit.most;
	sys4(__NR_prlimit64, 0, HOST_RLIMIT_NOFILE, &limit, NULL);
}

static void load_initrd(void)
{
	u64 size = host->initrd_file_size, at, done = 0;

	if (host->initrd_fd < 0)
		return;
	at = (host->boot.ram_size - size) & PAGE_MASK;
	if (size > host->boot.ram_size / 2)
		host_usage_error("initrd=", "too large for the guest's memory", "raise mem=");
	while (done < size) {
		long n = sys4(__NR_pread64, host->initrd_fd, DIRECT_MAP_ADDR + at + done,
			      size - done, done);

		if (n <= 0)
			host_usage_error("initrd=", "cannot be read", NULL);
		done += n;
	}
	host->boot.initrd_phys = at;
	host->boot.initrd_size = size;
}

/* #syscalls: getrandom */
static void __ref __noreturn boot(void)
{
	host_cpu_init(0, 0);
	sys3(__NR_getrandom, host->boot.seed, HOST_SEED_SIZE, 0);
	load_initrd();
	kernel_entry();
}

/**
 * host_start() - the process's first function
 * @sp:		the stack as the host's exec left it
 */
void __noreturn host_start(unsigned long *sp)
{
	int argc = sp[0];
	char **argv = (char **)(sp + 1);
	char **envp = argv + argc + 1;
	unsigned long *auxv;
	long ret;

	for (auxv = (unsigned long *)envp; *auxv; auxv++)
		;
	auxv++;
	ret = sys_mmap_at(HOST_STATE_ADDR, PAGE_ALIGN(sizeof(struct host_state)),
			  PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_NORESERVE, -1, 0);
	if (ret != HOST_STATE_ADDR)
		host_usage_error("memory", "the host's address space is taken", NULL);
	host->host_sp = (unsigned long)sp & ~15UL;
	host_signals_start();
	host_options(argc, argv, envp);
	host_intercept_choose();
	host->exe_fd = sys3(__NR_open, "/proc/self/exe", O_RDONLY | O_CLOEXEC, 0);
	if (host->exe_fd < 0)
		host_usage_error("/proc/self/exe", "cannot be opened", "is /proc mounted?");
	look_at_host(auxv);
	raise_descriptor_limit();
	host_net_start();
	host_drop_rights();
	host_tty_start();
	host_guard_start();
	host_ram_start();
	host_shares_start();
	host_zygote_start();
	host_image_load();
	host_events_start();
	host_cpus_start();
	host_disks_start();
	host_confine();
	boot();
}

/* #syscalls: exit_group */
void __noreturn host_exit(int status)
{
	host_guard_end();
	host_zygote_end();
	for (;;)
		sys1(__NR_exit_group, status);
}

/*
 * A segment of the image's file as it was at the first start.
 *
 * #syscalls: mmap(<=MODULES_ADDR, _, _, MAP_PRIVATE | MAP_FIXED, host->exe_fd) pread64
 */
static void reload(const Elf64_Phdr *ph)
{
	unsigned long data = (unsigned long)__image_data;
	int prot = PROT_READ | (ph->p_flags & PF_W ? PROT_WRITE : 0) |
		   (ph->p_flags & PF_X ? PROT_EXEC : 0);

	if (ph->p_type != PT_LOAD)
		return;
	if (ph->p_vaddr < data)
		sys_mmap_at(ph->p_vaddr, PAGE_ALIGN(ph->p_filesz), prot,
			    MAP_PRIVATE | MAP_FIXED, host->exe_fd, ph->p_offset);
	else
		sys4(__NR_pread64, host->exe_fd, DIRECT_MAP_ADDR + __pa(ph->p_vaddr),
		     ph->p_filesz, ph->p_offset);
}

/*
 * A fresh RAM, and the image in it as the file has it.
 *
 * #syscalls: fallocate(_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)
 */
static void __noreturn restart(void)
{
	unsigned long data = (unsigned long)__image_data;
	Elf64_Phdr ph[8];
	Elf64_Ehdr eh;
	int i;

	sys4(__NR_fallocate, host->ram_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
	     host->boot.ram_size);
	sys4(__NR_fallocate, host->control_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
	     CONTROL_SIZE);
	host_unmap(VMALLOC_ADDR, VMALLOC_ADDR_END - VMALLOC_ADDR);
	host_unmap(MODULES_ADDR, MODULES_ADDR_END - MODULES_ADDR);
	sys4(__NR_pread64, host->exe_fd, &eh, sizeof(eh), 0);
	sys4(__NR_pread64, host->exe_fd, ph, sizeof(ph), eh.e_phoff);
	host_map_ram(data, __pa(data), PAGE_ALIGN((unsigned long)_end) - data,
		     HOST_PROT_READ | HOST_PROT_WRITE);
	for (i = 0; i < eh.e_phnum && i < ARRAY_SIZE(ph); i++)
		reload(&ph[i]);
	host->boot.exit_status = 0;
	boot();
}

void __noreturn host_restart(void)
{
	host_timer_set(0, 0);
	host_signals_start();
	host_events_stop();
	host_disk_drain(0);
	host_shares_stop();
	host_stubs_end();
	host_switch_stack((void *)host->host_sp, restart);
}
