// SPDX-License-Identifier: GPL-2.0-only
/*
 * kernelet-hostfs - serves one directory of the host to one guest
 *
 * The socket is read here and nowhere else: guest memory arrives over it once,
 * then a message each time that a guest (which may have rebooted) mounts the
 * share. When it is at its end the guest has gone, and so does this process.
 */
#include "server.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <unistd.h>

void usage_error(const char *what, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "kernelet-hostfs: %s: ", what);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(2);
}

/* ---- options ------------------------------------------------------------- */

static int parse_fd(const char *name, const char *value)
{
	char *end;
	long fd = strtol(value, &end, 10);

	if (!*value || *end || fd < 0 || fd > INT_MAX)
		usage_error(name, "%s is no descriptor", value);
	if (fcntl(fd, F_GETFD) < 0)
		usage_error(name, "descriptor %ld is not open", fd);
	return fd;
}

static void take_fd(struct options *o, const char *value)
{
	int type = 0;
	socklen_t len = sizeof(type);

	o->sock = parse_fd("--fd", value);
	if (getsockopt(o->sock, SOL_SOCKET, SO_TYPE, &type, &len) || type != SOCK_SEQPACKET)
		usage_error("--fd", "descriptor %s is no SOCK_SEQPACKET socket", value);
}

static void set_dir(struct options *o, const char *name, const char *value, int fd)
{
	struct stat st;

	if (o->dir != NO_FD)
		usage_error(name, "the directory is named twice");
	if (fd < 0)
		usage_error(name, "%s: %s", value, strerror(errno));
	if (fstat(fd, &st) || !S_ISDIR(st.st_mode))
		usage_error(name, "%s is no directory", value);
	o->dir = fd;
}

static void take_dir_fd(struct options *o, const char *value)
{
	int fd = parse_fd("--dir-fd", value);

	set_dir(o, "--dir-fd", value, openat(fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
}

static void take_ready(struct options *o, const char *value)
{
	o->ready = parse_fd("--ready", value);
}

static void take_dir(struct options *o, const char *value)
{
	set_dir(o, "--dir", value, open(value, O_PATH | O_DIRECTORY | O_CLOEXEC));
}

static void take_cache(struct options *o, const char *value)
{
	static const char *const modes[] = { "none", "auto", "always" };
	int i;

	for (i = 0; i < 3; i++)
		if (!strcmp(value, modes[i])) {
			o->cache = i;
			return;
		}
	usage_error("--cache", "%s is none of none, auto, always", value);
}

static void take_map(struct options *o, const char *value)
{
	bool uid = !strncmp(value, "uid:", 4);
	struct id_map *map = uid ? o->uid : o->gid;
	int *n = uid ? &o->uids : &o->gids;
	int end = 0;

	if (*n == MAX_MAPS)
		usage_error("--map", "more than %d", MAX_MAPS);
	if ((!uid && strncmp(value, "gid:", 4)) ||
	    sscanf(value + 4, "%u:%u%n", &map[*n].host, &map[*n].guest, &end) != 2 ||
	    value[4 + end])
		usage_error("--map", "%s is not uid:HOST:GUEST or gid:HOST:GUEST", value);
	++*n;
}

static void take_hide(struct options *o, const char *value)
{
	if (o->hides == MAX_HIDDEN)
		usage_error("--hide", "more than %d", MAX_HIDDEN);
	o->hide[o->hides++] = value;
}

static void take_ro(struct options *o, const char *value)
{
	(void)value;
	o->readonly = true;
}

static void take_verbose(struct options *o, const char *value)
{
	(void)value;
	o->verbose = true;
}

static void take_unconfined(struct options *o, const char *value)
{
	(void)value;
	o->unconfined = true;
}

static const struct {
	const char *name;
	const char *arg;	/* NULL: takes none */
	void (*take)(struct options *o, const char *value);
	const char *help;
} table[] = {
	{ "--fd", "N", take_fd, "the SOCK_SEQPACKET socket to the guest" },
	{ "--dir-fd", "N", take_dir_fd, "the directory to share, as a descriptor" },
	{ "--dir", "PATH", take_dir, "the directory to share" },
	{ "--ready", "N", take_ready, "a byte is written to this descriptor when it can serve" },
	{ "--ro", NULL, take_ro, "nothing in it can be changed" },
	{ "--cache", "MODE", take_cache,
	  "none, auto (changes of the host are seen after 1 s), always (never) [auto]" },
	{ "--map", "uid|gid:HOST:GUEST", take_map,
	  "what one side calls HOST is the other's GUEST" },
	{ "--hide", "PATH", take_hide, "is not shown; may be given again" },
	{ "--verbose", NULL, take_verbose, "say how it is confined" },
	{ "--unconfined", NULL, take_unconfined, "for tests: no Landlock, no seccomp filter" },
};

#define OPTIONS (sizeof(table) / sizeof(*table))

static void help(void)
{
	size_t i;

	puts("usage: kernelet-hostfs --fd N --dir PATH [OPTION]...\n"
	     "Serves a directory to a kernelet guest (hostfsK=fd:N,tag=NAME).\n");
	for (i = 0; i < OPTIONS; i++)
		printf("  %s %s\n        %s\n", table[i].name, table[i].arg ?: "", table[i].help);
	exit(0);
}

static void parse(struct options *o, char **argv)
{
	size_t i;

	while (*++argv) {
		if (!strcmp(*argv, "--help"))
			help();
		for (i = 0; i < OPTIONS && strcmp(*argv, table[i].name); i++)
			;
		if (i == OPTIONS)
			usage_error(*argv, "no such option; see --help");
		if (table[i].arg && !argv[1])
			usage_error(*argv, "needs %s", table[i].arg);
		table[i].take(o, table[i].arg ? *++argv : NULL);
	}
	if (o->sock == NO_FD)
		usage_error("--fd", "is needed; see --help");
	if (o->dir == NO_FD)
		usage_error("--dir", "or --dir-fd is needed; see --help");
}

/* ---- the socket ---------------------------------------------------------- */

/* A message and the descriptor that came with it; false at the end. */
static bool receive(int sock, struct hostfs_message *m, int *fd)
{
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { m, sizeof(*m) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c;
	ssize_t n;

	do {
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	*fd = NO_FD;
	if (n <= 0)
		return false;
	c = CMSG_FIRSTHDR(&msg);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(c), sizeof(int));
	if (n != sizeof(*m) || m->version != HOSTFS_VERSION)
		m->type = 0;
	return true;
}

/* Guest memory: the first message. */
static bool meet(struct server *srv)
{
	struct hostfs_message m;
	struct stat st;
	int fd;

	if (!receive(srv->opt.sock, &m, &fd))
		return false;
	if (m.type != HOSTFS_HELLO || fd == NO_FD || fstat(fd, &st) ||
	    !S_ISREG(st.st_mode) || m.value == 0 || (uint64_t)st.st_size < m.value)
		usage_error("--fd", "a guest of another version is at its other end");
	srv->ram = mmap(NULL, m.value, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (srv->ram == MAP_FAILED)
		usage_error("--fd", "guest memory cannot be mapped: %s", strerror(errno));
	srv->ram_size = m.value;
	close(fd);
	return true;
}

static void serve(struct server *srv)
{
	struct hostfs_message m;
	int fd;

	while (receive(srv->opt.sock, &m, &fd)) {
		if (fd != NO_FD)
			close(fd);
		if (m.type == HOSTFS_ATTACH)
			ring_attach(srv, m.value);
		else if (m.type == HOSTFS_DETACH)
			ring_detach(srv);
	}
}

/* ---- start --------------------------------------------------------------- */

/* Of what whoever started us had open: the standard streams, and what we are for. */
static void keep_only(const struct options *o)
{
	const int keep[] = { o->sock, o->dir, o->ready };
	unsigned int from = 3;

	for (;;) {
		unsigned int next = UINT_MAX;
		size_t i;

		for (i = 0; i < sizeof(keep) / sizeof(*keep); i++)
			if (keep[i] >= (int)from && (unsigned int)keep[i] < next)
				next = keep[i];
		if (next > from)
			close_range(from, next - 1, 0);
		if (next == UINT_MAX)
			break;
		from = next + 1;
	}
}

/* All is well, as far as it can be known without the guest. */
static void say_ready(const struct options *o)
{
	if (o->ready == NO_FD)
		return;
	if (write(o->ready, "r", 1) != 1)
		usage_error("--ready", "%s", strerror(errno));
	close(o->ready);
}

static void raise_limit(void)
{
	struct rlimit r;

	if (!getrlimit(RLIMIT_NOFILE, &r)) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

int main(int argc, char **argv)
{
	static struct server server = {
		.opt = { .sock = NO_FD, .dir = NO_FD, .ready = NO_FD, .cache = CACHE_AUTO },
		.busy = PTHREAD_RWLOCK_INITIALIZER,
	};
	struct server *srv = &server;
	int ret;

	(void)argc;
	parse(&srv->opt, argv);
	keep_only(&srv->opt);
	raise_limit();
	umask(0);
	ret = hide_start(srv) ?: node_start(srv) ?: handle_start(srv) ?: ops_session(srv);
	if (ret)
		usage_error("start", "%s", strerror(ret));
	confine_early(srv);
	say_ready(&srv->opt);
	if (!meet(srv))
		return 0;
	ret = ring_start(srv);
	if (ret)
		usage_error("start", "threads: %s", strerror(ret));
	confine_calls(srv);
	serve(srv);
	/* without a look at what threads are doing */
	_exit(0);
}
