// SPDX-License-Identifier: GPL-2.0-only
/*
 * Giving up what is not needed: no new privileges, no capabilities, files only
 * beneath a directory (Landlock, where the host has it), and a list of the
 * system calls that are still allowed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "net.h"

#define LOAD(field)	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define LOAD_ARG(n)	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, \
				 offsetof(struct seccomp_data, args) + (n) * sizeof(uint64_t))
#define IF_EQ(k, t, f)	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, t, f)
#define IF_SET(k, t, f)	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, k, t, f)
#define RETURN(v)	BPF_STMT(BPF_RET | BPF_K, v)
#define DENY		RETURN(SECCOMP_RET_KILL_PROCESS)
#define ALLOW		RETURN(SECCOMP_RET_ALLOW)

#define MOST		128

/* ---- lists ----------------------------------------------------------------- */

static const int frames[] = {
	SYS_recvmmsg, SYS_sendmmsg, SYS_recvfrom, SYS_sendto, SYS_recvmsg, SYS_sendmsg,
	SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_poll, SYS_ppoll, SYS_select,
	SYS_pselect6, SYS_epoll_wait, SYS_epoll_ctl, SYS_close, SYS_shutdown,
	SYS_futex, SYS_sched_yield, SYS_clock_gettime, SYS_gettimeofday, SYS_nanosleep,
	SYS_clock_nanosleep, SYS_restart_syscall, SYS_rt_sigprocmask, SYS_rt_sigreturn,
	SYS_rt_sigaction, SYS_getpid, SYS_gettid, SYS_getrandom, SYS_exit, SYS_exit_group,
	SYS_brk, SYS_munmap, SYS_madvise, SYS_mremap, SYS_flock,
	/* what a thread begins with: those that there are may have just begun */
	SYS_rseq, SYS_set_robust_list,
	/* sockets that are there */
	SYS_accept, SYS_accept4, SYS_getsockname, SYS_getpeername, SYS_getsockopt,
	SYS_timerfd_settime,
};

static const int sockets[] = {
	SYS_socket, SYS_connect, SYS_bind, SYS_listen, SYS_setsockopt,
};

/* Reading files, which Landlock bounds. */
static const int files[] = {
	SYS_openat, SYS_stat, SYS_newfstatat, SYS_fstat, SYS_lseek, SYS_unlink, SYS_unlinkat,
};

/* Threads, and what opens more of the same kind. */
static const int more[] = {
	SYS_pipe2, SYS_eventfd2, SYS_epoll_create1, SYS_socketpair, SYS_dup, SYS_getdents64,
};

/* ---- system calls ---------------------------------------------------------- */

struct program {
	struct sock_filter code[3 * MOST];
	size_t n;
};

static void add(struct program *p, const struct sock_filter *code, size_t n)
{
	if (p->n + n > ARRAY_SIZE(p->code))
		abort();
	memcpy(p->code + p->n, code, n * sizeof(*code));
	p->n += n;
}

#define ADD(p, ...) do {						\
	const struct sock_filter code[] = { __VA_ARGS__ };		\
	add(p, code, ARRAY_SIZE(code));					\
} while (0)

static void add_calls(struct program *p, const int *calls, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		ADD(p, IF_EQ(calls[i], 0, 1), ALLOW);
}

/* The number is loaded when the next rule begins. */
static void add_arguments(struct program *p, enum calls calls)
{
	const unsigned int prot_exec = 4;

	/* memory: nothing that can be executed */
	ADD(p, IF_EQ(SYS_mmap, 1, 0), IF_EQ(SYS_mprotect, 0, 4),
	    LOAD_ARG(2), IF_SET(prot_exec, 0, 1), DENY, ALLOW);
	/* fcntl: flags of descriptors, not who gets signals of them */
	ADD(p, IF_EQ(SYS_fcntl, 0, 7), LOAD_ARG(1), IF_EQ(F_GETFL, 3, 0), IF_EQ(F_SETFL, 2, 0),
	    IF_EQ(F_GETFD, 1, 0), IF_EQ(F_SETFD, 0, 1), ALLOW, DENY);
	/* ioctl: FIONREAD and FIONBIO */
	ADD(p, IF_EQ(SYS_ioctl, 0, 5), LOAD_ARG(1), IF_EQ(0x541b, 1, 0), IF_EQ(0x5421, 0, 1),
	    ALLOW, DENY);
	if (calls == CALLS_INTERNET)
		ADD(p, IF_EQ(SYS_socket, 0, 5), LOAD_ARG(0), IF_EQ(AF_INET, 1, 0),
		    IF_EQ(AF_INET6, 0, 1), ALLOW, DENY);
	if (calls == CALLS_UNIX)
		ADD(p, IF_EQ(SYS_socket, 0, 4), LOAD_ARG(0), IF_EQ(AF_UNIX, 0, 1), ALLOW, DENY);
	/* threads, but no processes */
	if (calls == CALLS_ALL_SOCKETS)
		ADD(p, IF_EQ(SYS_clone, 0, 4), LOAD_ARG(0), IF_SET(0x10000, 0, 1), ALLOW, DENY);
	/* no file is opened for writing */
	if (calls != CALLS_FRAMES)
		ADD(p, IF_EQ(SYS_openat, 0, 4), LOAD_ARG(2), IF_SET(O_ACCMODE | O_CREAT, 0, 1),
		    DENY, ALLOW);
}

static void limit_calls(enum calls calls)
{
	static struct program p;
	struct sock_fprog prog = { .filter = p.code };

	ADD(&p, LOAD(arch), IF_EQ(AUDIT_ARCH_X86_64, 1, 0), DENY, LOAD(nr));
	add_calls(&p, frames, ARRAY_SIZE(frames));
	add_arguments(&p, calls);
	if (calls != CALLS_FRAMES) {
		add_calls(&p, sockets, ARRAY_SIZE(sockets));
		add_calls(&p, files, ARRAY_SIZE(files));
	}
	if (calls == CALLS_ALL_SOCKETS)
		add_calls(&p, more, ARRAY_SIZE(more));
	ADD(&p, DENY);
	prog.len = p.n;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &prog))
		fail("seccomp: %s", strerror(errno));
}

/* ---- files ----------------------------------------------------------------- */

#define ACCESS_V1	((1ULL << 13) - 1)
#define ACCESS_READ	(1ULL << 2)

static void allow_beneath(int set, const char *dir, uint64_t access)
{
	struct landlock_path_beneath_attr beneath = { .allowed_access = access };

	beneath.parent_fd = open(dir, O_PATH | O_CLOEXEC);
	if (beneath.parent_fd < 0)
		return;
	syscall(SYS_landlock_add_rule, set, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
	close(beneath.parent_fd);
}

/* The directory in which the host says where its name servers are. */
static void allow_resolver(int set)
{
	char *path = realpath("/etc/resolv.conf", NULL);
	char *slash = path ? strrchr(path, '/') : NULL;

	if (slash && slash != path) {
		*slash = '\0';
		allow_beneath(set, path, ACCESS_READ);
	}
	allow_beneath(set, "/etc/resolv.conf", ACCESS_READ);
	free(path);
}

static void limit_files(enum calls calls, const char *dir)
{
	uint64_t handled = ACCESS_V1;
	int set = syscall(SYS_landlock_create_ruleset, &handled, sizeof(handled), 0);

	if (set < 0)
		return;
	if (calls == CALLS_INTERNET)
		allow_resolver(set);
	if (dir)
		allow_beneath(set, dir, handled);
	syscall(SYS_landlock_restrict_self, set, 0);
	close(set);
}

/* ---- rights ---------------------------------------------------------------- */

static void drop_capabilities(void)
{
	cap_t none = cap_init();
	cap_value_t cap;

	for (cap = 0; cap <= cap_max_bits(); cap++)
		cap_drop_bound(cap);	/* refused without the right to: then there is none */
	if (!none || cap_set_proc(none))
		fail("capabilities: %s", strerror(errno));
	cap_reset_ambient();
	cap_free(none);
}

void confine(enum calls calls, const char *dir)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		fail("no_new_privs: %s", strerror(errno));
	drop_capabilities();
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (calls != CALLS_ALL_SOCKETS)
		limit_files(calls, dir);
	limit_calls(calls);
}
