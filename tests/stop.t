#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# A guest that is stopped for a while, and a host that slept, leave no trace:
# no stall warning, no lost timer, the clock goes on. STOP_SECONDS=30 for the
# long version.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Guest;
use Test::More;
use Time::HiRes qw(time sleep);

my $seconds = $ENV{STOP_SECONDS} // 8;
my $g = Guest->start(args => ['ncpus=2', 'rcupdate.rcu_cpu_stall_timeout=5'],
	time => 90 + 2 * $seconds, script => <<'EOF');
/bin/cat /dev/zero >/dev/null &
busy=$!
while read what; do
	date +%s
	sleep 0.1
	echo tick
done
kill $busy
exit 6
EOF

sub now_there {
	$g->send("now\n");
	$g->expect(qr/^\d+\n/m, 10) or return;
	return ($g->out =~ /^(\d+)\n(?:tick\n)?\z/m)[0];
}

my $there = now_there();
ok(defined $there, 'a guest runs');
cmp_ok(abs($there - time), '<=', 2, 'its clock is the host\'s');
ok($g->expect(qr/tick/, 10), 'and it sleeps and wakes');

# The kernel alone first: its children do not get the signal.
kill STOP => $g->pid;
sleep $seconds;
kill CONT => $g->pid;
$there = now_there();
cmp_ok(abs($there - time), '<=', 2, 'the clock is right after a stop');
ok($g->expect(qr/tick/, 10), 'timers run');

# Then every process of it, as a terminal's ^Z or a freezer would do.
my @all = ($g->pid, keys %{{processes_below($g->pid)}});
kill STOP => @all;
sleep $seconds;
kill CONT => @all;
$there = now_there();
cmp_ok(abs($there - time), '<=', 2, 'the clock is right after all were stopped');
ok($g->expect(qr/tick/, 10), 'timers run');

# Many short stops while it works.
for (1 .. 40) {
	kill STOP => $g->pid;
	sleep 0.01;
	kill CONT => $g->pid;
	sleep 0.02;
}
ok(defined now_there(), 'it runs after 40 short stops');

# One stub alone: its guest process stands still, the rest goes on.
my %all = processes_below($g->pid);
my ($cat) = grep { $all{$_} eq 'cat' } keys %all;
ok($cat, 'the busy process has a stub');
if ($cat) {
	kill STOP => $cat;
	ok(defined now_there(), 'the guest goes on when a stub is stopped');
	sleep 2;
	ok(defined now_there(), 'and on');
	kill CONT => $cat;
}
$g->close_stdin;
is($g->finish(20), 6, 'the guest ends as it wants');
$g->clean('stop and continue');

done_testing();
