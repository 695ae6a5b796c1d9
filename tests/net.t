#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Network interfaces: TAP devices and packet sockets; what may come on them.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Net;
use Guest;
use Launcher;
use Test::More;
use Time::HiRes qw(sleep time);

# what the host allows is not ours to install
-w '/dev/net/tun' or plan(skip_all => 'no /dev/net/tun that may be opened here');

my $BYTES = $ENV{NET_BYTES} // 1 << 27;
my $tcp = "$BUILD/tests/lib/tcp";

-x $tcp or BAIL_OUT("no $tcp: make -C tests");
my $MAC = '02:00:00:00:00:01';

# Numbers of 64 bits, and each megabyte its own: what is lost or repeated shows.
sub pattern {
	my ($bytes) = @_;

	return "perl -e 'my \$b = pack q{Q*}, map { \$_ * 2654435761 } 2 .. 131072; " .
		"print pack(q{Q}, \$_), \$b for 1 .. $bytes >> 20'";
}

# ---- TAP ---------------------------------------------------------------------

tap('kt0', '10.9.0.1/24');
sh_ok('ip addr add fd09::1/64 dev kt0 nodad');

# A guest with an interface on kt0; gives the guest, in which a shell reads.
sub tap_guest {
	my ($options, %o) = @_;
	my $g = kernelet(['run', '--root=builtin', '--root-user', '--name=tapped', "--share=$BUILD/tests/lib:/t",
		'--net=tap:kt0,ip=10.9.0.2/24', @$options, '--', 'sh', '-c',
		'ip addr add fd09::2/64 dev eth0; ' .
		'while read line; do eval "$line"; echo "-- $?"; done'], time => 180, %o);

	$g->send("echo up\n");
	ok($g->expect(qr/up\n-- 0\n/, 30), 'the guest is up') or diag($g->err);
	return $g;
}

# Runs a line in that guest; gives status and output.
sub in_guest {
	my ($g, $line, $secs) = @_;
	my $from = length $g->out;

	$g->send("$line\n");
	$g->expect(qr/^-- \d+\n/m, $secs // 30) or return (-1, '');
	my ($out, $status) = substr($g->out, $from) =~ /\A(.*?)-- (\d+)\n/s;
	return ($status, $out);
}

sub status_in {
	my ($g, $line, $secs) = @_;

	return (in_guest($g, $line, $secs))[0];
}

# $bytes through TCP, both ways, with checksums.
sub transfer {
	my ($g, $address, $bytes, $name) = @_;
	my $want = md5_of(pattern($bytes));
	my $start = time;

	# to the guest
	$g->send("/t/tcp take 7001 | md5sum\n");
	sleep 0.3;
	system(pattern($bytes) . " | $tcp give $address 7001");
	ok($g->expect(qr/^\Q$want\E  -\n-- 0\n/m, 120), "$name: $bytes bytes to the guest");
	diag(sprintf '%s: %.1f s to the guest', $name, time - $start);
	# and back: of zeros, made in the guest at less cost
	$start = time;
	my $zeros = md5_of("head -c $bytes /dev/zero");
	my $pid = background('sh', '-c', "$tcp take 7002 | md5sum >/tmp/kernelet-net.$$");
	sleep 0.3;
	is(status_in($g, "head -c $bytes /dev/zero | /t/tcp give 10.9.0.1 7002", 120), 0, "$name: back");
	wait_background($pid, 30);
	like(slurp("/tmp/kernelet-net.$$"), qr/^$zeros/, "$name: $bytes bytes from the guest");
	unlink "/tmp/kernelet-net.$$";
	diag(sprintf '%s: %.1f s from the guest', $name, time - $start);
}

{
	my $g = tap_guest([]);

	is(status_in($g, 'ping -c 3 -i 0.2 -W 2 10.9.0.1'), 0, 'TAP: ping');
	is(status_in($g, 'ping -6 -c 2 -W 2 fd09::1'), 0, 'TAP: ping by IPv6');
	is(system('ping -q -c 3 -i 0.1 -W 2 10.9.0.2 >/dev/null'), 0, 'TAP: ping the guest');
	# UDP, and what takes fragments
	is(system('ping -q -c 2 -i 0.1 -s 40000 -W 2 10.9.0.2 >/dev/null'), 0, 'TAP: fragments');
	# (busybox nc has no UDP)
	transfer($g, '10.9.0.2', $BYTES, 'TAP');
	my ($status, $out) = in_guest($g, 'cat /proc/net/dev | grep eth0');
	my (undef, $bytes, $packets, $errors, $drops) = split /[\s:]+/, $out =~ s/^\s+//r;
	cmp_ok($bytes, '>', $BYTES, 'counted');
	is($errors + $drops, 0, 'no errors, no drops');
	cmp_ok($packets, '<', $BYTES / 1400, 'frames of more than one segment have come');
	# a large MTU
	sh_ok('ip link set kt0 mtu 65521');
	is(status_in($g, 'ip link set eth0 mtu 65521'), 0, 'MTU of 65521');
	isnt(status_in($g, 'ip link set eth0 mtu 65522 2>/dev/null'), 0, 'and no more');
	is(system('ping -q -M do -c 2 -i 0.1 -s 65400 -W 2 10.9.0.2 >/dev/null'), 0,
		'large frames go whole') or diag(`ping -M do -c 1 -s 65400 10.9.0.2 2>&1`);
	sh_ok('ip link set kt0 mtu 1500');
	is(status_in($g, 'ip link set eth0 mtu 1500'), 0, 'MTU of 1500 again');
	is(status_in($g, 'ping -c 1 -W 2 10.9.0.1'), 0, 'and it works');
	# down and up
	is(status_in($g, 'ip link set eth0 down; ip link set eth0 up; ping -c 1 -W 2 10.9.0.1'), 0,
		'down and up');
	# a name that is taken
	my $h = command(['run', '--root=builtin', '--net=tap:kt0', '--', 'true']);
	is($h->{ended}, 2, 'a TAP device in use');
	is($h->err, "kernelet: --net=tap:kt0: kt0 is in use by another program\n", 'is named');
	$h->clean('in use');
	$g->close_stdin;
	is($g->finish, 0, 'TAP: exit status') or diag($g->err);
	$g->clean('TAP');
}
{
	# several queues
	sh_ok('ip tuntap del dev kt0 mode tap');
	tap('kt0', '10.9.0.1/24', 'multi_queue');
	my $g = tap_guest(['--cpus=2']);
	my ($status, $out) = in_guest($g, 'ls /sys/class/net/eth0/queues');

	is(join(' ', sort split ' ', $out), 'rx-0 rx-1 tx-0 tx-1', 'two queues');
	transfer($g, '10.9.0.2', $BYTES >> 2, 'two queues');
	$g->close_stdin;
	is($g->finish, 0, 'two queues: exit status');
	$g->clean('two queues');
	# the address is the name's
	my @macs = map {
		my $h = run_in(['--net=tap:kt0', "--name=$_"], ['cat', '/sys/class/net/eth0/address']);
		$h->out;
	} qw(one two one);
	is($macs[0], $macs[2], 'a name has its address');
	isnt($macs[0], $macs[1], 'another name another one');
	like($macs[0], qr/^02:/, 'which is locally administered');
}
SKIP: {
	my $ethtool = program('ethtool') // skip('no ethtool here', 3);
	my $g = command(['run', '--net=tap:kt0,ip=10.9.0.2/24,mac=02:11:22:33:44:55', '--root-user', '--',
		'sh', '-c', 'cat /sys/class/net/eth0/address; ping -q -c 2 -W 2 10.9.0.1 >/dev/null; ' .
		"$ethtool -i eth0; $ethtool -S eth0; $ethtool -k eth0; $ethtool eth0"]);

	like($g->out, qr/^02:11:22:33:44:55\n/, 'mac=');
	like($g->out, qr/^driver: net_user$/m, 'ethtool: driver');
	like($g->out, qr/^\s*queue0_rx_packets: [1-9]/m, 'ethtool: statistics');
	like($g->out, qr/^tcp-segmentation-offload: on$/m, 'ethtool: offloads');
	like($g->out, qr/Link detected: yes/, 'ethtool: link');
	$g->clean('ethtool');
}

# ---- hostile frames ----------------------------------------------------------

sub rss {
	my ($pid) = @_;

	return (slurp("/proc/$pid/status") // '') =~ /^RssAnon:\s+(\d+)/m ? $1 : 0;
}

for my $vnet (0, 1) {
	my ($ours, $theirs) = packet_socket();
	my $n = fileno $theirs;
	my $what = $vnet ? 'with vnet_hdr' : 'plain';
	my $g = Guest->start(keep => [$theirs], args => [
		"net0=fd:$n,mac=$MAC" . ($vnet ? ',vnet_hdr' : '')], time => 90,
		script => 'ip addr add 10.9.1.2/24 dev eth0; ip link set eth0 up; echo up; ' .
			'while read line; do eval "$line"; echo "-- $?"; done');
	my $hdr = $vnet ? "\0" x 10 : '';
	my $broadcast = 'ff:ff:ff:ff:ff:ff';

	ok($g->expect(qr/^up\r?$/m, 30), "$what: the guest is up");
	my $before = rss($g->pid);
	# runts, giants
	send $ours, $hdr . 'x' x 13, 0 for 1 .. 10;
	send $ours, $hdr . frame($broadcast, '02:00:00:00:00:02', 0x800, 'x' x 70000), 0 for 1 .. 10;
	# 10 000 random ones, a flood at that
	srand 1;
	my ($sent, $left) = (0, 0);
	for my $i (1 .. 10000) {
		my $size = 14 + int rand 1500;
		my $random = join '', map { chr rand 256 } 1 .. $size;
		my $f = $random;

		# most to us, so that they are looked at; some claim to be IP
		substr $f, 0, 6, pack 'H12', $MAC =~ tr/://dr if $i % 4;
		substr $f, 12, 2, pack 'n', (0x800, 0x86dd, 0x806, 0x8100)[$i % 4] if $i % 3;
		substr $f, 14, 1, chr 0x45 if $i % 5 == 0 && length $f > 15;
		$f = join('', map { chr rand 256 } 1 .. 10) . $f if $vnet;
		(send $ours, $f, 0) ? $sent++ : $left++;
	}
	is($sent, 10000, "$what: 10000 random frames");
	my $small = frame($MAC, '02:00:00:00:00:02', 0x9000, 'x' x 46);
	my $end = time + 2;
	my $flood = 0;
	while (time < $end) {
		$flood += (send $ours, $hdr . $small, 0x40) ? 1 : 0 for 1 .. 100;
	}
	cmp_ok($flood, '>', 10000, "$what: $flood frames as fast as they go");
	# nobody in the guest wants those
	$g->send("i=0; until [ \$(cat /sys/class/net/eth0/statistics/rx_dropped) -ge $flood ] || [ \$i -gt 50 ]; " .
		"do sleep 0.2; i=\$((i + 1)); done; [ \$i -le 50 ]\n");
	ok($g->expect(qr/^-- 0\r?$/m, 30), "$what: the flood is counted");
	$g->send("cat /sys/class/net/eth0/statistics/rx_errors; echo; " .
		"cat /sys/class/net/eth0/statistics/rx_length_errors\n");
	ok($g->expect(qr/^-- 0/m, 30), "$what: the guest lives");
	my ($errors, $length) = $g->text =~ /^(\d+)\n\n(\d+)\n-- 0/m;
	is($length, 20, "$what: runts and giants are counted") or diag($g->text);
	cmp_ok($errors, '>', 1000, "$what: wrong headers are counted") if $vnet;
	cmp_ok(rss($g->pid) - $before, '<', 4096, "$what: no growth of host memory");
	# link notices
	$g->send("cat /sys/class/net/eth0/carrier\n");
	ok($g->expect(qr/^1\r?\n-- 0/m, 10), "$what: there is a link");
	send $ours, "\0", 0;
	$g->send("sleep 0.2; cat /sys/class/net/eth0/carrier\n");
	ok($g->expect(qr/^0\r?\n-- 0/m, 10), "$what: the link is down");
	send $ours, "\1", 0;
	$g->send("sleep 0.2; cat /sys/class/net/eth0/carrier\n");
	ok($g->expect(qr/^1\r?\n-- 0/m, 10), "$what: and up");
	close $ours;
	$g->send("sleep 0.2; cat /sys/class/net/eth0/carrier\n");
	ok($g->expect(qr/^0\r?\n-- 0/m, 10), "$what: the other end is gone, the guest is not");
	$g->close_stdin;
	is($g->finish, 0, "$what: exit status");
	$g->clean($what);
}

# ---- a descriptor by the launcher ----------------------------------------------

{
	my ($ours, $theirs) = packet_socket();
	my $n = fileno $theirs;
	my $g = kernelet(['run', '--root=builtin', '--root-user', "--net=fd:$n,mac=$MAC,ip=10.9.3.2/24", '--',
		'sh', '-c', 'echo up; read line; true'], keep => [$theirs], time => 60);
	ok($g->expect(qr/up\n/, 30), '--net=fd: the guest is up') or diag($g->err);
	send $ours, frame('ff:ff:ff:ff:ff:ff', '02:00:00:00:00:02', 0x806,
		pack('nnCCn H12 C4 H12 C4', 1, 0x800, 6, 4, 1, '020000000002', 10, 9, 3, 1, '0' x 12, 10, 9, 3, 2)), 0;
	my $answer = '';
	local $SIG{ALRM} = sub { die "no answer\n" };
	eval {
		alarm 20;
		# among what IPv6 begins with
		recv $ours, $answer, 2000, 0 until unpack('x12 n x6 n', $answer . "\0" x 40) == 0x806 &&
			unpack('x20 n', $answer) == 2;
		alarm 0;
	};
	is(unpack('x22 H12', $answer . "\0" x 40), $MAC =~ tr/://dr, '--net=fd: the guest answers there') or diag($@);
	$g->close_stdin;
	is($g->finish, 0, '--net=fd: exit status');
	$g->clean('--net=fd');
}

# ---- wrong options -----------------------------------------------------------

sub refused {
	my ($pattern, @words) = @_;
	my $g = command(['run', '--root=builtin', @words, '--', 'true']);

	is($g->{ended}, 2, "@words: status 2");
	like($g->err, qr/\Akernelet: $pattern\n\z/, "@words: one line");
	is($g->out, '', "@words: nothing else");
	$g->clean("@words");
}

refused(qr/--net=nothing: not one of none, user, .*/, '--net=nothing');
refused(qr/--net=tap: say for example --net=tap:tap0/, '--net=tap');
refused(qr/--net=tap:a\/b: not a name of an interface.*/, '--net=tap:a/b');
refused(qr/--net=tap:lo: there is an interface lo that is no TAP device/, '--net=tap:lo');
refused(qr/--net=tap:kt9: no permission; as root: ip tuntap add dev kt9 .*/,
	'--net=tap:kt9') if $> == 0;
refused(qr/--net=tap:kt0,mtu=7: mtu=7: not an MTU.*/, '--net=tap:kt0,mtu=7');
refused(qr/--net=tap:kt0,mac=x: mac=x: not a unicast MAC.*/, '--net=tap:kt0,mac=x');
refused(qr/--net=tap:kt0,ip=1: ip=1: not an address with its network.*/, '--net=tap:kt0,ip=1');
refused(qr/--net=tap:kt0,ip=$_: ip=\Q$_\E: not an address with its network.*/, "--net=tap:kt0,ip=$_")
	for '0.0.0.0/0', '10.1.0.1/0', '10.1.0.1/33', '127.0.0.2/8', '224.0.0.1/8', '::1/128', 'ff02::5/64', '::/0', 'fd00::1/129';
refused(qr/--net=switch:a,ip=10.1.0.1\/24,gw=10.2.0.1: gw=10.2.0.1: not in the network of ip=10.1.0.1\/24/,
	'--net=switch:a,ip=10.1.0.1/24,gw=10.2.0.1');
refused(qr/--net=switch:a,ip=fd01::1\/64,gw=fd02::1: gw=fd02::1: not in the network of ip=fd01::1\/64/,
	'--net=switch:a,ip=fd01::1/64,gw=fd02::1');
refused(qr/--net=switch:a,ip=10.1.0.1\/24,gw=fd02::1: gw=fd02::1: ip= is needed too, of IPv6/,
	'--net=switch:a,ip=10.1.0.1/24,gw=fd02::1');
refused(qr/--net=switch:a,gw=10.1.0.1: gw=10.1.0.1: ip= is needed too, of IPv4/, '--net=switch:a,gw=10.1.0.1');
refused(qr/.*: ip=: twice for IPv4; .*/, '--net=switch:a,ip=10.1.0.1/24,ip=10.1.0.2/24');
refused(qr/.*: gw=: twice for IPv4; .*/, '--net=switch:a,ip=10.1.0.1/24,gw=10.1.0.2,gw=10.1.0.3');
refused(qr/.*: dns=: too many, the most is 3/, '--net=switch:a' . ',dns=10.1.0.1' x 4);
refused(qr/.*: $_=: twice/, "--net=tap:kt0" . ",$_=02:00:00:00:00:01" x 2) for 'mac';
refused(qr/.*: mtu=: twice/, '--net=switch:a,mtu=1500,mtu=1400');
refused(qr/--net=fd:$_: a standard stream: take one from 3 on/, "--net=fd:$_") for 0 .. 2;
refused(qr/--net=fd:99: that descriptor is not open/, '--net=fd:99');
refused(qr/--net=switch:a b: not a name.*/, '--net=switch:a b');
refused(qr/--pcap=x: there is no interface eth0.*/, '--pcap=x');

sub vmlinux_refused {
	my ($pattern, @words) = @_;
	my $g = boot(plain => 1, args => \@words, status => 2, name => "@words");

	like($g->text, qr/\Avmlinux: $pattern\n\z/, "@words: one line");
}

vmlinux_refused(qr/net0=x: unknown words; say net0=fd:5.*/, 'net0=x');
vmlinux_refused(qr/net0=fd:99: that descriptor is not open/, 'net0=fd:99');
vmlinux_refused(qr/net0=fd:0: neither a TAP device nor a packet socket; .*/, 'net0=fd:0');
vmlinux_refused(qr/net16=fd:0: no such number; .*/, 'net16=fd:0');
vmlinux_refused(qr/vsock=fd:0: not a packet socket; .*/, 'vsock=fd:0');

done_testing();
