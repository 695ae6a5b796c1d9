/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel and the code inside a stub process agree on.
 *
 * A stub process holds one guest address space.  Its threads are
 *  - one mapper, which carries out the kernel's requests (map, unmap, protect,
 *    make a thread) and never runs guest code.  It keeps all its state in
 *    registers: every writable byte of the process belongs to the guest;
 *  - one thread for each guest task, either running guest code or parked in
 *    the stub's text.
 *
 * Shared memory is the control memfd:
 *  - a request page for each stub, which the stub can only read.  The mapper
 *    reports by pwrite() to the memfd, which only its filter allows, so that a
 *    guest cannot forge "unmapped";
 *  - an area for each guest thread: its signal stack, on which the host leaves
 *    the guest's registers, and above it the hand-off page.  All of it is
 *    writable by guest code at any time, and so untrusted: the kernel copies
 *    once, checks, then uses.
 */
#ifndef _ASM_USER_STUB_ABI_H
#define _ASM_USER_STUB_ABI_H

#include <linux/const.h>
#include <asm/layout.h>

#define STUB_ABI_VERSION	3

/*
 * Trampolines of rewritten system calls, in the guest's part: an address below
 * 2 GiB whose third byte is no instruction (mm/rewrite.c).
 */
#define STUB_TRAMPOLINES	_AC(0x60000, UL)
#define STUB_TRAMPOLINES_SIZE	_AC(0x10000, UL)

/* In a trampoline: the addresses behind the SYSCALL, and where to go on. */
#define STUB_TRAMPOLINE_IP	16
#define STUB_TRAMPOLINE_BACK	24

/* The stub's own part. */
#define STUB_TEXT_GUEST		(STUB_BASE + 0x0000)	/* runs in guest threads */
#define STUB_NO_SIGNALS		STUB_TEXT_GUEST		/* an empty signal set */
#define STUB_FUTEX_IP		(STUB_TEXT_GUEST + 10)	/* behind the only futex() */
#define STUB_TEXT_MAPPER	(STUB_BASE + 0x1000)
#define STUB_TEXT_ZYGOTE	(STUB_BASE + 0x2000)
#define STUB_TEXT_END		(STUB_BASE + 0x4000)
#define STUB_REQUEST		(STUB_BASE + 0x10000)	/* read-only */
#define STUB_ZYGOTE_STACK	(STUB_BASE + 0x20000)	/* gone in a stub */
#define STUB_ZYGOTE_STACK_SIZE	0x4000
#define STUB_AREAS		(STUB_BASE + 0x10000000)
#define STUB_END		(STUB_AREAS + STUB_MAX_AREAS * STUB_AREA_SIZE)

/* An area: the signal stack, then the hand-off page. */
#define STUB_AREA_SHIFT		15
#define STUB_AREA_SIZE		(_AC(1, UL) << STUB_AREA_SHIFT)
#define STUB_SIGSTACK_SIZE	(STUB_AREA_SIZE - 0x1000)
#define STUB_HANDOFF		STUB_SIGSTACK_SIZE	/* offset in the area */

/* The control memfd: request pages, then areas. */
#define STUB_MAX_STUBS		_AC(32768, UL)
#define STUB_MAX_AREAS		_AC(65536, UL)
#define CONTROL_AREAS		(STUB_MAX_STUBS << 12)
#define CONTROL_SIZE		(CONTROL_AREAS + STUB_MAX_AREAS * STUB_AREA_SIZE)

/* Descriptors in the zygote and its stubs; there are no others. */
#define STUB_FD_RAM		0
#define STUB_FD_CONTROL		1
#define STUB_FD_ZYGOTE		2	/* in the zygote alone */

/* Whose turn it is (handoff.turn). */
#define STUB_TURN_KERNEL	0
#define STUB_TURN_GUEST		1
#define STUB_TURN_MAPPER	2	/* it gives the turn to the guest, or back */

/*
 * In which futex set the vCPU waits; the guest thread waits in all of them.  So the
 * mapper can wake that, and not the vCPU, which may wait already for what comes next.
 */
#define STUB_FUTEX_KERNEL	1

/* What a guest thread does about its FS and GS bases (handoff.bases). */
#define STUB_BASES_INSN		1	/* by instruction, at each event and resume */
#define STUB_BASES_SET_FS	2	/* by a host call, on this resume */
#define STUB_BASES_SET_GS	4

/* The kick: a signal whose default is to be ignored (SIGURG). */
#define STUB_SIG_KICK		23

/* rseq(2): the size of its area, and the signature before an abort handler. */
#define STUB_RSEQ_SIZE		32
#define STUB_RSEQ_SIG		0x53053053

/* What made a guest thread park, if not a signal (handoff.event). */
#define STUB_EVENT_SYSCALL	0x100	/* rewritten: registers in the hand-off page */
#define STUB_EVENT_UNDONE	0x101	/* kicked on its way to guest code */
#define STUB_EVENT_SAVED	0x102	/* STUB_RESUME_SAVE done */

/* How a guest thread goes on (handoff.resume). */
#define STUB_RESUME_CONTEXT	0	/* with the ucontext at .context */
#define STUB_RESUME_FAST	1	/* with .regs, at .back; vector state is live */
#define STUB_RESUME_SAVE	2	/* not: XSAVE to .context, and park */

/* Operations of a request: a host system call number, or one of these. */
#define STUB_OP_THREAD		0x10000	/* make a guest thread */
#define STUB_MAX_OPS		64

/* Offsets for assembly; checked against the structures below. */
#define HANDOFF_TURN		0
#define HANDOFF_GUEST_SLEEPS	4
#define HANDOFF_KERNEL_SLEEPS	8
#define HANDOFF_SPIN		12
#define HANDOFF_EVENT		16
#define HANDOFF_TID		20
#define HANDOFF_CONTEXT		24
#define HANDOFF_INFO		32
#define HANDOFF_FSBASE		40
#define HANDOFF_GSBASE		48
#define HANDOFF_BASES		56
#define HANDOFF_RESUME		60
#define HANDOFF_RSEQ		64
#define HANDOFF_STACK		96
#define HANDOFF_BACK		104
#define HANDOFF_XMASK		112
#define HANDOFF_SELF		120
#define HANDOFF_REGS		128

#define REQUEST_SEQ		0
#define REQUEST_NOPS		4
#define REQUEST_DONE		8
#define REQUEST_ERROR		12
#define REQUEST_KERNEL_SLEEPS	16
#define REQUEST_OFFSET		24
#define REQUEST_SIGSTACK	32
#define REQUEST_NAME		56
#define REQUEST_CPUS		72
#define REQUEST_OPS		128
#define REQUEST_OP_SIZE		56
#define REQUEST_TID		(REQUEST_OPS + STUB_MAX_OPS * REQUEST_OP_SIZE)
#define REQUEST_UNSAFE		(REQUEST_TID + 4)
#define REQUEST_ALLOWED		(REQUEST_UNSAFE + 4)
#define REQUEST_CPUS_SIZE	56
#define REQUEST_RESUME		(REQUEST_ALLOWED + REQUEST_CPUS_SIZE)

#ifndef __ASSEMBLY__

#include <linux/types.h>
#include <linux/stddef.h>

/**
 * struct stub_rseq - what rseq(2) shares with the host, in its first form
 * @cpu_id_start: CPU the thread is on, always a valid number
 * @cpu_id:	the same, or a negative number when nothing was registered
 * @rseq_cs:	a critical section; none here
 * @flags:	none
 * @pad:	to the size the host wants
 */
struct stub_rseq {
	__u32 cpu_id_start;
	__s32 cpu_id;
	__u64 rseq_cs;
	__u32 flags;
	__u32 pad[3];
} __attribute__((aligned(32)));

/**
 * struct stub_regs - the registers of a rewritten system call
 */
struct stub_regs {
	__u64 r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di;
	__u64 ip, flags, sp;
};

/**
 * struct stub_handoff - the page through which a guest thread and a vCPU meet
 * @turn:		STUB_TURN_*; a futex both sides may wait on, also at a time
 * @guest_sleeps:	the guest thread waits on @turn in the host
 * @kernel_sleeps:	the vCPU waits on @turn in the host
 * @spin:		TSC cycles the guest thread polls @turn before it sleeps;
 *			set to 0 while it polls, it sleeps at once
 * @event:		host signal that made the guest thread park
 * @tid:		host thread id, for who looks at the page; the kernel knows it
 * @context:	stub address of the ucontext: the host's at an event, and the
 *		one to go on with on resume
 * @info:		stub address of the host's siginfo
 * @fsbase:		FS base: the guest's at an event, the one to load on resume
 * @gsbase:		GS base, likewise
 * @bases:		STUB_BASES_*: where the host lets programs use RDFSBASE and its
 *			like, the guest may have changed the bases at any time;
 *			where not, only the kernel can
 * @resume:		STUB_RESUME_*
 * @rseq:		the thread's rseq area: the host keeps its CPU number there.
 *			Guest code may have it do what rseq does, to itself alone
 * @stack:		where to park after a rewritten system call; lies below
 *			the place for a context
 * @back:		where to go on after one: behind the site
 * @xmask:		XSAVE components for STUB_RESUME_SAVE
 * @self:		stub address of this page
 * @regs:		the registers at a rewritten system call, and on resume
 */
struct stub_handoff {
	__u32 turn;
	__u32 guest_sleeps;
	__u32 kernel_sleeps;
	__u32 spin;
	__u32 event;
	__u32 tid;
	__u64 context;
	__u64 info;
	__u64 fsbase;
	__u64 gsbase;
	__u32 bases;
	__u32 resume;
	struct stub_rseq rseq;
	__u64 stack;
	__u64 back;
	__u64 xmask;
	__u64 self;
	struct stub_regs regs;
};

/**
 * struct stub_op - one operation of a request
 * @nr:		host system call number, or STUB_OP_*
 * @arg:	its arguments
 */
struct stub_op {
	__u32 nr;
	__u32 pad;
	__u64 arg[6];
};

/**
 * struct stub_request - a stub's request page
 * @seq:	  number of the request; a change is what starts the mapper
 * @nops:	  operations in it
 * @done:	  last request finished (the mapper's, by pwrite)
 * @error:	  errno of the first operation that failed, else unchanged (ditto)
 * @kernel_sleeps: a vCPU waits on @done in the host
 * @offset:	  of this page in the control memfd
 * @sigstack:	  stack_t for the thread that STUB_OP_THREAD makes
 * @name:	  for prctl(PR_SET_NAME)
 * @cpus:	  for sched_setaffinity(), a mask of host CPUs
 * @op:		  the operations
 * @tid:	  host thread id of the thread made last (the mapper's, by pwrite)
 * @unsafe:	  UNSAFE_* of asm/unsafe.h, in control builds
 * @allowed:	  host CPUs for guest threads: the mapper that makes them is bound to one
 * @resume:	  stub address of the hand-off page of a parked thread that the mapper is
 *		  to give the turn to, to the kernel when an operation has failed; or 0
 */
struct stub_request {
	__u32 seq;
	__u32 nops;
	__u32 done;
	__u32 error;
	__u32 kernel_sleeps;
	__u32 pad;
	__u64 offset;
	struct {
		__u64 sp;
		__u32 flags;
		__u32 pad;
		__u64 size;
	} sigstack;
	char name[16];
	__u64 cpus[7];
	struct stub_op op[STUB_MAX_OPS];
	__u32 tid;
	__u32 unsafe;
	__u64 allowed[7];
	__u64 resume;
};

/**
 * struct zygote_request - what the kernel asks of the zygote
 * @slot:	make a stub whose request page is this one
 */
struct zygote_request {
	__u32 slot;
};

/**
 * struct zygote_reply - the answer, with a pidfd beside it when @pid > 0
 * @slot:	as in the request
 * @pid:	of the new stub, or a negative errno
 */
struct zygote_reply {
	__u32 slot;
	__s32 pid;
};

_Static_assert(sizeof(struct stub_op) == REQUEST_OP_SIZE, "stub ABI");
_Static_assert(sizeof(struct stub_request) <= 4096, "stub ABI");
#define STUB_ABI_CHECK(type, field, off) \
	_Static_assert(__builtin_offsetof(struct type, field) == (off), "stub ABI")
STUB_ABI_CHECK(stub_handoff, turn, HANDOFF_TURN);
STUB_ABI_CHECK(stub_handoff, guest_sleeps, HANDOFF_GUEST_SLEEPS);
STUB_ABI_CHECK(stub_handoff, kernel_sleeps, HANDOFF_KERNEL_SLEEPS);
STUB_ABI_CHECK(stub_handoff, spin, HANDOFF_SPIN);
STUB_ABI_CHECK(stub_handoff, event, HANDOFF_EVENT);
STUB_ABI_CHECK(stub_handoff, tid, HANDOFF_TID);
STUB_ABI_CHECK(stub_handoff, context, HANDOFF_CONTEXT);
STUB_ABI_CHECK(stub_handoff, info, HANDOFF_INFO);
STUB_ABI_CHECK(stub_handoff, fsbase, HANDOFF_FSBASE);
STUB_ABI_CHECK(stub_handoff, gsbase, HANDOFF_GSBASE);
STUB_ABI_CHECK(stub_handoff, bases, HANDOFF_BASES);
STUB_ABI_CHECK(stub_handoff, resume, HANDOFF_RESUME);
STUB_ABI_CHECK(stub_handoff, rseq, HANDOFF_RSEQ);
STUB_ABI_CHECK(stub_handoff, stack, HANDOFF_STACK);
STUB_ABI_CHECK(stub_handoff, back, HANDOFF_BACK);
STUB_ABI_CHECK(stub_handoff, xmask, HANDOFF_XMASK);
STUB_ABI_CHECK(stub_handoff, self, HANDOFF_SELF);
STUB_ABI_CHECK(stub_handoff, regs, HANDOFF_REGS);
_Static_assert(sizeof(struct stub_rseq) == STUB_RSEQ_SIZE, "stub ABI");
STUB_ABI_CHECK(stub_request, seq, REQUEST_SEQ);
STUB_ABI_CHECK(stub_request, nops, REQUEST_NOPS);
STUB_ABI_CHECK(stub_request, done, REQUEST_DONE);
STUB_ABI_CHECK(stub_request, error, REQUEST_ERROR);
STUB_ABI_CHECK(stub_request, kernel_sleeps, REQUEST_KERNEL_SLEEPS);
STUB_ABI_CHECK(stub_request, offset, REQUEST_OFFSET);
STUB_ABI_CHECK(stub_request, sigstack, REQUEST_SIGSTACK);
STUB_ABI_CHECK(stub_request, name, REQUEST_NAME);
STUB_ABI_CHECK(stub_request, cpus, REQUEST_CPUS);
STUB_ABI_CHECK(stub_request, op, REQUEST_OPS);
STUB_ABI_CHECK(stub_request, tid, REQUEST_TID);
STUB_ABI_CHECK(stub_request, unsafe, REQUEST_UNSAFE);
STUB_ABI_CHECK(stub_request, allowed, REQUEST_ALLOWED);
STUB_ABI_CHECK(stub_request, resume, REQUEST_RESUME);

#endif /* __ASSEMBLY__ */
#endif /* _ASM_USER_STUB_ABI_H */
