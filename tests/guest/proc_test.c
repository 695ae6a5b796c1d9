// SPDX-License-Identifier: GPL-2.0-only
/* What /proc and /sys say of the machine and of this process. */
#include <sys/prctl.h>
#include <sys/sysmacros.h>
#include "ktap.h"

static char buf[1 << 20];

static int lines_with(const char *text)
{
	int n = 0;

	for (char *p = buf; (p = strstr(p, text)); p++)
		n++;
	return n;
}

static void test_machine(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	ok(read_file("/proc/cpuinfo", buf, sizeof(buf)) > 0, "/proc/cpuinfo");
	is(lines_with("processor\t:"), cpus, "has every CPU");
	ok(lines_with("flags\t") >= 1 && strstr(buf, "sse2"), "and its flags");
	ok(read_file("/proc/meminfo", buf, sizeof(buf)) > 0 &&
	   strstr(buf, "MemTotal:") && strstr(buf, "MemAvailable:"), "meminfo");
	ok(read_file("/proc/stat", buf, sizeof(buf)) > 0 && strstr(buf, "btime"),
	   "stat");
	ok(read_file("/proc/uptime", buf, sizeof(buf)) > 0 && atof(buf) > 0,
	   "uptime");
	ok(read_file("/proc/version", buf, sizeof(buf)) > 0 &&
	   !strncmp(buf, "Linux version ", 14), "version");
	ok(read_file("/proc/filesystems", buf, sizeof(buf)) > 0 &&
	   strstr(buf, "ext4") && strstr(buf, "overlay"), "filesystems");
	ok(read_file("/proc/interrupts", buf, sizeof(buf)) > 0, "interrupts");
	ok(read_file("/proc/loadavg", buf, sizeof(buf)) > 0, "loadavg");
	ok(read_file("/proc/mounts", buf, sizeof(buf)) > 0 &&
	   strstr(buf, " /proc proc "), "mounts");
}

static void test_maps(void)
{
	unsigned long start, end, prev = 0;
	char perms[8], *here = (char *)test_maps;
	int bad = 0, found = 0;

	must(read_file("/proc/self/maps", buf, sizeof(buf)) > 0);
	for (char *line = strtok(buf, "\n"); line; line = strtok(NULL, "\n")) {
		must(sscanf(line, "%lx-%lx %7s", &start, &end, perms) == 3);
		bad += start < prev || end <= start;
		prev = end;
		if ((uintptr_t)here >= start && (uintptr_t)here < end)
			found += !strncmp(perms, "r-xp", 4);
		if ((uintptr_t)&start >= start && (uintptr_t)&start < end)
			found += !!strstr(line, "[stack]");
		if (strstr(line, "[vdso]"))
			found += !strncmp(perms, "r-x", 3);
	}
	is(bad, 0, "maps are in order");
	is(found, 3, "code, stack and vdso are among them");
}

static void test_self(void)
{
	char *big = mmap(NULL, 1000 * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long size, rss, before;
	uint64_t entry;
	int fd;

	must(read_file("/proc/self/statm", buf, sizeof(buf)) > 0);
	sscanf(buf, "%lu %lu", &size, &before);
	memset(big, 1, 1000 * PAGE);
	must(read_file("/proc/self/statm", buf, sizeof(buf)) > 0);
	sscanf(buf, "%lu %lu", &size, &rss);
	/* The counters are kept per CPU and summed lazily. */
	ok(rss >= before + 800, "the resident size follows");
	fd = open("/proc/self/pagemap", O_RDONLY);
	is(pread(fd, &entry, 8, (uintptr_t)big / PAGE * 8), 8, "pagemap");
	ok(entry >> 63, "says the page is there");
	close(fd);
	read_file("/proc/self/status", buf, sizeof(buf));
	ok(strstr(buf, "Name:\tproc\n"), "status has the name");
	prctl(PR_SET_NAME, "renamed");
	read_file("/proc/self/comm", buf, sizeof(buf));
	is(strcmp(buf, "renamed\n"), 0, "comm follows PR_SET_NAME");
	read_file("/proc/self/cmdline", buf, sizeof(buf));
	ok(strstr(buf, "proc"), "cmdline");
	fd = open("/proc/self/mem", O_RDWR);
	strcpy(big, "seen through mem");
	ok(pread(fd, buf, 16, (uintptr_t)big) == 16 &&
	   !memcmp(buf, "seen through mem", 16), "/proc/self/mem reads");
	ok(pwrite(fd, "changed", 7, (uintptr_t)big) == 7 &&
	   !memcmp(big, "changed", 7), "and writes");
	close(fd);
	is(readlink("/proc/self/fd/0", buf, sizeof(buf)) > 0, 1, "fd links");
}

static void test_kernel(void)
{
	char *p;

	must(read_file("/proc/kallsyms", buf, sizeof(buf)) > 0);
	p = strstr(buf, " T ");
	ok(p && strchr(p, '\n'), "kallsyms has functions");
	if (geteuid() == 0)
		ok(strtoul(buf, NULL, 16) || strstr(buf, "_stext"),
		   "root sees kallsyms");
	ok(read_file("/proc/sys/kernel/osrelease", buf, sizeof(buf)) > 0,
	   "osrelease");
	ok(access("/sys/devices/system/cpu/cpu0", F_OK) == 0, "sysfs has CPU 0");
	ok(access("/dev/null", W_OK) == 0 && access("/dev/zero", R_OK) == 0,
	   "device nodes");
}

int main(void)
{
	test_machine();
	test_maps();
	test_self();
	test_kernel();
	return done();
}
