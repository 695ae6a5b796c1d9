// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc/cpuinfo and what the auxiliary vector says of the CPU.
 *
 * Guest code runs on the host's CPU as it is, CPUID included; what is shown is
 * what CPUID says, in the fields and words that programs look for.
 */
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/seq_file.h>
#include <asm/elf.h>
#include <asm/host.h>

struct cpuid_regs {
	u32 ax, bx, cx, dx;
};

static struct cpuid_regs read_cpuid(u32 leaf, u32 sub)
{
	struct cpuid_regs r;

	asm volatile("cpuid" : "=a" (r.ax), "=b" (r.bx), "=c" (r.cx), "=d" (r.dx)
		     : "0" (leaf), "2" (sub));
	return r;
}

/* Names by bit; NULL where a bit is of no use to a program. */
static const char *const leaf1_dx[32] = {
	"fpu", "vme", "de", "pse", "tsc", "msr", "pae", "mce", "cx8", "apic", NULL, "sep",
	"mtrr", "pge", "mca", "cmov", "pat", "pse36", "pn", "clflush", NULL, "dts", "acpi",
	"mmx", "fxsr", "sse", "sse2", "ss", "ht", "tm", "ia64", "pbe",
};

static const char *const leaf1_cx[32] = {
	"pni", "pclmulqdq", "dtes64", NULL, NULL, NULL, NULL, NULL, NULL, "ssse3", NULL, NULL,
	"fma", "cx16", NULL, NULL, NULL, NULL, NULL, "sse4_1", "sse4_2", NULL, "movbe",
	"popcnt", NULL, "aes", "xsave", NULL, "avx", "f16c", "rdrand", "hypervisor",
};

static const char *const leaf7_bx[32] = {
	"fsgsbase", NULL, NULL, "bmi1", NULL, "avx2", NULL, NULL, "bmi2", "erms", NULL, NULL,
	NULL, NULL, NULL, NULL, "avx512f", "avx512dq", "rdseed", "adx", NULL, "avx512ifma",
	NULL, "clflushopt", "clwb", NULL, NULL, NULL, "avx512cd", "sha_ni", "avx512bw",
	"avx512vl",
};

static const char *const leaf7_cx[32] = {
	NULL, "avx512vbmi", NULL, NULL, NULL, NULL, "avx512_vbmi2", NULL, "gfni", "vaes",
	"vpclmulqdq", "avx512_vnni", "avx512_bitalg", NULL, "avx512_vpopcntdq", NULL, NULL,
	NULL, NULL, NULL, NULL, NULL, "rdpid",
};

static const char *const ext1_dx[32] = {
	[11] = "syscall", [20] = "nx", [22] = "mmxext", [25] = "fxsr_opt", [26] = "pdpe1gb",
	[27] = "rdtscp", [29] = "lm",
};

static const char *const ext1_cx[32] = {
	[0] = "lahf_lm", [5] = "abm", [6] = "sse4a", [7] = "misalignsse", [8] = "3dnowprefetch",
};

static void show_bits(struct seq_file *m, u32 word, const char *const *names)
{
	int bit;

	for (bit = 0; bit < 32; bit++)
		if ((word & BIT(bit)) && names[bit])
			seq_printf(m, " %s", names[bit]);
}

static void show_flags(struct seq_file *m)
{
	struct cpuid_regs one = read_cpuid(1, 0);
	struct cpuid_regs ext = read_cpuid(0x80000001, 0);

	seq_puts(m, "flags\t\t:");
	show_bits(m, one.dx, leaf1_dx);
	show_bits(m, ext.dx, ext1_dx);
	show_bits(m, one.cx, leaf1_cx);
	show_bits(m, ext.cx, ext1_cx);
	if (read_cpuid(0, 0).ax >= 7) {
		struct cpuid_regs seven = read_cpuid(7, 0);

		show_bits(m, seven.bx, leaf7_bx);
		show_bits(m, seven.cx, leaf7_cx);
	}
	seq_puts(m, " constant_tsc nonstop_tsc\n");
}

static void show_name(struct seq_file *m)
{
	struct cpuid_regs name[3];
	int i;

	for (i = 0; i < 3; i++)
		name[i] = read_cpuid(0x80000002 + i, 0);
	seq_printf(m, "model name\t: %.48s\n", (const char *)name);
}

static int show_cpuinfo(struct seq_file *m, void *v)
{
	unsigned long cpu = (unsigned long)v - 1;
	struct cpuid_regs zero = read_cpuid(0, 0);
	u32 vendor[3] = { zero.bx, zero.dx, zero.cx };
	u32 sig = read_cpuid(1, 0).ax;
	u32 family = (sig >> 8) & 0xf, model = (sig >> 4) & 0xf;
	u64 khz = host_boot_info()->tsc_khz;

	if (family == 0xf || family == 6)
		model += ((sig >> 16) & 0xf) << 4;
	if (family == 0xf)
		family += (sig >> 20) & 0xff;
	seq_printf(m, "processor\t: %lu\n", cpu);
	seq_printf(m, "vendor_id\t: %.12s\n", (const char *)vendor);
	seq_printf(m, "cpu family\t: %u\nmodel\t\t: %u\n", family, model);
	show_name(m);
	seq_printf(m, "stepping\t: %u\n", sig & 0xf);
	if (khz)
		seq_printf(m, "cpu MHz\t\t: %llu.%03llu\n", khz / 1000, khz % 1000);
	seq_printf(m, "physical id\t: 0\nsiblings\t: %u\ncore id\t\t: %lu\ncpu cores\t: %u\n",
		   num_online_cpus(), cpu, num_online_cpus());
	seq_puts(m, "fpu\t\t: yes\nfpu_exception\t: yes\nwp\t\t: yes\n");
	show_flags(m);
	seq_printf(m, "bogomips\t: %lu.%02lu\n", loops_per_jiffy / (500000 / HZ),
		   (loops_per_jiffy / (5000 / HZ)) % 100);
	seq_puts(m, "clflush size\t: 64\ncache_alignment\t: 64\n\n");
	return 0;
}

static void *cpuinfo_at(loff_t *pos)
{
	*pos = cpumask_next(*pos - 1, cpu_online_mask);
	return *pos < nr_cpu_ids ? (void *)(unsigned long)(*pos + 1) : NULL;
}

static void *cpuinfo_start(struct seq_file *m, loff_t *pos)
{
	return cpuinfo_at(pos);
}

static void *cpuinfo_next(struct seq_file *m, void *v, loff_t *pos)
{
	++*pos;
	return cpuinfo_at(pos);
}

static void cpuinfo_end(struct seq_file *m, void *v)
{
	/* nothing was taken */
}

const struct seq_operations cpuinfo_op = {
	.show = show_cpuinfo,
	.start = cpuinfo_start,
	.next = cpuinfo_next,
	.stop = cpuinfo_end,
};

u32 user_hwcap(void)
{
	return read_cpuid(1, 0).dx;
}

u32 user_hwcap2(void)
{
	return host_boot_info()->hwcap2;
}
