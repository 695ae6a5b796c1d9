#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# What a guest writes to its disks gives it no file of the host: a raw disk that
# begins like an overlay or a qcow2 image, an overlay whose header names another
# base, a commit that it claims was interrupted.

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

# A header over $base, as the tool makes it, with the fields that are given.
sub header {
	my ($base, %fields) = @_;

	image('create', "$dir/model", "--base=$base");
	my $h = substr slurp("$dir/model"), 0, 4096;
	unlink "$dir/model";
	return changed($h, %fields);
}

sub changed {
	my ($h, %fields) = @_;

	substr $h, 24, 4, pack 'V', $fields{flags} if defined $fields{flags};
	substr $h, 120, 2048, pack 'a2048', $fields{base} if defined $fields{base};
	substr $h, 12, 4, pack 'V', 0;
	substr $h, 12, 4, pack 'V', crc32c($h);
	return $h;
}

sub patch {
	my ($file, $bytes) = @_;

	open my $f, '+<', $file or die "$file: $!";
	print $f $bytes;
	close $f or die $!;
	return $file;
}

# The guest itself writes them, to a disk that is raw.
sub guest_writes {
	my ($file, $bytes) = @_;
	my $g = boot(args => ["disk0=$file,raw"], files => ['/t/bytes=' . spew("$dir/bytes", $bytes)],
		name => 'a guest that writes', script => "cat /t/bytes >/dev/uda; sync; echo written\n");

	like($g->text, qr/^written$/m, 'it writes');
}

# One line, status 2, from vmlinux, kernelet run, and the tool.
sub refused {
	my ($what, $pattern, $file, @actions) = @_;
	my $g = boot(name => "$what: vmlinux", plain => 1, split => 1, status => 2, time => 20,
		args => ['mem=128M', 'con0=fd:0,fd:1', "disk0=$file"]);

	is($g->err =~ tr/\n//, 1, 'one line') or diag($g->err);
	like($g->err, $pattern, 'which says why');
	$g = run_in(['--root-user', "--disk=$file"], ['true']);
	is($g->{ended}, 2, "$what: kernelet run");
	like($g->err, $pattern, 'says why too');
	image_fails($pattern, "$what: image @$_", $_->[0], $file, @$_[1 .. $#$_]) for @actions;
}

my $secret = spew("$dir/secret", "of the host\n" . 'x' x ($MB - 12));
my $before = slurp($secret);
my $flat = "$dir/flat";

# ---- a raw disk that begins like an overlay ------------------------------------------
{
	my $data = disk_file('data', $MB);

	guest_writes($data, header($secret));
	refused('a raw disk', qr/begins like an overlay.*overlay if.*raw if/, $data, ['check'],
		['convert', $flat], ['commit'], ['resize', '2M']);
	ok(!-e $flat, 'nothing was made of it');
	my $g = run_in(['--root-user', "--disk=$data:ro,raw"], ['head', '-c', 8, '/dev/uda']);
	is($g->text, 'KERNELET', 'raw: as the guest left it');
	is(image('convert', $data, $flat, '--from=raw'), 0, 'the tool takes it so, too');
	ok(slurp($flat) eq slurp($data), 'byte by byte');
	unlink $flat;

	guest_writes($data, header("$dir/secret", base => "\e]0;title\a"));
	truncate $data, 64 * $MB or die "truncate: $!";	# as long as the header says
	is((image('info', $data))[1] =~ /^base: +([^,]*),/m ? $1 : '', '?]0;title?',
		'info shows no control characters');

	# One that would be written to the file that it names.
	guest_writes($data, header($secret, flags => 1));
	refused('a commit that was interrupted', qr/begins like an overlay/, $data, ['commit']);
	is(slurp($secret), $before, 'the file of the host is as it was');
	unlink $data;
}

# ---- an overlay with another base ----------------------------------------------------
SKIP: {
	my $base = spew("$dir/base", "a base\n" . 'y' x ($MB - 7));
	my $top = "$dir/top";

	is(image('create', $top, "--base=$base"), 0, 'an overlay');
	my $good = slurp($top);
	my ($status) = run_user('cp', $top, "$dir/copy");
	refused('a copy without its mark', qr/not marked/, "$dir/copy", ['check']);
	is(image('check', "$dir/copy", '--from=overlay'), 0, 'unless one says what it is');
	my $g = run_in(['--root-user', "--disk=$dir/copy:ro,overlay"], ['head', '-c', 7, '/dev/uda']);
	is($g->text, "a base\n", 'to kernelet run as well');
	unlink "$dir/copy";

	skip 'no extended attributes here', 1 if image('check', $top);
	my $other = header($secret);
	patch($top, $other . $other);
	refused('another base', qr/names another base/, $top, ['check'], ['convert', $flat], ['commit']);
	patch($top, changed($other, flags => 1) x 2);
	refused('another base, to commit to', qr/names another base/, $top, ['commit']);
	is(slurp($secret), $before, 'the file of the host is as it was');
	patch($top, "\0" x 8192);
	refused('no header', qr/its header is gone/, $top, ['check']);
	patch($top, substr $good, 0, 8192);
	is(image('check', $top), 0, 'with its own header it is right again');
	is(image('rebase', $top, "--base=$secret", '--only-name'), 0, 'the user may name another base');
	is(image('check', $top), 0, 'which is marked then');
	unlink $top, $base;
}

# ---- qcow2 ---------------------------------------------------------------------------
{
	my $data = disk_file('data', $MB);
	my $qcow2 = sub {
		my ($backing, $features) = @_;

		return pack('a4NQ>NNQ>NNQ>Q>NNQ>Q>Q>Q>NN', "QFI\xfb", 3, $backing ? 512 : 0,
			length $secret, 16, $MB, 0, 1, 65536, 131072, 1, 0, 0, $features, 0, 0, 4, 104) .
			("\0" x 408) . $secret;
	};

	guest_writes($data, $qcow2->(1, 0));
	image_fails(qr/begins like a qcow2/, "a raw disk: image $_->[0]", $_->[0], $data, @$_[1 .. $#$_])
		for ['convert', $flat], ['info'], ['check'], ['resize', '2M'];
	is(image('convert', $data, $flat, '--from=raw'), 0, 'raw, if one says so');
	ok(slurp($flat) eq slurp($data), 'byte by byte');
	unlink $flat;
	rename $data, "$dir/data.qcow2";
	image_fails(qr/over another file/, 'a backing file is not followed', 'convert', "$dir/data.qcow2",
		$flat);
	patch("$dir/data.qcow2", $qcow2->(0, 4));
	image_fails(qr/in another file/, 'nor is a data file', 'convert', "$dir/data.qcow2", $flat);
	ok(!-e $flat, 'nothing was made of them');
}

done_testing();
