// SPDX-License-Identifier: GPL-2.0-only
/*
 * vsock echo PORT             accept connections and send back what they say
 * vsock connect CID PORT      standard input there, what comes to standard output
 */
#include <linux/vm_sockets.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int make_socket(void)
{
	int fd = socket(AF_VSOCK, SOCK_STREAM, 0);

	if (fd < 0) {
		perror("vsock");
		exit(1);
	}
	return fd;
}

static void copy(int from, int to)
{
	static char buf[65536];
	ssize_t n, done, m;

	while ((n = read(from, buf, sizeof(buf))) > 0) {
		for (done = 0; done < n; done += m) {
			m = write(to, buf + done, n - done);
			if (m <= 0)
				return;
		}
	}
}

static int echo(unsigned int port)
{
	struct sockaddr_vm a = {
		.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = port,
	};
	int fd = make_socket();

	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 32)) {
		perror("vsock");
		return 1;
	}
	for (;;) {
		int c = accept(fd, NULL, NULL);

		if (c >= 0 && !fork()) {
			copy(c, c);
			_exit(0);
		}
		close(c);
	}
}

static int connect_to(unsigned int cid, unsigned int port)
{
	struct sockaddr_vm a = { .svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = port };
	int fd = make_socket();

	if (connect(fd, (struct sockaddr *)&a, sizeof(a))) {
		perror("vsock");
		return 1;
	}
	copy(STDIN_FILENO, fd);
	shutdown(fd, SHUT_WR);
	copy(fd, STDOUT_FILENO);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "echo"))
		return echo(atoi(argv[2]));
	if (argc == 4 && !strcmp(argv[1], "connect"))
		return connect_to(atoi(argv[2]), atoi(argv[3]));
	return 2;
}
