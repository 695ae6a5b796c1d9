// SPDX-License-Identifier: GPL-2.0-only
/*
 * kernelet mount: a guest's files on the host, by FUSE.
 *
 * The guest is not trusted.  The host's kernel checks what it is given of files
 * (and the mount is nosuid and nodev); what is left is symbolic links, which the
 * host would follow to its own files: they are shown so that none leads out of
 * the mount.
 */
#define FUSE_USE_VERSION FUSE_MAKE_VERSION(3, 12)
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <fuse_lowlevel.h>
#include <mntent.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "files.h"
#include "loop.h"
#include "options.h"

static struct settings {
	bool foreground, readonly, root_user;
} settings;

static const struct option options[] = {
	OPTION(struct settings, foreground, .name = "foreground", .letter = 'f',
	       .kind = OPT_FLAG, .help = "stay until it is unmounted"),
	OPTION(struct settings, readonly, .name = "read-only", .letter = 'r', .kind = OPT_FLAG,
	       .help = "nothing can be changed"),
	OPTION(struct settings, root_user, .name = "root-user", .kind = OPT_FLAG,
	       .help = "with the rights of the guest's root"),
};

static struct files files;

/* ---- links ---------------------------------------------------------------- */

static size_t depth_of(const char *path)
{
	size_t n = 0;

	/* the directory that holds the link: "/a" lies in one of depth 0 */
	for (path++; (path = strchr(path, '/')); path++)
		n++;
	return n;
}

/* Removes the last name of what was put together, "" or "a/b/". */
static char *drop_name(char *start, char *end)
{
	if (end > start)
		end--;
	while (end > start && end[-1] != '/')
		end--;
	return end;
}

/*
 * A link's target as it is shown: "..", as often as there are directories above
 * in the mount at most, and then names without "..".  An absolute one begins in
 * the mount's root.  Names of the target may be links themselves: those are shown
 * in the same way.  False when it does not fit.
 */
static bool confine_target(const char *path, const char *target, char *out, size_t size)
{
	size_t depth = depth_of(path), up = *target == '/' ? depth : 0, i;
	char names[FILES_PATH], *end = names;

	while (*target) {
		size_t n = strcspn(target, "/");

		if (n == 2 && target[0] == '.' && target[1] == '.') {
			if (end > names)
				end = drop_name(names, end);
			else if (up < depth)
				up++;
		} else if (n && !(n == 1 && target[0] == '.')) {
			memcpy(end, target, n);
			end += n;
			*end++ = '/';
		}
		target += n + (target[n] == '/');
	}
	if (end > names)
		end--;
	*end = '\0';
	if (3 * up + (end - names) + 2 > size)
		return false;
	for (i = 0; i < up; i++)
		out = stpcpy(out, i + 1 < up || *names ? "../" : "..");
	strcpy(out, *names || up ? names : ".");
	return true;
}

/* ---- operations ----------------------------------------------------------- */

static int op_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	(void)fi;
	return files_stat(&files, path, st);
}

static int op_readlink(const char *path, char *buf, size_t size)
{
	char target[FILES_PATH];
	int error = files_readlink(&files, path, target);

	if (!error && !confine_target(path, target, buf, size))
		error = -ENAMETOOLONG;
	return error;
}

struct filling {
	void *buf;
	fuse_fill_dir_t fill;
};

static int fill_one(void *arg, const char *name, const struct stat *st)
{
	struct filling *f = arg;

	return f->fill(f->buf, name, st, 0, 0) ? -ENOMEM : 0;
}

static int op_readdir(const char *path, void *buf, fuse_fill_dir_t fill, off_t offset,
		      struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	struct filling f = { buf, fill };

	(void)offset;
	(void)fi;
	(void)flags;
	fill(buf, ".", NULL, 0, 0);
	fill(buf, "..", NULL, 0, 0);
	return files_list(&files, path, fill_one, &f);
}

static int open_file(const char *path, int flags, mode_t mode, struct fuse_file_info *fi)
{
	struct files_request r = { .op = FILES_OPEN, .flags = flags, .mode = mode };
	struct files_reply reply;
	struct stat st;
	int error = files_call(&files, &r, path, NULL, 0, &reply, NULL, 0, true);

	if (error)
		return error;
	fi->fh = reply.value;
	/* files of proc and the like have a size of 0 and are read all the same */
	fi->direct_io = !files_stat(&files, path, &st) && !st.st_size;
	return 0;
}

static int op_open(const char *path, struct fuse_file_info *fi)
{
	return open_file(path, fi->flags & ~(O_CREAT | O_EXCL | O_APPEND), 0, fi);
}

static int op_create(const char *path, mode_t mode, struct fuse_file_info *fi)
{
	return open_file(path, (fi->flags & ~O_APPEND) | O_CREAT, mode & 07777, fi);
}

static int op_read(const char *path, char *buf, size_t size, off_t offset,
		   struct fuse_file_info *fi)
{
	struct files_request r = { .op = FILES_READ, .handle = fi->fh, .offset = offset };
	struct files_reply reply;
	int error;

	(void)path;
	r.count = size < FILES_DATA ? size : FILES_DATA;
	error = files_call(&files, &r, NULL, NULL, 0, &reply, buf, r.count, false);
	return error ? error : (int)reply.data_len;
}

static int op_write(const char *path, const char *buf, size_t size, off_t offset,
		    struct fuse_file_info *fi)
{
	struct files_request r = { .op = FILES_WRITE, .handle = fi->fh, .offset = offset };
	struct files_reply reply;
	int error;

	(void)path;
	size = size < FILES_DATA ? size : FILES_DATA;
	error = files_call(&files, &r, NULL, buf, size, &reply, NULL, 0, true);
	if (!error && reply.value > size)
		error = -EIO;
	return error ? error : (int)reply.value;
}

static int op_release(const char *path, struct fuse_file_info *fi)
{
	struct files_request r = { .op = FILES_CLOSE, .handle = fi->fh };

	(void)path;
	return files_simple(&files, r, NULL, NULL);
}

static int op_fsync(const char *path, int datasync, struct fuse_file_info *fi)
{
	struct files_request r = { .op = FILES_SYNC, .handle = fi->fh };

	(void)path;
	(void)datasync;
	return files_simple(&files, r, NULL, NULL);
}

static int op_truncate(const char *path, off_t size, struct fuse_file_info *fi)
{
	struct files_request r = { .op = FILES_TRUNCATE, .offset = size };

	(void)fi;
	return files_simple(&files, r, path, NULL);
}

static int op_mkdir(const char *path, mode_t mode)
{
	return files_simple(&files, (struct files_request){ .op = FILES_MKDIR, .mode = mode },
			     path, NULL);
}

static int op_mknod(const char *path, mode_t mode, dev_t dev)
{
	struct files_request r = { .op = FILES_MKNOD, .mode = mode, .offset = dev };

	return files_simple(&files, r, path, NULL);
}

static int op_unlink(const char *path)
{
	return files_simple(&files, (struct files_request){ .op = FILES_UNLINK }, path, NULL);
}

static int op_rmdir(const char *path)
{
	return files_simple(&files, (struct files_request){ .op = FILES_RMDIR }, path, NULL);
}

static int op_symlink(const char *target, const char *path)
{
	return files_simple(&files, (struct files_request){ .op = FILES_SYMLINK }, path, target);
}

static int op_link(const char *from, const char *to)
{
	return files_simple(&files, (struct files_request){ .op = FILES_LINK }, from, to);
}

static int op_rename(const char *from, const char *to, unsigned int flags)
{
	struct files_request r = { .op = FILES_RENAME, .flags = flags };

	return files_simple(&files, r, from, to);
}

static int op_chmod(const char *path, mode_t mode, struct fuse_file_info *fi)
{
	struct files_request r = { .op = FILES_CHMOD, .mode = mode & 07777 };

	(void)fi;
	return files_simple(&files, r, path, NULL);
}

static int op_chown(const char *path, uid_t uid, gid_t gid, struct fuse_file_info *fi)
{
	struct files_request r = { .op = FILES_CHOWN, .uid = uid, .gid = gid };

	(void)fi;
	return files_simple(&files, r, path, NULL);
}

static int op_utimens(const char *path, const struct timespec ts[2], struct fuse_file_info *fi)
{
	struct files_request r = { .op = FILES_UTIMES };
	struct files_reply reply;

	(void)fi;
	return files_call(&files, &r, path, ts, 2 * sizeof(*ts), &reply, NULL, 0, true);
}

static int op_statfs(const char *path, struct statvfs *st)
{
	struct files_request r = { .op = FILES_STATFS };
	struct files_reply reply;
	struct files_statfs s;
	int error = files_call(&files, &r, path, NULL, 0, &reply, &s, sizeof(s), true);

	if (error)
		return error;
	*st = (struct statvfs){
		.f_bsize = s.bsize, .f_frsize = s.bsize, .f_blocks = s.blocks, .f_bfree = s.bfree,
		.f_bavail = s.bavail, .f_files = s.files, .f_ffree = s.ffree,
		.f_namemax = s.namelen,
	};
	return 0;
}

static void *op_init(struct fuse_conn_info *conn, struct fuse_config *config)
{
	(void)conn;
	config->use_ino = 1;
	return NULL;
}

static const struct fuse_operations operations = {
	.init = op_init, .getattr = op_getattr, .readlink = op_readlink, .readdir = op_readdir,
	.open = op_open, .create = op_create, .read = op_read, .write = op_write,
	.release = op_release, .fsync = op_fsync, .truncate = op_truncate, .mkdir = op_mkdir,
	.mknod = op_mknod, .unlink = op_unlink, .rmdir = op_rmdir, .symlink = op_symlink,
	.link = op_link, .rename = op_rename, .chmod = op_chmod, .chown = op_chown,
	.utimens = op_utimens, .statfs = op_statfs,
};

/* ---- the mount ------------------------------------------------------------ */

static struct fuse *fuse;
static bool done, told_to;	/* told_to: by a signal */

static void request_ready(void *data, short happened)
{
	static struct fuse_buf buf;
	struct fuse_session *se = fuse_get_session(fuse);
	int n = fuse_session_receive_buf(se, &buf);

	(void)data;
	(void)happened;
	if (n > 0)
		fuse_session_process_buf(se, &buf);
	done |= (n <= 0 && n != -EINTR && n != -EAGAIN) || fuse_session_exited(se);
}

/* The guest is gone: nothing is asked, so nothing may come there. */
static void end_ready(void *data, short happened)
{
	(void)data;
	(void)happened;
	done = true;
}

static void end(int signal)
{
	(void)signal;
	told_to = done = true;
}

static void mount_guest(const char *name, const char *dir)
{
	char *opts = print("fsname=%s,subtype=kernelet,auto_unmount%s", name,
			   settings.readonly ? ",ro" : "");
	char *argv[] = { "kernelet", "-o", opts, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);

	if (access("/dev/fuse", R_OK | W_OK))
		fail("mount: /dev/fuse: %s: FUSE is needed, and the right to use it", strerror(errno));
	files_open(&files, name, settings.root_user);
	fuse = fuse_new(&args, &operations, sizeof(operations), NULL);
	/* libfuse says on standard error what is wrong */
	if (!fuse || fuse_mount(fuse, dir))
		fail("mount: %s: FUSE cannot be mounted there, see above (fusermount3 is needed)",
		     dir);
}

static int serve(void)
{
	static const int ending[] = { SIGINT, SIGTERM, SIGHUP };
	static struct source sources[2];
	size_t i;

	sources[0].fd = fuse_session_fd(fuse_get_session(fuse));
	sources[0].ready = request_ready;
	sources[1].fd = files.fd;
	sources[1].ready = end_ready;
	for (i = 0; i < ARRAY_SIZE(sources); i++) {
		sources[i].events = POLLIN;
		loop_add(&sources[i]);
	}
	files.end = loop_signals(ending, ARRAY_SIZE(ending), end);
	while (!done)
		loop_turn(-1);
	fuse_unmount(fuse);
	return files.lost && !told_to ? EXIT_GUEST : 0;
}

/* The child goes on in the background, once it says that all is well. */
static int in_background(const char *name, const char *dir)
{
	int fds[2], null;
	char c;

	if (pipe2(fds, O_CLOEXEC))
		fail("no pipe: %s", strerror(errno));
	switch (fork()) {
	case -1:
		fail("no process: %s (see ulimit -u)", strerror(errno));
	case 0:
		break;
	default:
		close(fds[1]);
		return read(fds[0], &c, 1) == 1 ? 0 : EXIT_USAGE;
	}
	setsid();
	mount_guest(name, dir);
	null = open("/dev/null", O_RDWR);
	dup2(null, 0);
	dup2(null, 1);
	dup2(null, 2);
	if (chdir("/") || write(fds[1], "x", 1) != 1)
		return EXIT_USAGE;
	close(fds[1]);
	return serve();
}

/* Whether a guest is mounted there. */
static bool is_mounted(const char *dir)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent *m = NULL;

	while (mounts && (m = getmntent(mounts)))
		if (!strcmp(m->mnt_dir, dir) && !strcmp(m->mnt_type, "fuse.kernelet"))
			break;
	if (mounts)
		endmntent(mounts);
	return m;
}

static int run(int argc, char **argv)
{
	struct stat st;
	char *dir;

	if (argc != 2)
		fail("mount: say kernelet mount NAME DIRECTORY (see kernelet ps)");
	dir = realpath(argv[1], NULL);
	if (!dir || stat(dir, &st))
		fail("mount: %s: %s", argv[1], strerror(errno));
	if (!S_ISDIR(st.st_mode))
		fail("mount: %s: not a directory", argv[1]);
	if (is_mounted(dir))
		fail("mount: %s: a guest is mounted there already; fusermount3 -u %s unmounts it",
		     dir, dir);
	if (!settings.foreground)
		return in_background(argv[0], dir);
	mount_guest(argv[0], dir);
	return serve();
}

const struct command cmd_mount = {
	.name = "mount",
	.summary = "Show the files of a guest that runs on the host, by FUSE.",
	.operands = "NAME DIRECTORY",
	.complete = "guest",
	.text = "What the caller may do with them the guest decides, by its own owners and modes;\n"
		"no other user of the host sees them.  Symbolic links are shown so that they lead\n"
		"to the guest's files, never to the host's.  Unmount it with fusermount3 -u\n"
		"DIRECTORY; when the guest ends it is unmounted, and when kernelet mount gets a signal\n"
		"(SIGTERM), also while a guest that is paused does not answer.  A directory of more than\n"
		"a million entries is not shown.",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.settings = &settings,
	.run = run,
};
