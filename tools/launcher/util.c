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

char *print_args(const char *format, va_list args)
{
	char *s;

	if (vasprintf(&s, format, args) < 0)
		fail("out of memory");
	return s;
}

char *print(const char *format, ...)
{
	va_list args;
	char *s;

	va_start(args, format);
	s = print_args(format, args);
	va_end(args);
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

/*
 * The length of the character there, 0 when it is not UTF-8 (RFC 3629: none that is
 * longer than it need be, no surrogate, none above 10ffff).
 */
static size_t utf8_length(const char *text, size_t n)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t length = *s < 0x80 ? 1 : *s < 0xc2 ? 0 : *s < 0xe0 ? 2 : *s < 0xf0 ? 3 :
			*s < 0xf5 ? 4 : 0;
	size_t i;

	if (length > n)
		return 0;
	for (i = 1; i < length; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f) ||
	    (*s == 0xf0 && s[1] < 0x90) || (*s == 0xf4 && s[1] > 0x8f))
		return 0;
	return length;
}

/* Those of one byte, and U+0080 to U+009f. */
static bool is_control(const char *s, size_t length)
{
	const unsigned char *u = (const unsigned char *)s;

	return (length == 1 && (*u < ' ' || *u == 0x7f)) ||
	       (length == 2 && *u == 0xc2 && u[1] < 0xa0);
}

char *text_clean(const char *text, size_t n, const char *keep)
{
	char *clean = grow(NULL, n + 1), *to = clean;
	size_t length;

	for (; n; text += length, n -= length) {
		bool stays;

		length = utf8_length(text, n);
		stays = length && (!is_control(text, length) || (*text && strchr(keep, *text)));
		length += !length;
		if (stays)
			to = mempcpy(to, text, length);
		else if (*text != '\r')
			*to++ = '?';
	}
	*to = '\0';
	return clean;
}

void json_text(FILE *out, const char *s)
{
	putc('"', out);
	while (*s) {
		size_t length = utf8_length(s, strlen(s));

		if (*s == '"' || *s == '\\')
			putc('\\', out);
		if (!length || (length == 1 && is_control(s, 1)))
			fprintf(out, "\\u%04x", (unsigned char)*s);
		else
			fwrite(s, 1, length, out);
		s += length + !length;
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
