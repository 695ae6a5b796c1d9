// SPDX-License-Identifier: GPL-2.0-only
/* What a value of --net says: KIND[:ARGUMENT][,KEY=VALUE]... */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "network.h"

static const struct {
	const char *name;
	enum interface_kind kind;
	bool has_arg;
	const char *example;
} kinds[] = {
	{ "user", NET_USER, false, "user" },
	{ "switch", NET_SWITCH, true, "switch:lab" },
	{ "vde", NET_VDE, true, "vde:/run/vde.ctl" },
	{ "tap", NET_TAP, true, "tap:tap0" },
	{ "fd", NET_FD, true, "fd:5" },
};

static int kind_of(const char *spec)
{
	size_t n = strcspn(spec, ":,"), i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strlen(kinds[i].name) == n && !strncmp(kinds[i].name, spec, n))
			return i;
	return -1;
}

bool network_is_spec(const char *word)
{
	return kind_of(word) >= 0 || !strcmp(word, "none");
}

/* ---- values ---------------------------------------------------------------- */

static bool is_mac(const char *s)
{
	unsigned int b[6];
	char end;

	return strlen(s) == 17 &&
	       sscanf(s, "%2x:%2x:%2x:%2x:%2x:%2x%c", b, b + 1, b + 2, b + 3, b + 4, b + 5,
		      &end) == 6 && !(b[0] & 1) && (b[0] | b[1] | b[2] | b[3] | b[4] | b[5]);
}

/**
 * struct address - of IPv4 or IPv6
 * @family:	0: IPv4, 1: IPv6
 * @bytes:	4 or 16
 * @bits:	length of its network's prefix
 */
struct address {
	int family;
	unsigned char bytes[16];
	unsigned long bits;
};

static bool parse_address(struct address *a, const char *s)
{
	*a = (struct address){ 0 };
	if (inet_pton(AF_INET, s, a->bytes) == 1)
		return true;
	a->family = 1;
	return inet_pton(AF_INET6, s, a->bytes) == 1;
}

/* ADDRESS/LENGTH */
static bool parse_prefix(struct address *a, const char *s)
{
	char *text __auto_free = print("%s", s), *slash = strchr(text, '/'), *end;

	if (!slash)
		return false;
	*slash++ = '\0';
	if (!parse_address(a, text))
		return false;
	a->bits = strtoul(slash, &end, 10);
	return *slash >= '0' && *slash <= '9' && !*end && a->bits &&
	       a->bits <= (a->family ? 128 : 32);
}

/* One that a host may have: neither of its loopback nor of a group. */
static bool is_usable(const struct address *a)
{
	static const struct in6_addr loopback = IN6ADDR_LOOPBACK_INIT, any = IN6ADDR_ANY_INIT;

	if (a->family)
		return a->bytes[0] != 0xff && memcmp(a->bytes, &loopback, 16) &&
		       memcmp(a->bytes, &any, 16);
	return a->bytes[0] && a->bytes[0] != 127 && a->bytes[0] < 224;
}

static bool is_in_network(const struct address *a, const struct address *network)
{
	unsigned long i;

	for (i = 0; i < network->bits; i++)
		if ((a->bytes[i / 8] ^ network->bytes[i / 8]) & 0x80 >> i % 8)
			return false;
	return true;
}

static bool is_link_local(const struct address *a)
{
	return a->family && a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80;
}

/* What is wrong with it, as a new string; functions below return that, or NULL. */
static char *__printf(2, 3) wrong(const struct interface *f, const char *format, ...)
{
	char *text __auto_free = NULL;
	va_list args;

	va_start(args, format);
	text = print_args(format, args);
	va_end(args);
	return print("--net=%s: %s", f->spec, text);
}

static char *set_ip(struct interface *f, const char *value)
{
	struct address a;

	if (!parse_prefix(&a, value) || !is_usable(&a))
		return wrong(f, "ip=%s: not an address with its network, as 10.1.0.2/24", value);
	if (f->kind == NET_USER)
		return wrong(f, "ip=: not with user, which has a network of its own");
	if (f->ip[a.family])
		return wrong(f, "ip=: twice for IPv%d; one of each family can be given",
			     a.family ? 6 : 4);
	f->ip[a.family] = print("%s", value);
	return NULL;
}

static char *set_gateway(struct interface *f, const char *value)
{
	struct address a;

	if (!parse_address(&a, value) || !is_usable(&a))
		return wrong(f, "gw=%s: not an IP address of a gateway", value);
	if (f->kind == NET_USER)
		return wrong(f, "gw=: not with user, which has a gateway of its own");
	if (f->gateway[a.family])
		return wrong(f, "gw=: twice for IPv%d; one of each family can be given",
			     a.family ? 6 : 4);
	f->gateway[a.family] = print("%s", value);
	return NULL;
}

/* Keys are taken from the end: the first place gets what is written first. */
static char *set_dns(struct interface *f, const char *value)
{
	struct address a;

	if (!parse_address(&a, value))
		return wrong(f, "dns=%s: not an IP address", value);
	if (f->dns[MAX_DNS - 1])
		return wrong(f, "dns=: too many, the most is %d", MAX_DNS);
	memmove(f->dns + 1, f->dns, (MAX_DNS - 1) * sizeof(*f->dns));
	f->dns[0] = print("%s", value);
	return NULL;
}

static char *set_host(struct interface *f, const char *value)
{
	struct address a;

	if (!parse_prefix(&a, value) || !is_usable(&a))
		return wrong(f, "host=%s: not an address with its network, as 10.1.0.2/24", value);
	if (f->kind != NET_TAP)
		return wrong(f, "host= is for tap: only");
	f->host_ip = print("%s", value);
	return NULL;
}

/* A guest without an address there cannot reach it. */
static char *check_gateways(const struct interface *f)
{
	int i;

	for (i = 0; i < FAMILIES; i++) {
		struct address gateway, own;

		if (!f->gateway[i])
			continue;
		parse_address(&gateway, f->gateway[i]);
		if (is_link_local(&gateway))
			continue;
		if (!f->ip[i])
			return wrong(f, "gw=%s: ip= is needed too, of IPv%d", f->gateway[i],
				     i ? 6 : 4);
		parse_prefix(&own, f->ip[i]);
		if (!is_in_network(&gateway, &own))
			return wrong(f, "gw=%s: not in the network of ip=%s", f->gateway[i],
				     f->ip[i]);
	}
	return NULL;
}

static bool is_given(const struct interface *f, const char *key)
{
	return (!strcmp(key, "mac") && *f->mac) || (!strcmp(key, "mtu") && f->mtu) ||
	       (!strcmp(key, "host") && f->host_ip) || (!strcmp(key, "pcap") && f->pcap);
}

static char *set_key(struct interface *f, const char *key, const char *value)
{
	if (is_given(f, key))
		return wrong(f, "%s=: twice", key);
	if (!strcmp(key, "mac")) {
		if (!is_mac(value))
			return wrong(f, "mac=%s: not a unicast MAC address, as 02:00:00:00:00:01",
				     value);
		strcpy(f->mac, value);
	} else if (!strcmp(key, "mtu")) {
		char *end;
		unsigned long n = strtoul(value, &end, 10);

		if (*value < '0' || *value > '9' || *end || n < 68 || n > 65521)
			return wrong(f, "mtu=%s: not an MTU, which is from 68 to 65521", value);
		f->mtu = n;
	} else if (!strcmp(key, "ip")) {
		return set_ip(f, value);
	} else if (!strcmp(key, "host")) {
		return set_host(f, value);
	} else if (!strcmp(key, "gw")) {
		return set_gateway(f, value);
	} else if (!strcmp(key, "dns")) {
		return set_dns(f, value);
	} else if (!strcmp(key, "pcap")) {
		f->pcap = print("%s", value);
	} else {
		return wrong(f, "%s=: unknown; mac, mtu, ip, gw, dns, host and pcap are known",
			     key);
	}
	return NULL;
}

/* Takes ",KEY=VALUE" and ",netns" from the end: what precedes may hold commas. */
static char *take_keys(struct interface *f, char *text)
{
	static const char *const keys[] = { "mac", "mtu", "ip", "gw", "dns", "host", "pcap" };
	bool more = true;

	while (more) {
		char *comma = strrchr(text, ','), *equals, *trouble;
		size_t i;

		more = false;
		if (!comma)
			break;
		if (f->kind == NET_TAP && !strcmp(comma, ",netns")) {
			f->own_netns = true;
			*comma = '\0';
			more = true;
			continue;
		}
		equals = strchr(comma, '=');
		if (equals)
			*equals = '\0';
		for (i = 0; equals && i < ARRAY_SIZE(keys) && !more; i++)
			more = !strcmp(comma + 1, keys[i]);
		/* a URL has commas of its own */
		if (!more && f->kind == NET_VDE) {
			if (equals)
				*equals = '=';
			break;
		}
		if (!equals)
			return wrong(f, "%s: not KEY=VALUE", comma + 1);
		trouble = set_key(f, comma + 1, equals + 1);
		if (trouble)
			return trouble;
		*comma = '\0';
		more = true;
	}
	return NULL;
}

static bool is_plain(const char *s)
{
	return *s && *s != '.' && strlen(s) <= 64 &&
	       strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-") ==
	       strlen(s);
}

static char *check_arg(struct interface *f)
{
	char *end;

	switch (f->kind) {
	case NET_SWITCH:
		if (!is_plain(f->arg))
			return wrong(f, "not a name: up to 64 letters, digits, _, -, and .");
		break;
	case NET_TAP:
		if (!is_plain(f->arg) || strlen(f->arg) >= IFNAMSIZ)
			return wrong(f, "not a name of an interface, which has up to 15 letters");
		break;
	case NET_FD:
		f->fds[0] = strtol(f->arg, &end, 10);
		if (*f->arg < '0' || *f->arg > '9' || *end ||
		    fcntl(f->fds[0], F_GETFD) < 0)
			return wrong(f, "that descriptor is not open");
		if (f->fds[0] <= STDERR_FILENO)
			return wrong(f, "a standard stream: take one from 3 on");
		f->n_fds = 1;
		break;
	default:
		break;
	}
	return NULL;
}

char *interface_parse(struct interface *f, const char *spec)
{
	char *text __auto_free = print("%s", spec), *colon, *trouble;
	int kind = kind_of(spec);

	f->spec = print("%s", spec);
	if (kind < 0)
		return wrong(f, "not one of none, user, switch:NAME, vde:URL, tap:NAME, fd:N");
	f->kind = kinds[kind].kind;
	f->end = -1;
	f->watch.fd = -1;
	f->retry.fd = -1;
	trouble = take_keys(f, text);
	if (!trouble)
		trouble = check_gateways(f);
	if (trouble)
		return trouble;
	colon = strchr(text, ':');
	if (colon)
		*colon++ = '\0';
	if (kinds[kind].has_arg != (colon && *colon))
		return wrong(f, "say for example --net=%s", kinds[kind].example);
	f->arg = print("%s", colon ? colon : "");
	if (f->kind == NET_USER && f->mtu > USER_MTU)
		return wrong(f, "mtu=%u: --net=user takes up to %d", f->mtu, USER_MTU);
	return check_arg(f);
}

/* ---- for the guest's init -------------------------------------------------- */

/* The host's search list is the guest's where the host answers. */
static char *search_list(void)
{
	char *text __auto_free = read_file(AT_FDCWD, "/etc/resolv.conf");
	char *line, *save;

	for (line = strtok_r(text, "\n", &save); text && line; line = strtok_r(NULL, "\n", &save)) {
		char *s;

		if (strncmp(line, "search", 6) || !strchr(" \t", line[6]))
			continue;
		line = line + 6 + strspn(line + 6, " \t");
		for (s = line; *s; s++)
			if (*s == ' ' || *s == '\t')
				*s = ',';
		return print("search=%s", line);
	}
	return print("%s", "");
}

static void add_pair(struct bytes *b, const char *key, const char *value)
{
	char *text __auto_free = print(" %s=%s", key, value);

	bytes_add(b, text, strlen(text));
}

static void add_user(struct bytes *b, const struct interface *f)
{
	int n = f->subnet;
	char *text __auto_free =
		print(" ip=10.0.%d.15/24 gw=10.0.%d.2 ip=fd00:%d::15/64 gw=fd00:%d::2", n, n, n, n);
	char *search __auto_free = NULL, *dns __auto_free = NULL;

	bytes_add(b, text, strlen(text));
	if (f->dns[0])
		return;
	search = search_list();
	dns = print(" dns=10.0.%d.3 dns=fd00:%d::3 %s", n, n, search);
	bytes_add(b, dns, strlen(dns));
}

char *interface_record(const struct interface *f)
{
	char *head __auto_free = print("eth%d mtu=%u", f->number, f->mtu);
	struct bytes b = { 0 };
	int i;

	bytes_add(&b, head, strlen(head));
	if (f->kind == NET_USER)
		add_user(&b, f);
	for (i = 0; i < FAMILIES; i++)
		if (f->ip[i])
			add_pair(&b, "ip", f->ip[i]);
	for (i = 0; i < FAMILIES; i++)
		if (f->gateway[i])
			add_pair(&b, "gw", f->gateway[i]);
	for (i = 0; i < MAX_DNS && f->dns[i]; i++)
		add_pair(&b, "dns", f->dns[i]);
	bytes_add(&b, "", 1);
	return b.p;
}
