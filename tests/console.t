#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# The console: a terminal behaves as one and is restored in every case; pipes
# and files carry bytes as they are.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Guest;
use Test::More;
use Time::HiRes qw(sleep);

# Nothing but the command's output: not even "reboot: Power down".
my @quiet = (args => ['loglevel=0']);
my $prompt = qr/[#\$] (?:\e\[6n)?$/;	# BusyBox asks where the cursor is

# ---- a terminal --------------------------------------------------------------

sub terminal {
	my $g = Guest->start(pty => [30, 100], @quiet, @_);
	$g->{before} //= $g->terminal->settings;
	return $g;
}

# The settings before the guest had time to touch them.
my $fresh = Terminal->new(24, 80)->settings;

{
	my $g = terminal();

	ok($g->expect($prompt, 30), 'a terminal: the shell prompts');
	ok($g->terminal->raw, 'keys go through as they are');
	$g->send("stty size\r");
	ok($g->expect(qr/^30 100\r$/m, 10), 'the window has its size');
	$g->terminal->resize(50, 132);
	kill WINCH => $g->pid;
	$g->send("trap 'echo size changed' WINCH; sleep 1; stty size\r");
	ok($g->expect(qr/^50 132\r$/m, 10), 'and its new size');
	# A command would have the foreground, and the signal, for itself.
	$g->send("trap 'echo wi''nch' WINCH; echo re''ady; while :; do read a; done\r");
	ok($g->expect(qr/^ready\r$/m, 10), 'a loop waits');
	$g->terminal->resize(40, 90);
	ok($g->expect(qr/^winch\r$/m, 10), 'a changed window is SIGWINCH');
	$g->send("\003");
	ok($g->expect($prompt, 10), '^C ends the loop');
	$g->send("sleep 1000\r");
	sleep 0.2;
	$g->send("\032");
	ok($g->expect(qr/Stopped/, 10), '^Z stops a job');
	$g->send("kill -9 %1; wait; tty; echo do''ne\r");
	ok($g->expect(qr/done\r/, 10), 'and it is ended');
	like($g->out, qr{/dev/hvc0}, 'the terminal is hvc0');
	$g->send("exit 7\r");
	is($g->finish, 7, 'a terminal: exit status');
	is($g->terminal->settings, $fresh, 'the settings are restored');
	$g->clean('a terminal');
}
{
	my $g = terminal(script => 'echo ready; kill -9 $$');

	is($g->finish, 137, 'a killed command');
	is($g->terminal->settings, $fresh, 'the settings are restored');
	$g->clean('a killed command');
}
{
	my $g = terminal(args => ['rdinit=/bin/false'], allow => qr/panic|Call/);

	is($g->finish, 255, 'a panic');
	is($g->terminal->settings, $fresh, 'the settings are restored');
	like($g->out, qr/Attempted to kill init.*\r\n/,
		'its message has whole line ends');
	$g->clean('a panic');
}
for my $signal (qw(TERM INT HUP QUIT KILL SEGV)) {
	my $g = terminal();

	ok($g->expect($prompt, 30), "SIG$signal: the guest runs");
	kill $signal => $g->pid;
	my %number = (HUP => 1, INT => 2, QUIT => 3, KILL => 9, SEGV => 11,
		TERM => 15);
	is($g->finish(10), 128 + $number{$signal}, "SIG$signal: exit status");
	ok(wait_until(3, sub { $g->terminal->settings eq $fresh }),
		"SIG$signal: the settings are restored");
	$g->clean("SIG$signal");
}
{
	my $g = terminal();

	ok($g->expect($prompt, 30), 'hang-up: the guest runs');
	close delete $g->terminal->{slave};
	close delete $g->terminal->{master};
	delete @$g{qw(in from)};
	$g->{dead} = 1;
	my $status = $g->finish(15);
	ok($status ne 'timeout', 'a guest whose terminal goes away ends') or
		diag($status);
	delete $g->{terminal};
	$g->clean('hang-up');
}

# ---- pipes and files ---------------------------------------------------------

# All byte values there and back, through nothing that looks at them.
my $all = join '', map { chr } 0 .. 255;
{
	my $g = Guest->start(@quiet, command => ['head', '-c', 256]);

	$g->send($all)->close_stdin;
	is($g->finish, 0, 'bytes: exit status');
	is(unpack('H*', $g->out), unpack('H*', $all), 'every byte value comes back');
	$g->clean('bytes');
}
{
	my $big = join '', map { pack 'N', $_ * 2654435761 % 4294967296 }
		1 .. 262144;
	my $g = Guest->start(@quiet, command => ['cat']);

	$g->send($big)->close_stdin;
	is($g->finish, 0, '1 MB: ends with the end of the input');
	is(length $g->out, length $big, '1 MB comes back');
	ok($g->out eq $big, 'as it was sent');
	$g->clean('1 MB');

	my $file = spew(scratch() . '/big', $big);
	$g = Guest->start(@quiet, stdin => $file, command => ['md5sum']);
	is($g->finish, 0, 'a regular file as input');
	require Digest::MD5;
	is((split ' ', $g->text)[0], Digest::MD5::md5_hex($big), 'is read to its end');
	$g->clean('a regular file');
}
{
	my $g = Guest->start(@quiet, stdin => '/dev/null', command => ['cat']);

	is($g->finish, 0, '/dev/null as input ends cat');
	is($g->out, '', 'with nothing');
	$g->clean('/dev/null');

	$g = Guest->start(@quiet, stdin => '/dev/null');
	is($g->finish(20), 0, '/dev/null as input ends the shell');
	$g->clean('/dev/null to a shell');

	$g = Guest->start(@quiet, stdin => '/dev/null',
		script => 'sleep 1; echo still here');
	is($g->finish, 0, 'the end of the input ends nothing else');
	is($g->text, "still here\n", 'the command goes on');
	$g->clean('the end of input');
}
{
	# The input comes late and in pieces.
	my $g = Guest->start(@quiet, script => <<'EOF');
echo one
read a
echo "two $a"
read b
echo "three $b"
EOF

	ok($g->expect(qr/one\n/, 20), 'a conversation');
	$g->send('he');
	sleep 0.05;
	$g->send("llo\n");
	ok($g->expect(qr/two hello\n/, 10), 'a line in two pieces');
	$g->send("again\n");
	ok($g->expect(qr/three again\n/, 10), 'and another');
	is($g->finish, 0, 'ends');
	$g->clean('a conversation');
}
{
	# A reader that is slow must not lose anything; one that goes away must
	# not hang the guest.
	my $g = Guest->start(@quiet, script => <<'EOF');
i=0
while [ $i -lt 20000 ]; do
	echo line $i
	i=$((i + 1))
done
EOF

	sleep 2;
	is($g->finish, 0, 'much output to a slow reader');
	is($g->out =~ tr/\n//, 20000, 'every line');
	like($g->out, qr/line 19999\n\z/, 'to the last');
	$g->clean('a slow reader');

	$g = Guest->start(@quiet, script => 'echo start; while :; do echo more || exit 1; done');
	ok($g->expect(qr/start\n/, 20), 'a reader');
	close delete $g->{from};
	kill TERM => $g->pid;
	is($g->finish(20), 143, 'that goes away: the guest can be ended');
	$g->clean('a reader that goes away');
}

done_testing();
