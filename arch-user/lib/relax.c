// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting for another vCPU.
 *
 * It may not be running: the host may have taken its CPU away, or there are
 * more vCPUs than host CPUs.  So whoever spins gives his own CPU to the host
 * now and then, after about as long as a wait for a running vCPU takes.
 */
#include <linux/export.h>
#include <linux/percpu.h>
#include <asm/host.h>

#define RELAXES_PER_YIELD	256

static DEFINE_PER_CPU(unsigned int, relaxes);

/**
 * cpu_relax() - one turn of a loop that waits for another vCPU
 *
 * Context: any.
 */
void noinstr cpu_relax(void)
{
	native_pause();
	if (unlikely(raw_cpu_inc_return(relaxes) % RELAXES_PER_YIELD == 0))
		host_yield();
}
EXPORT_SYMBOL(cpu_relax);
