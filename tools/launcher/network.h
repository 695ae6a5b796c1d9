/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest's network interfaces, and what moves their frames on the host. */
#ifndef NETWORK_H
#define NETWORK_H

#include "machine.h"
#include "session.h"

#define MAX_INTERFACES	16
#define FAMILIES	2	/* of addresses: IPv4, IPv6 */
#define MAX_DNS		3	/* as many as a resolver asks */
#define USER_MTU	9000	/* libvdeslirp cuts longer frames short */
#define SPARE_INTERFACES 2	/* for those that are added later */

enum interface_kind {
	NET_SPARE,		/* not there yet */
	NET_USER,		/* libvdeplug's slirp:// */
	NET_SWITCH,		/* guests among themselves */
	NET_VDE,		/* a plug of libvdeplug */
	NET_TAP,
	NET_FD,			/* a descriptor of the caller's */
};

/**
 * struct interface - ethN
 * @kind:	what is at the other end
 * @spec:	as the user wrote it
 * @arg:	the kind's own part of it
 * @number:	N
 * @mac:	address, as text
 * @mtu:	0: the usual one
 * @pcap:	file for a capture, or NULL
 * @ip:		its addresses in the guest and the prefixes' lengths, one of each family, or NULL
 * @gateway:	the guest's ways out, as @ip
 * @dns:	its name servers, or NULL
 * @host_ip:	address of the host's end of a TAP device, or NULL
 * @own_netns:	the TAP device is made in namespaces of its own
 * @subnet:	of user mode: third part of the address
 * @fds:	what the guest gets
 * @n_fds:	how many
 * @end:	the other end of a socket, or -1
 * @pid:	the process that moves frames, or 0
 * @watch:	its end; or the connection to a switch
 * @retry:	when it is tried again
 */
struct interface {
	enum interface_kind kind;
	char *spec, *arg;
	int number;
	char mac[18];
	unsigned int mtu;
	char *pcap, *ip[FAMILIES], *gateway[FAMILIES], *dns[MAX_DNS], *host_ip;
	bool own_netns;
	int subnet;
	int fds[8];
	int n_fds;
	int end;
	pid_t pid;
	struct source watch, retry;
};

/**
 * struct publication - a port of the host that is one of the guest's
 * @spec:	as the user wrote it
 */
struct publication {
	char *spec;
	char address[16];
	unsigned int host, guest;
	bool udp;
};

/**
 * struct network - all of a guest's interfaces
 * @interface:	those there are, and then spare ones
 * @n:		how many
 * @publish:	ports of the host
 * @n_publish:	how many
 * @host_loopback: the host's own services can be reached in user mode
 * @dry_run:	no file of the host is opened for writing, no device is made
 * @name:	of the guest, from which addresses are made
 * @session:	who is told of what is added
 */
struct network {
	struct interface interface[MAX_INTERFACES];
	int n;
	struct publication publish[64];
	int n_publish;
	bool host_loopback, dry_run;
	const char *name;
	struct session *session;
};

/**
 * network_is_spec() - whether a word is a value of --net
 */
bool network_is_spec(const char *word);

/**
 * network_parse() - what the options say; ends the program when they are wrong
 * @net:	result
 * @specs:	of --net
 * @publish:	of --publish
 * @pcap:	of --pcap
 */
void network_parse(struct network *net, const struct words *specs, const struct words *publish,
		   const struct words *pcap);

/**
 * network_open() - get what the guest is to have
 * @cpus:	of the guest: as many queues, where there are queues
 *
 * Adds words to the kernel's command line and records to the request.
 */
void network_open(struct network *net, struct machine *m, struct session *s, unsigned long cpus);

/**
 * network_start() - start what moves frames, and see that it works
 */
void network_start(struct network *net);

/**
 * network_check_ports() - say which published ports others have taken meanwhile
 *
 * For when user mode starts anew: the plug-in does not say.
 */
void network_check_ports(const struct network *net);

/**
 * network_ask() - "list", "add SPEC" or "remove ethN" while the guest runs
 *
 * Return: the answer, as control.c has it.
 */
char *network_ask(struct network *net, const char *request);

/* interface.c */

/**
 * interface_parse() - what a value of --net says
 * @f:		result
 * @spec:	the value
 *
 * Return: NULL, or a new string that says what is wrong with it.
 */
char *interface_parse(struct interface *f, const char *spec);

/**
 * interface_record() - how the guest's init is to set it up
 *
 * Return: a new string for a REC_NET record.
 */
char *interface_record(const struct interface *f);

/* tap.c */

/**
 * tap_open() - open or make a TAP device; ends the program when that fails
 * @f:		the interface; gets its descriptors
 * @queues:	how many at most
 */
void tap_open(struct interface *f, unsigned long queues);

/**
 * tap_drop_rights() - be without CAP_NET_ADMIN from now on
 */
void tap_drop_rights(void);

/* plug.c */

/**
 * plug_start() - start a pump, or get a port of a switch
 * @net:	whose interface it is
 * @f:		the interface
 * @first:	see whether it works; else it is tried until it does
 *
 * Return: NULL, or a new string that says what is wrong.
 */
char *plug_start(struct network *net, struct interface *f, bool first);

/**
 * plug_stop() - end it
 */
void plug_stop(struct interface *f);

/* vsock.c */

/**
 * vsock_open() - have a guest's virtual sockets be UNIX sockets at a path
 * @path:	of --vsock
 * @dry_run:	do not make it
 */
void vsock_open(const char *path, struct machine *m, bool dry_run);
void vsock_start(void);

/**
 * vsock_remove() - take the socket away again; to be called once more is no harm
 */
void vsock_remove(void);

#endif /* NETWORK_H */
