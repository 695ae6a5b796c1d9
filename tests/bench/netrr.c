// SPDX-License-Identifier: GPL-2.0-only
/*
 * netrr serve PORT           answers each byte with one, over TCP
 * netrr ask ADDRESS PORT N   prints the median of N round trips in microseconds
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return 1e6 * t.tv_sec + 1e-3 * t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int serve(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
	int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 1))
		return 1;
	for (;;) {
		int c = accept(fd, NULL, NULL);
		char b;

		setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		while (read(c, &b, 1) == 1 && write(c, &b, 1) == 1)
			;
		close(c);
	}
}

static int ask(const char *address, int port, int n)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
	int i, on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
	double *us = calloc(n, sizeof(*us));
	char b = 'x';

	if (inet_pton(AF_INET, address, &a.sin_addr) != 1 ||
	    connect(fd, (struct sockaddr *)&a, sizeof(a)))
		return 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	for (i = -(n / 10); i < n; i++) {
		double start = now_us();

		if (write(fd, &b, 1) != 1 || read(fd, &b, 1) != 1)
			return 1;
		if (i >= 0)
			us[i] = now_us() - start;
	}
	qsort(us, n, sizeof(*us), ascending);
	printf("%.1f\n", us[n / 2]);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "serve"))
		return serve(atoi(argv[2]));
	if (argc == 5 && !strcmp(argv[1], "ask"))
		return ask(argv[2], atoi(argv[3]), atoi(argv[4]));
	return 2;
}
