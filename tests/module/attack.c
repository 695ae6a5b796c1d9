// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a hostile guest kernel may try on its host: raw host system calls, for
 * tests/confine.t, which looks at what came of them.
 */
#include <linux/fcntl.h>
#include <uapi/linux/futex.h>
#include <linux/io_uring.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/time64.h>
#include <linux/uio.h>
#include <linux/un.h>

static char *attack = "";
module_param(attack, charp, 0);
static char *path = "";
module_param(path, charp, 0);
static int victim;
module_param(victim, int, 0);
static unsigned long address;
module_param(address, ulong, 0);
static int cpu = -1;
module_param(cpu, int, 0);

/* The host's numbers; the guest's own headers happen to have the same. */
enum {
	HOST_mmap = 9, HOST_ioctl = 16, HOST_pwritev = 296, HOST_write = 1, HOST_close = 3,
	HOST_socket = 41, HOST_connect = 42, HOST_fork = 57, HOST_execve = 59, HOST_kill = 62,
	HOST_fcntl = 72, HOST_ptrace = 101, HOST_setpriority = 141, HOST_prctl = 157,
	HOST_futex = 202, HOST_sched_setaffinity = 203, HOST_timer_settime = 223,
	HOST_tgkill = 234, HOST_openat = 257, HOST_prlimit64 = 302, HOST_sendmmsg = 307,
	HOST_process_vm_readv = 310, HOST_pidfd_send_signal = 424, HOST_io_uring_setup = 425,
	HOST_io_uring_enter = 426, HOST_pidfd_open = 434, HOST_pidfd_getfd = 438,
	HOST_rt_sigreturn = 15, HOST_exit_group = 231, HOST_uretprobe = 335, HOST_uprobe = 336,
	I386_chmod = 15,
};

#define HOST_AT_FDCWD	-100
#define HOST_TIOCSTI	0x5412
#define HOST_X32	0x40000000
/* What a refused call returns with unsafe=end. */
#define REFUSED		-4000

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

#define CALL(nr, a, b, c, d)	call(HOST_##nr, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)

static long try_openat(void)
{
	return CALL(openat, HOST_AT_FDCWD, path, O_CREAT | O_WRONLY, 0644);
}

static long try_connect(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	long fd = CALL(socket, AF_UNIX, SOCK_STREAM, 0, 0);

	strscpy(to.sun_path, path, sizeof(to.sun_path));
	return CALL(connect, fd, &to, sizeof(to), 0);
}

static long try_kill(void)
{
	return CALL(kill, victim, SIGTERM, 0, 0);
}

static long try_tgkill(void)
{
	return CALL(tgkill, victim, victim, SIGTERM, 0);
}

static long try_pidfd_signal(void)
{
	long fd = CALL(pidfd_open, victim, 0, 0, 0);

	return CALL(pidfd_send_signal, fd, SIGTERM, 0, 0);
}

/* A signal that is not on the list, whatever the descriptor. */
static long try_pidfd_term(void)
{
	return CALL(pidfd_send_signal, 0, SIGTERM, 0, 0);
}

/* One request by way of a ring, which no filter looks at. */
static long ring(struct io_uring_sqe *request)
{
	struct io_uring_params p = { };
	long fd = CALL(io_uring_setup, 4, &p, 0, 0);
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	char *sq, *cq;

	if (fd < 0)
		return fd;
	sq = (void *)call(HOST_mmap, 0, PAGE_SIZE, 3, MAP_SHARED, fd, IORING_OFF_SQ_RING);
	cq = (void *)call(HOST_mmap, 0, PAGE_SIZE, 3, MAP_SHARED, fd, IORING_OFF_CQ_RING);
	sqe = (void *)call(HOST_mmap, 0, PAGE_SIZE, 3, MAP_SHARED, fd, IORING_OFF_SQES);
	*sqe = *request;
	*(u32 *)(sq + p.sq_off.array) = 0;
	WRITE_ONCE(*(u32 *)(sq + p.sq_off.tail), 1);
	call(HOST_io_uring_enter, fd, 1, 1, IORING_ENTER_GETEVENTS, 0, 0);
	cqe = (void *)(cq + p.cq_off.cqes);
	return cqe->res;
}

static long try_ring_openat(void)
{
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_OPENAT, .fd = HOST_AT_FDCWD, .addr = (u64)path,
		.len = 0644, .open_flags = O_CREAT | O_WRONLY,
	};

	return ring(&sqe);
}

static long try_ring_socket(void)
{
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_SOCKET, .fd = AF_UNIX, .off = SOCK_STREAM,
	};

	return ring(&sqe);
}

static long try_tiocsti(void)
{
	static const char text[] = "typed\n";
	long ret = 0;
	int i;

	for (i = 0; i < sizeof(text) - 1 && !ret; i++)
		ret = CALL(ioctl, 0, HOST_TIOCSTI, text + i, 0);
	return ret;
}

static long try_ptrace_attach(void)
{
	return CALL(ptrace, 16, victim, 0, 0);
}

static long try_ptrace_seize(void)
{
	return CALL(ptrace, 0x4206, victim, 0, 0);
}

static long try_execve(void)
{
	static char *argv[] = { "x", NULL };

	return CALL(execve, path, argv, argv + 1, 0);
}

static long try_process_vm_readv(void)
{
	static char buf[32];
	struct iovec to = { buf, 16 }, from = { (void *)address, 16 };
	long ret = call(HOST_process_vm_readv, victim, (long)&to, 1, (long)&from, 1, 0);

	pr_warn("attack: read \"%s\"\n", buf);
	return ret;
}

static long try_pidfd_getfd(void)
{
	long fd = CALL(pidfd_open, victim, 0, 0, 0);

	return CALL(write, CALL(pidfd_getfd, fd, 7, 0, 0), "stolen", 6, 0);
}

/* Input on descriptor 0 becomes a signal to the victim. */
static long try_setown(void)
{
	CALL(fcntl, 0, F_SETOWN, victim, 0);
	CALL(fcntl, 0, F_SETSIG, SIGTERM, 0);
	return CALL(fcntl, 0, F_SETFL, O_RDONLY | FASYNC, 0);
}

static long try_prctl(void)
{
	return CALL(prctl, 4 /* PR_SET_DUMPABLE */, 0, 0, 0);
}

static long try_prlimit(void)
{
	u64 limit[2] = { 5, 5 };

	return CALL(prlimit64, victim, 7 /* RLIMIT_NOFILE */, limit, 0);
}

static long try_setpriority(void)
{
	return CALL(setpriority, 0, victim, 7, 0);
}

static long try_setaffinity(void)
{
	u64 mask = 1;

	return CALL(sched_setaffinity, victim, sizeof(mask), &mask, 0);
}

/* A process that nobody would end with the guest. */
static long try_fork(void)
{
	static u32 word;
	long pid = CALL(fork, 0, 0, 0, 0);

	while (!pid)
		CALL(futex, &word, FUTEX_WAIT, 0, 0);
	return pid;
}

/* Memory beyond mem=. */
static long try_mmap(void)
{
	long p = call(HOST_mmap, 0, 1 << 20, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	return p < 0 ? p : 1;
}

static long try_grow(void)
{
	struct iovec one = { "x", 1 };
	long ret = 0;
	int fd;

	for (fd = 3; fd < 32; fd++)
		ret += CALL(pwritev, fd, &one, 1, 1UL << 32) == 1;
	return ret;
}

static long try_stray(void)
{
	return CALL(write, 77, "stray", 5, 0);
}

/* A socket that takes its destination from the caller is not a network interface. */
static long try_sendmmsg(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct iovec iov = { "x", 1 };
	struct {
		struct user_msghdr m;
		unsigned int len;
	} one = { .m = {
		.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &iov, .msg_iovlen = 1,
	} };

	strscpy(to.sun_path, path, sizeof(to.sun_path));
	return CALL(sendmmsg, 77, &one, 1, 0);
}

/* With another table of calls this is one that is listed, but no chmod(). */
static long try_int80(void)
{
	static char low[256];		/* its pointers have 32 bits */
	long ret;

	strscpy(low, path, sizeof(low));
	asm volatile("int $0x80" : "=a" (ret) : "0" (I386_chmod), "b" (low), "c" (0600)
		     : "memory");
	return ret;
}

static long try_x32(void)
{
	return call(HOST_X32 | HOST_write, 1, (long)"x32", 3, 0, 0, 0);
}

/* Have a signal take the report back before somebody reads it. */
static long try_withdrawn(void)
{
	struct { u64 interval[2], value[2]; } soon = { { 0, 0 }, { 0, 5000 } };
	u64 end = ktime_get_ns() + 2 * NSEC_PER_SEC;
	long n = 0;

	while (ktime_get_ns() < end) {
		CALL(timer_settime, 0, 0, &soon, 0);
		if (try_openat() == -EINTR && ++n < 4)
			pr_warn("attack: withdrawn\n");
	}
	return n;
}

/*
 * Every number there is, with arguments that are good for nothing.  (-1 is what
 * a rule has for a descriptor that this guest was not given.)
 */
static long try_sweep(void)
{
	long nr, n = 0;

	for (nr = 0; nr < 1024; nr++) {
		if (nr == HOST_rt_sigreturn || nr == HOST_exit_group)
			continue;
		/* newer hosts let these pass any filter, and answer with a signal */
		if (nr == HOST_uretprobe || nr == HOST_uprobe)
			continue;
		if (call(nr, -2, -2, -2, -2, -2, -2) == REFUSED)
			continue;
		pr_warn("attack: allowed %ld\n", nr);
		n++;
	}
	return n;
}

#define ATTACK(name)	{ #name, try_##name }
static const struct {
	const char *name;
	long (*run)(void);
} attacks[] = {
	ATTACK(openat), ATTACK(connect), ATTACK(kill), ATTACK(tgkill), ATTACK(pidfd_signal),
	ATTACK(pidfd_term), ATTACK(ring_openat), ATTACK(ring_socket), ATTACK(tiocsti),
	ATTACK(ptrace_attach), ATTACK(ptrace_seize), ATTACK(execve), ATTACK(process_vm_readv),
	ATTACK(pidfd_getfd), ATTACK(setown), ATTACK(prctl), ATTACK(prlimit),
	ATTACK(setpriority), ATTACK(setaffinity), ATTACK(fork), ATTACK(mmap), ATTACK(grow),
	ATTACK(stray), ATTACK(sendmmsg), ATTACK(int80), ATTACK(x32), ATTACK(withdrawn), ATTACK(sweep),
};

static int __init attack_init(void)
{
	int i;

	if (cpu >= 0)
		set_cpus_allowed_ptr(current, cpumask_of(cpu));
	for (i = 0; i < ARRAY_SIZE(attacks); i++) {
		if (strcmp(attack, attacks[i].name))
			continue;
		pr_warn("attack: %s on CPU %d\n", attack, raw_smp_processor_id());
		pr_warn("attack: it returned %ld\n", attacks[i].run());
		return 0;
	}
	return -EINVAL;
}

static void __exit attack_exit(void)
{
}

module_init(attack_init);
module_exit(attack_exit);
MODULE_DESCRIPTION("raw host system calls");
MODULE_LICENSE("GPL");
