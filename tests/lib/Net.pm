# SPDX-License-Identifier: GPL-2.0-only
#
# Networks for the tests: a network namespace of the test's own, in which there
# are its TAP devices, its addresses and its loopback, and nothing of the host's.
#
# To be used before Guest: the test starts itself again in the namespace. As root
# it is a network and a mount namespace, so that /dev/net/tun can be one that the
# guests' user may open; else also a user namespace, with its capabilities kept.

package Net;

use strict;
use warnings;
use Cwd qw(realpath);
use Exporter qw(import);
use Fcntl;
use File::Temp ();
use IO::Socket::INET;
use Socket;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(program tap packet_socket frame sh_ok tcp_answer background stop_background wait_background
	have_slirp md5_of);

my $SEQPACKET = 5;

sub import_namespace {
	return if $ENV{KERNELET_TEST_NETNS};
	local $ENV{KERNELET_TEST_NETNS} = 1;
	my @how = $> == 0 ? qw(unshare -nm --) :
		qw(unshare -Unm --map-current-user --keep-caps --);
	exec @how, $^X, $0, @ARGV or
		print "1..0 # SKIP no network namespace here: $!\n";
	exit 0;
}

# A program of the host: its path, or undef.
sub program {
	my ($name) = @_;

	for my $dir (split(/:/, $ENV{PATH}), qw(/usr/sbin /sbin)) {
		return "$dir/$name" if -x "$dir/$name";
	}
	return undef;
}

sub sh_ok {
	my ($command) = @_;
	my $out = `$command 2>&1`;

	die "$command: $out" if $?;
	return $out;
}

sub set_up {
	$ENV{PATH} .= ':/usr/sbin:/sbin';
	sh_ok('ip link set lo up');
	return if $> != 0 || -e '/dev/net/tun' && ((stat _)[2] & 06) == 06;
	# a device node of the test's own, open to all
	my $dir = File::Temp::tempdir(CLEANUP => 1);
	system("mknod $dir/tun c 10 200 2>/dev/null && chmod 666 $dir/tun && " .
		"mount --bind $dir/tun /dev/net/tun 2>/dev/null");
}

# Makes a persistent TAP device of the guests' user; its options are ip(8)'s.
sub tap {
	my ($name, $address, @options) = @_;
	my $user = $> == 0 ? $ENV{TEST_USER} // 'nobody' : $>;

	sh_ok("ip tuntap add dev $name mode tap user $user @options");
	sh_ok("ip addr add $address dev $name nodad") if $address;
	sh_ok("ip link set $name up");
}

sub packet_socket {
	socketpair my $a, my $b, AF_UNIX, $SEQPACKET, 0 or die "socketpair: $!";
	setsockopt $_, SOL_SOCKET, SO_SNDBUF, 1 << 20 for $a, $b;
	return ($a, $b);
}

# An Ethernet frame.
sub frame {
	my ($to, $from, $type, $data) = @_;

	return pack('H12 H12 n', $to =~ tr/://dr, $from =~ tr/://dr, $type) . $data;
}

# Connects, sends, gives all that comes back; undef when nobody is there.
sub tcp_answer {
	my ($address, $port, $text) = @_;
	my $s = IO::Socket::INET->new(PeerAddr => $address, PeerPort => $port, Timeout => 5)
		or return undef;

	print $s $text;
	$s->shutdown(1);
	local $/;
	return scalar <$s>;
}

# Starts a program; gives its pid. Ended at the latest with the test. Its input
# is a pipe on which nothing comes: vde_switch ends at the end of its input.
our ($silence, $silent);
pipe $silence, $silent or die "pipe: $!";
sub background {
	my (@command) = @_;
	my $pid = fork // die "fork: $!";

	if (!$pid) {
		open STDIN, '<&', $silence;
		open STDOUT, '>', '/dev/null';
		open STDERR, '>&', \*STDOUT;
		exec 'setpriv', '--pdeathsig', 'KILL', '--', @command or POSIX::_exit(127);
	}
	$Guest::servers{$pid} = 1;
	return $pid;
}

sub stop_background {
	for my $pid (@_) {
		kill KILL => $pid;
		waitpid $pid, 0;
		delete $Guest::servers{$pid};
	}
}

# Waits for the end of one, and brings it about when it does not come.
sub wait_background {
	my ($pid, $secs) = @_;

	Guest::wait_until($secs, sub { waitpid $pid, POSIX::WNOHANG() }) or stop_background($pid);
	delete $Guest::servers{$pid};
}

sub have_slirp {
	return scalar glob '/usr/lib/*/vdeplug/libvdeplug_slirp.so';
}

sub md5_of {
	my ($command) = @_;
	my ($sum) = `$command | md5sum` =~ /^(\w+)/;

	return $sum;
}

import_namespace();
set_up();

END { kill KILL => keys %Guest::servers }

1;
