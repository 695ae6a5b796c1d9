// SPDX-License-Identifier: GPL-2.0-only
/*
 * kernelet: guests of this project's kernel from one command.
 *
 * The launcher acquires, the kernel uses: it opens files and makes sockets, and
 * starts vmlinux, which gets descriptors and no path.
 *
 *   options.c           subcommands and their options, each from a table
 *   cmd_*.c             the subcommands
 *   machine.c           the guest as a process
 *   shares.c            its root and the host's directories in it
 *   streams.c           the caller's standard streams
 *   network.c           its network: interface.c, tap.c, plug.c, vsock.c
 *   session.c           a command in the guest: the host's end of a channel
 *   control.c           what other commands ask of a launcher
 *   runtime.c           where they find it
 *   image.c             images of disks; image_work.c: what takes long on them
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "machine.h"
#include "options.h"

extern const struct command cmd_run, cmd_exec, cmd_console, cmd_mount, cmd_cp, cmd_ps, cmd_stats,
	cmd_stop, cmd_log, cmd_pause, cmd_resume, cmd_sysrq, cmd_net, cmd_disk, cmd_image_build, cmd_image,
	cmd_completion, cmd_manual;

const struct command *const commands[] = {
	&cmd_run, &cmd_exec, &cmd_console, &cmd_mount, &cmd_cp, &cmd_ps, &cmd_stats, &cmd_stop,
	&cmd_log, &cmd_pause, &cmd_resume, &cmd_sysrq, &cmd_net, &cmd_disk, &cmd_image_build, &cmd_image,
	&cmd_completion, &cmd_manual,
};

const size_t n_commands = ARRAY_SIZE(commands);

static void show_help(FILE *out)
{
	size_t i;

	fputs("usage: kernelet SUBCOMMAND [option]... [operand]...\n"
	      "Linux guests as ordinary processes: no root, no KVM.\n\n", out);
	for (i = 0; i < n_commands; i++)
		fprintf(out, "  %-13s%s\n", commands[i]->name, commands[i]->summary);
	fputs("\nkernelet SUBCOMMAND --help says more, kernelet --version which Linux it starts.\n",
	      out);
}

/* Of the kernel, which is made together with this program and tells it itself. */
static int show_version(void)
{
	char *kernel __auto_free = program_beside("vmlinux"), text[256];
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	if (!kernel)
		fail("--version: no vmlinux beside this program: build it with make");
	if (pipe2(fds, O_CLOEXEC))
		fail("no pipe: %s", strerror(errno));
	pid = fork();
	if (!pid) {
		dup2(fds[1], 1);
		execv(kernel, (char *[]){ "vmlinux", "--version", NULL });
		_exit(EXIT_GUEST);
	}
	close(fds[1]);
	while ((n = read(fds[0], text, sizeof(text))) > 0)
		fwrite(text, 1, n, stdout);
	close(fds[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		fail("--version: %s cannot be run", kernel);
	return 0;
}

/* "help", and of what, if anything. */
static int help(int argc, char **argv)
{
	int used;

	if (argc)
		command_help(command_find(argc, argv, &used), stdout);
	else
		show_help(stdout);
	return 0;
}

/*
 * Whatever the caller has left us with: the numbers of standard streams are
 * these and nothing else's, and children are there to be waited for.
 */
static void set_up_process(void)
{
	static char out[65536];
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
	signal(SIGCHLD, SIG_DFL);
	/* one write at the end, whose error is known then: longer than the manual */
	if (!isatty(STDOUT_FILENO))
		setvbuf(stdout, out, _IOFBF, sizeof(out));
}

/* A reader that has gone away needs to be told nothing. */
static int end_output(int status)
{
	errno = 0;
	if ((fflush(stdout) || ferror(stdout)) && errno != EPIPE)
		fail("standard output: %s", strerror(errno ? errno : EIO));
	return status;
}

int main(int argc, char **argv)
{
	const struct command *c;
	int used;

	set_up_process();
	if (argc < 2) {
		show_help(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return end_output(help(0, argv));
	if (!strcmp(argv[1], "help"))
		return end_output(help(argc - 2, argv + 2));
	if (!strcmp(argv[1], "--version"))
		return end_output(show_version());
	c = command_find(argc - 1, argv + 1, &used);
	return end_output(command_run(c, argc - 1 - used, argv + 1 + used));
}
