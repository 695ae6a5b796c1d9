/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers of the host's ABI on x86-64 that no uapi header gives, or only one
 * that clashes with the kernel's own names.
 */
#ifndef _HOST_ABI_H
#define _HOST_ABI_H

/* errors */
#define HOST_ENOENT		2
#define HOST_ESRCH		3
#define HOST_EINTR		4
#define HOST_ENXIO		6
#define HOST_EAGAIN		11
#define HOST_EACCES		13
#define HOST_EBUSY		16
#define HOST_EEXIST		17
#define HOST_ENODEV		19
#define HOST_EISDIR		21
#define HOST_EINVAL		22
#define HOST_EMFILE		24
#define HOST_ENOSPC		28
#define HOST_EPIPE		32
#define HOST_EFAULT		14
#define HOST_EISDIR		21
#define HOST_EINVAL		22
#define HOST_ETIMEDOUT		110
/* of an interrupted call that the host would make again; seen by a tracer */
#define HOST_ERESTART_MAX	516
#define HOST_ERESTART_MIN	512

/* signals */
#define HOST_SIGILL		4
#define HOST_SIGTRAP		5
#define HOST_SIGBUS		7
#define HOST_SIGFPE		8
#define HOST_SIGKILL		9
#define HOST_SIGSEGV		11
#define HOST_SIGPIPE		13
#define HOST_SIGCHLD		17
#define HOST_SIGCONT		18
#define HOST_SIGSTOP		19
#define HOST_SIGTSTP		20
#define HOST_SIGTTIN		21
#define HOST_SIGTTOU		22
#define HOST_SIGXFSZ		25
#define HOST_SIGWINCH		28
#define HOST_SIGSYS		31

/* signal actions and masks */
#define HOST_SIG_SETMASK	2
#define HOST_SA_NOCLDSTOP	0x00000001UL
#define HOST_SA_SIGINFO		0x00000004UL
#define HOST_SA_ONSTACK		0x08000000UL
#define HOST_SA_RESTORER	0x04000000UL
#define HOST_SA_NODEFER		0x40000000UL
#define HOST_SIG_DFL		((void *)0)
#define HOST_SIG_IGN		((void *)1)
#define HOST_SIGEV_THREAD_ID	4

/* flags and codes of single calls */
#define HOST_O_CLOEXEC		02000000
#define HOST_O_NONBLOCK		00004000
#define HOST_AF_UNIX		1
#define HOST_SOCK_STREAM	1
#define HOST_SOCK_SEQPACKET	5
#define HOST_SOCK_CLOEXEC	02000000
#define HOST_MFD_CLOEXEC	1
#define HOST_MFD_ALLOW_SEALING	2
#define HOST_MFD_EXEC		16
#define HOST_POLLIN		1
#define HOST_POLLOUT		4
#define HOST_RLIMIT_NOFILE	7
#define HOST_ARCH_SET_GS	0x1001
#define HOST_NT_PRSTATUS	1
#define HOST_NT_X86_XSTATE	0x202
#define HOST_AUDIT_ARCH		0xc000003e

#endif /* _HOST_ABI_H */
