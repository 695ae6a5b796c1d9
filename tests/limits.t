#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# kernelet run --cpu-limit and --io-limit: the control group that is made, what is
# in it, and that it goes. The host is a guest with two disks, whose groups are ours
# to divide; the kernel it runs is a script that looks where it is.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Disk;
use Guest;
use Launcher;
use Test::More;

my $dir = scratch();
my $program = user_file($KERNELET);
my $MB = 1 << 20;

cannot('no mke2fs: apt-get install e2fsprogs')
	unless grep { -x "$_/mke2fs" } split /:/, $ENV{PATH};
user_file("$BUILD/$_") for qw(kernelet-hostfs vmlinux);

# One disk whole, one with a partition.
my $whole = ext4_file('whole', 32 * $MB);
my $parted = disk_file('parted', 34 * $MB);
open my $out, '+<', $parted or die;
print $out pack 'x446 x4 C x3 V V x48 v', 0x83, 2048, 65536, 0xaa55;
close $out;
system("mke2fs -q -t ext4 -F -E offset=$MB $parted 32M") == 0 or die 'mke2fs';

spew("$dir/fake", <<'EOF');
#!/bin/sh
group=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
perl -e '1 while (times)[0] < 0.3'
{
	echo "group ${group##*/sys/fs/cgroup}"
	echo "cpu.max $(cat $group/cpu.max)"
	echo "throttled $(sed -n 's/^nr_throttled //p' $group/cpu.stat)"
	[ ! -w /mnt/one ] || dd if=/dev/zero of=/mnt/one/x bs=64k count=16 conv=fsync 2>/dev/null
	# the servers of shares are in another pid namespace
	echo "others $(grep -c '^0$' $group/cgroup.procs)"
	sed 's/^/io.max /' $group/io.max 2>/dev/null
	sed 's/^/io.stat /' $group/io.stat 2>/dev/null
} >/run/seen
exit 3
EOF
chmod 0755, "$dir/fake";

my $inside = <<"EOF";
export XDG_RUNTIME_DIR=/run/x
mkdir -m 700 /run/x
cp $dir/fake /run/fake
run()
{
	rm -f /run/seen
	$program run --root=builtin --kernel=/run/fake "\$@" -- true 2>&1
	echo "status \$?"
	cat /run/seen 2>/dev/null
	ls -d /sys/fs/cgroup/kernelet-* /sys/fs/cgroup/*/kernelet-* 2>/dev/null
}
cd /sys/fs/cgroup
echo '== nothing is ours'
mkdir top && echo \$\$ >top/cgroup.procs
mkdir -m 700 /run/y && chown 65534:65534 /run/y
for limit in --cpu-limit=1 --io-limit=1M; do
	XDG_RUNTIME_DIR=/run/y setpriv --reuid=65534 --regid=65534 --clear-groups $program run --root=builtin \$limit -- true 2>&1
	echo "status \$?"
done
echo '== beside our own'
echo \$\$ >cgroup.procs
echo +cpu +io +memory >cgroup.subtree_control
mkdir a a/b && echo \$\$ >a/b/cgroup.procs
mkdir a/kernelet-999999
run --cpu-limit=0.25
echo '== no disk'
run --io-limit=10M
mkdir /mnt/one /mnt/two && mount /dev/uda /mnt/one && mount /dev/udb1 /mnt/two || exit 1
truncate -s 1M /mnt/one/disk
echo '== a share'
run --io-limit=10M --share=/mnt/one:/s:rw
echo '== a share on a partition'
run --io-limit=3k --share=/mnt/two
echo '== a disk and its overlay'
run --io-limit=1G --cpu-limit=2 --disk=/mnt/one/disk:cow=/mnt/two/overlay,direct
echo '== a disk of the host'
run --io-limit=7M --disk=/dev/udb
echo '== numbers'
cat /sys/block/uda/dev /sys/block/udb/dev
umount /mnt/one /mnt/two
EOF
my $g = command(['run', '--root-user', "--disk=$whole", "--disk=$parted", '--', 'sh', '-c', $inside],
	time => 90);
my %part = map { /^(.+)\n/ ? ($1 => $_) : () } split /^== /m, $g->out;

for my $option ('--cpu-limit', '--io-limit') {
	like($part{'nothing is ours'}, qr/^kernelet: $option: no control group \(version 2\) is yours.*\nstatus 2$/m,
		"$option where no group may be divided: one line, status 2") or diag($g->out, $g->err);
}
my $beside = $part{'beside our own'} // '';
like($beside, qr/ended before the guest was there\nstatus 255$/m, 'a limit on CPU time') or diag($g->out, $g->err);
like($beside, qr{^group /a/kernelet-\d+$}m, 'the guest is in a group of its own');
like($beside, qr/^cpu\.max 25000 100000$/m, 'with the limit');
like($beside, qr/^throttled [1-9]/m, 'which it feels');
unlike($beside, qr/^\/sys/m, 'the group is gone then, and so is one that was left behind');
like($part{'no disk'}, qr/\A.*\nkernelet: --io-limit=10M: neither the root nor a share nor --disk lies on a disk.*\nstatus 2\n\z/,
	'--io-limit without a disk: one line, status 2') or diag($g->out);

my ($one, $two) = ($part{numbers} // '') =~ /^(\d+:\d+)$/mg;
# What is in io.max: of each disk the bytes for reading and writing.
sub limited {
	my ($what, %want) = @_;
	my $text = $part{$what} // '';
	my %got = $text =~ /^io\.max (\S+) (rbps=\d+ wbps=\d+) riops=max wiops=max$/mg;

	like($text, qr/ended before the guest was there\nstatus 255$/m, "--io-limit: $what");
	is_deeply(\%got, { map { $_ => "rbps=$want{$_} wbps=$want{$_}" } keys %want },
		'the disks that it is on, and no other') or diag($g->out, $g->err);
	unlike($text, qr/^\/sys/m, 'the group is gone then');
}

limited('a share', $one => 10 * $MB);
like($part{'a share'}, qr/^others [1-9]/m, 'who serves it is in the group');
my ($written) = ($part{'a share'} // '') =~ /^io\.stat \Q$one\E .*\bwbytes=(\d+)/m;
cmp_ok($written // 0, '>=', $MB, 'what is written by way of the page cache counts');
limited('a share on a partition', $two => 3 << 10);
limited('a disk and its overlay', $one => 1 << 30, $two => 1 << 30);
like($part{'a disk and its overlay'}, qr/^cpu\.max 200000 100000$/m, 'with --cpu-limit too');
limited('a disk of the host', $two => 7 * $MB);
$g->clean('limits');

for my $wrong (qw(--io-limit=lots --io-limit=0 --io-limit=-1M --io-limit=1.5M --io-limit=1MB
		--cpu-limit=lots --cpu-limit=0 --cpu-limit=-1 --cpu-limit=1x)) {
	my $h = run_in([$wrong], ['true']);

	is($h->{ended}, 2, "$wrong: status 2");
	like($h->err, qr/\Akernelet: $wrong: not a [^\n]*say for example[^\n]*\n\z/, 'one line');
	$h->clean($wrong);
}

done_testing();
