// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a file system does, call by call: to be run on the host's own and over
 * hostfs, and the two outputs compared.
 *
 * usage: posix DIR [UID]
 *
 * A line of output is what was tried and what came of it: a result or the name
 * of the error. What differs from run to run (times, inode numbers) is printed
 * only as what must hold about it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static void say(const char *what, long ret)
{
	if (ret < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %ld\n", what, ret);
}

#define TRY(call) ({ errno = 0; long ret_ = (call); say(#call, ret_); ret_; })

static struct stat st_of(const char *name)
{
	struct stat st = { 0 };

	if (lstat(name, &st))
		printf("lstat %s: %s\n", name, strerrorname_np(errno));
	return st;
}

static void show(const char *name)
{
	struct stat st = st_of(name);

	printf("%s: mode %o links %ld size %ld %s\n", name, st.st_mode, (long)st.st_nlink,
	       S_ISDIR(st.st_mode) ? 0L : (long)st.st_size,
	       st.st_uid == geteuid() ? "mine" : "not mine");
}

static void put(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	TRY(write(fd, text, strlen(text)));
	close(fd);
}

static void get(const char *name)
{
	char buf[256];
	int fd = open(name, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);

	buf[n > 0 ? n : 0] = 0;
	printf("%s holds %zd \"%s\"\n", name, n, buf);
	if (fd >= 0)
		close(fd);
}

/* ---- names --------------------------------------------------------------- */

static void t_create(void)
{
	static char longest[NAME_MAX + 2];
	struct stat st;
	int fd;

	umask(022);
	fd = open("a", O_RDWR | O_CREAT | O_EXCL, 0666);
	TRY(open("a", O_RDWR | O_CREAT | O_EXCL, 0666) < 0 ? errno == EEXIST : 0);
	show("a");
	umask(077);
	TRY(mkdir("d", 0777));
	show("d");
	TRY(mkdir("d", 0777));
	umask(0);
	TRY(mkdir("sticky", 01777));
	show("sticky");
	umask(022);
	TRY(symlink("a", "l"));
	TRY(symlink("nowhere", "dangling"));
	show("l");
	TRY(open("dangling", O_RDONLY));
	TRY(open("l", O_RDONLY | O_NOFOLLOW));
	TRY(open("d", O_WRONLY));
	TRY(open("a/b", O_RDONLY));
	TRY(mkdir("no/such", 0755));
	memset(longest, 'n', NAME_MAX + 1);
	TRY(mkdir(longest, 0755));
	longest[NAME_MAX] = 0;
	TRY(mkdir(longest, 0755));
	TRY(stat(longest, &st));
	TRY(rmdir(longest));
	TRY(mkdir("\001\377\n\\ \"", 0700));
	TRY(stat("\001\377\n\\ \"", &st));
	TRY(rmdir("\001\377\n\\ \""));
	(void)fd;
}

static void t_link(void)
{
	char buf[64];

	put("one", "text");
	TRY(link("one", "two"));
	show("one");
	show("two");
	printf("same inode: %d\n", st_of("one").st_ino == st_of("two").st_ino);
	TRY(link("one", "two"));
	TRY(link("d", "d2"));
	TRY(link("l", "l2"));
	show("l2");
	TRY(readlink("l2", buf, sizeof(buf)));
	TRY(unlink("one"));
	show("two");
	put("two", "longer text");
	get("two");
	TRY(unlink("two"));
	TRY(unlink("two"));
	TRY(unlink("d"));
	TRY(rmdir("two"));
	TRY(unlink("l2"));
}

static long rename2(const char *a, const char *b, int flags)
{
	return syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, flags);
}

static void t_rename(void)
{
	int fd;
	char c;

	put("r1", "first");
	put("r2", "second");
	TRY(rename("r1", "r2"));
	get("r2");
	show("r2");
	TRY(rename("r1", "r3"));
	TRY(mkdir("rd", 0755));
	TRY(mkdir("rd/sub", 0755));
	TRY(rename("rd", "rd/sub/x"));
	TRY(rename("rd", "r2"));
	TRY(rename("r2", "rd"));
	TRY(mkdir("re", 0755));
	TRY(rename("re", "rd"));
	TRY(rename("rd", "re"));
	TRY(rename("r2", "re/moved"));
	get("re/moved");
	put("x1", "one");
	put("x2", "two");
	TRY(rename2("x1", "x2", RENAME_NOREPLACE));
	TRY(rename2("x1", "x2", RENAME_EXCHANGE));
	get("x1");
	get("x2");
	TRY(rename2("x1", "re", RENAME_EXCHANGE));
	get("re");
	get("x1/moved");
	TRY(rename2("x1", "nowhere", RENAME_EXCHANGE));
	TRY(rename2("x2", "x3", RENAME_NOREPLACE | RENAME_EXCHANGE));
	put("victim", "still here");
	fd = open("victim", O_RDWR);
	TRY(rename("x2", "victim"));
	TRY(pread(fd, &c, 1, 0));
	printf("%c\n", c);
	TRY(ftruncate(fd, 3));
	TRY(fchmod(fd, 0600));
	TRY(pwrite(fd, "S", 1, 0));
	close(fd);
	get("victim");
}

static void t_unlinked(void)
{
	int fd = open("gone", O_RDWR | O_CREAT, 0644);
	struct stat st;
	char buf[8] = "";

	fd = open("gone", O_RDWR);
	TRY(unlink("gone"));
	TRY(write(fd, "data", 4));
	TRY(pread(fd, buf, 4, 0));
	printf("%s\n", buf);
	TRY(fstat(fd, &st));
	printf("links %ld size %ld\n", (long)st.st_nlink, (long)st.st_size);
	TRY(fchmod(fd, 0400));
	TRY(ftruncate(fd, 100000));
	TRY(fstat(fd, &st));
	printf("mode %o size %ld\n", st.st_mode, (long)st.st_size);
	put("gone", "another");
	get("gone");
	TRY(pread(fd, buf, 4, 0));
	printf("%s\n", buf);
	close(fd);
}

static void t_tmpfile(void)
{
	char path[64], proc[64];
	int fd = open(".", O_TMPFILE | O_RDWR, 0640);
	struct stat st = { 0 };

	printf("O_TMPFILE %d\n", fd >= 0);
	TRY(write(fd, "temporary", 9));
	fstat(fd, &st);
	printf("mode %o links %ld size %ld\n", st.st_mode, (long)st.st_nlink, (long)st.st_size);
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	snprintf(path, sizeof(path), "named");
	TRY(linkat(AT_FDCWD, proc, AT_FDCWD, path, AT_SYMLINK_FOLLOW));
	close(fd);
	get("named");
	show("named");
	fd = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600);
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	TRY(linkat(AT_FDCWD, proc, AT_FDCWD, "never", AT_SYMLINK_FOLLOW));
	close(fd);
}

/* ---- attributes ---------------------------------------------------------- */

static void t_mode(void)
{
	struct timespec ts[2] = { { 1000000001, 123456789 }, { 1500000000, 987654321 } };
	struct timespec omit[2] = { { 0, UTIME_OMIT }, { 0, UTIME_NOW } };
	struct statx stx = { 0 };
	struct stat st;

	put("m", "x");
	TRY(chmod("m", 0751));
	show("m");
	TRY(chmod("m", 04755));
	show("m");
	put("m", "changed");
	show("m");
	TRY(chown("m", -1, -1));
	TRY(chown("m", geteuid(), getegid()));
	TRY(chown("m", 0, 0) && geteuid() ? 1 : 0);
	TRY(utimensat(AT_FDCWD, "m", ts, 0));
	st = st_of("m");
	printf("%ld.%09ld %ld.%09ld\n", st.st_atim.tv_sec, st.st_atim.tv_nsec, st.st_mtim.tv_sec,
	       st.st_mtim.tv_nsec);
	TRY(utimensat(AT_FDCWD, "m", omit, 0));
	st = st_of("m");
	printf("%ld %d\n", st.st_atim.tv_sec, st.st_mtim.tv_sec > 1600000000);
	symlink("m", "ml");
	TRY(utimensat(AT_FDCWD, "ml", ts, AT_SYMLINK_NOFOLLOW));
	printf("%ld\n", st_of("ml").st_mtim.tv_sec);
	TRY(lchown("ml", geteuid(), getegid()));
	TRY(truncate("m", 3));
	get("m");
	TRY(truncate("m", 5000));
	show("m");
	TRY(truncate("m", -1));
	TRY(truncate("d", 0));
	TRY(statx(AT_FDCWD, "m", 0, STATX_BTIME, &stx));
	printf("birth %d\n", !!(stx.stx_mask & STATX_BTIME) && stx.stx_btime.tv_sec > 1600000000);
	TRY(access("m", R_OK));
	TRY(chmod("m", 0));
	TRY(access("m", F_OK));
	if (geteuid())
		TRY(open("m", O_RDONLY));
	TRY(chmod("m", 0644));
}

static void t_special(void)
{
	struct sockaddr_un sun = { AF_UNIX, "socket" };
	struct sockaddr_un sun2 = { AF_UNIX, "socket" };
	int s = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0);
	char b = 0;
	int r, w;

	TRY(mkfifo("fifo", 0644));
	show("fifo");
	r = open("fifo", O_RDONLY | O_NONBLOCK);
	w = open("fifo", O_WRONLY | O_NONBLOCK);
	TRY(write(w, "p", 1));
	TRY(read(r, &b, 1));
	TRY(bind(s, (struct sockaddr *)&sun, sizeof(sun)));
	show("socket");
	TRY(listen(s, 1));
	TRY(connect(c, (struct sockaddr *)&sun2, sizeof(sun2)));
	TRY(mknod("plain", S_IFREG | 0644, 0));
	show("plain");
	if (geteuid())
		TRY(mknod("null", S_IFCHR | 0666, makedev(1, 3)));
	close(r);
	close(w);
	close(s);
	close(c);
}

static void t_xattr(void)
{
	static char big[4000];
	char buf[64] = "", list[256];
	ssize_t n;
	char *p;

	put("x", "");
	TRY(getxattr("x", "user.a", buf, sizeof(buf)));
	TRY(setxattr("x", "user.a", "value", 5, 0));
	TRY(setxattr("x", "user.a", "value", 5, XATTR_CREATE));
	TRY(setxattr("x", "user.b", "value", 5, XATTR_REPLACE));
	TRY(setxattr("x", "user.b", "", 0, 0));
	TRY(getxattr("x", "user.a", buf, sizeof(buf)));
	printf("%s\n", buf);
	TRY(getxattr("x", "user.a", buf, 2));
	TRY(getxattr("x", "user.a", NULL, 0));
	n = TRY(listxattr("x", list, sizeof(list)));
	for (p = list; p < list + n; p += strlen(p) + 1)
		if (!strncmp(p, "user.", 5))
			printf("%s\n", p);
	TRY(listxattr("x", list, 3));
	TRY(removexattr("x", "user.a"));
	TRY(removexattr("x", "user.a"));
	memset(big, 'b', sizeof(big));
	TRY(setxattr("x", "user.big", big, 3000, 0));
	memset(big, 0, sizeof(big));
	TRY(getxattr("x", "user.big", big, sizeof(big)));
	printf("%c%c\n", big[0], big[2999]);
	TRY(setxattr("x", "bad.a", "v", 1, 0));
	TRY(setxattr("d", "user.d", "dir", 3, 0));
	TRY(getxattr("d", "user.d", buf, sizeof(buf)));
	TRY(lsetxattr("l", "user.l", "v", 1, 0));
}

/* An access list as the attribute holds it: version, then entries. */
static void t_acl(void)
{
	struct {
		uint32_t version;
		struct { uint16_t tag, perm; uint32_t id; } e[5];
	} __attribute__((packed)) acl = { 2, {
		{ 1, 6, -1 }, { 2, 4, 12345 }, { 4, 4, -1 }, { 0x10, 4, -1 }, { 0x20, 0, -1 } } };
	char buf[128];

	put("acl", "");
	TRY(setxattr("acl", "system.posix_acl_access", &acl, sizeof(acl), 0));
	show("acl");
	TRY(getxattr("acl", "system.posix_acl_access", buf, sizeof(buf)));
	printf("same %d\n", !memcmp(buf, &acl, sizeof(acl)));
	TRY(mkdir("acld", 0755));
	TRY(setxattr("acld", "system.posix_acl_default", &acl, sizeof(acl), 0));
	put("acld/new", "");
	show("acld/new");
	TRY(getxattr("acld/new", "system.posix_acl_access", buf, sizeof(buf)));
	TRY(mkdir("acld/sub", 0777));
	show("acld/sub");
	TRY(getxattr("acld/sub", "system.posix_acl_default", buf, sizeof(buf)));
	TRY(removexattr("acl", "system.posix_acl_access"));
	show("acl");
}

/* ---- data ---------------------------------------------------------------- */

static void t_data(void)
{
	char buf[8192];
	int fd = open("data", O_RDWR | O_CREAT, 0644), fd2;
	struct stat st;
	off_t in = 0, out = 0;

	memset(buf, 'd', sizeof(buf));
	TRY(pwrite(fd, buf, sizeof(buf), 100));
	TRY(pwrite(fd, "end", 3, 1LL << 33));
	fstat(fd, &st);
	printf("size %lld sparse %d\n", (long long)st.st_size, st.st_blocks < 1000);
	TRY(pread(fd, buf, 10, 95));
	printf("%d %c\n", buf[4], buf[5]);
	TRY(pread(fd, buf, 100, 1LL << 33));
	TRY(pread(fd, buf, 100, 1LL << 34));
	TRY(lseek(fd, 0, SEEK_DATA) < 4096);
	TRY(lseek(fd, 0, SEEK_HOLE) < 1 << 20);
	printf("next %d\n", lseek(fd, 1 << 20, SEEK_DATA) > 1 << 20);
	TRY(lseek(fd, 1LL << 35, SEEK_DATA));
	TRY(ftruncate(fd, 20000));
	TRY(fallocate(fd, 0, 0, 40000));
	TRY(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 80000));
	TRY(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 4096));
	TRY(pread(fd, buf, 4096, 4096));
	printf("%d\n", buf[0]);
	TRY(fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, 200));
	fstat(fd, &st);
	printf("size %ld\n", (long)st.st_size);
	fd2 = open("copy", O_RDWR | O_CREAT, 0644);
	TRY(copy_file_range(fd, &in, fd2, &out, 10000, 0));
	TRY(lseek(fd2, 0, SEEK_END));
	TRY(posix_fallocate(fd2, 0, 30000));
	TRY(fsync(fd));
	TRY(fdatasync(fd));
	TRY(syncfs(fd));
	close(fd2);
	close(fd);
	fd = open("data", O_WRONLY | O_APPEND);
	TRY(write(fd, "tail", 4));
	TRY(read(fd, buf, 1));
	TRY(lseek(fd, 0, SEEK_CUR));
	close(fd);
	fd = open("data", O_RDONLY);
	TRY(write(fd, "x", 1));
	TRY(ftruncate(fd, 1));
	close(fd);
	fd = open("data", O_RDWR | O_TRUNC);
	show("data");
}

static void t_mmap(void)
{
	int fd = open("map", O_RDWR | O_CREAT, 0644);
	char *a, *b;

	TRY(ftruncate(fd, 10000));
	a = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	b = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	printf("mapped %d\n", a != MAP_FAILED && b != MAP_FAILED);
	strcpy(a, "through the map");
	strcpy(b + 4096, "mine alone");
	TRY(msync(a, 12288, MS_SYNC));
	get("map");
	TRY(pwrite(fd, "T", 1, 0));
	printf("%s|%s|%d\n", a, b, a[4096]);
	munmap(a, 12288);
	munmap(b, 12288);
	close(fd);
	get("map");
}

static void t_lock(void)
{
	struct flock l = { .l_type = F_WRLCK, .l_start = 10, .l_len = 10 };
	int a = open("lock", O_RDWR | O_CREAT, 0644), b = open("lock", O_RDWR);
	int status;

	TRY(flock(a, LOCK_EX));
	TRY(flock(b, LOCK_EX | LOCK_NB));
	TRY(flock(a, LOCK_UN));
	TRY(flock(b, LOCK_SH | LOCK_NB));
	TRY(fcntl(a, F_SETLK, &l));
	if (!fork()) {
		l.l_type = F_RDLCK;
		_exit(fcntl(b, F_SETLK, &l) && (errno == EAGAIN || errno == EACCES));
	}
	wait(&status);
	printf("child refused %d\n", WEXITSTATUS(status));
	l.l_pid = 0;
	TRY(fcntl(b, F_OFD_GETLK, &l));
	TRY(l.l_type);
	close(a);
	close(b);
}

/* ---- directories --------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void t_list(void)
{
	char *names[512], name[300];
	DIR *d;
	struct dirent *e;
	int i, n = 0, seen = 0;
	long where = 0;

	TRY(mkdir("many", 0755));
	for (i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "many/%03d", i);
		close(open(name, O_WRONLY | O_CREAT, 0644));
	}
	d = opendir("many");
	while ((e = readdir(d)) && n < 512) {
		names[n++] = strdup(e->d_name);
		if (n == 150)
			where = telldir(d);
	}
	qsort(names, n, sizeof(*names), by_name);
	printf("%d entries, %s %s %s .. %s\n", n, names[0], names[1], names[2], names[n - 1]);
	seekdir(d, where);
	while (readdir(d))
		seen++;
	printf("after a seek %d\n", seen);
	rewinddir(d);
	for (seen = 0; (e = readdir(d)); ) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "many/%s", e->d_name);
		seen += !unlink(name);
	}
	printf("removed while reading %d\n", seen);
	closedir(d);
	TRY(rmdir("many"));
	TRY(rmdir("re"));
	TRY(rmdir("."));
}

static void t_notify(void)
{
	char buf[1024] __attribute__((aligned(8)));
	int fd = inotify_init1(IN_NONBLOCK);
	ssize_t n, at;

	TRY(inotify_add_watch(fd, ".", IN_CREATE | IN_DELETE | IN_MOVED_TO));
	put("seen", "");
	rename("seen", "seen2");
	unlink("seen2");
	n = read(fd, buf, sizeof(buf));
	for (at = 0; at < n; ) {
		struct inotify_event *e = (struct inotify_event *)(buf + at);

		printf("event %x %s\n", e->mask, e->name);
		at += sizeof(*e) + e->len;
	}
	close(fd);
}

static void t_exec(void)
{
	int status;
	pid_t pid;

	put("script", "#!/bin/sh\nexit 7\n");
	chmod("script", 0755);
	pid = fork();
	if (!pid) {
		execl("./script", "script", NULL);
		_exit(99);
	}
	waitpid(pid, &status, 0);
	printf("script gave %d\n", WEXITSTATUS(status));
	chmod("script", 0644);
	TRY(access("script", X_OK));
}

static void t_space(void)
{
	struct statvfs st;

	TRY(statvfs(".", &st));
	printf("blocks %d name %lu\n", st.f_blocks > 0, st.f_namemax);
}

static const struct {
	const char *name;
	void (*run)(void);
} parts[] = {
	{ "create", t_create }, { "link", t_link }, { "rename", t_rename },
	{ "unlinked", t_unlinked }, { "tmpfile", t_tmpfile }, { "mode", t_mode },
	{ "special", t_special }, { "xattr", t_xattr }, { "acl", t_acl }, { "data", t_data },
	{ "mmap", t_mmap }, { "lock", t_lock }, { "list", t_list }, { "notify", t_notify },
	{ "exec", t_exec }, { "space", t_space },
};

int main(int argc, char **argv)
{
	size_t i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 2 || chdir(argv[1]))
		return 2;
	if (argc > 2 && (setgid(atoi(argv[2])) || setuid(atoi(argv[2]))))
		return 2;
	for (i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		printf("== %s\n", parts[i].name);
		parts[i].run();
	}
	return 0;
}
