// SPDX-License-Identifier: GPL-2.0-only
/*
 * Gives up everything that serving the share does not need.
 *
 * In this order: no new privileges; as root, namespaces of mounts, network and
 * IPC of our own; capabilities; the working directory, which from here on is
 * /proc/self/fd; Landlock, so that only what lies beneath the share can be
 * opened; then, when the threads are there, a list of the system calls that
 * are still allowed. Any other ends the process.
 *
 * An ordinary user's namespaces would need a user namespace, in which all
 * owners but one look the same; that is used only where there is no Landlock.
 */
#include "server.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof(*(a)))

/* ---- namespaces ---------------------------------------------------------- */

static void namespaces(struct server *srv, bool landlock)
{
	int flags = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;
	bool done = false;

	if (!geteuid() && !unshare(flags)) {
		/* mounts that the host makes later are still seen */
		mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL);
		done = true;
	} else if (!landlock) {
		done = !unshare(CLONE_NEWUSER | flags);
	}
	if (srv->opt.verbose)
		fprintf(stderr, "kernelet-hostfs: namespaces: %s\n", done ? "own" : "not used");
}

/* ---- capabilities -------------------------------------------------------- */

/* What root needs to serve a guest's other users. */
static const cap_value_t kept[] = { CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER };

static void drop_capabilities(void)
{
	cap_t caps = cap_init();
	int i;

	if (!caps)
		usage_error("capabilities", "%s", strerror(errno));
	for (i = 0; !geteuid() && i < CAP_LAST_CAP + 1; i++)
		if (cap_drop_bound(i) && errno != EINVAL && errno != EPERM)
			usage_error("capabilities", "%s", strerror(errno));
	if (!geteuid()) {
		/* those that we really have */
		cap_t now = cap_get_proc();
		size_t k;

		for (k = 0; now && k < ARRAY_SIZE(kept); k++) {
			cap_flag_value_t v = CAP_CLEAR;

			cap_get_flag(now, kept[k], CAP_PERMITTED, &v);
			cap_set_flag(caps, CAP_PERMITTED, 1, &kept[k], v);
			cap_set_flag(caps, CAP_EFFECTIVE, 1, &kept[k], v);
		}
		cap_free(now);
	}
	if (cap_set_proc(caps))
		usage_error("capabilities", "%s", strerror(errno));
	cap_free(caps);
}

/* ---- Landlock ------------------------------------------------------------ */

#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#define ACCESS_IOCTL_DEV	(1ULL << 15)
#define ACCESS_ALL_V1		((1ULL << 13) - 1)
#define ACCESS_READ		(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define ACCESS_NEVER		(LANDLOCK_ACCESS_FS_EXECUTE | ACCESS_IOCTL_DEV)

static int landlock_abi(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

static uint64_t access_known(int abi)
{
	uint64_t access = ACCESS_ALL_V1;

	if (abi >= 2)
		access |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		access |= LANDLOCK_ACCESS_FS_TRUNCATE;
	if (abi >= 5)
		access |= ACCESS_IOCTL_DEV;
	return access;
}

static bool landlock(struct server *srv, int abi)
{
	uint64_t known = access_known(abi);
	struct {
		uint64_t fs, net, scoped;
	} set = { known, abi >= 4 ? 3 : 0, abi >= 6 ? 3 : 0 };
	struct landlock_path_beneath_attr beneath = {
		.allowed_access = srv->opt.readonly ? ACCESS_READ : known & ~ACCESS_NEVER,
		.parent_fd = srv->opt.dir,
	};
	size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
	int fd;
	bool ok;

	/* before version 2 names could not move between directories */
	if (abi < 2)
		return false;
	fd = syscall(SYS_landlock_create_ruleset, &set, size, 0);
	if (fd < 0)
		return false;
	ok = !syscall(SYS_landlock_add_rule, fd, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) &&
	     !syscall(SYS_landlock_restrict_self, fd, 0);
	close(fd);
	return ok;
}

void confine_early(struct server *srv)
{
	int abi = landlock_abi();

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		usage_error("no_new_privs", "%s", strerror(errno));
	if (!srv->opt.unconfined)
		namespaces(srv, abi >= 2);
	drop_capabilities();
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (chdir("/proc/self/fd"))
		usage_error("/proc/self/fd", "%s; is /proc mounted?", strerror(errno));
	if (srv->opt.unconfined)
		return;
	abi = landlock(srv, abi);
	if (srv->opt.verbose)
		fprintf(stderr, "kernelet-hostfs: Landlock: %s\n", abi ? "yes" : "not here");
}

/* ---- system calls -------------------------------------------------------- */

static const int allowed[] = {
	/* requests */
	SYS_openat, SYS_openat2, SYS_close, SYS_statx, SYS_newfstatat, SYS_fstat, SYS_fstatfs,
	SYS_preadv, SYS_pwritev, SYS_pread64, SYS_pwrite64, SYS_lseek, SYS_getdents64,
	SYS_mkdirat, SYS_mknodat, SYS_symlinkat, SYS_linkat, SYS_unlinkat, SYS_renameat2,
	SYS_readlinkat, SYS_faccessat2, SYS_fchmod, SYS_fchmodat, SYS_fchown, SYS_fchownat,
	SYS_utimensat, SYS_ftruncate, SYS_fallocate, SYS_copy_file_range, SYS_fsync,
	SYS_fdatasync, SYS_syncfs, SYS_dup, SYS_umask, SYS_geteuid, SYS_getuid,
	SYS_getxattr, SYS_setxattr, SYS_listxattr, SYS_removexattr,
	/* the guest, the threads */
	SYS_recvmsg, SYS_sendto, SYS_sendmsg, SYS_futex, SYS_sched_yield, SYS_clock_gettime,
	SYS_clock_nanosleep, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_getpid, SYS_gettid,
	SYS_exit, SYS_exit_group,
	/* a wait that a suspended host or a debugger has interrupted */
	SYS_restart_syscall,
	/* memory */
	SYS_brk, SYS_munmap, SYS_madvise, SYS_mremap,
	/* free() of the C library asks /proc whether it may give memory back */
	SYS_read,
	/* a last word on standard error */
	SYS_write, SYS_writev,
};

#define JUMP(k, t, f)	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, t, f)
#define LOAD(field)	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(v)	BPF_STMT(BPF_RET | BPF_K, v)
#define PROT_ARG	(offsetof(struct seccomp_data, args) + 2 * sizeof(uint64_t))

/* mmap() and mprotect(): nothing that can be executed. */
static const struct sock_filter head[] = {
	LOAD(arch),
	JUMP(AUDIT_ARCH_X86_64, 1, 0),
	RETURN(SECCOMP_RET_KILL_PROCESS),
	LOAD(nr),
	JUMP(SYS_mmap, 1, 0),
	JUMP(SYS_mprotect, 0, 4),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, PROT_ARG),
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 4 /* PROT_EXEC */, 1, 0),
	RETURN(SECCOMP_RET_ALLOW),
	RETURN(SECCOMP_RET_KILL_PROCESS),
};

void confine_calls(struct server *srv)
{
	struct sock_filter filter[ARRAY_SIZE(head) + 2 * ARRAY_SIZE(allowed) + 1];
	struct sock_fprog prog = { .filter = filter };
	size_t i, n = ARRAY_SIZE(head);

	if (srv->opt.unconfined)
		return;
	memcpy(filter, head, sizeof(head));
	for (i = 0; i < ARRAY_SIZE(allowed); i++) {
		filter[n++] = (struct sock_filter)JUMP(allowed[i], 0, 1);
		filter[n++] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
	}
	filter[n++] = (struct sock_filter)RETURN(SECCOMP_RET_KILL_PROCESS);
	prog.len = n;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &prog))
		usage_error("seccomp", "%s", strerror(errno));
	if (srv->opt.verbose)
		fprintf(stderr, "kernelet-hostfs: %zu system calls allowed\n",
			ARRAY_SIZE(allowed) + 2);
}
