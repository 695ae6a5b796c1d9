// SPDX-License-Identifier: GPL-2.0-only
/*
 * Confinement of the kernel process: the second ring.
 *
 * Theory of operation
 *
 * Whoever is root in the guest can run code in the guest's kernel, so from the
 * kernel's first instruction on this process is hostile to its host.  What it
 * may ask of the host from then on are the calls that the code of this
 * directory makes, with the arguments it makes them with: mkcalls.pl gathers
 * the comments (#syscalls) beside that code into the filter's rules.  What a
 * comment does not say ends the guest.
 *
 * All that needs more is done before: files are opened, threads, timers and
 * the zygote made.  So no listed call takes a path or makes a descriptor, a
 * thread or a process, and a rule can name the one descriptor it is about.
 * There are all threads there will ever be when the filter is installed, and
 * TSYNC gives it to each.
 *
 * Who ends the guest is the guard process (guard.c), to which the filter
 * reports a call that is not listed (SECCOMP_RET_USER_NOTIF): it says which,
 * and kills us.  The call is not carried out, also when the guard is gone.
 * Where the filter cannot have a listener, since there is one above us, the
 * host kills us with SIGSYS at once and there is no message.
 */
#include <linux/socket.h>
#include <uapi/linux/ptrace.h>
#include <uapi/asm/ptrace-abi.h>
#include <uapi/asm-generic/ioctls.h>
#include <uapi/linux/capability.h>
#include <uapi/linux/close_range.h>
#include <uapi/linux/falloc.h>
#include <uapi/linux/fs.h>
#include <uapi/linux/futex.h>
#include <uapi/linux/io_uring.h>
#include <uapi/linux/mman.h>
#include <uapi/linux/prctl.h>
#include <uapi/linux/time.h>
#include "state.h"
#include "syscall.h"
#include "filter.h"
#include "syscalls.h"

/* gVisor, the bar, makes 68. */
_Static_assert(SYSCALLS_COUNT < 50, "the allow-list has become long");

/*
 * The host has a thread that was stopped in the middle of a wait go on by
 * __NR_restart_syscall.
 * #syscalls: restart_syscall #guard-syscalls: restart_syscall
 */

/**
 * host_close_all_but() - close descriptors
 * @keep:	those that stay; -1 is none
 * @n:		how many
 */
void host_close_all_but(const int *keep, int n)
{
	unsigned int from = 0, next;
	int i;

	do {
		next = ~0U;
		for (i = 0; i < n; i++)
			if (keep[i] >= 0 && keep[i] >= from && keep[i] < next)
				next = keep[i];
		if (next > from)
			sys3(__NR_close_range, from, next - 1, 0);
		from = next + 1;
	} while (from);
}

/* What the starter left open and no option names is not ours to use. */
static void close_strays(void)
{
	int keep[6 + 2 * HOST_MAX_CONSOLES + 2 * ARRAY_SIZE(host->disk_fd) + HOST_MAX_SHARES +
		 2 * HOST_MAX_CHANNELS + HOST_MAX_NETS * (HOST_NET_QUEUES + 2) + 2] = {
		0, 1, 2, host->exe_fd, host->initrd_fd, host->disk_socket
	};
	int i, k, n = 6;

	for (i = 0; i < HOST_MAX_CONSOLES; i++) {
		keep[n++] = host->boot.console[i].in;
		keep[n++] = host->boot.console[i].out;
	}
	for (i = 0; i < host->disk_fds; i++) {
		keep[n++] = host->disk_fd[i];
		keep[n++] = host->disk_lock_fd[i];
	}
	for (i = 0; i < HOST_MAX_SHARES; i++)
		keep[n++] = host->boot.share[i].fd;
	for (i = 0; i < HOST_MAX_CHANNELS; i++) {
		keep[n++] = host->boot.channel[i].in;
		keep[n++] = host->boot.channel[i].out;
	}
	for (i = 0; i < HOST_MAX_NETS; i++) {
		const struct host_net *net = &host->boot.net[i];

		for (k = 0; k < net->queues; k++)
			keep[n++] = net->fd[k];
		if (net->queues) {
			keep[n++] = net->out;
			keep[n++] = net->pcap;
		}
	}
	if (host->boot.vsock.cid) {
		keep[n++] = host->boot.vsock.fd;
		keep[n++] = host->boot.vsock.out;
	}
	host_close_all_but(keep, n);
}

/* Capabilities are a thread's own: to be called before there are more. */
static void drop_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { };
	int cap;

	for (cap = 0; cap < 64; cap++)
		if (sys2(__NR_prctl, PR_CAPBSET_DROP, cap) < 0)
			break;
	sys5(__NR_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	sys2(__NR_capset, &head, none);
}

/**
 * host_drop_rights() - give up what only the start needed
 *
 * Once files are open and before the first fork: guard, zygote and stubs are
 * to have no more than we have.
 */
void host_drop_rights(void)
{
	if (!host_unsafe(HOST_DEFENCE_DESCRIPTORS))
		close_strays();
	if (host_unsafe(HOST_DEFENCE_RIGHTS))
		return;
	drop_capabilities();
	sys5(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/**
 * host_filter_install() - put all threads of the calling process under a filter
 * @filter:	instructions
 * @len:	how many
 * @flags:	SECCOMP_FILTER_FLAG_*
 *
 * Return: what seccomp() does.
 */
long host_filter_install(struct sock_filter *filter, size_t len, unsigned long flags)
{
	struct sock_fprog prog = { .len = len, .filter = filter };

	/* allowed to those without privileges only so */
	sys5(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return sys3(__NR_seccomp, SECCOMP_SET_MODE_FILTER, flags | SECCOMP_FILTER_FLAG_TSYNC,
		    &prog);
}

#ifdef CONFIG_KERNELET_ATTACK_CONTROL
/* unsafe=call-N and unsafe=arch */
#define UNSAFE_CALL(i)	\
	FILTER_CALL((i) < host->unsafe_calls ? host->unsafe_call[i] : ~0U, 1), FILTER_ALLOW
#define UNSAFE_RULES	UNSAFE_CALL(0), UNSAFE_CALL(1), UNSAFE_CALL(2), UNSAFE_CALL(3),
#define UNSAFE_PATCH(filter) do {				\
	if (host_unsafe(HOST_DEFENCE_ARCH))			\
		(filter)[1].jf = (filter)[1].jt;		\
} while (0)
#else
#define UNSAFE_RULES
#define UNSAFE_PATCH(filter)	do { } while (0)
#endif

/* Descriptors are numbers in the rules: the filter is made where they are known. */
static noinline long install(u32 deny, unsigned long flags)
{
	struct sock_filter filter[] = { FILTER_HEAD, UNSAFE_RULES SYSCALLS_RULES, FILTER_DENY };

	UNSAFE_PATCH(filter);
	return host_filter_install(filter, ARRAY_SIZE(filter), flags);
}

/* Return: the listener, or -1 when there is none. */
static int confine(void)
{
	static const char refused[] =
		"vmlinux: the host refuses a seccomp filter: the guest kernel is not confined\n";
	long ret = install(SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER |
			   SECCOMP_FILTER_FLAG_TSYNC_ESRCH);

	if (ret >= 0)
		return ret;
	if (ret != -HOST_EBUSY || install(SECCOMP_RET_KILL_PROCESS, 0))
		host_last_words(refused, sizeof(refused) - 1);
	return -1;
}

/**
 * host_confine() - from here on nothing but the listed calls
 *
 * Context: the process's first thread; all others are parked.  Once.
 */
void host_confine(void)
{
	long listener = -1;

	if (host_unsafe(HOST_DEFENCE_END))
		install(SECCOMP_RET_ERRNO | HOST_UNSAFE_ERRNO, 0);
	else if (!host_unsafe(HOST_DEFENCE_CONFINE))
		listener = confine();
	host_guard_begin(listener);
}
