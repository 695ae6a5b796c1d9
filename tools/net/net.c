// SPDX-License-Identifier: GPL-2.0-only
/* kernelet-net SUBCOMMAND: started by kernelet, not by people. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "net.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "pump", pump_main },
	{ "switch", switch_main },
	{ "vsock", vsock_main },
};

void fail(const char *format, ...)
{
	va_list args;

	fputs("kernelet: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(2);
}

unsigned int number_of(const char *option, const char *value)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(value, &end, 10);
	if (errno || *value < '0' || *value > '9' || *end || n > 1 << 30)
		fail("%s=%s: not a number", option, value);
	return n;
}

void keep_only(int a, int b)
{
	int low = a < b ? a : b, high = a < b ? b : a;

	if (low > 3)
		close_range(3, low - 1, 0);
	if (high > low + 1)
		close_range(low < 3 ? 3 : low + 1, high - 1, 0);
	close_range(high < 3 ? 3 : high + 1, ~0U, 0);
}

int main(int argc, char **argv)
{
	size_t i;

	for (i = 0; argc > 1 && i < ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	fputs("usage: kernelet-net pump|switch|vsock ...\n"
	      "It is started by kernelet run: see its options --net and --vsock.\n", stderr);
	return 2;
}
