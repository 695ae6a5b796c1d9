// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stub as guest code finds it, and children that attack it.
 */
#include "attack.h"

#define AREAS_TRIED	64

static __thread sigjmp_buf escape;

static void on_fault(int sig)
{
	siglongjmp(escape, 1);
}

/* trap() is for programs with one thread. */
static bool touch(volatile unsigned int *p, bool write)
{
	struct sigaction sa = { .sa_handler = on_fault, .sa_flags = SA_NODEFER };
	static bool ready;

	if (!ready)
		sigaction(SIGSEGV, &sa, NULL);
	ready = true;
	if (sigsetjmp(escape, 0))
		return false;
	if (write)
		*p = 0;
	else
		(void)*p;
	return true;
}

bool readable(unsigned long address)
{
	return touch(at(address), false);
}

bool writable(unsigned long address)
{
	return touch(at(address), true);
}

unsigned long syscall_site(int n)
{
	const unsigned char *p = (void *)STUB_BASE;

	for (; p < (unsigned char *)STUB_TEXT_END - 1; p++)
		if (p[0] == 0x0f && p[1] == 0x05 && !n--)
			return (unsigned long)p;
	return 0;
}

unsigned long futex_site(void)
{
	return STUB_FUTEX_IP - 2;
}

unsigned long area_at(int nth)
{
	for (unsigned long i = 0; i < AREAS_TRIED; i++) {
		unsigned long area = STUB_AREAS + i * STUB_AREA_SIZE;

		if (readable(area) && !nth--)
			return area;
	}
	return 0;
}

unsigned long own_area(void)
{
	unsigned long area = area_at(0);

	must(area);
	return area;
}

static void write_event(unsigned long area, long nr, long a, long b)
{
	struct forged_context *uc = (void *)(area + 0x1000);
	struct forged_info *info = (void *)(area + 0x800);

	memset(uc, 0, sizeof(*uc));
	uc->ax = nr;
	uc->di = a;
	uc->si = b;
	uc->ip = (unsigned long)forge_syscall;
	uc->sp = (unsigned long)__builtin_frame_address(0);
	uc->eflags = 0x202;
	uc->cs = 0x33;
	uc->ss = 0x2b;
	*info = (struct forged_info){ .signo = SIGSYS, .code = 1, .addr = uc->ip,
		.syscall = nr, .arch = AUDIT_ARCH_X86_64 };
	handoff_of(area)->event = SIGSYS;
	handoff_of(area)->context = (unsigned long)uc;
	handoff_of(area)->info = (unsigned long)info;
}

char practice_area[STUB_AREA_SIZE] __attribute__((aligned(4096)));

/*
 * A fault of the caller's own would overwrite what it forged: so all is done
 * once on memory that does not matter.
 */
void forge_syscall(unsigned long area, long nr, long a, long b)
{
	if (area != practice())
		forge_syscall(practice(), nr, a, b);
	write_event(area, nr, a, b);
}

/* What the mapper would take for a request without an end, on any registers. */
static struct stub_request fake_request;

void stub_call(unsigned long site, long nr, const long *args)
{
	register long r10 asm("r10") = args[3];
	register long r8 asm("r8") = args[4];
	register long r9 asm("r9") = args[5];
	register long r13 asm("r13") = 1;
	register long r14 asm("r14") = (long)fake_request.op;
	register long r15 asm("r15") = 0;

	fake_request.offset = CONTROL_SIZE - 4096;
	asm volatile("mov %[request], %%rbx\n"
		     "jmp *%[site]\n"
		     : : "a"(nr), "D"(args[0]), "S"(args[1]), "d"(args[2]), "r"(r10), "r"(r8),
		     "r"(r9), "r"(r13), "r"(r14), "r"(r15), [site] "c"(site),
		     [request] "r"(&fake_request)
		     : "rbx", "r11", "memory");
}

void *shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	must(p != MAP_FAILED);
	memset(p, 0, size);
	return p;
}

static pid_t start(void (*fn)(void))
{
	pid_t pid = do_fork();

	if (!pid) {
		fn();
		_exit(0);
	}
	return pid;
}

int child_status(void (*fn)(void), int ms)
{
	pid_t pid = start(fn);
	int status = 0;

	if (wait_for(waitpid(pid, &status, WNOHANG) == pid, ms))
		return status;
	kill(pid, SIGKILL);
	return reap(pid);
}

long worst_delay(void (*fn)(void), int ms)
{
	uint64_t end = now_ns(CLOCK_MONOTONIC) + ms * 1000000ULL, last, now, worst = 0;
	pid_t pid = start(fn);

	last = now_ns(CLOCK_MONOTONIC);
	do {
		sleep_ms(1);
		now = now_ns(CLOCK_MONOTONIC);
		if (now - last > worst)
			worst = now - last;
		last = now;
	} while (now < end);
	kill(pid, SIGKILL);
	reap(pid);
	now = now_ns(CLOCK_MONOTONIC);
	return ((now - last > worst ? now - last : worst) - 1) / 1000000;
}

static void *add_one(void *arg)
{
	__atomic_add_fetch((int *)arg, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

bool guest_lives(void)
{
	int count = 0, fds[2];
	char c = 0;

	if (pipe(fds))
		return false;
	for (int i = 0; i < 5; i++) {
		pthread_t t;
		pid_t pid = do_fork();

		if (!pid) {
			if (write(fds[1], "x", 1) == 1)
				execl("/bin/true", "true", NULL);
			_exit(1);
		}
		if (reap(pid) != 0 || read(fds[0], &c, 1) != 1 || c != 'x')
			return false;
		if (pthread_create(&t, NULL, add_one, &count) || pthread_join(t, NULL))
			return false;
	}
	close(fds[0]);
	close(fds[1]);
	return count == 5;
}
