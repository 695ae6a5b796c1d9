// SPDX-License-Identifier: GPL-2.0-only
/*
 * refuse WHAT COMMAND...: runs a command as on a host that refuses something.
 * WHAT is "filter" (seccomp(2) and its prctl fail, as some containers have it),
 * "both" (ptrace(2) fails too), "rings" (io_uring_setup(2) alone fails) or
 * "unshare" (unshare(2) alone).
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOAD(field)	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IF_EQ(k, t, f)	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (k), (t), (f))
#define ALLOW		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define REFUSE		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)

static int install(struct sock_filter *code, unsigned short n)
{
	struct sock_fprog prog = { n, code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

int main(int argc, char **argv)
{
	int both = argc > 1 && !strcmp(argv[1], "both");
	int rings = argc > 1 && !strcmp(argv[1], "rings");
	int one = rings || (argc > 1 && !strcmp(argv[1], "unshare"));
	struct sock_filter no_one[] = {
		LOAD(nr),
		IF_EQ(rings ? SYS_io_uring_setup : SYS_unshare, 1, 0),
		ALLOW,
		REFUSE,
	};
	struct sock_filter code[] = {
		LOAD(arch),
		IF_EQ(AUDIT_ARCH_X86_64, 0, 6),
		LOAD(nr),
		IF_EQ(SYS_seccomp, 5, 0),
		IF_EQ(both ? SYS_ptrace : SYS_seccomp, 4, 0),
		IF_EQ(SYS_prctl, 0, 2),
		LOAD(args[0]),
		IF_EQ(PR_SET_SECCOMP, 1, 0),
		ALLOW,
		REFUSE,
	};

	if (argc < 3 || (!both && !one && strcmp(argv[1], "filter"))) {
		fprintf(stderr, "usage: refuse filter|both|rings|unshare COMMAND...\n");
		return 126;
	}
	if (one ? install(no_one, sizeof(no_one) / sizeof(no_one[0])) :
		  install(code, sizeof(code) / sizeof(code[0]))) {
		perror("refuse: a filter of its own");
		return 126;
	}
	execv(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
