// SPDX-License-Identifier: GPL-2.0-only
/* A module for module.t: uses a few services, and goes wrong when told to. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kthread.h>
#include <linux/completion.h>
#include <linux/module.h>
#include <linux/vmalloc.h>

static int number = -1;
module_param(number, int, 0444);
MODULE_PARM_DESC(number, "shown in sysfs");

static bool crash;
module_param(crash, bool, 0444);
MODULE_PARM_DESC(crash, "dereference a bad pointer at load");

static char *write = "";
module_param(write, charp, 0444);
MODULE_PARM_DESC(write, "write to \"text\" or \"rodata\" at load");

static ulong sum;
module_param(sum, ulong, 0444);
MODULE_PARM_DESC(sum, "what a kernel thread computed");

static const unsigned long constant[4] = { 1, 2, 3, 4 };
static DECLARE_COMPLETION(summed);

static int ktest_thread(void *unused)
{
	int i;

	for (i = 1; i <= 100; i++)
		sum += i;
	complete(&summed);
	return 0;
}

static noinline void ktest_crash(void)
{
	*(volatile int *)0x10 = 1;
}

static void ktest_write(void *where)
{
	*(volatile unsigned long *)where = 0;
	pr_alert("not protected\n");
}

static int ktest_vmalloc(void)
{
	const size_t size = 16 << 20;
	u8 *p = vzalloc(size);
	size_t i;

	if (!p)
		return -ENOMEM;
	for (i = 0; i < size && !p[i]; i += PAGE_SIZE)
		p[i] = i >> PAGE_SHIFT;
	for (; i && p[i - PAGE_SIZE] == (u8)((i >> PAGE_SHIFT) - 1); i -= PAGE_SIZE)
		;
	if (!i)
		pr_warn("the %zu MB of vmalloc are fine\n", size >> 20);
	vfree(p);
	return i ? -EIO : 0;
}

static int __init ktest_init(void)
{
	struct task_struct *task;
	int ret;

	pr_warn("hello, number %d\n", number);
	if (crash)
		ktest_crash();
	if (!strcmp(write, "text"))
		ktest_write(ktest_thread);
	if (!strcmp(write, "rodata"))
		ktest_write((void *)&constant);
	ret = ktest_vmalloc();
	if (ret)
		return ret;
	task = kthread_run(ktest_thread, NULL, "ktest");
	if (IS_ERR(task))
		return PTR_ERR(task);
	wait_for_completion(&summed);
	return 0;
}

static void __exit ktest_exit(void)
{
	pr_warn("bye\n");
}

module_init(ktest_init);
module_exit(ktest_exit);
MODULE_DESCRIPTION("Test of loadable modules");
MODULE_LICENSE("GPL");
