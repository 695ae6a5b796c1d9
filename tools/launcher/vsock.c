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
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "network.h"

static int end = -1, listener = -1;
static char *place, *helper;

void vsock_remove(void)
{
	if (place)
		unlink(place);
	place = NULL;
}

/* Is it a socket where nobody listens any more, as one who was killed leaves it? */
static bool is_stale(const struct sockaddr_un *a)
{
	int fd __auto_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	return !lstat(a->sun_path, &st) && S_ISSOCK(st.st_mode) &&
	       connect(fd, (const struct sockaddr *)a, sizeof(*a)) && errno == ECONNREFUSED;
}

/* Returns 0, or errno. */
static int bind_listener(const struct sockaddr_un *a)
{
	int err = bind(listener, (const struct sockaddr *)a, sizeof(*a)) ? errno : 0;

	if (err == EADDRINUSE && is_stale(a) && !unlink(a->sun_path))
		err = bind(listener, (const struct sockaddr *)a, sizeof(*a)) ? errno : 0;
	return err;
}

void vsock_open(const char *path, struct machine *m, bool dry_run)
{
	char *copy __auto_free = print("%s", path), *dir __auto_free = NULL;
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	char *slash = strrchr(copy, '/');
	int fds[2], err = 0;

	if (!*path || path[strlen(path) - 1] == '/')
		fail("--vsock=%s: not a path for a socket", path);
	helper = program_beside("kernelet-net");
	if (!helper)
		fail("no kernelet-net beside this program: build it with make");
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
	if (!dry_run)
		err = bind_listener(&a);
	if (err)
		fail("--vsock=%s: %s", path, err == EADDRINUSE ? "there is such a file already" :
		     strerror(err));
	if (dry_run)
		place = NULL;
	else
		atexit(vsock_remove);
	if ((!dry_run && listen(listener, 64)) ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds))
		fail("--vsock=%s: %s", path, strerror(errno));
	end = fds[0];
	words_add(&m->words, print("vsock=fd:%d", machine_keep(m, fds[1])));
}

static void __noreturn become_helper(pid_t parent)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char *words[] = { helper, "vsock", "--fd", print("%d", end), "--listener",
			  print("%d", listener), "--path", place, NULL };
	sigset_t none;

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
	execve(helper, words, (char *[]){ NULL });
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
