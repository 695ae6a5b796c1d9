// SPDX-License-Identifier: GPL-2.0-only
/*
 * The options of disks: files are opened and locked, and what belongs together
 * is seen to fit, before anything starts.
 *
 *	diskN=FILE[,ro][,cow=FILE][,direct][,sync][,serial=S][,discard=on|off]
 *		[,iops=N][,bps=N][,raw|overlay]
 *
 * A file that is an overlay (drivers/cow_format.h) brings its base with it, and
 * that one's base.  cow= names an overlay over FILE, which is made if need be.
 * What FILE is its mark tells, or a word; what begins like an overlay and is not
 * marked as one is refused.
 * A file that is written to is locked for us alone, others against writers.
 */
#include <linux/magic.h>
#include <uapi/asm/stat.h>
#include <uapi/asm/statfs.h>
#include <uapi/linux/falloc.h>
#include <uapi/linux/fcntl.h>
#include <uapi/linux/fs.h>
#include <uapi/linux/stat.h>
#include <linux/sizes.h>
#include "../../drivers/cow_format.h"
#include "state.h"
#include "syscall.h"

#define HOST_PATH_SIZE	4096

/* What a file may be: what its mark says, raw whatever it begins with, any overlay. */
enum take { TAKE_MARKED, TAKE_RAW, TAKE_OVERLAY };

/**
 * struct opening - a disk while its option is looked at
 * @word:	the option
 * @disk:	result
 * @path:	FILE
 * @cow:	the file of cow=, or ""
 * @take:	what FILE may be
 * @st:		of the last file that was opened
 */
struct opening {
	const char *word;
	struct host_disk *disk;
	char path[HOST_PATH_SIZE];
	char cow[HOST_PATH_SIZE];
	enum take take;
	struct stat st;
};

/* --- words --------------------------------------------------------------------- */

static void copy_text(const char *word, char *to, size_t size, const char *s, size_t n)
{
	if (!n)
		host_usage_error(word, "a name is missing", "say for example disk0=root.ext4");
	if (n >= size)
		host_usage_error(word, "a name is too long", NULL);
	memcpy(to, s, n);
	to[n] = 0;
}

/* A number above 0 in @n bytes, which may end in K, M or G (of 1024). */
static u64 rate(const char *word, const char *s, size_t n)
{
	static const char units[] = "KMG";
	u64 v = 0;
	size_t i;

	for (i = 0; i < n && s[i] >= '0' && s[i] <= '9' && v < 1ULL << 50; i++)
		v = v * 10 + s[i] - '0';
	if (i && i == n - 1) {
		int unit = 0;

		while (units[unit] && units[unit] != (s[i] & ~0x20))
			unit++;
		if (units[unit]) {
			v <<= 10 * (unit + 1);
			i++;
		}
	}
	if (!v || i < n || v >= 1ULL << 50)
		host_usage_error(word, "iops= and bps= take a number above 0",
				 "say for example iops=500 or bps=10M");
	return v;
}

static void set_serial(const char *word, struct host_disk *d, const char *s, size_t n)
{
	size_t i;

	if (!n || n >= HOST_SERIAL_SIZE)
		host_usage_error(word, "serial= takes 1 to 20 characters", NULL);
	for (i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] > '~')
			host_usage_error(word, "serial= takes printable characters", NULL);
	copy_text(word, d->serial, HOST_SERIAL_SIZE, s, n);
}

static void take_cow(struct opening *o, const char *s, size_t n)
{
	copy_text(o->word, o->cow, sizeof(o->cow), s, n);
}

static void take_serial(struct opening *o, const char *s, size_t n)
{
	set_serial(o->word, o->disk, s, n);
}

static void take_iops(struct opening *o, const char *s, size_t n)
{
	o->disk->iops = rate(o->word, s, n);
}

static void take_bps(struct opening *o, const char *s, size_t n)
{
	o->disk->bps = rate(o->word, s, n);
}

static bool is_word(const char *s, size_t n, const char *name)
{
	return n == host_strlen(name) && host_starts(s, name);
}

/* NAME=VALUE, in @n bytes. */
static bool take_value(struct opening *o, const char *s, size_t n)
{
	static const struct {
		const char *name;
		void (*take)(struct opening *o, const char *s, size_t n);
	} values[] = {
		{ "cow=", take_cow }, { "serial=", take_serial },
		{ "iops=", take_iops }, { "bps=", take_bps },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		size_t len = host_strlen(values[i].name);

		if (n >= len && host_starts(s, values[i].name)) {
			values[i].take(o, s + len, n - len);
			return true;
		}
	}
	return false;
}

static void set_take(struct opening *o, enum take take)
{
	if (o->take != TAKE_MARKED && o->take != take)
		host_usage_error(o->word, "it is either raw or an overlay", NULL);
	o->take = take;
}

static void take_word(struct opening *o, const char *s, size_t n)
{
	struct host_disk *d = o->disk;

	if (is_word(s, n, "ro"))
		d->readonly = true;
	else if (is_word(s, n, "direct"))
		d->direct = true;
	else if (is_word(s, n, "sync"))
		d->sync = true;
	else if (is_word(s, n, "raw"))
		set_take(o, TAKE_RAW);
	else if (is_word(s, n, "overlay"))
		set_take(o, TAKE_OVERLAY);
	else if (is_word(s, n, "discard=on"))
		d->discard = true;
	else if (is_word(s, n, "discard=off"))
		d->discard = false;
	else if (!take_value(o, s, n))
		host_usage_error(o->word, "unknown words after the file's name",
				 "known are ro, cow=FILE, direct, sync, serial=S, "
				 "discard=on|off, iops=N, bps=N, raw and overlay");
}

static size_t word_length(const char *s)
{
	size_t n = 0;

	while (s[n] && s[n] != ',')
		n++;
	return n;
}

/* NAME=VALUE is said once: @s is the first word of all. */
static void check_once(const struct opening *o, const char *s, const char *word, size_t n)
{
	size_t name = 0;

	while (name < n && word[name] != '=')
		name++;
	for (; name < n && s < word; s += word_length(s) + 1)
		if (!memcmp(s, word, name + 1))
			host_usage_error(o->word, "a word is said twice", NULL);
}

static void take_words(struct opening *o, const char *value)
{
	size_t n = word_length(value);
	const char *first = value + n + 1;

	copy_text(o->word, o->path, sizeof(o->path), value, n);
	while (value[n]) {
		value += n + 1;
		n = word_length(value);
		check_once(o, first, value, n);
		take_word(o, value, n);
	}
}

/* --- what is said of a base that has changed -------------------------------------- */

static size_t put_number(char *to, u64 v, int digits)
{
	int i;

	for (i = digits; i--; v /= 10)
		to[i] = '0' + v % 10;
	return digits;
}

/* "2026-01-31 12:34:56.123456789", UTC */
static size_t put_time(char *to, s64 sec, u32 nsec)
{
	s64 days = sec / 86400, rest = sec % 86400, era, year;
	unsigned int day, month;
	size_t n = 0;

	if (rest < 0) {
		rest += 86400;
		days--;
	}
	/* years that begin in March, in eras of 400 of them */
	days += 719468;
	era = (days >= 0 ? days : days - 146096) / 146097;
	day = days - era * 146097;
	year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	day -= 365 * year + year / 4 - year / 100;
	month = (5 * day + 2) / 153;
	day -= (153 * month + 2) / 5 - 1;
	month = month < 10 ? month + 3 : month - 9;
	year += era * 400 + (month <= 2);
	n += put_number(to + n, year, 4);
	to[n++] = '-';
	n += put_number(to + n, month, 2);
	to[n++] = '-';
	n += put_number(to + n, day, 2);
	to[n++] = ' ';
	n += put_number(to + n, rest / 3600, 2);
	to[n++] = ':';
	n += put_number(to + n, rest / 60 % 60, 2);
	to[n++] = ':';
	n += put_number(to + n, rest % 60, 2);
	to[n++] = '.';
	return n + put_number(to + n, nsec, 9);
}

static size_t put_text(char *to, const char *s)
{
	size_t n = host_strlen(s);

	memcpy(to, s, n);
	return n;
}

static void __noreturn base_changed(const struct opening *o, const struct cow_header *h)
{
	char why[256];
	size_t n = put_text(why, "the base has changed since the overlay was made: then ");

	n += put_time(why + n, h->base_sec, h->base_nsec);
	n += put_text(why + n, ", now ");
	n += put_time(why + n, o->st.st_mtime, o->st.st_mtime_nsec);
	why[n] = 0;
	host_usage_error(o->word, why, "see kernelet image rebase");
}

/* --- files ---------------------------------------------------------------------- */

static u64 raw_size(const struct opening *o, int fd)
{
	u64 size;

	if (S_ISREG(o->st.st_mode))
		return o->st.st_size;
	if (S_ISBLK(o->st.st_mode) && !sys3(__NR_ioctl, fd, BLKGETSIZE64, &size))
		return size;
	host_usage_error(o->word, "neither a regular file nor a block device", NULL);
}

static void check_mode(const struct opening *o, int fd, bool write)
{
	long flags = sys3(__NR_fcntl, fd, F_GETFL, 0);

	if ((flags & O_ACCMODE) == O_WRONLY)
		host_usage_error(o->word, "that descriptor is open for writing only", NULL);
	if (write && (flags & O_ACCMODE) == O_RDONLY)
		host_usage_error(o->word, "that descriptor is open for reading only", "add ,ro");
}

static int open_path(const struct opening *o, const char *path, bool write)
{
	int fd;

	if (!host_starts(path, "fd:"))
		return host_open_file(o->word, path, write ? O_RDWR : O_RDONLY);
	fd = host_inherited_fd(o->word, path + 3);
	check_mode(o, fd, write);
	return fd;
}

static void self_path(char *name, int fd)
{
	size_t n = put_text(name, "/proc/self/fd/"), digits = 1;
	int v;

	for (v = fd; v >= 10; v /= 10)
		digits++;
	n += put_number(name + n, fd, digits);
	name[n] = 0;
}

/* A file's path as the host has it, without links and dots. */
static void real_path(const struct opening *o, int fd, char *path)
{
	char name[32];
	long ret;

	self_path(name, fd);
	ret = sys3(__NR_readlink, name, path, HOST_PATH_SIZE - 1);
	if (ret < 0 || path[0] != '/')
		host_usage_error(o->word, "the file's path cannot be found out", "is /proc mounted?");
	path[ret] = 0;
}

/*
 * A block device that is written to is ours alone, by whatever name, and not mounted:
 * O_EXCL, which says nothing of a file.  The lock belongs to an open file of its own: what
 * a ring has registered is kept for a while when the process has ended.
 * Return: that, or -1 when it could not be opened again and @fd has the lock.
 */
static int lock_file(const char *word, int fd, bool write)
{
	struct flock lock = { .l_type = write ? F_WRLCK : F_RDLCK };
	char name[32];
	long lock_fd, ret;

	self_path(name, fd);
	lock_fd = sys3(__NR_open, name, (write ? O_RDWR | O_EXCL : O_RDONLY) | O_CLOEXEC, 0);
	if (lock_fd == -HOST_EBUSY)
		host_usage_error(word, "in use by the host, another guest or program",
				 "a disk has one writer");
	if (lock_fd < 0)
		lock_fd = -1;
	ret = sys3(__NR_fcntl, lock_fd < 0 ? fd : lock_fd, F_OFD_SETLK, &lock);
	if (ret == -HOST_EAGAIN || ret == -HOST_EACCES)
		host_usage_error(word, "in use by another guest or program", write ?
				 "a disk has one writer" : "it is being written to");
	return lock_fd;
}

/* --- layers --------------------------------------------------------------------- */

static struct host_disk_layer *add_layer(struct opening *o, int fd, bool write)
{
	struct host_disk *d = o->disk;
	struct host_disk_layer *l = &d->layer[d->layers];

	if (d->layers == HOST_DISK_LAYERS)
		host_usage_error(o->word, "too many overlays over one another", "the most is 31");
	if (sys2(__NR_fstat, fd, &o->st) < 0)
		host_usage_error(o->word, "cannot be looked at", NULL);
	l->fd = fd;
	l->size = raw_size(o, fd);
	l->lock_fd = lock_file(o->word, fd, write);
	l->file = host->disk_fds;
	host->disk_fd[host->disk_fds] = fd;
	host->disk_lock_fd[host->disk_fds++] = l->lock_fd;
	d->layers++;
	return l;
}

/* A file without a header. */
static void check_raw_mark(const struct opening *o, const struct host_disk_layer *l)
{
	if (host_disk_marked(l->fd, NULL) != HOST_UNMARKED)
		host_usage_error(o->word, "marked as an overlay, and its header is gone",
				 "raw takes it as it is");
}

static void check_mark(const struct opening *o, const struct host_disk_layer *l,
		       const struct cow_header *h)
{
	switch (host_disk_marked(l->fd, h)) {
	case HOST_UNMARKED:
		host_usage_error(o->word, "it begins like an overlay, and is not marked as one",
				 "say overlay if it is yours, raw if a guest wrote that");
	case HOST_MARK_OTHER:
		host_usage_error(o->word, "the overlay names another base than it was made for",
				 "see kernelet image rebase");
	case HOST_MARK_FITS:
		break;
	}
}

/*
 * Reads the header of the last layer.
 * Return: false when it is a raw file.
 */
static bool read_header(const struct opening *o, struct host_disk_layer *l,
			struct cow_header *h, enum take take)
{
	struct cow_header both[2] = { };
	const char *wrong;
	int which;

	if (take == TAKE_RAW)
		return false;
	if (sys4(__NR_pread64, l->fd, both, sizeof(both), 0) < 0)
		host_usage_error(o->word, "cannot be read", NULL);
	/* either copy may be damaged */
	if (!cow_is_overlay(&both[0]) && (!cow_is_overlay(&both[1]) || cow_header_wrong(&both[1]))) {
		check_raw_mark(o, l);
		return false;
	}
	which = cow_header_choose(both, &wrong);
	if (which < 0)
		host_usage_error(o->word, wrong, NULL);
	*h = both[which];
	if (take == TAKE_MARKED)
		check_mark(o, l, h);
	if (cow_is_cut(h, l->size))
		host_usage_error(o->word, "the overlay has been cut: its file is shorter than it was made",
				 "what it held is lost");
	if (h->flags & COW_COMMITTING)
		host_usage_error(o->word, "a commit of this overlay was interrupted",
				 "repeat kernelet image commit");
	l->overlay = true;
	l->size = h->size;
	return true;
}

static void base_path(const struct opening *o, int fd, const struct cow_header *h, char *path)
{
	size_t n = 0, i;

	if (h->base_name[0] != '/') {
		real_path(o, fd, path);
		for (i = 0; path[i]; i++)
			if (path[i] == '/')
				n = i + 1;
	}
	copy_text(o->word, path + n, HOST_PATH_SIZE - n, h->base_name, host_strlen(h->base_name));
}

static bool no_uuid(const struct cow_header *h)
{
	u8 bits = 0;
	int i;

	for (i = 0; i < COW_UUID_SIZE; i++)
		bits |= h->base_uuid[i];
	return !bits;
}

/* The base that an overlay was made for, @st being its file. */
static void check_base(const struct opening *o, const struct cow_header *h,
		       const struct host_disk_layer *base, const struct cow_header *base_header)
{
	if (S_ISREG(o->st.st_mode) && (o->st.st_mtime != h->base_sec ||
				       o->st.st_mtime_nsec != h->base_nsec))
		base_changed(o, h);
	if (base->size != h->base_size)
		host_usage_error(o->word, "the base has another size than when the overlay was made",
				 "see kernelet image rebase");
	if (base->overlay ? memcmp(h->base_uuid, base_header->uuid, COW_UUID_SIZE) :
			    !no_uuid(h))
		host_usage_error(o->word, "the base is not the file that the overlay was made for",
				 "see kernelet image rebase");
}

/* The last layer is an overlay with this header: its base, and so on. */
static void add_bases(struct opening *o, const struct cow_header *top, enum take take)
{
	struct cow_header h = *top, next;
	char path[HOST_PATH_SIZE];
	bool more = true;

	while (more) {
		struct host_disk_layer *l = &o->disk->layer[o->disk->layers - 1], *base;

		base_path(o, l->fd, &h, path);
		base = add_layer(o, host_open_file(o->word, path, O_RDONLY), false);
		more = read_header(o, base, &next, take);
		check_base(o, &h, base, &next);
		h = next;
		if (take == TAKE_RAW)
			take = TAKE_MARKED;
	}
}

/* --- cow= ----------------------------------------------------------------------- */

static void write_all(const struct opening *o, int fd, const void *data, size_t n, u64 pos)
{
	if (sys4(__NR_pwrite64, fd, data, n, pos) != n)
		host_usage_error(o->word, "the overlay cannot be written", "is the disk full?");
}

static void make_overlay(struct opening *o, int fd, int base_fd, const struct host_disk_layer *base,
			 const struct cow_header *base_header)
{
	char base_path[HOST_PATH_SIZE], path[HOST_PATH_SIZE];
	struct cow_header h;
	int copy;

	cow_header_init(&h, base->size, cow_usual_shift(base->size));
	sys3(__NR_getrandom, h.uuid, COW_UUID_SIZE, 0);
	h.base_size = base->size;
	if (S_ISREG(o->st.st_mode)) {
		h.base_sec = o->st.st_mtime;
		h.base_nsec = o->st.st_mtime_nsec;
	}
	if (base->overlay)
		memcpy(h.base_uuid, base_header->uuid, COW_UUID_SIZE);
	real_path(o, base_fd, base_path);
	real_path(o, fd, path);
	if (cow_relative(h.base_name, base_path, path))
		host_usage_error(o->word, "the base's path is too long", NULL);
	cow_header_seal(&h);
	if (sys2(__NR_ftruncate, fd, h.data_offset + h.size) < 0)
		host_usage_error(o->word, "the overlay cannot be made so large", NULL);
	for (copy = 0; copy < 2; copy++)
		write_all(o, fd, &h, sizeof(h), copy * sizeof(h));
	/* room for the map: a flush is not to fail for lack of it */
	sys4(__NR_fallocate, fd, 0, h.map_offset,
	     cow_map_pages(h.size, h.block_shift) * COW_MAP_PAGE);
	host_disk_mark(fd, &h);
	sys1(__NR_fdatasync, fd);
}

/* Also when a start that was killed has given it its length and no more. */
static bool is_empty(int fd)
{
	struct stat st;

	return !sys2(__NR_fstat, fd, &st) && S_ISREG(st.st_mode) &&
	       sys3(__NR_lseek, fd, 0, SEEK_DATA) == -HOST_ENXIO;
}

static int open_overlay(struct opening *o)
{
	long fd;

	if (host_starts(o->cow, "fd:") || o->disk->readonly)
		return open_path(o, o->cow, !o->disk->readonly);
	fd = sys3(__NR_open, o->cow, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	return fd >= 0 ? fd : host_open_file(o->word, o->cow, O_RDWR);
}

/* Whether the overlay's base, which has been opened, is the file FILE. */
static void check_same(struct opening *o, int base_fd)
{
	struct stat given, named;

	if (o->disk->layers < 2 || sys2(__NR_fstat, base_fd, &given) < 0 ||
	    sys2(__NR_fstat, o->disk->layer[1].fd, &named) < 0 ||
	    given.st_dev != named.st_dev || given.st_ino != named.st_ino)
		host_usage_error(o->word, "the overlay was made for another base",
				 "see kernelet image info");
}

static void check_size(const struct opening *o, u64 size)
{
	if (!size)
		host_usage_error(o->word, "it is empty", "truncate -s 1G makes it a disk of 1 GB");
	if (size % 512)
		host_usage_error(o->word, "its size is not a multiple of 512 bytes",
				 "truncate -s %512 makes it one");
}

/* Before an overlay is made over it. */
static void check_raw(struct opening *o, int fd)
{
	if (sys2(__NR_fstat, fd, &o->st) < 0)
		host_usage_error(o->word, "cannot be looked at", NULL);
	check_size(o, raw_size(o, fd));
}

static void open_cow(struct opening *o)
{
	struct cow_header h;
	int base_fd = open_path(o, o->path, false), fd;

	check_raw(o, base_fd);
	fd = open_overlay(o);

	if (is_empty(fd) && !o->disk->readonly) {
		struct host_disk scratch = { }, *disk = o->disk;
		unsigned int fds = host->disk_fds;
		struct host_disk_layer *base;
		int lock_fd;

		lock_fd = lock_file(o->word, fd, true);
		o->disk = &scratch;
		base = add_layer(o, base_fd, false);
		read_header(o, base, &h, o->take);
		make_overlay(o, fd, base_fd, base, &h);
		sys1(__NR_close, lock_fd);
		sys1(__NR_close, base->lock_fd);
		host->disk_fds = fds;
		o->disk = disk;
	}
	/* its base is known: it needs no mark */
	if (!read_header(o, add_layer(o, fd, !o->disk->readonly), &h, TAKE_OVERLAY))
		host_usage_error(o->word, "the file of cow= is no overlay", NULL);
	add_bases(o, &h, o->take);
	check_same(o, base_fd);
	sys1(__NR_close, base_fd);
}

static void open_plain(struct opening *o)
{
	int fd = open_path(o, o->path, !o->disk->readonly);
	struct host_disk_layer *l = add_layer(o, fd, !o->disk->readonly);
	struct cow_header h;

	if (read_header(o, l, &h, o->take))
		add_bases(o, &h, o->take);
}

/* --- what requests have to be like ------------------------------------------------ */

static void set_direct(const struct opening *o)
{
	struct host_disk *d = o->disk;
	unsigned int i;

	for (i = 0; i < d->layers; i++) {
		int fd = d->layer[i].fd, block = 512;
		struct statx stx = { };
		long flags = sys3(__NR_fcntl, fd, F_GETFL, 0);

		if (sys3(__NR_fcntl, fd, F_SETFL, flags | O_DIRECT) < 0)
			host_usage_error(o->word, "its file system has no direct I/O",
					 "leave direct out");
		if (!sys5(__NR_statx, fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &stx) &&
		    stx.stx_mask & STATX_DIOALIGN && stx.stx_dio_offset_align) {
			d->block = max(d->block, stx.stx_dio_offset_align);
			d->align = max(d->align, stx.stx_dio_mem_align);
		} else if (!sys3(__NR_ioctl, fd, BLKSSZGET, &block)) {
			d->block = max_t(u32, d->block, block);
			d->align = max_t(u32, d->align, block);
		}
	}
}

/* File systems where a write to the page cache waits for nothing but memory. */
static bool is_quick(int fd)
{
	static const u32 local[] = {
		EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, F2FS_SUPER_MAGIC,
		TMPFS_MAGIC,
	};
	struct statfs fs;
	int i;

	if (sys2(__NR_fstatfs, fd, &fs) < 0)
		return false;
	for (i = 0; i < ARRAY_SIZE(local); i++)
		if (fs.f_type == local[i])
			return true;
	return false;
}

static void open_disk(struct opening *o)
{
	struct host_disk *d = o->disk;

	if (o->cow[0])
		open_cow(o);
	else
		open_plain(o);
	d->size = d->layer[0].size;
	d->quick = is_quick(d->layer[0].fd);
	check_size(o, d->size);
	if (!d->direct)
		return;
	set_direct(o);
	if (d->size % d->block)
		host_usage_error(o->word, "its size is not a multiple of what direct I/O takes",
				 "truncate -s %4096 makes it one");
}

/**
 * host_disk_option() - diskN=
 * @word:	the whole option
 * @value:	what follows the "="
 * @n:		the number
 */
void host_disk_option(const char *word, const char *value, unsigned int n)
{
	struct opening o = { .word = word, .disk = &host->boot.disk[n] };

	if (o.disk->layers || host->disk_word[n])
		host_usage_error(word, "this disk is named twice", NULL);
	o.disk->block = 512;
	o.disk->align = 4;
	o.disk->discard = true;
	take_words(&o, value);
	if (!o.cow[0]) {
		open_disk(&o);
		return;
	}
	/* which may make a file: this comes last */
	host->disk_word[n] = word;
	host->disk_value[n] = value;
}

/**
 * host_disk_options_end() - all options have been looked at: overlays may be made
 */
void host_disk_options_end(void)
{
	unsigned int n;

	for (n = 0; n < HOST_MAX_DISKS; n++) {
		struct opening o = { .word = host->disk_word[n], .disk = &host->boot.disk[n] };

		if (!o.word)
			continue;
		take_words(&o, host->disk_value[n]);
		open_disk(&o);
	}
}

/**
 * host_disk_engine_option() - disk_engine=
 * @word:	the whole option
 * @value:	what follows the "="
 * @n:		unused
 */
void host_disk_engine_option(const char *word, const char *value, unsigned int n)
{
	if (host_same(value, "auto"))
		host->disk_engine = DISK_ENGINE_AUTO;
	else if (host_same(value, "io_uring"))
		host->disk_engine = DISK_ENGINE_RINGS;
	else if (host_same(value, "threads"))
		host->disk_engine = DISK_ENGINE_THREADS;
	else
		host_usage_error(word, "no such engine", "auto, io_uring and threads are known");
}
