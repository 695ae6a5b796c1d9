// SPDX-License-Identifier: GPL-2.0-only
/* kernelet run: a command in a guest of its own. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "confine.h"
#include "control.h"
#include "disks.h"
#include "limits.h"
#include "machine.h"
#include "network.h"
#include "options.h"
#include "progress.h"
#include "runtime.h"
#include "session.h"
#include "shares.h"
#include "terminal.h"

#define PROGRESS_MS	200
#define MAX_CPUS	64	/* NR_CPUS in arch-user/configs/defconfig */
#define END_SECONDS	5	/* from the command's end to the guest's */

static struct settings {
	const char *root, *memory, *kernel, *name, *cache, *cpu_limit, *io_limit;
	unsigned long cpus;
	double timeout;
	struct words append, share, env, hide, no_hide, map, net, publish, pcap, disk;
	const char *vsock;
	bool host_loopback;
	bool rw, persist, root_user, verbose, dry_run, unconfined;
} settings = {
	.memory = "1G",
	.cpus = 1,
};

#define RUN(member, ...) OPTION(struct settings, member, __VA_ARGS__)

static const struct option options[] = {
	RUN(root, .name = "root", .kind = OPT_TEXT, .value = "WHAT", .complete = "file",
	    .help = "directory, ext4 image, tar archive or \"builtin\" (the host's root)"),
	RUN(persist, .name = "persist", .kind = OPT_FLAG,
	    .help = "keep what is written to the root; else it is thrown away"),
	RUN(share, .name = "share", .letter = 's', .kind = OPT_LIST, .complete = "directory",
	    .value = "HOST[:GUEST][:MODE]",
	    .help = "a directory of the host; MODE: ro, rw or overlay (ro)"),
	RUN(rw, .name = "rw", .kind = OPT_FLAG,
	    .help = "the working directory, writable"),
	RUN(disk, .name = "disk", .kind = OPT_LIST, .value = "FILE[:WORD,...]", .complete = "file",
	    .help = "a disk: /dev/uda, /dev/udb ... (see the manual page)"),
	RUN(map, .name = "volume-map", .kind = OPT_LIST, .value = "uid|gid:HOST:GUEST",
	    .help = "owner of files in shares: this one of the host is that one in the guest"),
	RUN(cache, .name = "cache", .kind = OPT_TEXT, .value = "none|auto|always",
	    .complete = "none auto always",
	    .help = "shares show changes of the host at once, after a second, or not (auto)"),
	RUN(hide, .name = "hide", .kind = OPT_LIST, .value = "PATH", .complete = "file",
	    .help = "hide this too"),
	RUN(no_hide, .name = "no-hide", .kind = OPT_LIST, .value = "PATH|all", .complete = "file",
	    .help = "do not hide this of the list (see the manual page)"),
	RUN(net, .name = "net", .kind = OPT_LIST, .value = "WHAT", .bare = "user",
	    .is_value = network_is_spec, .complete = "none user switch: vde: tap: fd:",
	    .help = "an interface: user, switch:NAME, vde:URL, tap:NAME, fd:N (none)"),
	RUN(publish, .name = "publish", .letter = 'p', .kind = OPT_LIST,
	    .value = "[ADDR:]HOST:GUEST[/udp]",
	    .help = "a port of the host is the guest's; of 127.0.0.1, unless said otherwise"),
	RUN(host_loopback, .name = "host-loopback", .kind = OPT_FLAG,
	    .help = "--net=user: the gateway is the host, its own services included"),
	RUN(pcap, .name = "pcap", .kind = OPT_LIST, .value = "[N:]FILE", .complete = "file",
	    .help = "capture the frames of ethN (eth0) for tcpdump or wireshark"),
	RUN(vsock, .name = "vsock", .kind = OPT_TEXT, .value = "PATH", .complete = "file",
	    .help = "AF_VSOCK to the host: a socket there, and PATH_PORT for what it asks for"),
	RUN(root_user, .name = "root-user", .kind = OPT_FLAG, .help = "be root in the guest"),
	RUN(env, .name = "env", .letter = 'e', .kind = OPT_LIST, .value = "NAME[=VALUE]",
	    .help = "pass on this variable too, or set it"),
	RUN(cpus, .name = "cpus", .letter = 'c', .kind = OPT_NUMBER, .value = "N",
	    .help = "virtual CPUs (1)"),
	RUN(memory, .name = "memory", .letter = 'm', .kind = OPT_SIZE, .value = "SIZE",
	    .help = "guest RAM, taken as it is used (1G)"),
	RUN(cpu_limit, .name = "cpu-limit", .kind = OPT_TEXT, .value = "CPUS",
	    .help = "at most so much CPU time, as 0.5 or 2 (needs a control group)"),
	RUN(io_limit, .name = "io-limit", .kind = OPT_SIZE, .value = "SIZE",
	    .help = "read and write at most so much a second of disks (ditto)"),
	RUN(timeout, .name = "timeout", .letter = 't', .kind = OPT_SECONDS, .value = "TIME",
	    .help = "end it after this time, with status 124: 90, 1.5, 10m, 2h"),
	RUN(name, .name = "name", .letter = 'n', .kind = OPT_TEXT, .value = "NAME",
	    .help = "for exec, stop and the others (run-PID)"),
	RUN(kernel, .name = "kernel", .kind = OPT_TEXT, .value = "FILE", .complete = "file",
	    .help = "another vmlinux"),
	RUN(append, .name = "append", .letter = 'a', .kind = OPT_LIST, .value = "ARGS",
	    .help = "more words for the kernel's command line"),
	RUN(verbose, .name = "verbose", .letter = 'v', .kind = OPT_FLAG,
	    .help = "show the kernel's messages on standard error"),
	RUN(unconfined, .name = "unconfined", .kind = OPT_FLAG,
	    .help = "do without namespaces and what else guards the host from the guest's kernel"),
	RUN(dry_run, .name = "dry-run", .kind = OPT_FLAG,
	    .help = "print what would be started"),
};

/* All there is of the guest. */
static struct machine machine;
static struct session session;
static struct entry entry = { .dir = -1 };
static struct shares shares;
static struct network network;
static struct streams streams;
static struct source timer;
static int killed_by;		/* the signal that ends us, or 0 */
static bool timed_out;

/* ---- before the start ----------------------------------------------------- */

static void find_kernel(void)
{
	if (settings.kernel) {
		machine.kernel = realpath(settings.kernel, NULL);
		if (!machine.kernel || access(machine.kernel, X_OK))
			fail("--kernel=%s: %s", settings.kernel, strerror(errno));
		return;
	}
	machine.kernel = program_beside("vmlinux");
	if (!machine.kernel)
		fail("no vmlinux beside this program: build it with make, or see --kernel");
}

static void kernel_words(void)
{
	size_t i;
	char *word, *save;

	words_add(&machine.words, "vmlinux");
	words_add(&machine.words, print("mem=%s", settings.memory));
	words_add(&machine.words, print("ncpus=%lu", settings.cpus));
	machine_console(&machine);
	words_add(&machine.words, "rdinit=/sbin/init");
	words_add(&machine.words, SESSION_WORD);
	words_add(&machine.words, settings.verbose ? "loglevel=7" : "loglevel=5");
	if (!settings.unconfined)
		words_add(&machine.words, "intercept=seccomp");
	for (i = 0; i < settings.append.n; i++)
		for (word = strtok_r(settings.append.v[i], " \t\n", &save); word;
		     word = strtok_r(NULL, " \t\n", &save))
			words_add(&machine.words, word);
}

/* The guest has a /run and a /dev of its own: what the caller sees there is shared. */
static bool is_covered(const char *dir)
{
	return shares.is_host && !strchr(dir, ':') &&
	       (!strncmp(dir, "/run/", 5) || !strncmp(dir, "/dev/shm/", 9) || !strcmp(dir, "/dev/shm"));
}

static void share_working_dir(void)
{
	char *cwd __auto_free = getcwd(NULL, 0);

	if (!settings.rw) {
		if (cwd && is_covered(cwd))
			shares_add(&shares, print("%s:%s:overlay", cwd, cwd));
		return;
	}
	if (!cwd)
		fail("--rw: the working directory: %s", strerror(errno));
	if (strchr(cwd, ':'))
		fail("--rw: the path of the working directory holds a colon: %s", cwd);
	if (!strcmp(cwd, "/"))
		fail("--rw: not with / as the working directory");
	shares_add(&shares, print("%s:%s:rw", cwd, cwd));
}

static void find_shares(void)
{
	size_t i;

	shares_cache(&shares, settings.cache);
	shares.unconfined = settings.unconfined;
	shares.verbose = settings.verbose;
	shares_root(&shares, settings.root, settings.persist);
	shares_hide(&shares, &settings.hide, &settings.no_hide);
	shares_map(&shares, &settings.map);
	share_working_dir();
	for (i = 0; i < settings.share.n; i++)
		shares_add(&shares, settings.share.v[i]);
	shares_check_hidden(&shares);
	shares_modules(&shares, machine.kernel);
	if (shares.n && !shares.server)
		fail("no kernelet-hostfs beside this program: build it with make, or see --root");
}

static void make_request(int argc, char **argv)
{
	char *cwd __auto_free = getcwd(NULL, 0);
	int i;

	request_add(&session, REC_NAME, "%s", settings.name ? settings.name : "kernelet");
	shares_request(&shares, &session, &machine);
	request_add_caller(&session, settings.root_user, shares.is_host, &settings.env);
	if (cwd && (shares.is_host || settings.rw))
		request_add(&session, REC_DIR, "%s", cwd);
	for (i = 0; i < argc; i++)
		request_add(&session, REC_ARG, "%s", argv[i]);
}

/* An image that is the root comes first. */
static void add_disks(void)
{
	unsigned int first = shares.kind == ROOT_IMAGE;
	size_t i;

	for (i = 0; i < settings.disk.n; i++)
		words_add(&machine.words, disk_word(first + i, settings.disk.v[i]));
}

static void add_streams(void)
{
	int i;

	for (i = 0; i < 3; i++)
		if (streams.s[i].kind == STREAM_CHANNEL)
			machine_stream(&machine, i, streams.s[i].fd);
}

static char *make_info(int argc, char **argv)
{
	char *cwd __auto_free = getcwd(NULL, 0);
	bool same_dir = cwd && (shares.is_host || settings.rw);
	char *head = print("pid=%d\nstarted=%ld\nmemory=%s\ncpus=%lu\n"
			   "root=%s\nhome=%s\ndir=%s\ncommand=",
			   getpid(), time(NULL), settings.memory, settings.cpus,
			   settings.root ? settings.root : "/", shares.is_host ? "1" : "",
			   same_dir && !strchr(cwd, '\n') ? cwd : "");
	struct bytes b = { 0 };
	int i;

	bytes_add(&b, head, strlen(head));
	free(head);
	for (i = 0; i < argc; i++) {
		char *s;

		bytes_add(&b, " ", i ? 1 : 0);
		bytes_add(&b, argv[i], strlen(argv[i]));
		/* a line of its own: no other line end in it */
		for (s = b.p + b.n - strlen(argv[i]); *s; s++)
			if (*s == '\n')
				*s = ' ';
	}
	bytes_add(&b, "\n", 1);
	return b.p;
}

static int dry_run(void)
{
	size_t i;

	printf("%s", machine.kernel);
	for (i = 1; i < machine.words.n; i++)
		printf(" %s", machine.words.v[i]);
	putchar('\n');
	for (i = 0; i < shares.n; i++)
		printf("%s: %s %s%s%s\n", shares.share[i].tag, shares.share[i].mode,
		       shares.share[i].host, shares.share[i].guest ? " on " : ", the root",
		       shares.share[i].guest ? shares.share[i].guest : "");
	return 0;
}

/* ---- while it runs -------------------------------------------------------- */

static void one_signal(int signal)
{
	static int interrupts;

	switch (signal) {
	case SIGCHLD:
		break;
	case SIGWINCH:
		session_resize(&session);
		break;
	default:
		/* the first ^C is the command's */
		if ((signal == SIGINT || signal == SIGQUIT) && session.ready && !interrupts++) {
			session_signal(&session, signal);
			break;
		}
		killed_by = signal;
		machine_kill(&machine);
		break;
	}
}

static void timer_ready(void *data, short happened)
{
	(void)data;
	(void)happened;
	timed_out = session.code < 0;
	timer.events = 0;
	machine_kill(&machine);
}

static void set_timer(double seconds)
{
	long ns = (seconds - (time_t)seconds) * 1e9;
	/* rounded up: 0 would be no timer */
	struct itimerspec t = { .it_value = {
		.tv_sec = seconds,
		.tv_nsec = ns + (ns < 999999999),
	} };

	if (!seconds)
		return;
	timer = (struct source){ timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), POLLIN,
				 timer_ready, NULL };
	timerfd_settime(timer.fd, 0, &t, NULL);
	loop_add(&timer);
}

/* Also when something fails on the way; to be called once more is no harm. */
static void forget_entry(void)
{
	entry_remove(&entry);
}

/* Those that are to be ignored, as nohup has it, stay so. */
static void watch_signals(void)
{
	static const int wanted[] = { SIGCHLD, SIGWINCH, SIGINT, SIGQUIT, SIGTERM, SIGHUP };
	int list[ARRAY_SIZE(wanted)];
	struct sigaction old;
	size_t i, n = 0;

	for (i = 0; i < ARRAY_SIZE(wanted); i++)
		if (wanted[i] == SIGCHLD || sigaction(wanted[i], NULL, &old) ||
		    old.sa_handler != SIG_IGN)
			list[n++] = wanted[i];
	loop_signals(list, n, one_signal);
}

static void start(int argc, char **argv)
{
	char *info __auto_free = make_info(argc, argv);

	if (!settings.unconfined && !confine_possible())
		fail("the host lets nobody install a seccomp filter, which confines the guest; "
		     "see --unconfined");
	limits_make(settings.cpu_limit, settings.io_limit, &shares, &settings.disk);
	signal(SIGPIPE, SIG_IGN);
	watch_signals();
	entry_create(&entry, settings.name, info);
	atexit(forget_entry);
	shares_start(&shares);
	network_start(&network);
	vsock_start();
	machine.show_log = settings.verbose;
	machine.confined = !settings.unconfined;
	shares_wait(&shares);
	machine_start(&machine);
	session_open(&session, machine.channel[CHANNEL_MAIN].host, &streams);
	control_start(&entry, &machine, &session, &network);
	set_timer(settings.timeout);
}

/* Shows how far an archive is unpacked; how long to wait until it is to be shown again. */
static int show_unpacking(void)
{
	static off_t size;
	off_t at;

	if (shares.reading < 0)
		return -1;
	if (!size) {
		struct stat st;

		size = fstat(shares.reading, &st) ? 0 : st.st_size;
		progress_start("unpacking the root", size);
	}
	at = lseek(shares.reading, 0, SEEK_CUR);
	if (at < size && session.code < 0) {
		progress_to(at);
		return PROGRESS_MS;
	}
	progress_end();
	close(shares.reading);
	shares.reading = -1;
	return -1;
}

/* ---- the end -------------------------------------------------------------- */

static int status_of(void)
{
	int status = machine.status;

	if (timed_out) {
		complain("--timeout: the time is over");
		return EXIT_TIMEOUT;
	}
	if (session.code >= 0)
		return session.code;
	if (session.rebooted) {
		complain("the guest was rebooted before the command had ended");
		return EXIT_GUEST;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) != EXIT_GUEST && session.ready) {
		complain("the guest was powered off before the command had ended");
		return EXIT_GUEST;
	}
	machine_log_end(&machine, stderr);
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_USAGE)
		return EXIT_USAGE;
	if (WIFSIGNALED(status))
		complain("the guest was ended by signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status) != EXIT_GUEST)
		complain("%s: ended before the guest was there", machine.kernel);
	else
		complain("the guest's kernel has failed, see above");
	return EXIT_GUEST;
}

static int end(void)
{
	machine_kill(&machine);
	machine_reap(&machine, true);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	shares_unlock(&shares);
	terminal_restore();
	limits_remove();
	entry_remove(&entry);
	vsock_remove();
	if (killed_by) {
		sigset_t set;

		signal(killed_by, SIG_DFL);
		raise(killed_by);
		sigemptyset(&set);
		sigaddset(&set, killed_by);
		sigprocmask(SIG_UNBLOCK, &set, NULL);
	}
	return status_of();
}

static int run(int argc, char **argv)
{
	time_t deadline = 0;

	if (settings.name)
		name_check("--name=", settings.name);
	if (settings.cpus > MAX_CPUS)
		fail("--cpus=%lu: the most is %d", settings.cpus, MAX_CPUS);
	find_kernel();
	find_shares();
	network.name = settings.name ? settings.name : print("run-%d", getpid());
	network.host_loopback = settings.host_loopback;
	network.dry_run = settings.dry_run;
	network_parse(&network, &settings.net, &settings.publish, &settings.pcap);
	kernel_words();
	add_disks();
	machine_channels(&machine);
	network_open(&network, &machine, &session, settings.cpus);
	if (settings.vsock)
		vsock_open(settings.vsock, &machine, settings.dry_run);
	machine_disks(&machine);
	streams_look(&streams, true);
	make_request(argc, argv);
	add_streams();
	if (settings.dry_run)
		return dry_run();
	start(argc, argv);
	while (!machine_reap(&machine, false)) {
		/* nobody asks for the command again */
		if (session.rebooted)
			machine_kill(&machine);
		if (session.code >= 0 && !deadline)
			deadline = time(NULL) + END_SECONDS;
		if (deadline && time(NULL) > deadline)
			machine_kill(&machine);
		loop_turn(deadline ? 1000 : show_unpacking());
	}
	while (session_left(&session) && !killed_by && !timed_out)
		loop_turn(-1);
	return end();
}

const struct command cmd_run = {
	.name = "run",
	.summary = "Run a command, or a shell, in a guest of its own.",
	.operands = "[--] [command [argument]...]",
	.text = "The guest's root is the host's, as the caller may see it, under a layer in guest\n"
		"memory that takes what is written and is thrown away at the end; the command begins\n"
		"in the caller's directory, as the caller.  Without a command it is a shell.  Streams that are\n"
		"no terminal are three, and safe for any bytes.\n\n"
		"What the host changes below its root, or below an overlay, while the guest runs is\n"
		"undefined in the guest: use another share for what both sides work on.  How soon\n"
		"changes are seen there says --cache.\n\n"
		"--cpu-limit and --io-limit need a control group (version 2) that the caller may\n"
		"divide, as a session of systemd or a container has one. The latter holds for each\n"
		"disk of the host that the root, a share or a --disk lies on at the start.\n\n"
		"Words of --disk, after the colon and with commas between them: ro; cow=FILE, an\n"
		"overlay that takes what is written (see kernelet image); direct, around the host's\n"
		"page cache; sync, on the host's disk at once; serial=S; discard=on|off; iops=N and\n"
		"bps=N, limits; raw or overlay, what FILE is, where its mark does not tell.\n"
		"With an image as its root the guest has that as /dev/uda, and the\n"
		"first of these is /dev/udb.",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.settings = &settings,
	.run = run,
};
