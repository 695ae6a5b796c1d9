// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "limits.h"
#include "shares.h"

#define BUILTIN		"builtin"
#define MAGIC_SIZE	2048
#define MAX_MAPS	16	/* as the server has it */
#define MAX_HIDDEN	256	/* ditto */
#define CHANNEL_ARCHIVE	4

/*
 * What opens other doors: keys, tokens, and other people's sessions.  Below the
 * caller's home directory.  "kernelet run --help" and the manual show it.
 */
static const char *const hidden_at_home[] = {
	".ssh", ".gnupg", ".pki", ".aws", ".azure", ".boto", ".s3cfg", ".kube", ".docker",
	".netrc", ".pgpass", ".my.cnf", ".mylogin.cnf", ".git-credentials", ".npmrc", ".pypirc",
	".password-store", ".vault-token", ".terraform.d", ".ansible", ".krb5", ".oci",
	".cargo/credentials", ".cargo/credentials.toml", ".gem/credentials", ".m2/settings.xml",
	".config/gcloud", ".config/gh", ".config/glab-cli", ".config/hub", ".config/doctl",
	".config/rclone", ".config/op", ".config/git/credentials", ".config/containers",
	".config/github-copilot", ".config/hcloud", ".config/sops", ".claude/.credentials.json",
	".codex/auth.json", ".databrickscfg", ".kaggle", ".cache/huggingface/token", ".dockercfg",
	".gradle/gradle.properties", ".pip/pip.conf", ".config/pip/pip.conf", ".msmtprc",
	".subversion/auth", ".fly", ".minikube", ".tsh", ".electrum", ".bitcoin", ".vnc",
	".config/google-chrome", ".config/chromium", ".config/BraveSoftware",
	".config/microsoft-edge", ".config/vivaldi", ".config/opera", "snap/firefox",
	"snap/chromium", ".var/app", ".mozilla", ".thunderbird",
	".local/share/keyrings", ".local/share/kwalletd", ".bash_history", ".zsh_history",
	".zhistory", ".local/share/fish/fish_history", ".python_history", ".node_repl_history",
	".psql_history", ".mysql_history", ".sqlite_history", ".lesshst", ".viminfo",
	".Xauthority", ".ICEauthority",
};

void shares_hidden_list(FILE *out)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(hidden_at_home); i++)
		fprintf(out, "%s~/%s", i ? ", " : "", hidden_at_home[i]);
}

/* ---- the root ------------------------------------------------------------- */

static int open_path(const char *option, const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		fail("%s%s: %s", option, path, strerror(errno));
	return fd;
}

static struct share *new_share(struct shares *sh, const char *host, const char *mode)
{
	struct share *s = &sh->share[sh->n];

	if (sh->n == MAX_SHARES)
		fail("--share=%s: too many, the most is %d", host, MAX_SHARES);
	s->host = realpath(host, NULL);
	if (!s->host)
		fail("--share=%s: %s", host, strerror(errno));
	s->mode = mode;
	s->dir = open(s->host, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (s->dir < 0)
		fail("--share=%s: %s", host, strerror(errno));
	if (faccessat(s->dir, ".", R_OK | X_OK, 0))
		fail("--share=%s: %s", host, strerror(errno));
	s->tag = print("share%zu", sh->n++);
	return s;
}

static void directory_root(struct shares *sh, const char *path, bool persist)
{
	struct share *s = new_share(sh, path, persist ? "rw" : "ro");

	sh->kind = ROOT_DIRECTORY;
	sh->is_host = !strcmp(s->host, "/");
	if (sh->is_host && persist)
		fail("--persist: not for the host's own root; see --rw and --share");
	sh->record = print("hostfs:%s:%s", persist ? "rw" : "overlay", s->tag);
}

/* How tar is told of a compression. */
static const struct {
	const char *magic;
	size_t at, n;
	const char *flag;	/* NULL: none of ours */
	const char *what;
} archives[] = {
	{ "ustar", 257, 5, "", "tar" },
	{ "\x1f\x8b", 0, 2, "z", "gzip" },
	{ "BZh", 0, 3, "j", "bzip2" },
	{ "\3757zXZ", 0, 5, "J", "xz" },
	{ "\x28\xb5\x2f\xfd", 0, 4, NULL, "zstd" },
};

static void image_root(struct shares *sh, const char *path, bool persist)
{
	int fd = sh->root_fd;

	if (persist) {
		close(fd);
		fd = open_path("--root=", path, O_RDWR);
	}
	/* kept by the guest until it ends */
	if (flock(fd, (persist ? LOCK_EX : LOCK_SH) | LOCK_NB))
		fail(persist ? "--root=%s: a guest has it in use; with --persist no other one may" :
			       "--root=%s: a guest that may write to it has it in use", path);
	sh->root_fd = fd;
	sh->lock = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	sh->kind = ROOT_IMAGE;
	sh->record = print("ext4:%s:/dev/uda", persist ? "rw" : "overlay");
}

void shares_unlock(struct shares *sh)
{
	if (sh->lock >= 0)
		flock(sh->lock, LOCK_UN);
}

static void file_root(struct shares *sh, const char *path, bool persist)
{
	unsigned char magic[MAGIC_SIZE] = { 0 };
	ssize_t n = pread(sh->root_fd, magic, sizeof(magic), 0);
	size_t i;

	if (n > 1082 && magic[1080] == 0x53 && magic[1081] == 0xef) {
		image_root(sh, path, persist);
		return;
	}
	for (i = 0; i < ARRAY_SIZE(archives); i++) {
		if (memcmp(magic + archives[i].at, archives[i].magic, archives[i].n))
			continue;
		if (!archives[i].flag)
			fail("--root=%s: %s is not known here; unpack it, or use gzip or xz",
			     path, archives[i].what);
		if (persist)
			fail("--persist: a tar archive cannot be written back: unpack it");
		sh->kind = ROOT_ARCHIVE;
		/* it shares the offset with the guest's */
		sh->reading = fcntl(sh->root_fd, F_DUPFD_CLOEXEC, 3);
		sh->record = print("tar:%s:%d", archives[i].flag, CHANNEL_ARCHIVE);
		return;
	}
	fail("--root=%s: neither a directory, nor an ext4 image, nor a tar archive", path);
}

void shares_root(struct shares *sh, const char *root, bool persist)
{
	struct stat st;

	sh->server = program_beside("kernelet-hostfs");
	sh->root = root;
	sh->root_fd = -1;
	sh->lock = -1;
	sh->reading = -1;
	sh->writable = persist;
	if (!root) {
		if (persist)
			fail("--persist: not for the host's own root; see --rw and --share");
		directory_root(sh, "/", false);
	} else if (!strcmp(root, BUILTIN)) {
		if (persist)
			fail("--persist: the built-in root lies in memory");
	} else {
		sh->root_fd = open_path("--root=", root, O_RDONLY);
		fstat(sh->root_fd, &st);
		if (S_ISDIR(st.st_mode))
			directory_root(sh, root, persist);
		else if (S_ISREG(st.st_mode))
			file_root(sh, root, persist);
		else
			fail("--root=%s: neither a directory nor a file", root);
	}
}

/* ---- shares --------------------------------------------------------------- */

static const char *mode_named(const char *s)
{
	static const char *const modes[] = { "ro", "rw", "overlay" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(modes); i++)
		if (!strcmp(s, modes[i]))
			return modes[i];
	return NULL;
}

/* A place that is no file system for files. */
static bool is_kernels(const char *place)
{
	return !strcmp(place, "/dev") || !strcmp(place, "/proc") || !strncmp(place, "/proc/", 6) ||
	       !strcmp(place, "/sys") || !strncmp(place, "/sys/", 5);
}

void shares_add(struct shares *sh, const char *text)
{
	char *copy __auto_free = print("%s", text);
	const char *mode = "ro";
	char *colon = strrchr(copy, ':');
	struct share *s;

	if (colon && mode_named(colon + 1)) {
		mode = mode_named(colon + 1);
		*colon = '\0';
		colon = strrchr(copy, ':');
	}
	if (colon)
		*colon++ = '\0';
	if (!*copy)
		fail("--share=%s: no directory named; say HOST[:GUEST][:ro|rw|overlay]", text);
	if (colon && *colon != '/')
		fail("--share=%s: %s is neither a mode (ro, rw, overlay) nor a path from / on",
		     text, colon);
	s = new_share(sh, copy, mode);
	s->guest = colon ? print("%s", colon) : print("%s", s->host);
	if (!strcmp(s->guest, "/"))
		fail("--share=%s: for the root of the guest say --root=%s", text, copy);
	if (is_kernels(s->guest))
		fail("--share=%s: %s is the guest kernel's own", text, s->guest);
}

/* Where the number of a user or group ends, if that is at the letter @end; or NULL. */
static const char *id_end(const char *s, char end)
{
	unsigned long n;
	char *at;

	errno = 0;
	n = strtoul(s, &at, 10);
	/* the last one stands for "none" */
	return *s >= '0' && *s <= '9' && !errno && n < UINT_MAX && *at == end ? at : NULL;
}

void shares_map(struct shares *sh, const struct words *maps)
{
	size_t i;

	for (i = 0; i < maps->n; i++) {
		const char *s = maps->v[i];
		const char *host_end = NULL;

		if (!strncmp(s, "uid:", 4) || !strncmp(s, "gid:", 4))
			host_end = id_end(s + 4, ':');
		if (!host_end || !id_end(host_end + 1, '\0'))
			fail("--volume-map=%s: not uid:HOST:GUEST or gid:HOST:GUEST", s);
	}
	if (maps->n > MAX_MAPS)
		fail("--volume-map: more than %d", MAX_MAPS);
	sh->maps = *maps;
}

void shares_cache(struct shares *sh, const char *mode)
{
	if (mode && strcmp(mode, "none") && strcmp(mode, "auto") && strcmp(mode, "always"))
		fail("--cache=%s: not none, auto or always", mode);
	sh->cache = mode;
}

/* Is a place of the list in --no-hide, as it is written there, or as a path? */
static bool is_shown(const struct words *none, const char *place, const char *path)
{
	size_t i;

	for (i = 0; i < none->n; i++) {
		const char *word = none->v[i];

		if (!strcmp(word, "all") || !strcmp(word, path) || !strcmp(word, place) ||
		    (!strncmp(word, "~/", 2) && !strcmp(word + 2, place)))
			return true;
	}
	return false;
}

/* What is not there cannot come to be; but its directory can, where that is missing. */
static bool has_directory(const char *path)
{
	char *dir __auto_free = print("%.*s", (int)(strrchr(path, '/') - path), path);

	return !access(dir, F_OK);
}

static void hide(struct shares *sh, char *path)
{
	size_t i;

	for (i = 0; path && i < sh->hidden.n; i++)
		if (!strcmp(sh->hidden.v[i], path))
			return;
	if (path)
		words_add(&sh->hidden, path);
}

/* By its name, and where that is a link, or a link leads there, by what it is. */
static void hide_home(struct shares *sh, const char *home, const struct words *none)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(hidden_at_home); i++) {
		char *path = print("%s/%s", home, hidden_at_home[i]);

		if (is_shown(none, hidden_at_home[i], path) || !has_directory(path))
			continue;
		hide(sh, path);
		hide(sh, realpath(path, NULL));
	}
}

/* Every --no-hide has to be on the list: a slip would hide what is wanted. */
static void check_shown(const struct words *homes, const struct words *none)
{
	size_t i, j, k;

	for (i = 0; i < none->n; i++) {
		struct words one = { &none->v[i], 1 };
		bool known = !strcmp(none->v[i], "all");

		for (j = 0; j < ARRAY_SIZE(hidden_at_home); j++)
			for (k = 0; k < homes->n; k++) {
				char *path __auto_free = print("%s/%s", homes->v[k],
							       hidden_at_home[j]);

				known |= is_shown(&one, hidden_at_home[j], path);
			}
		if (!known)
			fail("--no-hide=%s: not on the list (see kernelet manual)",
			     none->v[i]);
	}
}

static void add_home(struct words *homes, char *path)
{
	size_t i;

	for (i = 0; path && i < homes->n; i++)
		if (!strcmp(homes->v[i], path))
			return;
	if (path && *path == '/' && path[1])
		words_add(homes, path);
}

/* Where the caller may be at home; shares are known by their real paths. */
static struct words find_homes(void)
{
	struct passwd *pw = getpwuid(getuid());
	char *home[2] = { pw ? pw->pw_dir : NULL, getenv("HOME") };
	struct words homes = { 0 };
	int i;

	for (i = 0; i < 2; i++) {
		add_home(&homes, home[i]);
		add_home(&homes, home[i] ? realpath(home[i], NULL) : NULL);
	}
	return homes;
}

void shares_hide(struct shares *sh, const struct words *more, const struct words *none)
{
	struct words homes = find_homes();
	size_t i;

	check_shown(&homes, none);
	for (i = 0; i < homes.n; i++) {
		char *real __auto_free = realpath(homes.v[i], NULL);

		/* what is shared is known by real paths; that of a link is in the list, too */
		if (real && !strcmp(real, homes.v[i]))
			hide_home(sh, real, none);
	}
	for (i = 0; i < more->n; i++) {
		char *path = realpath(more->v[i], NULL);

		if (!path)
			fail("--hide=%s: %s", more->v[i], strerror(errno));
		hide(sh, path);
	}
	if (sh->hidden.n > MAX_HIDDEN)
		fail("--hide: too many, the most is %d with the list (see kernelet manual)",
		     MAX_HIDDEN);
}

void shares_modules(struct shares *sh, const char *kernel)
{
	char *path = print("%.*smodules", (int)(strrchr(kernel, '/') + 1 - kernel), kernel);
	struct share *s;

	if (sh->kind == ROOT_BUILTIN || access(path, R_OK | X_OK)) {
		free(path);
		return;
	}
	sh->modules = path;
	if (sh->is_host || sh->n == MAX_SHARES)
		return;
	s = new_share(sh, path, "ro");
	s->guest = path;
	s->modules = true;
}

/* The rest of @path below the directory @dir, or NULL. */
static const char *below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (!strcmp(dir, "/"))
		return path;
	if (!strncmp(path, dir, n) && path[n] == '/')
		return path + n;
	return NULL;
}

/* A directory that is shown, and is itself what is hidden or lies in it. */
void shares_check_hidden(const struct shares *sh)
{
	size_t i, j;

	for (i = 0; i < sh->n; i++)
		for (j = 0; j < sh->hidden.n; j++) {
			const struct share *s = &sh->share[i];
			const char *hidden = sh->hidden.v[j];

			if (!strcmp(s->host, hidden) || below(s->host, hidden))
				fail("%s cannot be shared: %s is hidden (see --hide, --no-hide)",
				     s->host, hidden);
		}
}

/* ---- telling the guest ---------------------------------------------------- */

void shares_request(struct shares *sh, struct session *s, struct machine *m)
{
	size_t i;

	if (sh->record)
		request_add(s, REC_ROOT, "%s", sh->record);
	if (sh->modules && sh->is_host)
		request_add(s, REC_MODULES, "bind:%s", sh->modules);
	for (i = sh->kind == ROOT_DIRECTORY; i < sh->n; i++)
		if (sh->share[i].modules)
			request_add(s, REC_MODULES, "hostfs:%s", sh->share[i].tag);
		else
			request_add(s, REC_MOUNT, "%s:%s:%s", sh->share[i].mode,
				    sh->share[i].tag, sh->share[i].guest);
	if (sh->kind == ROOT_IMAGE)
		words_add(&m->words, print("disk0=fd:%d%s", machine_keep(m, sh->root_fd),
					   sh->writable ? "" : ",ro"));
	if (sh->kind == ROOT_ARCHIVE)
		words_add(&m->words, print("chan%d=fd:%d,null", CHANNEL_ARCHIVE,
					   machine_keep(m, sh->root_fd)));
	for (i = 0; i < sh->n; i++) {
		bool rw = !strcmp(sh->share[i].mode, "rw");
		int fds[2];

		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
			fail("no socket: %s", strerror(errno));
		words_add(&m->words, print("hostfs%zu=fd:%d,tag=%s%s", i,
					   machine_keep(m, fds[1]), sh->share[i].tag,
					   rw ? "" : ",ro"));
		sh->share[i].socket = fds[0];
	}
}

/* ---- servers -------------------------------------------------------------- */

static void add_option(struct words *w, const char *name, const char *value)
{
	words_add(w, print("--%s", name));
	words_add(w, print("%s", value));
}

static void server_words(const struct shares *sh, const struct share *s, int ready,
			 struct words *w)
{
	bool rw = !strcmp(s->mode, "rw");
	size_t i;

	words_add(w, sh->server);
	words_add(w, "--fd");
	words_add(w, print("%d", s->socket));
	words_add(w, "--dir-fd");
	words_add(w, print("%d", s->dir));
	words_add(w, "--ready");
	words_add(w, print("%d", ready));
	/* changes of the host below what is written over are undefined anyway */
	add_option(w, "cache", !s->guest || !strcmp(s->mode, "overlay") ? "always" :
			       sh->cache ? sh->cache : "auto");
	if (sh->unconfined)
		words_add(w, "--unconfined");
	if (sh->verbose)
		words_add(w, "--verbose");
	if (!rw)
		words_add(w, "--ro");
	for (i = 0; i < sh->hidden.n; i++) {
		const char *path = below(sh->hidden.v[i], s->host);

		if (path)
			add_option(w, "hide", path);
	}
	for (i = 0; i < sh->maps.n; i++)
		add_option(w, "map", sh->maps.v[i]);
}

static void __noreturn become_server(const struct share *s, int ready, const struct words *w,
				     pid_t parent)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;

	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(null, 0);
	dup2(null, 1);
	fcntl(s->socket, F_SETFD, 0);
	fcntl(s->dir, F_SETFD, 0);
	fcntl(ready, F_SETFD, 0);
	limits_enter();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_GUEST);
	execve(w->v[0], w->v, (char *[]){ NULL });
	dprintf(2, "kernelet: %s: %s\n", w->v[0], strerror(errno));
	_exit(EXIT_USAGE);
}

void shares_start(struct shares *sh)
{
	pid_t pid, parent = getpid();
	size_t i;

	for (i = 0; i < sh->n; i++) {
		struct share *s = &sh->share[i];
		struct words w = { 0 };
		int fds[2];

		if (pipe2(fds, O_CLOEXEC))
			fail("no pipe: %s", strerror(errno));
		server_words(sh, s, fds[1], &w);
		pid = fork();
		if (pid < 0)
			fail("no process for %s: %s (see ulimit -u)", s->host, strerror(errno));
		if (!pid)
			become_server(s, fds[1], &w, parent);
		s->ready = fds[0];
		close(fds[1]);
		close(s->socket);
		close(s->dir);
	}
}

void shares_wait(struct shares *sh)
{
	size_t i;
	char c;

	for (i = 0; i < sh->n; i++) {
		/* what is wrong it has said itself */
		if (read(sh->share[i].ready, &c, 1) != 1)
			exit(EXIT_USAGE);
		close(sh->share[i].ready);
	}
}
