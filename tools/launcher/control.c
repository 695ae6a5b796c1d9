// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "control.h"

#define MAX_CLIENTS	16
#define CONSOLE_LAST	2048	/* shown to who comes to the console */

/**
 * struct client - a connection
 * @source:	its socket, -1 when this entry is free
 * @channel:	that was lent to it, or 0
 * @console:	its packets are the console's
 * @wants_disks: it waits for the socket for disks
 */
struct client {
	struct source source;
	int channel;
	bool console;
	bool wants_disks;
};

/* A channel that came back: what is left in it is read until the guest is done. */
enum lent { IDLE, LENT, RETURNING };

static struct client clients[MAX_CLIENTS];
static enum lent lent[CHANNELS];
static struct source returning[CHANNELS];
static struct source listener;
static struct machine *machine;
static struct session *session;
static struct network *network;
static struct client *disk_client;	/* has the socket for disks */

/* ---- answers -------------------------------------------------------------- */

static void answer_fd(struct client *c, const char *text, size_t n, int fd)
{
	struct iovec iov = { (char *)text, n };
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .header = {
		.cmsg_len = CMSG_LEN(sizeof(int)),
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
	} };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
		m.msg_control = &control;
		m.msg_controllen = sizeof(control.room);
	}
	sendmsg(c->source.fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void answer(struct client *c, const char *text)
{
	answer_fd(c, text, strlen(text), -1);
}

static void do_exec(struct client *c, const char *arg)
{
	const char *text = machine_paused(machine) ? "+paused" : "+";
	int n;

	(void)arg;
	if (!session->ready) {
		answer(c, "-the guest is still starting");
		return;
	}
	for (n = CHANNEL_EXEC; n < CHANNELS; n++)
		if (lent[n] == IDLE)
			break;
	if (n == CHANNELS || c->channel) {
		answer(c, "-too many commands run in it already");
		return;
	}
	lent[n] = LENT;
	c->channel = n;
	answer_fd(c, text, strlen(text), machine->channel[n].host);
}

/* The socket itself, for one at a time: what is said there is cmd_disk.c's. */
static void lend_disks(void)
{
	int i;

	for (i = 0; i < MAX_CLIENTS && !disk_client; i++) {
		if (clients[i].source.fd < 0 || !clients[i].wants_disks)
			continue;
		clients[i].wants_disks = false;
		disk_client = &clients[i];
		answer_fd(disk_client, "+", 1, machine->disk_socket);
	}
}

static void do_disk(struct client *c, const char *arg)
{
	(void)arg;
	if (machine_paused(machine)) {
		answer(c, "-it is paused, and its kernel does not answer (see kernelet resume)");
		return;
	}
	c->wants_disks = true;
	lend_disks();
}

/* With an argument the processes are not asked, but made to end. */
static void do_stop(struct client *c, const char *arg)
{
	char signal = *arg ? SIGKILL : SIGTERM;

	machine_signal(machine, SIGCONT);
	session_send(session, TO_STOP, &signal, 1);
	answer(c, "+");
}

static void do_state(struct client *c, const char *arg)
{
	(void)arg;
	answer(c, session->settling ? "+settling" :
		  machine_paused(machine) ? "+paused" : "+running");
}

static void do_kill(struct client *c, const char *arg)
{
	(void)arg;
	machine_kill(machine);
	answer(c, "+");
}

static void do_pause(struct client *c, const char *arg)
{
	(void)arg;
	machine_signal(machine, SIGSTOP);
	answer(c, "+");
}

static void do_resume(struct client *c, const char *arg)
{
	(void)arg;
	machine_signal(machine, SIGCONT);
	answer(c, "+");
}

static void do_sysrq(struct client *c, const char *arg)
{
	if (!arg[0] || arg[1]) {
		answer(c, "-SysRq takes one letter");
		return;
	}
	session_send(session, TO_SYSRQ, arg, 1);
	answer(c, "+");
}

static void do_stats(struct client *c, const char *arg)
{
	char text[256];
	struct usage u;

	(void)arg;
	machine_usage(machine, &u);
	snprintf(text, sizeof(text), "+processes=%zu\ncpu=%.2f\nmemory=%lu\nstate=%s\n",
		 u.processes, u.cpu, u.memory, machine_paused(machine) ? "paused" : "running");
	answer(c, text);
}

static void do_net(struct client *c, const char *arg)
{
	char *text __auto_free = network_ask(network, arg);

	answer(c, text);
}

/*
 * From which byte on, of all there ever were: the asker comes again until there is
 * no more.  The first line of the answer is where its text stands.
 */
static void do_log(struct client *c, const char *arg)
{
	size_t first = machine->text_at, at = first, n;
	char text[CONTROL_PACKET];
	int head;

	sscanf(arg, "%zu", &at);
	if (at < first)
		at = first;
	if (at > first + machine->text.n)
		at = first + machine->text.n;
	head = sprintf(text, "+%zu\n", at);
	n = first + machine->text.n - at;
	if (n > sizeof(text) - head)
		n = sizeof(text) - head;
	if (n)
		memcpy(text + head, machine->text.p + (at - first), n);
	answer_fd(c, text, head + n, -1);
}

/* What the console shows, for those who look at it and are not too slow. */
static void show_console(const char *data, size_t n)
{
	int i;

	for (i = 0; i < MAX_CLIENTS; i++)
		if (clients[i].source.fd >= 0 && clients[i].console)
			send(clients[i].source.fd, data, n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* The argument is init's: "ROWS COLUMNS TERM". */
static void do_console(struct client *c, const char *arg)
{
	size_t n = machine->text.n < CONSOLE_LAST ? machine->text.n : CONSOLE_LAST;

	if (!session->ready) {
		answer(c, "-the guest is still starting");
		return;
	}
	answer(c, "+");
	if (n)
		answer_fd(c, machine->text.p + machine->text.n - n, n, -1);
	c->console = true;
	machine->tap = show_console;
	session_send(session, TO_CONSOLE, arg, strlen(arg));
}

/* Keys that the console does not take are lost, as on any terminal. */
static void type(const char *keys, size_t n)
{
	if (write(machine->keys, keys, n) < 0)
		return;
}

static const struct {
	const char *word;
	void (*act)(struct client *c, const char *arg);
} requests[] = {
	{ "exec", do_exec },
	{ "disk", do_disk },
	{ "stop", do_stop },
	{ "state", do_state },
	{ "kill", do_kill },
	{ "pause", do_pause },
	{ "resume", do_resume },
	{ "sysrq", do_sysrq },
	{ "stats", do_stats },
	{ "log", do_log },
	{ "console", do_console },
	{ "net", do_net },
};

/* ---- connections ---------------------------------------------------------- */

static void channel_back(void *data, short happened)
{
	struct source *source = data;
	char message[SESSION_DATA + 1];
	ssize_t n = 1;
	int i;

	(void)happened;
	for (i = 0; i < LOOP_MESSAGES && n > 0; i++) {
		n = recv(source->fd, message, sizeof(message), MSG_DONTWAIT);
		if (n > 0 && message[0] != FROM_RESET)
			continue;
		if (n >= 0)
			loop_remove(source);
		if (n > 0)
			lent[source - returning] = IDLE;
		return;
	}
}

static void take_back(int n)
{
	const char message = TO_RESET;
	struct pollfd p = { .fd = machine->channel[n].host, .events = POLLOUT };

	/* the guest always takes messages; one that does not loses the channel */
	lent[n] = RETURNING;
	poll(&p, 1, 1000);
	if (send(p.fd, &message, 1, MSG_NOSIGNAL | MSG_DONTWAIT) != 1)
		return;
	returning[n] = (struct source){ p.fd, POLLIN, channel_back, &returning[n] };
	loop_add(&returning[n]);
}

static void hang_up(struct client *c)
{
	loop_remove(&c->source);
	close(c->source.fd);
	c->source.fd = -1;
	if (c->channel)
		take_back(c->channel);
	c->channel = 0;
	c->console = false;
	c->wants_disks = false;
	if (disk_client == c) {
		disk_client = NULL;
		lend_disks();
	}
}

static void client_ready(void *data, short happened)
{
	struct client *c = data;
	char text[4096], *arg;
	ssize_t n = recv(c->source.fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	size_t i;

	(void)happened;
	if (n <= 0) {
		if (!n || errno != EAGAIN)
			hang_up(c);
		return;
	}
	if (c->console) {
		type(text, n);
		return;
	}
	text[n] = '\0';
	arg = strchr(text, ' ');
	if (arg)
		*arg++ = '\0';
	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		if (strcmp(requests[i].word, text))
			continue;
		requests[i].act(c, arg ? arg : "");
		return;
	}
	answer(c, "-no such request");
}

static void new_client(void *data, short happened)
{
	int i, fd = accept4(listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)data;
	(void)happened;
	if (fd < 0)
		return;
	for (i = 0; i < MAX_CLIENTS; i++) {
		struct client *c = &clients[i];

		if (c->source.fd >= 0)
			continue;
		c->source = (struct source){ fd, POLLIN, client_ready, c };
		loop_add(&c->source);
		return;
	}
	close(fd);
}

void control_start(struct entry *e, struct machine *m, struct session *s, struct network *n)
{
	int i;

	machine = m;
	session = s;
	network = n;
	for (i = 0; i < MAX_CLIENTS; i++)
		clients[i].source.fd = -1;
	listener = (struct source){ e->listener, POLLIN, new_client, NULL };
	loop_add(&listener);
}

/* ---- the other side ------------------------------------------------------- */

static ssize_t receive(int socket, char *text, size_t size, int *fd)
{
	struct iovec iov = { text, size };
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control.room),
	};
	ssize_t n = recvmsg(socket, &m, MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;

	if (c && c->cmsg_type == SCM_RIGHTS && fd)
		memcpy(fd, CMSG_DATA(c), sizeof(*fd));
	return n;
}

/* Return: how long the answer is, 0 when there is none. */
static size_t exchange(int socket, const char *request, char *text, size_t size, int *fd)
{
	ssize_t n = send(socket, request, strlen(request), MSG_NOSIGNAL);

	if (n >= 0)
		n = receive(socket, text, size - 1, fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0 ? n : 0;
}

size_t control_exchange(int socket, char *text, size_t size, int *fd, const char *format, ...)
{
	char request[4096];
	va_list args;

	va_start(args, format);
	vsnprintf(request, sizeof(request), format, args);
	va_end(args);
	return exchange(socket, request, text, size, fd);
}

/* The answer in @text; the connection, or -1. */
static int ask(const char *name, char **trouble, const char *request, char *text, size_t size,
	       int *fd)
{
	int socket = entry_connect(name, trouble);

	if (socket < 0)
		return -1;
	if (exchange(socket, request, text, size, fd) && text[0] == '+')
		return socket;
	*trouble = print("%s: %s", name, *text ? text + 1 : "its launcher has gone");
	close(socket);
	return -1;
}

static char *ask_once(const char *name, char **trouble, int *fd, const char *format,
		      va_list args)
{
	char request[4096], text[CONTROL_PACKET + 1];
	int socket;

	vsnprintf(request, sizeof(request), format, args);
	socket = ask(name, trouble, request, text, sizeof(text), fd);
	if (socket < 0)
		return NULL;
	if (!fd)
		close(socket);
	return print("%s", text + 1);
}

char *control_try(const char *name, char **trouble, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = ask_once(name, trouble, NULL, format, args);
	va_end(args);
	return text;
}

int control_try_all(int argc, char **argv, const char *request)
{
	int i, status = 0;

	for (i = 0; i < argc; i++) {
		char *trouble __auto_free = NULL;
		char *text __auto_free = control_try(argv[i], &trouble, "%s", request);

		if (text)
			continue;
		complain("%s", trouble);
		status = EXIT_USAGE;
	}
	return status;
}

char *control_ask(const char *name, int *fd, const char *format, ...)
{
	char *text, *trouble;
	va_list args;

	va_start(args, format);
	text = ask_once(name, &trouble, fd, format, args);
	va_end(args);
	if (!text)
		fail("%s", trouble);
	return text;
}

int control_open(const char *name, const char *request)
{
	char text[CONTROL_PACKET + 1], *trouble;
	int socket = ask(name, &trouble, request, text, sizeof(text), NULL);

	if (socket < 0)
		fail("%s", trouble);
	return socket;
}

int control_channel(const char *name)
{
	int channel = -1;
	char *text __auto_free = control_ask(name, &channel, "exec");

	if (channel < 0)
		fail("%s: its launcher gave no channel", name);
	if (!strcmp(text, "paused"))
		complain("%s is paused; kernelet resume %s lets it go on", name, name);
	return channel;
}
