#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# kernelet-net pump by itself: what a guest leaves to it, checksums and
# segmentation, and the joining of a TCP stream's frames.
#
# Its plug is a socket of ours by libvdeplug's seqpacket://, on descriptor 0.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Net;
use Guest;
use Fcntl;
use POSIX ();
use Test::More;

my $PROGRAM = "$BUILD/kernelet-net";
my ($NEEDS_CSUM, $DATA_VALID) = (1, 2);
my ($TCPV4, $TCPV6, $USO, $ECN) = (1, 4, 5, 0x80);
my ($ACK, $PSH, $FIN, $CWR) = (0x10, 0x08, 0x01, 0x80);

glob '/usr/lib/*/vdeplug/libvdeplug_seqpacket.so' or
	cannot('no plug-in seqpacket:// of libvdeplug here');

# ---- the pump ----------------------------------------------------------------

my ($guest, $plug, $pid);

sub start {
	my (@words) = @_;
	my ($its_guest, $its_plug);

	($guest, $its_guest) = packet_socket();
	($plug, $its_plug) = packet_socket();
	$pid = fork // die "fork: $!";
	if (!$pid) {
		open STDIN, '<&', $its_plug or POSIX::_exit(127);
		fcntl $its_guest, F_SETFD, 0;
		exec as_user($PROGRAM, 'pump', '--fd', fileno $its_guest,
			'--url', 'seqpacket://0', '--name', 'test', @words) or POSIX::_exit(127);
	}
	$Guest::servers{$pid} = 1;
}

sub stop {
	kill KILL => $pid;
	waitpid $pid, 0;
	delete $Guest::servers{$pid};
}

$SIG{ALRM} = sub { BAIL_OUT('the pump does not answer') };

sub message {
	my ($socket) = @_;

	alarm 30;
	defined recv $socket, my $m, 1 << 17, 0 or die "recv: $!";
	alarm 0;
	return $m;
}

my $END = frame('ff:ff:ff:ff:ff:ff', '02:00:00:00:00:01', 0x9000, 'the end' . 'x' x 40);

# Everything that a socket holds up to a frame that ends it.
sub until_end {
	my ($socket, $skip) = @_;
	my @all;

	push @all, message($socket) until @all && substr($all[-1], $skip) eq $END;
	pop @all;
	return @all;
}

# What comes out at the plug of messages of the guest.
sub out {
	my @all;

	# not more at once than the sockets hold
	for (@_) {
		send $guest, $_, 0;
		send $guest, "\0" x 10 . $END, 0;
		push @all, until_end($plug, 0);
	}
	return @all;
}

# What the guest gets of frames that lie there together.
sub in {
	kill STOP => $pid;
	waitpid $pid, POSIX::WUNTRACED();
	send $plug, $_, 0 for @_, $END;
	kill CONT => $pid;
	return until_end($guest, 10);
}

# ---- packets -----------------------------------------------------------------

sub sum {
	my $sum = unpack '%32n*', $_[0] . (length($_[0]) & 1 ? "\0" : '');

	$sum = ($sum & 0xffff) + ($sum >> 16) while $sum >> 16;
	return $sum;
}

sub pseudo {
	my ($p, $len) = @_;

	return $p->{v6} ? $p->{src} . $p->{dst} . pack('NN', $len, $p->{proto}) :
		$p->{src} . $p->{dst} . pack('nn', $p->{proto}, $len);
}

# A frame; with partial its checksum is that of the pseudo header alone.
sub packet {
	my %p = (v6 => 0, vlan => 0, id => 77, ttl => 64, tos => 0, proto => 6, sport => 1000,
		dport => 2000, seq => 1, ack => 5, flags => $ACK, window => 500, options => '',
		payload => '', partial => 0, wrong => 0, frag => 0x4000, @_);

	$p{src} //= $p{v6} ? pack('H32', 'fd00' . '0' x 27 . '1') : pack('C4', 10, 0, 0, 1);
	$p{dst} //= $p{v6} ? pack('H32', 'fd00' . '0' x 27 . '2') : pack('C4', 10, 0, 0, 2);
	my $l4 = $p{proto} == 17 ?
		pack('nnnn', $p{sport}, $p{dport}, 8 + length $p{payload}, 0) :
		pack('nnNNCCnnn', $p{sport}, $p{dport}, $p{seq}, $p{ack},
			(5 + length($p{options}) / 4) << 4, $p{flags}, $p{window}, 0, 0) . $p{options};
	my $at = $p{proto} == 17 ? 6 : 16;
	my $len = length($l4) + length $p{payload};
	my $sum = sum(pseudo(\%p, $len) . ($p{partial} ? '' : $l4 . $p{payload}));
	substr $l4, $at, 2, pack 'n', ($p{partial} ? $sum : ~$sum & 0xffff || 0xffff) ^ $p{wrong};
	my $ip = $p{v6} ? pack('NnCC', 0x60000000 | $p{tos} << 20, $len, $p{proto}, $p{ttl}) :
		pack('CCnnnCCn', 0x45, $p{tos}, 20 + $len, $p{id}, $p{frag}, $p{ttl}, $p{proto}, 0);
	$ip .= $p{src} . $p{dst};
	substr $ip, 10, 2, pack 'n', ~sum($ip) & 0xffff unless $p{v6};
	my $tag = $p{vlan} ? pack('nn', 0x8100, $p{vlan}) : '';
	return pack('H12 H12', '020000000002', '020000000001') . $tag .
		pack('n', $p{v6} ? 0x86dd : 0x800) . $ip . $l4 . $p{payload};
}

sub header {
	return pack 'CCvvvv', @_;	# flags, type, hdr_len, gso_size, csum_start, csum_offset
}

# A frame that is to be segmented, as a guest's kernel gives it.
sub large {
	my ($size, %p) = @_;
	my $udp = ($p{proto} // 6) == 17;
	my $start = 14 + ($p{vlan} ? 4 : 0) + ($p{v6} ? 40 : 20);
	my $type = $udp ? $USO : ($p{v6} ? $TCPV6 : $TCPV4) | (($p{flags} // 0) & $CWR ? $ECN : 0);

	return header($NEEDS_CSUM, $type, 0, $size, $start, $udp ? 6 : 16) .
		packet(%p, partial => 1);
}

# The frames that have to come of it.
sub segments {
	my ($size, %p) = @_;
	my $all = $p{payload};
	my ($seq, $id, $flags) = ($p{seq} // 1, $p{id} // 77, $p{flags} // $ACK);
	my @all;

	for (my $at = 0; $at < length $all; $at += $size) {
		my $f = $flags;
		$f &= ~($PSH | $FIN) if $at + $size < length $all;
		$f &= ~$CWR if $at;
		push @all, packet(%p, payload => substr($all, $at, $size), flags => $f,
			seq => ($seq + $at) & 0xffffffff, id => ($id + @all) & 0xffff);
	}
	return @all;
}

sub same {
	my ($got, $want, $what) = @_;
	my $wrong = grep { ($got->[$_] // '') ne ($want->[$_] // '') } 0 .. $#$got, 0 .. $#$want;

	ok(@$got == @$want && !$wrong, $what) or diag(sprintf '%d frames, not %d, %d differ',
		scalar @$got, scalar @$want, $wrong);
}

sub bytes {
	my ($n) = @_;

	return join '', map { chr int rand 256 } 1 .. $n;
}

# ---- from a guest ------------------------------------------------------------

srand 1;
start();
is(message($guest), "\3", 'there is a link, and what a header leaves to it is done');

my $plain = packet(payload => bytes(700));
same([out("\0" x 10 . $plain)], [$plain], 'a frame with nothing left to do is as it was');

for my $odd (0, 1) {
	my %p = (payload => bytes(600 + $odd));
	same([out(header($NEEDS_CSUM, 0, 0, 0, 34, 16) . packet(%p, partial => 1))],
		[packet(%p)], "a checksum of TCP, $odd");
	$p{proto} = 17;
	same([out(header($NEEDS_CSUM, 0, 0, 0, 34, 6) . packet(%p, partial => 1))],
		[packet(%p)], "a checksum of UDP, $odd");
}
for ([1448, 65000, 'IPv4'], [1428, 65000, 'IPv6', v6 => 1], [1448, 40000, 'a VLAN', vlan => 5],
	[1428, 40000, 'a VLAN, IPv6', vlan => 5, v6 => 1], [1000, 1001, 'one byte more'],
	[1000, 3000, 'no byte more'], [1000, 900, 'just one'], [1, 64, 'bytes'],
	[1448, 20000, 'options, flags', options => bytes(12), flags => $ACK | $PSH | $FIN | $CWR],
	[1448, 20000, 'numbers that wrap', seq => 0xfffff000, id => 0xfffa],
	[8960, 65000, 'long ones'],
	[1200, 50000, 'UDP', proto => 17], [1200, 50001, 'UDP, IPv6', proto => 17, v6 => 1]) {
	my ($size, $n, $what, %p) = @$_;

	$p{payload} = bytes($n);
	same([out(large($size, %p))], [segments($size, %p)], "segments: $what");
}

# ---- what is wrong -----------------------------------------------------------

my $frame = packet(payload => bytes(3000), partial => 1);
for (['a checksum beyond the frame', $NEEDS_CSUM, 0, 0, 0, length $frame, 16],
	['its place beyond the frame', $NEEDS_CSUM, 0, 0, 0, 34, length $frame],
	['at the very end', $NEEDS_CSUM, 0, 0, 0, length($frame) - 1, 0],
	['no size', $NEEDS_CSUM, $TCPV4, 0, 0, 34, 16],
	['no checksum', 0, $TCPV4, 0, 1448, 34, 16],
	['an unknown type', $NEEDS_CSUM, 3, 0, 1448, 34, 16],
	['a transport header before the network\'s end', $NEEDS_CSUM, $TCPV4, 0, 1448, 30, 16],
	['one beyond the frame', $NEEDS_CSUM, $TCPV4, 0, 1448, length($frame) - 10, 16],
	['headers too long', $NEEDS_CSUM, $TCPV4, 0, 1448, 400, 16],
	['another offset than TCP\'s', $NEEDS_CSUM, $TCPV4, 0, 1448, 34, 6]) {
	my ($what, @header) = @$_;

	same([out(header(@header) . $frame)], [], "wrong: $what");
}
for my $i (1 .. 3000) {
	my $m = bytes(10 + int rand 100);

	# most of them like headers
	substr $m, 0, 10, header($NEEDS_CSUM, (0, $TCPV4, $TCPV6, $USO)[$i % 4], 0,
		1 + int rand 100, int rand 80, ($i & 4) ? 16 : 6) if $i % 8;
	substr $m, 22, 2, pack 'n', ($i & 16) ? 0x800 : 0x8100 if length $m > 24;
	send $guest, $m, 0;
	next if $i % 20;
	send $guest, "\0" x 10 . $END, 0;
	until_end($plug, 0);
}
same([out("\0" x 10 . $plain)], [$plain], '3000 random ones: it works');

# ---- for a guest -------------------------------------------------------------

# A message is right when its segments are the frames that it was made of.
sub joined {
	my ($what, $messages, @frames) = @_;
	my @all = in(@frames);

	is(scalar @all, $messages, "$what: messages");
	same([out(@all)], \@frames, "$what: the frames they are made of");
	return @all;
}

for (['IPv4'], ['IPv6', v6 => 1], ['options', options => bytes(12)],
	['PSH at the end', flags => $ACK | $PSH], ['numbers that wrap', seq => 0xfffff000,
	id => 0xfffa]) {
	my ($what, %p) = @$_;
	my ($m) = joined("joined: $what", 1, segments(1400, %p, payload => bytes(20001)));

	my @h = unpack 'CCvvvv', $m;
	is_deeply(\@h, [$NEEDS_CSUM, $p{v6} ? $TCPV6 : $TCPV4,
		($p{v6} ? 74 : 54) + length($p{options} // ''), 1400, $p{v6} ? 54 : 34, 16],
		"joined: $what: the header");
}
joined('no more than 64K', 2, segments(9000, payload => bytes(80000)));
joined('IPv6, no more than 64K', 2, segments(8000, v6 => 1, payload => bytes(80000)));

my ($m) = joined('one alone', 1, packet(payload => bytes(500)));
is(ord $m, $DATA_VALID, 'one alone: its checksum is right');
($m) = joined('a wrong checksum', 1, packet(payload => bytes(500), wrong => 1));
is(ord $m, 0, 'a wrong checksum: the guest is to see it');

# the second one of three is other than the first: it is neither joined nor lost
my @three = segments(1000, payload => bytes(3000));
for (['a wrong checksum', wrong => 1], ['another port', sport => 1001],
	['another address', dst => pack('C4', 10, 0, 0, 3)], ['a gap', seq => 1002],
	['an acknowledgement', ack => 6], ['another window', window => 501],
	['options', options => bytes(12)], ['a FIN', flags => $ACK | $FIN],
	['a fragment', frag => 0x2000], ['another type of service', tos => 4],
	['another TTL', ttl => 63], ['UDP', proto => 17]) {
	my ($what, %p) = @$_;

	joined($what, 3, $three[0], packet(seq => 1001, id => 78, payload => bytes(1000), %p),
		$three[2]);
}
joined('a longer one', 2, $three[0], packet(seq => 1001, id => 78, payload => bytes(1001)));
joined('a short one ends it', 2, $three[0], packet(seq => 1001, id => 78, payload => bytes(999)),
	packet(seq => 2000, id => 79, payload => bytes(999)));
joined('PSH ends it', 2, $three[0], packet(seq => 1001, id => 78, payload => bytes(1000),
	flags => $ACK | $PSH), $three[2]);
joined('two streams', 2, @three, segments(1000, sport => 7, payload => bytes(3000)));
joined('acknowledgements are none', 3, map { packet(ack => $_) } 1 .. 3);
joined('a packet with more behind it', 2, map { $_ . 'x' } @three[0, 1]);

my @short = map { substr $three[0], 0, $_ } 1 .. 80;
same([map { substr $_, 10 } in(@short)], \@short, 'frames cut short come as they are');

stop();

# ---- the shield --------------------------------------------------------------

# the checksum's place is the address, and makes it one of the host's loopback
start('--shield');
message($guest);
$frame = packet(proto => 17, payload => "\0\0");
substr $frame, -2, 2, pack 'n', (0x80ff - sum(substr $frame, 30)) % 0xffff;
my $local = $frame;
substr $local, 30, 2, pack 'n', 0x7f00;
same([out("\0" x 10 . $frame)], [$frame], 'the shield: it is for another host');
same([out("\0" x 10 . $local)], [], 'the shield: it is for this one');
same([out(header($NEEDS_CSUM, 0, 0, 0, 30, 0) . $frame)], [],
	'the shield: it is for this one once its checksum is there');
stop();
start();
message($guest);
same([out(header($NEEDS_CSUM, 0, 0, 0, 30, 0) . $frame)], [$local],
	'without a shield it comes');
stop();

# ---- answers of published UDP ports --------------------------------------------

# Addresses of frames of UDP between the guest and the host.
my %host = (gateway => pack('C4', 10, 0, 2, 2), loopback => pack('C4', 127, 0, 0, 1),
	other => pack('C4', 127, 0, 0, 9), guest => pack('C4', 10, 0, 2, 15), alien => pack('C4', 10, 0, 2, 16));
sub udp {
	my ($from, $sport, $to, $dport, %p) = @_;

	return packet(proto => 17, payload => 'some data', src => $host{$from}, sport => $sport,
		dst => $host{$to}, dport => $dport, %p);
}
sub in_udp { return [map { substr $_, 10 } in(udp(@_))] }
sub out_udp { return [out("\0" x 10 . udp(@_))] }

start('--shield', '--gateway', '10.0.2.2', '--guest', '10.0.2.15', '--udp-port', 53, '--udp-port', 68);
message($guest);
my @asked = ('guest', 53, 'gateway', 5000);
same(out_udp(@asked), [udp(@asked)], 'answers: nobody has asked');
same(in_udp('gateway', 5000, 'guest', 53), [udp('gateway', 5000, 'guest', 53)], 'answers: a client asks');
same(out_udp(@asked), [udp('guest', 53, 'loopback', 5000)], 'answers: it is answered');
same(out_udp(@asked, partial => 0, payload => ''), [udp('guest', 53, 'loopback', 5000, payload => '')],
	'answers: with nothing');
same(in_udp('loopback', 5000, 'guest', 53), [udp('gateway', 5000, 'guest', 53)],
	'answers: then it asks by its own address');
same(in_udp('other', 5001, 'guest', 53), [udp('gateway', 5001, 'guest', 53)], 'answers: so does another');
same(out_udp('guest', 53, 'gateway', 5001), [udp('guest', 53, 'other', 5001)], 'answers: which is answered');
same(out_udp(@asked), [udp('guest', 53, 'loopback', 5000)], 'answers: and the first one still');
for (['to another port', 'guest', 53, 'gateway', 5002], ['from another port', 'guest', 54, 'gateway', 5000],
	['from another address', 'alien', 53, 'gateway', 5000],
	['to where the place is the same', 'guest', 53, 'gateway', 5000 + 1024],
	['a fragment', @asked, frag => 0x2000], ['a later fragment', @asked, frag => 1],
	['TCP', @asked, proto => 6]) {
	my ($what, @packet) = @$_;

	same(out_udp(@packet), [udp(@packet)], "answers: $what: none");
}
same(out_udp('guest', 53, 'loopback', 5000), [], 'answers: to the loopback itself: none');
for (['a port that is not published', 'gateway', 5003, 'guest', 54], ['DHCP', 'gateway', 67, 'guest', 68],
	['TFTP', 'gateway', 69, 'guest', 53], ['not to the guest', 'gateway', 5003, 'alien', 53]) {
	my ($what, $from, $sport, $to, $dport) = @$_;

	same(in_udp($from, $sport, $to, $dport), [udp($from, $sport, $to, $dport)], "answers: $what comes");
	same(out_udp($to, $dport, $from, $sport), [udp($to, $dport, $from, $sport)], 'and is none that asks');
}
stop();
done_testing();
