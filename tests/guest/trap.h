/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs a function that is expected to raise a synchronous signal, and says
 * which one came, with what siginfo and machine state.
 */
#ifndef TRAP_H
#define TRAP_H

#include "ktap.h"

struct trapped {
	int sig;		/* 0: none came */
	int code;		/* si_code */
	void *addr;		/* si_addr */
	unsigned long ip;	/* where it happened */
	long trapno, err, cr2;	/* as the frame says */
};

static sigjmp_buf trap_env;
static volatile struct trapped trap_last;

static inline void trap_handler(int sig, siginfo_t *info, void *ctx)
{
	greg_t *r = ((ucontext_t *)ctx)->uc_mcontext.gregs;

	trap_last.sig = sig;
	trap_last.code = info->si_code;
	trap_last.addr = info->si_addr;
	trap_last.ip = r[REG_RIP];
	trap_last.trapno = r[REG_TRAPNO];
	trap_last.err = r[REG_ERR];
	trap_last.cr2 = r[REG_CR2];
	siglongjmp(trap_env, 1);
}

static inline struct trapped trap(void (*fn)(void *), void *arg)
{
	static const int sigs[] = {
		SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS
	};
	struct sigaction old[ARRAY_SIZE(sigs)];
	struct sigaction sa = {
		.sa_sigaction = trap_handler,
		.sa_flags = SA_SIGINFO,
	};
	struct trapped t;

	memset((void *)&trap_last, 0, sizeof(trap_last));
	for (size_t i = 0; i < ARRAY_SIZE(sigs); i++)
		sigaction(sigs[i], &sa, &old[i]);
	if (!sigsetjmp(trap_env, 1))
		fn(arg);
	for (size_t i = 0; i < ARRAY_SIZE(sigs); i++)
		sigaction(sigs[i], &old[i], NULL);
	memcpy(&t, (void *)&trap_last, sizeof(t));
	return t;
}

static inline void do_read(void *p)
{
	*(volatile char *)p;
}

static inline void do_write(void *p)
{
	*(volatile char *)p = 1;
}

static inline void do_call(void *p)
{
	((void (*)(void))p)();
}

/* 0 when the byte can be read (written), else the signal. */
static inline int read_sig(void *p)
{
	return trap(do_read, p).sig;
}

static inline int write_sig(void *p)
{
	return trap(do_write, p).sig;
}

#endif /* TRAP_H */
