#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Block devices on regular files: contents, sizes, read-only, ext4, what was
# flushed is in the file whatever happens to the guest; both engines, direct I/O,
# locks, discards, limits, partitions; errors of the host's file, on demand.
#
# FIO_SECONDS: how long each of fio's verify jobs runs (0: once over the disk).

use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use Fcntl;
use FindBin;
use lib "$FindBin::Bin/lib";
use Disk;
use Guest;
use Test::More;

my $MB = 1 << 20;
my $dir = scratch();
my $FIO_SECONDS = $ENV{FIO_SECONDS} // 0;

cannot('no mke2fs: apt-get install e2fsprogs')
	unless grep { -x "$_/mke2fs" } split /:/, $ENV{PATH};

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
	my $file = disk_file('write', 16 * $MB);
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
	my @files = map { disk_file("d$_", $MB + 512 * $_) } 0 .. 3;
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
	my $file = disk_file('large', 6 << 30);
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
	my $file = ext4_file('ext4', 64 * $MB);
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
	fsck_clean($file, 'the host finds the file system clean');
}

# What was synced is there when the guest is killed the next moment.
{
	my $file = ext4_file('killed', 64 * $MB);
	my %sums = killed_while_writing($file);

	all_synced($file, %sums);
	fsck_clean($file, 'the file system is clean after its journal was replayed');
}

# O_DIRECT and a loop device on ext4, discards and a full disk.
{
	my $file = ext4_file('more', 64 * $MB);
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
	fsck_clean($file, 'and leaves a clean file system');
}

# Random operations on a file, each checked, on a plain disk and through an overlay.
for my $how ('', ',direct', ",cow=$dir/exercise.cow") {
	my $file = ext4_file('exercise', 64 * $MB);
	my $g = boot(name => "exercise$how", args => ['ncpus=2', "disk0=$file$how"], time => 120,
		files => ["/t/exercise=$DISK_TOOLS/exercise"], script => <<'EOF');
mount /dev/uda /mnt
/t/exercise /mnt/a 1 120 & /t/exercise /mnt/b 2 120 & wait
umount /mnt
EOF
	is($g->text, "120 operations\n" x 2, 'the file system holds what it should');
	if ($how =~ /cow/) {
		image('convert', "$dir/exercise.cow", "$dir/exercise.flat");
		$file = "$dir/exercise.flat";
	}
	fsck_clean($file, 'and is clean');
}

# The disk's file shrinks under the guest: I/O errors, no crash.
{
	my $file = disk_file('shrinks', 8 * $MB);
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

# ---- engines, and how the file is used ---------------------------------------------

for my $words ('disk_engine=io_uring', 'disk_engine=threads') {
	for my $how ('', ',direct', ',sync') {
		my $file = spew("$dir/engine", $pattern);
		my $g = boot(name => "$words $how", args => ['ncpus=2', $words, "disk0=$file$how"],
			allow => qr/fio/, script => <<'EOF');
dmesg | grep -o 'uda: .*'
md5sum </dev/uda
dd if=/dev/uda bs=64k iflag=direct 2>/dev/null | md5sum
for i in 0 1 2 3; do
	dd if=/dev/urandom of=/tmp/r$i bs=64k count=16 2>/dev/null
	dd if=/tmp/r$i of=/dev/uda bs=16k seek=$((i * 64)) oflag=direct conv=notrunc 2>/dev/null &
done
wait
echo 3 >/proc/sys/vm/drop_caches
cat /tmp/r? | md5sum
head -c 4194304 /dev/uda | md5sum
sync
EOF
		my $sum = md5_hex($pattern);
		my ($engine) = $words =~ /=(.*)/;
		my ($written) = $g->text =~ /^$sum  -\n$sum  -\n(\w+)  -\n\g1  -$/m;

		like($g->text, qr/^uda: 16384 sectors.*by $engine$/m, 'the log says the engine');
		ok($written, 'what is read and written is right') or diag($g->tail);
		is(md5_hex(substr slurp($file), 0, 4 * $MB), $written, 'on the host too');
	}
}

# A host that refuses io_uring.
{
	my $file = spew("$dir/norings", $pattern);
	my $refuse = user_file("$BUILD/tests/lib/refuse");
	my $g = boot(name => 'no io_uring', launcher => [$refuse, 'rings'], args => ["disk0=$file,direct"],
		script => "dmesg | grep -o 'by threads'\nmd5sum </dev/uda\n");
	my $sum = md5_hex($pattern);

	like($g->text, qr/^by threads\n$sum/, 'threads do it');
	$g = boot(name => 'disk_engine=io_uring there', plain => 1, split => 1, status => 2,
		launcher => [$refuse, 'rings'],
		args => ['mem=128M', 'con0=fd:0,fd:1', "disk0=$file", 'disk_engine=io_uring']);
	like($g->err, qr/\A[^\n]*disk_engine=io_uring[^\n]*\n\z/, 'is one line');
}

# A descriptor that is handed down, a serial number.
{
	sysopen my $fh, spew("$dir/inherited", $pattern), O_RDWR or die;
	my $g = boot(name => 'fd:N', args => ['disk3=fd:' . fileno($fh) . ',serial=S-123'],
		keep => [$fh], script => 'md5sum </dev/udd; cat /sys/block/udd/serial');
	my $sum = md5_hex($pattern);

	like($g->text, qr/^$sum  -\nS-123$/m, 'contents and serial number');
}

# Partitions.
{
	my $file = disk_file('parts', 8 * $MB);
	my $table = ("\0" x 446) . pack('CCCCCCCCVV', 0, 0, 0, 0, 0x83, 0, 0, 0, 64, 1000) .
		pack('CCCCCCCCVV', 0, 0, 0, 0, 0x83, 0, 0, 0, 2048, 4096) . ("\0" x 32) . "\x55\xaa";

	open my $out, '+<', $file or die;
	print $out $table;
	seek $out, 2048 * 512, 0;
	print $out "second\n";
	close $out;
	my $g = boot(name => 'partitions', args => ["disk0=$file"], script => <<'EOF');
cat /sys/block/uda/uda1/size /sys/block/uda/uda2/size
head -n 1 /dev/uda2
EOF
	is($g->text, "1000\n4096\nsecond\n", 'are seen');
}

# 4 TB, of which nothing is there.
{
	my $file = disk_file('4T', 4 << 40);
	my $g = boot(name => '4 TB', args => ["disk0=$file"], script => <<'EOF');
cat /sys/block/uda/size
echo far | dd of=/dev/uda bs=512 seek=8589934591 conv=notrunc,fsync 2>/dev/null
echo 3 >/proc/sys/vm/drop_caches
dd if=/dev/uda bs=512 skip=8589934591 2>/dev/null | head -n 1
EOF
	is($g->text, "8589934592\nfar\n", 'its last sector is written and read');
	cmp_ok((stat $file)[12] * 512, '<', $MB, 'and takes next to no space');
	unlink $file;
}

# Locks: one writer or any number of readers.
{
	my $file = disk_file('locked', $MB);
	my $wait = "echo up\nread x\n";
	my $g = Guest->start(args => ["disk0=$file"], script => $wait);

	ok($g->expect(qr/^up/m, 30), 'a guest that may write');
	for my $other ($file, "$file,ro") {
		my $second = boot(name => "another one, $other", plain => 1, split => 1, status => 2,
			args => ['mem=128M', 'con0=fd:0,fd:1', "disk0=$other"], dirty => 1);
		like($second->err, qr/\A[^\n]*in use[^\n]*\n\z/, 'is refused in one line');
	}
	$g->send("\n");
	is($g->finish, 0, 'the first one ends');
	$g = Guest->start(args => ["disk0=$file,ro"], script => $wait);
	ok($g->expect(qr/^up/m, 30), 'a guest that only reads');
	my $second = boot(name => 'a second one', args => ["disk0=$file,ro"],
		script => 'cat /sys/block/uda/ro', dirty => 1);
	is($second->text, "1\n", 'may read too');
	$g->send("\n");
	is($g->finish, 0, 'the first one ends');
	$g->clean('readers');
}

# A block device of the host has one writer, by whatever name, and none while it is mounted.
SKIP: {
	skip 'not root: no block device', 1 if $>;
	my $file = ext4_file('device', 8 * $MB);
	my ($loop) = `losetup -f --show $file 2>/dev/null` =~ /^(\S+)/;
	skip 'no loop device', 1 unless $loop;
	my ($major, $minor) = map { hex } split ' ', `stat -c '%t %T' $loop`;
	my @nodes = map { "$dir/node$_" } 1, 2;
	my $refused = sub {
		my ($name, @args) = @_;
		my $g = boot(name => $name, plain => 1, split => 1, status => 2,
			args => ['mem=128M', 'con0=fd:0,fd:1', @args], dirty => 1);
		like($g->err, qr/\A[^\n]*in use[^\n]*\n\z/, 'is refused in one line');
	};

	for (@nodes) {
		system('mknod', '-m', '666', $_, 'b', $major, $minor) == 0 or die;
	}
	my $g = Guest->start(args => ["disk0=$nodes[0]"], script =>
		"echo kept | dd of=/dev/uda bs=512 seek=1 conv=fsync 2>/dev/null; cat /sys/block/uda/size; echo up; read x\n");
	if (ok($g->expect(qr/^16384\nup/m, 30), 'a guest with a block device')) {
		$refused->("a second writer, $_", "disk0=$_") for @nodes;
		image_fails(qr/in use/, 'nor the tool', 'resize', $nodes[1], '4M');
	}
	$g->send("\n");
	is($g->finish, 0, 'the guest ends');
	$g->clean('a block device');
	$refused->('two names of one in one guest', map { "disk$_=$nodes[$_]" } 0, 1);
	is(`dd if=$loop bs=512 skip=1 count=1 2>/dev/null | head -c 5`, "kept\n", 'what it wrote is there');
	mkdir "$dir/mounted";
	if (system("mount $loop $dir/mounted") == 0) {
		$refused->('a device that is mounted', "disk0=$nodes[0]");
		boot(name => 'which may be read', args => ["disk0=$nodes[0],ro"],
			script => 'cat /sys/block/uda/size', dirty => 1);
		system("umount $dir/mounted");
	}
	system("losetup -d $loop");
}

# Discards and zeroes make holes; discard=off does not.
for my $how ('', ',direct', ',discard=off') {
	my $file = spew("$dir/holes", 'x' x (8 * $MB));
	my $g = boot(name => "discard$how", args => ["disk0=$file$how"], script => <<'EOF');
blkdiscard -o 1048576 -l 2097152 /dev/uda 2>/dev/null && echo discarded
blkdiscard -z -o 4194304 -l 1048576 /dev/uda 2>/dev/null && echo zeroed
dd if=/dev/uda bs=1M skip=4 count=1 2>/dev/null | tr -d '\0' | wc -c
sync
EOF
	my $used = (stat $file)[12] * 512;

	if ($how eq ',discard=off') {
		unlike($g->text, qr/discarded/, 'is refused');
		cmp_ok($used, '>=', 7 * $MB, 'takes all its space');
	} else {
		like($g->text, qr/^discarded\n(?:zeroed\n0\n)?/, 'works');
		cmp_ok($used, '<=', 6 * $MB, 'gives space back');
		is(substr(slurp($file), $MB, 2 * $MB), "\0" x (2 * $MB), 'reads as zeros');
	}
}

# Limits: so many requests take so long at least.
{
	my $file = disk_file('limited', 8 * $MB);
	my $g = boot(name => 'limits', args => ["disk0=$file,iops=50", 'disk1=' .
			disk_file('limited2', 8 * $MB) . ',bps=1M'], script => <<'EOF');
cut -d ' ' -f 1 /proc/uptime
dd if=/dev/uda of=/dev/null bs=4k count=60 iflag=direct 2>/dev/null
cut -d ' ' -f 1 /proc/uptime
dd if=/dev/udb of=/dev/null bs=64k count=20 iflag=direct 2>/dev/null
cut -d ' ' -f 1 /proc/uptime
EOF
	my @t = split /\n/, $g->text;

	cmp_ok($t[1] - $t[0], '>=', 1, '60 requests at 50 a second');
	cmp_ok($t[2] - $t[1], '>=', 1, '1.25 MB at 1 MB a second');
}

# A vCPU that goes off line takes no request with it.
{
	my $file = disk_file('hotplug', 64 * $MB);
	my $g = boot(name => 'vCPUs that come and go', time => 60, args => ['ncpus=2', "disk0=$file,direct"],
		script => <<'EOF');
for i in 1 2 3 4; do
	dd if=/dev/uda of=/dev/null bs=4k count=3000 iflag=direct 2>/dev/null && echo read &
done
for i in 1 2 3 4 5; do
	echo 0 >/sys/devices/system/cpu/cpu1/online
	echo 1 >/sys/devices/system/cpu/cpu1/online
done
wait
EOF
	is($g->text, "read\n" x 4, 'every reader comes to its end');
}

# A reboot while requests are under way: nothing of the old guest gets into the new one.
for my $words ('disk_engine=io_uring', 'disk_engine=threads') {
	my $file = disk_file('reboot', 64 * $MB);
	my $g = Guest->start(args => ['ncpus=2', $words, "disk0=$file,direct"], script => <<'EOF');
n=$(dd if=/dev/uda bs=512 count=1 2>/dev/null | tr -cd x | wc -c)
[ $n -lt 8 ] || exit 5
head -c $((n + 1)) /dev/zero | tr '\0' x | dd of=/dev/uda bs=512 conv=notrunc,sync,fsync 2>/dev/null
for i in 1 2 3 4; do
	dd if=/dev/uda of=/dev/null bs=1M skip=1 iflag=direct 2>/dev/null &
	dd if=/dev/zero of=/dev/uda bs=64k seek=$((i * 100)) count=90 oflag=direct conv=notrunc 2>/dev/null &
done
sleep 0.05
reboot -f
EOF
	is($g->finish(60), 5, "eight reboots with requests under way, $words");
	$g->clean('reboots');
}

# ---- faults -------------------------------------------------------------------------

SKIP: {
	skip 'no /dev/fuse that may be opened here', 1 unless -w '/dev/fuse';
	my $fs = faultfs("$dir/faulty");
	my $order = sub {
		my ($g, $line) = @_;

		order($fs, $line);
		$g->send("go\n");
	};

	chmod 0777, $fs->{dir};
	for my $engine (qw(io_uring threads)) {
		spew("$fs->{dir}/disk", $pattern);
		my $g = Guest->start(allow => qr/I\/O error|critical space|Buffer I\/O/,
			args => ["disk_engine=$engine", "disk0=$fs->{at}/disk"], script => <<'EOF');
step() { echo ready $1; read x; }
rd() { dd if=/dev/uda of=/dev/null bs=64k skip=$1 count=1 iflag=direct 2>/dev/null && echo good || echo bad; }
wr() { dd if=/dev/zero of=/dev/uda bs=64k seek=$1 count=1 oflag=direct $2 2>/tmp/e && echo good || { grep -o 'No space' /tmp/e || echo bad; }; }
step 1; rd 10; rd 10; rd 11
step 2; wr 20; wr 20
step 3; wr 21; wr 21
step 4; dd if=/dev/uda bs=64k skip=3 count=4 iflag=direct 2>/dev/null | md5sum
step 5; wr 22 conv=fsync; wr 22 conv=fsync
step 6; rd 30 & i=0; while [ $i -lt 50 ]; do i=$((i + 1)); done; echo counted; wait
step 7
EOF
		my $sum = md5_hex(substr $pattern, 3 * 65536, 4 * 65536);
		my @steps = (
			['fail read 5 1', qr/^bad\ngood\ngood$/m, 'EIO: that request and no other'],
			['fail write 5 1', qr/^bad\ngood$/m, 'EIO of a write'],
			['fail write 28 1', qr/^No space\ngood$/m, 'ENOSPC'],
			['short read 3', qr/^$sum/m, 'short reads are gone on with'],
			['fail sync 5 1', qr/^bad\ngood$/m, 'a flush that fails'],
			['slow read 1500 1', qr/^counted\ngood$/m, 'a slow request holds up no other program'],
		);
		my $n = 0;
		for my $step (@steps) {
			$n++;
			ok($g->expect(qr/^ready $n$/m, 30), "$engine: step $n");
			my $from = length $g->out;
			$order->($g, $step->[0]);
			my $next = $n + 1;
			$g->expect(qr/^ready $next$/m, 30);
			$g->{seen} -= length "ready $next\n";
			$g->{seen} = $from if $g->{seen} < $from;
			like(substr($g->out, $from) =~ tr/\r//dr, $step->[1], $step->[2]);
		}
		$g->send("end\n");
		is($g->finish, 0, "$engine: the guest lives on");
		$g->clean('faults');
	}
	faultfs_end($fs);
}

# A host file system that is full.
SKIP: {
	skip 'not root: no file system of our own', 4 if $>;
	my $at = "$dir/small";

	mkdir $at;
	system('mount', '-t', 'tmpfs', '-o', 'size=6M,mode=777', 'tmpfs', $at) == 0
		or skip 'no file system can be mounted', 4;
	spew("$at/disk", '');
	truncate "$at/disk", 16 * $MB;
	my $g = boot(name => 'a full host', args => ["disk0=$at/disk"],
		allow => qr/I\/O error|critical space/, script => <<'EOF');
dd if=/dev/zero of=/dev/uda bs=64k count=200 oflag=direct 2>&1 | grep -o 'No space'
blkdiscard -l 4194304 /dev/uda
dd if=/dev/urandom of=/dev/uda bs=64k count=8 oflag=direct 2>/dev/null && echo room
EOF
	like($g->text, qr/^No space\nroom$/m, 'says so to the writer, and a discard helps');
	# the host gives the files of a ring up some time after the process has ended
	system('umount', '-l', $at);
}

# ---- dm-crypt, fio --------------------------------------------------------------------

# Programs of the host in a guest on its root: what it writes there stays in memory.
sub with_host_root {
	my ($name, $script, @options) = @_;
	my ($status, $out) = run_user(user_file("$BUILD/kernelet"), 'run', '--root-user',
		'--kernel=' . user_file($VMLINUX), '--cpus=2', @options, '--', 'sh', '-c', $script);

	is($status, 0, $name) or diag($out);
	return $out;
}

sub host_has {
	my ($program) = @_;

	return -e "$BUILD/kernelet-hostfs" && grep { -x "$_/$program" } split /:/, $ENV{PATH};
}

SKIP: {
	skip 'no cryptsetup: apt-get install cryptsetup-bin', 3 unless host_has('cryptsetup');
	my $file = disk_file('secret', 32 * $MB);

	with_host_root('an encrypted disk', <<'EOF', "--disk=$file");
set -e
printf passphrase >/tmp/key
cryptsetup luksFormat -q --pbkdf pbkdf2 --pbkdf-force-iterations 1000 /dev/uda /tmp/key
cryptsetup open --key-file /tmp/key /dev/uda secret
mke2fs -q -t ext4 /dev/mapper/secret
mount /dev/mapper/secret /mnt
echo very secret words >/mnt/f
umount /mnt
cryptsetup close secret
EOF
	unlike(slurp($file), qr/very secret words/, 'the host sees nothing of what is in it');
	like(with_host_root('the same disk again', <<'EOF', "--disk=$file"),
set -e
printf passphrase >/tmp/key
cryptsetup open --key-file /tmp/key /dev/uda secret
mount /dev/mapper/secret /mnt
cat /mnt/f
umount /mnt
cryptsetup close secret
EOF
		qr/^very secret words$/m, 'the guest does, with the passphrase');
}

# What fio counted, from its line of terse output: KB read and written.
sub fio_counted {
	my ($line) = grep { /^3;fio/ } split /\n/, $_[0];

	return (split /;/, $line // '')[5, 46];
}

SKIP: {
	skip 'no fio: apt-get install fio', 18 unless host_has('fio');
	my $time = $FIO_SECONDS ? "--time_based --runtime=$FIO_SECONDS" : '';

	for my $engine (qw(io_uring threads)) {
		for my $how ('', ':direct', ":cow=$dir/fio.cow") {
			my $file = disk_file('fio', 64 * $MB);
			my $out = with_host_root("fio verify, $engine $how", <<"EOF",
fio --name=v --filename=/dev/uda --direct=1 --rw=randrw --bsrange=4k-64k --ioengine=libaio \\
	--iodepth=16 --verify=crc32c --verify_fatal=1 --size=48M $time --output-format=terse 2>&1
EOF
				"--disk=$file$how", "--append=disk_engine=$engine");
			my ($read, $written) = fio_counted($out);

			unlike($out, qr/verify:|error/, 'nothing was lost');
			# half of the mix reads, then all that was written is read again
			cmp_ok($read // 0, '>', 1.2 * ($written || 1e9), 'and it was looked at') or diag($out);
			note("$read KB read, $written KB written") if $written;
			unlink "$dir/fio.cow";
		}
	}
}

done_testing();
