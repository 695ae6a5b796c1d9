// SPDX-License-Identifier: GPL-2.0-only
/* Users and permissions: modes, setuid programs, capabilities, groups. */
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include "ktap.h"

static int as_user(int (*fn)(void))
{
	pid_t pid = do_fork();

	if (!pid) {
		must(setgroups(0, NULL) == 0);
		must(setresgid(1000, 1000, 1000) == 0);
		must(setresuid(1000, 1000, 1000) == 0);
		_exit(fn());
	}
	return reap(pid);
}

static int denied(void)
{
	if (open("secret", O_RDONLY) != -1 || errno != EACCES)
		return 1;
	if (open("readable", O_RDONLY) < 0)
		return 2;
	if (open("readable", O_WRONLY) != -1 || errno != EACCES)
		return 3;
	if (open("new", O_CREAT | O_WRONLY, 0600) != -1 || errno != EACCES)
		return 4;
	if (chmod("readable", 0777) != -1 || errno != EPERM)
		return 5;
	if (setuid(0) != -1 || errno != EPERM)
		return 6;
	if (kill(1, 0) != -1 || errno != EPERM)
		return 7;
	if (access("secret", R_OK) != -1)
		return 8;
	if (chown("readable", 1000, 1000) != -1 || errno != EPERM)
		return 9;
	if (open("closed/x", O_RDONLY) != -1 || errno != EACCES)
		return 10;
	return 0;
}

static int setuid_program(void)
{
	execl("./suid", "suid", "euid", NULL);
	return 99;
}

static int setuid_no_new_privs(void)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return setuid_program();
}

static int others_directory(void)
{
	if (unlink("sticky/theirs") != -1 || errno != EPERM)
		return 1;
	close(open("sticky/mine", O_CREAT, 0600));
	return unlink("sticky/mine") ? 2 : 0;
}

static void copy_self(const char *to)
{
	int in = open("/proc/self/exe", O_RDONLY);
	int out = open(to, O_WRONLY | O_CREAT, 0755);
	char buf[65536];
	ssize_t n;

	must(in >= 0 && out >= 0);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		must(write(out, buf, n) == n);
	close(in);
	close(out);
}

static int dropped(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = { };

	if (syscall(SYS_capset, &h, d))
		return 1;
	if (open("secret", O_RDONLY) != -1 || errno != EACCES)
		return 2;
	return setuid(5) == -1 && errno == EPERM ? 0 : 3;
}

static int group_access(void)
{
	gid_t g = 77;

	if (setgroups(1, &g) || setgid(1000) || setuid(1000))
		return 1;
	return open("grouped", O_RDONLY) >= 0 ? 0 : 2;
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return geteuid() == 0 && getuid() == 1000 ? 42 : 43;
	need_root();
	temp_dir_in("/var");	/* /tmp may be mounted nosuid */
	must(chmod(".", 0755) == 0);
	write_file("secret", "s");
	must(chown("secret", 12345, 12345) == 0 && chmod("secret", 0600) == 0);
	write_file("readable", "r");
	write_file("grouped", "g");
	must(chown("grouped", 0, 77) == 0 && chmod("grouped", 0040) == 0);
	must(mkdir("closed", 0700) == 0);
	must(mkdir("sticky", 0777) == 0 && chmod("sticky", 01777) == 0);
	write_file("sticky/theirs", "t");
	copy_self("suid");

	is(as_user(denied), EXITED(0), "a user is kept out");
	is(as_user(setuid_program), EXITED(43), "a plain program changes nothing");
	must(chmod("suid", 04755) == 0);
	is(as_user(setuid_program), EXITED(42), "a setuid program does");
	is(as_user(setuid_no_new_privs), EXITED(43), "unless no_new_privs");
	is(as_user(others_directory), EXITED(0), "a sticky directory");
	ok(open("secret", O_RDONLY) >= 0, "root opens everything");
	is(in_child(dropped), EXITED(0), "but not without capabilities");
	is(in_child(group_access), EXITED(0), "a supplementary group opens");
	return done();
}
