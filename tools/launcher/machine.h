/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest as a process: what it is started with, its start and its end. */
#ifndef MACHINE_H
#define MACHINE_H

#include "../session_abi.h"
#include "loop.h"
#include "util.h"

/**
 * struct channel_ends - the two ends of a channel
 */
struct channel_ends {
	int host;
	int guest;
};

/**
 * struct machine - a guest
 * @kernel:	path of vmlinux
 * @words:	its command line
 * @keep:	descriptors it inherits
 * @n_keep:	how many
 * @channel:	its channels; those without a host end are streams
 * @disk_socket: where its kernel is told of disks
 * @pid:	its process, 0 before the start
 * @status:	wait status, once @pid is 0 again
 * @log_out:	the pipe its messages go into
 * @log:	where they come out
 * @text:	the last of them
 * @text_at:	how many bytes came before those
 * @tap:	is given them as they come, or NULL
 * @keys:	what is written here is typed at its console
 * @show_log:	also on standard error
 * @confined:	in namespaces of its own
 */
struct machine {
	const char *kernel;
	struct words words;
	int keep[64];
	size_t n_keep;
	struct channel_ends channel[CHANNELS];
	int disk_socket;
	pid_t pid;
	int status;
	int log_out;
	struct source log;
	struct bytes text;
	size_t text_at;
	void (*tap)(const char *data, size_t n);
	int keys;
	bool show_log;
	bool confined;
};

/**
 * machine_keep() - have the guest inherit a descriptor
 *
 * Return: @fd
 */
int machine_keep(struct machine *m, int fd);

/**
 * machine_console() - make its console: messages come out, keys go in
 */
void machine_console(struct machine *m);

/**
 * machine_channels() - make the channels of sessions
 */
void machine_channels(struct machine *m);

/**
 * machine_disks() - let it have disks that come and go
 */
void machine_disks(struct machine *m);

/**
 * machine_stream() - let the guest have one of the standard streams
 * @n:		0 to 2
 */
void machine_stream(struct machine *m, int n, int fd);

/**
 * machine_start() - start it
 */
void machine_start(struct machine *m);

/**
 * machine_kill() - end it now
 */
void machine_kill(struct machine *m);

/**
 * machine_reap() - see whether it has ended
 * @wait:	and wait until it has
 */
bool machine_reap(struct machine *m, bool wait);

/**
 * machine_signal() - send a signal to all its processes
 *
 * It need not reach those that are being made meanwhile.
 */
void machine_signal(struct machine *m, int signal);

/**
 * struct usage - what a guest uses of the host
 * @processes:	how many, this program and its servers apart
 * @cpu:	seconds of CPU time of those that live
 * @memory:	bytes of host memory, shared ones counted once
 */
struct usage {
	size_t processes;
	double cpu;
	unsigned long memory;
};

void machine_usage(struct machine *m, struct usage *u);

/**
 * machine_paused() - whether its kernel has been stopped by a signal
 */
bool machine_paused(const struct machine *m);

/**
 * machine_log_end() - print the last lines of its messages
 */
void machine_log_end(struct machine *m, FILE *out);

/**
 * machine_log_drain() - take what is still in the pipe
 */
void machine_log_drain(struct machine *m);

/**
 * program_beside() - a program that belongs to this one
 * @name:	file name
 *
 * In the same directory, or in ../libexec/kernelet.
 * Return: a new string, or NULL when there is none.
 */
char *program_beside(const char *name);

#endif /* MACHINE_H */
