// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>
#include <unistd.h>
#include "disks.h"

char *disk_word(unsigned int n, const char *text)
{
	const char *colon = strrchr(text, ':');
	int length = colon ? colon - text : (int)strlen(text);

	/* a file's name may hold a colon */
	if (colon && !access(text, F_OK))
		length = strlen(text);
	if (n >= MAX_DISKS)
		fail("--disk=%s: too many, the most is %d", text, MAX_DISKS);
	if (!length)
		fail("--disk=%s: no file named; say FILE, or FILE:ro", text);
	if (memchr(text, ',', length))
		fail("--disk=%s: a comma in the name of the file; use a link to it", text);
	return print("disk%u=%.*s%s%s", n, length, text, text[length] ? "," : "",
		     text[length] ? text + length + 1 : "");
}
