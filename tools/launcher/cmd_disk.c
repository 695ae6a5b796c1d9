// SPDX-License-Identifier: GPL-2.0-only
/*
 * kernelet disk: disks that come and go while a guest runs.
 *
 * The files are opened, locked and looked at here; the guest's kernel, which opens
 * nothing, gets descriptors over a socket that its launcher has for it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "../disk_abi.h"
#include "control.h"
#include "disks.h"
#include "image.h"
#include "options.h"

#define ANSWER_MS	30000
#define LOOK_MS		1000	/* its kernel may hang */
#define OLD_ANSWERS	64	/* that others have not waited for, at most */

/* ---- words ---------------------------------------------------------------- */

static unsigned long rate(const char *word, const char *text)
{
	static const char units[] = "KMG";
	char *end;
	unsigned long n = strtoul(text, &end, 10);
	const char *unit = *end ? strchr(units, *end & ~0x20) : NULL;

	if (unit && !end[1] && n < 1UL << 20) {
		n <<= 10 * (unit - units + 1);
		end++;
	}
	if (*text < '0' || *text > '9' || *end || !n || n >= 1UL << 50)
		fail("disk: %s: not a number above 0; say for example iops=500 or bps=10M", word);
	return n;
}

static void set_format(int *format, int is)
{
	if (*format && *format != is)
		fail("disk: it is either raw or overlay, not both");
	*format = is;
}

static void take_word(struct disk_message *m, const char *word, int *format)
{
	if (!strcmp(word, "ro"))
		m->flags |= DISK_RO;
	else if (!strcmp(word, "direct"))
		m->flags |= DISK_DIRECT;
	else if (!strcmp(word, "sync"))
		m->flags |= DISK_SYNC;
	else if (!strcmp(word, "raw"))
		set_format(format, IMAGE_RAW);
	else if (!strcmp(word, "overlay"))
		set_format(format, IMAGE_OVERLAY);
	else if (!strcmp(word, "discard=on"))
		m->flags |= DISK_DISCARD;
	else if (!strcmp(word, "discard=off"))
		m->flags &= ~DISK_DISCARD;
	else if (!strncmp(word, "iops=", 5))
		m->iops = rate(word, word + 5);
	else if (!strncmp(word, "bps=", 4))
		m->bps = rate(word, word + 4);
	else if (!strncmp(word, "serial=", 7) && word[7] && strlen(word + 7) < DISK_ABI_SERIAL)
		strcpy(m->serial, word + 7);
	else if (!strncmp(word, "cow=", 4))
		fail("disk: %s: make it first, see kernelet image create, and name it alone", word);
	else
		fail("disk: %s: not known; ro, direct, sync, serial=S, discard=on|off, iops=N, "
		     "bps=N, raw and overlay are", word);
}

/* ---- files ---------------------------------------------------------------- */

static bool is_quick(int fd)
{
	static const unsigned int local[] = {
		EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, F2FS_SUPER_MAGIC,
		TMPFS_MAGIC,
	};
	struct statfs fs;
	size_t i;

	if (fstatfs(fd, &fs))
		return false;
	for (i = 0; i < ARRAY_SIZE(local); i++)
		if ((unsigned int)fs.f_type == local[i])
			return true;
	return false;
}

static void set_direct(struct disk_message *m, const struct image *im)
{
	struct statx stx;
	int block = 512;

	if (fcntl(im->fd, F_SETFL, fcntl(im->fd, F_GETFL) | O_DIRECT))
		fail("%s: its file system has no direct I/O: leave direct out", im->path);
	if (!statx(im->fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &stx) &&
	    stx.stx_mask & STATX_DIOALIGN && stx.stx_dio_offset_align) {
		m->block = m->block > stx.stx_dio_offset_align ? m->block :
								 stx.stx_dio_offset_align;
		m->align = m->align > stx.stx_dio_mem_align ? m->align : stx.stx_dio_mem_align;
	} else if (!ioctl(im->fd, BLKSSZGET, &block) && m->block < (unsigned int)block) {
		m->block = block;
		m->align = block;
	}
}

/* Fills in what is about the files; they stay open. */
static void take_files(struct disk_message *m, const char *path, int format, int *fds)
{
	char *error;
	struct image *im = image_open(path, format | (m->flags & DISK_RO ? 0 : IMAGE_WRITE),
				      &error);

	if (!im)
		fail("%s", error);
	if (!im->size)
		fail("%s: it is empty", path);
	if (im->size % 512)
		fail("%s: its size is not a multiple of 512 bytes", path);
	if (is_quick(im->fd))
		m->flags |= DISK_QUICK;
	for (; im; im = im->base) {
		if (m->flags & DISK_DIRECT)
			set_direct(m, im);
		m->size[m->layers] = im->size;
		m->overlay |= (unsigned int)im->overlay << m->layers;
		fds[m->layers++] = im->fd;
	}
	if (m->size[0] % m->block)
		fail("%s: its size is not a multiple of %u bytes, which direct I/O takes", path,
		     m->block);
}

/* ---- the kernel ----------------------------------------------------------- */

/* Return: false when there was no answer in time. */
static bool try_ask(int socket, struct disk_message *m, const int *fds, int ms,
		    struct disk_answer *a)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(DISK_ABI_LAYERS * sizeof(int))];
	} control = { .header = {
		.cmsg_len = CMSG_LEN(m->layers * sizeof(int)),
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
	} };
	struct iovec iov = { (void *)m, sizeof(*m) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct pollfd p = { .fd = socket, .events = POLLIN };
	int i;

	if (m->layers) {
		memcpy(CMSG_DATA(&control.header), fds, m->layers * sizeof(int));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(m->layers * sizeof(int));
	}
	if (getrandom(&m->tag, sizeof(m->tag), 0) < 0 ||
	    sendmsg(socket, &msg, MSG_NOSIGNAL) != sizeof(*m))
		return false;
	/* others may not have waited for theirs */
	for (i = 0; i < OLD_ANSWERS; i++) {
		if (poll(&p, 1, ms) != 1 || recv(socket, a, sizeof(*a), MSG_DONTWAIT) != sizeof(*a))
			return false;
		if (a->tag == m->tag)
			return true;
	}
	return false;
}

static struct disk_answer ask(const char *guest, struct disk_message *m, const int *fds)
{
	struct disk_answer a;
	int socket = -1;

	free(control_ask(guest, &socket, "disk"));
	if (!try_ask(socket, m, fds, ANSWER_MS, &a))
		fail("%s: its kernel does not answer", guest);
	close(socket);
	return a;
}

/* Calls for each disk. Return: false when there was no answer, with @trouble. */
static bool each_disk(const char *guest, void (*fn)(const struct disk_answer *a, void *data),
		      void *data, char **trouble)
{
	struct disk_message m = { .version = DISK_ABI_VERSION, .what = DISK_LOOK };
	struct disk_answer a;
	int control __auto_fd = entry_connect(guest, trouble), socket __auto_fd = -1;
	char answer[256];

	if (control < 0)
		return false;
	if (!control_exchange(control, answer, sizeof(answer), &socket, "disk") || socket < 0) {
		*trouble = print("%s: %s", guest, *answer ? answer + 1 : "its launcher has gone");
		return false;
	}
	for (m.number = 0; m.number < MAX_DISKS; m.number++) {
		if (!try_ask(socket, &m, NULL, LOOK_MS, &a)) {
			*trouble = print("%s: its kernel does not answer", guest);
			return false;
		}
		if (!a.error)
			fn(&a, data);
	}
	return true;
}

static void add_up(const struct disk_answer *a, void *data)
{
	unsigned long *sum = data;

	sum[0] += a->read;
	sum[1] += a->written;
}

char *disks_counted(const char *guest)
{
	unsigned long sum[2] = { 0 };
	char *trouble __auto_free = NULL;

	if (!each_disk(guest, add_up, sum, &trouble))
		return print("%s", "");
	return print("read=%lu\nwritten=%lu\n", sum[0], sum[1]);
}

/* ---- add, remove, list ---------------------------------------------------- */

static int add(const char *guest, const char *text)
{
	struct disk_message m = {
		.version = DISK_ABI_VERSION, .what = DISK_ADD, .number = ~0U,
		.flags = DISK_DISCARD, .block = 512, .align = 4,
	};
	const char *rest;
	char *path = disk_path(text, &rest), *word, *save = NULL;
	int fds[DISK_ABI_LAYERS], format = 0;
	struct disk_answer a;

	if (*rest) {
		char *words = print("%s", rest + 1);

		for (word = strtok_r(words, ",", &save); word; word = strtok_r(NULL, ",", &save))
			take_word(&m, word, &format);
		free(words);
	}
	take_files(&m, path, format, fds);
	a = ask(guest, &m, fds);
	if (a.error)
		fail("%s: %s: %s", guest, path, strerror(-a.error));
	if (a.number >= MAX_DISKS)
		fail("%s: its kernel answers nonsense", guest);
	printf("/dev/ud%c\n", 'a' + a.number);
	free(path);
	return 0;
}

static int remove_disk(const char *guest, const char *name)
{
	struct disk_message m = { .version = DISK_ABI_VERSION, .what = DISK_REMOVE };
	struct disk_answer a;

	if (!strncmp(name, "/dev/", 5))
		name += 5;
	if (strncmp(name, "ud", 2) || name[2] < 'a' || name[2] > 'z' || name[3])
		fail("disk remove: %s: not a disk; say for example uda", name);
	m.number = name[2] - 'a';
	a = ask(guest, &m, NULL);
	if (a.error == -EBUSY)
		fail("%s: %s: it is in use in the guest: unmount it first", guest, name);
	if (a.error)
		fail("%s: %s: there is no such disk", guest, name);
	return 0;
}

static void show(const struct disk_answer *a, void *data)
{
	(void)data;
	printf("/dev/ud%c %14llu %10llu %10llu %14llu %14llu\n", 'a' + a->number % MAX_DISKS,
	       (unsigned long long)a->size, (unsigned long long)a->reads,
	       (unsigned long long)a->writes, (unsigned long long)a->read,
	       (unsigned long long)a->written);
}

static int list(const char *guest)
{
	char *trouble;

	printf("%-8s %14s %10s %10s %14s %14s\n", "DISK", "SIZE", "READS", "WRITES", "BYTES-READ",
	       "BYTES-WRITTEN");
	if (!each_disk(guest, show, NULL, &trouble))
		fail("%s", trouble);
	return 0;
}

static int run(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[0], "add"))
		return add(argv[1], argv[2]);
	if (argc == 3 && !strcmp(argv[0], "remove"))
		return remove_disk(argv[1], argv[2]);
	if (argc == 2 && !strcmp(argv[0], "list"))
		return list(argv[1]);
	fail("disk: say add NAME FILE[:WORD,...], remove NAME DISK, or list NAME");
}

const struct command cmd_disk = {
	.name = "disk",
	.summary = "Add disks to a guest that runs, and remove them.",
	.operands = "add NAME FILE[:WORD,...] | remove NAME DISK | list NAME",
	.complete = "add remove list",
	.text = "add prints the device's name in the guest. The words are those of --disk (see run),\n"
		"cow= apart: an overlay that was made by kernelet image create is named by itself.\n"
		"A disk that is in use in the guest is not removed. list shows what has been read and\n"
		"written, as the guest's kernel counts it.",
	.run = run,
};
