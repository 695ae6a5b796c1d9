#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# kernelet run on the host's own root, and shares: what a guest sees of the host's
# files, what it can change, and what is hidden.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Guest;
use Launcher;
use Test::More;

-e "$BUILD/kernelet-hostfs" or cannot('no kernelet-hostfs here');

my $dir = scratch();
my ($uid, $gid) = (stat $dir)[4, 5];

sub on_host {
	my ($options, @command) = @_;

	return command(['run', @$options, '--', @command]);
}

# ---- the root ----------------------------------------------------------------

{
	spew("$dir/file", "of the host\n");
	my $g = on_host([], 'sh', '-c', 'id -u; pwd; cat file; echo changed >file; cat file; ' .
		'echo new >new; cat new; rm file; test -e file || echo gone');

	is($g->out, "$uid\n$dir\nof the host\nchanged\nnew\ngone\n",
		'the host\'s root, as the caller, in its directory') or diag($g->err);
	$g->clean('the host\'s root');
	is(slurp("$dir/file"), "of the host\n", 'nothing has changed on the host');
	ok(!-e "$dir/new", 'nothing is new there');
	$g = on_host([], 'perl', '-e', 'print "perl $]\n"; exit 3');
	is($g->out, "perl $]\n", 'the host\'s programs run');
	is($g->{ended}, 3, 'with their status');
	$g->clean('a program of the host');
	$g = on_host(['--root-user'], 'sh', '-c', 'id -u; cat /etc/shadow; echo x >/etc/kernelet.test && cat /etc/kernelet.test');
	is($g->out, "0\nx\n", 'root in the guest has the caller\'s rights on the host') if $uid;
	ok(!-e '/etc/kernelet.test', 'and changes nothing there');
	$g->clean('root');
}

{
	my $name = getpwuid $uid;
	my $x = "/tmp/kernelet-test-$$";	# a name that the host's /tmp has not
	my $g = on_host([], 'sh', '-c', 'uname -r; id -un; pwd; touch /etc/x 2>/dev/null; ' .
		"touch $x && ls $x");

	like($g->out, qr{\A6\.\d+\.\d+\S*\n\Q$name\E\n\Q$dir\E\n\Q$x\E\n\z}, 'who and where one is');
	ok(!-e '/etc/x', 'nothing of it on the host');
	$g->clean('who and where');
	my $archive = "$dir/files";
	run_user('mkdir', $archive);
	spew("$archive/$_", "$_\n" x 1000) for 1 .. 50;
	my ($status, $out) = run_user('sh', '-c', "cd $archive && tar c . | XDG_RUNTIME_DIR=$dir " .
		"$KERNELET run -- sh -c 'cat >$x; tar t <$x' | wc -l");
	is($out + 0, 51, 'an archive goes through a pipe into the guest, a list comes out');
}
{
	# A project of the host is built by the guest's compiler, which is the host's.
	my $c = "$dir/c";

	run_user('mkdir', $c);
	spew("$c/main.c", qq(#include <stdio.h>\nint main(void) { puts("made inside"); return 0; }\n));
	spew("$c/Makefile", "all: prog\nprog: main.o\n\tgcc -o \$@ main.o\n");
	my ($status, $out) = run_user('sh', '-c', "cd $c && XDG_RUNTIME_DIR=$dir $KERNELET run --rw -- make");
	is($status, 0, 'run --rw -- make') or diag($out);
	is((run_user("$c/prog"))[1], "made inside\n", 'the built program runs on the host');
	is_deeply([map { [(stat "$c/$_")[4, 5]] } qw(prog main.o)], [([$uid, $gid]) x 2],
		'and is the caller\'s');
}

{
	# Without a command: a shell, on the host's files.
	local $ENV{SHELL} = '/bin/sh';
	my $g = kernelet(['run'], pty => [30, 100]);

	ok($g->expect(qr/[#\$] $/, 30), 'a shell on the host\'s root');
	$g->send("tty; pwd; echo \$((6 * 7)) >made; cat made\r");
	ok($g->expect(qr{^/dev/pts/0\r\n\Q$dir\E\r\n42\r$}m, 10), 'in its directory, on a terminal');
	$g->send("exit 6\r");
	is($g->finish, 6, 'and its status');
	ok(!-e "$dir/made", 'nothing of it on the host');
	$g->clean('a shell');
}

# ---- shares ------------------------------------------------------------------

{
	my $c = "$dir/project";

	mkdir $c;
	chown $uid, $gid, $c if $> == 0;
	my ($status) = run_user('sh', '-c', "cd $c && XDG_RUNTIME_DIR=$dir $KERNELET run --rw -- " .
		'sh -c "echo built >out; mkdir sub; echo x >/etc/kernelet.test; true"');
	is($status, 0, '--rw');
	is(slurp("$c/out"), "built\n", 'leaves what was written');
	is_deeply([(stat "$c/out")[4, 5]], [$uid, $gid], 'owned by the caller');
	ok(-d "$c/sub", 'and directories');

	my $script = 'cat /mnt/out; echo more >/mnt/new && cat /mnt/new; exit 0';
	my $g = on_host(["--share=$c:/mnt"], 'sh', '-c', $script);
	is($g->out, "built\n", '--share, read-only');
	like($g->err, qr/Read-only/, 'says so');
	$g->clean('--share');
	$g = on_host(["--share=$c:/mnt:overlay"], 'sh', '-c', $script);
	is($g->out, "built\nmore\n", '--share, overlay') or diag($g->err);
	ok(!-e "$c/new", 'which does not reach the host');
	$g->clean('--share, overlay');
	$g = on_host(['--root=builtin', "--share=$c:/mnt:rw"], 'sh', '-c', $script);
	is($g->out, "built\nmore\n", '--share, writable, with another root') or diag($g->err);
	is(slurp("$c/new"), "more\n", 'reaches the host');
	$g->clean('--share, rw');
}

{
	# What the host changes is seen: after a second, or at once.
	my $c = "$dir/changing";

	run_user('mkdir', $c);
	for my $mode (['auto', 2], ['none', 0]) {
		my ($cache, $wait) = @$mode;
		spew("$c/file", "old\n");
		my $g = kernelet(['run', "--cache=$cache", "--share=$c:/mnt:rw", '--', 'sh', '-c',
			"cat /mnt/file; ls /mnt; read a; sleep $wait; cat /mnt/file; ls /mnt"]);
		ok($g->expect(qr/^old\nfile\n/m, 30), 'a file of the host') or diag($g->err);
		spew("$c/file", "changed\n");
		spew("$c/more", '');
		$g->send("\n");
		$g->finish;
		is($g->out, "old\nfile\nchanged\nfile\nmore\n", "a change on the host is seen, cache=$cache");
		$g->clean("cache=$cache");
		unlink "$c/more";
	}
}
{
	# The server of a share that dies: EIO there, and the guest lives.
	my $g = kernelet(['run', "--share=$dir:/mnt:rw", '--root=builtin', '--', 'sh', '-c',
		'cat /mnt/file; echo up; read a; cat /mnt/file; echo lives; exit 3']);
	ok($g->expect(qr/^up\n/m, 30), 'a share') or diag($g->err);
	my %below = processes_below($g->pid);
	my @server = grep { $below{$_} =~ /hostfs/ } keys %below;
	is(scalar @server, 1, 'has one server');
	kill 'KILL', @server;
	$g->send("\n");
	is($g->finish, 3, 'which dies: the guest lives');
	like($g->err, qr{I/O error|Input/output error}, 'and sees EIO');
	like($g->out, qr/^lives$/m, 'its command goes on');
}
{
	# Shares that cannot be.
	symlink 'loop', "$dir/loop";
	run_user('mkdir', '-m', '0', "$dir/closed");
	for my $bad (['loop', 'Too many levels of symbolic links'], ['nowhere', 'No such file or directory'],
		     ['file', 'Not a directory'], ['closed', 'Permission denied']) {
		my ($name, $why) = @$bad;
		my $g = command(['run', '--root=builtin', "--share=$dir/$name", '--', 'true']);
		is("$g->{ended} " . $g->err, "2 kernelet: --share=$dir/$name: $why\n", "a share: $why");
	}
	my $g = command(['run', '--root=builtin', '--cache=some', '--', 'true']);
	is("$g->{ended} " . $g->err, "2 kernelet: --cache=some: not none, auto or always\n", '--cache=some');
	$g = command(['run', '--root=builtin', '--cpu-limit=much', '--', 'true']);
	is($g->{ended}, 2, '--cpu-limit=much');
	like($g->err, qr/\Akernelet: --cpu-limit=much: not a number of CPUs.*\n\z/, 'is one line');
	run_user('chmod', '700', "$dir/closed");	# who removes it is not always root
}

# ---- much at once ------------------------------------------------------------

{
	# The server's threads allocate and free: what the C library does then is allowed.
	my $g = command(['run', '--cpus=2', '--', 'sh', '-c',
		'for i in 1 2 3 4; do find /usr/share >/dev/null 2>&1 & done; wait; ' .
		'test -r /etc/passwd && echo there'], time => 120);
	is($g->out, "there\n", 'four searches of the host at once, and its files are still there')
		or diag($g->err);
	$g->clean('searches');
}

# ---- what is hidden ----------------------------------------------------------

{
	spew("$dir/secret", "secret\n");
	my $g = on_host(["--hide=$dir/secret"], 'sh', '-c', 'cat secret; ls');

	unlike($g->out, qr/secret/, '--hide');
	$g->clean('--hide');
	$g = on_host([], 'cat', 'secret');
	is($g->out, "secret\n", 'without it, it is seen');
	$g->clean('not hidden');
}

done_testing();
