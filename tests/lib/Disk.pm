# SPDX-License-Identifier: GPL-2.0-only
#
# Images of disks for the tests, and a file system that fails on demand.
#
#   image('create', "$dir/top", "--base=$dir/base");	# kernelet image ...
#   my $fs = faultfs($dir);				# its files are in $fs->{at}
#   order($fs, 'fail read 5 3');			# see tests/disk/faultfs.c
#   faultfs_end($fs);

package Disk;

use strict;
use warnings;
use Exporter qw(import);
use Guest;
use Test::More;

our @EXPORT = qw(disk_file ext4_file fsck_clean killed_while_writing all_synced image image_fails
	crc32c faultfs order faultfs_end $DISK_TOOLS);
our $DISK_TOOLS = "$BUILD/tests/disk";

my $KERNELET = $ENV{KERNELET} // "$BUILD/kernelet";

$ENV{PATH} .= ':/usr/sbin:/sbin';

# A sparse file in the scratch directory, of the guests' user.
sub disk_file {
	my ($name, $size) = @_;
	my $file = spew(scratch() . "/$name", '');

	truncate $file, $size or die;
	return $file;
}

sub ext4_file {
	my $file = disk_file(@_);

	system("mke2fs -q -t ext4 -F $file") == 0 or die 'mke2fs';
	return $file;
}

# One test point: the host finds the file system clean.
sub fsck_clean {
	my ($file, $name) = @_;
	my $out = `e2fsck -fn $file 2>&1`;

	is($? >> 8, 0, $name) or diag($out);
}

# Test points: a guest that writes files to a disk with ext4, and syncs each, is killed.
# Gives the sums of those that it had said are synced, by number.
sub killed_while_writing {
	my ($disk) = @_;
	my $g = Guest->start(args => ["disk0=$disk"], script => <<'EOF');
mount /dev/uda /mnt
i=0
while :; do
	dd if=/dev/urandom of=/mnt/n$i bs=10k count=1 conv=fsync 2>/dev/null
	sync
	echo synced $i $(md5sum </mnt/n$i)
	i=$((i + 1))
done
EOF

	ok($g->expect(qr/^synced 20 .*\n/m, 30), 'a guest that writes and syncs');
	kill KILL => $g->pid;
	is($g->finish, 137, 'is killed');
	$g->clean('killed while it writes');
	my %sums = $g->text =~ /^synced (\d+) ([0-9a-f]{32})/mg;
	cmp_ok(scalar keys %sums, '>=', 20, 'it had said so of many files');
	return %sums;
}

# Test points: all of them are there.
sub all_synced {
	my ($disk, %sums) = @_;
	my $g = boot(name => 'the same disk again', args => ["disk0=$disk"], script => <<'EOF');
mount /dev/uda /mnt
cd /mnt
for f in n*; do echo $f $(md5sum <$f); done
cd /
umount /mnt
EOF
	my @lost = grep { $g->text !~ /^n$_ $sums{$_}\b/m } keys %sums;

	is("@lost", '', 'each synced file is there, as it was');
}

# kernelet image, as the guests' user: status and output.
sub image {
	my ($status, $out) = run_user(user_file($KERNELET), 'image', @_);

	return wantarray ? ($status, $out) : $status;
}

# One test point: it ends with status 2 and one line that matches.
sub image_fails {
	my ($pattern, $name, @words) = @_;
	my ($status, $out) = image(@words);

	subtest $name => sub {
		is($status, 2, 'status 2');
		is($out =~ tr/\n//, 1, 'one line');
		like($out, $pattern, 'which says so');
	} or diag($out);
}

# ---- faultfs -----------------------------------------------------------------------

my %mounted;

# The checksum of an overlay's header, see cow_format.h.
sub crc32c {
	my $crc = 0xffffffff;

	for my $byte (unpack 'C*', $_[0]) {
		$crc ^= $byte;
		$crc = $crc >> 1 ^ ($crc & 1 ? 0x82f63b78 : 0) for 1 .. 8;
	}
	return $crc ^ 0xffffffff;
}

sub faultfs {
	my ($dir) = @_;
	my $at = "$dir.fuse";

	-w '/dev/fuse' or cannot('no /dev/fuse that can be opened');
	mkdir $at;
	mkdir $dir;
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		exec "$DISK_TOOLS/faultfs", $dir, $at or POSIX::_exit(127);
	}
	$Guest::helpers{$pid} = 1;
	$mounted{$at} = $pid;
	wait_until(10, sub { -e "$at/control" }) or die "faultfs does not start\n";
	return { pid => $pid, at => $at, dir => $dir };
}

sub order {
	my ($fs, $line) = @_;

	open my $control, '>', "$fs->{at}/control" or die "control: $!";
	syswrite $control, $line or die "$line: $!";
}

sub unmount {
	my ($at) = @_;
	my $pid = delete $mounted{$at} or return;

	system("fusermount3 -u -z $at 2>/dev/null || umount -l $at 2>/dev/null");
	wait_until(5, sub { waitpid($pid, POSIX::WNOHANG()) }) or kill KILL => $pid;
	delete $Guest::helpers{$pid};
}

sub faultfs_end {
	unmount($_[0]{at});
}

END {
	my $status = $?;

	unmount($_) for keys %mounted;
	$? = $status;
}

1;
