#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# TAP devices that the launcher makes: with CAP_NET_ADMIN, which it gives up then,
# and in namespaces of its own; and what is refused.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Net;
use Guest;
use Launcher;
use Test::More;

# what the host allows is not ours to install
-w '/dev/net/tun' or plan(skip_all => 'no /dev/net/tun that may be opened here');

my $CAP_NET_ADMIN = 12;
my $BYTES = 1 << 23;
my $tcp = "$BUILD/tests/lib/tcp";
my $got = scratch() . '/got';

-x $tcp or BAIL_OUT("no $tcp: make -C tests");

# A guest whose eth0 has an address in 10.9.0.0/24. When it has read a line it sends
# zeros to the host.
sub tap_guest {
	my ($name, $net, %o) = @_;
	my $g = kernelet(['run', '--root=builtin', '--root-user', '--cpus=2', '--name=tapped',
		"--share=$BUILD/tests/lib:/t", "--net=$net,ip=10.9.0.2/24", '--', 'sh', '-c',
		'ping -c 2 -i 0.2 -W 5 10.9.0.1 >/dev/null && echo pinged; ' .
		'ls -d /sys/class/net/eth0/queues/rx-* | wc -l; echo up; read line; ' .
		"head -c $BYTES /dev/zero | /t/tcp give 10.9.0.1 7001 && exit 3"], time => 120, %o);

	ok($g->expect(qr/^up\n/m, 60), "$name: the guest is up") or diag($g->err);
	is($g->out, "pinged\n2\nup\n", "$name: it reaches the host, and has two queues");
	return $g;
}

# Its zeros, to what is started by a command; and its end.
sub tap_end {
	my ($name, $g, @enter) = @_;
	my $pid = background('sh', '-c', 'exec "$@" >' . spew($got, ''), 'sh', @enter, $tcp, 'take', 7001);

	$g->send("go\n");
	is($g->finish, 3, "$name: exit status") or diag($g->err);
	wait_background($pid, 10);
	ok(slurp($got) eq "\0" x $BYTES, "$name: $BYTES bytes from the guest");
	$g->clean($name);
}

sub has_interface {
	return system("ip link show dev $_[0] >/dev/null 2>&1") == 0;
}

# The sets of capabilities of a process that hold one.
sub sets_with {
	my ($cap, $pid) = @_;
	my $status = slurp("/proc/$pid/status") // '';

	return grep { $status =~ /^Cap$_:\s*[0-9a-f]{8}([0-9a-f]{8})/m && hex($1) >> $cap & 1 } qw(Inh Prm Eff Amb);
}

# ---- with CAP_NET_ADMIN --------------------------------------------------------

{
	my $g = tap_guest('CAP_NET_ADMIN', 'tap:kt1,host=10.9.0.1/24', caps => '+net_admin');

	ok(has_interface('kt1'), 'an interface was made');
	is(system('ping -q -c 2 -i 0.1 -W 5 10.9.0.2 >/dev/null'), 0, 'the host reaches the guest');
	my %all = ($g->pid => 'kernelet', processes_below($g->pid));
	my @with = map { my $pid = $_; map { "$all{$pid}: $_" } sets_with($CAP_NET_ADMIN, $pid) } keys %all;
	is("@with", '', 'no process has the capability any more');
	cmp_ok(scalar keys %all, '>=', 4, 'of several');
	tap_end('CAP_NET_ADMIN', $g);
	ok(!has_interface('kt1'), 'the interface is gone with the guest');
}
{
	# also when there is nothing to make
	my $g = kernelet(['run', '--root=builtin', '--', 'sh', '-c', 'echo up; read line'], caps => '+net_admin');

	ok($g->expect(qr/^up\n/m, 60), 'CAP_NET_ADMIN without --net: the guest is up');
	is(join(' ', sets_with($CAP_NET_ADMIN, $g->pid)), '', 'it is given up');
	$g->close_stdin;
	$g->finish;
	$g->clean('CAP_NET_ADMIN without --net');
}

# ---- in namespaces of its own ----------------------------------------------------

# The process that keeps them; what enters them, as the guests' user.
sub holder_of {
	my ($g) = @_;
	my %below = processes_below($g->pid);

	return grep { $below{$_} eq 'kernelet-netns' } keys %below;
}

sub enter {
	my ($pid) = @_;

	return as_user('nsenter', '-t', $pid, qw(-U -n --preserve-credentials --));
}

SKIP: {
	system(as_user('unshare', '-Urn', 'true')) == 0 or skip('no user namespaces here', 1);
	my $g = tap_guest('netns', 'tap:kt1,netns,host=10.9.0.1/24');
	my @holder = holder_of($g);

	is(scalar @holder, 1, 'a process keeps its namespaces');
	my @enter = enter(@holder);
	ok(!has_interface('kt1'), 'the interface is not in ours');
	is(system(@enter, qw(ip link show dev kt1)), 0, 'but in its own');
	is(system("@enter ping -q -c 2 -i 0.1 -W 5 10.9.0.2 >/dev/null"), 0, 'from where the guest is reached');
	isnt(system('ping -q -c 1 -W 1 10.9.0.2 >/dev/null 2>&1'), 0, 'and from nowhere else');
	tap_end('netns', $g, @enter);

	# two guests do not meet, by one name and one address
	my @g = map { kernelet(['run', '--root=builtin', '--root-user', "--name=$_", '--net=tap:kt1,netns,host=fd09::1/64,ip=fd09::2/64',
		'--', 'sh', '-c', 'until ping -6 -c 1 -W 1 fd09::1 >/dev/null 2>&1; do sleep 0.1; done; echo up; read line'])
		} qw(one two);
	ok($_->expect(qr/^up\n/m, 60), 'two at a time, by IPv6') or diag($_->err) for @g;
	isnt(readlink('/proc/' . (holder_of($g[0]))[0] . '/ns/net'), readlink('/proc/' . (holder_of($g[1]))[0] . '/ns/net'),
		'each has its own');
	# killed
	my ($pid) = holder_of($g[0]);
	kill KILL => $g[0]->pid;
	is($g[0]->finish, 137, 'one is killed');
	ok(wait_until(10, sub { !-e "/proc/$pid/ns" || !readlink "/proc/$pid/ns/net" }), 'its namespaces end with it');
	$g[1]->send("go\n");
	is($g[1]->finish, 0, 'the other goes on') or diag($g[1]->err);
	$_->clean('two with namespaces') for @g;
}

# ---- what is refused --------------------------------------------------------------

sub refused {
	my ($pattern, $net, %o) = @_;
	my $name = "$net " . ($o{name} // '');
	my $g = run_in(["--net=$net"], ['true'], %o);

	is($g->{ended}, 2, "$name: status 2");
	like($g->err, qr/\Akernelet: --net=$net: $pattern\n\z/, "$name: one line");
	$g->clean($name);
}

refused('the host refuses user namespaces; leave out netns', 'tap:kt1,netns',
	launcher => [user_file("$BUILD/tests/lib/refuse"), 'unshare'], name => 'where unshare(2) is refused');
refused('host=10.9.0.1/2x: .*', 'tap:kt1,host=10.9.0.1/2x');
refused('host=10.9.0.1: .*', 'tap:kt1,netns,host=10.9.0.1');
{
	my $g = run_in(['--net=user,netns'], ['true']);

	is($g->{ended}, 2, 'netns without tap: status 2');
	like($g->err, qr/\Akernelet: --net=user,netns: [^\n]*\n\z/, 'one line');
}

SKIP: {
	skip 'not root: the guests have what we have', 10 if $>;
	my ($uid) = (stat scratch())[4];

	refused("no permission; as root: ip tuntap add dev kt3 mode tap user $uid", 'tap:kt3');
	sh_ok('ip tuntap add dev kt3 mode tap user root');
	refused("kt3 is another user's; take one of another name", 'tap:kt3');
	tap('kt4');
	refused('host=: no permission; as root: ip addr add 10.9.4.1/24 dev kt4',
		'tap:kt4,host=10.9.4.1/24');
	# nodes of our own, in our mount namespace
	my $node = scratch() . '/tun';
	sh_ok("mknod -m 600 $node c 10 200 && mount --bind $node /dev/net/tun");
	refused('no permission for /dev/net/tun; as root: chmod 666 /dev/net/tun', "tap:kt1$_")
		for '', ',netns';
	sh_ok('mount -t tmpfs none /dev/net');
	refused('there is no /dev/net/tun here; as root: modprobe tun', "tap:kt1$_") for '', ',netns';
	sh_ok('umount /dev/net && umount /dev/net/tun');
}

done_testing();
