// SPDX-License-Identifier: GPL-2.0-only
/*
 * The zygote: a tiny process from which stubs are forked.
 *
 * It is forked from the kernel process before anything of the guest exists,
 * drops every mapping but the stub text and a stack, and waits on a socket
 * for requests.  A fork of it costs a tenth of an exec, and leaves the stub
 * nothing to inherit but two descriptors.
 *
 * The seccomp filters: the zygote installs stub_filter, which tells what may
 * be called by where the call comes from.  All stubs inherit it.  A guest
 * thread adds guest_filter while all signals are blocked, which leaves it
 * futex() and a few harmless calls that concern itself alone, from the first
 * page of the text; everything else is a trap.  A guest thread that jumps into
 * the mapper's or the zygote's text gets the trap too.  Under ptrace
 * (host/ptrace.c), where guest threads cannot make any call, only the former is
 * used, and done without where the host refuses it.
 */
#include <linux/types.h>
#include <uapi/linux/audit.h>
#include <uapi/linux/filter.h>
#include <uapi/linux/futex.h>
#include <uapi/linux/seccomp.h>
#include <uapi/linux/sched.h>
#include <uapi/linux/mman.h>
#include <uapi/linux/prctl.h>
#include <uapi/asm/prctl.h>
#include <uapi/asm/signal.h>
#include <uapi/asm/unistd_64.h>
#include <asm/stub_abi.h>
#include <asm/unsafe.h>
#include "stub.h"

/* end of the user address space of an x86-64 host with four levels */
#define HOST_ADDR_END	0x7ffffffff000UL

#define ZYGOTE_SIGCHLD	17
#define ZYGOTE_SIGKILL	9

#define LOAD(field)	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define LOAD_ARG(n)	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[n]))
#define LOAD_ARG_HI(n)	\
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[n]) + 4)
#define LOAD_IP_HI	\
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4)
#define IF_EQ(k, t, f)	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (k), (t), (f))
#define IF_GE(k, t, f)	BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (k), (t), (f))
#define ALLOW		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define TRAP		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP)

#define LO(x)		((__u32)(x))
#define HI(x)		((__u32)((x) >> 32))

#define MAP_BASIC	(MAP_SHARED | MAP_FIXED)
#define FORK_FLAGS	(CLONE_PIDFD | ZYGOTE_SIGCHLD)
#define THREAD_FLAGS	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | \
			 CLONE_SYSVSEM)

/*
 * Common to both: a call by another architecture's entry or from outside the
 * stub is the guest's.  At the end, the accumulator holds the low half of the
 * instruction pointer.
 */
#define FILTER_HEAD				\
	LOAD(arch),				\
	IF_EQ(AUDIT_ARCH_X86_64, 1, 0),		\
	TRAP,					\
	LOAD_IP_HI,				\
	IF_EQ(HI(STUB_BASE), 1, 0),		\
	TRAP,					\
	LOAD(instruction_pointer)

/*
 * What a guest thread may do: set its own bases; when it begins, unblock all
 * signals and register its rseq area; futex(), from one place, wait or wake on
 * a word above the stub's text, and without a time: a thread that is asleep
 * stays so until the kernel wakes it.
 */
#define GUEST_RULES				\
	LOAD(nr),				\
	IF_EQ(__NR_arch_prctl, 0, 5),		\
	LOAD_ARG(0),				\
	IF_EQ(ARCH_SET_FS, 1, 0),		\
	IF_EQ(ARCH_SET_GS, 0, 1),		\
	ALLOW,					\
	TRAP,					\
	IF_EQ(__NR_rt_sigprocmask, 0, 8),	\
	LOAD_ARG(0),				\
	IF_EQ(SIG_SETMASK, 0, 5),		\
	LOAD_ARG_HI(1),				\
	IF_EQ(HI(STUB_NO_SIGNALS), 0, 3),	\
	LOAD_ARG(1),				\
	IF_EQ(LO(STUB_NO_SIGNALS), 0, 1),	\
	ALLOW,					\
	TRAP,					\
	IF_EQ(__NR_rseq, 14, 0),		\
	IF_EQ(__NR_futex, 1, 0),		\
	TRAP,					\
	LOAD(instruction_pointer),		\
	IF_EQ(LO(STUB_FUTEX_IP), 1, 0),		\
	TRAP,					\
	LOAD_ARG(1),				\
	IF_GE(FUTEX_WAKE + 1, 0, 1),		\
	TRAP,					\
	LOAD_ARG(3),				\
	IF_EQ(0, 1, 0),				\
	TRAP,					\
	LOAD_ARG_HI(3),				\
	IF_EQ(0, 1, 0),				\
	TRAP,					\
	LOAD_ARG_HI(0),				\
	IF_EQ(HI(STUB_BASE), 0, 2),		\
	LOAD_ARG(0),				\
	IF_GE(LO(STUB_AREAS), 1, 0),		\
	TRAP,					\
	ALLOW

/* A call that is allowed as it is; one whose argument must have a value. */
#define CALL(nr)	IF_EQ(nr, 0, 1), ALLOW
#define CALL_IF(nr, n, val)			\
	IF_EQ(nr, 0, 4), LOAD_ARG(n), IF_EQ(val, 0, 1), ALLOW, TRAP

/* mmap() of guest RAM or the control memfd at a given place */
#define MMAP_RULES				\
	IF_EQ(__NR_mmap, 0, 8),			\
	LOAD_ARG(3),				\
	IF_EQ(MAP_BASIC, 2, 0),			\
	IF_EQ(MAP_BASIC | MAP_POPULATE, 1, 0),	\
	TRAP,					\
	LOAD_ARG(4),				\
	IF_GE(STUB_FD_CONTROL + 1, 1, 0),	\
	ALLOW,					\
	TRAP

#define MAPPER_RULES				\
	LOAD(nr),				\
	MMAP_RULES,				\
	CALL(__NR_munmap),			\
	CALL(__NR_mprotect),			\
	CALL(__NR_futex),			\
	CALL(__NR_sigaltstack),			\
	CALL(__NR_exit_group),			\
	CALL_IF(__NR_seccomp, 0, SECCOMP_SET_MODE_FILTER),	\
	CALL_IF(__NR_pwrite64, 0, STUB_FD_CONTROL),	\
	CALL_IF(__NR_clone, 0, THREAD_FLAGS),	\
	CALL_IF(__NR_prctl, 0, PR_SET_NAME),	\
	CALL_IF(__NR_sched_setaffinity, 0, 0),	\
	TRAP

#define ZYGOTE_RULES				\
	LOAD(nr),				\
	MMAP_RULES,				\
	CALL(__NR_recvfrom),			\
	CALL(__NR_sendmsg),			\
	CALL_IF(__NR_clone, 0, FORK_FLAGS),	\
	CALL(__NR_close),			\
	CALL(__NR_getppid),			\
	CALL_IF(__NR_prctl, 0, PR_SET_PDEATHSIG),	\
	CALL(__NR_exit_group),			\
	TRAP

#define COUNT(...)	(sizeof((struct sock_filter[]){ __VA_ARGS__ }) / sizeof(struct sock_filter))

static const struct sock_filter guest_rules[] = {
	FILTER_HEAD,
	IF_GE(LO(STUB_TEXT_MAPPER) + 1, 0, 1),
	TRAP,
	GUEST_RULES,
};

const struct sock_fprog guest_filter = {
	.len = COUNT(FILTER_HEAD) + 2 + COUNT(GUEST_RULES),
	.filter = (struct sock_filter *)guest_rules,
};

static const struct sock_filter stub_rules[] = {
	FILTER_HEAD,
	IF_GE(LO(STUB_TEXT_END) + 1, 0, 1),
	TRAP,
	IF_GE(LO(STUB_TEXT_ZYGOTE) + 1, 0, COUNT(ZYGOTE_RULES)),
	ZYGOTE_RULES,
	IF_GE(LO(STUB_TEXT_MAPPER) + 1, 0, COUNT(MAPPER_RULES)),
	MAPPER_RULES,
	GUEST_RULES,
};

static const struct sock_fprog stub_filter = {
	.len = sizeof(stub_rules) / sizeof(stub_rules[0]),
	.filter = (struct sock_filter *)stub_rules,
};

static long call(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 asm("r10") = d;
	register long r8 asm("r8") = e;
	register long r9 asm("r9") = f;
	long ret;

	asm volatile("syscall" : "=a" (ret)
		     : "0" (nr), "D" (a), "S" (b), "d" (c), "r" (r10), "r" (r8), "r" (r9)
		     : "rcx", "r11", "memory");
	return ret;
}

#define call0(nr)		call(nr, 0, 0, 0, 0, 0, 0)
#define call1(nr, a)		call(nr, a, 0, 0, 0, 0, 0)
#define call2(nr, a, b)		call(nr, a, b, 0, 0, 0, 0)
#define call3(nr, a, b, c)	call(nr, a, b, c, 0, 0, 0)

static __noreturn void die(void)
{
	for (;;)
		call1(__NR_exit_group, 2);
}

/* The host's struct msghdr with room for one descriptor beside the data. */
struct one_fd {
	__u64 len;
	__s32 level;
	__s32 type;
	__s32 fd;
	__s32 pad;
};

struct message {
	void *name;
	__u32 namelen;
	struct { void *base; __u64 len; } *iov;
	__u64 iovlen;
	void *control;
	__u64 controllen;
	__s32 flags;
};

static void reply(struct zygote_reply *r, int pidfd)
{
	struct one_fd one = {
		.len = 20, .level = 1 /* SOL_SOCKET */, .type = 1 /* SCM_RIGHTS */, .fd = pidfd,
	};
	struct { void *base; __u64 len; } iov = { r, sizeof(*r) };
	struct message msg = {
		.iov = (void *)&iov, .iovlen = 1,
		.control = pidfd < 0 ? NULL : &one,
		.controllen = pidfd < 0 ? 0 : sizeof(one),
	};

	if (call3(__NR_sendmsg, STUB_FD_ZYGOTE, (long)&msg, 0) < 0)
		die();
}

/*
 * In a new stub: die with the zygote, take the request page, drop the socket.
 * PDEATHSIG is set last of what could clear it, and the parent checked after.
 */
static __noreturn void become_stub(__u32 slot, long zygote)
{
	long addr = call(__NR_mmap, STUB_REQUEST, 0x1000, PROT_READ, MAP_BASIC,
			 STUB_FD_CONTROL, (long)slot << 12);

	if (addr != STUB_REQUEST)
		die();
	call1(__NR_close, STUB_FD_ZYGOTE);
#ifdef CONFIG_KERNELET_ATTACK_CONTROL
	if (!(((const struct stub_request *)STUB_REQUEST)->unsafe & UNSAFE_PDEATHSIG))
#endif
	call2(__NR_prctl, PR_SET_PDEATHSIG, ZYGOTE_SIGKILL);
	if (call0(__NR_getppid) != zygote)
		die();
	asm volatile("movq %0, %%rbx; jmp stub_mapper" : : "r" (STUB_REQUEST));
	__builtin_unreachable();
}

/*
 * Forking without a copy of the C stack frame would be fragile; a plain fork
 * copies the one stack page, which the mapper then unmaps.
 */
static void spawn(__u32 slot, long self, bool traced)
{
	struct zygote_reply r = { .slot = slot };
	int pidfd = -1;

	r.pid = call(__NR_clone, FORK_FLAGS, 0, (long)&pidfd, 0, 0, 0);
	if (!r.pid)
		become_stub(slot, self);
	if (r.pid < 0) {
		pidfd = -1;
		if (traced)
			asm volatile("int3");	/* the tracer waits for something */
	}
	reply(&r, pidfd);
	if (pidfd >= 0)
		call1(__NR_close, pidfd);
}

/**
 * zygote_main() - the zygote's life
 * @parent:	process id of the kernel process
 * @traced:	it traces us and all stubs: a filter is not needed
 *
 * Entered on its own stack, with the stub text mapped and the descriptors of
 * stub_abi.h in place.  Everything else is dropped here.
 */
__noreturn void zygote_main(long parent, long traced)
{
	long self = call0(__NR_getpid);
	struct zygote_request req;
	long n;

	if (call2(__NR_munmap, 0, STUB_BASE) ||
	    call2(__NR_munmap, STUB_TEXT_END, STUB_ZYGOTE_STACK - STUB_TEXT_END))
		die();
	n = STUB_ZYGOTE_STACK + STUB_ZYGOTE_STACK_SIZE;
	if (call2(__NR_munmap, n, HOST_ADDR_END - n))
		die();
	if (call(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0))
		die();
	if (call3(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, (long)&stub_filter) && !traced)
		die();
	if (call2(__NR_prctl, PR_SET_PDEATHSIG, ZYGOTE_SIGKILL) ||
	    call0(__NR_getppid) != parent)
		die();
	for (;;) {
		n = call(__NR_recvfrom, STUB_FD_ZYGOTE, (long)&req, sizeof(req), 0, 0, 0);
		if (n != sizeof(req))
			die();
		spawn(req.slot, self, traced);
	}
}
