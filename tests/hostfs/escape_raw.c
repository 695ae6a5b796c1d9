// SPDX-License-Identifier: GPL-2.0-only
/*
 * A hostile guest kernel against kernelet-hostfs.
 *
 * usage: escape SERVER DIR REQUESTS [SEED]
 *
 * DIR holds "share", which is served, and beside it "secret". First the known
 * ways out one by one; then REQUESTS requests of random shape: lengths, names,
 * nodeids, handles, pieces and opcodes that no kernel sends. The server has to
 * live through all of it, and the word in "secret" must never turn up in guest
 * memory, nor may anything beside the share change. (Speaks TAP.)
 */
#include "raw_client.h"
#include <dirent.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define SECRET "the-word-that-is-kept"

static int tests;
static int failures;

static bool check(bool good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, what);
	failures += !good;
	return good;
}

static bool leaked(struct client *c)
{
	return memmem(c->ram, RAM_SIZE, SECRET, strlen(SECRET));
}

/* A word with a slash, dots, or nothing in it is no name. */
static void names(struct client *c)
{
	static const char *const bad[] = { "..", ".", "", "/", "../secret", "sub/../../secret",
					   "sub/file", "/etc/passwd" };
	uint64_t node;
	bool good = true;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		good &= client_lookup(c, 1, bad[i], &node) < 0;
	check(good, "names of more or less than one component are refused");
}

/* The reply's error to a request by a two-name opcode. */
static int rename_to(struct client *c, const char *from, const char *to)
{
	struct {
		struct fuse_rename2_in in;
		char names[512];
	} r = { .in = { .newdir = 1 } };
	size_t len = strlen(from) + 1;

	memcpy(r.names, from, len);
	memcpy(r.names + len, to, strlen(to) + 1);
	return client_call(c, FUSE_RENAME2, 1, &r, sizeof(r.in) + len + strlen(to) + 1, NULL, 0);
}

static int open_node(struct client *c, uint64_t node, uint32_t flags, uint64_t *fh)
{
	struct fuse_open_in in = { .flags = flags };
	struct fuse_open_out out = { 0 };
	int error = client_call(c, FUSE_OPEN, node, &in, sizeof(in), &out, sizeof(out));

	*fh = out.fh;
	return error;
}

static void links(struct client *c)
{
	uint64_t node, fh;
	int error = client_lookup(c, 1, "out", &node);

	check(!error && open_node(c, node, O_RDONLY, &fh) < 0 &&
	      client_lookup(c, node, "secret", &node) < 0,
	      "a symbolic link that leads out is neither opened nor walked through");
	check(rename_to(c, "file", "../stolen") < 0 && rename_to(c, "../secret", "mine") < 0,
	      "nothing is moved out or in");
}

static void special(struct client *c)
{
	uint64_t node, fh;

	check(!client_lookup(c, 1, "fifo", &node) && open_node(c, node, O_RDONLY, &fh) < 0,
	      "a FIFO is not opened");
}

static void forged(struct client *c)
{
	struct fuse_read_in in = { .size = 64 };
	uint64_t node = 0, other = 0, fh;
	char out[64];
	bool good = true;
	uint64_t i;

	for (i = 2; i < 300; i++)
		good &= client_lookup(c, i << 32 | 1, "file", &node) == -ESTALE &&
			client_lookup(c, i, "file", &node) == -ESTALE;
	check(good, "forged nodeids are stale");
	client_lookup(c, 1, "file", &node);
	client_lookup(c, 1, "other", &other);
	good = !open_node(c, node, O_RDONLY, &fh);
	in.fh = fh;
	good = good && !client_call(c, FUSE_READ, node, &in, sizeof(in), out, sizeof(out));
	good = good && client_call(c, FUSE_READ, other, &in, sizeof(in), out, sizeof(out)) == -EBADF;
	for (i = 1; i < 64; i++) {
		in.fh = fh + (i << 32);
		good = good && client_call(c, FUSE_READ, node, &in, sizeof(in), out,
					   sizeof(out)) == -EBADF;
	}
	check(good, "forged handles, and another file's, are bad");
}

/* One thread swaps a directory and a link that leads out; lookups go on. */
struct swap {
	const char *dir;
	volatile bool stop;
};

static void *swapper(void *arg)
{
	struct swap *s = arg;
	char a[4096], b[4096];

	snprintf(a, sizeof(a), "%s/share/sub", s->dir);
	snprintf(b, sizeof(b), "%s/share/out", s->dir);
	while (!s->stop)
		syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, 2 /* RENAME_EXCHANGE */);
	return NULL;
}

static void races(struct client *c, const char *dir)
{
	struct swap s = { .dir = dir };
	bool good = true;
	pthread_t t;
	int i;

	pthread_create(&t, NULL, swapper, &s);
	for (i = 0; i < 3000 && good; i++) {
		uint64_t node, fh;

		if (client_lookup(c, 1, "sub", &node))
			continue;
		good = client_lookup(c, node, "secret", &node) < 0;
		if (!client_lookup(c, node, "file", &node) &&
		    !open_node(c, node, O_RDONLY, &fh)) {
			struct fuse_read_in in = { .fh = fh, .size = 64 };
			struct fuse_release_in rel = { .fh = fh };
			char out[64];

			client_call(c, FUSE_READ, node, &in, sizeof(in), out, sizeof(out));
			client_call(c, FUSE_RELEASE, node, &rel, sizeof(rel), NULL, 0);
		}
	}
	s.stop = true;
	pthread_join(t, NULL);
	check(good && !leaked(c), "a rename race leads nowhere");
}

/* ---- random requests ----------------------------------------------------- */

static uint64_t state;

static uint64_t rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static uint64_t some(const uint64_t *list, size_t n)
{
	return list[rnd() % n];
}

static uint64_t nasty(void)
{
	static const uint64_t list[] = { 0, 1, 2, 7, 8, 63, 64, 4095, 4096, 65536, 1 << 20,
		RAM_SIZE - 1, RAM_SIZE, RAM_SIZE + 1, 0x7fffffff, 0x80000000, 0xffffffff,
		1ULL << 32 | 1, 1ULL << 32 | 2, 1ULL << 32 | 3, 1ULL << 63, ~0ULL, ~0ULL - 7 };

	return rnd() % 4 ? some(list, sizeof(list) / sizeof(*list)) : rnd();
}

static size_t put_string(uint8_t *p, size_t room)
{
	static const char *const words[] = { "..", "file", "sub", "out", "../secret", "/", "a/b",
		"new", "other", "user.x", "security.capability", "", "." , "fifo", "secret" };
	const char *w = words[rnd() % (sizeof(words) / sizeof(*words))];
	size_t len = strlen(w) + (rnd() % 8 != 0);

	if (!(rnd() % 16)) {
		len = rnd() % 5000;
		if (len > room)
			len = room;
		memset(p, 'x', len);
		return len;
	}
	if (len > room)
		return 0;
	memcpy(p, w, len);
	return len;
}

static void fill(struct hostfs_slot *s, uint64_t unique)
{
	struct fuse_in_header h = { 0 };
	size_t at = sizeof(h), fixed = rnd() % 12 * 8, i;

	memset(s, 0, sizeof(*s));
	for (i = 0; i < fixed; i += 8) {
		uint64_t v = nasty();

		memcpy(s->data + at, &v, 8);
		at += 8;
	}
	for (i = rnd() % 3; i; i--)
		at += put_string(s->data + at, sizeof(s->data) - at);
	h.opcode = rnd() % 16 ? rnd() % 56 : nasty();
	/* the session would have to be begun again */
	if (h.opcode == FUSE_DESTROY || h.opcode == FUSE_INIT)
		h.opcode = rnd() % 64 ? FUSE_LOOKUP : h.opcode;
	h.nodeid = rnd() % 3 ? 1 + rnd() % 2 * ((1ULL << 32) + rnd() % 8) : nasty();
	h.unique = rnd() % 16 ? unique : nasty();
	h.uid = nasty();
	h.gid = nasty();
	h.total_extlen = rnd() % 16 ? 0 : rnd();
	s->in_inline = at;
	s->in_segs = rnd() % 4 ? 0 : rnd() % 4;
	s->out_segs = rnd() % 3;
	s->out_inline = rnd() % 4 ? rnd() % 4096 : nasty();
	h.len = at;
	for (i = 0; i < HOSTFS_SEGS; i++) {
		bool good = rnd() % 8;

		s->seg[i].addr = good ? DATA_AT + rnd() % 65536 : nasty();
		s->seg[i].len = good ? rnd() % 65536 : nasty();
		if (i < s->in_segs)
			h.len += s->seg[i].len;
	}
	if (!(rnd() % 16))
		h.len = nasty();
	memcpy(s->data, &h, sizeof(h));
	if (!(rnd() % 16))
		s->in_inline = nasty();
	if (!(rnd() % 16))
		s->in_segs = nasty();
	if (!(rnd() % 16))
		s->out_segs = nasty();
}

/* Meanwhile the same slot is written to: copies must have been made. */
static void *scribbler(void *arg)
{
	struct client *c = arg;

	while (c->unique) {
		struct hostfs_slot *s = slot_of(c, 1 + rnd() % 8);

		((volatile uint8_t *)s)[rnd() % 256] = rnd();
		((volatile uint8_t *)s->data)[rnd() % 256] = rnd();
	}
	return NULL;
}

static void random_requests(struct client *c, long count)
{
	bool alive = true;
	pthread_t t;
	long i;

	pthread_create(&t, NULL, scribbler, c);
	for (i = 0; i < count && alive; i++) {
		int n = 1 + i % 8;

		if (!(i % 100))
			client_init(c);
		fill(slot_of(c, n), c->unique += 2);
		if (!(i % 500))
			c->control->slot[n] = nasty() & ~7ULL;
		if (i % 500 && !(i % 7))
			__atomic_fetch_or(&c->control->posted, rnd() & 0x1fe, __ATOMIC_SEQ_CST);
		alive = client_post(c, n);
		c->control->slot[n] = SLOTS_AT + (uint64_t)n * HOSTFS_SLOT_SIZE;
	}
	c->unique = 0;
	pthread_join(t, NULL);
	c->unique = 1000000000;
	check(alive && client_alive(c), "the server lives");
	printf("# %ld requests\n", i);
}

static long count_entries(const char *path)
{
	DIR *d = opendir(path);
	long n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

static bool secret_intact(const char *dir)
{
	char path[4096], buf[64] = "";
	int fd;

	snprintf(path, sizeof(path), "%s/secret", dir);
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, buf, sizeof(buf) - 1) < 0)
		return false;
	close(fd);
	return !strcmp(buf, SECRET);
}

static void put(const char *dir, const char *name, const char *text)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	if (!f || fputs(text, f) < 0 || fclose(f))
		exit(1);
}

static void make(const char *dir)
{
	char path[4096], target[4096];

	put(dir, "secret", SECRET);
	snprintf(path, sizeof(path), "%s/share", dir);
	mkdir(path, 0755);
	put(dir, "share/file", "a file");
	put(dir, "share/other", "another");
	snprintf(path, sizeof(path), "%s/share/sub", dir);
	mkdir(path, 0755);
	put(dir, "share/sub/file", "below");
	snprintf(path, sizeof(path), "%s/share/out", dir);
	if (symlink("..", path))
		exit(1);
	snprintf(path, sizeof(path), "%s/share/fifo", dir);
	mkfifo(path, 0600);
	snprintf(path, sizeof(path), "%s/share/sub/way", dir);
	snprintf(target, sizeof(target), "%s/secret", dir);
	if (symlink(target, path))
		exit(1);
}

int main(int argc, char **argv)
{
	struct client c;
	char share[4096];
	char *server[16] = { argv[1], "--dir", share };
	long beside;
	int n = 3;

	setvbuf(stdout, NULL, _IONBF, 0);
	if (argc < 4)
		return 2;
	if (getenv("HOSTFS_OPTION"))
		server[n++] = getenv("HOSTFS_OPTION");
	state = argc > 4 ? strtoull(argv[4], NULL, 0) : 88172645463325252ULL;
	make(argv[2]);
	beside = count_entries(argv[2]);
	snprintf(share, sizeof(share), "%s/share", argv[2]);
	if (!check(client_start(&c, server, n) && !client_init(&c), "the server answers"))
		goto out;
	names(&c);
	links(&c);
	special(&c);
	forged(&c);
	races(&c, argv[2]);
	random_requests(&c, atol(argv[3]));
	check(!leaked(&c), "what lies beside the share was not read");
	check(secret_intact(argv[2]) && count_entries(argv[2]) == beside,
	      "what lies beside the share was not changed");
	check(client_attach(&c) && !client_init(&c) && !client_lookup(&c, 1, "sub", NULL),
	      "a new guest is served");
	client_stop(&c);
out:
	printf("1..%d\n", tests);
	return failures;
}
