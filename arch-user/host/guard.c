// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guard: a process that does what the kernel process cannot be trusted or
 * relied on to do itself.
 *
 *  - It sets the host's terminals back when the kernel process is killed.
 *  - It ends the guest when its kernel asks the host for what it may not, and
 *    says what that was.
 *
 * It is forked while the process holds nothing of a guest, and shares its
 * descriptors until the kernel's filter is there, since the listener that
 * comes with the filter could not be sent any more.  Then it keeps the
 * listener, the terminals, standard error, a pidfd of the kernel process and
 * one end of a socket pair.  The end of file on that is the kernel process's
 * end, whatever brought it about; a byte asks for the terminals to be set back
 * and announces the end, which has to follow then.
 *
 * A second thread waits for reports.  It counts on the fact that each report
 * ends a wait, also one that the reporting thread has withdrawn meanwhile since
 * a signal came: so a call that is not allowed cannot be tried in secret.
 */
#include <linux/sched.h>
#include <uapi/asm-generic/ioctls.h>
#include <uapi/linux/close_range.h>
#include <uapi/linux/prctl.h>
#include "state.h"
#include "syscall.h"
#include "filter.h"
#include "guard-syscalls.h"

#define GUARD_THREAD_FLAGS	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | \
				 CLONE_THREAD | CLONE_SYSVSEM)
/* How long the end may take after it was announced, and a message at most. */
#define END_LIMIT_MS		2000
#define MESSAGE_LIMIT_MS	200

static const char * const call_names[] = {
#include "call_names.h"
};

struct guard {
	int sock;
	int listener;
	int kernel;		/* pidfd */
};

static bool ready(int fd, short events, int ms)
{
	struct { s32 fd; s16 events, revents; } p = { fd, events, 0 };

	return sys3(__NR_poll, &p, 1, ms) == 1;
}

static void end_kernel(const struct guard *g)
{
	sys4(__NR_pidfd_send_signal, g->kernel, HOST_SIGKILL, NULL, 0);
}

static size_t put_text(char *to, const char *s)
{
	size_t n = 0;

	while (s[n]) {
		to[n] = s[n];
		n++;
	}
	return n;
}

static size_t put_number(char *to, u32 v)
{
	size_t n = v > 9 ? put_number(to, v / 10) : 0;

	to[n] = '0' + v % 10;
	return n + 1;
}

/* "\r": a terminal may be raw. */
static void say_refused(const struct seccomp_notif *r, bool known)
{
	u32 nr = r->data.nr;
	char line[256];
	size_t n = put_text(line, "\rvmlinux: the guest kernel asked the host for ");

	if (!known)
		n += put_text(line + n, "a call");
	else if (r->data.arch == AUDIT_ARCH_X86_64 && nr < ARRAY_SIZE(call_names) &&
		 call_names[nr])
		n += put_text(line + n, call_names[nr]);
	else
		n += put_text(line + n, r->data.arch == AUDIT_ARCH_X86_64 ? "an unknown call" :
			      "a 32-bit call");
	if (known) {
		n += put_text(line + n, " (");
		n += put_number(line + n, nr);
		n += put_text(line + n, ")");
	}
	n += put_text(line + n, ", which it may not make: the guest ends\r\n");
	if (ready(2, HOST_POLLOUT, MESSAGE_LIMIT_MS))
		host_write_wait(2, line, n);
}

/*
 * A wait that ended without a report: one was withdrawn, or there is nobody
 * left who could make one.
 *
 * #guard-syscalls: ioctl(g->listener, SECCOMP_IOCTL_NOTIF_RECV)
 */
static void wait_for_report(long arg)
{
	const struct guard *g = (void *)arg;
	/* more than a report is, should it grow */
	union {
		struct seccomp_notif report;
		u8 room[512];
	} u = { };
	long ret;

	do {
		ret = sys3(__NR_ioctl, g->listener, SECCOMP_IOCTL_NOTIF_RECV, &u);
	} while (ret == -HOST_EINTR);
	/* the listener's POLLHUP: no thread has the filter any more */
	if (ret && ready(g->listener, 0, 0))
		return;
	say_refused(&u.report, !ret);
	end_kernel(g);
}

/*
 * Of its descriptors the guard needs little more than the end.
 *
 * #guard-syscalls: poll exit_group pidfd_send_signal(g->kernel, HOST_SIGKILL, 0, 0)
 */
static noinline void confine_guard(const struct guard *g)
{
	u32 deny = SECCOMP_RET_KILL_PROCESS;
	struct sock_filter filter[] = { FILTER_HEAD, GUARD_SYSCALLS_RULES, FILTER_DENY };

	host_filter_install(filter, ARRAY_SIZE(filter), 0);
}

static void __noreturn guard_exit(void)
{
	for (;;)
		sys1(__NR_exit_group, 0);
}

/* Until the filter is there the kernel process is ourselves. */
static void take_over(struct guard *g)
{
	int keep[4 + HOST_MAX_CONSOLES], n;

	if (host_read_wait(g->sock, &g->listener, sizeof(g->listener)) != sizeof(g->listener))
		guard_exit();
	/* containers refuse unshare(2), whatever is to be unshared */
	if (sys3(__NR_close_range, INT_MAX, ~0U, CLOSE_RANGE_UNSHARE))
		guard_exit();
	keep[0] = 2;
	keep[1] = g->sock;
	keep[2] = g->listener;
	keep[3] = g->kernel;
	for (n = 0; n < HOST_MAX_CONSOLES; n++)
		keep[4 + n] = host_console_tty(n);
	host_close_all_but(keep, ARRAY_SIZE(keep));
	sys2(__NR_prctl, PR_SET_PDEATHSIG, 0);
	if (g->listener >= 0)
		host_thread_clone(GUARD_THREAD_FLAGS, host->io_stack + HOST_STACK_SIZE,
				  wait_for_report, (long)g);
	confine_guard(g);
}

static void __noreturn guard_main(int sock, int parent)
{
	struct guard g = { .sock = sock };
	u64 all = ~0ULL;
	bool announced;
	char c = 0;

	sys4(__NR_rt_sigprocmask, HOST_SIG_SETMASK, &all, NULL, 8);
	sys2(__NR_prctl, PR_SET_NAME, "kernelet-guard");
	g.kernel = sys2(__NR_pidfd_open, parent, 0);
	sys2(__NR_prctl, PR_SET_PDEATHSIG, HOST_SIGKILL);
	if (g.kernel < 0 || sys0(__NR_getppid) != parent)
		guard_exit();
	take_over(&g);
	host_write_wait(sock, &c, 1);
	announced = host_read_wait(sock, &c, 1) == 1;
	host_tty_set_back();
	if (announced) {
		host_write_wait(sock, &c, 1);
		if (!ready(g.kernel, HOST_POLLIN, END_LIMIT_MS))
			end_kernel(&g);
	}
	guard_exit();
}

/**
 * host_guard_start() - start the guard, which waits for host_guard_begin()
 *
 * Context: the process has one thread and no guest memory.
 */
void host_guard_start(void)
{
	int sock[2], self = sys0(__NR_getpid);
	long pid;

	if (sys4(__NR_socketpair, HOST_AF_UNIX, HOST_SOCK_STREAM | HOST_SOCK_CLOEXEC, 0,
		 sock) < 0)
		host_usage_error("guard", "the host gives no socket pair", NULL);
	pid = sys5(__NR_clone, CLONE_FILES | HOST_SIGCHLD, 0, 0, 0, 0);
	if (pid < 0)
		host_usage_error("guard", "the host gives no process", "check ulimit -u");
	if (!pid)
		guard_main(sock[1], self);
	host->guard_sock = sock[0];
	host->guard_other = sock[1];
}

/**
 * host_guard_begin() - the guard's work begins
 * @listener:	the filter's, or -1
 *
 * #syscalls: close
 */
void host_guard_begin(int listener)
{
	char c;

	host_write_wait(host->guard_sock, &listener, sizeof(listener));
	if (host_read_wait(host->guard_sock, &c, 1) != 1)
		host_usage_error("guard", "it was killed, or cannot have descriptors of its own",
				 "the host has to allow close_range(2)");
	sys1(__NR_close, host->guard_other);
	if (listener >= 0)
		sys1(__NR_close, listener);
}

/**
 * host_guard_end() - announce the end and have the terminals set back
 */
void host_guard_end(void)
{
	char c = 0;

	host_write_wait(host->guard_sock, &c, 1);
	host_read_wait(host->guard_sock, &c, 1);
}
