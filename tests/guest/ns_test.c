// SPDX-License-Identifier: GPL-2.0-only
/* Namespaces: user, pid, mount, net, uts, ipc; overlayfs and tmpfs in them. */
#include <linux/if.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include "ktap.h"

static char uid_map[64], gid_map[64];

/* Becomes root of a new user namespace. */
static int become_root(int more)
{
	if (unshare(CLONE_NEWUSER | more))
		return -1;
	write_file("/proc/self/setgroups", "deny");
	write_file("/proc/self/uid_map", uid_map);
	write_file("/proc/self/gid_map", gid_map);
	return 0;
}

static int user(void)
{
	if (become_root(0))
		return 1;
	return getuid() == 0 && getgid() == 0 ? 0 : 2;
}

static int uts(void)
{
	struct utsname u;

	if (become_root(CLONE_NEWUTS) || sethostname("inside", 6))
		return 1;
	uname(&u);
	return strcmp(u.nodename, "inside") ? 2 : 0;
}

static int pids(void)
{
	pid_t pid;

	if (become_root(CLONE_NEWPID))
		return 1;
	pid = fork();
	if (!pid) {
		pid_t child = fork();

		if (!child)
			_exit(getpid() == 2 && getppid() == 1 ? 5 : 6);
		_exit(getpid() == 1 && reap(child) == EXITED(5) ? 0 : 7);
	}
	return WEXITSTATUS(reap(pid));
}

/* When init of a pid namespace ends, the others are killed. */
static int pid_init_dies(void)
{
	int p[2];
	pid_t pid;
	char c;

	if (become_root(CLONE_NEWPID) || pipe(p))
		return 1;
	pid = fork();
	if (!pid) {
		close(p[0]);
		if (fork() == 0)
			for (;;)
				pause();
		_exit(0);
	}
	close(p[1]);
	reap(pid);
	return read(p[0], &c, 1) == 0 ? 0 : 2;
}

static int mounts(void)
{
	char buf[32];

	if (become_root(CLONE_NEWNS))
		return 1;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return 2;
	if (mount("none", "mnt", "tmpfs", 0, "size=1M"))
		return 3;
	write_file("mnt/inside", "x");
	if (mkdir("mnt/bind", 0700) || mount("mnt", "mnt/bind", NULL, MS_BIND, NULL))
		return 4;
	if (read_file("mnt/bind/inside", buf, sizeof(buf)) != 1)
		return 5;
	if (mkdir("mnt/low", 0755) || mkdir("mnt/up", 0755) ||
	    mkdir("mnt/work", 0755) || mkdir("mnt/over", 0755))
		return 6;
	write_file("mnt/low/file", "low");
	if (mount("none", "mnt/over", "overlay", 0,
		  "lowerdir=mnt/low,upperdir=mnt/up,workdir=mnt/work,userxattr"))
		return errno == ENODEV ? 70 : 7;
	write_file("mnt/over/file", "up");
	read_file("mnt/low/file", buf, sizeof(buf));
	if (strcmp(buf, "low"))
		return 8;
	read_file("mnt/up/file", buf, sizeof(buf));
	if (strcmp(buf, "up"))
		return 9;
	return umount("mnt/over") || umount("mnt/bind") ? 10 : 0;
}

static int net(void)
{
	struct ifreq r = { .ifr_name = "lo" };
	int s;

	if (become_root(CLONE_NEWNET))
		return 1;
	s = socket(AF_INET, SOCK_DGRAM, 0);
	if (ioctl(s, SIOCGIFFLAGS, &r) || (r.ifr_flags & IFF_UP))
		return 2;
	r.ifr_flags |= IFF_UP;
	return ioctl(s, SIOCSIFFLAGS, &r) ? 3 : 0;
}

static int pivot(void)
{
	if (become_root(CLONE_NEWNS | CLONE_NEWPID))
		return 1;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", "mnt", "tmpfs", 0, NULL) || mkdir("mnt/new", 0755) ||
	    mount("none", "mnt/new", "tmpfs", 0, NULL) ||
	    mkdir("mnt/new/old", 0755))
		return 2;
	/* The root of an initramfs cannot be moved, so not from there. */
	if (chroot("mnt") || chdir("/") ||
	    syscall(SYS_pivot_root, "new", "new/old") || chdir("/") ||
	    umount2("/old", MNT_DETACH))
		return 3;
	return access("/proc", F_OK) == -1 && access("/old", F_OK) == 0 ? 0 : 4;
}

int main(void)
{
	struct utsname u, v;

	temp_dir();
	must(mkdir("mnt", 0755) == 0);
	snprintf(uid_map, sizeof(uid_map), "0 %d 1", getuid());
	snprintf(gid_map, sizeof(gid_map), "0 %d 1", getgid());
	if (in_child(user) == EXITED(1)) {
		printf("KTAP version 1\n1..0 # SKIP no user namespaces here\n");
		return 0;
	}
	uname(&u);
	is(in_child(user), EXITED(0), "a user namespace");
	is(in_child(uts), EXITED(0), "a UTS namespace");
	uname(&v);
	is(strcmp(u.nodename, v.nodename), 0, "leaves the host name outside");
	is(in_child(pids), EXITED(0), "a pid namespace");
	is(in_child(pid_init_dies), EXITED(0), "ends with its init");
	is(in_child(mounts), EXITED(0), "a mount namespace with overlayfs");
	ok(access("mnt/inside", F_OK), "is not seen outside");
	is(in_child(net), EXITED(0), "a network namespace");
	is(in_child(pivot), EXITED(0), "pivot_root");
	return done();
}
