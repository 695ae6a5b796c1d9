/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the attacks on a stub share.
 *
 * They know of the stub what asm/stub_abi.h says, and find the rest by looking:
 * its text can be read, its areas are found by trying.
 */
#ifndef ATTACK_H
#define ATTACK_H

#include <asm/stub_abi.h>
#include <linux/audit.h>
#include <linux/futex.h>
#include "../guest/ktap.h"
#include "../guest/trap.h"

/* An attack says whether the defence held; it may take some seconds. */
struct attack {
	const char *name;
	bool (*held)(void);
	const char *what;
};

/* text.c */
bool attack_map_ram(void);
bool attack_calls(void);
bool attack_timed_wait(void);
bool attack_entries(void);
bool attack_unmap(void);
bool attack_order(void);

/* frames.c */
bool attack_forged_frame(void);
bool attack_wild_frames(void);
bool attack_siblings_frame(void);
bool attack_scribble(void);
bool attack_rseq(void);

/* threads.c */
bool attack_kick_tid(void);
bool attack_run_on(void);
bool attack_first_park(void);
bool attack_wake_storm(void);
bool attack_stub_loop(void);

/* recycle.c */
bool attack_leftovers(void);
bool attack_registers(void);
bool attack_never_parked(void);
bool attack_freed(void);
bool attack_unmapped(void);

/* exhaust.c */
bool attack_forks(void);
bool attack_threads(void);
bool attack_maps(void);
bool attack_outlive(void);

/* --- the stub as guest code sees it ------------------------------------------ */

/* Whether a word can be read, or set to 0; in any thread. */
bool readable(unsigned long address);
bool writable(unsigned long address);

/* The nth system call instruction in the stub's text, or 0. */
unsigned long syscall_site(int n);

/* The futex() instruction that guest threads may use. */
unsigned long futex_site(void);

/* The area of the only thread of the process, or of the one at @nth. */
unsigned long own_area(void);
unsigned long area_at(int nth);

static inline volatile struct stub_handoff *handoff_of(unsigned long area)
{
	return (void *)(area + STUB_HANDOFF);
}

/* The host's ucontext and siginfo, as far as they matter. */
struct forged_context {
	unsigned long flags, link, stack[3];
	unsigned long r8, r9, r10, r11, r12, r13, r14, r15;
	unsigned long di, si, bp, bx, dx, ax, cx, sp, ip, eflags;
	unsigned short cs, gs, fs, ss;
	unsigned long err, trapno, oldmask, cr2, fpstate;
	unsigned long reserved[8];
	unsigned long sigmask;
};

struct forged_info {
	int signo, error, code, pad;
	unsigned long addr;
	int syscall;
	unsigned int arch;
};

/*
 * Write an event into the calling thread's hand-off page, as if it had made a
 * system call.  The turn is not given up yet.
 */
void forge_syscall(unsigned long area, long nr, long a, long b);

extern char practice_area[STUB_AREA_SIZE];

static inline unsigned long practice(void)
{
	return (unsigned long)practice_area;
}

/* Call it with practice() before anything is forged. */
static inline void give_turn(unsigned long area)
{
	__atomic_exchange_n((unsigned int *)&handoff_of(area)->turn, STUB_TURN_KERNEL,
			    __ATOMIC_SEQ_CST);
}

/* A host system call at a place in the stub's text; most never return. */
void stub_call(unsigned long site, long nr, const long *args);

/* --- children ------------------------------------------------------------------ */

/* Memory that children share. */
void *shared(size_t size);

/* Start @fn in a child; it is killed with SIGKILL at the end of @ms. */
int child_status(void (*fn)(void), int ms);

/* How long others had to wait at most, in ms, while @fn ran in a child for @ms. */
long worst_delay(void (*fn)(void), int ms);

/* Whether the guest still does what a guest does: fork, exec, threads, pipes. */
bool guest_lives(void);

#endif /* ATTACK_H */
