#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Guest programs that attack their stub (attack/*.c): the defences hold, and each
# attack is seen to succeed against a control build ("make control") with the one
# defence off that stops it.
# ATTACK=name chooses some.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Guest;
use Ktap;
use Test::More;
use Time::HiRes qw(time sleep);

my $CONTROL = $ENV{CONTROL} // "$BUILD/control/vmlinux";
my @chosen = split ' ', $ENV{ATTACK} // '';

# An attack, the word for unsafe= without which it works, kernel options, and
# how that shows: the program says so, the guest hangs, or processes are left.
my @controls = (
	[ 'map-ram', 'guest-filter', ['ncpus=2'], 'said' ],
	[ 'order', 'thread-order', ['ncpus=2'], 'said' ],
	[ 'forged-frame', 'frame-check', ['ncpus=2'], 'said' ],
	[ 'kick-tid', 'kick-tid', ['ncpus=1'], 'said' ],
	[ 'run-on', 'run-on', [], 'said' ],
	[ 'first-park', 'park-limit', ['ncpus=2'], 'hangs' ],
	[ 'leftovers', 'recycle-clear', [], 'said' ],
	[ 'registers', 'recycle-clear', [], 'said' ],
	[ 'never-parked', 'recycle-thread', [], 'said' ],
	[ 'freed', 'still', ['ncpus=2'], 'said' ],
	[ 'unmapped', 'hold', ['ncpus=1'], 'said' ],
	[ 'forks', 'lost-pidfd', [], 'hangs' ],
	[ 'outlive', 'pdeathsig', [], 'left' ],
);

# The kernel with few descriptors, whatever it asks for.
sub with_few_descriptors {
	my ($kernel) = @_;
	my $script = spew(scratch() . '/few', <<"EOF2");
#!/bin/sh
ulimit -n 64
exec '$kernel' "\$@"
EOF2

	chmod 0755, $script;
	return $script;
}

sub attack {
	my ($kernel, $args, $names, %o) = @_;
	my @few = grep { $_ eq 'forks' } @$names;

	return Guest->start(
		args => [ @$args ], kernel => @few ? with_few_descriptors($kernel) : $kernel,
		files => [ "/t/attack=$BUILD/tests/attack" ],
		script => "exec /t/attack @$names\n", stdin => '/dev/null', %o);
}

sub want { !@chosen || grep { my $n = $_; grep { $n eq $_ } @chosen } @_ }

# ---- the defences hold ---------------------------------------------------------

my ($all) = slurp("$FindBin::Bin/attack/attack.c") =~ /attacks\[\] = \{(.*?)\};/s;
my @names = grep { want($_) } $all =~ /\{ "([^"]*)"/g;

for my $ncpus (1, 2) {
	my @some = grep { $_ ne 'forks' } @names;
	my $g = @some ? attack($VMLINUX, ["ncpus=$ncpus"], \@some, time => 180) : next;
	my $status = $g->finish;

	ktap("on ncpus=$ncpus", $g->text, $status);
	$g->clean("on ncpus=$ncpus");
}
for my $args (want('forks') ? (['ncpus=2'], ['intercept=ptrace']) : ()) {
	my $g = attack($VMLINUX, $args, ['forks'], time => 60);
	my $status = $g->finish;

	ktap("with few descriptors, @$args", $g->text, $status);
	$g->clean("with few descriptors, @$args");
}

# ---- and without them ----------------------------------------------------------

# What the program says of an attack: "ok", "not ok", or nothing in time.
sub verdict {
	my ($g, $name, $secs) = @_;
	my $end = time + $secs;

	while (time < $end) {
		return $1 if $g->out =~ /^((?:not )?ok) \d+ \Q$name\E:/m;
		last unless $g->{from};
		$g->pump(0.05);
	}
	return 'nothing';
}

sub left_over {
	Guest::reap();
	my %left = processes_below($$);

	kill KILL => keys %left;
	wait_until(5, sub { Guest::reap(); my %l = processes_below($$); !%l });
	return scalar keys %left;
}

if (!-e $CONTROL) {
	fail("no $CONTROL: make control") if $ENV{CI};
	diag("no $CONTROL (make control): the attacks are not seen to succeed");
	@controls = ();
}

# Whether an attack succeeds, and the guest.
sub succeeds {
	my ($name, $word, $args, $how) = @_;
	my $g = attack($CONTROL, [ "unsafe=$word", @$args ], [ $name ], time => 40);

	if ($how eq 'left') {
		$g->finish(20);
		return (left_over(), $g);
	}
	my $verdict = verdict($g, $name, $how eq 'hangs' ? 15 : 25);
	$g->end_it;
	left_over();
	return ($verdict eq 'not ok' || ($how eq 'hangs' && $verdict eq 'nothing'), $g);
}

# Most are races, which an attacker can enter as often as it takes.
for my $control (@controls) {
	my ($name, $word) = @$control;
	my ($it_does, $g);
	next unless want($name);

	for (1 .. 60) {
		($it_does, $g) = succeeds(@$control);
		last if $it_does;
	}
	ok($it_does, "$name without $word: it succeeds") or diag($g->tail);
}

done_testing();
