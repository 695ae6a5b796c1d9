// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "../session_abi.h"
#include "session.h"
#include "terminal.h"

/* ---- the request ---------------------------------------------------------- */

/*
 * What of the caller's environment a guest gets without being asked; the second
 * half has a meaning only where the caller's files are.
 */
static const struct {
	const char *name;
	bool home;
} environment[] = {
	{ "COLORTERM", false }, { "COLUMNS", false }, { "LANG", false }, { "LANGUAGE", false },
	{ "LC_*", false }, { "LINES", false }, { "LS_COLORS", false }, { "NO_COLOR", false },
	{ "TERM", false }, { "TZ", false },
	{ "EDITOR", true }, { "HOME", true }, { "LOGNAME", true }, { "PAGER", true },
	{ "PATH", true }, { "SHELL", true }, { "USER", true }, { "VISUAL", true },
};

void request_add(struct session *s, char letter, const char *format, ...)
{
	char *text __auto_free = NULL;
	va_list args;

	va_start(args, format);
	text = print_args(format, args);
	va_end(args);
	bytes_add(&s->request, &letter, 1);
	bytes_add(&s->request, text, strlen(text) + 1);
	if (s->request.n > SESSION_REQUEST)
		fail("the command and its environment are too long");
}

static bool matches(const char *var, const char *name)
{
	size_t n = strlen(name);

	if (n && name[n - 1] == '*')
		return !strncmp(var, name, n - 1);
	return !strncmp(var, name, n) && var[n] == '=';
}

/* Whether one of the words from the given one on sets the variable of "NAME=value". */
static bool is_set(const struct words *more, size_t from, const char *var)
{
	size_t i, n = strcspn(var, "=") + 1;

	for (i = from; i < more->n; i++)
		if (!strncmp(more->v[i], var, n))
			return true;
	return false;
}

static bool is_named(const struct words *more, const char *var)
{
	size_t i;

	for (i = 0; i < more->n; i++)
		if (matches(var, more->v[i]))
			return true;
	return false;
}

/* Whether it goes to the guest without being asked for. */
static bool is_default(const char *var, bool root, bool home)
{
	static const char *const of_root[] = { "HOME", "LOGNAME", "PATH", "USER" };
	size_t i;

	for (i = 0; root && i < ARRAY_SIZE(of_root); i++)
		if (matches(var, of_root[i]))
			return false;
	for (i = 0; i < ARRAY_SIZE(environment); i++)
		if (matches(var, environment[i].name))
			return home || !environment[i].home;
	return false;
}

/* One that is only named is given if the caller has it. */
static void add_unless_given(struct session *s, const struct words *more, const char *var)
{
	char *name __auto_free = strndup(var, strcspn(var, "="));

	if (!name)
		fail("out of memory");
	if (!is_set(more, 0, var) && !(is_named(more, var) && getenv(name)))
		request_add(s, REC_ENV, "%s", var);
}

static bool is_in_path(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	for (; path; path = strchr(path, ':')) {
		path += *path == ':';
		if (!strncmp(path, dir, n) && (!path[n] || path[n] == ':'))
			return true;
	}
	return false;
}

/* The caller's, with the directories of root's programs if they are not there. */
static void add_root_path(struct session *s, const struct words *more)
{
	const char *path = getenv("PATH");
	char *var __auto_free = NULL;

	if (!path || !*path)
		return;
	if (asprintf(&var, "PATH=%s%s", path, is_in_path(path, "/usr/sbin") ||
		     is_in_path(path, "/sbin") ? "" : ":/usr/sbin:/sbin") < 0)
		fail("out of memory");
	add_unless_given(s, more, var);
}

/* A name is sent once: of two, a shell takes the last and getenv() the first. */
static void add_environment(struct session *s, bool root, bool home, const struct words *more)
{
	size_t i;
	char **e;

	for (i = 0; i < more->n; i++)
		if (strchr(more->v[i], '=') && !is_set(more, i + 1, more->v[i]))
			request_add(s, REC_ENV, "%s", more->v[i]);
	for (e = environ; *e; e++)
		if (!is_set(more, 0, *e) && (is_named(more, *e) || is_default(*e, root, home)))
			request_add(s, REC_ENV, "%s", *e);
	if (root)
		add_unless_given(s, more, "HOME=/root");
	else if (!home)
		add_unless_given(s, more, "HOME=/");
	if (root && home)
		add_root_path(s, more);
}

static void check_environment(const struct words *env)
{
	size_t i;

	for (i = 0; i < env->n; i++)
		if (!*env->v[i] || *env->v[i] == '=')
			fail("--env=%s: no name; say NAME or NAME=VALUE", env->v[i]);
}

void request_add_caller(struct session *s, bool root, bool home, const struct words *env)
{
	gid_t groups[1024];
	int i, n = root ? 0 : getgroups(ARRAY_SIZE(groups), groups);

	check_environment(env);
	request_add(s, REC_UID, "%u", root ? 0 : getuid());
	request_add(s, REC_GID, "%u", root ? 0 : getgid());
	for (i = 0; i < n; i++)
		request_add(s, REC_GROUP, "%u", groups[i]);
	add_environment(s, root, home, env);
}

/* ---- messages to the guest ------------------------------------------------ */

static bool send_packet(struct session *s, const void *data, size_t n)
{
	if (send(s->chan.fd, data, n, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
		return true;
	if (errno == EAGAIN || errno == ENOBUFS || errno == EINTR)
		return false;
	s->lost = true;
	return true;
}

/* Whether the channel has taken everything. */
static bool flush_queue(struct session *s)
{
	size_t at = 0;

	while (at < s->queue.n) {
		uint32_t n;

		memcpy(&n, s->queue.p + at, sizeof(n));
		if (!send_packet(s, s->queue.p + at + sizeof(n), n))
			break;
		at += sizeof(n) + n;
	}
	memmove(s->queue.p, s->queue.p + at, s->queue.n - at);
	s->queue.n -= at;
	return !s->queue.n;
}

void session_send(struct session *s, char type, const void *data, size_t n)
{
	uint32_t length = n + 1;

	bytes_add(&s->queue, &length, sizeof(length));
	bytes_add(&s->queue, &type, 1);
	bytes_add(&s->queue, data, n);
	flush_queue(s);
}

static void send_request(struct session *s)
{
	while (!s->started && flush_queue(s)) {
		size_t n = s->request.n - s->sent;

		if (n > SESSION_DATA)
			n = SESSION_DATA;
		if (n) {
			session_send(s, TO_REQUEST, s->request.p + s->sent, n);
			s->sent += n;
		} else {
			session_send(s, TO_START, "", 0);
			s->started = true;
		}
	}
}

/* What to wait for now. */
static void set_events(struct session *s)
{
	bool full = s->pending[0].n || s->pending[1].n;
	bool over = s->lost || s->code >= 0;
	int i;

	/* what has been closed is always ready */
	s->chan.events = over ? 0 :
			 (full ? 0 : POLLIN) | (s->queue.n || !s->started ? POLLOUT : 0);
	s->in.events = s->credit && !s->queue.n ? POLLIN : 0;
	for (i = 0; i < 2; i++)
		s->out[i].events = s->pending[i].n ? POLLOUT : 0;
}

static void input_ready(void *data, short happened)
{
	char buf[SESSION_DATA];
	struct session *s = data;
	size_t room = s->credit < sizeof(buf) ? s->credit : sizeof(buf);
	ssize_t n = read(s->in.fd, buf, room);

	(void)happened;
	if (n > 0) {
		s->credit -= n;
		session_send(s, TO_INPUT, buf, n);
	} else if (!n || (errno != EAGAIN && errno != EINTR)) {
		session_send(s, TO_END, "", 0);
		loop_remove(&s->in);
		s->in.fd = -1;
	}
	set_events(s);
}

void session_signal(struct session *s, int signal)
{
	char c = signal;

	session_send(s, TO_SIGNAL, &c, 1);
	set_events(s);
}

void session_resize(struct session *s)
{
	uint16_t size[2];

	if (s->terminal < 0)
		return;
	terminal_size(s->terminal, size);
	session_send(s, TO_WINDOW, size, sizeof(size));
	set_events(s);
}

/* ---- messages from the guest ---------------------------------------------- */

static void flush_output(struct session *s, int i)
{
	struct bytes *b = &s->pending[i];

	while (b->n) {
		/* a socket's descriptor may be one that waits */
		ssize_t n = send(s->out[i].fd, b->p, b->n, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == ENOTSOCK)
			n = write(s->out[i].fd, b->p, b->n);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0) {
			session_signal(s, SIGPIPE);
			n = b->n;
		}
		memmove(b->p, b->p + n, b->n - n);
		b->n -= n;
	}
}

static void output_ready(void *data, short happened)
{
	struct session *s = data;

	(void)happened;
	flush_output(s, 0);
	flush_output(s, 1);
	set_events(s);
}

static void take_output(struct session *s, int i, const char *data, size_t n)
{
	if (s->out[i].fd < 0)
		return;
	bytes_add(&s->pending[i], data, n);
	flush_output(s, i);
}

/* Text from the guest that is no output: nothing of it may steer a terminal. */
static void show_trouble(const char *text, size_t n)
{
	char *clean __auto_free = text_clean(text, n, "");

	complain("the guest says: %s", clean);
}

static void take_message(struct session *s, char *m, size_t n)
{
	uint32_t more;

	switch (m[0]) {
	case FROM_READY:
		s->rebooted = s->ready;
		s->ready = true;
		break;
	case FROM_SETTLING:
		s->settling = true;
		break;
	case FROM_CREDIT:
		if (n != 1 + sizeof(more))
			break;
		memcpy(&more, m + 1, sizeof(more));
		if (more <= SESSION_WINDOW && s->credit + more <= SESSION_WINDOW)
			s->credit += more;
		break;
	case FROM_OUTPUT:
		take_output(s, 0, m + 1, n - 1);
		break;
	case FROM_ERROR:
		take_output(s, 1, m + 1, n - 1);
		break;
	case FROM_TROUBLE:
		show_trouble(m + 1, n - 1);
		break;
	case FROM_EXIT:
		if (n == 2 && s->code < 0)
			s->code = (unsigned char)m[1];
		break;
	}
}

/* Whether there was a message, and more may be taken. */
static bool take_next(struct session *s)
{
	static char message[SESSION_DATA + 1];
	ssize_t n;

	if (s->pending[0].n || s->pending[1].n || s->code >= 0)
		return false;
	n = recv(s->chan.fd, message, sizeof(message), MSG_DONTWAIT);
	if (n > 0)
		take_message(s, message, n);
	else if (!n || (errno != EAGAIN && errno != EINTR))
		s->lost = true;
	return n > 0;
}

static void channel_ready(void *data, short happened)
{
	struct session *s = data;
	int i;

	(void)happened;
	send_request(s);
	flush_queue(s);
	for (i = 0; i < LOOP_MESSAGES && take_next(s); i++)
		;
	set_events(s);
}

/* What has gone sends no more: there is an end to its messages. */
bool session_left(struct session *s)
{
	while (take_next(s))
		;
	set_events(s);
	return s->pending[0].n || s->pending[1].n;
}

/* ---- the beginning -------------------------------------------------------- */

static void open_streams(struct session *s, const struct streams *st)
{
	int i, tty = -1;

	for (i = 0; i < 3; i++) {
		request_add(s, REC_STREAM, "%c", st->s[i].kind);
		if (st->s[i].kind == STREAM_TTY && i && tty < 0)
			tty = i;
	}
	if (tty >= 0) {
		uint16_t size[2];

		s->terminal = st->s[tty].fd;
		terminal_size(s->terminal, size);
		request_add(s, REC_WINDOW, "%u %u", size[0], size[1]);
	}
	s->in = (struct source){ .fd = -1, .ready = input_ready, .data = s };
	if (st->s[0].kind == STREAM_TTY || st->s[0].kind == STREAM_PIPE)
		s->in.fd = st->s[0].fd;
	s->out[0] = (struct source){ .fd = -1, .ready = output_ready, .data = s };
	s->out[1] = s->out[0];
	for (i = 1; i < 3; i++)
		if (st->s[i].kind == STREAM_PIPE)
			s->out[i - 1].fd = st->s[i].fd;
	if (tty >= 0)
		s->out[0].fd = st->s[tty].fd;
}

void session_open(struct session *s, int chan, const struct streams *st)
{
	s->terminal = -1;
	s->code = -1;
	open_streams(s, st);
	s->chan = (struct source){ .fd = chan, .ready = channel_ready, .data = s };
	loop_add(&s->chan);
	if (st->interactive)
		terminal_raw(s->in.fd, &s->in);
	else if (s->in.fd >= 0)
		loop_add(&s->in);
	loop_add(&s->out[0]);
	loop_add(&s->out[1]);
	send_request(s);
	set_events(s);
}
