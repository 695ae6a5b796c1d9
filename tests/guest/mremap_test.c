// SPDX-License-Identifier: GPL-2.0-only
/* mremap: grow, shrink, move, fixed, DONTUNMAP, aliases of shared memory. */
#include "trap.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#define RW (PROT_READ | PROT_WRITE)

static char *fresh(size_t pages, int flags)
{
	char *p = mmap(NULL, pages * PAGE, RW, flags | MAP_ANONYMOUS, -1, 0);

	must(p != MAP_FAILED);
	for (size_t i = 0; i < pages; i++)
		p[i * PAGE] = i + 1;
	return p;
}

static int wrong(char *p, size_t pages)
{
	int bad = 0;

	for (size_t i = 0; i < pages; i++)
		bad += p[i * PAGE] != (char)(i + 1);
	return bad;
}

int main(void)
{
	char *p, *q, *r;

	p = fresh(21, MAP_PRIVATE);	/* the last page stays in the way */
	is((intptr_t)mremap(p, 20 * PAGE, 10 * PAGE, 0), (intptr_t)p, "shrink");
	is(wrong(p, 10), 0, "keeps the rest");
	is(read_sig(p + 10 * PAGE), SIGSEGV, "the cut is unmapped");
	q = mremap(p, 10 * PAGE, 20 * PAGE, 0);
	is((intptr_t)q, (intptr_t)p, "grow in place");
	is(wrong(p, 10), 0, "keeps what was there");
	is(p[15 * PAGE], 0, "and adds zeroes");

	fails((intptr_t)mremap(p, 20 * PAGE, 30 * PAGE, 0), ENOMEM,
	      "no room to grow in place");
	q = mremap(p, 20 * PAGE, 3000 * PAGE, MREMAP_MAYMOVE);
	ok(q != MAP_FAILED && q != p, "so it moves");
	is(wrong(q, 10), 0, "with its contents");
	is(q[2999 * PAGE], 0, "and zeroes behind");
	is(read_sig(p), SIGSEGV, "the old place is unmapped");

	p = fresh(20, MAP_PRIVATE);
	r = mmap(NULL, 20 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	q = mremap(p, 20 * PAGE, 20 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, r);
	is((intptr_t)q, (intptr_t)r, "moved where it is told");
	is(wrong(q, 20), 0, "with its contents");
	is(read_sig(p + 3 * PAGE), SIGSEGV, "from where it was");

	p = mremap(q, 20 * PAGE, 20 * PAGE,
		   MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	ok(p != MAP_FAILED && p != q, "DONTUNMAP");
	is(wrong(p, 20), 0, "moves the pages");
	is(q[5 * PAGE], 0, "and leaves empty memory");
	q[5 * PAGE] = 9;
	is(p[5 * PAGE], 6, "which is not the same");

	p = fresh(4, MAP_SHARED);
	q = mremap(p, 0, 4 * PAGE, MREMAP_MAYMOVE);
	ok(q != MAP_FAILED && q != p, "an old length of 0 makes an alias");
	q[PAGE] = 99;
	is(p[PAGE], 99, "of shared memory");
	fails((intptr_t)mremap(p + 1, PAGE, PAGE, 0), EINVAL, "an odd address");
	fails((intptr_t)mremap(at(PAGE * 16), PAGE, 2 * PAGE, MREMAP_MAYMOVE),
	      EFAULT, "nothing there");

	/* Moved to and fro: no page is left behind or seen twice. */
	p = fresh(32, MAP_PRIVATE);
	r = mmap(NULL, 64 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < 500; i++) {
		char *to = r + (i & 1) * 32 * PAGE;

		q = mremap(p, 32 * PAGE, 32 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
			   to);
		must(q == to);
		if (wrong(q, 32))
			break;
		p = q;
	}
	is(wrong(p, 32), 0, "500 moves");
	return done();
}
