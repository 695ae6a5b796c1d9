// SPDX-License-Identifier: GPL-2.0-only
/* --vsock: the guest's virtual sockets, by kernelet-net vsock. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "network.h"

static int end = -1, listener = -1;
static char *place;

static void remove_socket(void)
{
	unlink(place);
}

void vsock_open(const char *path, struct machine *m)
{
	char *copy __auto_free = print("%s", path), *dir __auto_free = NULL;
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	char *slash = strrchr(copy, '/');
	int fds[2];

	if (slash)
		*slash = '\0';
	dir = realpath(slash ? *copy ? copy : "/" : ".", NULL);
	if (!dir)
		fail("--vsock=%s: %s", path, strerror(errno));
	place = print("%s/%s", strcmp(dir, "/") ? dir : "", slash ? slash + 1 : path);
	/* sockets beside it have a number of up to ten digits behind the name */
	if (strlen(place) + 11 >= sizeof(a.sun_path))
		fail("--vsock=%s: the path is too long for a socket's", path);
	strcpy(a.sun_path, place);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (bind(listener, (struct sockaddr *)&a, sizeof(a)))
		fail("--vsock=%s: %s", path, errno == EADDRINUSE ? "there is such a file already" :
		     strerror(errno));
	atexit(remove_socket);
	if (listen(listener, 64) ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds))
		fail("--vsock=%s: %s", path, strerror(errno));
	end = fds[0];
	words_add(&m->words, print("vsock=fd:%d", machine_keep(m, fds[1])));
}

static void __noreturn become_helper(pid_t parent)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char *path = program_beside("kernelet-net");
	char *words[] = { path, "vsock", "--fd", print("%d", end), "--listener",
			  print("%d", listener), "--path", place, NULL };
	sigset_t none;

	if (!path)
		fail("no kernelet-net beside this program: build it with make");
	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(null, 0);
	dup2(null, 1);
	fcntl(end, F_SETFD, 0);
	fcntl(listener, F_SETFD, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_GUEST);
	execve(path, words, (char *[]){ NULL });
	_exit(EXIT_USAGE);
}

void vsock_start(void)
{
	pid_t pid, parent = getpid();

	if (end < 0)
		return;
	pid = fork();
	if (!pid)
		become_helper(parent);
	if (pid < 0)
		fail("no process for --vsock: %s (see ulimit -u)", strerror(errno));
	close(end);
	close(listener);
}
