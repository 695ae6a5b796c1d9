// SPDX-License-Identifier: GPL-2.0-only
/* KSM: equal pages become one, and again several when they are written to. */
#include "ktap.h"

#define PAGES	256
#define RW	(PROT_READ | PROT_WRITE)
#define KSM	"/sys/kernel/mm/ksm/"

static long number(const char *name)
{
	char buf[32];

	must(read_file(name, buf, sizeof(buf)) > 0);
	return atol(buf);
}

static char *filled(void)
{
	char *p = mmap(NULL, PAGES * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(p != MAP_FAILED);
	must(madvise(p, PAGES * PAGE, MADV_NOHUGEPAGE) == 0);
	for (size_t i = 0; i < PAGES; i++)
		memset(p + i * PAGE, i % 16 + 1, PAGE);
	return p;
}

static size_t wrong(const char *p)
{
	size_t bad = 0;

	for (size_t i = 0; i < PAGES * PAGE; i += 64)
		bad += p[i] != (char)(i / PAGE % 16 + 1);
	return bad;
}

int main(void)
{
	char *p, *q;
	size_t bad = 0;

	need_guest();
	need_root();
	p = filled();
	q = filled();
	write_file(KSM "sleep_millisecs", "5");
	write_file(KSM "pages_to_scan", "2000");
	is(madvise(p, PAGES * PAGE, MADV_MERGEABLE), 0, "MERGEABLE");
	must(madvise(q, PAGES * PAGE, MADV_MERGEABLE) == 0);
	write_file(KSM "run", "1");
	ok(wait_for(number(KSM "pages_sharing") >= PAGES * 2 - 32, 20000),
	   "equal pages are shared");
	printf("# %ld shared by %ld\n", number(KSM "pages_shared"), number(KSM "pages_sharing"));
	is(wrong(p) + wrong(q), 0, "with the same contents");
	for (size_t i = 0; i < PAGES; i++)
		p[i * PAGE] = 99;
	is(wrong(q), 0, "writing to one leaves the others");
	for (size_t i = 0; i < PAGES; i++)
		bad += p[i * PAGE] != 99 || p[i * PAGE + 1] != (char)(i % 16 + 1);
	is(bad, 0, "and is seen where it was done");
	is(madvise(q, PAGES * PAGE, MADV_UNMERGEABLE), 0, "UNMERGEABLE");
	is(wrong(q), 0, "keeps the contents");
	write_file(KSM "run", "2");
	is(number(KSM "pages_shared"), 0, "nothing is shared in the end");
	return done();
}
