// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>
#include <unistd.h>
#include "disks.h"

/* Of the file's name, which may hold a colon. */
static int name_length(const char *text)
{
	const char *colon = strrchr(text, ':');

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

void disk_files(const char *text, struct words *files)
{
	int length = name_length(text);
	const char *cow = strstr(text + length, "cow=");

	words_add(files, print("%.*s", length, text));
	if (cow)
		words_add(files, print("%.*s", (int)strcspn(cow + 4, ","), cow + 4));
}
