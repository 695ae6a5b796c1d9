#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Directories of the host in a guest: the same results as on the host's own file
# system in every cache mode, SMP, random operations with known outcomes, what
# the options promise, a server that dies, a disk that is full, a reboot, a
# hostile guest kernel.

use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use FindBin;
use lib "$FindBin::Bin/lib";
use Guest;
use Hostfs;
use Test::More;

my $dir = scratch();
my $programs = "$BUILD/tests/hostfs";
my $uid = (stat $dir)[4];

# A directory that the guests' user owns, with files.
sub directory {
	my ($name, %files) = @_;

	run_user('mkdir', "$dir/$name") == 0 or die "mkdir $name";
	spew("$dir/$name/$_", $files{$_}) for keys %files;
	return "$dir/$name";
}

my @boots = (allow => qr/hostfs: the server of \w+ is gone/);

sub guest {
	my ($shares, %o) = @_;

	return boot(@boots, %o, args => [(map { $_->{arg} } @$shares), @{$o{args} // []}],
		keep => [map { $_->{socket} } @$shares],
		files => ["/t/posix=$programs/posix", "/t/exercise=$programs/exercise",
			  @{$o{files} // []}]);
}

# The first lines that are not the same.
sub differences {
	my ($want, $got) = map { [split /\n/] } @_;

	for my $i (0 .. ($#$want > $#$got ? $#$want : $#$got)) {
		my ($w, $g) = map { $_->[$i] // '(nothing)' } $want, $got;
		return "line $i: $g, not $w" if $w ne $g;
	}
	return '';
}

# ---- the same as on the host -------------------------------------------------

my $native = directory('native');
my (undef, $want) = run_user(user_file("$programs/posix"), $native);
cmp_ok(($want =~ tr/\n//), '>', 200, 'the host has done it all');
# With data still in the guest holes cannot be looked for: see README's limits.
(my $want_always = $want) =~ s/^(.*SEEK_HOLE\) < 1 << 20): 1\nnext 1$/$1: 0\nnext 0/m;

for my $cache (qw(auto none always)) {
	my $share = share(directory("posix-$cache"), options => ['--cache', $cache]);
	my $g = guest([$share], name => "posix-$cache", script => <<"EOF");
mkdir /tmp/m && mount -t hostfs share /tmp/m || exit 1
/t/posix /tmp/m $uid >/tmp/out
cat /tmp/out
umount /tmp/m || echo busy
EOF
	is(differences($cache eq 'always' ? $want_always : $want, $g->text), '',
		"every call gives what it gives on the host, cache=$cache");
	ok(share_ended($share), 'the server has ended');
}

# ---- random operations -------------------------------------------------------

for my $cache (qw(auto always)) {
	my $share = share(directory("random-$cache"), options => ['--cache', $cache]);
	my $g = guest([$share], name => "random-$cache", time => 300,
		args => ['ncpus=2'], script => <<'EOF');
mkdir /tmp/m && mount -t hostfs share /tmp/m && mkdir /tmp/m/w || exit 1
cd /
/t/exercise data /tmp/m/w $$ 2000 && echo data good
/t/exercise tree /tmp/m/w $$ 500 && echo tree good
/t/exercise library /tmp/m
EOF
	like($g->text, qr/^data good\n(?:.*\n)*tree good$/m,
		"random operations, two vCPUs, cache=$cache");
	like($g->text, qr/^pages kept: 512 of 512$/m,
		"a large file that is mapped time and again stays cached, cache=$cache");
	share_ended($share);
}

# ---- more names than descriptors ---------------------------------------------
{
	my $share = share(directory('many'), wrap => ['prlimit', '--nofile=128:128']);
	my $g = guest([$share], name => 'many', time => 120, script => <<'EOF');
mkdir /tmp/m && mount -t hostfs share /tmp/m || exit 1
cd /
/t/exercise many /tmp/m 3000 && echo many good
EOF
	like($g->text, qr/^many good$/m, '3000 files with 128 descriptors');
	share_ended($share);
}

# ---- a directory of 100 000 names -------------------------------------------
{
	my $d = directory('large');
	run_user('perl', '-e', 'chdir shift; for (1 .. 100_000) { open my $f, ">", "name-$_" or die $! }', $d);
	my $share = share($d);
	my $g = guest([$share], name => 'large', time => 240, script => <<'EOF');
mkdir /tmp/m && mount -t hostfs share /tmp/m || exit 1
ls -1 /tmp/m | sort -u | wc -l
EOF
	like($g->text, qr/^100000$/m, 'all of 100 000 names are listed, each once');
	share_ended($share);
	run_user('rm', '-r', $d);
}

# ---- directories that are opened without the server --------------------------
{
	my $d = directory('listing');
	my $share = share($d, options => ['--cache', 'always']);
	my $g = Guest->start(@boots, name => 'listing', args => [$share->{arg}, 'ncpus=2'],
		files => ["/t/exercise=$programs/exercise"], keep => [$share->{socket}],
		script => <<'EOF');
mkdir /tmp/m && mount -t hostfs share /tmp/m || exit 1
/t/exercise listing /tmp/m 700 && echo listing good
cd /tmp/m/listing
touch -d '2001-09-09' .
for n in 1 2 3 4; do echo * >/dev/null; done
echo ready
read line
set -- *
echo $# names
set -- *
echo $# again
echo more
read line
touch new
set -- *
echo $# in the end
EOF
	$g->expect(qr/^ready/m);
	kill 'STOP', $share->{pid};
	$g->send("go\n");
	ok($g->expect(qr/^more/m, 20), 'with a server that stands still') or diag($g->tail);
	kill 'CONT', $share->{pid};
	$g->send("go\n");
	$g->finish;
	like($g->text, qr/^listing good$/m, 'a listing that is of no use any more is not used');
	like($g->text, qr/^700 names\n700 again$/m, 'one that is good needs no server');
	like($g->text, qr/^701 in the end$/m, 'until it changes');
	share_ended($share);
}

# ---- what the options promise ------------------------------------------------
{
	my $d = directory('options', key => 'secret', plain => 'text');
	run_user('sh', '-c', "mkdir $d/home $d/home/.ssh; echo x >$d/home/.ssh/id; " .
		"ln $d/key $d/home/other-name; ln -s key $d/link");
	my $share = share($d, ro => 1, options => ['--ro', '--hide', 'home/.ssh',
		'--hide', '/key', '--hide', 'home/not/yet', '--map', "uid:$uid:4321"]);
	my $rw = share(directory('options-rw', plain => 'text'), number => 1, tag => 'rw',
		options => ['--hide', 'never']);
	my $g = guest([$share, $rw], name => 'options', script => <<'EOF');
mkdir /tmp/m /tmp/rw
mount -t hostfs nosuch /tmp/m 2>/dev/null || echo no such tag
mount -t hostfs share /tmp/m && mount -t hostfs rw /tmp/rw || exit 1
grep ' /tmp/m ' /proc/mounts
mount -o remount,rw /tmp/m 2>/dev/null || echo stays read-only
touch /tmp/m/new 2>/dev/null || echo nothing new
ls -1A /tmp/m /tmp/m/home
cat /tmp/m/key /tmp/m/link /tmp/m/home/other-name /tmp/m/home/.ssh/id 2>/dev/null || echo hidden
stat -c '%u %n' /tmp/m/plain
mkdir /tmp/rw/never 2>/dev/null || echo never
mv /tmp/rw/plain /tmp/rw/never 2>/dev/null || echo never moved
echo there >/tmp/rw/written
EOF
	my $text = $g->text;
	like($text, qr/^no such tag$/m, 'a tag that no share has');
	like($text, qr{^share /tmp/m hostfs ro,}m, 'a read-only share is mounted read-only');
	like($text, qr/^stays read-only\nnothing new$/m, 'and stays so');
	like($text, qr{^/tmp/m:\nhome\nlink\nplain\n\n/tmp/m/home:\nhidden$}m,
		'what is hidden is not listed and not read, by no name');
	like($text, qr{^4321 /tmp/m/plain$}m, 'owners are mapped');
	like($text, qr/^never\nnever moved$/m, 'what is hidden cannot be made');
	is(slurp("$dir/options-rw/written"), "there\n", 'what the guest writes is on the host');
	is((stat "$dir/options-rw/written")[4], $uid, 'and belongs to the caller');
	share_ended($_) for $share, $rw;
}

# ---- the root, mount points, changes of the host -----------------------------
{
	my $share = share('/', tag => 'root', ro => 1, options => ['--ro']);
	my $g = guest([$share], name => 'fences', script => <<'EOF');
mkdir /tmp/m && mount -t hostfs root /tmp/m || exit 1
for d in proc sys dev; do echo "$d: $(ls -A /tmp/m/$d | wc -l)"; done
ls -d /tmp/m/usr/bin
cat /tmp/m/proc/1/environ /tmp/m/proc/self/status 2>&1 | head -1
EOF
	my $text = $g->text;
	like($text, qr/^proc: 0\nsys: 0$/m, 'proc and sysfs are empty');
	like($text, qr{^/tmp/m/usr/bin$}m, 'the rest is there');
	like($text, qr/No such file/, 'a process of the host is not seen');
	share_ended($share);

	my $d = directory('root');
	my $copy = join ' && ', map { "cp $$_[0] $d/$$_[1]" }
		[user_file("$BUILD/busybox"), 'bin/sh'], [user_file("$BUILD/init"), 'sbin/init'];
	run_user('sh', '-c', "mkdir $d/bin $d/sbin $d/dev && $copy") == 0 or die;
	$share = share($d, tag => 'myroot');
	boot(name => 'hostfs as root', keep => [$share->{socket}],
		args => [$share->{arg}, 'root=myroot', 'rootfstype=hostfs', 'rw'],
		command => ['sh', '-c', 'echo made in the guest >/made']);
	is(slurp("$d/made"), "made in the guest\n", 'the root can be a share');
	share_ended($share);
}

# ---- a server that dies ------------------------------------------------------
{
	my $share = share(directory('death', file => 'x' x 100000));
	my $g = Guest->start(@boots, name => 'death', args => [$share->{arg}, 'ncpus=2'],
		keep => [$share->{socket}], script => <<'EOF');
mkdir /tmp/m && mount -t hostfs share /tmp/m || exit 1
exec 5>/tmp/m/open
echo ready
read line
echo x >&5 || echo write failed
cat /tmp/m/file
ls /tmp/m
cd /; exec 5>&-
umount /tmp/m
mount -t hostfs share /tmp/m
echo lives
EOF
	$g->expect(qr/^ready/m);
	kill 'KILL', $share->{pid};
	share_ended($share);
	$g->send("go\n");
	$g->finish;
	my $text = $g->text;
	is(() = $text =~ /(?:Input\/output|I\/O) error/g, 4, 'a dead server: EIO');
	like($text, qr/^lives$/m, 'and the guest lives');
}

# ---- a large file, which the guest reads by itself ----------------------------
{
	my $data = join '', map { pack 'N', $_ * 2654435761 & 0xffffffff } 1 .. 3 << 18;
	my $share = share(directory('large', file => $data));
	my $g = Guest->start(@boots, name => 'large', args => [$share->{arg}, 'ncpus=2'],
		keep => [$share->{socket}], script => <<'EOF');
mkdir /tmp/m && mount -t hostfs share /tmp/m || exit 1
n=0
while [ $n != 40 ]; do dd if=/tmp/m/file of=/dev/null bs=1M 2>/dev/null; n=$((n + 1)); done
exec 5</tmp/m/file
echo ready
read line
dd bs=100000 count=10 <&5 2>/dev/null | md5sum
dd bs=1048576 count=1 <&5 2>/dev/null | md5sum
echo more
read line
cat <&5 | md5sum
exec 5<&-
umount /tmp/m && echo gone
EOF
	$g->expect(qr/^ready/m);
	kill 'STOP', $share->{pid};
	$g->send("go\n");
	ok($g->expect(qr/^more/m, 20), 'with a server that stands still') or diag($g->tail);
	kill 'CONT', $share->{pid};
	$g->send("go\n");
	$g->finish;
	my @got = $g->text =~ /^([0-9a-f]{32})/mg;
	is_deeply(\@got, [map { md5_hex($_) } substr($data, 0, 1000000),
		substr($data, 1000000, 1 << 20), substr($data, 1000000 + (1 << 20))],
		'what was read is right, to the end of the file');
	like($g->text, qr/^gone$/m, 'and nothing is left open');
	share_ended($share);
}

# ---- a full disk -------------------------------------------------------------
SKIP: {
	my @full = ('unshare', '-Urm', 'sh', '-c',
		'mount -t tmpfs -o size=1m none "$0" && exec "$@"');
	my $d = directory('full');

	skip 'no user namespaces here', 2 if run_user(@full, $d, 'true');
	my $share = share($d, wrap => [@full, $d]);
	my $g = guest([$share], name => 'full', script => <<'EOF');
mkdir /tmp/m && mount -t hostfs share /tmp/m || exit 1
dd if=/dev/zero of=/tmp/m/big bs=64k count=64 2>&1 | grep -o 'No space left on device'
rm /tmp/m/big
# its space is free when the server has been told, a moment later
n=0
until echo again >/tmp/m/small || [ $n = 50 ]; do n=$((n + 1)); sleep 0.1; done 2>/dev/null
cat /tmp/m/small
EOF
	like($g->text, qr/^No space left on device\nagain$/m, 'a full disk: ENOSPC, then goes on');
	share_ended($share);
}

# ---- a reboot ----------------------------------------------------------------
{
	my $share = share(directory('reboot'));
	my $g = guest([$share], name => 'reboot', script => <<'EOF');
mkdir /tmp/m && mount -t hostfs share /tmp/m || exit 1
if [ -e /tmp/m/first ]; then
	cat /tmp/m/first
	exit
fi
echo second boot >/tmp/m/first
dd if=/dev/zero of=/tmp/m/noise bs=1M count=8 2>/dev/null &
reboot -f
EOF
	like($g->text, qr/^second boot$/m, 'a guest that reboots finds its share again');
	share_ended($share);
}

# ---- a hostile kernel --------------------------------------------------------
for my $server (["$BUILD/kernelet-hostfs", 'confined'],
		["$programs/server-asan", 'with the address sanitizer', '--unconfined']) {
	my ($path, $what, $option) = @$server;
	my $d = directory("hostile$what" =~ s/ .*//r);

	local $ENV{HOSTFS_OPTION} = $option // '--verbose';
	my ($status, $out) = run_user('timeout', 300, user_file("$programs/escape_raw"),
		user_file($path), $d, 10000);
	is($status, 0, "10000 hostile requests, $what") or diag($out);
	cmp_ok(() = $out =~ /^ok /mg, '>=', 12, 'every way out was tried') or diag($out);
}

# ---- wrong options -----------------------------------------------------------
for my $wrong (['--bad'], ['--fd'], ['--fd', '99', '--dir', '/'], ['--dir', '/nowhere'],
	       ['--cache', 'some'], ['--map', 'uid:1'], []) {
	my ($status, $out) = run_user(user_file("$BUILD/kernelet-hostfs"), @$wrong);

	is("$status " . ($out =~ tr/\n//), '2 1', "refused in one line: @$wrong");
}

done_testing();
