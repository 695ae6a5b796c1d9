// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "util.h"

void close_auto(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

void free_auto(void *p)
{
	free(*(void **)p);
}

/* One line, whatever the values that it quotes hold. */
static void say(const char *format, va_list args)
{
	char line[1024], *s;

	vsnprintf(line, sizeof(line), format, args);
	for (s = line; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 127)
			*s = '?';
	fprintf(stderr, "kernelet: %s\n", line);
}

void fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	exit(EXIT_USAGE);
}

void complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
}

char *print(const char *format, ...)
{
	va_list args;
	char *s;
	int n;

	va_start(args, format);
	n = vasprintf(&s, format, args);
	va_end(args);
	if (n < 0)
		fail("out of memory");
	return s;
}

void *grow(void *p, size_t n)
{
	p = realloc(p, n);
	if (!p)
		fail("out of memory");
	return p;
}

void words_add(struct words *w, char *word)
{
	w->v = grow(w->v, (w->n + 2) * sizeof(*w->v));
	w->v[w->n++] = word;
	w->v[w->n] = NULL;
}

void bytes_add(struct bytes *b, const void *data, size_t n)
{
	b->p = grow(b->p, b->n + n + 1);
	memcpy(b->p + b->n, data, n);
	b->n += n;
	b->p[b->n] = '\0';
}

char *read_file(int dir, const char *path)
{
	int fd __auto_fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	struct bytes b = { 0 };
	char buf[4096];
	ssize_t n;

	if (fd < 0)
		return NULL;
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		bytes_add(&b, buf, n);
	if (!b.p)
		bytes_add(&b, "", 0);
	return b.p;
}

void json_text(FILE *out, const char *s)
{
	putc('"', out);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			fprintf(out, "\\%c", *s);
		else if ((unsigned char)*s < ' ')
			fprintf(out, "\\u%04x", *s);
		else
			putc(*s, out);
	}
	putc('"', out);
}

void close_all_but(int keep1, int keep2)
{
	if (keep1 > 0)
		close_range(0, keep1 - 1, 0);
	if (keep2 > keep1 + 1)
		close_range(keep1 + 1, keep2 - 1, 0);
	close_range((keep2 > keep1 ? keep2 : keep1) + 1, UINT_MAX, 0);
}
