#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# kernelet image build: a Debian root, built in a guest, and a run from it. Kept in
# build/cache: made anew when the program that makes it has changed.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Debian;
use Guest;
use Launcher;
use Test::More;

my $dir = scratch();
my $cache = "$BUILD/cache";
my $kept = "$cache/built.ext4";
my $image = "$dir/built.ext4";

# ---- wrong input, before anything is made ------------------------------------

spew("$dir/there", '');
for my $bad ([qr/say kernelet image build FILE/], [qr/is there already; --force replaces it/, "$dir/there"],
	     [qr/--mode=some: not auto, unshare or guest/, '--mode=some', "$dir/x.tar"],
	     [qr/--variant=some: not minbase/, '--variant=some', "$dir/x.tar"],
	     [qr/apt has no source for nosuite/, '--suite=nosuite', "$dir/x.tar"],
	     [qr/No such file or directory/, "$dir/none/x.tar"]) {
	my ($why, @words) = @$bad;
	my $g = command(['image', 'build', @words]);

	is("$g->{ended} " . ($g->err =~ tr/\n//), '2 1', "refused in one line: @words") or diag($g->err);
	like($g->err, $why, 'which says why');
}
is(join(' ', glob "$dir/.kernelet-build*"), '', 'nothing is left behind');
run_user('mkdir', "$dir/.kernelet-build.killed");
command(['image', 'build', '--suite=nosuite', "$dir/x.tar"]);
ok(!-e "$dir/.kernelet-build.killed", 'what one that was killed has left is removed');

# ---- an image ----------------------------------------------------------------

if (!-e $kept || -M $kept > -M "$TOP/tools/launcher/cmd_image_build.c") {
	diag('building a Debian image in a guest, this takes some minutes');
	my $g = command(['image', 'build', '--mode=guest', '--include=perl', $image], time => 580);

	cannot('no image, is there a network? ' . $g->err) if $g->{ended} == 2 && $g->err =~ /apt-get/;
	is($g->{ended}, 0, 'image build') or diag($g->err);
	like($g->err, qr/fetching packages\n(?:.*\n)*.*building in a guest\n(?:.*\n)*.*making the image\n/,
		'says what it is doing');
	is(join(' ', glob "$dir/.kernelet-build*"), '', 'nothing is left behind');
	mkdir $cache;
	system('cp', '--sparse=always', $image, "$kept.new") == 0 && rename "$kept.new", $kept or die;
	unlink $image;
}
$image = user_file($kept, copy => 1);
{
	fsck_clean($image, 'its file system is in order');
	my $g = command(['run', "--root=$image", '--', 'sh', '-c',
		'. /etc/os-release; echo $ID $VERSION_CODENAME; id -u; stat -c "%u %a" /etc/shadow /usr/bin/su']);

	is($g->out, 'debian bookworm' . "\n" . (stat $dir)[4] . "\n0 640\n0 4755\n",
		'a run from it, with the owners and modes of Debian') or diag($g->err);
	$g->clean('a run');
	$g = command(['run', "--root=$image", '--root-user', '--', 'sh', '-c',
		'dpkg -l perl | tail -1 | cut -c1-2; echo x >/etc/new && apt-get --version | head -c 3']);
	is($g->out, "ii\napt", 'root uses it') or diag($g->err);
	$g->clean('root');
}

done_testing();
