// SPDX-License-Identifier: GPL-2.0-only
/*
 * Large files, which the guest reads by itself.
 *
 * Theory of operation: when a large file is opened to be read as a stream, the
 * server hands the open file over, in a message that names its handle and that is
 * sent before the reply.  A READ of it by a task that waits is then a read of the
 * host's page cache by the vCPU: no other thread has to run for that.  What is not
 * there, the end of the file, and every error is asked of the server, as if there
 * were nothing here.
 *
 * The server counts in the control page what it has handed over.  So it need not be
 * looked at the socket for every request, and when a RELEASE is sent its file has
 * been heard of.  No READ of a file is under way then: its number may be used again.
 */
#include <linux/spinlock.h>
#include <asm/host_share.h>
#include "hostfs.h"

/* Pieces of memory in one host call. */
#define READ_PIECES	64

static struct hostfs_file *find(struct hostfs_share *share, u64 fh)
{
	struct hostfs_file *f;

	for (f = share->file; f < share->file + HOSTFS_FILES; f++)
		if (f->held && f->fh == fh)
			return f;
	return NULL;
}

static void add(struct hostfs_share *share, u64 fh, int number)
{
	struct hostfs_file *f;

	for (f = share->file; f < share->file + HOSTFS_FILES; f++) {
		if (f->held)
			continue;
		*f = (struct hostfs_file){ .held = true, .fh = fh, .number = number };
		share->files++;
		return;
	}
	host_share_close(number);
}

static void drop(struct hostfs_share *share, struct hostfs_file *f)
{
	host_share_close(f->number);
	f->held = false;
	share->files--;
}

int hostfs_hear(struct hostfs_share *share, struct hostfs_message *m)
{
	int number, ret = host_share_receive(share->host, m, sizeof(*m), &number);

	if (ret)
		return ret;
	if (m->type == HOSTFS_FILE)
		share->heard++;
	if (m->type == HOSTFS_FILE && number >= 0)
		add(share, m->value, number);
	else if (number >= 0)
		host_share_close(number);
	return 0;
}

/* Under the lock.  Other messages than those about files are the work's. */
static void hear_of_files(struct hostfs_share *share)
{
	struct hostfs_message m;

	while (READ_ONCE(share->control->files) != share->heard) {
		int ret = hostfs_hear(share, &m);

		if (ret == -EAGAIN)
			break;
		if (ret || m.type != HOSTFS_FILE)
			mod_delayed_work(system_highpri_wq, &share->work, 0);
		if (ret)
			break;
	}
}

static bool any_files(const struct hostfs_share *share)
{
	return READ_ONCE(share->files) || READ_ONCE(share->control->files) != share->heard;
}

/* The number of a file, or -1. */
static int number_of(struct hostfs_share *share, u64 fh)
{
	struct hostfs_file *f;
	int number = -1;

	if (!any_files(share))
		return -1;
	spin_lock(&share->lock);
	hear_of_files(share);
	f = share->running ? find(share, fh) : NULL;
	if (f && !f->useless)
		number = f->number;
	spin_unlock(&share->lock);
	return number;
}

static void set_useless(struct hostfs_share *share, u64 fh)
{
	struct hostfs_file *f;

	spin_lock(&share->lock);
	f = find(share, fh);
	if (f)
		f->useless = true;
	spin_unlock(&share->lock);
}

/* Pages from @i on: how many pieces they make, and up to which page. */
static unsigned int pieces(const struct fuse_args_pages *ap, struct host_iov *iov, unsigned int *i)
{
	unsigned int n = 0;

	for (; *i < ap->num_pages; ++*i) {
		void *at = page_address(ap->pages[*i]) + ap->descs[*i].offset;
		unsigned int len = ap->descs[*i].length;

		if (n && iov[n - 1].base + iov[n - 1].len == at) {
			iov[n - 1].len += len;
			continue;
		}
		if (n == READ_PIECES)
			break;
		iov[n++] = (struct host_iov){ at, len };
	}
	return n;
}

/* 0 when all pages have been read to, else an errno. */
static int read_pages(int number, const struct fuse_args_pages *ap, u64 pos)
{
	struct host_iov iov[READ_PIECES];
	unsigned int i = 0, k;

	while (i < ap->num_pages) {
		unsigned int n = pieces(ap, iov, &i);
		size_t len = 0;
		long got;

		for (k = 0; k < n; k++)
			len += iov[k].len;
		got = host_share_read(number, iov, n, pos);
		if (got != len)
			return got < 0 ? got : -EAGAIN;
		pos += len;
	}
	return 0;
}

bool hostfs_file_read(struct hostfs_share *share, struct fuse_req *req)
{
	struct fuse_args *args = req->args;
	const struct fuse_args_pages *ap = container_of(args, typeof(*ap), args);
	const struct fuse_read_in *in = args->in_args[0].value;
	u32 size = 0;
	int i, ret, number;

	if (req->in.h.opcode != FUSE_READ || test_bit(FR_BACKGROUND, &req->flags))
		return false;
	number = number_of(share, in->fh);
	if (number < 0)
		return false;
	for (i = 0; i < ap->num_pages; i++)
		size += ap->descs[i].length;
	if (size != in->size)
		return false;
	ret = read_pages(number, ap, in->offset);
	if (ret && ret != -EAGAIN)
		set_useless(share, in->fh);
	if (ret)
		return false;
	args->out_args[0].size = size;
	req->out.h.error = 0;
	return true;
}

void hostfs_file_released(struct hostfs_share *share, const struct fuse_req *req)
{
	const struct fuse_release_in *in = req->args->in_args[0].value;
	struct hostfs_file *f;

	if (req->in.h.opcode != FUSE_RELEASE || !any_files(share))
		return;
	spin_lock(&share->lock);
	hear_of_files(share);
	f = find(share, in->fh);
	if (f)
		drop(share, f);
	spin_unlock(&share->lock);
}

void hostfs_files_drop(struct hostfs_share *share)
{
	struct hostfs_file *f;

	spin_lock(&share->lock);
	for (f = share->file; f < share->file + HOSTFS_FILES; f++)
		if (f->held)
			drop(share, f);
	share->heard = 0;
	spin_unlock(&share->lock);
}
