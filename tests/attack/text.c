// SPDX-License-Identifier: GPL-2.0-only
/*
 * Jumps into the stub's text, other ways into the host, and the stub's pages as
 * arguments of guest calls.
 */
#include <asm/unistd.h>
#include "attack.h"

/* --- host calls ----------------------------------------------------------------- */

#define WINDOW		0x500000000000UL
#define WINDOW_SIZE	(32UL << 20)
#define KERNEL_START	0x200000UL	/* guest-physical */

static unsigned long site;
static long call_nr;
static long call_args[6];
static int *found;

static void *caller(void *arg)
{
	stub_call(site, call_nr, call_args);
	return NULL;
}

static void try_mapping(void)
{
	pthread_t t;

	call_nr = __NR_mmap;
	memcpy(call_args, (long[]){ WINDOW, WINDOW_SIZE, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_FIXED, STUB_FD_RAM, KERNEL_START }, sizeof(call_args));
	must(pthread_create(&t, NULL, caller, NULL) == 0);
	/* With a second vCPU there is a moment before the kernel looks at the caller. */
	for (uint64_t end = now_ns(CLOCK_MONOTONIC) + 30000000; now_ns(CLOCK_MONOTONIC) < end;) {
		if (readable(WINDOW + 4096)) {
			*found = 1;
			break;
		}
	}
	_exit(0);
}

bool attack_map_ram(void)
{
	int n, killed = 0;

	found = shared(4096);
	for (n = 0; (site = syscall_site(n)); n++) {
		int status = child_status(try_mapping, 3000);

		killed += status == KILLED(SIGKILL);
		if (*found)
			printf("# the instruction at %#lx mapped the kernel's memory\n", site);
	}
	printf("# %d places tried, %d times the process was killed\n", n, killed);
	return !*found && n >= 3;
}

static const struct {
	long nr, args[6];
} calls[] = {
	{ __NR_mprotect, { STUB_BASE, 0x1000, 7 } },
	{ __NR_munmap, { STUB_REQUEST, 0x1000 } },
	{ __NR_pwrite64, { STUB_FD_CONTROL, STUB_BASE, 4096, 0 } },
	{ __NR_mmap, { WINDOW, 4096, 3, MAP_SHARED | MAP_FIXED, STUB_FD_CONTROL, 0 } },
	{ __NR_rt_sigprocmask, { SIG_BLOCK, STUB_BASE + 0x1000, 0, 8 } },
	{ __NR_rt_sigprocmask, { SIG_SETMASK, STUB_BASE + 0x1000, 0, 8 } },
	{ __NR_rt_sigaction, { STUB_SIG_KICK, 0, 0, 8 } },
	{ __NR_sigaltstack, { 0, 0 } },
	{ __NR_rt_sigreturn, { 0 } },
	{ __NR_clone, { 0x11, 0, 0, 0 } },
	{ __NR_kill, { -1, SIGKILL } },
	{ __NR_open, { STUB_BASE, 0 } },
	{ __NR_arch_prctl, { 0x1012, 0 } },
	{ __NR_arch_prctl, { 0x2001, 0 } },
	{ __NR_exit, { 0 } },
	{ __NR_futex, { 0, FUTEX_LOCK_PI } },
	{ __NR_ptrace, { 16, 1 } },
};

static unsigned long site_in(unsigned long page)
{
	int n = 0;

	while (syscall_site(n) && syscall_site(n) < page)
		n++;
	return syscall_site(n);
}

static void make_call(void)
{
	stub_call(site, call_nr, call_args);
	*found = 1;
}

/*
 * All that a call from there can do is to end the process, or to come back as
 * the guest's own call, or to do nothing to anybody else.
 */
bool attack_calls(void)
{
	int wrong = 0;

	found = shared(4096);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		call_nr = calls[i].nr;
		memcpy(call_args, calls[i].args, sizeof(call_args));
		for (unsigned long page = STUB_BASE; page <= STUB_TEXT_ZYGOTE; page += 0x1000) {
			int status;

			site = site_in(page);
			status = child_status(make_call, 1000);
			if (status == 0 || *found)
				wrong++;
			*found = 0;
		}
	}
	return !wrong;
}

/*
 * A thread that the host says is asleep has to stay so: it may not set itself a
 * time.  Then the call is the guest's own, made in a place where there is none.
 */
static void timed_wait(void)
{
	static const struct timespec soon = { .tv_nsec = 1000000 };
	long args[6] = { own_area() + 0x100, FUTEX_WAIT, 0, (long)&soon };

	*(volatile unsigned int *)args[0] = 0;
	stub_call(futex_site(), __NR_futex, args);
}

bool attack_timed_wait(void)
{
	uint64_t start = now_ns(CLOCK_MONOTONIC);
	int status = child_status(timed_wait, 3000);

	return status == KILLED(SIGKILL) && now_ns(CLOCK_MONOTONIC) - start < 2000000000ULL;
}

/* --- other entries ---------------------------------------------------------------- */

#define NR32_UNAME	122
#define VSYSCALL_TIME	0xffffffffff600000UL
#define CLOCK_STEP	1000000		/* the guest's clock is that far from the host's */

/* Where a 32-bit call that is answered leaves the system's name; seen by the parent. */
static struct low {
	char name[512], stack[1024];
	int reached, result;
	unsigned char code[64];
} *low;

static int entry;
static time_t vsyscall_after;

static long int80(long nr)
{
	long r;

	asm volatile("int $0x80" : "=a"(r) : "0"(nr), "b"(0), "c"(0), "d"(0)
		     : "r8", "r9", "r10", "r11", "memory");
	return r;
}

static void do_int80(void *arg)
{
	for (long nr = 0; nr < 500; nr++)
		if (int80(nr) != -ENOSYS)
			_exit(3);
}

/* The host looks for a sixth argument on the stack. */
static void enter_32(void *ip)
{
	asm volatile("mov %[stack], %%rbp\n"
		     "jmp *%[ip]\n"
		     : : "a"(NR32_UNAME), "b"(low->name), [ip] "c"(ip), [stack] "d"(low->stack + 512)
		     : "memory");
}

extern char sysenter[];
asm("sysenter: sysenter; ud2\n");

static void do_sysenter(void *arg)
{
	enter_32(sysenter);
}

/* The bytes of such an instruction anywhere in the stub's text. */
static void do_stubs_bytes(void *arg)
{
	static unsigned char *p = (void *)STUB_BASE;

	while (p < (unsigned char *)STUB_TEXT_END - 1) {
		unsigned char *ip = p++;

		if ((ip[0] == 0xcd && ip[1] == 0x80) || (ip[0] == 0x0f && ip[1] == 0x34))
			trap(enter_32, ip);
	}
}

static void do_x32(void *arg)
{
	for (long nr = 0; nr < 560; nr++)
		if (syscall(0x40000000 | nr, 0, 0, 0, 0, 0, 0) != -1 || errno != ENOSYS)
			_exit(3);
}

/* The guest may answer that, by its own clock and not into the stub's pages. */
static void do_vsyscall(void *arg)
{
	long (*call)(struct timeval *, void *) = at(VSYSCALL_TIME);
	struct timeval tv = { .tv_sec = vsyscall_after };

	call(&tv, NULL);
	if (tv.tv_sec < vsyscall_after || call((void *)STUB_REQUEST, NULL) == 0)
		_exit(3);
}

/* 32-bit code: a far return to a low address; int 0x80 there. */
static void do_compat(void *arg)
{
	const struct __attribute__((packed)) {
		unsigned short mov_reached;
		unsigned int reached, one;
		unsigned char mov_eax;
		unsigned int nr;
		unsigned char mov_ebx;
		unsigned int name;
		unsigned short int80;
		unsigned char mov_result;
		unsigned int result;
		unsigned short ud2;
	} code = {
		0x05c7, (unsigned long)&low->reached, 1, 0xb8, NR32_UNAME,
		0xbb, (unsigned long)low->name, 0x80cd, 0xa3, (unsigned long)&low->result, 0x0b0f,
	};

	memcpy(low->code, &code, sizeof(code));
	asm volatile("lea -256(%%rsp), %%rsp; push $0x23; push %0; lretq"
		     : : "r"(low->code) : "memory");
}

static void (*const entries[])(void *) = {
	do_int80, do_sysenter, do_stubs_bytes, do_x32, do_vsyscall, do_compat,
};

static void make_entry(void)
{
	/* present, so that the host itself could write there */
	memset(low, 0, sizeof(*low));
	low->result = -ENOSYS;
	trap(entries[entry], NULL);
	_exit(0);
}

/* Killed is well, or a signal; an answer other than ENOSYS is not. */
bool attack_entries(void)
{
	struct timespec now;
	bool good = true;

	low = mmap(NULL, sizeof(*low), PROT_READ | PROT_WRITE | PROT_EXEC,
		   MAP_SHARED | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	must(low != MAP_FAILED);
	must(clock_gettime(CLOCK_REALTIME, &now) == 0);
	now.tv_sec += CLOCK_STEP;
	must(clock_settime(CLOCK_REALTIME, &now) == 0);
	vsyscall_after = now.tv_sec;
	for (entry = 0; entry < (int)ARRAY_SIZE(entries); entry++) {
		int status = child_status(make_entry, 3000);

		if (status == EXITED(3) || low->name[0] || low->result != -ENOSYS) {
			printf("# entry %d was answered\n", entry);
			good = false;
		}
	}
	/* the last one's; where the host has no 32-bit calls it has no such code either */
	printf("# 32-bit code ran: %s\n", low->reached ? "yes" : "no");
	must(clock_gettime(CLOCK_REALTIME, &now) == 0);
	now.tv_sec -= CLOCK_STEP;
	must(clock_settime(CLOCK_REALTIME, &now) == 0);
	return good;
}

/* --- guest calls on the stub's pages ------------------------------------------------ */

static bool refused(long ret)
{
	return ret == -1;
}

static bool unmap_at(unsigned long addr, unsigned long size)
{
	void *p = (void *)addr;
	char *own = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool all = refused(munmap(p, size)) &&
		   refused(mprotect(p, size, PROT_READ | PROT_WRITE | PROT_EXEC)) &&
		   refused((long)mmap(p, size, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)) &&
		   refused((long)mremap(p, 4096, 8192, MREMAP_MAYMOVE)) &&
		   refused((long)mremap(own, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, p)) &&
		   refused(madvise(p, size, MADV_DONTNEED)) &&
		   refused(syscall(__NR_remap_file_pages, p, size, 0, 0, 0)) &&
		   refused(syscall(__NR_pkey_mprotect, p, size, 7, 0)) &&
		   refused(read(open("/dev/zero", O_RDONLY), p, 4096));

	munmap(own, 4096);
	return all;
}

bool attack_unmap(void)
{
	/* writing where the stub may only read is the guest's fault */
	return unmap_at(STUB_BASE, 0x1000) && unmap_at(STUB_REQUEST, 0x1000) &&
	       unmap_at(own_area(), STUB_AREA_SIZE) &&
	       refused(munmap((void *)0x1000, STUB_END)) &&
	       !writable(STUB_BASE) && !writable(STUB_REQUEST) &&
	       !writable(STUB_REQUEST + REQUEST_DONE);
}

/* --- a thread that is being made ------------------------------------------------------ */

/*
 * A sibling guesses the new thread's area and keeps a critical section in its
 * rseq area that covers the stub's text: if the host looks at it before the
 * thread has its filter, the thread comes here without.
 */
static struct {
	unsigned int version, flags;
	unsigned long start, length, abort;
} section __attribute__((aligned(32)));

int *divert_count;
unsigned long mapper_site;

extern char divert[];
asm(".long 0x53053053\n"
    "divert:\n"
    "	mov divert_count(%rip), %rax\n"
    "	lock; incl (%rax)\n"
    "	mov $9, %eax\n"
    "	mov $0x500000000000, %rdi\n"
    "	mov $0x1000000, %esi\n"
    "	mov $3, %edx\n"
    "	mov $0x11, %r10d\n"
    "	xor %r8d, %r8d\n"
    "	mov $0x200000, %r9d\n"
    "	mov $1, %r13d\n"
    "	xor %r15d, %r15d\n"
    "	lea divert_request(%rip), %rbx\n"
    "	lea 128(%rbx), %r14\n"
    "	mov mapper_site(%rip), %rcx\n"
    "	jmp *%rcx\n");

struct stub_request divert_request;

static volatile unsigned long next_area;

static void *divert_sibling(void *arg)
{
	for (;;) {
		volatile struct stub_handoff *ho = handoff_of(next_area);

		if (writable((unsigned long)&ho->spin))
			for (int i = 0; i < 1000; i++)
				ho->rseq.rseq_cs = (unsigned long)&section;
	}
	return NULL;
}

static void *live_on(void *arg)
{
	pause();
	return NULL;
}

/* The main thread may wait for ever for one that went astray. */
static void *watch_window(void *arg)
{
	while (!readable(WINDOW + 4096))
		;
	*found = 1;
	_exit(0);
}

/* Areas are given out from below: once the gaps are filled, the next is known. */
static void guess_next_area(void)
{
	while (readable(next_area))
		next_area += STUB_AREA_SIZE;
}

static void divert_once(void)
{
	pthread_t t;

	/* what it touches there is to be mapped: a fault would be an event */
	__atomic_fetch_add(divert_count, 0, __ATOMIC_SEQ_CST);
	divert_request.offset = CONTROL_SIZE - 4096;
	mapper_site = site_in(STUB_TEXT_MAPPER);
	section.start = STUB_BASE;
	section.length = STUB_TEXT_ZYGOTE - STUB_BASE;
	section.abort = (unsigned long)divert;
	for (int i = 0; i < 3; i++)
		must(pthread_create(&t, NULL, live_on, NULL) == 0);
	must(pthread_create(&t, NULL, watch_window, NULL) == 0);
	next_area = own_area();
	guess_next_area();
	/* the sibling's own */
	next_area += STUB_AREA_SIZE;
	must(pthread_create(&t, NULL, divert_sibling, NULL) == 0);
	for (int i = 0; i < 12; i++) {
		guess_next_area();
		pthread_create(&t, NULL, live_on, NULL);
		sleep_ms(1);
	}
	sleep_ms(10);
	_exit(0);
}

bool attack_order(void)
{
	uint64_t end = now_ns(CLOCK_MONOTONIC) + 2000000000ULL;
	int tries = 0;

	found = shared(4096);
	divert_count = found + 1;
	while (!*found && now_ns(CLOCK_MONOTONIC) < end) {
		child_status(divert_once, 1500);
		tries++;
	}
	printf("# %d tries, %d threads diverted%s\n", tries, *divert_count,
	       *found ? ", one without its filter" : "");
	return !*found;
}
