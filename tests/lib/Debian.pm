# SPDX-License-Identifier: GPL-2.0-only
#
# The Debian root file system of the tests: made once by mkdebian as the guests'
# user, kept in build/cache, copied for each test that writes to it.

package Debian;

use strict;
use warnings;
use Exporter qw(import);
use Guest;
use Test::More;

our @EXPORT = qw(debian fsck_clean);

# The path of a fresh copy of the image.
sub debian {
	my $cache = "$BUILD/cache";
	my $image = "$cache/debian.ext4";
	my $script = "$TOP/tests/mkdebian";

	if (!-e $image || -M $image > -M $script) {
		diag('making the Debian image, this takes a minute or two');
		my $new = scratch() . '/new.ext4';
		my ($status, $out) = run_user('timeout', 900,
			user_file($script), $new);
		cannot("no Debian image: $out") if $status;
		mkdir $cache;
		system('cp', '--sparse=always', $new, "$image.new") == 0
			or die "cannot write $image\n";
		rename "$image.new", $image or die "$image: $!\n";
		unlink $new;
	}
	return user_file($image, copy => 1);
}

# One test point: the host finds the file system in order.
sub fsck_clean {
	my ($image, $name) = @_;
	local $ENV{PATH} = "$ENV{PATH}:/usr/sbin:/sbin";
	my $out = `e2fsck -fn '$image' 2>&1`;

	is($? >> 8, 0, $name) or diag($out);
}

1;
