/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between the files that handle exceptions.
 */
#ifndef _KERNEL_TRAPS_H
#define _KERNEL_TRAPS_H

#include <asm/processor.h>

struct guest_event;
struct pt_regs;
struct host_context;
struct host_siginfo;

/**
 * user_trap() - an exception in guest code that is no page fault
 * @regs:	the task's registers
 * @ev:		the event
 *
 * Context: interrupts on, may sleep.
 */
void user_trap(struct pt_regs *regs, const struct guest_event *ev);

/**
 * user_page_fault() - a page fault in guest code
 * @regs:	the task's registers
 * @address:	CR2
 * @error:	PF_ERR_*
 *
 * Context: interrupts on, may sleep.
 */
void user_page_fault(struct pt_regs *regs, unsigned long address, unsigned long error);
void user_prefault(struct pt_regs *regs);
void user_prefault_stack(struct pt_regs *regs);

bool user_vsyscall(struct pt_regs *regs, unsigned long address);
void user_vsyscall_result(struct pt_regs *regs);

/**
 * die() - a fault of the kernel's own that nothing expected
 * @what:	what to call it
 * @regs:	where
 * @error:	error code
 *
 * Ends the current task, or panics where there is none to end.
 */
void die(const char *what, struct pt_regs *regs, long error);

bool irq_signal(int sig, struct host_siginfo *info, struct host_context *uc);
void irq_signal_again(struct host_context *uc);
void fault_signal(int sig, struct host_siginfo *info, struct host_context *uc);

/* The host's ucontext on x86-64, as it lies in a signal frame. */
struct host_context {
	unsigned long uc_flags;
	void *uc_link;
	unsigned long stack[3];
	unsigned long r8, r9, r10, r11, r12, r13, r14, r15;
	unsigned long di, si, bp, bx, dx, ax, cx, sp, ip, flags;
	unsigned short cs, gs, fs, ss;
	unsigned long err, trapno, oldmask, cr2;
	unsigned long fpstate;
	unsigned long reserved[8];
	unsigned long sigmask;
};

struct host_siginfo {
	int signo, error, code, pad;
	unsigned long addr;
	union {
		int syscall;		/* SIGSYS */
		int value;		/* a timer's: whose it is */
	};
	unsigned int arch;
};

/* All registers but orig_ax, cs and ss, which a frame has differently. */
static __always_inline void regs_from_context(struct pt_regs *regs,
					      const struct host_context *uc)
{
	regs->r8 = uc->r8;
	regs->r9 = uc->r9;
	regs->r10 = uc->r10;
	regs->r11 = uc->r11;
	regs->r12 = uc->r12;
	regs->r13 = uc->r13;
	regs->r14 = uc->r14;
	regs->r15 = uc->r15;
	regs->di = uc->di;
	regs->si = uc->si;
	regs->bp = uc->bp;
	regs->bx = uc->bx;
	regs->dx = uc->dx;
	regs->ax = uc->ax;
	regs->cx = uc->cx;
	regs->sp = uc->sp;
	regs->ip = uc->ip;
	regs->flags = uc->flags;
}

static __always_inline void regs_to_context(struct host_context *uc,
					    const struct pt_regs *regs)
{
	uc->r8 = regs->r8;
	uc->r9 = regs->r9;
	uc->r10 = regs->r10;
	uc->r11 = regs->r11;
	uc->r12 = regs->r12;
	uc->r13 = regs->r13;
	uc->r14 = regs->r14;
	uc->r15 = regs->r15;
	uc->di = regs->di;
	uc->si = regs->si;
	uc->bp = regs->bp;
	uc->bx = regs->bx;
	uc->dx = regs->dx;
	uc->ax = regs->ax;
	uc->cx = regs->cx;
	uc->sp = regs->sp;
	uc->ip = regs->ip;
	uc->flags = regs->flags;
}

/*
 * Where IRETQ cannot go it would fault in the stub.  Upper addresses that are
 * canonical fault where they should.
 */
static inline bool ip_is_nowhere(unsigned long ip)
{
	return ip >= TASK_SIZE && ip < 0xffff800000000000UL;
}

static __always_inline void kernel_regs_from_context(struct pt_regs *regs,
						     const struct host_context *uc,
						     bool irqs_on)
{
	regs_from_context(regs, uc);
	regs->orig_ax = -1;
	regs->cs = KERNEL_CS;
	regs->ss = KERNEL_SS;
	if (!irqs_on)
		regs->flags &= ~X86_EFLAGS_IF;
}

#endif /* _KERNEL_TRAPS_H */
