// SPDX-License-Identifier: GPL-2.0-only
/*
 * The benchmark program as the first process of a guest.
 *
 * Its arguments are one word of the kernel's command line, because every
 * kernel passes its own mixture of words on to the first process:
 *
 *	bench.args=--samples=3,getppid_libc,stat
 *
 * Three of them are for this file:
 *
 *	--poweroff	power off at once
 *	--idle		print "idle" and sleep for ever
 *	--disk=DEVICE	run with the ext4 file system on DEVICE as the root,
 *			read-only, with a tmpfs on /tmp
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define CMDLINE_SIZE	4096
#define MAX_ARGS	100
#define KEY		"bench.args="

static _Noreturn void power_off(void)
{
	fflush(stdout);
	reboot(RB_POWER_OFF);
	/* Ending the first process makes the kernel panic: seen at least. */
	_exit(1);
}

static _Noreturn void give_up(const char *what)
{
	printf("# first process: %s: %s\n", what, strerror(errno));
	power_off();
}

static void mount_on(const char *type, const char *dir)
{
	mkdir(dir, 0755);
	/* A kernel may have mounted its devtmpfs by itself. */
	if (mount(type, dir, type, 0, NULL) && errno != EBUSY)
		give_up(dir);
}

/* Splits the word after KEY at its commas; args[0] names the program. */
static int read_args(char **args)
{
	static char line[CMDLINE_SIZE];
	int fd = open("/proc/cmdline", O_RDONLY);
	ssize_t len = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);
	char *word, *arg;
	int n = 0;

	if (len < 0)
		give_up("/proc/cmdline");
	close(fd);
	args[n++] = "bench";
	for (word = strtok(line, " \n"); word; word = strtok(NULL, " \n"))
		if (!strncmp(word, KEY, strlen(KEY)))
			break;
	if (word)
		word += strlen(KEY);
	while ((arg = strsep(&word, ",")) && n < MAX_ARGS - 1)
		if (*arg)
			args[n++] = arg;
	args[n] = NULL;
	return n;
}

/* Servers in the guest talk to their clients over 127.0.0.1. */
static void start_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	if (!ioctl(fd, SIOCGIFFLAGS, &request)) {
		request.ifr_flags |= IFF_UP;
		ioctl(fd, SIOCSIFFLAGS, &request);
	}
	close(fd);
}

/*
 * "noload": the image may belong to a test that was killed, and a read-only
 * disk cannot have its journal replayed.
 */
static void enter_disk(const char *device)
{
	mount_on("devtmpfs", "/dev");
	mkdir("/disk", 0755);
	if (mount(device, "/disk", "ext4", MS_RDONLY, "noload"))
		give_up(device);
	if (chroot("/disk") || chdir("/"))
		give_up("chroot");
	mount_on("proc", "/proc");
	mount_on("devtmpfs", "/dev");
	mount_on("tmpfs", GUEST_TMP);
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", GUEST_TMP, 1);
	unsetenv("TERM");
	start_loopback();
}

static void idle(void)
{
	printf("idle\n");
	fflush(stdout);
	for (;;)
		pause();
}

/* Removes from @args what starts with @option; returns what follows, or NULL. */
static const char *take_option(int *n, char **args, const char *option)
{
	size_t len = strlen(option);
	const char *found;
	int i;

	for (i = 1; i < *n; i++) {
		if (strncmp(args[i], option, len))
			continue;
		found = args[i] + len;
		memmove(&args[i], &args[i + 1], (*n - i) * sizeof(*args));
		--*n;
		return found;
	}
	return NULL;
}

/* Returns the child's status as waitpid() gives it; reaps orphans meanwhile. */
static int wait_for_child(int child)
{
	int pid, status;

	for (;;) {
		pid = waitpid(-1, &status, 0);
		if (pid == child)
			return status;
		if (pid < 0 && errno != EINTR)
			give_up("waitpid");
	}
}

void guest_start(int *argc, char ***argv)
{
	static char *args[MAX_ARGS];
	const char *disk;
	int child;

	mount_on("proc", "/proc");
	*argc = read_args(args);
	*argv = args;
	if (take_option(argc, args, "--poweroff"))
		power_off();
	if (take_option(argc, args, "--idle"))
		idle();
	disk = take_option(argc, args, "--disk=");
	if (disk)
		enter_disk(disk);
	else
		mount_on("tmpfs", GUEST_TMP);
	fflush(stdout);
	child = fork();
	if (child < 0)
		give_up("fork");
	if (!child)
		return;
	printf("# status %#x\n", wait_for_child(child));
	power_off();
}
