#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# A guest's files on the host: kernelet mount, kernelet cp.

use strict;
use warnings;

# Most hosts let everybody open /dev/fuse. Where only root may, and we are root,
# the test's own mount namespace has one as it usually is.
BEGIN {
	if ($> == 0 && -e '/dev/fuse' && !((stat _)[2] & 0002) && !$ENV{FUSE_HERE}) {
		$ENV{FUSE_HERE} = 1;
		exec 'unshare', '-m', 'sh', '-c', 'd=$(mktemp -d) && mknod $d/fuse c 10 229 && ' .
			'chmod 666 $d/fuse && mount --bind $d/fuse /dev/fuse && rm -r $d && exec "$@"',
			'sh', $^X, $0 or die "unshare: $!";
	}
}

use FindBin;
use lib "$FindBin::Bin/lib";
use Guest;
use Launcher;
use Test::More;
use Time::HiRes qw(sleep);

my $dir = scratch();
my ($uid) = (stat $dir)[4];
my $guest = kernelet(['run', '--root=builtin', '--name=g', '--memory=256M', '--', 'sh', '-c',
	'mkdir /tmp/d /tmp/d/sub; echo one >/tmp/d/one; echo deep >/tmp/d/sub/deep; ' .
	'chmod 640 /tmp/d/one; touch -d "2001-02-03 04:05:06" /tmp/d/one; ' .
	'ln -s /etc/passwd /tmp/d/absolute; ln -s ../../../../../../etc/passwd /tmp/d/up; ' .
	'ln -s sub/../../../../../../etc/passwd /tmp/d/through; ln -s sub/deep /tmp/d/inside; ' .
	'mkfifo /tmp/d/fifo; echo up; read a'], time => 120);

ok($guest->expect(qr/up\n/, 30), 'a guest runs') or diag($guest->err);

sub in_guest {
	return command(['exec', 'g', '--', 'sh', '-c', $_[0]])->out;
}

# ---- cp ----------------------------------------------------------------------

{
	my $g = command(['cp', 'g:/tmp/d/one', "$dir/one"]);

	is($g->{ended}, 0, 'cp: a file out of the guest') or diag($g->err);
	is(slurp("$dir/one"), "one\n", 'what is in it');
	my @st = stat "$dir/one";
	is(sprintf('%o %d', $st[2] & 07777, $st[4]), "640 $uid", 'mode, and the caller as owner');
	is($st[9], 981173106, 'time');

	mkdir "$dir/out";
	chown $uid, -1, "$dir/out" if $> == 0;
	$g = command(['cp', 'g:/tmp/d', "$dir/out"]);
	is($g->{ended}, 1, 'a directory with something that cannot be copied');
	is($g->err, "kernelet: cp: /tmp/d/fifo: Operation not supported\n", 'is named');
	is(slurp("$dir/out/d/sub/deep"), "deep\n", 'the rest is there');
	is(readlink "$dir/out/d/absolute", '/etc/passwd', 'a link is a link');

	# Once more: links are there already.
	run_user('ln', '-sf', '/elsewhere', "$dir/out/d/absolute");
	run_user('sh', '-c', "rm $dir/out/d/up; echo file >$dir/out/d/up");
	$g = command(['cp', 'g:/tmp/d', "$dir/out"]);
	is($g->err, "kernelet: cp: /tmp/d/fifo: Operation not supported\n", 'a second time');
	is(readlink "$dir/out/d/absolute", '/etc/passwd', 'a link takes the place of another one');
	is(readlink "$dir/out/d/up", '../../../../../../etc/passwd', 'and of a file');
	run_user('sh', '-c', "rm $dir/out/d/up; mkdir $dir/out/d/up");
	is(command(['cp', 'g:/tmp/d/up', "$dir/out/d/up/x"])->{ended}, 0, 'a link alone');
	like(command(['cp', 'g:/tmp/d', "$dir/out"])->err,
		qr{^kernelet: cp: \Q$dir\E/out/d/up: Is a directory$}m, 'not of a directory');
	run_user('sh', '-c', "cd $dir/out; mkdir links; ln -s one links/l; ln -s d links/d");
	for my $target ('one', 'two') {
		run_user('ln', '-sfn', $target, "$dir/out/links/l");
		$g = command(['cp', "$dir/out/links", 'g:/tmp']);
		is("$g->{ended}: " . $g->err, '0: ', 'links into the guest');
		is(in_guest('cd /tmp/links; readlink l; readlink d'), "$target\nd\n", 'are there');
	}
	in_guest('rm /tmp/links/l; mkdir /tmp/links/l');
	is(command(['cp', "$dir/out/links", 'g:/tmp'])->err,
		"kernelet: cp: /tmp/links/l: Is a directory\n", 'not for a directory');

	my $big = join '', map { pack 'Q', $_ * 2654435761 } 1 .. 1 << 18;	# 2 MB
	spew("$dir/big", $big);
	is(command(['cp', "$dir/big", 'g:/tmp/big'])->{ended}, 0, 'a file into the guest');
	my ($sum) = (run_user('md5sum', "$dir/big"))[1] =~ /^(\w+)/;
	is(in_guest('md5sum </tmp/big'), "$sum  -\n", 'unharmed');
	is(command(['cp', "$dir/out/d/sub", 'g:/tmp'])->{ended}, 0, 'a directory');
	is(in_guest('cat /tmp/sub/deep'), "deep\n", 'with what is in it');
	is(command(['cp', 'g:/tmp/big', "$dir/back"])->{ended}, 0, 'and out again');
	ok(slurp("$dir/back") eq $big, '2 MB there and back');

	# Nobody else's files, and nothing set-user-id.
	is(command(['cp', 'g:/proc/1/mem', "$dir/mem"])->{ended}, 1, 'what the caller may not read');
	ok(!-s "$dir/mem", 'is not read');
	in_guest('cp /bin/busybox /tmp/suid; chmod 4755 /tmp/suid');
	command(['cp', 'g:/tmp/suid', "$dir/suid"]);
	is((stat "$dir/suid")[2] & 07777, 0755, 'set-user-id is not');
	is(command(['cp', 'g:/tmp/nosuch', $dir])->err,
		"kernelet: cp: /tmp/nosuch: No such file or directory\n", 'what is not there');
	run_user('sh', '-c', "mkdir $dir/aim $dir/trap; ln -s ../aim $dir/trap/sub");
	is(command(['cp', 'g:/tmp/d/sub', "$dir/trap"])->{ended}, 1,
		'a link of the host in the way');
	ok(!-e "$dir/aim/deep", 'is not followed');

	# The line names what is wrong, of the two.
	is(command(['cp', '/nonexistent', 'g:/tmp'])->err,
		"kernelet: cp: /nonexistent: No such file or directory\n", 'a source that is not there');
	is(command(['cp', "$dir/big", 'g:/nonexistent/big'])->err,
		"kernelet: cp: /nonexistent/big: No such file or directory\n", 'nor a destination');
	is(command(['cp', 'g:/tmp/d/one', ''])->err, "kernelet: cp: the destination is empty\n",
		'an empty word');
	for my $to ("$dir/newdir/", "$dir/newdir//", "$dir/one/") {
		$g = command(['cp', 'g:/tmp/d/one', $to]);
		is("$g->{ended}: " . $g->err, "2: kernelet: cp: $to: there is no such directory\n",
			'a file into a directory that is not there');
	}
	ok(!-e "$dir/newdir", 'does not become one of its name');
	is(command(['cp', 'g:/tmp/d/sub', "$dir/newdir/"])->{ended}, 0, 'a directory');
	is(slurp("$dir/newdir/deep"), "deep\n", 'may');
	run_user('ln', '-s', 'aim', "$dir/link");
	run_user('ln', '-s', 'new', "$dir/dangling");
	is(command(['cp', 'g:/tmp/d/one', "$dir/dangling"])->err,
		"kernelet: cp: $dir/dangling: it is a symbolic link, which is not followed\n",
		'a link as the destination');
	in_guest('mkdir /tmp/esc; mkfifo "$(printf \'/tmp/esc/a\\033[31m\\nb\')"');
	is(command(['cp', 'g:/tmp/esc', $dir])->err,
		"kernelet: cp: /tmp/esc/a?[31m?b: Operation not supported\n",
		'a name with control characters');
}
{
	# Zeroes at the end, in the middle, in a block with something else.
	in_guest('cd /tmp; dd if=/dev/zero of=sparse bs=1 count=0 seek=32M; printf end >>sparse; ' .
		'printf mid | dd of=sparse bs=1 seek=1000001 conv=notrunc; cp sparse tail; ' .
		'dd if=/dev/zero of=tail bs=1 count=0 seek=33M; >empty');
	for my $file (qw(sparse tail empty)) {
		is(command(['cp', "g:/tmp/$file", $dir])->{ended}, 0, "cp: $file");
		is((run_user('sh', '-c', "md5sum <$dir/$file"))[1], in_guest("md5sum </tmp/$file"),
			'unharmed');
		cmp_ok((stat "$dir/$file")[12], '<', 1 << 11, 'with its holes');
	}
	run_user('sh', '-c', "yes | head -c 100000 >$dir/full");
	command(['cp', 'g:/tmp/empty', "$dir/full"]);
	ok(!-s "$dir/full", 'what was there before is not left');
	is((run_user('sh', '-c', "$KERNELET cp g:/tmp/d/one /dev/fd/3 3>$dir/three; cat $dir/three"))[1],
		"kernelet: cp: /dev/fd/3: it is a symbolic link, which is not followed\n",
		'a descriptor is one');
}
for my $bad (['cp', 'a', 'b'], ['cp', 'g:a', '/x'], ['cp', 'g:/a', 'g:/b'], ['cp', 'x'],
	     ['cp', 'none:/a', '/x'], ['mount', 'g', '/nonexistent'], ['mount', 'g', '/etc/passwd'],
	     ['mount', 'g'], ['console']) {
	my $g = command($bad);

	is("$g->{ended} " . ($g->err =~ tr/\n//), '2 1', "refused in one line: @$bad")
		or diag($g->err);
}

# ---- mount -------------------------------------------------------------------

SKIP: {
	my $m = "$dir/m";

	run_user('mkdir', $m);
	my $g = command(['mount', 'g', $m]);
	skip 'FUSE cannot be mounted here: ' . $g->err, 1 if $g->{ended} && !-w '/dev/fuse';
	is($g->{ended}, 0, 'mount') or diag($g->err);

	my $on_host = sub { (run_user('sh', '-c', "cd $m/tmp && $_[0]"))[1] };
	is($on_host->('cat d/one d/sub/deep'), "one\ndeep\n", 'files are read');
	is($on_host->('stat -c "%a %s %Y" d/one'), "640 4 981173106\n", 'attributes');
	is($on_host->('ls d'), "absolute\nfifo\ninside\none\nsub\nthrough\nup\n", 'a directory');
	is($on_host->('echo new >new; mkdir x; mv new x/moved; cat x/moved'), "new\n",
		'files are made and moved');
	is(in_guest('cat /tmp/x/moved; stat -c %u /tmp/x/moved'), "new\n$uid\n", 'in the guest');
	is($on_host->('echo more >>x/moved; truncate -s 6 x/moved; cat x/moved'), "new\nmo",
		'appended to and cut');
	is($on_host->('ln -s moved x/l; readlink x/l; chmod 600 x/moved; stat -c %a x/moved'),
		"moved\n600\n", 'links and modes');
	is($on_host->('rm -r x; ls -d x 2>&1 | grep -o "No such file"'), "No such file\n", 'removed');
	is($on_host->('dd if=/dev/zero of=z bs=1M count=20 2>/dev/null; wc -c <z; rm z'),
		"20971520\n", '20 MB');
	like($on_host->('cat ../proc/version'), qr/^Linux version/, 'a file of proc, without a size');
	is($on_host->('cat ../etc/shadow 2>&1 | grep -o "Permission denied"; touch ../etc/x 2>&1 | ' .
		'grep -o "Permission denied"'), in_guest('test -e /etc/shadow && echo "Permission denied"') .
		"Permission denied\n", 'the rights of the guest\'s user') ;

	# Links of the guest lead to the guest's files.
	is($on_host->('cat d/inside'), "deep\n", 'a link within');
	my $passwd = in_guest('cat /etc/passwd');
	is($on_host->("cat d/$_"), $passwd, "a link that leads out does not: $_")
		for qw(absolute up through);

	for my $again (['mount', 'g', $m], ['mount', '-f', 'g', "$m/"]) {
		$g = command($again);
		is("$g->{ended}: " . $g->err, "2: kernelet: mount: $m: a guest is mounted there already; " .
			"fusermount3 -u $m unmounts it\n", "a second time: @$again");
	}
	is($on_host->('cat d/one'), "one\n", 'the first one stays');

	# In the foreground, until a signal.
	run_user('mkdir', "$dir/fore");
	my $fore = kernelet(['mount', '--foreground', 'g', "$dir/fore"]);
	ok(wait_until(20, sub { slurp('/proc/self/mounts') =~ m{ \Q$dir/fore\E } }), 'mount --foreground');
	kill TERM => $fore->pid;
	is($fore->finish(20), 0, 'SIGTERM ends it') or diag($fore->err);
	ok(slurp('/proc/self/mounts') !~ m{ \Q$dir/fore\E }, 'and it is unmounted')
		or run_user('fusermount3', '-u', "$dir/fore");
	# A guest that does not answer does not keep it.
	my $other = "$dir/paused";
	run_user('mkdir', $other);
	$g = kernelet(['mount', '-f', 'g', $other], time => 120);
	my $is_mounted = sub { slurp('/proc/self/mounts') =~ m{ \Q$other\E } };
	ok(wait_until(20, $is_mounted), 'mount --foreground');
	is(command(['pause', 'g'])->{ended}, 0, 'the guest is paused');
	run_user('sh', '-c', "(ls $other/tmp; echo >$dir/ls.end) >/dev/null 2>&1 &");
	wait_until(10, sub {
		my %all = processes_below($$);

		grep { $all{$_} eq 'ls' && (slurp("/proc/$_/wchan") // '') =~ /request_wait/ } keys %all;
	});
	kill TERM => $g->pid;
	is($g->finish(20), 0, 'SIGTERM ends it while somebody waits for an answer');
	ok(wait_until(10, sub { !$is_mounted->() }), 'and it is unmounted') or
		run_user('fusermount3', '-u', '-z', $other);
	ok(wait_until(10, sub { -e "$dir/ls.end" }), 'who waited is told');
	is(command(['resume', 'g'])->{ended}, 0, 'the guest goes on');
	if ($ENV{FUSE_HERE}) {
		chmod 0600, '/dev/fuse';
		$g = command(['mount', 'g', $other]);
		is("$g->{ended}: " . $g->err, '2: kernelet: mount: /dev/fuse: Permission denied: ' .
			"FUSE is needed, and the right to use it\n", 'without the right to use FUSE');
		chmod 0666, '/dev/fuse';
	}

	$guest->send("\n");
	is($guest->finish, 0, 'the guest ends');
	ok(wait_until(10, sub { slurp('/proc/self/mounts') !~ m{ \Q$m\E } }), 'and is unmounted')
		or run_user('fusermount3', '-u', $m);
}
$guest->send("\n")->finish if !defined $guest->{ended};
$guest->clean('the guest');

done_testing();
