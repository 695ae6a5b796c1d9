#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Block devices on regular files: contents, sizes, read-only, ext4, what was
# flushed is in the file whatever happens to the guest.

use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use FindBin;
use lib "$FindBin::Bin/lib";
use Guest;
use Test::More;

my $MB = 1 << 20;
my $dir = scratch();
$ENV{PATH} .= ':/usr/sbin:/sbin';
cannot('no mke2fs: apt-get install e2fsprogs')
	unless grep { -x "$_/mke2fs" } split /:/, $ENV{PATH};

sub disk {
	my ($name, $size) = @_;
	my $file = spew("$dir/$name", '');

	truncate $file, $size or die;
	return $file;
}

sub ext4 {
	my ($name, $size) = @_;
	my $file = disk($name, $size);

	system("mke2fs -q -t ext4 -F $file") == 0 or die 'mke2fs';
	return $file;
}

sub fsck {
	my ($file, $name) = @_;
	my $out = `e2fsck -fn $file 2>&1`;

	is($? >> 8, 0, $name) or diag($out);
}

my $pattern = join '', map { pack 'N', $_ * 2654435761 % 4294967296 }
	1 .. 8 * $MB / 4;

# Reads what the host wrote, the host reads what the guest wrote.
{
	my $file = spew("$dir/raw", $pattern);
	my $g = boot(name => 'read', args => ["disk0=$file,ro"], script => <<'EOF');
cat /sys/block/uda/size /sys/block/uda/ro
md5sum </dev/uda
dd if=/dev/uda bs=512 skip=100 count=1 2>/dev/null | md5sum
dd if=/dev/uda bs=1M iflag=direct 2>/dev/null | md5sum
echo x >/dev/uda || echo refused
EOF
	my $sum = md5_hex($pattern);

	like($g->text, qr/^16384\n1\n$sum\b/, 'size, read-only and contents');
	my $sector = md5_hex(substr $pattern, 51200, 512);
	like($g->text, qr/^$sector\b/m, 'a sector');
	like($g->text, qr/(?:^$sum\b.*\n(?:.*\n)*){2}/m, 'by direct I/O');
	like($g->text, qr/^refused$/m, 'a read-only disk is not written');
	ok(slurp($file) eq $pattern, 'the file is unchanged');
}
{
	my $file = disk('write', 16 * $MB);
	my $g = boot(name => 'write', args => ["disk0=$file"], script => <<'EOF');
i=0
while [ $i -lt 1000 ]; do
	printf 'block %04d ' $i
	i=$((i + 1))
done >/tmp/p
for s in 0 5000 12345; do
	dd if=/tmp/p of=/dev/uda bs=1000 seek=$s conv=notrunc,fsync 2>/dev/null
done
dd if=/dev/zero of=/dev/uda bs=1M seek=16 count=1 2>/dev/null || echo full
EOF
	my $data = slurp($file);
	my $want = join '', map { sprintf 'block %04d ', $_ } 0 .. 999;

	is(length $data, 16 * $MB, 'the file keeps its size');
	ok(substr($data, $_ * 1000, length $want) eq $want, "written at $_")
		for 0, 5000, 12345;
	ok(substr($data, 100_000, 1000) eq "\0" x 1000, 'and nowhere else');
	like($g->text, qr/^full$/m, 'there is nothing behind the end');
}

# Several disks, under their own names; sizes that are no whole MB.
{
	my @files = map { disk("d$_", $MB + 512 * $_) } 0 .. 3;
	my $g = boot(name => 'four disks',
		args => [map { "disk$_=$files[$_]" } 0 .. 3],
		script => <<'EOF');
cat /sys/block/ud?/size
for d in a b c d; do echo $d >/dev/ud$d; done
sync
EOF

	is($g->text, "2048\n2049\n2050\n2051\n", 'each has its size');
	is(substr(slurp($files[$_]), 0, 2), chr(97 + $_) . "\n", 'and its contents')
		for 0 .. 3;
}

# A disk beyond 4 GB.
{
	my $file = disk('large', 6 << 30);
	my $g = boot(name => '6 GB', args => ["disk0=$file"], script => <<'EOF');
cat /sys/block/uda/size
for o in 4095 4096 6143; do
	echo here $o | dd of=/dev/uda bs=1M seek=$o conv=notrunc,fsync 2>/dev/null
	dd if=/dev/uda bs=1M skip=$o count=1 iflag=direct 2>/dev/null | head -n 1
done
EOF

	is($g->text, "12582912\nhere 4095\nhere 4096\nhere 6143\n",
		'places beyond 4 GB');
	open my $in, '<', $file;
	seek $in, 6143 * $MB, 0;
	is(scalar <$in>, "here 6143\n", 'the host reads them');
}

# ext4: many files, unmounted; then checked by the host.
{
	my $file = ext4('ext4', 64 * $MB);
	my $g = boot(name => 'ext4', args => ["disk0=$file"], script => <<'EOF');
set -e
mount /dev/uda /mnt
cp -a /bin /etc /mnt
i=0
while [ $i -lt 500 ]; do
	echo $i >/mnt/f$i
	i=$((i + 1))
done
rm /mnt/f1*
mkdir /mnt/d
mv /mnt/f2* /mnt/d
ls /mnt/d | wc -l
umount /mnt
mount -o ro /dev/uda /mnt
cat /mnt/f499
cmp /bin/busybox /mnt/bin/busybox
umount /mnt
EOF

	is($g->text, "111\n499\n", 'files come back after a remount');
	fsck($file, 'the host finds the file system clean');
}

# What was synced is there when the guest is killed the next moment.
{
	my $file = ext4('killed', 64 * $MB);
	my $g = Guest->start(args => ["disk0=$file"], script => <<'EOF');
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
	$g = boot(name => 'the same disk again', args => ["disk0=$file"],
		script => <<'EOF');
mount /dev/uda /mnt
cd /mnt
for f in n*; do echo $f $(md5sum <$f); done
cd /
umount /mnt
EOF
	my @lost = grep { $g->text !~ /^n$_ $sums{$_}\b/m } keys %sums;
	is("@lost", '', 'each synced file is there, as it was');
	fsck($file, 'the file system is clean after its journal was replayed');
}

# O_DIRECT and a loop device on ext4, discards and a full disk.
{
	my $file = ext4('more', 64 * $MB);
	my $g = boot(name => 'direct I/O and a full disk', args => ["disk0=$file"],
		script => <<'EOF');
mount /dev/uda /mnt
dd if=/dev/urandom of=/tmp/r bs=1M count=4 2>/dev/null
dd if=/tmp/r of=/mnt/direct bs=64k oflag=direct 2>/dev/null
dd if=/mnt/direct bs=64k iflag=direct 2>/dev/null | cmp - /tmp/r && echo same
dd if=/dev/zero of=/mnt/fill bs=1M 2>/dev/null || echo full
rm /mnt/fill
df -m /mnt | awk 'END { print ($4 > 40 ? "space" : "none") }'
umount /mnt
EOF

	is($g->text, "same\nfull\nspace\n", 'works as expected');
	fsck($file, 'and leaves a clean file system');
}

# The disk's file shrinks under the guest: I/O errors, no crash.
{
	my $file = disk('shrinks', 8 * $MB);
	my $g = Guest->start(args => ["disk0=$file"], allow => qr/I\/O error/,
		script => <<'EOF');
echo ready
read x
dd if=/dev/uda of=/dev/null bs=1M skip=6 count=1 iflag=direct 2>/dev/null ||
	echo error
exit 3
EOF

	ok($g->expect(qr/ready/, 30), 'a guest');
	truncate $file, 4 * $MB;
	$g->send("\n");
	is($g->finish, 3, 'lives on when its disk shrinks');
	like($g->text, qr/^error$/m, 'and reads an error');
	$g->clean('a disk that shrinks');
}

done_testing();
