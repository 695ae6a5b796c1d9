// SPDX-License-Identifier: GPL-2.0
/*
 * Sessions: commands that the host asks for, one on each channel.
 *
 * Theory of operation
 *
 * One loop, and nothing in it waits but poll().  A channel always takes a
 * message from the host: input for a command that does not read it yet is kept,
 * and never more than the host was granted.  To the host goes one message at a
 * time; while it does not fit into the channel nothing is read that would make
 * another, so that a command's output waits in its pipe.
 *
 * When a command ends, what it wrote is sent and then its status.  Processes it
 * leaves behind may keep the pipes open; they are not waited for.  The end of the
 * main session is the end of the guest.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include "../session_abi.h"
#include "init.h"

enum state { FREE, RUNNING, ENDED };

/**
 * struct session - a channel and what runs there
 * @number:	of the channel
 * @chan:	the device
 * @state:	ENDED: the command has, its output is being sent
 * @pid:	the command, and its process group
 * @code:	how it ended
 * @req:	the request, as far as it came
 * @s:		the command's streams
 * @input:	what it has not read yet
 * @in_len:	bytes of it
 * @in_end:	and then the end
 * @credit:	bytes the host may be granted
 * @reset:	the host wants to hear that all is forgotten
 * @out:	a message that the channel does not take yet
 * @out_len:	its size, 0 when there is none
 */
struct session {
	int number;
	int chan;
	enum state state;
	pid_t pid;
	int code;
	struct request req;
	struct streams s;
	char input[SESSION_WINDOW];
	size_t in_len;
	bool in_end;
	uint32_t credit;
	bool reset;
	char out[SESSION_DATA + 1];
	size_t out_len;
};

static struct session *sessions[CHANNELS];
static bool settling;
static int main_code = -1;

/* ---- to the host ---------------------------------------------------------- */

/* Whether the channel is free for the next message. */
static bool flush(struct session *s)
{
	if (s->out_len && (write(s->chan, s->out, s->out_len) >= 0 || errno != EAGAIN))
		s->out_len = 0;
	return !s->out_len;
}

/* To be called when flush() has said so; @data may be s->out + 1. */
static void send_message(struct session *s, char type, const void *data, size_t n)
{
	s->out[0] = type;
	if (data != s->out + 1)
		memcpy(s->out + 1, data, n);
	s->out_len = n + 1;
	flush(s);
}

/* Whether there was a piece of output, or its end. */
static bool send_output(struct session *s, int *fd, char type)
{
	ssize_t n;

	if (*fd < 0)
		return false;
	n = read(*fd, s->out + 1, SESSION_DATA);
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n > 0) {
		send_message(s, type, s->out + 1, n);
	} else {
		close(*fd);
		*fd = -1;
	}
	return true;
}

static void forget(struct session *s)
{
	streams_close(&s->s);
	free(s->req.data);
	s->req = (struct request){ 0 };
	s->in_len = 0;
	s->in_end = false;
	s->credit = 0;
	s->state = FREE;
	s->pid = 0;
}

static void send_exit(struct session *s)
{
	char code = s->code;

	if (s->number == CHANNEL_MAIN) {
		/* the host may end us when it has read this */
		report(s->code);
		root_settle();
		main_code = s->code;
	}
	send_message(s, FROM_EXIT, &code, 1);
	forget(s);
}

/* Sends what there is to send, until the channel is full. */
static void progress(struct session *s)
{
	while (flush(s)) {
		if (s->reset) {
			s->reset = false;
			send_message(s, FROM_RESET, NULL, 0);
		} else if (s->state == FREE) {
			return;
		} else if (s->credit >= SESSION_WINDOW / 4) {
			send_message(s, FROM_CREDIT, &s->credit, sizeof(s->credit));
			s->credit = 0;
		} else if (!send_output(s, &s->s.output, FROM_OUTPUT) &&
			   !send_output(s, &s->s.error, FROM_ERROR)) {
			if (s->state != ENDED)
				return;
			if (s->number == CHANNEL_MAIN && !settling) {
				settling = true;
				send_message(s, FROM_SETTLING, NULL, 0);
				continue;
			}
			send_exit(s);
			return;
		}
	}
}

/* ---- from the host -------------------------------------------------------- */

static void add_to_request(struct session *s, const char *data, size_t n)
{
	char *all;

	if (s->state != FREE || s->req.size + n > SESSION_REQUEST)
		return;
	all = realloc(s->req.data, s->req.size + n);
	if (!all)
		return;
	memcpy(all + s->req.size, data, n);
	s->req.data = all;
	s->req.size += n;
}

static void trouble(struct session *s, const char *text)
{
	send_message(s, FROM_TROUBLE, text, strlen(text));
	s->state = ENDED;
	s->code = 125;
}

static void start(struct session *s)
{
	const char *net = NULL;
	char text[1024];

	if (s->state != FREE || !s->req.size || s->req.data[s->req.size - 1])
		return;
	if (s->number == CHANNEL_MAIN) {
		const char *name = request_next(&s->req, NULL, REC_NAME);

		if (name && sethostname(name, strlen(name)))
			warn("host name");
		if (!root_set_up(&s->req, text, sizeof(text))) {
			trouble(s, text);
			return;
		}
		while ((net = request_next(&s->req, net, REC_NET)))
			net_set_up(net);
	}
	if (!streams_make(&s->req, &s->s)) {
		snprintf(text, sizeof(text), "streams: %s", strerror(errno));
		trouble(s, text);
		return;
	}
	s->pid = command_start(&s->req, &s->s);
	if (s->pid < 0) {
		snprintf(text, sizeof(text), "fork: %s", strerror(errno));
		trouble(s, text);
		return;
	}
	s->state = RUNNING;
	if (s->s.input >= 0)
		s->credit = SESSION_WINDOW;
}

static void give_input(struct session *s)
{
	ssize_t n;

	if (s->s.input < 0) {
		s->in_len = 0;
		return;
	}
	n = s->in_len ? write(s->s.input, s->input, s->in_len) : 0;
	if (n < 0 && errno != EAGAIN) {
		/* nobody reads it any more */
		n = s->in_len;
	}
	if (n > 0) {
		memmove(s->input, s->input + n, s->in_len - n);
		s->in_len -= n;
		s->credit += n;
	}
	/* a terminal's master stays open, and has no end of input but ^D */
	if (!s->in_len && s->in_end && !s->s.tty) {
		close(s->s.input);
		s->s.input = -1;
	}
}

static void take_input(struct session *s, const char *data, size_t n)
{
	if (s->state != RUNNING || n > sizeof(s->input) - s->in_len)
		return;
	memcpy(s->input + s->in_len, data, n);
	s->in_len += n;
	give_input(s);
}

static void resize(struct session *s, const char *data, size_t n)
{
	struct winsize ws = { 0 };
	uint16_t size[2];

	if (n != sizeof(size) || s->state != RUNNING || !s->s.tty)
		return;
	memcpy(size, data, n);
	ws.ws_row = size[0];
	ws.ws_col = size[1];
	ioctl(s->s.input, TIOCSWINSZ, &ws);
}

static void reset(struct session *s)
{
	if (s->state == RUNNING) {
		kill(-s->pid, SIGHUP);
		kill(-s->pid, SIGKILL);
	}
	forget(s);
	s->out_len = 0;
	s->reset = true;
}

static void press_sysrq(char key)
{
	int fd = open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, &key, 1) != 1)
		warn("/proc/sysrq-trigger");
	close(fd);
}

static void console(const char *text, size_t n)
{
	char copy[256];

	snprintf(copy, sizeof(copy), "%.*s", (int)n, text);
	console_start(copy);
}

static void add_interface(const char *data, size_t n)
{
	char record[4096];

	if (n >= sizeof(record))
		return;
	memcpy(record, data, n);
	record[n] = '\0';
	net_set_up(record);
}

static void take_message(struct session *s, const char *m, size_t n)
{
	switch (m[0]) {
	case TO_REQUEST:
		add_to_request(s, m + 1, n - 1);
		break;
	case TO_START:
		start(s);
		break;
	case TO_INPUT:
		take_input(s, m + 1, n - 1);
		break;
	case TO_END:
		s->in_end = true;
		give_input(s);
		break;
	case TO_WINDOW:
		resize(s, m + 1, n - 1);
		break;
	case TO_SIGNAL:
		if (n == 2 && s->state == RUNNING)
			kill(-s->pid, m[1]);
		break;
	case TO_RESET:
		reset(s);
		break;
	case TO_SYSRQ:
		if (n == 2)
			press_sysrq(m[1]);
		break;
	case TO_CONSOLE:
		console(m + 1, n - 1);
		break;
	case TO_NET:
		add_interface(m + 1, n - 1);
		break;
	case TO_STOP:
		if (n == 2)
			signal_all(m[1]);
		break;
	}
}

/* ---- the loop ------------------------------------------------------------- */

static void receive(struct session *s)
{
	static char message[SESSION_DATA + 1];
	ssize_t n;

	/* what is left to say comes first: a request could add to it */
	while (!s->out_len) {
		n = read(s->chan, message, sizeof(message));
		if (n <= 0)
			return;
		take_message(s, message, n);
	}
}

static void command_ended(pid_t pid, int status)
{
	int i;

	for (i = 0; i < CHANNELS; i++) {
		struct session *s = sessions[i];

		if (!s || s->state != RUNNING || s->pid != pid)
			continue;
		s->state = ENDED;
		s->code = exit_code(status);
		if (s->s.input >= 0 && !s->s.tty) {
			close(s->s.input);
			s->s.input = -1;
		}
	}
}

/* Returns how to reboot() when somebody asked for it, else -1. */
static int take_signal(int signal_fd)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	if (read(signal_fd, &info, sizeof(info)) != sizeof(info))
		return -1;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		command_ended(pid, status);
		console_ended(pid);
	}
	if (info.ssi_signo == SIGCHLD)
		return -1;
	end_all();
	return info.ssi_signo == SIGUSR1 ? RB_HALT_SYSTEM :
	       info.ssi_signo == SIGUSR2 ? RB_POWER_OFF : RB_AUTOBOOT;
}

static int add_fd(struct pollfd *p, int n, int fd, short events)
{
	if (fd < 0 || !events)
		return n;
	p[n] = (struct pollfd){ .fd = fd, .events = events };
	return n + 1;
}

/* What to wait for: room for a message, or else something to make one of. */
static int await(struct pollfd *p)
{
	int i, n = 0;

	for (i = 0; i < CHANNELS; i++) {
		struct session *s = sessions[i];

		if (!s)
			continue;
		if (s->out_len) {
			n = add_fd(p, n, s->chan, POLLOUT);
			continue;
		}
		n = add_fd(p, n, s->chan, POLLIN);
		n = add_fd(p, n, s->s.output, POLLIN);
		n = add_fd(p, n, s->s.error, POLLIN);
		n = add_fd(p, n, s->s.input, s->in_len ? POLLOUT : 0);
	}
	return n;
}

static void open_channels(void)
{
	char path[32];
	int i, fd;

	for (i = 0; i < CHANNELS; i++) {
		if (i > CHANNEL_MAIN && i < CHANNEL_EXEC)
			continue;
		snprintf(path, sizeof(path), "/dev/hostchan%d", i);
		fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
		if (fd < 0)
			continue;
		sessions[i] = calloc(1, sizeof(*sessions[i]));
		sessions[i]->number = i;
		sessions[i]->chan = fd;
		sessions[i]->s = (struct streams){ { -1, -1, -1 }, -1, -1, -1, false };
	}
}

int serve(const sigset_t *signals)
{
	struct pollfd p[1 + CHANNELS * 4];
	int how = -1, i, signal_fd = signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK);

	open_channels();
	if (signal_fd < 0 || !sessions[CHANNEL_MAIN]) {
		warn("the launcher's channel");
		return RB_POWER_OFF;
	}
	send_message(sessions[CHANNEL_MAIN], FROM_READY, NULL, 0);
	while (how < 0) {
		p[0] = (struct pollfd){ .fd = signal_fd, .events = POLLIN };
		poll(p, 1 + await(p + 1), -1);
		how = take_signal(signal_fd);
		for (i = 0; i < CHANNELS; i++) {
			struct session *s = sessions[i];

			if (!s)
				continue;
			receive(s);
			if (s->state != FREE)
				give_input(s);
			progress(s);
		}
		if (main_code >= 0 && !sessions[CHANNEL_MAIN]->out_len)
			how = RB_POWER_OFF;
	}
	return how;
}
