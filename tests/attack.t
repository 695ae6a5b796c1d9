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

# Those that make sense under ptrace, where nothing is handed over in areas; maps
# takes half a minute there.
my %traced = map { $_ => 1 }
	qw(forks map-ram calls timed-wait entries unmap order registers threads outlive);

# Few descriptors; few threads more than the user has, and no limit of the guest's own.
my $THREADS_LEFT = 300;
my %few = (
	forks => sub { (launcher => ['prlimit', '--nofile=64']) },
	threads => sub { (launcher => ['prlimit', '--nproc=' . (user_threads() + $THREADS_LEFT)],
			  args => ['sysctl.kernel.threads-max=4000']) },
);

sub attack {
	my ($kernel, $args, $names, %o) = @_;
	my %few = @$names == 1 && $few{$names->[0]} ? $few{$names->[0]}->() : ();

	return Guest->start(%few,
		args => [ @$args, @{$few{args} // []} ], kernel => $kernel,
		files => [ "/t/attack=$BUILD/tests/attack" ],
		script => "exec /t/attack @$names\n", stdin => '/dev/null', %o);
}

sub want { !@chosen || grep { my $n = $_; grep { $n eq $_ } @chosen } @_ }

# ---- the defences hold ---------------------------------------------------------

my ($all) = slurp("$FindBin::Bin/attack/attack.c") =~ /attacks\[\] = \{(.*?)\};/s;
my @names = grep { want($_) && (!$PTRACE || $traced{$_}) } $all =~ /\{ "([^"]*)"/g;

for my $ncpus (1, $PTRACE ? () : 2) {
	my @some = grep { !$few{$_} } @names;
	my $g = @some ? attack($VMLINUX, ["ncpus=$ncpus"], \@some, time => 180) : next;
	my $status = $g->finish;

	ktap("on ncpus=$ncpus", $g->text, $status);
	$g->clean("on ncpus=$ncpus");
}
for my $name (grep { $few{$_} } @names) {
	my $g = attack($VMLINUX, ['ncpus=2'], [$name]);
	my $status = $g->finish;

	ktap("$name with few left", $g->text, $status);
	$g->clean($name);
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

if ($PTRACE) {
	@controls = ();
} elsif (!-e $CONTROL) {
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
