/* SPDX-License-Identifier: GPL-2.0-only */
/* Small things that every part of the launcher uses. */
#ifndef UTIL_H
#define UTIL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof(*(a)))
#define __noreturn	__attribute__((noreturn))
#define __printf(f, a)	__attribute__((format(printf, f, a)))

/* Released at the end of the block, however it is left. */
#define __auto_fd	__attribute__((cleanup(close_auto)))
#define __auto_free	__attribute__((cleanup(free_auto)))

void close_auto(int *fd);
void free_auto(void *p);

#define EXIT_USAGE	2	/* wrong input, nothing was started */
#define EXIT_TIMEOUT	124	/* as timeout(1) has it */
#define EXIT_GUEST	255	/* the guest's kernel failed */

/**
 * fail() - end with one line on standard error, status 2
 * @format:	what is wrong, naming the thing, and what to do
 */
void __noreturn __printf(1, 2) fail(const char *format, ...);

/**
 * complain() - one line on standard error
 */
void __printf(1, 2) complain(const char *format, ...);

/**
 * print() - a new string
 */
char *__printf(1, 2) print(const char *format, ...);
char *__printf(1, 0) print_args(const char *format, va_list args);

/**
 * grow() - realloc() that does not fail
 */
void *grow(void *p, size_t n);

/**
 * struct words - a list of strings that grows, ended by a NULL
 */
struct words {
	char **v;
	size_t n;
};

void words_add(struct words *w, char *word);

/**
 * struct bytes - a buffer that grows
 */
struct bytes {
	char *p;
	size_t n;
};

void bytes_add(struct bytes *b, const void *data, size_t n);

/**
 * read_file() - a small file's text
 * @dir:	descriptor of its directory, or AT_FDCWD
 * @path:	where
 *
 * Return: a new string, or NULL.
 */
char *read_file(int dir, const char *path);

/**
 * text_clean() - text that may come from a guest, made fit for a terminal
 * @text:	UTF-8, maybe
 * @n:		how many bytes
 * @keep:	control characters that stay, "" or "\n\t"
 *
 * Others, and what is not UTF-8, become '?'; a carriage return goes.
 * Return: a new string.
 */
char *text_clean(const char *text, size_t n, const char *keep);

/**
 * json_text() - print a string as JSON has it
 *
 * A byte that is not UTF-8 is printed as the character of its number, \u0080 to
 * \u00ff.
 */
void json_text(FILE *out, const char *s);

/**
 * close_all_but() - in a child that does not exec: drop what it must not hold
 * @keep:	up to two descriptors, ascending, or -1
 */
void close_all_but(int keep1, int keep2);

#endif /* UTIL_H */
