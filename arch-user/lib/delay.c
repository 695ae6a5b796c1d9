// SPDX-License-Identifier: GPL-2.0-only
/*
 * Short delays, counted in TSC cycles, or in nanoseconds of the host's clock
 * where the TSC is not to be trusted.  A "loop" is one of those.
 */
#include <linux/delay.h>
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/math64.h>
#include <linux/time64.h>
#include <asm/host.h>
#include <asm/processor.h>
#include <asm/tsc.h>

static u64 loops_now(void)
{
	return host_boot_info()->tsc_khz ? rdtsc() : host_clock_ns();
}

static u64 loops_per_second(void)
{
	u64 khz = host_boot_info()->tsc_khz;

	return khz ? khz * 1000 : NSEC_PER_SEC;
}

void __delay(unsigned long loops)
{
	u64 start = loops_now();

	while (loops_now() - start < loops)
		cpu_relax();
}
EXPORT_SYMBOL(__delay);

/* @xloops: seconds / 2^32 */
void __const_udelay(unsigned long xloops)
{
	__delay(mul_u64_u64_shr(loops_per_second(), xloops, 32) + 1);
}
EXPORT_SYMBOL(__const_udelay);

void __udelay(unsigned long usecs)
{
	__const_udelay(usecs * DIV_ROUND_UP_ULL(1ULL << 32, USEC_PER_SEC));
}
EXPORT_SYMBOL(__udelay);

void __ndelay(unsigned long nsecs)
{
	__const_udelay(nsecs * DIV_ROUND_UP_ULL(1ULL << 32, NSEC_PER_SEC));
}
EXPORT_SYMBOL(__ndelay);

/**
 * calibrate_delay_is_known() - spare init/calibrate.c the measuring
 *
 * Return: loops in a jiffy.
 */
unsigned long calibrate_delay_is_known(void)
{
	return div_u64(loops_per_second(), HZ);
}
