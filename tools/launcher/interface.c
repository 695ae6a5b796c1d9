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

/* ADDRESS/LENGTH, of IPv4 or IPv6 */
static bool is_prefix(const char *s)
{
	char *text __auto_free = print("%s", s), *slash = strchr(text, '/'), *end;
	struct in6_addr a;
	unsigned long n;

	if (!slash)
		return false;
	*slash++ = '\0';
	n = strtoul(slash, &end, 10);
	if (*slash < '0' || *slash > '9' || *end)
		return false;
	return (inet_pton(AF_INET, text, &a) == 1 && n <= 32) ||
	       (inet_pton(AF_INET6, text, &a) == 1 && n <= 128);
}

static bool is_address(const char *s)
{
	struct in6_addr a;

	return inet_pton(AF_INET, s, &a) == 1 || inet_pton(AF_INET6, s, &a) == 1;
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

static char *set_key(struct interface *f, const char *key, const char *value)
{
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
	} else if (!strcmp(key, "ip") || !strcmp(key, "host")) {
		if (!is_prefix(value))
			return wrong(f, "%s=%s: not an address with its network, as 10.1.0.2/24",
				     key, value);
		if (*key == 'h' && f->kind != NET_TAP)
			return wrong(f, "host= is for tap: only");
		*(*key == 'h' ? &f->host_ip : &f->ip) = print("%s", value);
	} else if (!strcmp(key, "gw") || !strcmp(key, "dns")) {
		if (!is_address(value))
			return wrong(f, "%s=%s: not an IP address", key, value);
		*(*key == 'g' ? &f->gateway : &f->dns) = print("%s", value);
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

/* What user mode is by IPv6; good until the next call. */
static const char *ipv6_of(const struct interface *f)
{
	static char text[96];

	snprintf(text, sizeof(text), "ip=fd00:%d::15/64 gw=fd00:%d::2 dns=fd00:%d::3",
		 f->subnet, f->subnet, f->subnet);
	return text;
}

char *interface_record(const struct interface *f)
{
	if (f->kind == NET_USER && !f->ip) {
		char *search __auto_free = search_list();
		int n = f->subnet;

		return print("eth%d mtu=%u ip=10.0.%d.15/24 gw=10.0.%d.2 dns=10.0.%d.3 %s %s",
			     f->number, f->mtu, n, n, n, ipv6_of(f), search);
	}
	return print("eth%d mtu=%u%s%s%s%s%s%s", f->number, f->mtu,
		     f->ip ? " ip=" : "", f->ip ? f->ip : "",
		     f->gateway ? " gw=" : "", f->gateway ? f->gateway : "",
		     f->dns ? " dns=" : "", f->dns ? f->dns : "");
}
