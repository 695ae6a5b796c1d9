// SPDX-License-Identifier: GPL-2.0-only
/* Clocks: the vDSO's answers agree with the system call's, never go back. */
#include <elf.h>
#include <sys/auxv.h>
#include <sys/time.h>
#include "ktap.h"

static uint64_t by_syscall(clockid_t c)
{
	struct timespec ts;

	must(syscall(SYS_clock_gettime, c, &ts) == 0);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* The function @name of the vDSO, or NULL. */
static void *vdso(const char *name)
{
	char *base = (char *)getauxval(AT_SYSINFO_EHDR);
	Elf64_Ehdr *eh = (void *)base;
	Elf64_Sym *sym = NULL;
	Elf64_Dyn *dyn = NULL;
	uint32_t *hash = NULL, chains;
	char *str = NULL;

	if (!base || memcmp(base, ELFMAG, SELFMAG))
		return NULL;
	for (int i = 0; i < eh->e_phnum; i++) {
		Elf64_Phdr *ph = (void *)(base + eh->e_phoff + i * eh->e_phentsize);

		if (ph->p_type == PT_DYNAMIC)
			dyn = (void *)(base + ph->p_offset);
	}
	for (; dyn && dyn->d_tag != DT_NULL; dyn++) {
		if (dyn->d_tag == DT_SYMTAB)
			sym = (void *)(base + dyn->d_un.d_ptr);
		if (dyn->d_tag == DT_STRTAB)
			str = base + dyn->d_un.d_ptr;
		if (dyn->d_tag == DT_HASH)
			hash = (void *)(base + dyn->d_un.d_ptr);
	}
	if (!sym || !str)
		return NULL;
	/* Without DT_HASH the symbol table ends where the strings begin. */
	chains = hash ? hash[1] : (str - (char *)sym) / sizeof(*sym);
	for (uint32_t i = 0; i < chains; i++)
		if (!strcmp(str + sym[i].st_name, name) && sym[i].st_value)
			return base + sym[i].st_value;
	return NULL;
}

static void test_agree(void)
{
	static const clockid_t clocks[] = {
		CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_TAI,
		CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE,
	};
	int (*gettime)(clockid_t, struct timespec *) =
		vdso("__vdso_clock_gettime");

	if (!ok(gettime, "the vDSO has clock_gettime"))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(clocks); i++) {
		int bad = 0;

		for (int n = 0; n < 2000; n++) {
			uint64_t a = by_syscall(clocks[i]), b, c;
			struct timespec ts;

			bad += gettime(clocks[i], &ts) != 0;
			b = ts.tv_sec * 1000000000ULL + ts.tv_nsec;
			c = by_syscall(clocks[i]);
			bad += a > b || b > c;
		}
		is(bad, 0, "clock %d: vDSO and system call agree", clocks[i]);
	}
}

static void test_others(void)
{
	int (*gtod)(struct timeval *, void *) = vdso("__vdso_gettimeofday");
	time_t (*vtime)(time_t *) = vdso("__vdso_time");
	int (*getres)(clockid_t, struct timespec *) = vdso("__vdso_clock_getres");
	struct timespec ts;
	struct timeval tv;
	uint64_t a, b, c;
	time_t t, t2;

	ok(gtod && vtime, "the vDSO has gettimeofday and time");
	if (gtod) {
		a = by_syscall(CLOCK_REALTIME) / 1000;
		gtod(&tv, NULL);
		c = by_syscall(CLOCK_REALTIME) / 1000;
		b = tv.tv_sec * 1000000ULL + tv.tv_usec;
		ok(a <= b && b <= c, "gettimeofday agrees");
	}
	if (vtime) {
		t = vtime(&t2);
		ok(t == t2 && llabs(t - (time_t)(by_syscall(CLOCK_REALTIME) /
						 1000000000)) <= 1, "time agrees");
	}
	if (getres)
		ok(getres(CLOCK_MONOTONIC, &ts) == 0 && ts.tv_sec == 0 &&
		   ts.tv_nsec == 1, "a resolution of 1 ns");
	ok(time(NULL) > 1700000000, "the date is set");
	fails(clock_gettime(99, &ts), EINVAL, "clock 99");
}

/* Many reads on all threads never go back, and the clock advances. */
static uint64_t latest;

static void *reads(void *arg)
{
	long back = 0;

	for (int i = 0; i < 100000; i++) {
		uint64_t before = __atomic_load_n(&latest, __ATOMIC_SEQ_CST);
		uint64_t t = now_ns(CLOCK_MONOTONIC);

		back += t < before;
		while (before < t &&
		       !__atomic_compare_exchange_n(&latest, &before, t, false,
						    __ATOMIC_SEQ_CST,
						    __ATOMIC_SEQ_CST))
			;
	}
	return (void *)back;
}

static void test_monotonic(void)
{
	pthread_t t[4];
	long back = 0;

	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, reads, NULL);
	for (int i = 0; i < 4; i++) {
		void *r;

		pthread_join(t[i], &r);
		back += (long)r;
	}
	is(back, 0, "the clock never goes back, over four threads");
}

/* Sleeps are never too short and the clocks run at one rate. */
static void test_rate(void)
{
	uint64_t m = now_ns(CLOCK_MONOTONIC), r = now_ns(CLOCK_REALTIME);
	uint64_t w = now_ns(CLOCK_MONOTONIC_RAW), b = now_ns(CLOCK_BOOTTIME);

	sleep_ms(200);
	m = now_ns(CLOCK_MONOTONIC) - m;
	r = now_ns(CLOCK_REALTIME) - r;
	w = now_ns(CLOCK_MONOTONIC_RAW) - w;
	b = now_ns(CLOCK_BOOTTIME) - b;
	ok(m >= 200000000, "200 ms by CLOCK_MONOTONIC");
	ok(m < 1000000000, "and not much more");
	ok(llabs((long long)(m - b)) < 10000000, "BOOTTIME runs with it");
	ok(llabs((long long)(m - r)) < 10000000, "REALTIME runs with it");
	ok(llabs((long long)(m - w)) < 10000000, "MONOTONIC_RAW runs with it");
}

int main(void)
{
	test_agree();
	test_others();
	test_monotonic();
	test_rate();
	return done();
}
