// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/hostchan0 to /dev/hostchan15: what chan0= to chan15= of the command line
 * name, pairs of host descriptors that bytes pass through as they are.
 *
 * Theory of operation
 *
 * A read() or write() of the guest is one of the host: a large one straight into
 * or out of the caller's pages, a small one by way of a buffer.  Nothing is read
 * ahead, so what the guest leaves in a pipe or file stays there for whoever reads
 * it next, and a message of a packet socket stays a message (up to DIRECT_PAGES
 * of the caller's).  Who has to wait does so on a queue that the host's I/O
 * thread wakes: the descriptor is watched only while somebody waits.
 *
 * The descriptors are to be non-blocking, or regular files: a vCPU must not be
 * caught in the host.
 *
 * Programs look at what their standard streams are, and treat a character
 * device as something other than a pipe.  HOST_CHANNEL_STREAM makes a file that
 * says that it is a pipe, for the launcher's init to hand to its command.  It
 * may be opened again through /proc/PID/fd.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/splice.h>
#include <linux/uio.h>
#include <asm/host.h>
#include <asm/host_events.h>

#define CHANNEL_BUF	SZ_16K	/* to copy that much costs less than to find the pages */
#define DIRECT_PAGES	64

/* ioctl: a pipe-like file, O_RDONLY or O_WRONLY as the argument says */
#define HOST_CHANNEL_STREAM	_IO('k', 1)

/**
 * struct channel_side - one direction of a channel
 * @fd:		the host's descriptor, or -1
 * @write:	this is the direction out of the guest
 * @event:	for host_watch()
 * @woken:	the host said that the descriptor is ready, or cannot tell
 * @wait:	who waits for that
 * @lock:	held while bytes move
 * @buf:	CHANNEL_BUF bytes
 * @page:	the caller's pages
 * @iov:	the same for the host
 */
struct channel_side {
	int fd;
	bool write;
	u32 event;
	bool woken;
	wait_queue_head_t wait;
	struct mutex lock;	/* a call's bytes stay together; @buf, @page, @iov */
	void *buf;
	struct page *page[DIRECT_PAGES];
	struct host_iov iov[DIRECT_PAGES];
};

/**
 * struct channel - a channel
 * @in:		from the host
 * @out:	to the host
 * @name:	of the device
 * @dev:	the device
 */
struct channel {
	struct channel_side in;
	struct channel_side out;
	char name[16];
	struct miscdevice dev;
};

static const struct file_operations stream_fops;

/* --- waiting --------------------------------------------------------------- */

static void side_event(void *data)
{
	struct channel_side *s = data;

	WRITE_ONCE(s->woken, true);
	wake_up_interruptible_all(&s->wait);
}

/* An event that comes at once when the descriptor is ready already. */
static void side_watch(struct channel_side *s)
{
	WRITE_ONCE(s->woken, false);
	if (host_watch(s->fd, s->event, s->write))
		WRITE_ONCE(s->woken, true);
}

static int side_wait(struct channel_side *s, struct file *file)
{
	if (file->f_flags & O_NONBLOCK)
		return -EAGAIN;
	side_watch(s);
	return wait_event_interruptible(s->wait, READ_ONCE(s->woken));
}

static __poll_t side_poll(struct channel_side *s, __poll_t mask)
{
	if (s->fd < 0)
		return 0;
	if (host_ready(s->fd, s->write))
		return mask;
	side_watch(s);
	return 0;
}

static __poll_t channel_poll(struct file *file, struct poll_table_struct *pt)
{
	struct channel *ch = file->private_data;
	__poll_t mask = 0;

	if (file->f_mode & FMODE_READ) {
		poll_wait(file, &ch->in.wait, pt);
		mask |= side_poll(&ch->in, EPOLLIN | EPOLLRDNORM);
	}
	if (file->f_mode & FMODE_WRITE) {
		poll_wait(file, &ch->out.wait, pt);
		mask |= side_poll(&ch->out, EPOLLOUT | EPOLLWRNORM);
	}
	return mask;
}

/* --- moving bytes ---------------------------------------------------------- */

/* Adds memory to @iov, which has room for it; the number of pieces then. */
static int add_pieces(struct host_iov *iov, int n, struct page **page, size_t offset, size_t len)
{
	while (len) {
		void *p = page_address(*page++) + offset;
		size_t l = min(len, PAGE_SIZE - offset);

		if (n && iov[n - 1].base + iov[n - 1].len == p)
			iov[n - 1].len += l;
		else
			iov[n++] = (struct host_iov){ p, l };
		len -= l;
		offset = 0;
	}
	return n;
}

/* One call of the host on the caller's pages, as many as we take. */
static ssize_t move_direct(struct channel_side *s, struct iov_iter *iter)
{
	bool pinned = iov_iter_extract_will_pin(iter);
	size_t all = iov_iter_count(iter);
	int pages = 0, pieces = 0;
	ssize_t len, n;

	while (pages < DIRECT_PAGES && iov_iter_count(iter)) {
		struct page **page = &s->page[pages];
		size_t offset;

		len = iov_iter_extract_pages(iter, &page, DIRECT_PAGES * PAGE_SIZE,
					     DIRECT_PAGES - pages, 0, &offset);
		if (len <= 0)
			break;
		pieces = add_pieces(s->iov, pieces, page, offset, len);
		pages += DIV_ROUND_UP(offset + len, PAGE_SIZE);
	}
	if (!pages)
		return -EFAULT;
	n = s->write ? host_writev(s->fd, s->iov, pieces) : host_readv(s->fd, s->iov, pieces);
	if (pinned)
		unpin_user_pages_dirty_lock(s->page, pages, !s->write && n > 0);
	iov_iter_revert(iter, all - iov_iter_count(iter) - max_t(ssize_t, n, 0));
	return n;
}

static ssize_t read_copied(struct channel_side *s, struct iov_iter *to)
{
	ssize_t n = host_read(s->fd, s->buf, iov_iter_count(to));

	if (n > 0 && copy_to_iter(s->buf, n, to) != n)
		n = -EFAULT;
	return n;
}

static ssize_t read_once(struct channel_side *s, struct iov_iter *to)
{
	ssize_t n;

	if (mutex_lock_interruptible(&s->lock))
		return -ERESTARTSYS;
	n = iov_iter_count(to) <= CHANNEL_BUF ? read_copied(s, to) : move_direct(s, to);
	mutex_unlock(&s->lock);
	return n;
}

static ssize_t channel_read(struct kiocb *iocb, struct iov_iter *to)
{
	struct channel *ch = iocb->ki_filp->private_data;
	ssize_t n;
	int ret;

	if (ch->in.fd < 0 || !iov_iter_count(to))
		return 0;
	for (;;) {
		n = read_once(&ch->in, to);
		if (n != -EAGAIN)
			return n;
		ret = side_wait(&ch->in, iocb->ki_filp);
		if (ret)
			return ret;
	}
}

static ssize_t write_copied(struct channel_side *s, struct iov_iter *from)
{
	size_t count = iov_iter_count(from);
	ssize_t n;

	if (copy_from_iter(s->buf, count, from) != count)
		return -EFAULT;
	n = host_write(s->fd, s->buf, count);
	iov_iter_revert(from, count - max_t(ssize_t, n, 0));
	return n;
}

static ssize_t write_all(struct channel_side *s, struct iov_iter *from, struct file *file)
{
	size_t all = iov_iter_count(from);
	ssize_t ret = 0;

	while (iov_iter_count(from) && ret >= 0) {
		ret = iov_iter_count(from) <= CHANNEL_BUF ? write_copied(s, from) :
							  move_direct(s, from);
		if (ret == -EAGAIN)
			ret = side_wait(s, file);
		else if (!ret)
			ret = -EIO;
	}
	return all - iov_iter_count(from) ?: ret;
}

static ssize_t channel_write(struct kiocb *iocb, struct iov_iter *from)
{
	struct channel *ch = iocb->ki_filp->private_data;
	ssize_t ret;

	if (ch->out.fd < 0)
		return -EPIPE;
	if (mutex_lock_interruptible(&ch->out.lock))
		return -ERESTARTSYS;
	ret = write_all(&ch->out, from, iocb->ki_filp);
	mutex_unlock(&ch->out.lock);
	if (ret == -EPIPE)
		send_sig(SIGPIPE, current, 0);
	return ret;
}

/* --- files ----------------------------------------------------------------- */

static int channel_open(struct inode *inode, struct file *file)
{
	/* what misc_open() has left there */
	struct channel *ch = container_of(file->private_data, struct channel, dev);

	file->private_data = ch;
	return stream_open(inode, file);
}

static int stream_reopen(struct inode *inode, struct file *file)
{
	file->private_data = inode->i_private;
	return stream_open(inode, file);
}

static struct file *stream_file(struct channel *ch, int flags)
{
	struct file *file = anon_inode_create_getfile(ch->name, &stream_fops, ch, flags, NULL);
	struct inode *inode;

	if (IS_ERR(file))
		return file;
	inode = file_inode(file);
	inode->i_mode = S_IFIFO | 0600;
	inode->i_uid = current_fsuid();
	inode->i_gid = current_fsgid();
	inode->i_private = ch;
	inode->i_fop = &stream_fops;
	stream_open(inode, file);
	return file;
}

static long channel_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct file *stream;
	int fd;

	if (cmd != HOST_CHANNEL_STREAM)
		return -ENOTTY;
	if (arg != O_RDONLY && arg != O_WRONLY)
		return -EINVAL;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	stream = stream_file(file->private_data, arg);
	if (IS_ERR(stream)) {
		put_unused_fd(fd);
		return PTR_ERR(stream);
	}
	fd_install(fd, stream);
	return fd;
}

static const struct file_operations channel_fops = {
	.owner		= THIS_MODULE,
	.open		= channel_open,
	.read_iter	= channel_read,
	.write_iter	= channel_write,
	.splice_read	= copy_splice_read,
	.splice_write	= iter_file_splice_write,
	.poll		= channel_poll,
	.unlocked_ioctl	= channel_ioctl,
};

static const struct file_operations stream_fops = {
	.owner		= THIS_MODULE,
	.open		= stream_reopen,
	.read_iter	= channel_read,
	.write_iter	= channel_write,
	.splice_read	= copy_splice_read,
	.splice_write	= iter_file_splice_write,
	.poll		= channel_poll,
};

/* --- start ----------------------------------------------------------------- */

static int side_init(struct channel_side *s, int fd, bool write)
{
	s->fd = fd;
	s->write = write;
	mutex_init(&s->lock);
	init_waitqueue_head(&s->wait);
	if (fd < 0)
		return 0;
	s->buf = kmalloc(CHANNEL_BUF, GFP_KERNEL);
	if (!s->buf)
		return -ENOMEM;
	return host_event_register(&s->event, side_event, s);
}

static void side_free(struct channel_side *s)
{
	if (s->event)
		host_event_unregister(s->event);
	kfree(s->buf);
}

static int __init channel_add(unsigned int n, const struct host_channel *fd)
{
	struct channel *ch = kzalloc(sizeof(*ch), GFP_KERNEL);
	int ret;

	if (!ch)
		return -ENOMEM;
	ret = side_init(&ch->in, fd->in, false);
	if (ret)
		goto out_free;
	ret = side_init(&ch->out, fd->out, true);
	if (ret)
		goto out_free;
	snprintf(ch->name, sizeof(ch->name), "hostchan%u", n);
	ch->dev.minor = MISC_DYNAMIC_MINOR;
	ch->dev.name = ch->name;
	ch->dev.fops = &channel_fops;
	ch->dev.mode = 0600;
	ret = misc_register(&ch->dev);
	if (ret)
		goto out_free;
	return 0;

out_free:
	side_free(&ch->in);
	side_free(&ch->out);
	kfree(ch);
	return ret;
}

static int __init host_channel_init(void)
{
	unsigned int i;

	for (i = 0; i < HOST_MAX_CHANNELS; i++) {
		const struct host_channel *fd = &host_boot_info()->channel[i];
		int ret = fd->in < 0 && fd->out < 0 ? 0 : channel_add(i, fd);

		if (ret)
			pr_err("hostchan%u: cannot be added (%d)\n", i, ret);
	}
	return 0;
}
device_initcall(host_channel_init);
