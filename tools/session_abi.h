/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the launcher (or "kernelet exec") and the guest's init say to each other
 * over a channel: /dev/hostchanN in the guest, a packet socket on the host.
 *
 * A message is one packet: a letter and then data, at most SESSION_DATA bytes.
 * On a channel there is at most one session: a command that init has started
 * there.  It begins with a request, which is a list of records, each a letter,
 * text without NUL bytes, and a NUL; it comes in as many REQUEST messages as it
 * takes, and then a START.  It ends with an EXIT from the guest, or with a RESET
 * from the host, which the guest answers with a RESET when all is forgotten.
 *
 * Input of the command is sent only as far as the guest has granted CREDIT, so
 * that it can always take a message.
 *
 * The guest is not trusted: the host checks what comes, and does no more with it
 * than to pass on bytes.
 */
#ifndef SESSION_ABI_H
#define SESSION_ABI_H

#define SESSION_DATA	32768
#define SESSION_REQUEST	(4 << 20)	/* the longest request */
#define SESSION_WINDOW	(256 << 10)	/* input on its way */

#define CHANNEL_MAIN	0		/* the session of "kernelet run" */
#define CHANNEL_STREAM	1		/* to 3: its standard streams */
#define CHANNEL_EXEC	8		/* to 15: sessions of "kernelet exec" */
#define CHANNELS	16

/* The word on the kernel's command line that tells init of the launcher. */
#define SESSION_WORD	"kernelet.launcher"
/* _IO('k', 1) of /dev/hostchanN: see drivers/host_channel.c */
#define HOST_CHANNEL_STREAM	0x6b01

enum to_guest {
	TO_REQUEST	= 'q',	/* a part of the request */
	TO_START	= 'g',
	TO_INPUT	= 'i',	/* bytes of standard input or of the terminal */
	TO_END		= 'e',	/* the end of it */
	TO_WINDOW	= 'w',	/* two native 16-bit numbers: rows and columns */
	TO_SIGNAL	= 's',	/* a byte: for the command's process group */
	TO_RESET	= 'r',
	TO_SYSRQ	= 'k',	/* a byte: as if it was written to /proc/sysrq-trigger */
	TO_CONSOLE	= 'C',	/* text "ROWS COLUMNS TERM": a shell on the console, please */
	TO_NET		= 'N',	/* as REC_NET: an interface has been added */
	TO_STOP		= 'S',	/* a byte: a signal for all processes */
};

enum to_host {
	FROM_READY	= 'R',	/* the guest is up; once, on CHANNEL_MAIN */
	FROM_CREDIT	= 'c',	/* a native 32-bit number: more bytes of input */
	FROM_OUTPUT	= 'o',	/* bytes of standard output, or of the terminal */
	FROM_ERROR	= 'E',	/* bytes of standard error */
	FROM_TROUBLE	= 'm',	/* init cannot do something: text for people */
	FROM_SETTLING	= 'y',	/* the main command has ended, and what was written is put on disks */
	FROM_EXIT	= 'x',	/* a byte: the exit status as a shell has it */
	FROM_RESET	= 'r',
};

/* Letters of the records of a request. */
enum record {
	REC_ARG		= 'a',	/* a word of the command; none: a shell */
	REC_ENV		= 'e',	/* NAME=VALUE */
	REC_DIR		= 'd',	/* working directory */
	REC_UID		= 'u',
	REC_GID		= 'g',
	REC_GROUP	= 'G',	/* a supplementary group */
	REC_STREAM	= 's',	/* see below, three of them */
	REC_WINDOW	= 'w',	/* "ROWS COLUMNS" */
	REC_FILES	= 'f',	/* no command: see files_abi.h */
	/* On CHANNEL_MAIN only, before the command is run: */
	REC_ROOT	= 'r',	/* see below; none: the built-in root */
	REC_MOUNT	= 'm',	/* MODE:TAG:PLACE, MODE one of ro, rw, overlay */
	REC_MODULES	= 'M',	/* bind:PATH or hostfs:TAG, what lies on /lib/modules */
	REC_NAME	= 'n',	/* of the host */
	REC_NET		= 'N',	/* see below, one for each interface */
};

/* REC_STREAM: the kind of each standard stream. */
enum stream_kind {
	STREAM_TTY	= 't',	/* a terminal, the same for all of this kind */
	STREAM_PIPE	= 'p',	/* a pipe whose bytes go through the session */
	STREAM_CHANNEL	= 'c',	/* channel CHANNEL_STREAM + its number */
	STREAM_NONE	= 'n',	/* closed */
};

/*
 * REC_ROOT: WHAT:MODE:SOURCE where WHAT is a type of file system, MODE is ro, rw
 * or overlay (writes go to guest memory).  For type hostfs SOURCE is a tag.  Or
 * tar:FLAG:CHANNEL, an archive, FLAG being what tar wants to know of it.
 */

/*
 * REC_NET: ethN and then, with blanks between, mtu=N (0: as it is), ip=ADDRESS/BITS,
 * gw=ADDRESS and dns=ADDRESS, of IPv4 or IPv6 and more than once, and
 * search=DOMAIN,...  An interface without ip= is set up and nothing more.
 */

#endif /* SESSION_ABI_H */
