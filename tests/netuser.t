#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# User mode networking: out of the box, what it reaches and what it must not.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Net;
use Guest;
use Launcher;
use IO::Socket::INET;
use Socket qw(MSG_DONTWAIT);
use Test::More;
use Time::HiRes qw(sleep time);

have_slirp() or cannot('no plug-in slirp:// of libvdeplug here (libvdeplug-slirp)');

my $BYTES = $ENV{NET_BYTES} // 1 << 27;
my $tcp = "$BUILD/tests/lib/tcp";

-x $tcp or BAIL_OUT("no $tcp: make -C tests");

# The world: an address that is not of the loopback, and services on both.
sh_ok('ip addr add 192.0.2.1/32 dev lo');
sh_ok('ip addr add 2001:db8::1/128 dev lo nodad');
my $www = scratch() . '/www';
mkdir $www;
spew("$www/index.html", "of the world\n");
chmod 0755, scratch(), $www;
my @servers = map { background('busybox', 'httpd', '-f', '-p', $_, '-h', $www) }
	'192.0.2.1:8001', '127.0.0.1:8002', '[::1]:8003', '[2001:db8::1]:8001';
sleep 0.3;

# (busybox's wget, being static, may crash where it looks a name up)
my $get = 'get() { printf "GET / HTTP/1.0\r\n\r\n" | nc -w 4 $1 $2 | grep world; }; get';

# ---- without a word ----------------------------------------------------------

{
	my $g = run_in(['--net', '--root-user', '--name=tester'], ['sh', '-c',
		'ip -4 -o addr show eth0; ip -6 -o addr show eth0 scope global; ip route; ' .
		'ip -6 route; cat /etc/resolv.conf; hostname; ' .
		'ping -c 1 -W 2 10.0.2.2 >/dev/null && echo gateway; ' .
		"$get 192.0.2.1 8001; $get 2001:db8::1 8001"]);

	is($g->{ended}, 0, '--net: exit status') or diag($g->err);
	like($g->out, qr{inet 10\.0\.2\.15/24}, 'an address');
	like($g->out, qr{inet6 fd00:2::15/64}, 'of IPv6 too');
	like($g->out, qr/^default via 10\.0\.2\.2 dev eth0/m, 'a route');
	like($g->out, qr/^default via fd00:2::2 dev eth0/m, 'of IPv6 too');
	like($g->out, qr/^nameserver 10\.0\.2\.3$/m, 'a name server');
	like($g->out, qr/^tester$/m, 'the host name');
	like($g->out, qr/^gateway$/m, 'the gateway answers');
	like($g->out, qr/(?:^of the world\n){2}/m, 'the world is there, by IPv4 and IPv6');
	$g->clean('--net');
}
{
	my $g = run_in(['--net=user,dns=192.0.2.1,dns=2001:db8::1', '--root-user'],
		['sh', '-c', "cat /etc/resolv.conf; ip -o addr show eth0; ip route; $get 192.0.2.1 8001"]);

	like($g->out, qr/\Anameserver 192\.0\.2\.1\nnameserver 2001:db8::1\n1?\d: eth0/m, 'dns=: those, and no other');
	like($g->out, qr{inet 10\.0\.2\.15/24.*inet6 fd00:2::15/64.*^default via 10\.0\.2\.2.*of the world}ms,
		'and all else is as ever');
	$g->clean('dns=');
}
{
	# the usual way in, too
	my $g = run_in(['--net=user', '--root-user'], ['sh', '-c',
		'ip addr flush dev eth0; echo "#!/bin/sh" >/tmp/s; echo "echo \$1 \$ip \$router" >>/tmp/s; ' .
		'chmod +x /tmp/s; udhcpc -q -n -t 3 -i eth0 -s /tmp/s 2>/dev/null']);

	like($g->out, qr/^bound 10\.0\.2\.15 10\.0\.2\.2$/m, 'a DHCP client works as well');
	$g->clean('DHCP');
	$g = run_in([], ['ls', '/sys/class/net']);
	unlike($g->out, qr/eth/, 'without --net there is none');
	$g->clean('no --net');
	$g = run_in(['--net', 'none'], ['ls', '/sys/class/net']);
	unlike($g->out, qr/eth/, '--net none');
	$g->clean('--net none');
}

# ---- the host's own services -------------------------------------------------

# Addresses that mean the host itself, from the guest's point of view.
my @inside = ('10.0.2.2:8002', '127.0.0.1:8002', '0.0.0.0:8002', '10.0.2.3:8002', '127.1.2.3:8002');
my $reach = join '; ', 'ip addr del 127.0.0.1/8 dev lo', 'ip route del local 127.0.0.0/8 table local 2>/dev/null',
	'echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet', 'ip route add 127.0.0.0/8 via 10.0.2.2',
	map({ "$get " . tr/:/ /r . " && echo REACHED $_" } @inside),
	"$get fd00:2::2 8003 && echo REACHED fd00:2::2", 'true';
{
	my $g = run_in(['--net=user', '--root-user', '--timeout=60'], ['sh', '-c', $reach], time => 90);

	is($g->{ended}, 0, 'the host\'s loopback: exit status');
	unlike($g->out, qr/of the world|REACHED/, 'the host\'s loopback is not reached');
	$g->clean('no loopback');
	$g = run_in(['--net=user', '--root-user', '--host-loopback', '--timeout=60'],
		['sh', '-c', $reach], time => 90);
	like($g->out, qr/^REACHED 10\.0\.2\.2:8002$/m, '--host-loopback: it is');
	like($g->out, qr/^REACHED 127\.0\.0\.1:8002$/m, 'by its own address too');
	$g->clean('--host-loopback');
}

# ---- published ports ---------------------------------------------------------

{
	my $g = kernelet(['run', '--root=builtin', '--root-user', '--net=user', '--publish=8080:80',
		'-p', '192.0.2.1:8081:80', '--publish', '127.0.0.1:5300:53/udp', '--', 'sh', '-c',
		'mkdir /www; echo of the guest >/www/index.html; httpd -h /www; ' .
		'echo up; read line; true'], time => 120);

	ok($g->expect(qr/up\n/, 30), 'a web server in the guest') or diag($g->err);
	my $ask = "GET / HTTP/1.0\r\n\r\n";
	like(tcp_answer('127.0.0.1', 8080, $ask) // '', qr/^of the guest$/m, 'through --publish');
	like(tcp_answer('192.0.2.1', 8081, $ask) // '', qr/^of the guest$/m, 'at the address it names');
	is(tcp_answer('192.0.2.1', 8080, $ask), undef, 'not on an address that was not published');
	is(tcp_answer('127.0.0.1', 8081, $ask), undef, 'nor there');
	my $h = command(['run', '--root=builtin', '--net=user', '--publish=8080:80', '--', 'true']);
	is($h->{ended}, 2, 'a port in use');
	is($h->err, "kernelet: --publish=8080:80: port 8080 of 127.0.0.1 is in use\n", 'is named');
	$h->clean('a port in use');
	$g->close_stdin;
	is($g->finish, 0, 'published: exit status');
	$g->clean('published');
}
{
	# UDP: what comes is answered, and the port is a way to nothing else
	my $guest = <<'END';
use Socket;
my $port = 53;
fork || ++$port && fork || ++$port;
socket my $s, AF_INET, SOCK_DGRAM, 0 or die;
bind $s, pack_sockaddr_in($port, INADDR_ANY) or die "bind: $!";
$| = 1;
print "up $port\n";
while (my $from = recv $s, my $text, 9000, 0) {
	my ($port, $address) = unpack_sockaddr_in($from);
	send $s, inet_ntoa($address) . " $text", 0, $from;
	next unless $text =~ /^try (\d+)/;
	send $s, 'INTRUDER', 0, pack_sockaddr_in($1, inet_aton($_))
		for qw(10.0.2.2 127.0.0.1 0.0.0.0 10.0.2.3 10.0.2.77 10.0.2.255 255.255.255.255);
	socket my $other, AF_INET, SOCK_DGRAM, 0 or die;
	send $other, 'INTRUDER', 0, $from;
	send $s, 'tried', 0, $from;
}
END
	my $g = kernelet(['run', '--root-user', '--net=user', '--publish=127.0.0.1:15300:53/udp',
		'--publish=192.0.2.1:15301:54/udp', '--publish=0.0.0.0:15302:55/udp',
		'--', 'perl', '-e', $guest], time => 120);
	ok($g->expect(qr/(?:up 5\d\n.*){3}/s, 30), 'published UDP: the guest is up') or diag($g->err);
	my $client = sub {
		my ($to, $port) = @_;
		return IO::Socket::INET->new(Proto => 'udp', PeerAddr => $to, PeerPort => $port) // die $@;
	};
	my $answer = sub {
		my ($s) = @_;
		my $bits = '';
		vec($bits, fileno $s, 1) = 1;
		return 'none' unless select $bits, undef, undef, 10;
		my $text;
		return defined recv($s, $text, 9000, 0) ? $text : "$!";
	};
	my @s = map { $client->('127.0.0.1', 15300) } 1 .. 2;
	for my $round (1 .. 3) {
		for my $i (0, 1) {
			send $s[$i], "round $round of $i", 0;
			is($answer->($s[$i]), "10.0.2.2 round $round of $i", "published UDP: client $i is answered, $round");
		}
	}
	# both at once: whose answer is whose
	send $s[$_], "at once $_", 0 for 0, 1;
	is($answer->($s[$_]), "10.0.2.2 at once $_", "published UDP: client $_ gets its own answer") for 0, 1;
	my $long = 'x' x 8000;
	send $s[0], $long, 0;
	is($answer->($s[0]), "10.0.2.2 $long", 'published UDP: a long one');
	my $s = $client->('192.0.2.1', 15301);
	send $s, 'hello', 0;
	like($answer->($s), qr/^[\d.]+ hello$/, 'published UDP: on another address of the host');
	for my $to ('127.0.0.1', '192.0.2.1') {
		$s = $client->($to, 15302);
		send $s, 'hello', 0;
		like($answer->($s), qr/^[\d.]+ hello$/, "published UDP: on all, at $to");
	}
	my $victim = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '0.0.0.0', LocalPort => 15399) // die $@;
	send $s[0], 'try 15399', 0;
	is($answer->($s[0]), '10.0.2.2 try 15399', 'published UDP: the guest tries others');
	is($answer->($s[0]), 'tried', 'and has, and not by another port of its own');
	# what was sent before that answer would have come before it
	my $got;
	is(recv($victim, $got, 9000, MSG_DONTWAIT), undef, 'published UDP: no way to other ports')
		or diag($got);
	$g->close_stdin;
	kill TERM => $g->pid;
	$g->finish;
	$g->clean('published UDP');
}
{
	# $BYTES each way, with checksums: in by a published port, out to the world
	my $g = kernelet(['run', '--root=builtin', "--share=$BUILD/tests/lib:/t", '--net', '--publish=7001:7001', '--', 'sh', '-c',
		"echo up; /t/tcp take 7001 | md5sum; head -c $BYTES /dev/zero | /t/tcp give 192.0.2.1 7002"],
		time => 300);
	my $zeros = md5_of("head -c $BYTES /dev/zero");
	my $sum = scratch() . '/sum';
	my $pid = background('sh', '-c', "$tcp take 7002 | md5sum >$sum");
	my $start = time;

	ok($g->expect(qr/up\n/, 30), 'transfers: the guest is up');
	sleep 0.3;
	system("head -c $BYTES /dev/zero | $tcp give 127.0.0.1 7001");
	ok($g->expect(qr/^\Q$zeros\E  -$/m, 120), "user mode: $BYTES bytes to the guest");
	diag(sprintf 'user mode: %.1f s to the guest', time - $start);
	$start = time;
	$g->close_stdin;
	is($g->finish, 0, 'transfers: exit status');
	waitpid $pid, 0;
	like(slurp($sum), qr/^$zeros/, "user mode: $BYTES bytes from the guest");
	diag(sprintf 'user mode: %.1f s from the guest', time - $start);
	$g->clean('transfers');
}

# ---- its pump is killed ------------------------------------------------------

{
	my $g = kernelet(['run', '--root=builtin', '--net', '--publish=8090:80', '--publish=8091:80', '--', 'sh', '-c',
		'echo up; while read line; do eval "$line"; echo "-- $?"; done']);
	ok($g->expect(qr/up\n/, 30), 'a pump: the guest is up');
	$g->send("$get 192.0.2.1 8001\n");
	ok($g->expect(qr/of the world\n-- 0/, 20), 'the world is there');
	my %all = processes_below($g->pid);
	my ($pump) = grep { $all{$_} eq 'kernelet-pump' } keys %all;
	ok($pump, 'there is a pump') or diag(join ' ', %all);
	my $status = slurp("/proc/$pump/status");
	like($status, qr/^CapPrm:\s+0+$/m, 'without capabilities');
	like($status, qr/^NoNewPrivs:\s+1$/m, 'without new privileges');
	like($status, qr/^Seccomp:\s+2$/m, 'under a filter');
	# another one may be there before the guest's shell looks: the losses are counted
	my $wait = 'i=0; until [ $(cat /sys/class/net/eth0/%s) = %d ] || [ $i -gt 50 ]; ' .
		"do sleep 0.2; i=\$((i + 1)); done; [ \$i -le 50 ]\n";
	$g->send("echo downs \$(cat /sys/class/net/eth0/carrier_down_count)\n");
	ok($g->expect(qr/^downs \d+\n-- 0/m, 10), 'losses of the link are counted');
	my ($downs) = $g->out =~ /^downs (\d+)/m;
	# as the pump ends another program takes one of its ports
	kill STOP => $g->pid;
	kill KILL => $pump;
	my $taken;
	ok(wait_until(10, sub { $taken = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 8090,
		Listen => 1, ReuseAddr => 1) }), 'a published port is taken');
	kill CONT => $g->pid;
	$g->send(sprintf $wait, 'carrier_down_count', $downs + 1);
	ok($g->expect(qr/^-- 0/m, 20), 'the pump is killed: no link');
	$g->send(sprintf $wait, 'carrier', 1);
	ok($g->expect(qr/^-- 0/m, 20), 'and there is one again');
	$g->send("$get 192.0.2.1 8001\n");
	ok($g->expect(qr/of the world\n-- 0/, 20), 'and the world');
	$g->close_stdin;
	is($g->finish, 0, 'a pump: exit status');
	is($g->err, "kernelet: --publish=8090:80: port 8090 of 127.0.0.1 has been taken meanwhile: " .
		"it is not published now\n", 'the port that is lost is named');
	$g->clean('a pump');
}

# ---- wrong options -----------------------------------------------------------

sub refused {
	my ($pattern, @words) = @_;
	my $g = command(['run', '--root=builtin', @words, '--', 'true']);

	is($g->{ended}, 2, "@words: status 2");
	like($g->err, qr/\Akernelet: $pattern\n\z/, "@words: one line");
	$g->clean("@words");
}

refused(qr/--publish=8080:80: it needs --net=user/, '--publish=8080:80');
refused(qr/--publish=80: say .*/, '--net=user', '--publish=80');
refused(qr/--publish=x:80: x: not a port; .*/, '--net=user', '--publish=x:80');
refused(qr/--publish=\[::1\]:8080:80: IPv4 only: .*/, '--net=user', '--publish=[::1]:8080:80');
refused(qr/--publish=192.0.2.9:8080:80: 192.0.2.9: .*/, '--net=user', '--publish=192.0.2.9:8080:80');
for my $case (['8080:80', '8080:81'], ['127.0.0.1:8080:80', '0.0.0.0:8080:81'], ['0.0.0.0:8080:80', '192.0.2.1:8080:80'],
	['8080:80/udp', '8080:81/udp']) {
	my ($one, $two) = @$case;
	refused(qr/--publish=\Q$two\E: port 8080 is published by --publish=\Q$one\E already/, '--net=user',
		map { "--publish=$_" } @$case);
}
refused(qr/--publish=8081:80\/udp: UDP port 80 of the guest is published by --publish=8080:80\/udp already.*/,
	'--net=user', '--publish=8080:80/udp', '--publish=8081:80/udp');
is(run_in(['--net=user', map { "--publish=$_" } '8080:80', '8081:80', '8080:80/udp', '192.0.2.1:8080:80'],
	['true'])->{ended}, 0, 'what is not the same can be published');
refused(qr/--net=user,mtu=9001: mtu=9001: --net=user takes up to 9000/, '--net=user,mtu=9001');
refused(qr/--net=user,ip=10.0.2.9\/24: ip=: not with user, .*/, '--net=user,ip=10.0.2.9/24');
refused(qr/--net=user,gw=10.0.2.9: gw=: not with user, .*/, '--net=user,gw=10.0.2.9');
refused(qr/--host-loopback: it needs --net=user/, '--host-loopback');

done_testing();
