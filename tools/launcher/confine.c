// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "confine.h"
#include "util.h"

/* From the most to nothing: a host may allow some and not others. */
static const struct {
	unsigned long flags;
	const char *names;
} namespaces[] = {
	{ CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS,
	  "user, mount, pid, net, ipc and uts namespaces" },
	{ CLONE_NEWUSER | CLONE_NEWNET, "user and net namespaces" },
	{ 0, "no namespaces: the host refuses them" },
};

/* Read before the clone: in a new namespace they are nobody's until they are mapped. */
static uid_t uid;
static gid_t gid;

pid_t confine_clone(bool wanted, const char **got)
{
	size_t i = wanted ? 0 : ARRAY_SIZE(namespaces) - 1;

	uid = geteuid();
	gid = getegid();
	for (;; i++) {
		pid_t pid = syscall(SYS_clone, namespaces[i].flags | SIGCHLD, 0, 0, 0, 0);

		if (pid < 0 && i + 1 < ARRAY_SIZE(namespaces))
			continue;
		*got = wanted ? namespaces[i].names : "no namespaces: --unconfined";
		return pid;
	}
}

static void write_map(const char *path, unsigned int id)
{
	int fd __auto_fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		dprintf(fd, "%u %u 1\n", id, id);
}

void confine_user(void)
{
	int fd __auto_fd = -1;

	/* Without a new user namespace these are refused, and nothing is lost. */
	fd = open("/proc/self/setgroups", O_WRONLY | O_CLOEXEC);
	if (fd >= 0)
		dprintf(fd, "deny");
	write_map("/proc/self/uid_map", uid);
	write_map("/proc/self/gid_map", gid);
}

/* In a child that shares our memory, as a filter stays. */
bool confine_possible(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog prog = { 1, &allow };
	pid_t pid = vfork();
	int status;

	if (!pid) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		_exit(!!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog));
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && !status;
}

int confine_rights(void)
{
	cap_t none = cap_init();
	cap_value_t cap;
	int ret;

	for (cap = 0; cap <= cap_max_bits(); cap++)
		cap_drop_bound(cap);	/* refused without the right to: then there is none */
	ret = none ? cap_set_proc(none) : -1;
	cap_reset_ambient();
	cap_free(none);
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -1 : ret;
}
