// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module for smp.t: a static branch is changed again and again while a thread
 * on each vCPU goes through it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/jump_label.h>
#include <linux/kthread.h>
#include <linux/module.h>

#define CHANGES		400

static DEFINE_STATIC_KEY_FALSE(key);
static struct task_struct *runners[NR_CPUS];
static unsigned long taken[NR_CPUS], passed[NR_CPUS];

static noinline bool is_on(void)
{
	return static_branch_unlikely(&key);
}

static int run(void *data)
{
	long cpu = (long)data;
	int i;

	while (!kthread_should_stop()) {
		for (i = 0; i < 1000; i++) {
			if (is_on())
				taken[cpu]++;
			else
				passed[cpu]++;
		}
		cond_resched();
	}
	return 0;
}

static int change(void)
{
	int i, wrong = 0;

	for (i = 0; i < CHANGES; i++) {
		static_branch_enable(&key);
		wrong += !is_on();
		if (i % 20 == 0)
			msleep(1);
		static_branch_disable(&key);
		wrong += is_on();
		if (i % 20 == 10)
			msleep(1);
	}
	return wrong;
}

static int __init kbranch_init(void)
{
	unsigned int went_both_ways = 0, n = 0;
	int wrong;
	long cpu;

	for_each_online_cpu(cpu) {
		struct task_struct *t = kthread_create_on_cpu(run, (void *)cpu, cpu, "branch/%u");

		if (IS_ERR(t))
			return PTR_ERR(t);
		runners[cpu] = t;
		wake_up_process(t);
		n++;
	}
	wrong = change();
	for_each_online_cpu(cpu) {
		kthread_stop(runners[cpu]);
		went_both_ways += taken[cpu] && passed[cpu];
	}
	pr_warn("%d changes, %d wrong, %u of %u CPUs went both ways\n", 2 * CHANGES, wrong,
		went_both_ways, n);
	return 0;
}

static void __exit kbranch_exit(void)
{
}

module_init(kbranch_init);
module_exit(kbranch_exit);
MODULE_DESCRIPTION("static branches that change under load");
MODULE_LICENSE("GPL");
