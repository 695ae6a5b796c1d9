// SPDX-License-Identifier: GPL-2.0-only
/*
 * Power-off, reboot, panic: how the process ends or starts anew.
 */
#include <linux/panic.h>
#include <linux/pm.h>
#include <linux/reboot.h>
#include <linux/smp.h>
#include <asm/emergency-restart.h>
#include <asm/host.h>
#include "smp.h"

#define STATUS_PANIC	255

void (*pm_power_off)(void) = machine_power_off;
EXPORT_SYMBOL(pm_power_off);

/* Other tasks have nothing to run in from here on: none may have this vCPU. */
void machine_power_off(void)
{
	local_irq_disable();
	host_exit(host_boot_info()->exit_status);
}

void machine_halt(void)
{
	machine_power_off();
}

/* Also where a panic ends: CONFIG_PANIC_TIMEOUT is negative. */
void machine_restart(char *cmd)
{
	if (atomic_read(&panic_cpu) != PANIC_CPU_INVALID)
		host_exit(STATUS_PANIC);
	/* Stock code comes here on the first vCPU, SysRq perhaps not. */
	if (smp_processor_id())
		machine_power_off();
	/* tasks that went on would find vCPUs gone */
	local_irq_disable();
	smp_send_stop();
	if (!smp_stopped()) {
		pr_emerg("a vCPU does not stop: no reboot\n");
		host_exit(STATUS_PANIC);
	}
	host_restart();
}
