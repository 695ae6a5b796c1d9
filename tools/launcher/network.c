// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "network.h"

#define SOCKET_BUFFER	(4 << 20)
#define NOTICE_REMOVE	2		/* see drivers/net_user.h */

/* ---- options --------------------------------------------------------------- */

static unsigned int port_of(const char *publish, const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || !n || n > 65535)
		fail("--publish=%s: %s: not a port; say for example 8080:80 or 5353:53/udp",
		     publish, text);
	return n;
}

/* 0 when the port is free, else why not: the plug-in would not say. */
static int port_error(const struct publication *p)
{
	int fd __auto_fd = socket(AF_INET, (p->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(p->host) };
	int on = 1;

	inet_pton(AF_INET, p->address, &a.sin_addr);
	if (!p->udp)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return bind(fd, (struct sockaddr *)&a, sizeof(a)) ? errno : 0;
}

static void check_port(const struct publication *p)
{
	int error = port_error(p);

	if (error == EADDRINUSE)
		fail("--publish=%s: port %u of %s is in use", p->spec, p->host, p->address);
	if (error == EACCES)
		fail("--publish=%s: no permission for port %u; take one from 1024 on", p->spec,
		     p->host);
	if (error)
		fail("--publish=%s: %s: %s", p->spec, p->address, strerror(error));
}

void network_check_ports(const struct network *net)
{
	int i;

	for (i = 0; i < net->n_publish; i++)
		if (port_error(&net->publish[i]))
			complain("--publish=%s: port %u of %s has been taken meanwhile: it is not published now",
				 net->publish[i].spec, net->publish[i].host,
				 net->publish[i].address);
}

static bool is_any(const struct publication *p)
{
	return !strcmp(p->address, "0.0.0.0");
}

/* Ports of the host are had once; and libslirp answers from one port by UDP only. */
static void check_others(const struct network *net, const struct publication *p)
{
	const struct publication *o;

	for (o = net->publish; o < net->publish + net->n_publish; o++) {
		if (o->udp != p->udp)
			continue;
		if (o->host == p->host &&
		    (is_any(o) || is_any(p) || !strcmp(o->address, p->address)))
			fail("--publish=%s: port %u is published by --publish=%s already", p->spec,
			     p->host, o->spec);
		if (p->udp && o->guest == p->guest)
			fail("--publish=%s: UDP port %u of the guest is published by --publish=%s already, and can be once",
			     p->spec, p->guest, o->spec);
	}
}

static void add_publication(struct network *net, const char *spec)
{
	char *text __auto_free = print("%s", spec), *guest, *slash, *host, *s;
	struct publication *p = &net->publish[net->n_publish];
	struct in_addr a;

	if (net->n_publish == (int)ARRAY_SIZE(net->publish))
		fail("--publish=%s: too many, the most is %zu", spec, ARRAY_SIZE(net->publish));
	slash = strchr(text, '/');
	if (slash) {
		*slash++ = '\0';
		if (strcmp(slash, "udp") && strcmp(slash, "tcp"))
			fail("--publish=%s: /%s: neither /tcp nor /udp", spec, slash);
		p->udp = !strcmp(slash, "udp");
	}
	for (s = text; *s && !strchr("[", *s); s++)
		;
	if (*s || (strchr(text, ':') && strstr(text, "::")))
		fail("--publish=%s: IPv4 only: the plug-in slirp knows no other", spec);
	guest = strrchr(text, ':');
	if (!guest)
		fail("--publish=%s: say [HOSTADDR:]HOST:GUEST[/udp], for example 8080:80", spec);
	*guest++ = '\0';
	host = strrchr(text, ':');
	if (host)
		*host++ = '\0';
	strcpy(p->address, "127.0.0.1");
	if (host) {
		if (inet_pton(AF_INET, text, &a) != 1)
			fail("--publish=%s: %s: not an IPv4 address", spec, text);
		inet_ntop(AF_INET, &a, p->address, sizeof(p->address));
	}
	p->host = port_of(spec, host ? host : text);
	p->guest = port_of(spec, guest);
	p->spec = print("%s", spec);
	check_others(net, p);
	check_port(p);
	net->n_publish++;
}

/* [N:]FILE */
static void add_pcap(struct network *net, const char *spec)
{
	char *end;
	unsigned long n = strtoul(spec, &end, 10);
	const char *file = spec;

	if (*spec >= '0' && *spec <= '9' && *end == ':')
		file = end + 1;
	else
		n = 0;
	if (n >= (unsigned long)net->n)
		fail("--pcap=%s: there is no interface eth%lu: see --net", spec, n);
	net->interface[n].pcap = print("%s", file);
}

/* The same for a guest's name at every start, and locally administered. */
static void make_mac(struct interface *f, const char *name)
{
	unsigned long h = 14695981039346656037UL;
	const char *s;

	if (*f->mac)
		return;
	for (s = name; *s; s++)
		h = (h ^ (unsigned char)*s) * 1099511628211UL;
	h = (h ^ (unsigned char)f->number) * 1099511628211UL;
	h ^= h >> 32;
	snprintf(f->mac, sizeof(f->mac), "02:%02x:%02x:%02x:%02x:%02x", (unsigned int)h & 255,
		 (unsigned int)(h >> 8) & 255, (unsigned int)(h >> 16) & 255,
		 (unsigned int)(h >> 24) & 255, f->number);
}

static int next_subnet(const struct network *net)
{
	int i, subnet = 2;

	for (i = 0; i < net->n; i++)
		if (net->interface[i].kind == NET_USER && net->interface[i].subnet >= subnet)
			subnet = net->interface[i].subnet + 1;
	return subnet;
}

static void complete(struct network *net, struct interface *f)
{
	make_mac(f, net->name);
	if (f->kind != NET_USER)
		return;
	f->subnet = next_subnet(net);
	if (!f->mtu)
		f->mtu = USER_MTU;
}

void network_parse(struct network *net, const struct words *specs, const struct words *publish,
		   const struct words *pcap)
{
	bool user = false;
	size_t i;

	for (i = 0; i < specs->n; i++) {
		char *trouble __auto_free = NULL;
		struct interface f = { 0 };

		if (!strcmp(specs->v[i], "none")) {
			if (specs->n > 1)
				fail("--net=none: not with another --net");
			break;
		}
		if (net->n == MAX_INTERFACES - SPARE_INTERFACES)
			fail("--net=%s: too many, the most is %d", specs->v[i], net->n);
		trouble = interface_parse(&f, specs->v[i]);
		if (trouble)
			fail("%s", trouble);
		f.number = net->n;
		complete(net, &f);
		user |= f.kind == NET_USER;
		net->interface[net->n++] = f;
	}
	for (i = 0; i < pcap->n; i++)
		add_pcap(net, pcap->v[i]);
	if (publish->n && !user)
		fail("--publish=%s: it needs --net=user", publish->v[0]);
	if (net->host_loopback && !user)
		fail("--host-loopback: it needs --net=user");
	for (i = 0; i < publish->n; i++)
		add_publication(net, publish->v[i]);
}

/* ---- what the guest gets --------------------------------------------------- */

static bool has_socket(const struct interface *f)
{
	return f->kind != NET_TAP && f->kind != NET_FD;
}

/* Both ends are made large: frames may be 64K long. */
static void make_socket(struct interface *f)
{
	int fds[2], i, size = SOCKET_BUFFER;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds))
		fail("no socket: %s", strerror(errno));
	for (i = 0; i < 2; i++)
		setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	f->end = fds[0];
	f->fds[0] = fds[1];
	f->n_fds = 1;
}

/* A capture's file is one interface's: frames of two would be mixed up. */
static void check_pcap(const struct network *net, const struct interface *f)
{
	const struct interface *o;
	struct stat a, b;

	/* the guest's kernel does not wait for a reader, and so could lose half a frame */
	if (!stat(f->pcap, &b) && S_ISFIFO(b.st_mode))
		fail("--pcap=%s: a pipe: say a file, which tail -c +1 -f can give to a reader",
		     f->pcap);
	for (o = net->interface; o < f; o++) {
		if (!o->pcap)
			continue;
		if (!strcmp(o->pcap, f->pcap) ||
		    (!stat(o->pcap, &a) && !stat(f->pcap, &b) && !S_ISCHR(a.st_mode) &&
		     a.st_dev == b.st_dev && a.st_ino == b.st_ino))
			fail("--pcap=%s: it is the file for eth%d already", f->pcap, o->number);
	}
}

/* In a dry run something in its place: what was captured before stays. */
static int open_pcap(const struct interface *f, bool dry_run)
{
	int fd = dry_run ? open("/dev/null", O_WRONLY | O_CLOEXEC) :
		 open(f->pcap, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);

	if (fd < 0)
		fail("--pcap=%s: %s", f->pcap, strerror(errno));
	return fd;
}

static void add_words(struct machine *m, const struct network *net, const struct interface *f)
{
	char *head __auto_free = print("net%d=", f->number), *tail __auto_free = NULL;
	struct bytes b = { 0 };
	int i;

	bytes_add(&b, head, strlen(head));
	for (i = 0; i < f->n_fds; i++) {
		char *part __auto_free = print("fd:%d,", machine_keep(m, f->fds[i]));

		bytes_add(&b, part, strlen(part));
	}
	tail = print("mac=%s%s%s", f->mac, has_socket(f) ? ",vnet_hdr" : "",
		     f->kind == NET_SPARE ? ",spare" : "");
	bytes_add(&b, tail, strlen(tail));
	if (f->mtu) {
		char *part __auto_free = print(",mtu=%u", f->mtu);

		bytes_add(&b, part, strlen(part));
	}
	if (f->pcap) {
		char *part __auto_free = NULL;

		check_pcap(net, f);
		part = print(",pcap=fd:%d", machine_keep(m, open_pcap(f, net->dry_run)));

		bytes_add(&b, part, strlen(part));
	}
	bytes_add(&b, "", 1);
	words_add(&m->words, b.p);
}

static void add_spare(struct network *net)
{
	struct interface *f = &net->interface[net->n];

	*f = (struct interface){
		.kind = NET_SPARE, .number = net->n,
		.watch.fd = -1, .retry.fd = -1,
	};
	make_mac(f, net->name);
	make_socket(f);
	net->n++;
}

/* In a dry run what is no device stands for each queue. */
static void open_stand_ins(struct interface *f, unsigned long n)
{
	while (f->n_fds < (int)ARRAY_SIZE(f->fds) && (unsigned long)f->n_fds < n) {
		f->fds[f->n_fds] = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (f->fds[f->n_fds++] < 0)
			fail("/dev/null: %s", strerror(errno));
	}
}

void network_open(struct network *net, struct machine *m, struct session *s, unsigned long cpus)
{
	int i;

	net->session = s;
	for (i = 0; i < net->n; i++) {
		char *record __auto_free = NULL;
		struct interface *f = &net->interface[i];

		if (f->kind == NET_TAP && net->dry_run)
			open_stand_ins(f, cpus);
		else if (f->kind == NET_TAP)
			tap_open(f, cpus);
		else if (f->kind != NET_FD)
			make_socket(f);
		record = interface_record(f);
		request_add(s, REC_NET, "%s", record);
	}
	tap_drop_rights();
	for (i = 0; i < SPARE_INTERFACES; i++)
		add_spare(net);
	for (i = 0; i < net->n; i++)
		add_words(m, net, &net->interface[i]);
}

void network_start(struct network *net)
{
	int i;

	for (i = 0; i < net->n; i++) {
		char *trouble __auto_free = NULL;
		struct interface *f = &net->interface[i];

		if (f->kind != NET_SPARE && has_socket(f))
			trouble = plug_start(net, f, true);
		if (trouble)
			fail("%s", trouble);
	}
}

/* ---- while it runs: nothing here may end the program ------------------------ */

static char *list(struct network *net)
{
	struct bytes b = { 0 };
	int i;

	bytes_add(&b, "+", 1);
	for (i = 0; i < net->n; i++) {
		char *line __auto_free = NULL;
		const struct interface *f = &net->interface[i];

		if (f->kind == NET_SPARE)
			continue;
		line = print("eth%d %s %s\n", f->number, f->mac, f->spec);
		bytes_add(&b, line, strlen(line));
	}
	bytes_add(&b, "", 1);
	return b.p;
}

static char *add(struct network *net, const char *spec)
{
	char *record __auto_free = NULL, *trouble __auto_free = NULL;
	struct interface new = { 0 }, *f = NULL;
	int i;

	for (i = net->n - 1; i >= 0; i--)
		if (net->interface[i].kind == NET_SPARE)
			f = &net->interface[i];
	if (!f)
		return print("-no more interfaces can be added");
	trouble = interface_parse(&new, spec);
	if (trouble)
		return print("-%s", trouble);
	if (new.kind == NET_FD || new.own_netns || new.pcap || *new.mac)
		return print("-%s: not for an interface that is added later", spec);
	new.number = f->number;
	new.end = f->end;
	strcpy(new.mac, f->mac);
	complete(net, &new);
	*f = new;
	trouble = plug_start(net, f, true);
	if (trouble) {
		f->kind = NET_SPARE;
		return print("-%s", trouble);
	}
	record = interface_record(f);
	session_send(net->session, TO_NET, record, strlen(record));
	return print("+eth%d\n", f->number);
}

static char *remove_interface(struct network *net, const char *name)
{
	const char notice = NOTICE_REMOVE;
	int i;

	for (i = 0; i < net->n; i++) {
		char *its __auto_free = print("eth%d", net->interface[i].number);
		struct interface *f = &net->interface[i];

		if (strcmp(its, name) || f->kind == NET_SPARE)
			continue;
		if (i < net->n - SPARE_INTERFACES)
			return print("-%s: it was there at the start: it stays", name);
		plug_stop(f);
		f->kind = NET_SPARE;
		if (send(f->end, &notice, 1, MSG_NOSIGNAL) != 1)
			return print("-%s: %s", name, strerror(errno));
		return print("+");
	}
	return print("-there is no interface %s", name);
}

char *network_ask(struct network *net, const char *request)
{
	if (!strncmp(request, "add ", 4))
		return add(net, request + 4);
	if (!strncmp(request, "remove ", 7))
		return remove_interface(net, request + 7);
	return list(net);
}
