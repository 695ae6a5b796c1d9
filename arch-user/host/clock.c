// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's clocks, read through its vDSO, and the TSC's frequency.
 */
#include <uapi/linux/elf.h>
#include <uapi/linux/time.h>
#include "state.h"
#include "syscall.h"

#define CALIBRATION_NS	2000000

/*
 * The vDSO makes the call, too, when the host keeps time by other means.
 *
 * #syscalls: clock_gettime(CLOCK_MONOTONIC) clock_gettime(CLOCK_MONOTONIC_RAW)
 * #syscalls: clock_gettime(CLOCK_REALTIME)
 */
static u64 read_clock(int clock)
{
	struct timespec64_host ts = { 0, 0 };

	if (host->vdso_clock_gettime)
		host->vdso_clock_gettime(clock, &ts);
	else
		sys2(__NR_clock_gettime, clock, &ts);
	return ts.sec * 1000000000ULL + ts.nsec;
}

u64 noinstr host_clock_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

u64 host_clock_raw_ns(void)
{
	return read_clock(CLOCK_MONOTONIC_RAW);
}

u64 host_realtime_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}

/**
 * host_cpu_ns() - CPU time of a process
 * @pid:	which
 *
 * Return: nanoseconds, of all its threads; 0 when it has ended.  Clocks that are
 * negative numbers are of processes: see clock_getcpuclockid(3).
 *
 * #syscalls: clock_gettime(0x80000000..0xffffffff)
 */
u64 host_cpu_ns(int pid)
{
	struct timespec64_host ts = { 0, 0 };

	sys2(__NR_clock_gettime, (u32)~pid << 3 | 2 /* CPUCLOCK_SCHED */, &ts);
	return ts.sec * 1000000000ULL + ts.nsec;
}

/* Look a function up in the vDSO; dynsym lies right before dynstr in it. */
static void *vdso_symbol(unsigned long base, const char *name)
{
	const Elf64_Ehdr *eh = (void *)base;
	const Elf64_Phdr *ph = (void *)(base + eh->e_phoff);
	const Elf64_Dyn *dyn = NULL;
	const Elf64_Sym *sym = NULL;
	const char *str = NULL;
	unsigned long load = base;
	int i;

	for (i = 0; i < eh->e_phnum; i++) {
		if (ph[i].p_type == PT_LOAD)
			load = base + ph[i].p_offset - ph[i].p_vaddr;
		if (ph[i].p_type == PT_DYNAMIC)
			dyn = (void *)(base + ph[i].p_offset);
	}
	for (; dyn && dyn->d_tag != DT_NULL; dyn++) {
		if (dyn->d_tag == DT_SYMTAB)
			sym = (void *)(load + dyn->d_un.d_ptr);
		if (dyn->d_tag == DT_STRTAB)
			str = (void *)(load + dyn->d_un.d_ptr);
	}
	if (!sym || !str)
		return NULL;
	for (; (void *)sym < (void *)str; sym++)
		if (sym->st_shndx && host_same(str + sym->st_name, name))
			return (void *)(load + sym->st_value);
	return NULL;
}

static u64 read_tsc(void)
{
	u32 lo, hi;

	asm volatile("lfence; rdtsc" : "=a" (lo), "=d" (hi) : : "memory");
	return (u64)hi << 32 | lo;
}

/* A clock reading and the TSC at it: the tightest pair of a few tries. */
static void read_pair(u64 *ns, u64 *tsc)
{
	u64 best = ~0ULL;
	int i;

	for (i = 0; i < 8; i++) {
		u64 t0 = read_tsc(), n = read_clock(CLOCK_MONOTONIC_RAW), t1 = read_tsc();

		if (t1 - t0 < best) {
			best = t1 - t0;
			*ns = n;
			*tsc = t0 + best / 2;
		}
	}
}

/* The TSC goes on in all sleep states, at one frequency. */
static bool tsc_invariant(void)
{
	u32 a = 0x80000000, b, c, d;

	asm volatile("cpuid" : "+a" (a), "=b" (b), "=c" (c), "=d" (d));
	if (a < 0x80000007)
		return false;
	a = 0x80000007;
	asm volatile("cpuid" : "+a" (a), "=b" (b), "=c" (c), "=d" (d));
	return d & 1 << 8;
}

/*
 * Whether the host itself keeps time by the TSC.  kvm-clock does, by way of a
 * page that also tells when the machine is moved to another one; the guest's
 * own check (kernel/time.c) has to notice that.
 */
static bool tsc_trusted(void)
{
	char buf[16] = "";
	long fd = sys3(__NR_open, "/sys/devices/system/clocksource/clocksource0/current_clocksource",
		       0, 0);

	if (fd < 0)
		return false;
	host_read_wait(fd, buf, sizeof(buf) - 1);
	sys1(__NR_close, fd);
	return host_same(buf, "tsc\n") || (host_same(buf, "kvm-clock\n") && tsc_invariant());
}

/**
 * host_clock_start() - find the vDSO's clock, measure the TSC
 * @vdso:	AT_SYSINFO_EHDR, or 0
 */
void host_clock_start(unsigned long vdso)
{
	u64 ns0, ns1, tsc0, tsc1;

	if (vdso)
		host->vdso_clock_gettime = vdso_symbol(vdso, "__vdso_clock_gettime");
	if (!tsc_trusted())
		return;
	read_pair(&ns0, &tsc0);
	do {
		read_pair(&ns1, &tsc1);
	} while (ns1 - ns0 < CALIBRATION_NS);
	host->boot.tsc_khz = (tsc1 - tsc0) * 1000000 / (ns1 - ns0);
}
