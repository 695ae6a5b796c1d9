// SPDX-License-Identifier: GPL-2.0-only
/* A module for module.t whose init refuses. */
#include <linux/module.h>

static int __init kfail_init(void)
{
	return -EDOM;
}

module_init(kfail_init);
MODULE_DESCRIPTION("A module that does not load");
MODULE_LICENSE("GPL");
