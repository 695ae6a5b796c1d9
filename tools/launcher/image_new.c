// SPDX-License-Identifier: GPL-2.0-only
/*
 * Theory of operation
 *
 * A signal that ends the program ends the child first, then removes what is not
 * complete, and then does what it does; fail() removes it on its way through exit().
 * Signals wait while either is being made, so that there is none that is not known.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "image_new.h"
#include "util.h"

#define MAX_FILES	2	/* a result, and what it is made from */

static const int ending[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
static char *volatile files[MAX_FILES];
static volatile pid_t child;

static void remove_files(void)
{
	int i;

	for (i = 0; i < MAX_FILES; i++) {
		if (files[i])
			unlink(files[i]);
		files[i] = NULL;
	}
}

static void end(int signum)
{
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	remove_files();
	signal(signum, SIG_DFL);
	raise(signum);
}

/* Have those that end us wait, from the first time on with our handler. */
static void hold_signals(sigset_t *before)
{
	static bool ready;
	struct sigaction action = { .sa_handler = end }, old;
	size_t i;

	sigemptyset(&action.sa_mask);
	for (i = 0; i < ARRAY_SIZE(ending); i++)
		sigaddset(&action.sa_mask, ending[i]);
	sigprocmask(SIG_BLOCK, &action.sa_mask, before);
	if (ready)
		return;
	ready = true;
	atexit(remove_files);
	for (i = 0; i < ARRAY_SIZE(ending); i++)
		if (!sigaction(ending[i], NULL, &old) && old.sa_handler != SIG_IGN)
			sigaction(ending[i], &action, NULL);
}

int image_new(const char *path)
{
	char *name = print("%s", path);
	sigset_t before;
	int fd, i = 0;

	hold_signals(&before);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		fail("%s: %s", path, errno == EEXIST ? "there is such a file already" :
						       strerror(errno));
	while (i < MAX_FILES - 1 && files[i])
		i++;
	files[i] = name;
	sigprocmask(SIG_SETMASK, &before, NULL);
	return fd;
}

void image_stays(const char *path)
{
	int i;

	for (i = 0; i < MAX_FILES; i++)
		if (files[i] && !strcmp(files[i], path))
			files[i] = NULL;
}

int image_child(const char *const *words)
{
	sigset_t before;
	int status;
	pid_t pid;

	fflush(NULL);
	hold_signals(&before);
	pid = fork();
	if (!pid) {
		memset((void *)files, 0, sizeof(files));
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		sigprocmask(SIG_SETMASK, &before, NULL);
		execvp(words[0], (char *const *)words);
		_exit(127);
	}
	child = pid;
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid < 0)
		fail("no process: %s", strerror(errno));
	while (waitpid(pid, &status, 0) < 0)
		;
	child = 0;
	return status;
}
