// SPDX-License-Identifier: GPL-2.0-only
/*
 * Forged events, contexts and signal frames: all that the kernel reads and that
 * a guest can write.
 */
#include "attack.h"

static unsigned int seed;

static unsigned int rnd(void)
{
	seed = seed * 1664525 + 1013904223;
	return seed >> 4;
}

static void garbage(volatile void *p, size_t n)
{
	for (size_t i = 0; i < n / 4; i++)
		((volatile unsigned int *)p)[i] = rnd() << 16 ^ rnd();
}

static void spin(void)
{
	for (;;)
		asm volatile("pause");
}

/* --- a context in another process's area ------------------------------------------- */

#define CANARY_OFFSET	0x2000
#define CANARY_NR	39	/* getpid(): its result would be written back */

static struct victim {
	unsigned long area, attacker;
	int ready, changed;
} *victim;

static void be_victim(void)
{
	volatile struct forged_context *uc;

	victim->area = own_area();
	forge_syscall(victim->area, CANARY_NR, 0, 0);
	uc = (void *)(victim->area + CANARY_OFFSET);
	memcpy((void *)uc, (void *)(victim->area + 0x1000), sizeof(*uc));
	victim->ready = 1;
	for (;;) {
		if (uc->ax != CANARY_NR)
			victim->changed = 1;
		sched_yield();
	}
}

static void forge_elsewhere(void)
{
	unsigned long area = own_area();

	victim->attacker = area;
	if (!wait_for(victim->ready, 1000) || victim->area < area)
		_exit(4);
	give_turn(practice());
	forge_syscall(area, CANARY_NR, 0, 0);
	handoff_of(area)->context = victim->area + CANARY_OFFSET;
	give_turn(area);
	spin();
}

bool attack_forged_frame(void)
{
	int status = EXITED(4);

	victim = shared(4096);
	for (int i = 0; i < 12 && status == EXITED(4); i++) {
		pid_t hold = do_fork(), pid;

		if (!hold) {
			/* takes an area, so that others come above it */
			pause();
			_exit(0);
		}
		victim->ready = 0;
		pid = do_fork();
		if (!pid) {
			be_victim();
			_exit(0);
		}
		kill(hold, SIGKILL);
		reap(hold);
		status = child_status(forge_elsewhere, 500);
		sleep_ms(20);
		kill(pid, SIGKILL);
		reap(pid);
	}
	printf("# attacker %#lx, victim %#lx, status %#x\n", victim->attacker, victim->area, status);
	return !victim->changed && status == KILLED(SIGKILL);
}

/* --- a process that has nothing to do with it ------------------------------------------- */

static struct {
	unsigned long rounds;
	int wrong, reached;
} *bystander;

/* Whether registers hold their values over a system call. */
static bool registers_keep(const unsigned long v)
{
	unsigned long bx = v, di = v + 1, si = v + 2, dx = v + 3, ax = SYS_sched_yield;
	unsigned long x0 = v + 4, x1 = v + 5, x2 = v + 6, x3 = v + 7;
	register unsigned long r8 asm("r8") = v + 8;
	register unsigned long r9 asm("r9") = v + 9;
	register unsigned long r10 asm("r10") = v + 10;
	register unsigned long r12 asm("r12") = v + 11;
	register unsigned long r13 asm("r13") = v + 12;
	register unsigned long r14 asm("r14") = v + 13;

	asm volatile("syscall"
		     : "+a"(ax), "+b"(bx), "+D"(di), "+S"(si), "+d"(dx), "+r"(r8), "+r"(r9), "+r"(r10),
		       "+r"(r12), "+r"(r13), "+r"(r14), "+x"(x0), "+x"(x1), "+x"(x2), "+x"(x3)
		     : : "rcx", "r11", "memory");
	return ax == 0 && bx == v && di == v + 1 && si == v + 2 && dx == v + 3 && x0 == v + 4 &&
	       x1 == v + 5 && x2 == v + 6 && x3 == v + 7 && r8 == v + 8 && r9 == v + 9 &&
	       r10 == v + 10 && r12 == v + 11 && r13 == v + 12 && r14 == v + 13;
}

static pid_t bystander_start(void)
{
	pid_t pid;

	bystander = shared(4096);
	pid = do_fork();
	while (!pid) {
		if (!registers_keep(bystander->rounds * 0x9e3779b97f4a7c15UL))
			bystander->wrong = 1;
		if (++bystander->rounds % 64 == 0)
			sleep_ms(1);
	}
	return pid;
}

/* Whether it goes on, and with the values that it had. */
static bool bystander_unharmed(pid_t pid)
{
	unsigned long before = bystander->rounds;
	bool lives = wait_for(bystander->rounds > before + 64, 5000);

	printf("# the attack was made %d times; another process went on%s for %lu rounds%s\n",
	       bystander->reached, lives ? "" : " no longer than", bystander->rounds,
	       bystander->wrong ? " and lost registers" : "");
	kill(pid, SIGKILL);
	return reap(pid) == KILLED(SIGKILL) && lives && !bystander->wrong;
}

/* --- anything, anywhere ------------------------------------------------------------------ */

static int wild;

static void wild_event(void)
{
	unsigned long area = own_area();
	volatile struct stub_handoff *ho = handoff_of(area);
	const unsigned long places[] = {
		0, -1UL, 1, area, area - 8, area + STUB_HANDOFF - 8, area + STUB_HANDOFF,
		area + STUB_SIGSTACK_SIZE - sizeof(struct forged_context) + 8, area + 0x1001,
		STUB_BASE, STUB_REQUEST, STUB_END, area + STUB_AREA_SIZE, 0x100000000000UL,
		0x390000000000UL, 0x8000000000000000UL, 0x7fffffffffffUL, area + (1UL << 47),
	};
	const unsigned int events[] = { 0, SIGSYS, SIGSEGV, SIGURG, SIGTRAP, SIGFPE, -1 };

	seed = wild;
	give_turn(practice());
	/* mapped now: a fault would be an event */
	__atomic_fetch_add(&bystander->reached, 0, __ATOMIC_SEQ_CST);
	forge_syscall(area, 39, 0, 0);
	if (wild < (int)ARRAY_SIZE(places)) {
		ho->context = places[wild];
	} else if (wild < 2 * (int)ARRAY_SIZE(places)) {
		ho->info = places[wild - ARRAY_SIZE(places)];
	} else {
		garbage((void *)area, STUB_SIGSTACK_SIZE);
		ho->event = events[wild % ARRAY_SIZE(events)];
		ho->fsbase = rnd() * 0x100000001UL;
		if (wild & 1)
			((struct forged_context *)(area + 0x1000))->ip = (unsigned long)spin;
		if (wild & 2)
			((struct forged_context *)(area + 0x1000))->eflags = -1;
		((struct forged_context *)(area + 0x1000))->trapno = wild % 33;
	}
	__atomic_fetch_add(&bystander->reached, 1, __ATOMIC_SEQ_CST);
	give_turn(area);
	spin();
}

#define NWILD	80

/* On a busy host some children come to nothing in their time. */
bool attack_wild_frames(void)
{
	pid_t pid = bystander_start();

	for (wild = 0; wild < NWILD; wild++)
		child_status(wild_event, 30);
	return bystander_unharmed(pid) && bystander->reached >= NWILD / 2;
}

/* --- a parked sibling's frame ---------------------------------------------------------------- */

#define NCORRUPTIONS	24

static void corrupt(unsigned long area, int how)
{
	struct forged_context *uc = (void *)handoff_of(area)->context;
	unsigned char *xs = (void *)uc->fpstate;

	seed = how * 7919;
	switch (how) {
	case 0: *(unsigned int *)(xs + 24) = -1; break;			/* MXCSR */
	case 1: *(unsigned long *)(xs + 512) = -1; break;		/* XSTATE_BV */
	case 2: *(unsigned long *)(xs + 520) = 1UL << 63 | 7; break;	/* compacted */
	case 3: memset(xs + 528, 0xff, 48); break;			/* reserved */
	case 4: uc->ip = 0x8000000000000000UL; break;
	case 5: uc->ip = STUB_TEXT_MAPPER; break;
	case 6: uc->ip = STUB_FUTEX_IP - 2; break;
	case 7: uc->sp = 0x8000000000000000UL; break;
	case 8: uc->sp = area + 64; break;
	case 9: uc->eflags = -1; break;
	case 10: uc->eflags |= 0x100; break;				/* TF */
	case 11: uc->eflags |= 0x40000; break;				/* AC */
	case 12: uc->eflags |= 0x4000; break;				/* NT */
	case 13: uc->eflags |= 0x23000; break;				/* VM, IOPL */
	case 14: uc->cs = 0x23; break;
	case 15: uc->fpstate = STUB_REQUEST; break;
	case 16: uc->fpstate = area + 8; break;
	case 17: uc->fpstate = -64UL; break;
	case 18: handoff_of(area)->context = area + 0x100; break;
	case 19: handoff_of(area)->bases = -1; handoff_of(area)->fsbase = -1; break;
	case 20: handoff_of(area)->guest_sleeps = 0; break;
	default: garbage((void *)area, STUB_SIGSTACK_SIZE);
	}
}

static int how;

static void nothing(int sig)
{
}

static void *sleeper(void *arg)
{
	for (;;)
		pause();
	return NULL;
}

static void corrupt_sibling(void)
{
	pthread_t t;

	signal(SIGUSR1, nothing);
	must(pthread_create(&t, NULL, sleeper, NULL) == 0);
	sleep_ms(3);
	for (int i = 0; i < 2; i++) {
		if (handoff_of(area_at(i))->turn == STUB_TURN_KERNEL) {
			corrupt(area_at(i), how);
			__atomic_fetch_add(&bystander->reached, 1, __ATOMIC_SEQ_CST);
		}
	}
	for (int i = 0; i < 3; i++) {
		pthread_kill(t, SIGUSR1);
		sleep_ms(2);
	}
}

/* What becomes of the process is its own affair. */
bool attack_siblings_frame(void)
{
	pid_t pid = bystander_start();

	for (how = 0; how < NCORRUPTIONS; how++)
		child_status(corrupt_sibling, 300);
	return bystander_unharmed(pid) && bystander->reached >= NCORRUPTIONS / 2;
}

/* --- a running thread's hand-off page ------------------------------------------------------------ */

static void *scribbler(void *arg)
{
	volatile unsigned int *words = arg;

	for (;;) {
		unsigned int n = rnd() % 24;

		/* for one half only what looks harmless */
		if ((seed & 0x100) || (n != 0 && n != 6 && n != 7))
			words[n] = rnd() & 0x2000 ? rnd() & 1 : rnd();
	}
	return NULL;
}

static void be_scribbled(void)
{
	pthread_t t;
	unsigned long area = own_area();

	seed = how;
	must(pthread_create(&t, NULL, scribbler, (void *)handoff_of(area)) == 0);
	for (;;)
		syscall(SYS_getppid);
}

/* The kernel gives up on a thread after two seconds. */
#define LONGEST_DELAY	4000

bool attack_scribble(void)
{
	long worst = 0;

	for (how = 1; how < 12; how++) {
		long ms = worst_delay(be_scribbled, 100);

		worst = ms > worst ? ms : worst;
	}
	printf("# others waited for %ld ms at most\n", worst);
	return worst < LONGEST_DELAY;
}

/* --- rseq ---------------------------------------------------------------------------------------- */

static struct {
	unsigned int version, flags;
	unsigned long start, length, abort;
} section __attribute__((aligned(32)));

extern char rseq_abort[];
asm(".long 0x53053053\n"
    "rseq_abort: pause; jmp rseq_abort\n");

static void *rseq_writer(void *arg)
{
	volatile struct stub_handoff *ho = arg;

	for (;;)
		ho->rseq.rseq_cs = (unsigned long)&section;
	return NULL;
}

static void be_diverted(void)
{
	unsigned long area = own_area();
	pthread_t t;

	section.start = how & 1 ? STUB_BASE : 0x1000;
	section.length = how & 1 ? 0x4000 : STUB_END;
	section.abort = how & 2 ? (unsigned long)rseq_abort : STUB_FUTEX_IP;
	if (how & 4)
		section.abort = 0xffff800000000000UL;
	must(pthread_create(&t, NULL, rseq_writer, (void *)handoff_of(area)) == 0);
	for (int i = 0; i < 1000; i++)
		syscall(SYS_getppid);
	spin();
}

bool attack_rseq(void)
{
	long worst = 0;

	for (how = 0; how < 6; how++) {
		long ms = worst_delay(be_diverted, 100);

		worst = ms > worst ? ms : worst;
	}
	printf("# others waited for %ld ms at most\n", worst);
	return worst < LONGEST_DELAY;
}
