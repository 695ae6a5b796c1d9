// SPDX-License-Identifier: GPL-2.0-only
/*
 * tcp take PORT            one connection: what comes, to standard output
 * tcp give ADDRESS PORT    standard input there; waits until all has been taken
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int copy(int from, int to)
{
	static char buf[1 << 18];
	ssize_t n, done, m;

	while ((n = read(from, buf, sizeof(buf))) > 0) {
		for (done = 0; done < n; done += m) {
			m = write(to, buf + done, n - done);
			if (m <= 0)
				return 1;
		}
	}
	return n < 0;
}

static int take(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
	int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 1)) {
		perror("tcp");
		return 1;
	}
	return copy(accept(fd, NULL, NULL), STDOUT_FILENO);
}

/* Whoever takes may not be there yet. */
static int give(const char *address, int port)
{
	const struct timespec step = { .tv_nsec = 50 * 1000 * 1000 };
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
	int i, fd = -1;
	char c;

	inet_pton(AF_INET, address, &a.sin_addr);
	for (i = 0; i < 100; i++) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (!connect(fd, (struct sockaddr *)&a, sizeof(a)))
			break;
		close(fd);
		nanosleep(&step, NULL);
	}
	if (copy(STDIN_FILENO, fd) || shutdown(fd, SHUT_WR)) {
		perror("tcp");
		return 1;
	}
	return read(fd, &c, 1) != 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "take"))
		return take(atoi(argv[2]));
	if (argc == 4 && !strcmp(argv[1], "give"))
		return give(argv[2], atoi(argv[3]));
	return 2;
}
