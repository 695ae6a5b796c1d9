// SPDX-License-Identifier: GPL-2.0-only
/* Random numbers are there at once, and differ; hardware ones if any. */
#include <sys/auxv.h>
#include <sys/random.h>
#include "ktap.h"

int main(void)
{
	unsigned char a[32], b[32], id[64];
	uint64_t t0 = now_ns(CLOCK_MONOTONIC);
	int fd, bits = 0;

	is(getrandom(a, sizeof(a), GRND_NONBLOCK), sizeof(a),
	   "getrandom does not block");
	ok(now_ns(CLOCK_MONOTONIC) - t0 < 1000000000, "and is quick");
	is(getrandom(b, sizeof(b), GRND_RANDOM | GRND_NONBLOCK), sizeof(b),
	   "nor does GRND_RANDOM");
	ok(memcmp(a, b, sizeof(a)), "two answers differ");
	for (size_t i = 0; i < sizeof(a); i++)
		bits += __builtin_popcount(a[i]);
	ok(bits > 64 && bits < 192, "about half of the bits are set");
	fd = open("/dev/urandom", O_RDONLY);
	is(read(fd, a, sizeof(a)), sizeof(a), "/dev/urandom");
	close(fd);
	fd = open("/dev/random", O_RDONLY | O_NONBLOCK);
	is(read(fd, b, sizeof(b)), sizeof(b), "/dev/random");
	close(fd);
	ok(memcmp(a, b, sizeof(a)), "differ");
	ok(getauxval(AT_RANDOM), "AT_RANDOM");
	read_file("/proc/sys/kernel/randomize_va_space", (char *)id, sizeof(id));
	is(atoi((char *)id), 2, "addresses are random, that of the heap too");
	read_file("/proc/sys/kernel/random/boot_id", (char *)id, sizeof(id));
	printf("# boot_id %s", id);	/* the runner compares two boots */
	return done();
}
