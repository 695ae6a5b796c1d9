// SPDX-License-Identifier: GPL-2.0-only
/* TAP devices: one that is there, or one that is made. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "network.h"

#define TUN	"/dev/net/tun"

/* ---- the host's end -------------------------------------------------------- */

/* Of <linux/ipv6.h>, which cannot be included beside <netinet/in.h>. */
struct in6_ifreq {
	struct in6_addr addr;
	uint32_t length;
	int index;
};

static bool set_ipv4(const struct ifreq *named, const struct in_addr *a, unsigned int length)
{
	int fd __auto_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = *a };
	struct ifreq r = *named;

	memcpy(&r.ifr_addr, &to, sizeof(to));
	if (ioctl(fd, SIOCSIFADDR, &r))
		return false;
	to.sin_addr.s_addr = htonl(length ? ~0U << (32 - length) : 0);
	memcpy(&r.ifr_netmask, &to, sizeof(to));
	return !ioctl(fd, SIOCSIFNETMASK, &r);
}

static bool set_ipv6(const struct ifreq *named, const struct in6_addr *a, unsigned int length)
{
	int fd __auto_fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct in6_ifreq r = { .addr = *a, .length = length };
	struct ifreq i = *named;

	if (ioctl(fd, SIOCGIFINDEX, &i))
		return false;
	r.index = i.ifr_ifindex;
	return !ioctl(fd, SIOCSIFADDR, &r) || errno == EEXIST;
}

static bool raise_interface(const char *name)
{
	int fd __auto_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq r = { 0 };

	snprintf(r.ifr_name, IFNAMSIZ, "%s", name);
	if (ioctl(fd, SIOCGIFFLAGS, &r))
		return false;
	r.ifr_flags |= IFF_UP;
	return !ioctl(fd, SIOCSIFFLAGS, &r);
}

/* Returns NULL, or what went wrong. */
static char *set_up_host(const struct interface *f)
{
	char *text __auto_free = f->host_ip ? print("%s", f->host_ip) : NULL;
	struct ifreq r = { 0 };
	bool up = raise_interface(f->arg);	/* one that is made is down */
	unsigned int length;
	struct in6_addr a;
	char *slash;

	if (text) {
		slash = strchr(text, '/');
		*slash++ = '\0';
		length = atoi(slash);
		snprintf(r.ifr_name, IFNAMSIZ, "%s", f->arg);
		if (!up)
			return print("host=: no permission; as root: ip addr add %s dev %s",
				     f->host_ip, f->arg);
		if (inet_pton(AF_INET, text, &a) == 1 ? !set_ipv4(&r, (void *)&a, length) :
		    inet_pton(AF_INET6, text, &a) != 1 || !set_ipv6(&r, &a, length))
			return print("host=%s: %s", f->host_ip, strerror(errno));
	}
	return NULL;
}

/* ---- descriptors ----------------------------------------------------------- */

/* One queue; errno when it fails. */
static int open_queue(const char *name, int flags)
{
	struct ifreq r = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | flags };
	int err, fd = open(TUN, O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -1;
	snprintf(r.ifr_name, IFNAMSIZ, "%s", name);
	if (!ioctl(fd, TUNSETIFF, &r))
		return fd;
	err = errno;
	close(fd);
	errno = err;
	return -1;
}

static int open_queues(struct interface *f, unsigned long queues)
{
	if (queues > ARRAY_SIZE(f->fds))
		queues = ARRAY_SIZE(f->fds);
	if (queues > 1) {
		while ((unsigned long)f->n_fds < queues) {
			int fd = open_queue(f->arg, IFF_MULTI_QUEUE);

			if (fd < 0)
				break;
			f->fds[f->n_fds++] = fd;
		}
		if (f->n_fds)
			return 0;
	}
	f->fds[0] = open_queue(f->arg, 0);
	/* one that was made for several queues takes no other */
	if (f->fds[0] < 0 && errno == EINVAL)
		f->fds[0] = open_queue(f->arg, IFF_MULTI_QUEUE);
	f->n_fds = f->fds[0] >= 0;
	return f->n_fds ? 0 : -1;
}

/* Why open_queues() failed, and what to do. */
static char *tap_trouble(const struct interface *f)
{
	int err = errno;

	if (access(TUN, F_OK))
		return print("there is no " TUN " here; as root: modprobe tun");
	if (access(TUN, R_OK | W_OK))
		return print("no permission for " TUN "; as root: chmod 666 " TUN);
	switch (err) {
	case EPERM:
		if (if_nametoindex(f->arg))
			return print("%s is another user's; take one of another name", f->arg);
		return print("no permission; as root: ip tuntap add dev %s mode tap user %u",
			     f->arg, geteuid());
	case EBUSY:
		return print("%s is in use by another program", f->arg);
	case EINVAL:
		return print("there is an interface %s that is no TAP device", f->arg);
	}
	return print("%s: %s", f->arg, strerror(err));
}

/* ---- in namespaces of its own ---------------------------------------------- */

static void write_file(const char *path, const char *text)
{
	int fd __auto_fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, text, strlen(text)) < 0)
		return;		/* what needs it will fail */
}

static void send_fds(int socket, const struct interface *f, const char *trouble)
{
	struct iovec iov = { (char *)trouble, strlen(trouble) + 1 };
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(f->fds))];
	} control = { .header = {
		.cmsg_len = CMSG_LEN(sizeof(int) * f->n_fds),
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
	} };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (f->n_fds) {
		memcpy(CMSG_DATA(&control.header), f->fds, sizeof(int) * f->n_fds);
		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * f->n_fds);
	}
	sendmsg(socket, &m, MSG_NOSIGNAL);
}

/* Keeps the namespaces for those who want to enter them, as long as we live. */
static void __noreturn hold_namespaces(struct interface *f, unsigned long queues, int socket,
				       pid_t parent)
{
	char *uid __auto_free = print("0 %u 1\n", geteuid());
	char *gid __auto_free = print("0 %u 1\n", getegid());
	char *trouble = NULL;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_GUEST);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET)) {
		trouble = print("the host refuses user namespaces; leave out netns");
	} else {
		write_file("/proc/self/setgroups", "deny");
		write_file("/proc/self/uid_map", uid);
		write_file("/proc/self/gid_map", gid);
		if (open_queues(f, queues))
			trouble = tap_trouble(f);
		else if (!raise_interface("lo"))
			trouble = print("lo does not come up: %s", strerror(errno));
		else
			trouble = set_up_host(f);
	}
	prctl(PR_SET_NAME, "kernelet-netns");
	send_fds(socket, f, trouble ? trouble : "");
	if (trouble)
		_exit(EXIT_USAGE);
	close_all_but(-1, -1);
	for (;;)
		pause();
}

static void open_in_namespaces(struct interface *f, unsigned long queues)
{
	char text[256] = "";
	struct iovec iov = { text, sizeof(text) - 1 };
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(f->fds))];
	} control;
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control.room),
	};
	pid_t parent = getpid();
	struct cmsghdr *c;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
		fail("no socket: %s", strerror(errno));
	f->pid = fork();
	if (!f->pid)
		hold_namespaces(f, queues, fds[1], parent);
	close(fds[1]);
	if (f->pid < 0 || recvmsg(fds[0], &m, MSG_CMSG_CLOEXEC) <= 0)
		fail("--net=%s: no process for its namespaces", f->spec);
	if (*text)
		fail("--net=%s: %s", f->spec, text);
	close(fds[0]);
	c = CMSG_FIRSTHDR(&m);
	if (!c || c->cmsg_type != SCM_RIGHTS)
		fail("--net=%s: no descriptor", f->spec);
	f->n_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(f->fds, CMSG_DATA(c), f->n_fds * sizeof(int));
}

/* ---- all ------------------------------------------------------------------- */

void tap_open(struct interface *f, unsigned long queues)
{
	char *trouble;

	if (f->own_netns) {
		open_in_namespaces(f, queues);
		return;
	}
	trouble = open_queues(f, queues) ? tap_trouble(f) : set_up_host(f);
	if (trouble)
		fail("--net=%s: %s", f->spec, trouble);
}

void tap_drop_rights(void)
{
	static const cap_value_t cap = CAP_NET_ADMIN;
	cap_t now = cap_get_proc();

	if (!now)
		return;
	cap_set_flag(now, CAP_EFFECTIVE, 1, &cap, CAP_CLEAR);
	cap_set_flag(now, CAP_PERMITTED, 1, &cap, CAP_CLEAR);
	cap_set_flag(now, CAP_INHERITABLE, 1, &cap, CAP_CLEAR);
	cap_drop_bound(cap);
	cap_set_proc(now);
	cap_free(now);
}
