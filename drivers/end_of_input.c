// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of a console's input, as readers in the guest see it.
 *
 * A pipe or a file ends, a terminal hangs up or goes on for ever.  hvc can only
 * hang up, which would take the output away too.  What is wanted is what a
 * pipe does: whoever reads gets what there was, then 0 for ever, and poll()
 * says that a read does not wait.  In each mode that programs put a terminal
 * into, and also for who waits already.
 *
 * Theory of operation
 *
 * n_tty_read() returns 0 instead of waiting when TTY_HUPPING is set on the
 * terminal; nothing else looks at that flag but the hangup itself.  It does not
 * look at the input again after it has seen the flag, so the flag is set only
 * when all input was read: by the reader that took the last of it, or by the
 * driver when nothing was left at the end.  Nothing arrives later.
 *
 * For poll(), and to see when the last was read, terminals use a line
 * discipline that is the stock N_TTY with its read and poll wrapped.  Only our
 * consoles ever are "ended"; all other terminals behave as before.
 */
#include <linux/poll.h>
#include <linux/tty.h>
#include <linux/tty_ldisc.h>
#include "hvc_user.h"

static struct tty_ldisc_ops n_tty __ro_after_init;
static struct tty_ldisc_ops n_tty_with_end __ro_after_init;

/* Ended, and nothing left to read. */
static bool all_read(struct tty_struct *tty)
{
	return user_console_ended(tty) && !(n_tty.poll(tty, NULL, NULL) & EPOLLIN);
}

/* Let readers go, when it is time.  The caller holds the line discipline. */
static void tell_readers(struct tty_struct *tty)
{
	if (!all_read(tty))
		return;
	set_bit(TTY_HUPPING, &tty->flags);
	wake_up_interruptible_poll(&tty->read_wait, EPOLLIN | EPOLLRDNORM);
}

void end_of_input_reached(struct tty_struct *tty)
{
	struct tty_ldisc *ld = tty_ldisc_ref_wait(tty);

	if (!ld)
		return;
	if (ld->ops == &n_tty_with_end)
		tell_readers(tty);
	tty_ldisc_deref(ld);
}

static ssize_t read_with_end(struct tty_struct *tty, struct file *file, u8 *buf, size_t nr,
			     void **cookie, unsigned long offset)
{
	ssize_t ret;

	/* a hangup in between has cleared the flag */
	if (!*cookie && unlikely(user_console_ended(tty)))
		tell_readers(tty);
	ret = n_tty.read(tty, file, buf, nr, cookie, offset);
	/* with a cookie the read goes on, and n_tty keeps its locks */
	if (!*cookie && unlikely(user_console_ended(tty)))
		tell_readers(tty);
	return ret;
}

static __poll_t poll_with_end(struct tty_struct *tty, struct file *file,
			      struct poll_table_struct *wait)
{
	__poll_t mask = n_tty.poll(tty, file, wait);

	if (!(mask & EPOLLIN) && unlikely(all_read(tty)))
		mask |= EPOLLIN | EPOLLRDNORM;
	return mask;
}

void __init end_of_input_init(void)
{
	n_tty_inherit_ops(&n_tty);
	n_tty_with_end = n_tty;
	n_tty_with_end.read = read_with_end;
	n_tty_with_end.poll = poll_with_end;
	tty_register_ldisc(&n_tty_with_end);
}
