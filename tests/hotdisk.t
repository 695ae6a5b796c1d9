#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# kernelet run --disk, kernelet disk: disks of a guest from the command line, and
# such that come and go while it runs.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Disk;
use Guest;
use Launcher;
use Test::More;

my $MB = 1 << 20;
my $dir = scratch();
my $data = spew("$dir/data", "first line\n" . 'x' x ($MB - 11));

# --disk, and what is wrong with it.
{
	my $g = run_in(['--root-user', "--disk=$data:ro,serial=abc", '--disk',
			disk_file('second', 2 * $MB)],
		['sh', '-c', 'cat /sys/block/ud?/size /sys/block/uda/serial; head -n 1 /dev/uda']);

	is($g->{ended}, 0, '--disk') or diag($g->err);
	is($g->text, "2048\n4096\nabc\nfirst line\n", 'the disks are there, in order');
	$g->clean('--disk');
	spew("$dir/a:b", 'y' x $MB);
	$g = run_in(['--root-user', "--disk=$dir/a:b:ro"], ['cat', '/sys/block/uda/ro']);
	is($g->text, "1\n", 'a name with a colon');
	# a descriptor that is handed down
	my $kernelet = user_file($ENV{KERNELET} // "$BUILD/kernelet");
	my @inherited = (user_file($VMLINUX), $data);
	my $out = run_user('sh', '-c', 'exec 5<>"$2"; "$0" run --kernel="$1" --root=builtin --root-user '
		. '--disk=fd:5:ro,serial=handed -- sh -c "cat /sys/block/uda/serial; head -n 1 /dev/uda" '
		. '>"$2.out" </dev/null', $kernelet, @inherited);
	is($out, 0, 'fd:N');
	is(slurp("$data.out"), "handed\nfirst line\n", 'is the disk');
	for my $case (["fd:77", qr/fd:77.*not open/], ['fd:x', qr/not a descriptor/], ['fd:0', qr/standard/],
			["$data:raw,overlay", qr/either raw or an overlay/],
			["$data:cow=$dir/p,cow=$dir/q", qr/twice/], ["$data:serial=a,ro,serial=b", qr/twice/],
			[spew("$dir/empty", ''), qr/is empty/], ["$dir/none", qr/none/], ["$data:what", qr/what/], [':ro', qr/:ro/],
			["$dir/a,b", qr/comma/]) {
		my ($words, $pattern) = @$case;

		$g = run_in(["--disk=$words"], ['true']);
		is($g->{ended}, 2, "--disk=$words: status 2");
		is($g->err =~ tr/\n//, 1, 'one line') or diag($g->err);
		like($g->err, $pattern, 'which names it');
	}
}

sub ask {
	my (@words) = @_;
	my $g = command(['disk', @words]);

	return ($g->{ended}, $g->out, $g->err);
}

# Coming and going.
{
	my $base = disk_file('base', 4 * $MB);
	my $g = kernelet(['run', '--root=builtin', '--root-user', '--name=g', "--disk=$data:ro", '--', 'sh',
		'-c', 'echo up; while read c; do eval "$c"; echo done; done']);
	my $in = sub {
		my ($command) = @_;

		$g->send("$command\n");
		ok($g->expect(qr/^done/m, 20), $command);
	};

	ok($g->expect(qr/^up/m, 30), 'a guest');
	like((ask('list', 'g'))[1], qr/^DISK .*\n\/dev\/uda +1048576 +[1-9].*\n\z/, 'list');
	image('create', "$dir/top", "--base=$base");
	is_deeply([ask('add', 'g', "$dir/top:serial=hot")], [0, "/dev/udb\n", ''], 'add an overlay');
	like((ask('list', 'g'))[1], qr/^\/dev\/uda .*\n\/dev\/udb +4194304 .*\n\z/m, 'list shows it');
	$in->('cat /sys/block/udb/serial /sys/block/udb/size');
	like($g->out, qr/^hot\n8192$/m, 'the guest has it');
	$in->('printf hello | dd of=/dev/udb bs=1 seek=70000 conv=notrunc,fsync 2>/dev/null');
	like((ask('list', 'g'))[1], qr/^\/dev\/udb +4194304 +\d+ +[1-9]\d* +\d+ +[1-9]\d+\n\z/m,
		'what was written is counted');
	like(command(['stats', '--json', 'g'])->out, qr/"read": [1-9]\d*, "written": [1-9]/,
		'in kernelet stats too');
	my @busy = ask('add', 'g', "$dir/top");
	is($busy[0], 2, 'the same again: refused');
	like($busy[2], qr/\A[^\n]*in use[^\n]*\n\z/, 'since it has a writer');
	$in->('exec 7</dev/udb');
	@busy = ask('remove', 'g', 'udb');
	is($busy[0], 2, 'a disk that is open is not removed');
	like($busy[2], qr/\A[^\n]*in use in the guest[^\n]*\n\z/, 'which is said');
	$in->('exec 7<&-');
	is((ask('remove', 'g', '/dev/udb'))[0], 0, 'remove');
	$in->('[ ! -e /sys/block/udb ] && echo gone');
	like($g->out, qr/^gone$/m, 'the guest has it no more');
	is(image('check', "$dir/top"), 0, 'the overlay is right, and free');
	image('convert', "$dir/top", "$dir/flat");
	is(substr(slurp("$dir/flat"), 70000, 5), 'hello', 'it holds what was written');
	for my $case (['add', 'g', "$dir/none"], ['add', 'g', 'fd:77'], ['add', 'g', "$data:raw,overlay"],
			['add', 'g', "$dir/empty"], ['add', 'g', "$data:what"], ['add', 'g', "$data:iops=x"],
			['remove', 'g', 'sda'], ['remove', 'g', 'udz'], ['add', 'nobody', $data],
			['frob'], ['add', 'g']) {
		my @got = ask(@$case);
		is($got[0], 2, "disk @$case: status 2");
		like($got[2], qr/\A[^\n]+\n\z/, 'and one line') or diag(@got);
	}
	for my $i (1 .. 20) {
		my @add = ask('add', 'g', "$dir/top:direct");
		my @remove = ask('remove', 'g', 'udb');
		$i = "$i: @add @remove";
		next if !$add[0] && !$remove[0];
		fail("twenty times: $i");
		last;
	}
	# a moment after the guest has looked for partitions
	for my $i (1 .. 20) {
		my $add = kernelet(['disk', 'add', 'g', "$dir/top:direct"]);
		my @remove;

		do {
			@remove = ask('remove', 'g', 'udb');
		} while ($remove[2] =~ /no such disk/);
		next if !$add->finish && !$remove[0];
		fail("removed at once: $i: " . $add->err . " @remove");
		last;
	}
	is((ask('remove', 'g', 'uda'))[0], 0, 'one that was there from the start goes too');
	is_deeply([ask('add', 'g', "$data")], [0, "/dev/uda\n", ''], 'its file is free, and so is its name');
	$g->send("exit 5\n");
	is($g->finish, 5, 'the guest ends as ever');
	$g->clean('disks that come and go');
}

done_testing();
