// SPDX-License-Identifier: GPL-2.0-only
/*
 * The process's command line.
 *
 * What the host side knows is taken out and acted upon (files opened, sizes
 * checked); the rest is Linux's own command line.  A wrong word ends the
 * process with one line on standard error and status 2.
 */
#include <uapi/asm-generic/ioctls.h>
#include <uapi/asm-generic/termbits.h>
#include <uapi/asm/stat.h>
#include <uapi/linux/stat.h>
#include <uapi/linux/fcntl.h>
#include <uapi/linux/fs.h>
#include <linux/sizes.h>
#include <generated/utsrelease.h>
#include "state.h"
#include "syscall.h"

/* What a kernel of the usual configuration boots with. */
#define MIN_RAM		(20 * SZ_1M)
#define MIN_RAM_CPU	(SZ_1M + SZ_512K)
#define DEFAULT_RAM	SZ_512M

struct option {
	const char *name;
	bool numbered;		/* a digit or more follow the name */
	void (*parse)(const char *word, const char *value, unsigned int n);
	const char *help;
};

/* On standard output, which may not take it. */
static bool say(const char *s)
{
	size_t n = host_strlen(s);

	return host_write_wait(1, s, n) == n;
}

void __noreturn host_usage_error(const char *what, const char *why, const char *hint)
{
	char line[512];
	size_t n = 0;
	const char *part[] = { "vmlinux: ", what, ": ", why, hint ? "; " : "", hint ?: "", "\n" };
	int i;

	for (i = 0; i < ARRAY_SIZE(part); i++) {
		const char *s = part[i];

		while (*s && n < sizeof(line) - 1)
			line[n++] = *s++;
	}
	line[n - 1] = '\n';
	host_write_wait(2, line, n);
	for (;;)
		sys1(__NR_exit_group, 2);
}

/* A decimal number; *end is where it ends. */
static bool number(const char *s, const char **end, u64 *val)
{
	u64 v = 0;

	if (*s < '0' || *s > '9')
		return false;
	for (; *s >= '0' && *s <= '9'; s++) {
		if (v > (~0ULL - 9) / 10)
			return false;
		v = v * 10 + *s - '0';
	}
	*end = s;
	*val = v;
	return true;
}

/**
 * host_number() - read a decimal number
 * @s:		all of this
 * @val:	result
 *
 * Return: false when it is anything else.
 */
bool host_number(const char *s, u64 *val)
{
	const char *end;

	return number(s, &end, val) && !*end;
}

static void parse_mem(const char *word, const char *value, unsigned int n)
{
	static const char units[] = "KMGT";
	const char *end;
	u64 size;
	int i;

	if (!number(value, &end, &size))
		host_usage_error(word, "not a size", "say for example mem=512M");
	for (i = 0; *end && units[i]; i++) {
		if ((*end & ~0x20) != units[i])
			continue;
		if (size >> (54 - 10 * i))
			host_usage_error(word, "too much", "the most is 2T");
		size <<= 10 * (i + 1);
		end++;
		break;
	}
	if (*end)
		host_usage_error(word, "not a size", "say for example mem=512M");
	if (size & ~PAGE_MASK)
		host_usage_error(word, "not a multiple of 4096", NULL);
	if (size > DIRECT_MAP_MAX)
		host_usage_error(word, "too much", "the most is 2T");
	host->boot.ram_size = size;
}

static void parse_ncpus(const char *word, const char *value, unsigned int n)
{
	u64 v;

	if (!host_number(value, &v) || v < 1 || v > HOST_MAX_CPUS || v > CONFIG_NR_CPUS)
		host_usage_error(word, "not a number of CPUs", "from 1 to 64");
	host->boot.ncpus = v;
}

static void parse_intercept(const char *word, const char *value, unsigned int n)
{
	if (host_same(value, "auto"))
		host->intercept = INTERCEPT_AUTO;
	else if (host_same(value, "seccomp"))
		host->intercept = INTERCEPT_SECCOMP;
	else if (host_same(value, "ptrace"))
		host->intercept = INTERCEPT_PTRACE;
	else
		host_usage_error(word, "no such way to intercept",
				 "auto, seccomp and ptrace are known");
}

/**
 * host_inherited_fd() - a descriptor that the starter left open
 * @word:	the option, for what is said when it is wrong
 * @value:	its number, as it stands behind "fd:"
 */
int host_inherited_fd(const char *word, const char *value)
{
	u64 fd;

	if (!host_number(value, &fd) || fd > 1 << 20)
		host_usage_error(word, "not a descriptor", "say for example fd:3");
	if (sys2(__NR_fcntl, fd, F_GETFD) < 0)
		host_usage_error(word, "that descriptor is not open", NULL);
	return fd;
}

/**
 * host_open_file() - open a file that an option names
 * @word:	the option, for what is said when it cannot be opened
 * @path:	the file
 * @flags:	O_*
 */
int host_open_file(const char *word, const char *path, int flags)
{
	long fd = sys3(__NR_open, path, flags | O_CLOEXEC, 0);

	if (fd >= 0)
		return fd;
	if (fd == -HOST_ENOENT)
		host_usage_error(word, "no such file", NULL);
	if (fd == -HOST_EACCES)
		host_usage_error(word, "no permission",
				 flags & O_RDWR ? "use ,ro to open it for reading only" : NULL);
	if (fd == -HOST_EISDIR)
		host_usage_error(word, "a directory, not a file", NULL);
	host_usage_error(word, "cannot be opened", NULL);
}

static void parse_initrd(const char *word, const char *value, unsigned int n)
{
	int fd = host_open_file(word, value, O_RDONLY);

	struct stat st;

	if (sys2(__NR_fstat, fd, &st) < 0 || !S_ISREG(st.st_mode))
		host_usage_error(word, "no regular file", NULL);
	host->initrd_file_size = st.st_size;
	if (!host->initrd_file_size)
		host_usage_error(word, "the file is empty", NULL);
	host->initrd_fd = fd;
}

static bool is_tty(int fd)
{
	struct ktermios t;

	return fd >= 0 && !sys3(__NR_ioctl, fd, TCGETS, &t);
}

static int pair_member(const char *word, const char *s, const char *hint)
{
	if (host_same(s, "null"))
		return -1;
	if (!host_starts(s, "fd:"))
		host_usage_error(word, "not a pair of descriptors", hint);
	return host_inherited_fd(word, s + 3);
}

/* fd:IN,fd:OUT where either may be null, or null for both */
static void parse_pair(const char *word, const char *value, int *in, int *out, const char *hint)
{
	char first[16];
	int len = 0;

	*in = -1;
	*out = -1;
	if (host_same(value, "null"))
		return;
	while (value[len] && value[len] != ',' && len < sizeof(first) - 1) {
		first[len] = value[len];
		len++;
	}
	first[len] = 0;
	if (value[len] != ',')
		host_usage_error(word, "not a pair of descriptors", hint);
	*in = pair_member(word, first, hint);
	*out = pair_member(word, value + len + 1, hint);
}

static void parse_console(const char *word, const char *value, unsigned int n)
{
	struct host_console *c = &host->boot.console[n];

	parse_pair(word, value, &c->in, &c->out, "say con0=fd:0,fd:1 or con0=null");
}

static void parse_channel(const char *word, const char *value, unsigned int n)
{
	struct host_channel *c = &host->boot.channel[n];

	parse_pair(word, value, &c->in, &c->out, "say for example chan0=fd:3,null");
}

/* hostfs0=fd:N,tag=NAME[,ro] */
static void parse_hostfs(const char *word, const char *value, unsigned int n)
{
	struct host_share *share = &host->boot.share[n];
	const char *end;
	u64 fd = 0;
	int len = 0;

	if (!host_starts(value, "fd:") || !number(value + 3, &end, &fd) ||
	    !host_starts(end, ",tag="))
		host_usage_error(word, "not a share", "say hostfs0=fd:5,tag=NAME or ...,ro");
	if (fd > 1 << 20 || sys2(__NR_fcntl, fd, F_GETFD) < 0)
		host_usage_error(word, "that descriptor is not open", NULL);
	if (share->fd >= 0)
		host_usage_error(word, "this share is named twice", NULL);
	for (end += 5; end[len] && end[len] != ','; len++) {
		if (len == HOST_TAG_SIZE - 1)
			host_usage_error(word, "the tag is too long", "the most is 35 bytes");
		share->tag[len] = end[len];
	}
	if (!len)
		host_usage_error(word, "no tag", "say hostfs0=fd:5,tag=NAME");
	if (end[len] && !host_same(end + len, ",ro"))
		host_usage_error(word, "unknown words after the tag", "only ,ro is known");
	for (n = 0; n < HOST_MAX_SHARES; n++)
		if (host->boot.share[n].fd >= 0 && host_same(host->boot.share[n].tag, share->tag))
			host_usage_error(word, "another share has this tag", NULL);
	share->readonly = end[len];
	share->fd = fd;
}

static const struct option options[] = {
	{ "mem=", false, parse_mem, "SIZE[K|M|G|T]       guest RAM (512M)" },
	{ "ncpus=", false, parse_ncpus, "N                 vCPUs, 1 to 64 (1)" },
	{ "initrd=", false, parse_initrd, "FILE             an initramfs or initrd" },
	{ "disk", true, host_disk_option, "N=FILE|fd:N[,WORD...]  /dev/uda is disk0, to disk25: ro\n"
	  "         cow=FILE direct sync serial=S discard=on|off iops=N bps=N\n"
	  "         raw overlay" },
	{ "disk_socket=", false, host_disk_socket_option,
	  "fd:N       where kernelet disk adds and removes disks" },
	{ "disk_engine=", false, host_disk_engine_option, "auto|io_uring|threads  for what waits" },
	{ "con", true, parse_console, "N=fd:IN,fd:OUT|null  /dev/hvcN, to con3 (con0=fd:0,fd:1)" },
	{ "hostfs", true, parse_hostfs, "N=fd:N,tag=NAME[,ro]  a directory: mount -t hostfs NAME" },
	{ "chan", true, parse_channel, "N=fd:IN,fd:OUT      /dev/hostchanN, to chan15; or null" },
	{ "net", true, host_net_option, "N=fd:N[,mac=MAC][,mtu=N][,...]  ethN, to eth15: a TAP or packet socket" },
	{ "vsock=", false, host_vsock_option, "fd:N[,cid=C]      AF_VSOCK to the host" },
	{ "intercept=", false, parse_intercept,
	  "auto|seccomp|ptrace  how guest code is intercepted" },
#ifdef CONFIG_KERNELET_ATTACK_CONTROL
	{ "unsafe=", false, host_unsafe_option, "WORD[,WORD...]   leave defences out (control build)" },
#endif
};

static unsigned int limit_of(const struct option *o)
{
	if (o->parse == parse_hostfs)
		return HOST_MAX_SHARES;
	if (o->parse == host_disk_option)
		return HOST_MAX_DISKS;
	if (o->parse == host_net_option)
		return HOST_MAX_NETS;
	return o->parse == parse_channel ? HOST_MAX_CHANNELS : HOST_MAX_CONSOLES;
}

/* Is this word one of ours?  Then do what it says. */
static bool take(const char *word)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option *o = &options[i];
		const char *rest;
		u64 n = 0;

		if (!host_starts(word, o->name))
			continue;
		rest = word + host_strlen(o->name);
		if (o->numbered) {
			if (!number(rest, &rest, &n) || *rest++ != '=')
				continue;
			if (n >= limit_of(o))
				host_usage_error(word, "no such number", "see --help");
		}
		o->parse(word, rest, n);
		return true;
	}
	return false;
}

static void __noreturn end(bool said)
{
	if (!said)
		host_usage_error("standard output", "it takes no more", NULL);
	for (;;)
		sys1(__NR_exit_group, 0);
}

static void __noreturn help(void)
{
	bool said;
	int i;

	said = say("usage: vmlinux [OPTION | KERNEL PARAMETER]... [-- ARGUMENT OF INIT...]\n"
		   "Linux " UTS_RELEASE " as an ordinary process.\n\n");
	for (i = 0; i < ARRAY_SIZE(options); i++)
		said &= say("  ") && say(options[i].name) && say(options[i].help) && say("\n");
	said &= say("  --help  --version\n\n"
		    "All other words are Linux's own command line (root=, init=, rdinit=, quiet ...).\n"
		    "Exit status: what the guest wrote to /proc/sys/kernel/exit_status (0), 2 for a\n"
		    "wrong option, 255 for a panic.\n");
	end(said);
}

/* Add a word to Linux's command line, quoted when it has blanks. */
static void append(const char *word)
{
	char *line = host->boot.cmdline;
	size_t n = host_strlen(line);
	bool blank = false;
	const char *s;

	for (s = word; *s; s++)
		blank |= *s == ' ' || *s == '\t' || *s == '\n';
	for (s = word; blank && *s; s++)
		if (*s == '"')
			host_usage_error(word, "a quote beside blanks cannot be passed on", NULL);
	s = word + host_strlen(word);
	if (n + (s - word) + 4 > HOST_CMDLINE_SIZE)
		host_usage_error(word, "the command line is too long", "the most is 4095 bytes");
	if (n)
		line[n++] = ' ';
	if (blank)
		line[n++] = '"';
	while (*word)
		line[n++] = *word++;
	if (blank)
		line[n++] = '"';
	line[n] = 0;
}

static void defaults(void)
{
	int i;

	host->boot.ram_size = DEFAULT_RAM;
	host->boot.ncpus = 1;
	host->initrd_fd = -1;
	host->disk_socket = -1;
	for (i = 0; i < HOST_MAX_SHARES; i++)
		host->boot.share[i].fd = -1;
	for (i = 0; i < HOST_MAX_CONSOLES; i++) {
		host->boot.console[i].in = -1;
		host->boot.console[i].out = -1;
	}
	for (i = 0; i < HOST_MAX_CHANNELS; i++) {
		host->boot.channel[i].in = -1;
		host->boot.channel[i].out = -1;
	}
	for (i = 0; i < 2; i++)
		if (sys2(__NR_fcntl, i, F_GETFD) >= 0)
			*(i ? &host->boot.console[0].out : &host->boot.console[0].in) = i;
}

/* Whether one of Linux's own words begins so. */
static bool named(int argc, char **argv, const char *prefix)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (!argv[i])
			continue;
		if (host_same(argv[i], "--"))
			return false;
		if (host_starts(argv[i], prefix))
			return true;
	}
	return false;
}

/**
 * host_options() - act on the command line
 * @argc:	words
 * @argv:	words; ours are dropped from Linux's command line
 * @envp:	unused: the guest's init does not get the host's environment
 */
void host_options(int argc, char **argv, char **envp)
{
	int i;

	defaults();
	for (i = 1; i < argc && !host_same(argv[i], "--"); i++) {
		if (host_same(argv[i], "--help"))
			help();
		if (host_same(argv[i], "--version"))
			end(say("kernelet, Linux " UTS_RELEASE "\n"));
		if (host_starts(argv[i], "--"))
			host_usage_error(argv[i], "no such option", "see --help");
	}
	for (i = 1; i < argc && !host_same(argv[i], "--"); i++)
		if (take(argv[i]))
			argv[i] = NULL;
	if (host->boot.ram_size < MIN_RAM + host->boot.ncpus * MIN_RAM_CPU)
		host_usage_error("mem", "too little to boot",
				 "the least is 20M, and 1.5M for each vCPU");
	host_disk_options_end();
	append("console=hvc0");
	/* Looking twice a second for huge pages to make would keep an idle guest awake. */
	if (!named(argc, argv, "sysctl.vm.compaction_proactiveness="))
		append("sysctl.vm.compaction_proactiveness=0");
	/*
	 * Pages freed go back to the buddy allocator, which gives them out in ascending
	 * runs: those are mapped at one call, where a long list of single ones is not.
	 */
	if (!named(argc, argv, "sysctl.vm.percpu_pagelist_high_fraction="))
		append("sysctl.vm.percpu_pagelist_high_fraction=65536");
	/* A fault is dear here: let one bring sixteen pages when it can. */
	if (!named(argc, argv, "thp_anon="))
		append("thp_anon=16K-64K:always;2M:inherit");
	/* The built-in root is for those who name no other. */
	if (!named(argc, argv, "root=") && !named(argc, argv, "rdinit=") &&
	    host->initrd_fd < 0)
		append("rdinit=/sbin/init");
	/* for init: whether there is somebody to talk to */
	append(is_tty(host->boot.console[0].in) ? "con0.tty=1" : "con0.tty=0");
	for (i = 1; i < argc; i++)
		if (argv[i])
			append(argv[i]);
	for (i = 0; i < HOST_MAX_CONSOLES; i++) {
		host->boot.console[i].in_tty = is_tty(host->boot.console[i].in);
		host->boot.console[i].out_tty = is_tty(host->boot.console[i].out);
	}
}
