// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc/sys/kernel/exit_status: what the process ends with when the guest
 * powers off, 0 to 255.
 */
#include <linux/init.h>
#include <linux/sysctl.h>
#include <asm/host.h>

static const int exit_status_max = 255;

static struct ctl_table exit_status_table[] = {
	{
		.procname	= "exit_status",
		.maxlen		= sizeof(int),
		.mode		= 0644,
		.proc_handler	= proc_dointvec_minmax,
		.extra1		= SYSCTL_ZERO,
		.extra2		= (void *)&exit_status_max,
	},
};

static int __init exit_status_init(void)
{
	int *status = &host_boot_info()->exit_status;

	/* a guest that reboots asks anew */
	*status = 0;
	exit_status_table[0].data = status;
	register_sysctl("kernel", exit_status_table);
	return 0;
}
postcore_initcall(exit_status_init);
