// SPDX-License-Identifier: GPL-2.0-only
/*
 * perf_event_open: software events are counted, and samples of the CPU clock
 * show where the program is.
 */
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include "ktap.h"

#define RING_PAGES	8

static int perf_open(struct perf_event_attr *attr)
{
	attr->size = sizeof(*attr);
	attr->exclude_kernel = 1;
	return syscall(SYS_perf_event_open, attr, 0, -1, -1, 0);
}

static long long counted(int fd)
{
	uint64_t n = 0;

	must(read(fd, &n, sizeof(n)) == sizeof(n));
	return n;
}

static int software(uint64_t config)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE, .config = config };

	return perf_open(&attr);
}

static void test_faults(void)
{
	int fd = software(PERF_COUNT_SW_PAGE_FAULTS);
	long long before;
	char *p = mmap(NULL, 1024 * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(fd >= 0 && p != MAP_FAILED);
	madvise(p, 1024 * PAGE, MADV_NOHUGEPAGE);
	before = counted(fd);
	for (int i = 0; i < 1024; i++)
		p[i * PAGE] = 1;
	before = counted(fd) - before;
	/* a fault may bring several pages in */
	ok(before >= 1024 / 16 && before < 1200, "page faults: %lld", before);
	close(fd);
}

static void test_clock(void)
{
	int fd = software(PERF_COUNT_SW_TASK_CLOCK);
	uint64_t end = now_ns(CLOCK_PROCESS_CPUTIME_ID) + 50000000, start, cpu;

	must(fd >= 0);
	start = counted(fd);
	while (now_ns(CLOCK_PROCESS_CPUTIME_ID) < end)
		;
	cpu = counted(fd) - start;
	ok(cpu > 25000000 && cpu < 500000000, "task clock of 50 ms: %.1f ms", cpu / 1e6);
	close(fd);
}

static volatile unsigned long sum;
extern char hot_start[], hot_end[];

/* Two places that take turns by the hundred thousands, without a call between. */
static __attribute__((noinline)) void hot(unsigned long n)
{
	asm volatile("hot_start:\n\t"
		     "1: dec %0\n\t"
		     "jnz 1b\n\t"
		     "hot_end:\n\t" : "+r"(n) : : "cc");
	sum += n;
}

static void read_samples(struct perf_event_mmap_page *head, int *all, int *good)
{
	char *data = (char *)head + PAGE;
	size_t size = RING_PAGES * PAGE;

	__sync_synchronize();
	while (head->data_tail < head->data_head) {
		struct perf_event_header *h = (void *)(data + head->data_tail % size);
		/* header and one 8-byte word: neither wraps */
		uint64_t ip = *(uint64_t *)(data + (head->data_tail + sizeof(*h)) % size);

		if (h->type == PERF_RECORD_SAMPLE) {
			++*all;
			*good += ip >= (uintptr_t)hot_start && ip <= (uintptr_t)hot_end;
		}
		head->data_tail += h->size;
	}
}

static void test_samples(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = 1000000, .sample_type = PERF_SAMPLE_IP, .disabled = 1,
	};
	int fd = perf_open(&attr), all = 0, good = 0;
	uint64_t end = now_ns(CLOCK_MONOTONIC) + 10000000000ULL;
	struct perf_event_mmap_page *head;

	must(fd >= 0);
	head = mmap(NULL, (RING_PAGES + 1) * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(head != MAP_FAILED);
	must(ioctl(fd, PERF_EVENT_IOC_ENABLE, 0) == 0);
	while (all < 50 && now_ns(CLOCK_MONOTONIC) < end) {
		hot(20000000);
		read_samples(head, &all, &good);
	}
	ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
	ok(all >= 50, "samples of the CPU clock: %d", all);
	ok(good >= all * 8 / 10, "%d of %d where the program is", good, all);
	close(fd);
}

int main(void)
{
	int fd = software(PERF_COUNT_SW_CONTEXT_SWITCHES);
	long long before;

	if (fd < 0 && errno == EACCES) {
		printf("KTAP version 1\n1..0 # SKIP perf_event_paranoid forbids it\n");
		return 0;
	}
	if (!ok(fd >= 0, "perf_event_open"))
		return done();
	before = counted(fd);
	for (int i = 0; i < 20; i++)
		sleep_ms(1);
	before = counted(fd) - before;
	ok(before == 0 || (before >= 20 && before < 200), "context switches: %lld", before);
	test_faults();
	test_clock();
	test_samples();
	return done();
}
