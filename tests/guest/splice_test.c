// SPDX-License-Identifier: GPL-2.0-only
/* sendfile, splice, tee and vmsplice move the right bytes. */
#include <sys/sendfile.h>
#include <sys/uio.h>
#include "ktap.h"

#define SIZE (1 << 20)

static unsigned char data[SIZE], back[SIZE];

static int filled_file(void)
{
	int fd = temp_file(0);

	for (int i = 0; i < SIZE; i++)
		data[i] = i * 7 + (i >> 8);
	must(write(fd, data, SIZE) == SIZE);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static bool same(int fd)
{
	memset(back, 0, SIZE);
	must(pread(fd, back, SIZE, 0) == SIZE);
	return !memcmp(data, back, SIZE);
}

static void test_sendfile(int in)
{
	int out = temp_file(0);
	off_t off = 0;

	while (off < SIZE)
		must(sendfile(out, in, &off, SIZE - off) > 0);
	is(off, SIZE, "sendfile moves its offset");
	is(lseek(in, 0, SEEK_CUR), 0, "and not the file's");
	ok(same(out), "sendfile copies every byte");
	close(out);
}

static void test_splice(int in)
{
	int out = temp_file(0), p[2];
	loff_t from = 0, to = 0;
	bool good = true;

	must(pipe(p) == 0);
	while (good && from < SIZE) {
		ssize_t n = splice(in, &from, p[1], NULL, 65536, 0);

		good = n > 0;
		while (n > 0) {
			ssize_t m = splice(p[0], NULL, out, &to, n, 0);

			must(m > 0);
			n -= m;
		}
	}
	ok(good && same(out), "splice through a pipe copies every byte");
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	fails(splice(p[0], NULL, out, &to, 1, SPLICE_F_NONBLOCK), EAGAIN,
	      "an empty pipe");
	close(p[0]);
	close(p[1]);
	close(out);
}

static void test_tee(void)
{
	int a[2], b[2];
	char x[16] = "", y[16] = "";

	must(pipe(a) == 0 && pipe(b) == 0);
	must(write(a[1], "twice", 5) == 5);
	is(tee(a[0], b[1], 16, 0), 5, "tee");
	is(read(a[0], x, 16), 5, "the first pipe keeps it");
	is(read(b[0], y, 16), 5, "the second has it");
	ok(!strcmp(x, "twice") && !strcmp(y, "twice"), "the same bytes");
}

static void test_vmsplice(void)
{
	struct iovec iov = { data, 8 * PAGE };
	bool good = true;
	int p[2];

	must(pipe(p) == 0);
	is(vmsplice(p[1], &iov, 1, 0), 8 * PAGE, "vmsplice");
	for (size_t have = 0; have < 8 * PAGE && good; ) {
		ssize_t n = read(p[0], back + have, 8 * PAGE - have);

		good = n > 0;
		have += n;
	}
	ok(good && !memcmp(data, back, 8 * PAGE), "gives the memory's bytes");
	is(fcntl(p[0], F_SETPIPE_SZ, 1 << 20), 1 << 20, "F_SETPIPE_SZ");
}

int main(void)
{
	int in = filled_file();

	test_sendfile(in);
	test_splice(in);
	test_tee();
	test_vmsplice();
	return done();
}
