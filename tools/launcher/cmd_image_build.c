// SPDX-License-Identifier: GPL-2.0-only
/*
 * kernelet image build: a Debian root, by mmdebstrap, without root.
 *
 * Where the caller has subordinate ids, mmdebstrap makes the tree on the host in
 * a user namespace.  Where not, it does so in a guest, whose root it is: apt on the
 * host, with directories of its own, checks and fetches the packages, since a
 * guest need have no network, and a directory shared with the guest holds them.
 *
 * An ext4 image is in either case put together in a guest, where the owners of
 * the files are what they are to be.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "options.h"

static struct settings {
	const char *suite, *variant, *size, *memory, *mode;
	struct words include, mirror;
	bool force;
} settings = {
	.suite = "bookworm",
	.variant = "minbase",
	.size = "4G",
	.memory = "4G",
	.mode = "auto",
};

static const struct option options[] = {
	OPTION(struct settings, suite, .name = "suite", .kind = OPT_TEXT, .value = "NAME",
	       .help = "release of Debian (bookworm)"),
	OPTION(struct settings, variant, .name = "variant", .kind = OPT_TEXT, .value = "NAME",
	       .help = "which packages: minbase or important (minbase)"),
	OPTION(struct settings, include, .name = "include", .kind = OPT_LIST,
	       .value = "PACKAGE[,...]", .help = "and these packages"),
	OPTION(struct settings, mirror, .name = "mirror", .kind = OPT_LIST, .value = "URI",
	       .help = "where from (what apt of this host has for the suite)"),
	OPTION(struct settings, size, .name = "size", .kind = OPT_SIZE, .value = "SIZE",
	       .help = "of an ext4 image; it takes up what is used (4G)"),
	OPTION(struct settings, memory, .name = "memory", .letter = 'm', .kind = OPT_SIZE,
	       .value = "SIZE", .help = "RAM of the guest that builds, which holds the tree (4G)"),
	OPTION(struct settings, mode, .name = "mode", .kind = OPT_TEXT, .value = "HOW",
	       .complete = "auto unshare guest",
	       .help = "auto, unshare (subordinate ids) or guest (auto)"),
	OPTION(struct settings, force, .name = "force", .letter = 'f', .kind = OPT_FLAG,
	       .help = "replace FILE if it is there"),
};

#define WORK	".kernelet-build."

static char *work;		/* a directory beside the result */
static pid_t child;

/* ---- programs ------------------------------------------------------------- */

/* Runs one; its standard output goes to @out, or to standard error. */
static int run_program(char **argv, int out)
{
	int status;

	child = fork();
	if (child < 0)
		fail("no process: %s (see ulimit -u)", strerror(errno));
	if (!child) {
		dup2(out < 0 ? STDERR_FILENO : out, STDOUT_FILENO);
		execvp(argv[0], argv);
		dprintf(2, "kernelet: %s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	child = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void remove_work(void)
{
	char *argv[] = { "rm", "-rf", "--", work, NULL };

	if (work)
		run_program(argv, -1);
	work = NULL;
}

static void interrupted(int signal)
{
	if (child)
		kill(child, SIGTERM);
	(void)signal;
}

static void must_run(const char *what, struct words *w)
{
	int status = run_program(w->v, -1);

	if (status)
		fail("image build: %s has failed with status %d, see above", what, status);
}

static bool have_program(const char *name)
{
	char *path __auto_free = print("%s:/usr/sbin:/sbin", getenv("PATH") ? getenv("PATH") : "");
	char *dir, *save = NULL;

	for (dir = strtok_r(path, ":", &save); dir; dir = strtok_r(NULL, ":", &save)) {
		char *file __auto_free = print("%s/%s", dir, name);

		if (!access(file, X_OK))
			return true;
	}
	return false;
}

static void need_program(const char *name, const char *package)
{
	if (!have_program(name))
		fail("image build: no %s here; as root: apt-get install %s", name, package);
}

static void words(struct words *w, ...)
{
	va_list args;
	char *s;

	va_start(args, w);
	while ((s = va_arg(args, char *)))
		words_add(w, s);
	va_end(args);
}

/* ---- where packages come from --------------------------------------------- */

static void write_file(const char *name, const char *text)
{
	char *path __auto_free = print("%s/%s", work, name);
	FILE *f = fopen(path, "w");

	if (!f || fputs(text, f) < 0 || fclose(f))
		fail("image build: %s: %s", path, strerror(errno));
}

/* What apt of the host has for the suite. */
static char *host_sources(void)
{
	char *path __auto_free = print("%s/targets", work);
	char *text __auto_free = NULL;
	int fd __auto_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct words w = { 0 };
	struct bytes found = { 0 };
	char *line, *save = NULL;

	words(&w, "apt-get", "indextargets", "--format",
	      "deb $(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages", NULL);
	run_program(w.v, fd);
	text = read_file(AT_FDCWD, path);
	for (line = text ? strtok_r(text, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save)) {
		size_t n = strlen(settings.suite);
		char release[128], component[128];

		if (sscanf(line, "deb %*s %127s %127s", release, component) != 2 ||
		    strcmp(component, "main") || strncmp(release, settings.suite, n) ||
		    (release[n] && release[n] != '-'))
			continue;
		line = print("%s\n", line);
		if (!found.n || !strstr(found.p, line))
			bytes_add(&found, line, strlen(line));
		free(line);
	}
	return found.p;
}

static void write_sources(void)
{
	struct bytes b = { 0 };
	size_t i;

	for (i = 0; i < settings.mirror.n; i++) {
		char *line __auto_free = print("deb %s %s main\n", settings.mirror.v[i],
					       settings.suite);

		bytes_add(&b, line, strlen(line));
	}
	if (!b.n)
		b.p = host_sources();
	if (!b.p)
		fail("image build: apt has no source for %s; name one with --mirror",
		     settings.suite);
	write_file("sources.list", b.p);
	free(b.p);
}

/* ---- the tree, with subordinate ids --------------------------------------- */

static bool has_ids(const char *file)
{
	char *text __auto_free = read_file(AT_FDCWD, file);
	struct passwd *pw = getpwuid(getuid());
	char *line, *save = NULL;

	for (line = text ? strtok_r(text, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save)) {
		size_t n = strcspn(line, ":");

		if ((pw && n == strlen(pw->pw_name) && !strncmp(line, pw->pw_name, n)) ||
		    (n && strtoul(line, NULL, 10) == getuid() && *line >= '0' && *line <= '9'))
			return true;
	}
	return false;
}

static bool in_guest(void)
{
	if (!strcmp(settings.mode, "guest"))
		return true;
	if (!strcmp(settings.mode, "unshare"))
		return false;
	if (strcmp(settings.mode, "auto"))
		fail("--mode=%s: not auto, unshare or guest", settings.mode);
	return !(has_ids("/etc/subuid") && has_ids("/etc/subgid") && have_program("newuidmap"));
}

static void add_include(struct words *w)
{
	size_t i;

	for (i = 0; i < settings.include.n; i++)
		words_add(w, print("--include=%s", settings.include.v[i]));
}

static void build_here(const char *tar)
{
	struct words w = { 0 };

	words(&w, "mmdebstrap", "--mode=unshare", print("--variant=%s", settings.variant),
	      "--format=tar", NULL);
	add_include(&w);
	words(&w, (char *)settings.suite, (char *)tar, print("%s/sources.list", work), NULL);
	must_run("mmdebstrap", &w);
}

/* ---- the tree, in a guest ------------------------------------------------- */

/* A terminal sees apt's own progress. */
static void begin_apt(struct words *w)
{
	words(w, "apt-get", "-y", "-o", "APT::Sandbox::User=", NULL);
	words_add(w, isatty(STDERR_FILENO) ? "-q=0" : "-qq");
}

static void fetch_packages(const char *required, const char *packages)
{
	char *copy __auto_free = print("%s", packages);
	struct words w = { 0 };
	char *name, *save = NULL;

	begin_apt(&w);
	words(&w, "--download-only", "install", "?essential", NULL);
	if (required)
		words_add(&w, (char *)required);
	for (name = strtok_r(copy, ", ", &save); name; name = strtok_r(NULL, ", ", &save))
		words_add(&w, name);
	must_run("apt-get install", &w);
}

/* The packages that mmdebstrap will ask for, as it groups them. */
static void fetch(void)
{
	static const char *const dirs[] = { "apt", "apt/lists", "apt/lists/partial",
					    "apt/archives", "apt/archives/partial" };
	const char *required = !strcmp(settings.variant, "important") ?
		"?or(?priority(required),?priority(important),?exact-name(apt))" :
		"?or(?priority(required),?exact-name(apt))";
	char *conf = print("Dir::State \"%s/apt\";\nDir::State::lists \"%s/apt/lists\";\n"
			   "Dir::State::status \"%s/apt/status\";\nDir::Cache \"%s/apt\";\n"
			   "Dir::Cache::archives \"%s/apt/archives\";\n"
			   "Dir::Etc::SourceList \"%s/sources.list\";\n"
			   "Dir::Etc::SourceParts \"/dev/null\";\n"
			   "Acquire::Languages \"none\";\nAPT::Install-Recommends \"0\";\n",
			   work, work, work, work, work, work);
	struct words w = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(dirs); i++) {
		char *path __auto_free = print("%s/%s", work, dirs[i]);

		if (mkdir(path, 0755))
			fail("image build: %s: %s", path, strerror(errno));
	}
	write_file("apt/status", "");
	write_file("apt.conf", conf);
	setenv("APT_CONFIG", print("%s/apt.conf", work), 1);
	complain("fetching the package lists");
	begin_apt(&w);
	words_add(&w, "update");
	must_run("apt-get update", &w);
	complain("fetching packages");
	fetch_packages(NULL, "");
	fetch_packages(required, "");
	for (i = 0; i < settings.include.n; i++)
		fetch_packages(required, settings.include.v[i]);
	unsetenv("APT_CONFIG");
}

/* $1 suite, $2 variant, then options of mmdebstrap */
static const char in_guest_script[] =
	"set -e\n"
	"suite=$1 variant=$2\n"
	"shift 2\n"
	"mount -t tmpfs -o size=95% tmpfs /tmp\n"
	"export TMPDIR=/tmp HOME=/tmp\n"
	"mmdebstrap --mode=root --variant=$variant --format=tar --skip=update \\\n"
	"  --setup-hook='cp -r /mnt/apt/lists \"$1/var/lib/apt/\"' \\\n"
	"  --setup-hook='mkdir -p \"$1/var/cache/apt\"' \\\n"
	"  --setup-hook='cp -r /mnt/apt/archives \"$1/var/cache/apt/\"' \\\n"
	"  --skip=download/empty \"$@\" \"$suite\" /mnt/root.tar /mnt/sources.list\n";

static void guest(const char *what, const char *script, ...)
{
	struct words w = { 0 };
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	va_list args;
	char *s;

	self[n > 0 ? n : 0] = '\0';
	words(&w, self, "run", "--root-user", "--no-hide=all",
	      print("--memory=%s", settings.memory), print("--share=%s:/mnt:rw", work),
	      print("--env=PATH=/usr/sbin:/usr/bin:/sbin:/bin"), "--", "sh", "-c", (char *)script,
	      "build", NULL);
	va_start(args, script);
	while ((s = va_arg(args, char *)))
		words_add(&w, s);
	va_end(args);
	if (!strcmp(script, in_guest_script))
		add_include(&w);
	must_run(what, &w);
}

static void build_in_guest(void)
{
	need_program("apt-get", "apt");
	fetch();
	complain("building in a guest");
	guest("mmdebstrap in a guest", in_guest_script, settings.suite, settings.variant, NULL);
}

/* ---- the result ----------------------------------------------------------- */

/* $1 size */
static const char image_script[] =
	"set -e\n"
	"mount -t tmpfs -o size=95% tmpfs /tmp\n"
	"mkdir /tmp/root\n"
	"tar -xpf /mnt/root.tar --numeric-owner -C /tmp/root\n"
	"rm -f /mnt/image\n"
	"mke2fs -q -t ext4 -m 0 -L kernelet -d /tmp/root /mnt/image \"$1\"\n";

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && !strcmp(s + n - m, end);
}

/* The program that packs an archive of this name, "" for none; NULL: an image. */
static const char *packer(const char *file)
{
	if (ends_with(file, ".tar"))
		return "";
	if (ends_with(file, ".tar.gz") || ends_with(file, ".tgz"))
		return "gzip";
	return ends_with(file, ".tar.xz") ? "xz" : NULL;
}

static void finish(const char *file)
{
	const char *pack = packer(file);
	char *result = print("%s/%s", work, pack ? "root.tar" : "image");
	char *argv[] = { (char *)pack, "-f", result, NULL };

	if (!pack) {
		complain("making the image");
		guest("mke2fs in a guest", image_script, settings.size, NULL);
	} else if (*pack) {
		complain("packing");
		if (run_program(argv, -1))
			fail("image build: %s has failed, see above", pack);
		result = print("%s.%s", result, *pack == 'g' ? "gz" : "xz");
	}
	if (rename(result, file))
		fail("image build: %s: %s", file, strerror(errno));
}

/* What a build that was killed has left: nobody holds its lock. */
static void remove_left(const char *dir)
{
	struct dirent *e;
	DIR *d = opendir(dir);

	while (d && (e = readdir(d))) {
		int fd __auto_fd = -1;

		if (strncmp(e->d_name, WORK, strlen(WORK)))
			continue;
		fd = openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB))
			continue;
		work = print("%s/%s", dir, e->d_name);
		remove_work();
	}
	if (d)
		closedir(d);
}

static void make_work(const char *file)
{
	const char *slash = strrchr(file, '/');
	char *dir = slash ? print("%.*s", (int)(slash - file + 1), file) : print("./");
	char *path = print("%s" WORK "XXXXXX", dir);
	int fd;

	remove_left(dir);
	if (!mkdtemp(path))
		fail("image build: %s: %s", path, strerror(errno));
	/* held until we end */
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX))
		fail("image build: %s: %s", path, strerror(errno));
	work = realpath(path, NULL);
	atexit(remove_work);
}

static int run(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = interrupted };
	const char *file = argv[0];
	bool by_guest = in_guest();

	if (argc != 1)
		fail("image build: say kernelet image build FILE.ext4 or FILE.tar[.gz|.xz]");
	if (!access(file, F_OK) && !settings.force)
		fail("image build: %s is there already; --force replaces it", file);
	if (strcmp(settings.variant, "minbase") && strcmp(settings.variant, "important"))
		fail("--variant=%s: not minbase or important", settings.variant);
	need_program("mmdebstrap", "mmdebstrap");
	if (!packer(file))
		need_program("mke2fs", "e2fsprogs");
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	make_work(file);
	write_sources();
	if (by_guest)
		build_in_guest();
	else
		build_here(print("%s/root.tar", work));
	finish(file);
	return 0;
}

const struct command cmd_image_build = {
	.name = "image build",
	.summary = "Make a Debian root, as an ext4 image or a tar archive, without root.",
	.operands = "FILE",
	.complete = "file",
	.text = "FILE is an ext4 image, or an archive if its name ends in .tar, .tar.gz\n"
		"or .tar.xz; kernelet run --root=FILE runs it.  mmdebstrap has to be installed.  Where the\n"
		"caller has no subordinate ids (/etc/subuid), a guest of this host's own root builds\n"
		"it, from packages that apt has fetched and checked on the host.",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.settings = &settings,
	.run = run,
};
