#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Overlays over images, and kernelet image: what is read through them, that the base
# is never written to, that a crash at any moment leaves what was flushed.
#
# CUTS: how many crashes are tried (1200).

use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use FindBin;
use lib "$FindBin::Bin/lib";
use Disk;
use Guest;
use Test::More;

my $MB = 1 << 20;
my $CUTS = $ENV{CUTS} // 1200;
my $dir = scratch();

cannot('no mke2fs: apt-get install e2fsprogs')
	unless grep { -x "$_/mke2fs" } split /:/, $ENV{PATH};
-x "$DISK_TOOLS/replay" or BAIL_OUT("no $DISK_TOOLS/replay: make -C tests");

my $pattern = join '', map { pack 'N', $_ * 2654435761 % 4294967296 } 1 .. 4 * $MB / 4;

sub sum {
	return md5_hex(slurp($_[0]));
}

# ---- reading and writing through layers --------------------------------------------

for my $engine (qw(io_uring threads)) {
	my $base = spew("$dir/base", $pattern);
	my $before = sum($base);
	my $g = boot(name => "cow= makes an overlay, $engine", args => ["disk_engine=$engine",
			"disk0=$base,cow=$dir/top"], script => <<'EOF');
cmp /dev/uda /dev/zero | head -n 1 | cut -d ' ' -f 1-3
md5sum </dev/uda
printf 0123456789 | dd of=/dev/uda bs=1 seek=5000 conv=notrunc,fsync 2>/dev/null
dd if=/dev/zero of=/dev/uda bs=1k seek=1021 count=67 conv=notrunc,fsync 2>/dev/null
dd if=/dev/uda bs=1 skip=5000 count=10 2>/dev/null; echo
echo 3 >/proc/sys/vm/drop_caches
md5sum </dev/uda
EOF
	my $want = $pattern;

	substr $want, 5000, 10, '0123456789';
	substr $want, 1021 * 1024, 67 * 1024, "\0" x (67 * 1024);
	my ($one, $two) = (md5_hex($pattern), md5_hex($want));
	like($g->text, qr/^$one  -\n0123456789\n$two  -$/m, 'it reads as written');
	is(sum($base), $before, 'the base is as before');
	$g = boot(name => 'the overlay alone', args => ["disk_engine=$engine",
			"disk0=$dir/top,ro"], script => 'md5sum </dev/uda; echo 2>/dev/null >/dev/uda || echo refused');
	like($g->text, qr/^$two  -\nrefused$/m, 'brings its base with it, and can be read-only');

	is(image('create', "$dir/second", "--base=$dir/top", '--block=64K', '--size=6M'), 0,
		'an overlay over an overlay, of other blocks, larger');
	$g = boot(name => 'three files', args => ["disk_engine=$engine", "disk0=$dir/second"],
		script => <<'EOF');
cat /sys/block/uda/size
head -c 4194304 /dev/uda | md5sum
tail -c 2097152 /dev/uda | tr -d '\0' | wc -c
printf abcdefghij | dd of=/dev/uda bs=1 seek=5005 conv=notrunc,fsync 2>/dev/null
echo end | dd of=/dev/uda bs=512 seek=12287 conv=notrunc,fsync 2>/dev/null
EOF
	like($g->text, qr/^12288\n$two  -\n0$/m, 'it is as large as it says, the rest is zeros');
	is(image('check', "$dir/second"), 0, 'check finds nothing');
	is(image('convert', "$dir/second", "$dir/flat"), 0, 'convert');
	substr $want, 5005, 10, 'abcdefghij';
	my $flat = slurp("$dir/flat");
	ok(substr($flat, 0, 4 * $MB) eq $want && substr($flat, -512, 4) eq "end\n",
		'the tool reads what the guest wrote');
	is(sum($base), $before, 'the base is as before');
	unlink map { "$dir/$_" } qw(base top second flat);
}

# ---- discards and zeroes -------------------------------------------------------------

{
	spew("$dir/base", $pattern);
	my $g = boot(name => 'discard and zeroes', args => ["disk0=$dir/base,cow=$dir/top"],
		script => <<'EOF');
fallocate -z -o 1000 -l 10000 /dev/uda 2>/dev/null ||
	dd if=/dev/zero of=/dev/uda bs=1000 seek=1 count=10 conv=notrunc 2>/dev/null
dd if=/dev/urandom of=/dev/uda bs=1M seek=2 count=1 conv=notrunc,fsync 2>/dev/null
blkdiscard -o 2097152 -l 1048576 /dev/uda && echo discarded
sync
echo 3 >/proc/sys/vm/drop_caches
dd if=/dev/uda bs=1M skip=2 count=1 2>/dev/null | tr -d '\0' | wc -c
EOF
	like($g->text, qr/^discarded\n0$/m, 'a discarded block of the overlay reads as zeros');
	my $st = (stat "$dir/top")[12] * 512;
	cmp_ok($st, '<', $MB, 'and takes no space');
	unlink map { "$dir/$_" } qw(base top);
}

# ---- what is refused -------------------------------------------------------------------

sub refused {
	my ($name, $pattern, @args) = @_;
	my $g = boot(name => $name, plain => 1, split => 1, status => 2, time => 20,
		args => ['mem=128M', 'con0=fd:0,fd:1', @args]);

	is($g->err =~ tr/\n//, 1, 'one line') or diag($g->err);
	like($g->err, $pattern, 'which says why');
}

{
	my $base = spew("$dir/base", $pattern);
	image('create', "$dir/top", "--base=$base");
	image('create', "$dir/higher", "--base=$dir/top");
	refused('another file as base', qr/another base/,
		'disk0=' . spew("$dir/other", $pattern) . ",cow=$dir/top");
	refused('cow= is a raw file', qr/no overlay/, "disk0=$base,cow=$dir/other");
	refused('an overlay twice', qr/in use/, "disk0=$dir/top", "disk1=$dir/top");
	refused('a base that is written to', qr/in use/, "disk0=$base", "disk1=$dir/top");
	refused('an overlay that is a base', qr/in use/, "disk0=$dir/top", "disk1=$dir/higher");
	utime 1000000000, 1000000000, $base;
	refused('a base that has changed',
		qr/changed.*then 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d{9}, now 2001-09-09 01:46:40\.000000000/,
		"disk0=$dir/top");
	refused('a base of the base that has changed', qr/changed/, "disk0=$dir/higher");
	image_fails(qr/then 20.*now 2001-09-09 01:46:40/, 'the tool sees it too', 'check', "$dir/top");
	is(image('rebase', "$dir/top", "--base=$base", '--only-name'), 0, 'rebase makes it good');
	is(image('check', "$dir/top"), 0, 'it has a base again');
	unlink $base;
	refused('a base that is gone', qr/no such file/, "disk0=$dir/top");
	spew($base, substr $pattern, 0, $MB);
	utime 1000000000, 1000000000, $base;
	refused('a base of another size', qr/size/, "disk0=$dir/top");
	unlink map { "$dir/$_" } qw(base top higher other);
}

# A file that has lost its end: what it held must not be read from the base instead.
{
	my $base = spew("$dir/base", $pattern);

	image('create', "$dir/top", "--base=$base");
	boot(name => 'an overlay to cut', args => ["disk0=$dir/top"], script =>
		"dd if=/dev/zero of=/dev/uda bs=1M seek=1 count=1 conv=notrunc,fsync 2>/dev/null\n");
	image('create', "$dir/higher", "--base=$dir/top");
	my $length = -s "$dir/top";
	my ($status, $out) = image('check', "$dir/top");

	is("$status $out", "0 no errors\n", 'the whole one is right');
	for my $at ($length - 1, 1000000, 131072, 65536, 8192, 5000) {
		truncate "$dir/top", $at or die;
		if ($at != 5000) {
			# a base is checked too; its time is looked at after its length
			refused("cut at $at: $_", qr/has been cut/, "disk0=$dir/$_")
				for 'top', $at == 8192 ? 'higher' : ();
		} else {
			refused("cut at $at", qr/has been cut/, "disk0=$dir/top");
		}
		image_fails(qr/has been cut: its file has $at bytes, and was made with $length\b/,
			"cut at $at: @$_", @$_) for ['check', "$dir/top"], ['info', "$dir/top"],
			['convert', "$dir/top", "$dir/flat"], ['commit', "$dir/top"],
			['rebase', "$dir/top", "--base=$base"], ['resize', "$dir/top", '8M'],
			['convert', "$dir/higher", "$dir/flat"];
	}
	ok(!-e "$dir/flat", 'nothing was made of them');
	ok(slurp($base) eq $pattern, 'and the base is as before');
	unlink map { "$dir/$_" } qw(base top higher);
}

# Nothing is made before all options have been looked at.
{
	my $base = spew("$dir/base", $pattern);

	refused("an overlay and then $_", qr/./, "disk0=$base,cow=$dir/top", $_)
		for "disk1=$dir/none", "disk1=$base,cow=$dir/other,what", 'con9=null', 'mem=1M';
	ok(!-e "$dir/top" && !-e "$dir/other", 'nothing is made of that');
	unlink $base;
}

# A start that was killed while it made the overlay: it has its length, or nothing yet.
for my $length (0, 4 * $MB + 131072) {
	my $base = spew("$dir/base", $pattern);

	disk_file('top', $length);
	my $g = boot(name => "an overlay half made, $length bytes", args => ["disk0=$base,cow=$dir/top"],
		script => "md5sum </dev/uda\n");
	like($g->text, qr/^${\ md5_hex($pattern)} /m, 'is made again');
	is(image('check', "$dir/top"), 0, 'and right');
	unlink map { "$dir/$_" } qw(base top);
}

# Damaged headers: in the tool by the thousand, in the kernel's process some of them.
{
	my $base = spew("$dir/base", $pattern);
	my $before = sum($base);

	image('create', "$dir/top", "--base=$base");
	my ($status, $out) = run_user(user_file("$DISK_TOOLS/headers"), "$dir/top", "$dir/damaged",
		10000);
	is($status, 0, '10000 damaged headers open or are refused in the tool') or diag($out);
	like($out, qr/^10000 headers, [1-9]/, 'some of them open');

	my $good = slurp("$dir/top");
	my @odd;
	srand 1;
	for my $i (1 .. 25) {
		my $bad = $good;

		for my $copy (0, 4096) {
			substr $bad, $copy + int rand 140, 1, chr int rand 256 for 1 .. 1 + rand 3;
		}
		spew("$dir/damaged", $bad);
		my ($st, $text) = run_user('timeout', 20, user_file($VMLINUX), 'mem=64M', 'quiet',
			'con0=fd:0,fd:1', 'panic=-1', 'rdinit=/bin/true', "disk0=$dir/damaged,ro,overlay");
		push @odd, "$i: $st $text" unless $st == 255 || $st == 2 && $text =~ tr/\n// == 1;
	}
	is("@odd", '', '25 of them are refused in one line by the kernel, or it boots');
	is(sum($base), $before, 'the base is as before');
	unlink map { "$dir/$_" } qw(base top damaged);
}

# ---- kernelet image -----------------------------------------------------------------------

{
	my $base = spew("$dir/base", $pattern);

	image('create', "$dir/top", "--base=$base");
	my $g = boot(name => 'an overlay to commit', args => ["disk0=$dir/top"],
		script => "echo changed | dd of=/dev/uda bs=1k seek=100 conv=notrunc,fsync 2>/dev/null\n");
	my ($status, $out) = image('info', "$dir/top", '--json');
	like($out, qr/"blocks": 1, .*"base": "base"/, 'info: one block, and the base by its name');
	is(image('commit', "$dir/top"), 0, 'commit');
	is(substr(slurp($base), 100 * 1024, 8), "changed\n", 'the base has it');
	like((image('info', "$dir/top"))[1], qr/^blocks:  0 of 4096/m, 'the overlay is empty');
	is(image('check', "$dir/top"), 0, 'and fits its base');

	my $other = spew("$dir/other", 'x' x (2 * $MB) . substr $pattern, 2 * $MB);
	image('convert', "$dir/top", "$dir/before");
	is(image('rebase', "$dir/top", "--base=$other"), 0, 'rebase');
	image('convert', "$dir/top", "$dir/after");
	is(sum("$dir/after"), sum("$dir/before"), 'the contents stay the same');
	is(image('resize', "$dir/top", '5M'), 0, 'resize');
	image('convert', "$dir/top", "$dir/larger");
	my $larger = slurp("$dir/larger");
	ok(length $larger == 5 * $MB && substr($larger, 0, 4 * $MB) eq slurp("$dir/before") &&
		substr($larger, 4 * $MB) eq "\0" x $MB, 'what is new is zeros');
	image_fails(qr/smaller/, 'an overlay does not shrink', 'resize', "$dir/top", '1M');
	image_fails(qr/--shrink/, 'a raw image only if asked', 'resize', "$dir/before", '1M');
	is(image('resize', "$dir/before", '1M', '--shrink'), 0, 'then it does');
	is(-s "$dir/before", $MB, 'to that size');
	SKIP: {
		skip 'no qemu-img: apt-get install qemu-utils', 3
			unless grep { -x "$_/qemu-img" } split /:/, $ENV{PATH};
		is(image('convert', "$dir/top", "$dir/top.qcow2"), 0, 'to qcow2');
		is(image('convert', "$dir/top.qcow2", "$dir/back"), 0, 'and back');
		is(sum("$dir/back"), sum("$dir/larger"), 'the contents stay the same');
	}
	my ($st, $text) = run_user('env', "PATH=$dir", "$BUILD/kernelet", 'image', 'convert', $base,
		"$dir/none.qcow2");
	is($st, 2, 'without qemu-img: status 2');
	like($text, qr/\A[^\n]*qemu-img[^\n]*qemu-utils[^\n]*\n\z/, 'and one line');
	ok(!glob("$dir/none*"), 'nothing is left of it');
	unlink glob "$dir/{base,top,other,before,after,larger,back,top.qcow2}";
}

# A commit that was interrupted: as it marks the overlay, see cow_format.h.
{
	my $base = spew("$dir/base", $pattern);

	image('create', "$dir/top", "--base=$base");
	boot(name => 'an overlay to commit', args => ["disk0=$dir/top"],
		script => "echo half | dd of=/dev/uda bs=1k seek=200 conv=notrunc,fsync 2>/dev/null\n");
	my $top = slurp("$dir/top");
	my $header = substr $top, 0, 4096;
	substr $header, 12, 12, pack 'VVV', 0, 7, 0;
	substr $header, 24, 4, pack 'V', 1;
	substr $header, 12, 4, pack 'V', crc32c($header);
	substr $top, 0, 4096, $header;
	spew("$dir/top", $top);
	spew($base, "written in part" . substr $pattern, 15);
	refused('an overlay in the middle of a commit', qr/commit.*interrupted/, "disk0=$dir/top");
	image_fails(qr/commit.*interrupted/, 'the tool says so too', 'check', "$dir/top");
	is(image('commit', "$dir/top"), 0, 'the commit is repeated');
	is(substr(slurp($base), 200 * 1024, 5), "half\n", 'the base has all of it');
	is(image('check', "$dir/top"), 0, 'and the overlay is good again');
	unlink map { "$dir/$_" } qw(base top);
}

# Large images of which little is there are converted in no time, with their data in place.
{
	my $base = disk_file('base', 4 << 40);

	open my $out, '+<', $base or die;
	seek $out, (3 << 40) + 5000, 0;
	print $out "far away";
	close $out;
	for my $words ([$base], ["$dir/top"]) {
		image('create', "$dir/top", "--base=$base", '--block=2M', '--size=5T') if @$words[0] ne $base;
		my ($status, $text) = run_user('timeout', 60, user_file("$BUILD/kernelet"), 'image', 'convert',
			@$words, "$dir/flat");

		is($status, 0, 'a conversion of 4 TB of holes') or diag($text);
		open my $in, '<', "$dir/flat" or die;
		seek $in, (3 << 40) + 4999, 0;
		read $in, my $got, 10;
		is($got, "\0far away\0", 'what is between them is there');
		is(-s "$dir/flat", $words->[0] eq $base ? 4 << 40 : 5 << 40, 'and the size');
		unlink "$dir/flat";
	}
	unlink map { "$dir/$_" } qw(base top);
}

# What is being made when the tool is ended does not stay, nor does who makes it.
for my $signal (qw(INT TERM HUP)) {
	my $from = spew("$dir/from", $pattern x 4);
	my $bin = "$dir/bin";

	mkdir $bin;
	spew("$bin/qemu-img", "#!/bin/sh\nfor to; do :; done\necho begun >\"\$to\"\n" .
		"echo \$\$ >$dir/child\nexec sleep 100\n");
	chmod 0755, "$bin/qemu-img";
	spew("$dir/child", '');
	my $pid = fork // die;
	if (!$pid) {
		$ENV{PATH} = "$bin:$ENV{PATH}";
		exec "$BUILD/kernelet", 'image', 'convert', $from, "$dir/to.qcow2" or POSIX::_exit(127);
	}
	ok(wait_until(20, sub { -s "$dir/child" }), "qemu-img is at work, $signal") or last;
	my ($child) = slurp("$dir/child") =~ /(\d+)/;
	kill $signal => $pid;
	waitpid $pid, 0;
	is($? & 127, {INT => 2, TERM => 15, HUP => 1}->{$signal}, 'the tool ends by it');
	is(join(' ', glob "$dir/to.qcow2*"), '', 'nothing is left');
	ok(!kill(0, $child), 'and nobody works on');
	unlink $from, "$dir/child", "$bin/qemu-img";
}

# Names that qemu-img would take for something else, and links to nowhere.
SKIP: {
	skip 'no qemu-img: apt-get install qemu-utils', 1
		unless grep { -x "$_/qemu-img" } split /:/, $ENV{PATH};
	my $in = sub {
		my ($status, $out) = run_user('sh', '-c', 'cd "$0" && exec "$@"', $dir,
			user_file("$BUILD/kernelet"), 'image', @_);
		return "$status $out";
	};

	is($in->('create', 'a:b.qcow2', '--size=8M'), '0 ', 'create: qcow2 by the name, with a colon in it');
	is(substr(slurp("$dir/a:b.qcow2"), 0, 4), "QFI\xfb", 'it is that');
	is($in->('resize', 'a:b.qcow2', '4M', '--shrink'), '0 ', 'resize --shrink');
	like($in->('info', 'a:b.qcow2'), qr/^virtual size: 4 MiB/m, 'it is smaller');
	like($in->('check', 'a:b.qcow2'), qr/^0 /, 'check');
	is($in->('convert', 'a:b.qcow2', 'c:d'), '0 ', 'convert to raw');
	is(-s "$dir/c:d", 4 * $MB, 'which has the size');
	is($in->('convert', 'c:d', 'e:f.qcow2'), '0 ', 'and to qcow2');
	symlink 'nowhere', "$dir/link";
	like($in->('convert', 'c:d', 'link', "--format=$_"), qr/\A2 .*such a file already\n\z/,
		"$_: not through a link to nowhere") for qw(raw qcow2);
	ok(!-e "$dir/nowhere", 'which is still nowhere');
	unlink map { "$dir/$_" } 'a:b.qcow2', 'c:d', 'e:f.qcow2', 'link';
}

image_fails(qr/create, info/, 'image alone', );
image_fails(qr/frobnicate/, 'an unknown action', 'frobnicate', 'x');
image_fails(qr/how large/, 'create without a size', 'create', "$dir/x");
image_fails(qr/no-such-base/, 'a base that is not there', 'create', "$dir/x", '--base=no-such-base');
image_fails(qr/--block=5120/, 'a block size of no use', 'create', "$dir/x", '--block=5120',
	'--base=' . disk_file('base', $MB));
image('create', "$dir/top", "--base=$dir/base");
image_fails(qr/in use|itself/, 'no overlay over itself', 'rebase', "$dir/top", "--base=$dir/top");
image_fails(qr/512/, 'an odd size', 'create', "$dir/x", '--size=1000');
image_fails(qr/qcow3/, 'an unknown format', 'convert', disk_file('y', 512), "$dir/x", '--format=qcow3');
ok(!-e "$dir/x", 'nothing was made of that');

# ---- crashes -----------------------------------------------------------------------------

SKIP: {
	skip 'no /dev/fuse that may be opened here', 1 unless -w '/dev/fuse';
	my $trace = "$dir/trace";
	my $fs = faultfs($trace);

	is(run_user(user_file("$DISK_TOOLS/replay"), 'base', "$dir/trace.base"), 0, 'a base');
	rename "$dir/trace.base", "$trace/base" or die;
	chmod 0777, $trace;
	is(image('create', "$trace/o", "--base=$trace/base"), 0, 'an overlay');
	spew("$trace/a", "\0" x 16384);
	spew("$dir/o.before", slurp("$trace/o"));
	my $g = boot(name => 'a recorded workload', args => ['ncpus=2', "disk0=$fs->{at}/o,overlay",
			"disk1=$fs->{at}/a,direct"], files => ["/t/writer=$DISK_TOOLS/writer"],
		script => '/t/writer /dev/uda /dev/udb');
	like($g->text, qr/^written$/m, 'it runs to its end');
	faultfs_end($fs);
	spew("$trace/o.before", slurp("$dir/o.before"));
	my ($status, $out) = run_user(user_file("$DISK_TOOLS/replay"), 'cuts', "$trace/log",
		"$trace/o.before", "$trace/cut", $CUTS);
	is($status, 0, "$CUTS crashes: each opens, passes the check, holds what was flushed")
		or diag($out);
	like($out, qr/^$CUTS cuts of [1-9]\d{2,} entries, [1-9]\d{2,} of them with/,
		'and they are of the kind that can lose something');
	note($out);
}

# The same of a file system: it is clean after its journal was replayed.
SKIP: {
	skip 'no /dev/fuse that may be opened here', 1 unless -w '/dev/fuse';
	my $trace = "$dir/ext4";
	my $fs = faultfs($trace);
	my $base = ext4_file('ext4.base', 24 * $MB);

	rename $base, "$trace/base" or die;
	chmod 0777, $trace;
	image('create', "$trace/o", "--base=$trace/base");
	my $before = slurp("$trace/o");
	my $g = boot(name => 'a recorded file system', args => ["disk0=$fs->{at}/o,overlay"],
		script => <<'EOF');
mount /dev/uda /mnt
i=0
while [ $i -lt 30 ]; do
	mkdir /mnt/d$i
	dd if=/dev/urandom of=/mnt/d$i/f bs=5k count=3 conv=fsync 2>/dev/null
	[ $i -lt 5 ] || rm -r /mnt/d$((i - 5))
	i=$((i + 1))
done
umount /mnt
EOF
	faultfs_end($fs);
	spew("$trace/o.before", $before);
	my @bad;
	for my $n (0 .. 19) {
		my ($status, $out) = run_user(user_file("$DISK_TOOLS/replay"), 'one', "$trace/log",
			"$trace/o.before", "$trace/cut", $n, 20);

		unlink "$dir/flat";
		$status ||= image('check', "$trace/cut", '--from=overlay') ||
			image('convert', "$trace/cut", "$dir/flat", '--from=overlay');
		$out .= `e2fsck -p -E journal_only $dir/flat 2>&1` unless $status;
		$status ||= $? >> 8;
		$out .= `e2fsck -fn $dir/flat 2>&1` unless $status;
		$status ||= $? >> 8;
		push @bad, "$n: $status $out" if $status;
	}
	is("@bad", '', '20 crashes of a file system leave it clean after journal replay');
}

# What was synced is there when the guest is killed the next moment.
{
	my $base = ext4_file('killed.base', 64 * $MB);

	image('create', "$dir/killed", "--base=$base");
	my %sums = killed_while_writing("$dir/killed");

	is(image('check', "$dir/killed"), 0, 'the overlay is right');
	all_synced("$dir/killed", %sums);
	image('convert', "$dir/killed", "$dir/flat2");
	fsck_clean("$dir/flat2", 'the file system is clean after its journal was replayed');
}

done_testing();
