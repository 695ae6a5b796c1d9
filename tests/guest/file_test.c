// SPDX-License-Identifier: GPL-2.0-only
/* Files and directories: open, seek, holes, rename, links, locks, times. */
#include <dirent.h>
#include <sys/file.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include "ktap.h"

static void test_open(void)
{
	struct stat st;
	char buf[32];
	int fd, fd2;

	umask(022);
	fd = open("a", O_RDWR | O_CREAT | O_EXCL, 0666);
	ok(fd >= 0, "create");
	must(fstat(fd, &st) == 0);
	is(st.st_mode, S_IFREG | 0644, "the umask was applied");
	is(st.st_nlink, 1, "one link");
	is(st.st_uid, geteuid(), "the owner is the caller");
	fails(open("a", O_RDWR | O_CREAT | O_EXCL, 0666), EEXIST, "O_EXCL");
	is(write(fd, "hello", 5), 5, "write");
	is(lseek(fd, 0, SEEK_CUR), 5, "the offset moved");
	is(pread(fd, buf, 32, 1), 4, "pread to the end");
	is(memcmp(buf, "ello", 4), 0, "what was written");

	fd2 = open("a", O_WRONLY | O_APPEND);
	is(write(fd2, "+", 1), 1, "append");
	is(fstat(fd, &st) ?: st.st_size, 6, "the file grew");
	fails(read(fd2, buf, 1), EBADF, "no read through a write-only one");
	close(fd2);
	fd2 = dup(fd);
	lseek(fd2, 3, SEEK_SET);
	is(lseek(fd, 0, SEEK_CUR), 3, "dup shares the offset");
	close(fd2);
	is(open("a", O_RDONLY | O_TRUNC) < 0 || (fstat(fd, &st) ?: st.st_size), 0,
	   "O_TRUNC");
	close(fd);

	is(mkdir("dir", 0777), 0, "mkdir");
	fails(mkdir("dir", 0777), EEXIST, "mkdir of a directory that exists");
	fd = open("dir", O_PATH | O_DIRECTORY);
	fd2 = openat(fd, "x", O_RDWR | O_CREAT, 0600);
	ok(fd2 >= 0, "openat");
	fails(rmdir("dir"), ENOTEMPTY, "rmdir of a full directory");
	is(unlinkat(fd, "x", 0), 0, "unlinkat");
	is(write(fd2, "gone", 4), 4, "a file without a name still works");
	is(fstat(fd2, &st) ?: (int)st.st_nlink, 0, "and has no link");
	close(fd);
	close(fd2);
	is(rmdir("dir"), 0, "rmdir");
}

static void test_holes(void)
{
	int fd = open("holes", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char buf[PAGE];
	struct stat st;
	int zero = 1;

	must(ftruncate(fd, 64 << 20) == 0);
	must(pwrite(fd, "x", 1, 10 << 20) == 1);
	must(fstat(fd, &st) == 0);
	is(st.st_size, 64 << 20, "a sparse file has its size");
	ok(st.st_blocks * 512 < 1 << 20, "and takes few blocks");
	is(lseek(fd, 0, SEEK_DATA), 10 << 20, "SEEK_DATA");
	is(lseek(fd, 10 << 20, SEEK_HOLE), (10 << 20) + PAGE, "SEEK_HOLE");
	must(pread(fd, buf, PAGE, 5 << 20) == (ssize_t)PAGE);
	for (size_t i = 0; i < PAGE; i++)
		zero &= !buf[i];
	ok(zero, "a hole reads as zeroes");
	is(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 10 << 20,
		     PAGE), 0, "punch a hole");
	fails(lseek(fd, 0, SEEK_DATA), ENXIO, "no data is left");
	is(fallocate(fd, 0, 0, 1 << 20), 0, "fallocate");
	must(fstat(fd, &st) == 0);
	ok(st.st_blocks * 512 >= 1 << 20, "the blocks are there");
	close(fd);
}

static void test_names(void)
{
	struct stat a, b;
	char buf[32];

	write_file("one", "1");
	write_file("two", "2");
	is(link("one", "hard"), 0, "link");
	must(stat("one", &a) == 0 && stat("hard", &b) == 0);
	is(a.st_ino, b.st_ino, "both names are one inode");
	is(a.st_nlink, 2, "with two links");
	is(symlink("one", "soft"), 0, "symlink");
	is(readlink("soft", buf, sizeof(buf)), 3, "readlink");
	is(lstat("soft", &b) ?: (int)(b.st_mode & S_IFMT), S_IFLNK, "lstat");
	is(rename("two", "one"), 0, "rename over a file");
	is(read_file("soft", buf, sizeof(buf)), 1, "read through the symlink");
	is(buf[0], '2', "it is the new one");
	is(read_file("hard", buf, sizeof(buf)), 1, "the old one");
	is(buf[0], '1', "lives on under its other name");
	write_file("three", "3");
	is(syscall(SYS_renameat2, AT_FDCWD, "one", AT_FDCWD, "three", 2), 0,
	   "RENAME_EXCHANGE");
	read_file("one", buf, sizeof(buf));
	is(buf[0], '3', "they changed places");
	fails(syscall(SYS_renameat2, AT_FDCWD, "one", AT_FDCWD, "three", 1),
	      EEXIST, "RENAME_NOREPLACE");
	must(symlink("loop", "loop") == 0);
	fails(open("loop", O_RDONLY), ELOOP, "a symlink to itself");
	is(mkfifo("fifo", 0600), 0, "mkfifo");
}

static void test_directory(void)
{
	int seen = 0, wrong = 0;
	struct dirent *e;
	char name[32];
	DIR *d;

	must(mkdir("many", 0700) == 0);
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "many/f%d", i);
		close(open(name, O_CREAT | O_WRONLY, 0600));
	}
	d = opendir("many");
	must(d);
	while ((e = readdir(d)))
		if (e->d_name[0] == 'f') {
			seen++;
			wrong += e->d_type != DT_REG;
		}
	closedir(d);
	is(seen, 1000, "readdir shows 1000 files");
	is(wrong, 0, "and what they are");
}

static void test_locks(void)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int a = open("lock", O_RDWR | O_CREAT, 0600);
	int b = open("lock", O_RDWR);
	pid_t pid;

	is(flock(a, LOCK_EX), 0, "flock");
	fails(flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK, "is exclusive");
	flock(a, LOCK_UN);
	is(flock(b, LOCK_EX | LOCK_NB), 0, "until unlocked");
	is(fcntl(a, F_SETLK, &l), 0, "a record lock");
	pid = do_fork();
	if (!pid)
		_exit(fcntl(a, F_SETLK, &l) == -1 && errno == EAGAIN);
	is(reap(pid), EXITED(1), "keeps a child out");
	l.l_type = F_WRLCK;
	is(fcntl(b, F_OFD_SETLK, &l), -1, "and an OFD lock");
	close(a);
	close(b);
}

static void test_times(void)
{
	struct timespec ts[2] = { { 1000, 5 }, { 2000, 7 } };
	struct stat st;
	char buf[16];

	must(utimensat(AT_FDCWD, "one", ts, 0) == 0);
	must(stat("one", &st) == 0);
	ok(st.st_atim.tv_sec == 1000 && st.st_mtim.tv_sec == 2000 &&
	   st.st_mtim.tv_nsec == 7, "utimensat to the nanosecond");
	write_file("one", "new");
	must(stat("one", &st) == 0);
	ok(llabs(st.st_mtim.tv_sec - time(NULL)) <= 2, "a write sets the time");
	if (setxattr("one", "user.key", "value", 5, 0) == 0)
		is(getxattr("one", "user.key", buf, sizeof(buf)), 5, "xattr");
	else
		is(errno, EOPNOTSUPP, "xattr is not supported here");
}

static void test_vectors(void)
{
	int fd = temp_file(0), in, out, bad = 0;
	struct iovec iov[100];
	char c[100], d[100];

	for (int i = 0; i < 100; i++) {
		c[i] = i;
		iov[i] = (struct iovec){ c + i, 1 };
	}
	is(writev(fd, iov, 100), 100, "writev of 100 pieces");
	for (int i = 0; i < 100; i++)
		iov[i].iov_base = d + 99 - i;
	is(preadv(fd, iov, 100, 0), 100, "preadv backwards");
	for (int i = 0; i < 100; i++)
		bad += d[i] != 99 - i;
	is(bad, 0, "every byte at its place");
	in = open("one", O_RDONLY);
	out = open("copy", O_RDWR | O_CREAT, 0600);
	is(syscall(SYS_copy_file_range, in, NULL, out, NULL, 100, 0), 3,
	   "copy_file_range");
	close(in);
	close(out);
	close(fd);
}

int main(void)
{
	temp_dir();
	test_open();
	test_holes();
	test_names();
	test_directory();
	test_locks();
	test_times();
	test_vectors();
	return done();
}
