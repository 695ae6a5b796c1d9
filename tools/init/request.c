// SPDX-License-Identifier: GPL-2.0
/* The records of a request. */
#include <string.h>
#include "init.h"

const char *request_next(const struct request *r, const char *at, char letter)
{
	const char *end = r->data + r->size;
	const char *p = at ? at + strlen(at) + 1 : r->data;

	/* serve() has seen that the last byte is a NUL */
	for (; p < end; p += strlen(p) + 1)
		if (*p == letter)
			return p + 1;
	return NULL;
}
