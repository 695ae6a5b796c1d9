// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "disks.h"

/* Of a descriptor, which the caller has to have left open. */
static int descriptor_length(const char *text)
{
	int flags, length = strcspn(text + 3, ":,");
	char *end;
	unsigned long fd = strtoul(text + 3, &end, 10);

	if (!length || end != text + 3 + length || fd > INT_MAX)
		fail("%s: not a descriptor; say for example fd:5", text);
	if (fd <= STDERR_FILENO)
		fail("%s: the standard streams are no disks; use a higher number", text);
	flags = fcntl(fd, F_GETFD);
	if (flags < 0 || flags & FD_CLOEXEC)
		fail("%s: that descriptor is not open", text);
	return 3 + length;
}

/* Of the file's name, which may hold a colon. */
static int name_length(const char *text)
{
	const char *colon = strrchr(text, ':');

	if (!strncmp(text, "fd:", 3))
		return descriptor_length(text);
	return colon && access(text, F_OK) ? colon - text : (int)strlen(text);
}

char *disk_word(unsigned int n, const char *text)
{
	int length = name_length(text);

	if (n >= MAX_DISKS)
		fail("--disk=%s: too many, the most is %d", text, MAX_DISKS);
	if (!length)
		fail("--disk=%s: no file named; say FILE, or FILE:ro", text);
	if (memchr(text, ',', length))
		fail("--disk=%s: a comma in the name of the file; use a link to it", text);
	return print("disk%u=%.*s%s%s", n, length, text, text[length] ? "," : "",
		     text[length] ? text + length + 1 : "");
}

char *disk_path(const char *text, const char **rest)
{
	int length = name_length(text);

	*rest = text + length;
	if (!strncmp(text, "fd:", 3))
		return print("/proc/self/fd/%.*s", length - 3, text + 3);
	return print("%.*s", length, text);
}

void disk_files(const char *text, struct words *files)
{
	const char *rest, *cow;

	words_add(files, disk_path(text, &rest));
	cow = strstr(rest, "cow=");
	if (cow)
		words_add(files, print("%.*s", (int)strcspn(cow + 4, ","), cow + 4));
}
