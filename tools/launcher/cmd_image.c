// SPDX-License-Identifier: GPL-2.0-only
/*
 * kernelet image: make images of disks and work on them.
 *
 * What is qcow2 is qemu-img's business.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "image.h"
#include "image_new.h"
#include "image_work.h"
#include "options.h"

#define DIVISORS	"KMGT"

static struct settings {
	const char *size, *base, *block, *format, *from;
	bool json, only_name, shrink;
} settings;

#define IMAGE(member, ...) OPTION(struct settings, member, __VA_ARGS__)

static const struct option options[] = {
	IMAGE(size, .name = "size", .kind = OPT_SIZE, .value = "SIZE",
	      .help = "create: of the disk (the base's)"),
	IMAGE(base, .name = "base", .kind = OPT_TEXT, .value = "FILE", .complete = "file",
	      .help = "create, rebase: what an overlay lies over"),
	IMAGE(block, .name = "block", .kind = OPT_SIZE, .value = "SIZE",
	      .help = "create: of an overlay's blocks, 4K to 2M (4K up to 64G)"),
	IMAGE(format, .name = "format", .kind = OPT_TEXT, .value = "FORMAT",
	      .complete = "raw qcow2",
	      .help = "create, convert: raw or qcow2 (by the name's end)"),
	IMAGE(from, .name = "from", .kind = OPT_TEXT, .value = "FORMAT",
	      .complete = "raw overlay qcow2",
	      .help = "what FILE is, where its mark or name does not tell: raw, overlay or qcow2"),
	IMAGE(only_name, .name = "only-name", .kind = OPT_FLAG,
	      .help = "rebase: the new base holds the same; copy nothing"),
	IMAGE(shrink, .name = "shrink", .kind = OPT_FLAG,
	      .help = "resize: a raw image may lose what is behind its new end"),
	IMAGE(json, .name = "json", .kind = OPT_FLAG, .help = "info: as JSON"),
};

/* ---- small things --------------------------------------------------------- */

static uint64_t size_of(const char *what, const char *text)
{
	char *end;
	uint64_t n = strtoull(text, &end, 10);
	const char *unit = *end ? strchr(DIVISORS, *end & ~0x20) : NULL;

	if (unit && !end[1]) {
		int shift = 10 * (unit - DIVISORS + 1);

		if (n > COW_MAX_SIZE >> shift)
			fail("%s: %s is too much", what, text);
		n <<= shift;
		end++;
	}
	if (*text < '0' || *text > '9' || *end || !n)
		fail("%s: %s is not a size; say for example 512M or 20G", what, text);
	if (n > COW_MAX_SIZE)
		fail("%s: %s is too much", what, text);
	if (n % 512)
		fail("%s: %s is not a multiple of 512 bytes", what, text);
	return n;
}

static struct image *must_open(const char *path, int flags)
{
	char *error;
	struct image *im = image_open(path, flags, &error);

	if (!im)
		fail("%s", error);
	return im;
}

/* FILE itself, of which --from may say what it is. */
static struct image *open_named(const char *path, int flags)
{
	static const char *const formats[] = { "raw", "overlay", "qcow2" };
	size_t i = 0;

	while (settings.from && i < ARRAY_SIZE(formats) && strcmp(settings.from, formats[i]))
		i++;
	if (i == ARRAY_SIZE(formats))
		fail("--from=%s: not known; raw, overlay and qcow2 are", settings.from);
	if (settings.from && i == 2)
		fail("%s: no qcow2 image", path);
	if (settings.from)
		flags |= i ? IMAGE_OVERLAY : IMAGE_RAW;
	return must_open(path, flags);
}

#define NOT_FOUND	127	/* exit status, as a shell has it */

static void qemu_img(const char *const *words)
{
	int status = image_child(words);

	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND)
		fail("qemu-img cannot be run; it comes with the package qemu-utils");
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		fail("qemu-img has failed, see above");
}

/* A name as qemu-img takes it: what stands before a colon would be a protocol. */
static char *qemu_name(const char *path)
{
	return print("%s%s", *path == '/' ? "" : "./", path);
}

static bool ends_in(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && !strcmp(s + n - m, end);
}

/* Of a new image: what --format or its name's end says. */
static const char *format_of(const char *path)
{
	const char *format = settings.format ? settings.format :
			     ends_in(path, ".qcow2") ? "qcow2" : "raw";

	if (strcmp(format, "raw") && strcmp(format, "qcow2"))
		fail("--format=%s: not known; raw and qcow2 are", format);
	return format;
}

/* The begin of a qcow2 image; numbers are big-endian. */
struct qcow2_header {
	char magic[4];
	uint8_t version[4];
	uint8_t backing_file_offset[8];
	uint8_t others[56];
	uint8_t incompatible_features[8];
};

#define QCOW2_DATA_FILE	4	/* in the last byte of @incompatible_features */

/*
 * Whether a file is qcow2: what it begins with is not enough, since a guest can write
 * that to a raw disk.  Such an image may name other files of the host.
 */
static bool is_qcow2(const char *path)
{
	int fd __auto_fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct qcow2_header h = { .magic = "" };
	static const uint8_t none[8];

	if (fd < 0 || pread(fd, &h, sizeof(h), 0) < 4 || memcmp(h.magic, "QFI\xfb", 4))
		return false;
	if (settings.from ? strcmp(settings.from, "qcow2") : !ends_in(path, ".qcow2")) {
		if (settings.from)
			return false;
		fail("%s: it begins like a qcow2 image, and is not named so: "
		     "say --from=qcow2 if it is one, --from=raw if a guest wrote that", path);
	}
	if (memcmp(h.backing_file_offset, none, sizeof(none)))
		fail("%s: it lies over another file: see qemu-img convert", path);
	if (h.version[3] >= 3 && h.incompatible_features[7] & QCOW2_DATA_FILE)
		fail("%s: its data is in another file: see qemu-img convert", path);
	return true;
}

/* ---- create --------------------------------------------------------------- */

static unsigned int block_shift(uint64_t size)
{
	unsigned int shift = COW_MIN_SHIFT;
	uint64_t block;

	if (!settings.block)
		return cow_usual_shift(size);
	block = size_of("--block", settings.block);
	while (shift < COW_MAX_SHIFT && 1ULL << shift < block)
		shift++;
	if (1ULL << shift != block)
		fail("--block=%s: not a power of two from 4K to 2M", settings.block);
	return shift;
}

static void create_overlay(const char *path)
{
	struct image *base = must_open(settings.base, 0);
	uint64_t size = settings.size ? size_of("--size", settings.size) : base->size;
	unsigned int shift = block_shift(size);
	struct cow_header h;
	char *error, *full;
	int fd, copy;

	if (size % 512 || base->size % 512)
		fail("%s: its size is not a multiple of 512 bytes; see kernelet image resize",
		     settings.base);
	if (size < base->size)
		fail("--size=%s: less than the base has", settings.size);
	cow_header_init(&h, size, shift);
	if (getrandom(h.uuid, COW_UUID_SIZE, 0) != COW_UUID_SIZE)
		fail("no random numbers: %s", strerror(errno));
	fd = image_new(path);
	full = realpath(path, NULL);
	if (!full || !image_set_base(&h, base, full, &error))
		fail("%s", full ? error : path);
	cow_header_seal(&h);
	for (copy = 0; copy < 2; copy++)
		if (write_all(fd, &h, sizeof(h), copy * sizeof(h)))
			fail("%s: %s", path, strerror(errno));
	/* room for the map: a flush is not to fail for lack of it */
	if (fallocate(fd, 0, h.map_offset, cow_map_pages(size, shift) * COW_MAP_PAGE) &&
	    errno != EOPNOTSUPP)
		fail("%s: %s", path, strerror(errno));
	if (ftruncate(fd, h.data_offset + size) || fsync(fd))
		fail("%s: %s", path, strerror(errno));
	if (!image_mark(fd, &h))
		complain("%s: its file system keeps no marks: say overlay where it is used", path);
}

static void create_qcow2(const char *path)
{
	char *size __auto_free = NULL, *name __auto_free = qemu_name(path);

	if (settings.base || !settings.size)
		fail("image create: a qcow2 image takes --size, and no --base here");
	size = print("%llu", (unsigned long long)size_of("--size", settings.size));
	close(image_new(path));
	qemu_img((const char *const []){ "qemu-img", "create", "-q", "-f", "qcow2", name, size,
					 NULL });
}

static void create_raw(const char *path)
{
	uint64_t size;

	if (!settings.size)
		fail("image create: how large? Say --size=SIZE, or --base=FILE");
	size = size_of("--size", settings.size);
	if (ftruncate(image_new(path), size))
		fail("%s: %s", path, strerror(errno));
}

static int create(char **words)
{
	if (!strcmp(format_of(words[0]), "qcow2"))
		create_qcow2(words[0]);
	else if (settings.base)
		create_overlay(words[0]);
	else
		create_raw(words[0]);
	image_stays(words[0]);
	return 0;
}

/* ---- info ----------------------------------------------------------------- */

static uint64_t blocks_held(const struct image *im)
{
	uint64_t n = 0, i;

	for (i = 0; i < image_blocks(im); i++)
		n += image_has(im, i);
	return n;
}

static void info_json(const struct image *im)
{
	char *time __auto_free = image_time(im->header.base_sec, im->header.base_nsec);

	fputs("{ \"file\": ", stdout);
	json_text(stdout, im->path);
	printf(", \"format\": \"%s\", \"size\": %llu, \"used\": %llu",
	       im->overlay ? "overlay" : "raw", (unsigned long long)im->size,
	       (unsigned long long)im->st.st_blocks * 512);
	if (im->overlay) {
		printf(", \"block\": %u, \"blocks\": %llu, \"committing\": %s, \"base\": ",
		       1u << im->header.block_shift, (unsigned long long)blocks_held(im),
		       im->header.flags & COW_COMMITTING ? "true" : "false");
		json_text(stdout, im->header.base_name);
		printf(", \"base_time\": \"%s\"", time);
	}
	puts(" }");
}

static void info_text(const struct image *im)
{
	printf("file:    %s\nformat:  %s\nsize:    %llu bytes\nused:    %llu bytes\n", im->path,
	       im->overlay ? "overlay" : "raw", (unsigned long long)im->size,
	       (unsigned long long)im->st.st_blocks * 512);
	if (im->overlay) {
		char *time __auto_free = image_time(im->header.base_sec, im->header.base_nsec);
		char *base __auto_free = text_clean(im->header.base_name,
						    strlen(im->header.base_name), "");

		printf("blocks:  %llu of %u bytes\nbase:    %s, as of %s\n",
		       (unsigned long long)blocks_held(im), 1u << im->header.block_shift,
		       base, time);
		if (im->header.flags & COW_COMMITTING)
			puts("commit:  was interrupted, repeat it");
	}
}

static int info(char **words)
{
	struct image *im;

	if (is_qcow2(words[0])) {
		char *name __auto_free = qemu_name(words[0]);

		qemu_img((const char *const []){ "qemu-img", "info", settings.json ?
						 "--output=json" : "--output=human", "-f", "qcow2",
						 name, NULL });
		return 0;
	}
	im = open_named(words[0], IMAGE_NO_BASE | IMAGE_COMMIT | IMAGE_ANY_MARK);
	if (settings.json)
		info_json(im);
	else
		info_text(im);
	image_close(im);
	return 0;
}

/* ---- check ---------------------------------------------------------------- */

/* What is wrong with an image and those that it lies over, a new string, or NULL. */
static char *layers_wrong(const struct image *im)
{
	for (; im; im = im->base) {
		char *wrong __auto_free = image_wrong(im);

		if (wrong)
			return print("%s: %s", im->path, wrong);
	}
	return NULL;
}

/* Before what it holds goes elsewhere. */
static void must_be_right(const struct image *im)
{
	char *wrong = layers_wrong(im);

	if (wrong)
		fail("%s", wrong);
}

static int check(char **words)
{
	struct image *im;
	char *wrong;

	if (is_qcow2(words[0])) {
		char *name __auto_free = qemu_name(words[0]);

		qemu_img((const char *const []){ "qemu-img", "check", "-f", "qcow2", name, NULL });
		return 0;
	}
	im = open_named(words[0], 0);
	wrong = layers_wrong(im);
	if (wrong)
		complain("%s", wrong);
	else
		puts("no errors");
	image_close(im);
	return !!wrong;
}

/* ---- resize --------------------------------------------------------------- */

static void resize_overlay(struct image *im, uint64_t size)
{
	if (size < im->size)
		fail("%s: an overlay does not become smaller", im->path);
	if (cow_map_pages(size, im->header.block_shift) * COW_MAP_PAGE > im->header.map_size)
		fail("%s: its map has no room for so much; see kernelet image convert", im->path);
	if (image_settle_end(im, size))
		fail("%s: %s", im->path, strerror(errno));
	im->header.size = size;
	if (ftruncate(im->fd, im->header.data_offset + size) || fdatasync(im->fd) ||
	    image_save_header(im))
		fail("%s: %s", im->path, strerror(errno));
}

static int resize(char **words)
{
	uint64_t size = size_of("image resize", words[1]);
	struct image *im;

	if (is_qcow2(words[0])) {
		char *name __auto_free = qemu_name(words[0]);
		char *bytes __auto_free = print("%llu", (unsigned long long)size);

		qemu_img((const char *const []){ "qemu-img", "resize", settings.shrink ?
						 "--shrink" : "-q", "-q", "-f", "qcow2", name,
						 bytes, NULL });
		return 0;
	}
	im = open_named(words[0], IMAGE_WRITE);
	if (im->overlay)
		resize_overlay(im, size);
	else if (!S_ISREG(im->st.st_mode))
		fail("%s: not a file", words[0]);
	else if (size < im->size && !settings.shrink)
		fail("%s: it would lose what is behind %s; see --shrink", words[0], words[1]);
	else if (ftruncate(im->fd, size) || fsync(im->fd))
		fail("%s: %s", words[0], strerror(errno));
	image_close(im);
	return 0;
}

/* ---- the long ones -------------------------------------------------------- */

static int commit(char **words)
{
	struct image *im = open_named(words[0], IMAGE_WRITE | IMAGE_NO_BASE | IMAGE_COMMIT);
	bool again = im->overlay && im->header.flags & COW_COMMITTING;

	if (!im->overlay)
		fail("%s: no overlay: there is nothing to commit it to", words[0]);
	image_close(im);
	im = open_named(words[0], IMAGE_WRITE | (again ? IMAGE_COMMIT : 0));
	must_be_right(im);
	image_commit(im);
	image_close(im);
	return 0;
}

static int rebase(char **words)
{
	struct image *im, *base;

	if (!settings.base)
		fail("image rebase: onto what? Say --base=FILE");
	im = open_named(words[0], IMAGE_WRITE | (settings.only_name ? IMAGE_NO_BASE | IMAGE_ANY_MARK : 0));
	if (!im->overlay)
		fail("%s: no overlay: it has no base", words[0]);
	base = must_open(settings.base, 0);
	must_be_right(im);
	must_be_right(base);
	image_rebase(im, base, settings.only_name);
	image_close(im);
	return 0;
}

static void convert_qcow2(const char *from, const char *to, const char *from_format,
			  const char *to_format)
{
	char *in __auto_free = qemu_name(from), *out __auto_free = qemu_name(to);

	qemu_img((const char *const []){ "qemu-img", "convert", isatty(2) ? "-p" : "-q", "-f",
					 from_format, "-O", to_format, in, out, NULL });
}

/* To raw from ours; qcow2 by way of a raw file beside it. */
static void convert_ours(struct image *im, const char *to, int fd, bool to_raw)
{
	char *temporary __auto_free = print("%s.%d.raw", to, getpid());

	if (to_raw) {
		image_flatten(im, to, fd);
		return;
	}
	fd = image_new(temporary);
	image_flatten(im, temporary, fd);
	close(fd);
	convert_qcow2(temporary, to, "raw", "qcow2");
}

static int convert(char **words)
{
	const char *format = format_of(words[1]);
	bool qcow2 = is_qcow2(words[0]);
	struct image *im = NULL;
	int fd;

	if (!qcow2) {
		im = open_named(words[0], 0);
		must_be_right(im);
	}
	fd = image_new(words[1]);
	if (qcow2)
		convert_qcow2(words[0], words[1], "qcow2", format);
	else
		convert_ours(im, words[1], fd, !strcmp(format, "raw"));
	image_close(im);
	close(fd);
	image_stays(words[1]);
	return 0;
}

/* ---- which ---------------------------------------------------------------- */

static const struct {
	const char *name;
	int n_words;
	const char *usage;
	int (*run)(char **words);
} actions[] = {
	{ "create", 1, "FILE --size=SIZE, or FILE --base=FILE", create },
	{ "info", 1, "FILE", info },
	{ "commit", 1, "OVERLAY", commit },
	{ "rebase", 1, "OVERLAY --base=FILE", rebase },
	{ "convert", 2, "FROM TO", convert },
	{ "check", 1, "FILE", check },
	{ "resize", 2, "FILE SIZE", resize },
};

extern const struct command cmd_image;

/* Options may stand behind the words too: they are about an action. */
static int run(int argc, char **argv)
{
	char *words[3] = { NULL };
	int n = 0;
	size_t i;

	if (argc < 1)
		fail("image: what? Say create, info, commit, rebase, convert, check or resize");
	for (i = 0; i < ARRAY_SIZE(actions); i++)
		if (!strcmp(actions[i].name, argv[0]))
			break;
	if (i == ARRAY_SIZE(actions))
		fail("image: no %s; say create, info, commit, rebase, convert, check or resize",
		     argv[0]);
	for (argc--, argv++; argc; ) {
		int took = command_option(&cmd_image, argc, argv);

		if (!took && n < actions[i].n_words)
			words[n++] = argv[0];
		else if (!took)
			fail("image %s: %s is one word too many; say kernelet image %s %s",
			     actions[i].name, argv[0], actions[i].name, actions[i].usage);
		argc -= took ? took : 1;
		argv += took ? took : 1;
	}
	if (n < actions[i].n_words)
		fail("image %s: say kernelet image %s %s", actions[i].name, actions[i].name,
		     actions[i].usage);
	return actions[i].run(words);
}

const struct command cmd_image = {
	.name = "image",
	.summary = "Make and change images of disks.",
	.operands = "create|info|commit|rebase|convert|check|resize FILE [WORD]",
	.complete = "create info commit rebase convert check resize",
	.text = "create makes a raw image, which takes space as it is written to, or with --base\n"
		"an overlay: what is written to it stays in it, and the base is only read. A base\n"
		"is not to change as long as it has overlays.\n"
		"commit writes what an overlay holds into its base, and empties it.\n"
		"rebase puts an overlay over another base; what the disk holds stays the same.\n"
		"convert makes one file of all layers, raw or qcow2, or a raw one of a qcow2 image.\n"
		"A guest can write to a raw disk what makes it look like an overlay, or a qcow2\n"
		"image, over any file. So an overlay is one by a mark that create leaves with the\n"
		"file, an extended attribute, and a qcow2 image by its name's end; --from says so\n"
		"where a copy has lost the mark.",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.settings = &settings,
	.run = run,
};
