// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/hvc0 to /dev/hvc3: consoles on pairs of host descriptors.
 *
 * Theory of operation
 *
 * Output goes to the host as it comes.  Input is read when the I/O thread says
 * that there is some, into a buffer of ours, and handed to hvc in the small
 * pieces it asks for; it does not ask while the terminal's buffers are full.
 * All reading is done by hvc's thread, which an event only wakes.
 *
 * When the input is a terminal of the host, that is put into raw mode and the
 * guest's terminal does the echo, the line editing and the signals.  When it is
 * not, bytes pass unchanged in both directions: the guest's terminal is raw,
 * until a program asks for something else.  (Kernel messages end in CR LF.)
 *
 * At the end of input see end_of_input.c.  A console without an input is one
 * that has ended.  Output that nobody takes any more is dropped.
 *
 * hvc would take ^O and the key after it for SysRq, on the console that shows
 * kernel messages.  Two in a row it passes as one, so that is what it gets,
 * unless hvc_user.sysrq=1 says otherwise (for terminals: other input stays
 * unharmed).
 */
#include <linux/console.h>
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/moduleparam.h>
#include <linux/reboot.h>
#include <linux/tty.h>
#include <linux/tty_flip.h>
#include <linux/workqueue.h>
#include <asm/host.h>
#include <asm/host_events.h>
#include <../drivers/tty/hvc/hvc_console.h>
#include "hvc_user.h"

#define IN_SIZE		4096
#define OUT_SIZE	4096
#define SYSRQ_CHAR	0x0f	/* ^O */

/* Wait so long for output to be taken before a power-off forgets it. */
#define DRAIN_MS	5000

static bool sysrq;
module_param(sysrq, bool, 0444);
MODULE_PARM_DESC(sysrq, "^O on the console's terminal is the SysRq key");

/**
 * struct user_console - a console
 * @fd:		its descriptors
 * @hp:		hvc's side of it, NULL before hvc_user_init()
 * @in_event:	for host_watch(), 0 before hvc_user_init()
 * @out_event:	ditto
 * @ready:	the host has input for us, or cannot tell
 * @started:	somebody has opened it
 * @eof:	the host's descriptor is at its end
 * @pushed:	what was typed without a newline before the end was delivered
 * @ended:	all input was given to the terminal
 * @stalled:	output is not taken now
 * @double_sysrq: pass ^O twice
 * @again:	the second one is next
 * @tell:	says so to those who wait for input
 * @pos:	next byte of @in
 * @len:	bytes in @in
 * @in:		input that hvc has not asked for yet
 *
 * Input fields are hvc's thread's, under its hp->lock; @ready is also set by
 * the I/O interrupt.
 */
struct user_console {
	const struct host_console *fd;
	struct hvc_struct *hp;
	u32 in_event;
	u32 out_event;
	bool ready;
	bool started;
	bool eof;
	bool pushed;
	bool ended;
	bool stalled;
	bool double_sysrq;
	bool again;
	struct work_struct tell;
	size_t pos;
	size_t len;
	u8 in[IN_SIZE];
};

static struct user_console consoles[HOST_MAX_CONSOLES];

static bool console_exists(unsigned int n)
{
	const struct host_console *fd = &host_boot_info()->console[n];

	/* con0=null is a console all the same: /dev/console must open */
	return !n || fd->in >= 0 || fd->out >= 0;
}

/* --- input --------------------------------------------------------------- */

static void await_input(struct user_console *con)
{
	WRITE_ONCE(con->ready, false);
	if (host_watch(con->fd->in, con->in_event, false))
		WRITE_ONCE(con->ready, true);
}

static void input_event(void *data)
{
	struct user_console *con = data;

	WRITE_ONCE(con->ready, true);
	/* an event of the time before a reboot may come very early */
	if (READ_ONCE(con->hp))
		hvc_kick();
}

static void read_host(struct user_console *con)
{
	long n;

	if (!READ_ONCE(con->ready))
		return;
	n = host_read(con->fd->in, con->in, IN_SIZE);
	if (n > 0) {
		con->pos = 0;
		con->len = n;
	} else if (n != -EAGAIN) {
		con->eof = true;
		return;
	}
	await_input(con);
}

/*
 * A program that reads lines has not seen the last one if it lacks its newline:
 * an end-of-file character hands it over.  Then all is said; it is committed
 * before "ended" can be seen.
 */
static ssize_t finish_input(struct user_console *con, u8 *buf)
{
	if (!con->pushed) {
		struct tty_struct *tty = tty_port_tty_get(&con->hp->port);

		con->pushed = true;
		*buf = tty && L_ICANON(tty) && !L_EXTPROC(tty) ? EOF_CHAR(tty) : __DISABLED_CHAR;
		tty_kref_put(tty);
		if (*buf != __DISABLED_CHAR)
			return 1;
	}
	if (!con->ended) {
		tty_flip_buffer_push(&con->hp->port);
		/* pairs with user_console_ended(): first the input, then its end */
		smp_store_release(&con->ended, true);
		schedule_work(&con->tell);
	}
	return 0;
}

static ssize_t console_get(u32 vtermno, u8 *buf, size_t count)
{
	struct user_console *con = &consoles[vtermno];
	size_t n = 0;

	if (con->pos == con->len && !con->eof)
		read_host(con);
	if (con->pos == con->len && con->eof && count)
		return finish_input(con, buf);
	while (n < count && con->pos < con->len) {
		buf[n] = con->in[con->pos];
		con->again = con->double_sysrq && buf[n] == SYSRQ_CHAR && !con->again;
		if (!con->again)
			con->pos++;
		n++;
	}
	return n;
}

static void input_ended(struct work_struct *work)
{
	struct user_console *con = container_of(work, struct user_console, tell);
	struct tty_struct *tty = tty_port_tty_get(&con->hp->port);

	if (tty)
		end_of_input_reached(tty);
	tty_kref_put(tty);
}

bool user_console_ended(const struct tty_struct *tty)
{
	int i;

	for (i = 0; i < HOST_MAX_CONSOLES; i++)
		if (consoles[i].hp && tty->port == &consoles[i].hp->port)
			/* pairs with finish_input() */
			return smp_load_acquire(&consoles[i].ended);
	return false;
}

/* --- output -------------------------------------------------------------- */

static void output_event(void *data)
{
	struct user_console *con = data;

	if (READ_ONCE(con->hp))
		hvc_kick();
}

static ssize_t console_put(u32 vtermno, const u8 *buf, size_t count)
{
	struct user_console *con = &consoles[vtermno];
	long n;

	if (con->fd->out < 0)
		return count;
	n = host_write(con->fd->out, buf, count);
	con->stalled = n == -EAGAIN;
	if (n > 0)
		return n;
	if (!con->stalled)
		return count;	/* nobody there: dropped */
	/* one descriptor is watched for one thing; hvc also tries by itself */
	if (con->out_event && con->fd->out != con->fd->in)
		host_watch(con->fd->out, con->out_event, true);
	return -EAGAIN;
}

static int console_flush(u32 vtermno, bool wait)
{
	/* kernel messages must not be lost, so printk tries again and again */
	if (!wait && consoles[vtermno].stalled)
		host_yield();
	return 0;
}

/* Output that the host has not taken yet gets a last chance. */
static int drain_output(struct notifier_block *nb, unsigned long action, void *data)
{
	unsigned long end = jiffies + msecs_to_jiffies(DRAIN_MS);
	int i;

	for (i = 0; i < HOST_MAX_CONSOLES; i++) {
		struct hvc_struct *hp = consoles[i].hp;

		while (hp && READ_ONCE(hp->n_outbuf) && time_before(jiffies, end)) {
			hvc_kick();
			usleep_range(1000, 2000);
		}
	}
	return NOTIFY_DONE;
}

static struct notifier_block drain_notifier = {
	.notifier_call	= drain_output,
};

/* --- opening and closing ------------------------------------------------- */

static void show_size(struct user_console *con)
{
	const struct host_console *fd = con->fd;
	struct winsize size = {};

	if (!fd->out_tty && !fd->in_tty)
		return;
	if (!host_window_size(fd->out_tty ? fd->out : fd->in, &size.ws_row, &size.ws_col))
		hvc_resize(con->hp, size);
}

void user_console_resize(void)
{
	int i;

	for (i = 0; i < HOST_MAX_CONSOLES; i++)
		if (consoles[i].started)
			show_size(&consoles[i]);
}

static void make_raw(struct tty_struct *tty)
{
	struct ktermios t = tty->termios;

	t.c_iflag = 0;
	t.c_oflag = 0;
	t.c_lflag = 0;
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	tty_set_termios(tty, &t);
}

/* Whether hvc looks for SysRq here: on the console of kernel messages. */
static bool shows_messages(int index)
{
	struct console *con;
	bool found = false;
	int cookie;

	cookie = console_srcu_read_lock();
	for_each_console_srcu(con)
		found |= !strcmp(con->name, "hvc") && con->index == index;
	console_srcu_read_unlock(cookie);
	return found;
}

static void start_input(struct user_console *con)
{
	if (con->fd->in_tty)
		host_tty_raw(con->fd->in);
	if (con->fd->in < 0)
		con->eof = true;
	else
		await_input(con);
	con->started = true;
}

static int console_open(struct hvc_struct *hp, int data)
{
	struct user_console *con = &consoles[hp->vtermno];

	/* we are told when there is input, hvc need not look for it */
	hp->irq_requested = 1;
	con->double_sysrq = IS_ENABLED(CONFIG_MAGIC_SYSRQ) && shows_messages(hp->index) &&
			    !(sysrq && con->fd->in_tty);
	if (!con->fd->in_tty)
		make_raw(hp->port.tty);
	if (!con->started)
		start_input(con);
	show_size(con);
	return 0;
}

static void console_close(struct hvc_struct *hp, int data)
{
	hp->irq_requested = 0;
}

static const struct hv_ops console_ops = {
	.get_chars		= console_get,
	.put_chars		= console_put,
	.flush			= console_flush,
	.notifier_add		= console_open,
	.notifier_del		= console_close,
	.notifier_hangup	= console_close,
};

/* --- start --------------------------------------------------------------- */

static int __init hvc_user_console_init(void)
{
	unsigned int i;

	end_of_input_init();
	for (i = 0; i < HOST_MAX_CONSOLES; i++) {
		consoles[i].fd = &host_boot_info()->console[i];
		if (console_exists(i))
			hvc_instantiate(i, i, &console_ops);
	}
	return 0;
}
console_initcall(hvc_user_console_init);

static int __init hvc_user_add(unsigned int n)
{
	struct user_console *con = &consoles[n];
	struct hvc_struct *hp;
	int ret;

	INIT_WORK(&con->tell, input_ended);
	ret = host_event_register(&con->in_event, input_event, con);
	if (ret)
		return ret;
	ret = host_event_register(&con->out_event, output_event, con);
	if (ret)
		goto out_in_event;
	hp = hvc_alloc(n, 0, &console_ops, OUT_SIZE);
	if (IS_ERR(hp)) {
		ret = PTR_ERR(hp);
		goto out_out_event;
	}
	WRITE_ONCE(con->hp, hp);
	return 0;

out_out_event:
	host_event_unregister(con->out_event);
	con->out_event = 0;
out_in_event:
	host_event_unregister(con->in_event);
	return ret;
}

static int __init hvc_user_init(void)
{
	unsigned int i;

	for (i = 0; i < HOST_MAX_CONSOLES; i++) {
		int ret = console_exists(i) ? hvc_user_add(i) : 0;

		if (ret)
			pr_err("hvc%u: cannot be added (%d)\n", i, ret);
	}
	return register_reboot_notifier(&drain_notifier);
}
device_initcall(hvc_user_init);
