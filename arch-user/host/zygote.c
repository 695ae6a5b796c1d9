// SPDX-License-Identifier: GPL-2.0-only
/*
 * The zygote, which is started before the process confines itself, and the stub
 * processes that it makes: their start and their end.
 */
#include <linux/sched.h>
#include <linux/string.h>
#include <uapi/linux/mman.h>
#include <uapi/linux/prctl.h>
#include <asm/processor.h>
#include <asm/unsafe.h>
#include "state.h"
#include "syscall.h"

extern const char stub_blob[], stub_blob_end[];
extern const unsigned long stub_signal_addr, zygote_main_addr;

/* In the child: actions, which every stub inherits, and nothing blocked. */
static void set_actions(void)
{
	static const u8 sigs[] = {
		HOST_SIGSYS, HOST_SIGSEGV, HOST_SIGBUS, HOST_SIGILL, HOST_SIGFPE, HOST_SIGTRAP,
		STUB_SIG_KICK
	};
	struct {
		unsigned long handler, flags, restorer;
		u64 mask;
	} sa = {
		.handler = stub_signal_addr,
		.flags = HOST_SA_SIGINFO | HOST_SA_ONSTACK | HOST_SA_NODEFER | HOST_SA_RESTORER,
	};
	/* The tracer is told of a fork that failed by a breakpoint. */
	u64 all = host->boot.traced ? ~(1ULL << (HOST_SIGTRAP - 1)) : ~0ULL;
	int i;

	for (i = 0; i < ARRAY_SIZE(sigs); i++)
		sys4(__NR_rt_sigaction, sigs[i], &sa, NULL, 8);
	sa.handler = 1;		/* SIG_IGN: stubs leave no zombie */
	sa.flags = 0;
	sys4(__NR_rt_sigaction, HOST_SIGCHLD, &sa, NULL, 8);
	sys4(__NR_rt_sigprocmask, HOST_SIG_SETMASK, &all, NULL, 8);
}

/*
 * In the child, on the last stack it will not have overlaid: put the stub
 * text in place and go there.
 */
static void __noreturn become_zygote(int sock, long parent)
{
	long size = stub_blob_end - stub_blob;
	int high;

	set_actions();
	/* out of the way of 0..2, then into place */
	high = sys3(__NR_fcntl, host->ram_fd, 0 /* F_DUPFD */, 3);
	host->control_fd = sys3(__NR_fcntl, host->control_fd, 0, 3);
	sock = sys3(__NR_fcntl, sock, 0, 3);
	sys2(__NR_dup2, high, STUB_FD_RAM);
	sys2(__NR_dup2, host->control_fd, STUB_FD_CONTROL);
	sys2(__NR_dup2, sock, STUB_FD_ZYGOTE);
	sys3(__NR_close_range, 3, ~0U, 0);
	sys_mmap_at(STUB_BASE, STUB_TEXT_END - STUB_BASE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	memcpy((void *)STUB_BASE, stub_blob, size);
	sys3(__NR_mprotect, STUB_BASE, STUB_TEXT_END - STUB_BASE, PROT_READ | PROT_EXEC);
	sys_mmap_at(STUB_ZYGOTE_STACK, STUB_ZYGOTE_STACK_SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	sys2(__NR_prctl, PR_SET_NAME, "kernelet-zygote");
	asm volatile("movq %0, %%rsp\n\txorl %%ebp, %%ebp\n\tcall *%1"
		     : : "r" (STUB_ZYGOTE_STACK + STUB_ZYGOTE_STACK_SIZE - 64),
			 "r" (zygote_main_addr), "D" (parent), "S" ((long)host->boot.traced));
	__builtin_unreachable();
}

/*
 * The child must not run on the host's stack, which may lie where the stub
 * text goes; the image's bss is its own copy at this time.
 */
static u8 zygote_first_stack[HOST_STACK_SIZE] __aligned(16);

static void zygote_child(void)
{
	become_zygote(host->zygote_sock, host->zygote_pid);
}

void host_zygote_start(void)
{
	int sock[2], pidfd = -1;
	long pid;

	if (sys4(__NR_socketpair, HOST_AF_UNIX, HOST_SOCK_SEQPACKET | HOST_SOCK_CLOEXEC, 0,
		 sock) < 0)
		host_usage_error("zygote", "the host gives no socket pair", "check ulimit -n");
	/* for the child, which has its own copy of this */
	host->zygote_sock = sock[1];
	host->zygote_pid = sys0(__NR_getpid);
	pid = sys5(__NR_clone, CLONE_PIDFD | HOST_SIGCHLD, 0, &pidfd, 0, 0);
	if (pid < 0)
		host_usage_error("zygote", "the host gives no process", "check ulimit -u");
	if (!pid)
		host_switch_stack(zygote_first_stack + HOST_STACK_SIZE, zygote_child);
	sys1(__NR_close, sock[1]);
	host->zygote_sock = sock[0];
	host->zygote_pid = pid;
	host->zygote_pidfd = pidfd;
	if (host->boot.traced)
		host_traced_start();
}

/* #syscalls: wait4(host->zygote_pid) */
void host_zygote_end(void)
{
	if (!host->zygote_pid)
		return;
	WRITE_ONCE(host->ending, true);
	sys4(__NR_pidfd_send_signal, host->zygote_pidfd, HOST_SIGKILL, NULL, 0);
	sys4(__NR_wait4, host->zygote_pid, NULL, 0, NULL);
}

/* Take the zygote's answer and the pidfd beside it, or -1. */
static int zygote_answer(struct zygote_reply *r)
{
	int fd = -1;

	if (host_receive(host->zygote_sock, r, sizeof(*r), &fd, 1, true) < 0)
		r->pid = -HOST_ESRCH;
	return fd;
}

static void zygote_lock(void)
{
	while (xchg(&host->zygote_lock, 1))
		host_yield();
}

static void zygote_unlock(void)
{
	smp_store_release(&host->zygote_lock, 0);
}

/*
 * No descriptor was left for the new stub's pidfd, and nothing else can kill
 * it: its mapper has to end it.
 */
static int end_by_mapper(struct stub_request *req, int pid)
{
	req->op[0].nr = __NR_exit_group;
	req->nops = 1;
	xchg(&req->seq, 1);
	host_wake(&req->seq);
	if (host->boot.traced)
		host_traced_bury(pid);
	while (sys3(__NR_tgkill, pid, pid, STUB_SIG_KICK) != -HOST_ESRCH)
		host_yield();
	return -HOST_EMFILE;
}

int host_stub_spawn(u32 slot)
{
	struct host_stub *s = &host->stub[slot];
	struct stub_request *req = host_request_page(slot);
	struct zygote_request ask = { .slot = slot };
	struct zygote_reply answer;
	long n;
	int fd = -1;

	memset(req, 0, sizeof(*req));
	req->offset = (u64)slot << 12;
	memcpy(req->allowed, host->cpus_allowed, sizeof(req->allowed));
#ifdef CONFIG_KERNELET_ATTACK_CONTROL
	req->unsafe = host->boot.unsafe;
#endif
	zygote_lock();
	n = host_write_wait(host->zygote_sock, &ask, sizeof(ask));
	if (n == sizeof(ask) && host->boot.traced)
		host_traced_spawn(slot);
	if (n == sizeof(ask))
		fd = zygote_answer(&answer);
	zygote_unlock();
	if (n != sizeof(ask))
		return n;
	if (answer.pid <= 0)
		return answer.pid;
	if (fd < 0 && !guest_unsafe(UNSAFE_LOST_PIDFD))
		return end_by_mapper(req, answer.pid);
	s->pid = answer.pid;
	s->pidfd = fd;
	s->nops = 0;
	s->unmaps = 0;
	s->pending = false;
	s->error = 0;
	s->dead = 0;
	s->cpu = 0;
	host_watch_pidfd(fd, slot | (u32)s->generation << 16);
	return 0;
}

/* #syscalls: pidfd_send_signal(_, HOST_SIGKILL, 0, 0) poll close */
void host_stub_kill(u32 slot)
{
	struct host_stub *s = &host->stub[slot];
	struct { s32 fd; s16 events, revents; } p = { -1, 1 /* POLLIN */, 0 };
	long n;

	/* Two vCPUs may lose patience with two of its threads. */
	while (xchg(&s->ending, 1))
		host_yield();
	if (s->pid) {
		p.fd = s->pidfd;
		sys4(__NR_pidfd_send_signal, s->pidfd, HOST_SIGKILL, NULL, 0);
		if (host->boot.traced)
			host_traced_bury(s->pid);
		do {
			n = sys3(__NR_poll, &p, 1, -1);
		} while (n == -HOST_EINTR);
		sys1(__NR_close, s->pidfd);
		s->pid = 0;
		s->generation++;
	}
	smp_store_release(&s->ending, 0);
}

/**
 * host_stubs_end() - kill all stubs and wait for their end
 */
void host_stubs_end(void)
{
	u32 slot;

	for (slot = 0; slot < STUB_MAX_STUBS; slot++)
		host_stub_kill(slot);
	host_traced_reset();
}

bool host_stub_alive(u32 slot)
{
	return host->stub[slot].pid && !READ_ONCE(host->stub[slot].dead);
}
