// SPDX-License-Identifier: GPL-2.0
/*
 * Network interfaces as the host says that they are to be: see REC_NET in
 * ../session_abi.h.  No DHCP client is needed; one may be used all the same.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "../session_abi.h"
#include "init.h"

#define RESOLV_CONF	"/etc/resolv.conf"
#define OUR_CONF	"/run/resolv.conf"
#define WAIT_MS		3000		/* for an interface to appear */

/* Of <linux/ipv6.h>, which cannot be included beside <netinet/in.h>. */
struct in6_ifreq {
	struct in6_addr ifr6_addr;
	uint32_t ifr6_prefixlen;
	int ifr6_ifindex;
};

/* ---- one interface --------------------------------------------------------- */

static struct ifreq request_for(const char *name)
{
	struct ifreq r = { 0 };

	snprintf(r.ifr_name, IFNAMSIZ, "%s", name);
	return r;
}

static bool await(int fd, const char *name)
{
	const struct timespec step = { .tv_nsec = 5 * 1000 * 1000 };
	struct ifreq r = request_for(name);
	int ms;

	for (ms = 0; ioctl(fd, SIOCGIFINDEX, &r); ms += 5) {
		if (ms >= WAIT_MS)
			return false;
		nanosleep(&step, NULL);
	}
	return true;
}

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		warn(path);
	if (fd >= 0)
		close(fd);
}

/* An address that nobody else can have need not be asked about for a second. */
static void trust_addresses(const char *name)
{
	char path[96];

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/accept_dad", name);
	if (!access(path, F_OK))
		write_text(path, "0");
}

static bool set_ipv4(int fd, const char *name, const struct in_addr *a, int bits)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = *a };
	struct ifreq r = request_for(name);

	memcpy(&r.ifr_addr, &to, sizeof(to));
	if (ioctl(fd, SIOCSIFADDR, &r))
		return false;
	to.sin_addr.s_addr = htonl(bits ? ~0U << (32 - bits) : 0);
	memcpy(&r.ifr_netmask, &to, sizeof(to));
	return !ioctl(fd, SIOCSIFNETMASK, &r);
}

static bool set_ipv6(const char *name, const struct in6_addr *a, int bits)
{
	struct in6_ifreq r = { .ifr6_addr = *a, .ifr6_prefixlen = bits };
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret;

	r.ifr6_ifindex = if_nametoindex(name);
	ret = fd < 0 ? -1 : ioctl(fd, SIOCSIFADDR, &r);
	close(fd);
	return !ret || errno == EEXIST;
}

static bool set_address(int fd, const char *name, char *text)
{
	char *slash = strchr(text, '/');
	struct in6_addr a6;
	struct in_addr a4;

	errno = EINVAL;
	if (!slash)
		return false;
	*slash++ = '\0';
	if (inet_pton(AF_INET, text, &a4) == 1)
		return set_ipv4(fd, name, &a4, atoi(slash));
	return inet_pton(AF_INET6, text, &a6) == 1 && set_ipv6(name, &a6, atoi(slash));
}

static bool set_gateway(int fd, char *name, const char *text)
{
	struct sockaddr_in gw = { .sin_family = AF_INET }, any = { .sin_family = AF_INET };
	struct in6_rtmsg r6 = { .rtmsg_flags = RTF_UP | RTF_GATEWAY, .rtmsg_metric = 1024 };
	struct rtentry r = { .rt_flags = RTF_UP | RTF_GATEWAY, .rt_dev = name };
	int ret;

	if (inet_pton(AF_INET, text, &gw.sin_addr) == 1) {
		memcpy(&r.rt_gateway, &gw, sizeof(gw));
		memcpy(&r.rt_dst, &any, sizeof(any));
		memcpy(&r.rt_genmask, &any, sizeof(any));
		return !ioctl(fd, SIOCADDRT, &r) || errno == EEXIST;
	}
	if (inet_pton(AF_INET6, text, &r6.rtmsg_gateway) != 1) {
		errno = EINVAL;
		return false;
	}
	r6.rtmsg_ifindex = if_nametoindex(name);
	fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ret = fd < 0 ? -1 : ioctl(fd, SIOCADDRT, &r6);
	close(fd);
	return !ret || errno == EEXIST;
}

/* ---- names ----------------------------------------------------------------- */

/*
 * The root's own file stays: ours is mounted over it, so that a root that is kept,
 * or may not be written to, is not changed.
 */
static void show_resolv_conf(void)
{
	int fd;

	mkdir("/etc", 0755);
	if (access(RESOLV_CONF, F_OK)) {
		/* none, or a link to nowhere: a place is needed */
		fd = open(RESOLV_CONF, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
		if (fd < 0) {
			unlink(RESOLV_CONF);
			fd = open(RESOLV_CONF, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
		}
		if (fd >= 0)
			close(fd);
	}
	if (mount(OUR_CONF, RESOLV_CONF, NULL, MS_BIND, NULL))
		warn(RESOLV_CONF);
}

static void add_name_server(const char *key, char *value)
{
	static bool shown;
	FILE *f = fopen(OUR_CONF, "ae");
	char *s;

	if (!f) {
		warn(OUR_CONF);
		return;
	}
	for (s = value; *s; s++)
		if (*s == ',')
			*s = ' ';
	fprintf(f, "%s %s\n", key, value);
	fclose(f);
	if (!shown)
		show_resolv_conf();
	shown = true;
}

/* ---- records --------------------------------------------------------------- */

static void set_key(int fd, char *name, const char *key, char *value)
{
	bool ok = true;

	if (!strcmp(key, "mtu")) {
		struct ifreq r = request_for(name);

		r.ifr_mtu = atoi(value);
		ok = !r.ifr_mtu || !ioctl(fd, SIOCSIFMTU, &r);
	} else if (!strcmp(key, "ip")) {
		ok = set_address(fd, name, value);
	} else if (!strcmp(key, "gw")) {
		ok = set_gateway(fd, name, value);
	} else if (!strcmp(key, "dns")) {
		add_name_server("nameserver", value);
	} else if (!strcmp(key, "search")) {
		add_name_server("search", value);
	}
	if (!ok)
		fprintf(stderr, "init: %s: %s=%s: %s\n", name, key, value, strerror(errno));
}

void net_set_up(const char *record)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char *text = strdup(record), *save, *name, *word;
	struct ifreq r;

	name = text ? strtok_r(text, " ", &save) : NULL;
	if (fd < 0 || !name || !await(fd, name)) {
		warn(name ? name : "network");
		goto out_free;
	}
	trust_addresses(name);
	r = request_for(name);
	ioctl(fd, SIOCGIFFLAGS, &r);
	r.ifr_flags |= IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, &r))
		warn(name);
	while ((word = strtok_r(NULL, " ", &save))) {
		char *value = strchr(word, '=');

		if (!value)
			continue;
		*value++ = '\0';
		set_key(fd, name, word, value);
	}

out_free:
	free(text);
	close(fd);
}
