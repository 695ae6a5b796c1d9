#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Guests among themselves: --net switch:NAME, a switch of VDE, interfaces that are
# added and removed, captures, shaping.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Net;
use Guest;
use Launcher;
use POSIX ();
use Socket;
use Test::More;
use Time::HiRes qw(sleep time);

my $BYTES = $ENV{NET_BYTES} // 1 << 27;
my $tcp = "$BUILD/tests/lib/tcp";

-x $tcp or BAIL_OUT("no $tcp: make -C tests");
my $SHELL = 'echo up; while read -r line; do eval "$line"; echo "-- $?"; done';

# A guest in which a shell reads, at $address.
sub member {
	my ($name, $net, $address, @options) = @_;
	my $g = kernelet(['run', '--root=builtin', '--root-user', "--name=$name", "--share=$BUILD/tests/lib:/t",
		"--net=$net" . ($address ? ",ip=$address/24" : ''), @options, '--', 'sh', '-c', $SHELL],
		time => 240);

	ok($g->expect(qr/up\n/, 30), "$name is up") or diag($g->err);
	return $g;
}

sub ask {
	my ($g, $line, $secs) = @_;
	my $from = length $g->out;

	$g->send("$line\n");
	$g->expect(qr/^-- \d+\n/m, $secs // 30) or return (-1, '');
	my ($out, $status) = substr($g->out, $from) =~ /\A(.*?)-- (\d+)\n/s;
	return ($status, $out);
}

sub status_in { return (ask(@_))[0] }

# 0 when the guest's link is, or gets within some seconds, as it is $wanted.
sub carrier_in {
	my ($g, $wanted) = @_;

	return status_in($g, "i=0; until grep -q $wanted /sys/class/net/eth0/carrier || " .
		'[ $i -gt 50 ]; do sleep 0.2; i=$((i + 1)); done; [ $i -le 50 ]');
}

sub leave {
	my ($g, $name) = @_;

	$g->close_stdin;
	is($g->finish, 0, "$name: exit status") or diag($g->err);
	# the switch is not one guest's: other processes are looked for at the end
	is(join("\n", $g->complaints), '', "$name: log clean");
}

sub transfer {
	my ($from, $to, $address, $name, $bytes) = @_;
	my $zeros = md5_of("head -c $bytes /dev/zero");
	my $start = time;

	$to->send("/t/tcp take 7001 | md5sum\n");
	sleep 0.3;
	is(status_in($from, "head -c $bytes /dev/zero | /t/tcp give $address 7001", 120), 0,
		"$name: $bytes bytes are sent");
	ok($to->expect(qr/^\Q$zeros\E  -\n-- 0\n/m, 120), "$name: and arrive");
	diag(sprintf '%s: %.1f s', $name, time - $start);
}

# ---- our own switch ----------------------------------------------------------

my $switches = scratch() . '/kernelet/.switch';
{
	my @g = map { member("m$_", 'switch:lab', "10.8.0.$_") } 1 .. 2;

	is(status_in($g[0], 'ping -c 2 -i 0.2 -W 2 10.8.0.2'), 0, 'two guests: ping');
	transfer($g[0], $g[1], '10.8.0.2', 'two guests', $BYTES);
	push @g, map { member("m$_", 'switch:lab', "10.8.0.$_") } 3 .. 4;
	for my $i (1 .. 4) {
		my $all = join ' && ', map { "ping -c 1 -W 2 10.8.0.$_" } grep { $_ != $i } 1 .. 4;

		is(status_in($g[$i - 1], $all), 0, "four guests: $i sees the others");
	}
	my $other = member('alien', 'switch:other', '10.8.0.9');
	isnt(status_in($g[0], 'ping -c 1 -W 1 10.8.0.9'), 0, 'another switch is another network');
	leave($other, 'another switch');
	# one is killed, the others go on
	kill KILL => $g[3]->pid;
	$g[3]->finish;
	is(status_in($g[0], 'ping -c 1 -W 2 10.8.0.2'), 0, 'one is killed: the others go on');
	# the switch is killed
	my ($pid) = grep { (slurp("/proc/$_/comm") // '') eq "kernelet-switch\n" &&
		(slurp("/proc/$_/cmdline") // '') =~ /\0\Q$switches\E\/lab\0/ }
		map { m{(\d+)$} } glob '/proc/[0-9]*';
	ok($pid, 'there is a switch');
	like(slurp("/proc/$pid/status"), qr/^CapPrm:\s+0+\n(?s:.*)^Seccomp:\s+2$/m, 'which is confined');
	kill KILL => $pid;
	is(status_in($g[0], 'for i in 1 2 3 4 5 6 7 8 9 10; do ping -c 1 -W 1 10.8.0.2 && break; done'), 0,
		'the switch is killed: another one takes over');
	leave($g[$_], 'm' . ($_ + 1)) for 0 .. 2;
	ok(wait_until(5, sub { !-e "$switches/lab" && !-e "$switches/.lab.lock" }),
		'the last one ends the switch, and nothing of it is left');
}
{
	# Switches of one name begin and end while others come.
	my ($status, $out) = run_user('sh', '-c', "export XDG_RUNTIME_DIR=$ENV{XDG_RUNTIME_DIR}; " .
		'for i in 1 2 3 4; do { for j in 1 2 3 4 5 6; do ' .
		"$KERNELET run --root=builtin --memory=64M --net=switch:busy -- true || echo \$?; done; } & done; wait");

	is("$status $out", '0 ', 'a switch that ends takes nobody along');
	ok(wait_until(5, sub { !glob "$switches/busy*" }), 'and leaves nothing');
}

# ---- UDP -----------------------------------------------------------------------

{
	# the host's root, for its perl; datagrams of all lengths up to what takes fragments
	my $run = sub {
		my ($address, $script) = @_;
		return kernelet(['run', '--root-user', "--net=switch:udp,ip=$address/24", '--', 'perl', '-MSocket', '-e',
			"socket S, AF_INET, SOCK_DGRAM, 0 or die; $script"], time => 120);
	};
	my $echo = $run->('10.8.9.1', 'bind S, pack_sockaddr_in(7, INADDR_ANY) or die; $| = 1; print "up\n"; ' .
		'while (my $from = recv S, $_, 65535, 0) { send S, reverse($_), 0, $from; last if $_ eq "end" }');
	ok($echo->expect(qr/up\n/, 30), 'UDP: a server is up') or diag($echo->err);
	my $asks = $run->('10.8.9.2', '$SIG{ALRM} = sub { die "no answer" }; alarm 60; ' .
		'for my $n (0, 1, 17, 1471, 1472, 1473, 9000, 65507) { my $data = join "", map { chr rand 256 } 1 .. $n; ' .
		'send S, $data, 0, pack_sockaddr_in(7, inet_aton("10.8.9.1")); recv S, my $got, 65535, 0; ' .
		'print "$n ", $got eq reverse($data) ? "right" : "wrong", "\n" } ' .
		'send S, "end", 0, pack_sockaddr_in(7, inet_aton("10.8.9.1"));');
	is($asks->finish, 0, 'UDP: who asks: exit status') or diag($asks->err);
	is($asks->out, join('', map { "$_ right\n" } 0, 1, 17, 1471, 1472, 1473, 9000, 65507), 'UDP: all comes back');
	is($echo->finish, 0, 'UDP: the server: exit status');
}

# ---- both families -----------------------------------------------------------

{
	my $far = member('far', 'switch:both,ip=10.8.7.1/24,ip=fd08:7::1/64', '');
	my $g = member('near', 'switch:both,ip=fd08:7::2/64,gw=10.8.7.1,dns=10.8.7.1,gw=fd08:7::1,ip=10.8.7.2/24,dns=fd08:7::1', '');
	my (undef, $out) = ask($g, 'ip -o addr show eth0; ip route; ip -6 route; cat /etc/resolv.conf');

	like($out, qr{inet 10\.8\.7\.2/24}, 'both: an address of IPv4');
	like($out, qr{inet6 fd08:7::2/64}, 'and one of IPv6');
	like($out, qr/^default via 10\.8\.7\.1 dev eth0/m, 'a gateway of IPv4');
	like($out, qr/^default via fd08:7::1 dev eth0/m, 'and one of IPv6');
	like($out, qr/^nameserver 10\.8\.7\.1\nnameserver fd08:7::1\n/m, 'name servers, as they were written');
	is(status_in($far, 'ip addr add 192.0.2.77/32 dev lo && ip addr add 2001:db8::77/128 dev lo'), 0, 'what is beyond');
	is(status_in($g, 'ping -c 1 -W 2 10.8.7.1'), 0, 'ping by IPv4');
	is(status_in($g, 'ping -6 -c 1 -W 2 fd08:7::1'), 0, 'ping by IPv6');
	is(status_in($g, 'ping -c 1 -W 2 192.0.2.77'), 0, 'beyond the gateway, by IPv4');
	is(status_in($g, 'ping -6 -c 1 -W 2 2001:db8::77'), 0, 'beyond the gateway, by IPv6');
	# (it is kept in memory)
	my $bytes = $BYTES >> 2;
	my $zeros = md5_of("head -c $bytes /dev/zero");
	is(status_in($far, "head -c $bytes /dev/zero >/tmp/zeros && httpd -p '[fd08:7::1]:8001' -h /tmp"), 0, 'a server of IPv6');
	(undef, $out) = ask($g, 'printf "GET /zeros HTTP/1.0\r\n\r\n" | nc fd08:7::1 8001 | ' .
		"tail -c $bytes | md5sum", 120);
	is($out, "$zeros  -\n", "IPv6: $bytes bytes");
	leave($g, 'near');
	leave($far, 'far');
}

# ---- DHCP, shaping -----------------------------------------------------------

{
	my $server = member('server', 'switch:dhcp', '10.8.1.1');
	my $client = member('client', 'switch:dhcp', '');

	ask($server, 'mkdir -p /var/lib/misc /tmp; touch /var/lib/misc/udhcpd.leases; ' .
		'printf "start 10.8.1.50\nend 10.8.1.60\ninterface eth0\noption subnet 255.255.255.0\n' .
		'lease_file /tmp/leases\npidfile /tmp/pid\n" >/tmp/udhcpd.conf; udhcpd /tmp/udhcpd.conf 2>/dev/null');
	my (undef, $out) = ask($client, 'printf "#!/bin/sh\n[ \$1 = bound ] && ifconfig eth0 \$ip ' .
		'netmask \$subnet && echo got \$ip\n" >/tmp/s; chmod +x /tmp/s; ' .
		'udhcpc -q -n -t 5 -i eth0 -s /tmp/s 2>/dev/null; true');
	like($out, qr/^got 10\.8\.1\.5\d$/m, 'DHCP from a server on the switch');
	is(status_in($client, 'ping -c 1 -W 2 10.8.1.1'), 0, 'and the address works');
	leave($_->[0], $_->[1]) for [$server, 'DHCP server'], [$client, 'DHCP client'];
}
SKIP: {
	my $tc = program('tc') // skip('no tc here', 1);
	my $run = sub {
		my ($shape, $ping) = @_;
		my $g = command(['run', '--root-user', '--net=user', '--', 'sh', '-c',
			# the neighbour is found first: ARP is not what is measured
			'busybox ping -q -c 1 10.0.2.2 >/dev/null && ' .
			"$tc qdisc add dev eth0 root netem $shape && busybox ping $ping 10.0.2.2"], time => 90);

		$g->clean("netem $shape");
		return $g->out;
	};
	have_slirp() or skip('no slirp:// here', 1);
	my ($least) = $run->('delay 60ms', '-c 5 -i 0.2') =~ m{min/avg/max = ([\d.]+)/};
	cmp_ok($least // 0, '>=', 60, 'netem: delay');
	my ($loss) = $run->('loss 40%', '-c 200 -i 0.01 -W 1') =~ /(\d+)% packet loss/;
	ok(defined $loss && $loss > 20 && $loss < 60, 'netem: loss') or diag($loss // 'none');
}

# ---- captures ----------------------------------------------------------------

{
	my $file = spew(scratch() . '/before', "before\n");

	chmod 0666, $file;
	for my $words (["--pcap=$file"], ["--pcap=$file.new"]) {
		my $g = command(['run', '--root=builtin', '--dry-run', '--net=user', @$words, '--', 'true']);

		is($g->{ended}, 0, 'a dry run with --pcap') or diag($g->err);
		like($g->out, qr/,pcap=fd:\d+/, 'shows it');
	}
	is(slurp($file), "before\n", 'and leaves the file');
	ok(!-e "$file.new", 'or makes none');
	my $g = command(['run', '--root=builtin', '--dry-run', "--vsock=$file.sock", '--net=tap:nosuch9',
		'--cpus=2', '--', 'true']);
	is($g->{ended}, 0, 'a dry run with a TAP device and virtual sockets') or diag($g->err);
	like($g->out, qr/net0=fd:\d+,fd:\d+,.*vsock=fd:/s, 'shows them');
	ok(!-e "$file.sock", 'and makes neither');
}
{
	my $file = scratch() . '/one';
	POSIX::mkfifo("$file.pipe", 0666);
	my $h = command(['run', '--root=builtin', '--net=switch:a', "--pcap=$file.pipe", '--', 'true']);
	is("$h->{ended} " . $h->err, "2 kernelet: --pcap=$file.pipe: a pipe: say a file, which tail -c +1 -f can give to a reader\n",
		'a capture to a pipe');
	my $g = member('full', 'switch:full', '10.8.8.1', '--pcap=/dev/full');
	is(scalar(() = (ask($g, 'ping -c 3 -i 0.1 -W 1 10.8.8.2 >/dev/null; dmesg'))[1] =~
		/eth0: the capture ends: its file takes no more \(-28\)/g), 1, 'a full disk is said once');
	$g->close_stdin;
	is($g->finish, 0, 'a full disk: exit status');
	spew("$file.1", '');
	chmod 0666, "$file.1";
	symlink "$file.1", "$file.2";
	for my $two ("$file.1", "$file.2", '/dev/../' . "$file.1") {
		$h = command(['run', '--root=builtin', '--net=switch:a', '--net=switch:b', "--pcap=0:$file.1",
			"--pcap=1:$two", '--', 'true']);
		is("$h->{ended} " . $h->err, "2 kernelet: --pcap=$two: it is the file for eth0 already\n", 'one file for two');
	}
}
SKIP: {
	my $tcpdump = program('tcpdump') // skip('no tcpdump here', 1);
	my $file = scratch() . '/capture';
	my $other = member('pinged', 'switch:pcap', '10.8.2.2');
	my $g = member('pinging', 'switch:pcap', '10.8.2.1', "--pcap=$file");

	is(status_in($g, 'ping -c 7 -i 0.1 -W 2 10.8.2.2'), 0, 'a capture: pings');
	leave($g, 'a capture');
	leave($other, 'its other side');
	my $out = `$tcpdump -nr $file icmp 2>/dev/null`;
	is(scalar(() = $out =~ /ICMP echo request/g), 7, 'tcpdump finds the requests');
	is(scalar(() = $out =~ /ICMP echo reply/g), 7, 'and the replies');
}

# ---- a switch of VDE ---------------------------------------------------------

SKIP: {
	my $vde = program('vde_switch') // skip('no vde_switch here', 1);
	my $ctl = scratch() . '/vde.ctl';
	my $start = sub {
		my $pid = background(as_user($vde, '-s', $ctl, '-x', '-m', '666'));
		ok(wait_until(5, sub { -S "$ctl/ctl" }), 'a switch of VDE');
		return $pid;
	};
	my $switch = $start->();
	my $a = member('va', "vde:$ctl", '10.8.3.1');
	my $b = member('vb', "vde:vde://$ctl", '10.8.3.2');

	is(status_in($a, 'ping -c 2 -i 0.2 -W 2 10.8.3.2'), 0, 'VDE: ping');
	transfer($a, $b, '10.8.3.2', 'VDE', $BYTES >> 2);
	my $c = member('vc', "vde:$ctl", '10.8.3.3');
	is(status_in($c, 'ping -c 1 -W 2 10.8.3.1'), 0, 'VDE: one joins');
	leave($c, 'VDE: one leaves');
	is(status_in($b, 'ping -c 1 -W 2 10.8.3.1'), 0, 'VDE: the others stay');
	# a pump is killed; another one may be there before the guest looks: the losses are counted
	my $downs = (ask($a, 'cat /sys/class/net/eth0/carrier_down_count'))[1] + 1;
	my %all = processes_below($a->pid);
	my ($pump) = grep { $all{$_} eq 'kernelet-pump' } keys %all;
	ok($pump, 'VDE: there is a pump') and kill KILL => $pump;
	is(status_in($a, "i=0; until [ \$(cat /sys/class/net/eth0/carrier_down_count) = $downs ] || [ \$i -gt 50 ]; " .
		'do sleep 0.2; i=$((i + 1)); done; [ $i -le 50 ]'), 0, 'VDE: the pump is killed: no link');
	is(carrier_in($a, 1), 0, 'VDE: there is one again');
	is(status_in($a, 'ping -c 1 -W 2 10.8.3.2'), 0, 'VDE: and it works, too');
	# the switch dies and comes back
	stop_background($switch);
	is(carrier_in($a, 0), 0, 'VDE: the switch is killed: no link');
	unlink "$ctl/ctl";
	$switch = $start->();
	is(carrier_in($_, 1), 0, 'VDE: there is one again') for $a, $b;
	is(status_in($a, 'ping -c 1 -W 2 10.8.3.2'), 0, 'VDE: and it works');
	# interfaces are added under traffic; a vde_switch drops what comes while ten frames wait
	# for a pump that the host lets wait
	$a->send("ping -q -i 0.05 -c 100 10.8.3.2\n");
	for (1 .. 3) {
		my $h = command(['net', 'vb', 'add', "vde:$ctl,ip=10.8.4.2/24"]);
		is($h->out, "eth1\n", 'an interface is added') or diag($h->err);
		$h->clean('net add');
		is(status_in($b, 'ip addr show eth1 | grep 10.8.4.2'), 0, 'and set up');
		like(command(['net', 'vb'])->out, qr/^eth0 .*\neth1 .*vde:/, 'listed');
		$h = command(['net', 'vb', 'remove', 'eth1']);
		is($h->{ended}, 0, 'and removed');
		$h->clean('net remove');
		is(status_in($b, 'for i in 1 2 3 4 5; do [ -e /sys/class/net/eth1 ] || break; sleep 0.2; done; ' .
			'[ ! -e /sys/class/net/eth1 ]'), 0, 'it is gone');
	}
	ok($a->expect(qr/^100 packets transmitted, \d+ packets received, [0-2]% packet loss/m, 30),
		'under traffic, which does not suffer');
	$a->expect(qr/^-- 0\n/m, 5);
	# one on a switch of ours, with offloads
	my $h = command(['net', 'va', 'add', 'switch:hot,ip=10.8.5.1/24']);
	is($h->out, "eth1\n", 'on our switch') or diag($h->err);
	my $d = member('vd', 'switch:hot', '10.8.5.2');
	is(status_in($a, 'ping -c 1 -W 2 10.8.5.2'), 0, 'which works too');
	transfer($a, $d, '10.8.5.2', 'added later', $BYTES >> 2);
	leave($_->[0], $_->[1]) for [$d, 'vd'], [$a, 'va'], [$b, 'vb'];
	stop_background($switch);
}

# ---- what cannot be added ----------------------------------------------------

# What a launcher answers to a request that is sent to it as it is.
sub request {
	my ($name, $text) = @_;

	socket my $s, AF_UNIX, SOCK_SEQPACKET, 0 or die "socket: $!";
	connect $s, pack_sockaddr_un(scratch() . "/kernelet/$name/control") or return "no connection: $!";
	send $s, $text, 0;
	recv $s, my $answer, 4096, 0;
	return $answer // '';
}

{
	my $g = member('steady', 'switch:steady', '10.8.6.1');

	is(request('steady', 'net add user,mtu=20000'),
		'---net=user,mtu=20000: mtu=20000: --net=user takes up to 9000', 'an MTU that is too large');
	like(request('steady', "net add $_"), qr/^---net=\Q$_\E: /, "$_ is refused by the launcher")
		for 'what', 'user:x', 'user,mac=x', 'user,mtu=1', 'user,ip=1', 'user,gw=x', 'switch:a/b', 'tap:a/b',
			'fd:99', 'user,what';
	my @bad = (
		['user,mtu=20000', qr/--net=user,mtu=20000: mtu=20000: --net=user takes up to 9000/],
		['vde:/nonexistent', qr/steady: --net=vde:\/nonexistent: cannot be opened: No such file or directory/],
		['vde:nosuch://x', qr/steady: --net=vde:nosuch:\/\/x: libvdeplug has no such plug-in here; .*/],
		['what', qr/--net=what: not one of .*/],
	);
	for my $case (@bad) {
		my $h = command(['net', 'steady', 'add', $case->[0]]);

		is($h->{ended}, 2, "add $case->[0]: status 2");
		like($h->err, qr/\Akernelet: $case->[1]\n\z/, "add $case->[0]: one line");
	}
	# a path is of the directory of who asks
	for my $rel ('none', 'vde://none') {
		my ($status, $out) = run_user('sh', '-c', "cd /usr/lib && XDG_RUNTIME_DIR=$ENV{XDG_RUNTIME_DIR} " .
			"$KERNELET net steady add vde:$rel,ip=10.8.6.9/24 2>&1");
		my $whole = $rel =~ s{none}{/usr/lib/none}r;
		is("$status $out", "2 kernelet: steady: --net=vde:$whole,ip=10.8.6.9/24: cannot be opened: " .
			"No such file or directory\n", "add vde:$rel");
	}
	# a descriptor that who asks has, and the launcher has not
	my ($status, $out) = run_user('bash', '-c',
		"XDG_RUNTIME_DIR=$ENV{XDG_RUNTIME_DIR} $KERNELET net steady add fd:99 99</dev/null");
	is("$status $out", "2 kernelet: steady: --net=fd:99: that descriptor is not open\n", 'add fd:99');
	# no place for the sockets of switches
	rename $switches, "$switches.away" or die "$switches: $!";
	spew($switches, '');
	my $h = command(['net', 'steady', 'add', 'switch:none']);
	is("$h->{ended} " . $h->err, "2 kernelet: steady: --net=switch:none: the switch cannot be started\n",
		'add without a directory for switches');
	unlink $switches;
	rename "$switches.away", $switches or die "$switches: $!";
	$h = command(['net', 'steady', 'add', 'switch:other']);
	is($h->out, "eth1\n", 'after all that the guest lives, and takes one that is right') or diag($h->err);
	is(status_in($g, 'ip addr show eth1'), 0, 'which it has');
	leave($g, 'steady');
}

# ---- wrong options -----------------------------------------------------------

sub refused {
	my ($pattern, @words) = @_;
	my $g = command(['run', '--root=builtin', @words, '--', 'true']);

	is($g->{ended}, 2, "@words: status 2");
	like($g->err, qr/\Akernelet: $pattern\n\z/, "@words: one line");
	$g->clean("@words");
}

refused(qr/--net=vde:\/nonexistent: cannot be opened: No such file or directory/, '--net=vde:/nonexistent');
refused(qr/--net=vde:nosuch:\/\/x: libvdeplug has no such plug-in here; .*/, '--net=vde:nosuch://x');
refused(qr/--net=vde: say for example .*/, '--net=vde');

done_testing();
