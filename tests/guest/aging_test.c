// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accessed and dirty bits are right: reclaim, in both its forms, takes what is
 * not used and spares what is; msync() writes what was written, no less and,
 * where nothing was, nothing.
 */
#include <sys/mount.h>
#include "pagemap.h"

#define RW		(PROT_READ | PROT_WRITE)
#define MB		(1024 * 1024UL)
#define HOT_PAGES	2048
#define COLD_PAGES	24576
#define GROUP		"/sys/fs/cgroup/aging"

static volatile int stop;
static char *hot;

static void *uses_hot(void *arg)
{
	unsigned long sum = 0;

	while (!stop)
		for (size_t i = 0; i < HOT_PAGES; i++)
			sum += hot[i * PAGE];
	return (void *)sum;
}

static char *fresh(size_t pages)
{
	char *p = mmap(NULL, pages * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(p != MAP_FAILED);
	must(madvise(p, pages * PAGE, MADV_NOHUGEPAGE) == 0);
	memset(p, 1, pages * PAGE);
	return p;
}

/* In a group of 48 MB: 8 used all the time, 8 once, then 96 stream through. */
static int reclaims(void)
{
	char *idle, *cold;
	size_t hot_in, idle_in;
	pthread_t t;

	write_file(GROUP "/cgroup.procs", "0");
	hot = fresh(HOT_PAGES);
	idle = fresh(HOT_PAGES);
	must(pthread_create(&t, NULL, uses_hot, NULL) == 0);
	sleep_ms(20);
	cold = mmap(NULL, COLD_PAGES * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(cold != MAP_FAILED);
	must(madvise(cold, COLD_PAGES * PAGE, MADV_NOHUGEPAGE) == 0);
	/* slowly, so that there is always time for the hot pages to be used */
	for (size_t i = 0; i < COLD_PAGES; i++) {
		cold[i * PAGE] = i;
		if (i % 512 == 0)
			sleep_ms(5);
	}
	stop = 1;
	pthread_join(t, NULL);
	hot_in = pages_with(hot, HOT_PAGES, PM_PRESENT);
	idle_in = pages_with(idle, HOT_PAGES, PM_PRESENT);
	printf("# in memory: %zu of %d used pages, %zu of %d idle ones\n",
	       hot_in, HOT_PAGES, idle_in, HOT_PAGES);
	fflush(stdout);
	return (hot_in < HOT_PAGES * 8 / 10) | (idle_in > HOT_PAGES / 2) << 1;
}

static void test_reclaim(const char *which, const char *enabled)
{
	int status;

	write_file("/sys/kernel/mm/lru_gen/enabled", enabled);
	status = in_child(reclaims);
	must(WIFEXITED(status));
	ok(!(WEXITSTATUS(status) & 1), "%s: used pages are spared", which);
	ok(!(WEXITSTATUS(status) & 2), "%s: idle ones are not", which);
}

static unsigned long sectors_written(void)
{
	char buf[256] = "";
	unsigned long v[7] = { 0 };

	must(read_file("/sys/block/loop0/stat", buf, sizeof(buf)) > 0);
	sscanf(buf, "%lu %lu %lu %lu %lu %lu %lu", v, v + 1, v + 2, v + 3, v + 4, v + 5, v + 6);
	return v[6];
}

static void test_msync(void)
{
	unsigned long before, first, none = 0;
	char *p;
	int fd;

	must(system("truncate -s 16M /tmp/disk && mke2fs -F /tmp/disk >/dev/null 2>&1") == 0);
	mkdir("/tmp/mnt", 0755);
	must(system("losetup /dev/loop0 /tmp/disk") == 0);
	must(mount("/dev/loop0", "/tmp/mnt", "ext4", 0, NULL) == 0);
	fd = open("/tmp/mnt/file", O_RDWR | O_CREAT, 0600);
	must(fd >= 0 && ftruncate(fd, MB) == 0);
	p = mmap(NULL, MB, RW, MAP_SHARED, fd, 0);
	must(p != MAP_FAILED);
	memset(p, 1, MB);
	must(msync(p, MB, MS_SYNC) == 0);
	sync();

	for (int round = 0; round < 3; round++) {
		before = sectors_written();
		for (size_t i = 0; i < MB / PAGE; i += 4)
			p[i * PAGE] = round + 2;
		must(msync(p, MB, MS_SYNC) == 0);
		first = sectors_written() - before;
		ok(first >= MB / PAGE / 4 * 8 && first < MB / 512,
		   "round %d: a quarter of the pages is written (%lu sectors)", round, first);
	}
	sync();
	before = sectors_written();
	for (size_t i = 0; i < MB / PAGE; i++)
		none += p[i * PAGE];
	must(msync(p, MB, MS_SYNC) == 0);
	none = sectors_written() - before;
	ok(none < 64, "reading makes nothing dirty (%lu sectors)", none);
	munmap(p, MB);
	close(fd);
	must(umount("/tmp/mnt") == 0);
	must(system("losetup -d /dev/loop0") == 0);
}

int main(void)
{
	need_guest();
	need_root();
	mkdir("/tmp", 0777);
	mkdir("/sys/fs/cgroup", 0755);
	if (access("/sys/fs/cgroup/cgroup.procs", F_OK))
		must(mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, NULL) == 0);
	write_file("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	must(mkdir(GROUP, 0755) == 0);
	write_file(GROUP "/memory.max", "48M");
	zram_on("256M");
	test_reclaim("two lists", "0");
	test_reclaim("generations", "7");
	test_msync();
	return done();
}
