// SPDX-License-Identifier: GPL-2.0-only
/* kernelet net: the interfaces of a guest that runs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "control.h"
#include "network.h"
#include "options.h"

/* The launcher's directory is another one: a path is to be whole; a new string. */
static char *whole_path(const char *spec)
{
	const char *path = spec + strlen("vde:");
	char *here __auto_free = NULL;

	if (strncmp(spec, "vde:", strlen("vde:")) || *path == '/' || !*path)
		return print("%s", spec);
	if (!strncmp(path, "vde://", strlen("vde://")))
		path += strlen("vde://");
	/* another URL, or a path that is whole */
	if (*path == '/' || !*path || strstr(path, "://"))
		return print("%s", spec);
	here = getcwd(NULL, 0);
	if (!here)
		fail("net: the working directory: %s", strerror(errno));
	return print("%.*s%s/%s", (int)(path - spec), spec, here, path);
}

static int run_net(int argc, char **argv)
{
	char *answer __auto_free = NULL, *trouble __auto_free = NULL, *spec __auto_free = NULL;
	struct interface f = { 0 };

	if (argc == 1) {
		answer = control_ask(argv[0], NULL, "net list");
	} else if (argc == 3 && !strcmp(argv[1], "add")) {
		/* what is wrong is said here; the launcher only gets what is right */
		trouble = interface_parse(&f, argv[2]);
		if (trouble)
			fail("%s", trouble);
		spec = whole_path(argv[2]);
		answer = control_ask(argv[0], NULL, "net add %s", spec);
	} else if (argc == 3 && !strcmp(argv[1], "remove")) {
		answer = control_ask(argv[0], NULL, "net remove %s", argv[2]);
	} else {
		fail("net: say kernelet net NAME, or NAME add SPEC, or NAME remove ethN");
	}
	fputs(answer, stdout);
	return 0;
}

const struct command cmd_net = {
	.name = "net",
	.summary = "List the network interfaces of a guest, add one or remove it.",
	.operands = "name [add spec|remove ethN]",
	.complete = "guest",
	.text = "SPEC is as for run --net, without fd:, pcap= and mac=. Two can be added.",
	.run = run_net,
};
