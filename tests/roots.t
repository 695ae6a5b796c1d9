#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# kernelet run: roots that are images and archives.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Guest;
use Launcher;
use Test::More;

local $ENV{PATH} = "$ENV{PATH}:/usr/sbin:/sbin";

# A small tree: BusyBox and a file.
my $tree = scratch() . '/tree';
system('mkdir', '-p', map { "$tree/$_" } qw(bin etc proc sys dev tmp run)) == 0 or die;
system('cp', "$BUILD/busybox", "$tree/bin/busybox") == 0 or die;
symlink 'busybox', "$tree/bin/$_" for qw(sh cat ls touch id pwd mount sync);
spew("$tree/etc/name", "a small root\n");
chmod 0755, "$tree/bin/busybox";

sub in_root {
	my ($options, $script, %o) = @_;

	return command(['run', @$options, '--', 'sh', '-c', $script], %o);
}

# ---- an image ----------------------------------------------------------------

my $image = scratch() . '/root.ext4';
(run_user('mke2fs', '-q', '-t', 'ext4', '-d', $tree, $image, '32M'))[0] == 0
	or cannot('no mke2fs here');
my $before = (stat $image)[9];

{
	my $g = in_root(["--root=$image"], 'cat /etc/name; echo more >/etc/new && cat /etc/new; pwd');

	# it may be its owner
	like($g->out, qr{\Aa small root\n(?:more\n)?/\n\z},
		'an image as root, as the caller\'s user') or diag($g->err);
	$g->clean('an image');
	$g = in_root(["--root=$image", '--root-user'],
		'echo more >/etc/new && cat /etc/new; test -c /dev/null && test -d /proc/self && echo mounted');
	is($g->out, "more\nmounted\n", 'root may write to it');
	$g->clean('an image, as root');
	$g = in_root(["--root=$image", '--root-user'], 'cat /etc/new || exit 9');
	is($g->{ended}, 9, 'and it is thrown away');
	$g->clean('thrown away');
	is((run_user('e2fsck', '-fn', $image))[0], 0, 'the image is as it was');
}
{
	my $g = in_root(["--root=$image", '--root-user', '--persist'], 'echo kept >/etc/new');

	is($g->{ended}, 0, '--persist') or diag($g->err);
	$g->clean('--persist');
	my $again = in_root(["--root=$image"], 'cat /etc/new');
	is($again->out, "kept\n", 'is kept') or diag("status $again->{ended}: ", $again->err);
	my ($status, $out) = run_user('e2fsck', '-fn', $image);
	is($status, 0, 'the file system is in order');
	unlike($out, qr/recover/, 'and was unmounted');
}
{
	my $g = kernelet(['run', "--root=$image", '--persist', '--', 'sh', '-c', 'echo up; read a'],
		time => 60);

	ok($g->expect(qr/up\n/, 30), 'one that writes to it');
	my $h = in_root(["--root=$image"], 'true');
	is($h->{ended}, 2, 'keeps others away');
	like($h->err, qr/\Akernelet: --root=\S+: a guest that may write to it has it in use\n\z/,
		'in one line');
	$g->close_stdin;
	$g->finish;
	$g->clean('one that writes');
	$g = kernelet(['run', "--root=$image", '--', 'sh', '-c', 'echo up; read a'], time => 60);
	ok($g->expect(qr/up\n/, 30), 'one that reads it');
	is(in_root(["--root=$image"], 'true')->{ended}, 0, 'lets others read');
	$h = in_root(["--root=$image", '--persist'], 'true');
	is("$h->{ended}: " . $h->err, "2: kernelet: --root=$image: a guest has it in use; " .
		"with --persist no other one may\n", 'and keeps away who may write');
	$g->close_stdin;
	$g->finish;
	$g->clean('one that reads');
}

# ---- archives ----------------------------------------------------------------

for my $flag ('', 'z', 'J') {
	my $tar = scratch() . "/root$flag.tar";

	(run_user('tar', "-c${flag}f", $tar, '-C', $tree, '.'))[0] == 0 or die 'tar';
	my $g = in_root(["--root=$tar"], 'cat /etc/name');
	is($g->out, "a small root\n", "tar -$flag as root") or diag($g->err);
	$g->clean("tar -$flag");
}
{
	my $bad = spew(scratch() . '/bad.tar.gz', "\x1f\x8b\x08garbage");
	my $g = in_root(["--root=$bad"], 'true');

	is($g->{ended}, 125, 'a broken archive');
	like($g->err, qr/the archive cannot be unpacked/, 'is said so');
	$g->clean('a broken archive');
}

done_testing();
