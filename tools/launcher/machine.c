// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "confine.h"
#include "limits.h"
#include "machine.h"

#define LOG_SIZE	(256 << 10)
#define LOG_LINES	25

char *program_beside(const char *name)
{
	static const char *const places[] = { "", "../libexec/kernelet/" };
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	size_t i;

	if (n <= 0)
		return NULL;
	self[n] = '\0';
	*(strrchr(self, '/') + 1) = '\0';
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		char *path = print("%s%s%s", self, places[i], name);

		if (!access(path, X_OK))
			return path;
		free(path);
	}
	return NULL;
}

/* ---- what it is started with ---------------------------------------------- */

int machine_keep(struct machine *m, int fd)
{
	if (m->n_keep == ARRAY_SIZE(m->keep))
		fail("too many descriptors for the guest");
	m->keep[m->n_keep++] = fd;
	return fd;
}

void machine_console(struct machine *m)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK))
		fail("no pipe: %s", strerror(errno));
	m->keys = fds[1];
	words_add(&m->words, print("con0=fd:%d,fd:1", machine_keep(m, fds[0])));
}

/* One descriptor for each direction: the kernel watches each for one thing. */
static void add_channel(struct machine *m, int n)
{
	int fds[2], other;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds))
		fail("no socket: %s", strerror(errno));
	m->channel[n].host = fds[0];
	m->channel[n].guest = machine_keep(m, fds[1]);
	other = machine_keep(m, fcntl(fds[1], F_DUPFD_CLOEXEC, 3));
	words_add(&m->words, print("chan%d=fd:%d,fd:%d", n, fds[1], other));
}

void machine_channels(struct machine *m)
{
	int n;

	add_channel(m, CHANNEL_MAIN);
	for (n = CHANNEL_EXEC; n < CHANNELS; n++)
		add_channel(m, n);
}

void machine_disks(struct machine *m)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds))
		fail("no socket: %s", strerror(errno));
	m->disk_socket = fds[0];
	words_add(&m->words, print("disk_socket=fd:%d", machine_keep(m, fds[1])));
}

void machine_stream(struct machine *m, int n, int fd)
{
	machine_keep(m, fd);
	if (n)
		words_add(&m->words, print("chan%d=null,fd:%d", CHANNEL_STREAM + n, fd));
	else
		words_add(&m->words, print("chan%d=fd:%d,null", CHANNEL_STREAM, fd));
}

/* ---- its messages --------------------------------------------------------- */

static void take_log(struct machine *m, const char *data, size_t n)
{
	if (m->show_log) {
		char *clean __auto_free = text_clean(data, n, "\n\t");

		fputs(clean, stderr);
	}
	if (m->tap)
		m->tap(data, n);
	bytes_add(&m->text, data, n);
	if (m->text.n > 2 * LOG_SIZE) {
		m->text_at += m->text.n - LOG_SIZE;
		memmove(m->text.p, m->text.p + m->text.n - LOG_SIZE, LOG_SIZE);
		m->text.n = LOG_SIZE;
	}
}

static void log_ready(void *data, short happened)
{
	struct machine *m = data;
	char buf[16384];
	ssize_t n = read(m->log.fd, buf, sizeof(buf));

	(void)happened;
	if (n > 0)
		take_log(m, buf, n);
	else if (!n || errno != EAGAIN)
		m->log.events = 0;
}

void machine_log_drain(struct machine *m)
{
	struct pollfd p = { .fd = m->log.fd, .events = POLLIN };

	while (m->log.events && poll(&p, 1, 0) > 0)
		log_ready(m, 0);
}

void machine_log_end(struct machine *m, FILE *out)
{
	size_t at = m->text.n, lines = 0;
	char *clean __auto_free = NULL;

	if (m->show_log)
		return;		/* it is there already */
	while (at && lines <= LOG_LINES)
		lines += m->text.p[--at] == '\n';
	if (at || lines > LOG_LINES)
		at++;
	clean = text_clean(m->text.p + at, m->text.n - at, "\n\t");
	fputs(clean, out);
}

static void open_log(struct machine *m)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		fail("no pipe: %s", strerror(errno));
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	m->log = (struct source){ .fd = fds[0], .events = POLLIN, .ready = log_ready, .data = m };
	loop_add(&m->log);
	m->log_out = fds[1];
}

/* ---- its start ------------------------------------------------------------ */

static void __noreturn become_guest(struct machine *m, int alive)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;
	size_t i;

	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	for (i = 0; i < m->n_keep; i++)
		fcntl(m->keep[i], F_SETFD, 0);
	dup2(null, 0);
	dup2(m->log_out, 1);
	dup2(m->log_out, 2);
	limits_enter();
	if (m->confined) {
		/* it would hold all of the guest's memory */
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
		confine_user();
	}
	if (confine_rights())
		dprintf(2, "kernelet: capabilities: %s\n", strerror(errno));
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* of a parent that was gone before that the end of the pipe is closed */
	if (poll(&(struct pollfd){ .fd = alive, .events = POLLIN }, 1, 0))
		_exit(EXIT_GUEST);
	/* nothing of the caller's environment */
	execve(m->kernel, m->words.v, (char *[]){ NULL });
	dprintf(2, "kernelet: %s: %s\n", m->kernel, strerror(errno));
	_exit(EXIT_USAGE);
}

void machine_start(struct machine *m)
{
	const char *namespaces;
	int alive[2];
	size_t i;

	open_log(m);
	if (pipe2(alive, O_CLOEXEC))
		fail("no pipe: %s", strerror(errno));
	m->pid = confine_clone(m->confined, &namespaces);
	if (m->pid < 0)
		fail("no process for the guest: %s (see ulimit -u)", strerror(errno));
	if (!m->pid) {
		close(alive[1]);
		become_guest(m, alive[0]);
	}
	/* the other end stays open as long as we live */
	close(alive[0]);
	if (m->show_log)
		complain("confined by no_new_privs, no capabilities, %s", namespaces);
	close(m->log_out);
	for (i = 0; i < m->n_keep; i++)
		close(m->keep[i]);
}

/* ---- its end -------------------------------------------------------------- */

void machine_kill(struct machine *m)
{
	if (m->pid)
		kill(m->pid, SIGKILL);
}

bool machine_reap(struct machine *m, bool wait)
{
	pid_t pid;

	if (!m->pid)
		return true;
	do
		pid = waitpid(m->pid, &m->status, wait ? 0 : WNOHANG);
	while (pid < 0 && errno == EINTR);
	if (!pid)
		return false;
	m->pid = 0;
	machine_log_drain(m);
	return true;
}

/* ---- all its processes ---------------------------------------------------- */

struct process {
	pid_t pid;
	pid_t parent;
	char state;
	double cpu;
	bool ours;
};

/* Of /proc/PID/stat: fields 3, 4, 14 and 15. */
static bool parse_stat(const char *stat, struct process *p)
{
	const char *end = strrchr(stat, ')');
	unsigned long user, system;

	if (!end || sscanf(end, ") %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
			   &p->state, &p->parent, &user, &system) != 4)
		return false;
	p->pid = atoi(stat);
	p->cpu = (double)(user + system) / sysconf(_SC_CLK_TCK);
	return true;
}

static struct process *all_processes(size_t *n)
{
	struct process *list = NULL;
	struct dirent *d;
	DIR *proc = opendir("/proc");

	*n = 0;
	while (proc && (d = readdir(proc))) {
		char *path __auto_free = print("/proc/%.16s/stat", d->d_name);
		char *stat __auto_free = *d->d_name > '0' && *d->d_name <= '9' ?
					 read_file(AT_FDCWD, path) : NULL;
		struct process p = { 0 };

		if (!stat || !parse_stat(stat, &p))
			continue;
		list = realloc(list, (*n + 1) * sizeof(*list));
		if (!list)
			fail("out of memory");
		list[(*n)++] = p;
	}
	if (proc)
		closedir(proc);
	return list;
}

static bool is_below(const struct process *p, size_t n, pid_t parent, pid_t top)
{
	size_t i;

	if (parent == top)
		return true;
	for (i = 0; i < n; i++)
		if (p[i].ours && p[i].pid == parent)
			return true;
	return false;
}

/* All processes of the host, those of the guest marked. */
static struct process *mark_ours(struct machine *m, size_t *n)
{
	struct process *p = all_processes(n);
	bool more = m->pid;
	size_t i;

	while (more) {
		more = false;
		for (i = 0; i < *n; i++) {
			if (p[i].ours || (p[i].pid != m->pid &&
					  !is_below(p, *n, p[i].parent, m->pid)))
				continue;
			p[i].ours = true;
			more = true;
		}
	}
	return p;
}

void machine_signal(struct machine *m, int signal)
{
	size_t n, i;
	struct process *p __auto_free = mark_ours(m, &n);

	for (i = 0; i < n; i++)
		if (p[i].ours)
			kill(p[i].pid, signal);
}

/* The guest's memory is one file that its kernel has mapped. */
static unsigned long memory_of(pid_t pid)
{
	char *path __auto_free = print("/proc/%d/status", pid);
	char *text __auto_free = read_file(AT_FDCWD, path);
	const char *line = text ? strstr(text, "\nVmRSS:") : NULL;

	return line ? strtoul(line + 7, NULL, 10) << 10 : 0;
}

void machine_usage(struct machine *m, struct usage *u)
{
	size_t n, i;
	struct process *p __auto_free = mark_ours(m, &n);

	*u = (struct usage){ .memory = memory_of(m->pid) };
	for (i = 0; i < n; i++) {
		if (!p[i].ours)
			continue;
		u->processes++;
		u->cpu += p[i].cpu;
	}
}

bool machine_paused(const struct machine *m)
{
	char *path __auto_free = print("/proc/%d/stat", m->pid);
	char *stat __auto_free = read_file(AT_FDCWD, path);
	struct process p;

	return stat && parse_stat(stat, &p) && p.state == 'T';
}
