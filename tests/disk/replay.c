// SPDX-License-Identifier: GPL-2.0-only
/*
 * replay base FILE: make the base of the workload of trace.h.
 * replay cuts LOG OVERLAY CUT COUNT: make COUNT files CUT in turn, each as a crash
 *	might have left OVERLAY, and check them.
 * replay one LOG OVERLAY CUT NUMBER OF: make the NUMBERth of OF cuts of any workload,
 *	on a disk that does not tear blocks of 4096 bytes, as file systems count on.
 *
 * LOG is faultfs's, OVERLAY the file before anything was done to it ("o..."), and
 * "a..." is what was acknowledged.  CUT has to be in the directory of OVERLAY, so
 * that it finds its base.
 *
 * A crash comes after any entry of the log.  What was written before the last
 * finished sync had begun is there; of everything later any sectors may be, in any
 * order.  Every such file has to open, to pass the check, and to hold for each
 * sector the version that was acknowledged or one written later.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../../tools/launcher/image_work.h"
#include "../../tools/launcher/util.h"
#include "trace.h"

static const char *trace, *trace_end;
static char *stable;			/* the file, of what is there for sure */
static size_t stable_size;
static uint64_t seed = 1;
static unsigned int unit = SECTOR;	/* that is written whole or not at all */

static unsigned int dice(unsigned int n)
{
	return mix(seed++) % n;
}

static void must(int ok, const char *what)
{
	if (!ok)
		fail("%s: %s", what, strerror(errno));
}

static const struct trace_entry *next_entry(const struct trace_entry *e)
{
	return (const void *)((const char *)(e + 1) + e->length);
}

static void apply(char *file, const struct trace_entry *e)
{
	const char *data = (const char *)(e + 1);

	if (e->kind == TRACE_WRITE && e->file == 'o' && e->offset + e->length <= stable_size)
		memcpy(file + e->offset, data, e->length);
}

/* Some sectors of a write, or all or none. */
static void apply_torn(char *file, const struct trace_entry *e)
{
	unsigned int how = dice(4);
	uint64_t at, n;

	if (e->kind != TRACE_WRITE || e->file != 'o' || !how)
		return;
	for (at = 0; at < e->length; at += n) {
		n = unit - (e->offset + at) % unit;
		if (n > e->length - at)
			n = e->length - at;

		if (e->offset + at + n <= stable_size && (how == 1 || dice(2)))
			memcpy(file + e->offset + at, (const char *)(e + 1) + at, n);
	}
}

/* The file as of a cut before @end; what comes after @from is not certain. */
static void make_cut(const char *path, const struct trace_entry *from,
		     const struct trace_entry *end)
{
	const struct trace_entry *list[4096], *e;
	char *file = malloc(stable_size);
	int n = 0, i, fd;

	memcpy(file, stable, stable_size);
	for (e = from; e < end && n < 4096; e = next_entry(e))
		if (e->kind == TRACE_WRITE)
			list[n++] = e;
	for (i = n; i > 1; i--) {
		int other = dice(i);
		const struct trace_entry *was = list[i - 1];

		list[i - 1] = list[other];
		list[other] = was;
	}
	for (i = 0; i < n; i++)
		apply_torn(file, list[i]);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	must(fd >= 0 && !write_all(fd, file, stable_size, 0), path);
	close(fd);
	free(file);
}

/* The highest step of a thread, up to @step, that wrote a sector. */
static unsigned int last_version(unsigned int sector, unsigned int step)
{
	unsigned int first, n;

	for (; step; step--) {
		step_range(sector / PART, step, &first, &n);
		if (sector >= first && sector < first + n)
			break;
	}
	return step;
}

static void check_cut(const char *path, const unsigned int *acked)
{
	uint64_t got[SECTOR / 8], want[SECTOR / 8];
	unsigned int sector, first, n;
	char *error, *wrong;
	struct image *im = image_open(path, IMAGE_OVERLAY, &error);

	if (!im)
		fail("it does not open: %s", error);
	wrong = image_wrong(im);
	if (wrong)
		fail("it does not pass the check: %s", wrong);
	for (sector = 0; sector < SECTORS; sector++) {
		unsigned int least = last_version(sector, acked[sector / PART]);

		must(!image_read(im, got, SECTOR, (uint64_t)sector * SECTOR), "read");
		fill_sector(want, sector, got[1]);
		if (memcmp(got, want, SECTOR))
			fail("sector %u holds garbage", sector);
		if (got[1] < least || got[1] > STEPS)
			fail("sector %u has version %u, %u was flushed", sector, (int)got[1], least);
		if (!got[1])
			continue;
		step_range(sector / PART, got[1], &first, &n);
		if (sector < first || sector >= first + n)
			fail("sector %u has a version that was never written", sector);
	}
	image_close(im);
}

static char *map_file(const char *path, size_t *size, int prot, int flags)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	char *p;

	must(fd >= 0 && !fstat(fd, &st), path);
	*size = st.st_size;
	p = mmap(NULL, st.st_size, prot, flags, fd, 0);
	must(p != MAP_FAILED, path);
	close(fd);
	return p;
}

static void open_trace(const char *log, const char *overlay)
{
	size_t size;

	trace = map_file(log, &size, PROT_READ, MAP_PRIVATE);
	trace_end = trace + size;
	stable = map_file(overlay, &stable_size, PROT_READ | PROT_WRITE, MAP_PRIVATE);
}

static int count_entries(void)
{
	const struct trace_entry *e;
	int n = 0;

	for (e = (const void *)trace; (const char *)e < trace_end; e = next_entry(e))
		n++;
	return n;
}

/* Goes through the log; calls for cuts as often as @count asks for, or for one. */
static int walk(const char *cut, int count, int only, int entries)
{
	const struct trace_entry *from = (const void *)trace, *begin = NULL, *e = from, *p;
	unsigned int acked[THREADS] = { 0 };
	int at, made = 0, uncertain = 0;

	for (at = 0; at < entries; at++) {
		while (made < (int)((long long)count * (at + 1) / entries)) {
			if (only < 0 || only == made) {
				make_cut(cut, from, e);
				uncertain += from != e;
			}
			if (only < 0)
				check_cut(cut, acked);
			made++;
		}
		if (e->kind == TRACE_WRITE && e->file == 'a')
			acked[e->offset / 4096 % THREADS] = *(const uint64_t *)(e + 1);
		if (e->kind == TRACE_SYNC_BEGIN && e->file == 'o')
			begin = e;
		if (e->kind == TRACE_SYNC_END && e->file == 'o' && begin) {
			for (p = from; p < begin; p = next_entry(p))
				apply(stable, p);
			from = begin;
			begin = NULL;
		}
		e = next_entry(e);
	}
	printf("%d cuts of %d entries, %d of them with writes that were under way\n", made, entries,
	       uncertain);
	return 0;
}

static int make_base(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666), i;
	uint64_t data[SECTOR / 8];

	must(fd >= 0, path);
	for (i = 0; i < SECTORS; i++) {
		fill_sector(data, i, 0);
		must(!write_all(fd, data, SECTOR, (uint64_t)i * SECTOR), path);
	}
	return close(fd);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "base"))
		return make_base(argv[2]);
	if (argc < 6)
		return 2;
	open_trace(argv[2], argv[3]);
	if (!strcmp(argv[1], "cuts"))
		return walk(argv[4], atoi(argv[5]), -1, count_entries());
	unit = 4096;
	return walk(argv[4], atoi(argv[6]), atoi(argv[5]), count_entries());
}
