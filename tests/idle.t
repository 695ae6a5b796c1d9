#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# An idle guest uses no CPU: the CPU time of all its host processes over five
# seconds stays below 1 % of one CPU, at the prompt and with sleeping processes.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Guest;
use POSIX qw(sysconf _SC_CLK_TCK);
use Test::More;
use Time::HiRes qw(sleep);

my $seconds = 5;

# CPU time of the guest in ms, by the scheduler's count where the host has it.
sub cpu_ms {
	my ($g) = @_;
	my $ms = 0;

	for my $pid ($g->pid, keys %{{processes_below($g->pid)}}) {
		for my $task (glob "/proc/$pid/task/*") {
			if (defined(my $s = slurp("$task/schedstat"))) {
				$ms += (split ' ', $s)[0] / 1e6;
			} elsif ((slurp("$task/stat") // '') =~ /\) (.*)/) {
				my @f = split ' ', $1;
				$ms += ($f[11] + $f[12]) * 1000 /
					sysconf(_SC_CLK_TCK);
			}
		}
	}
	return $ms;
}

# Voluntary and other switches: how often it woke.
sub switches {
	my ($g) = @_;
	my $n = 0;

	for my $pid ($g->pid, keys %{{processes_below($g->pid)}}) {
		$n += $_ for map { (slurp($_) // '') =~ /ctxt_switches:\s+(\d+)/g }
			glob "/proc/$pid/task/*/status";
	}
	return $n;
}

for my $cpus (1, $PTRACE ? () : 2) {
	my $g = Guest->start(args => ["ncpus=$cpus"], script => <<'EOF');
sleep 1000 &
sleep 1000 &
echo ready
read x
kill %1 %2
exit 0
EOF

	ok($g->expect(qr/^ready$/m, 30), "ncpus=$cpus: a guest runs");
	sleep 2;		# what boot left to do
	my ($ms, $n) = (cpu_ms($g), switches($g));
	sleep $seconds;
	($ms, $n) = (cpu_ms($g) - $ms, switches($g) - $n);
	cmp_ok($ms, '<', $seconds * 10, "ncpus=$cpus: less than 1 % of a CPU");
	# Stock housekeeping: the scheduler's fair server, vmstat, the random pool's
	# early reseeding; and stock idle keeps the tick for one more turn each time.
	cmp_ok($n, '<', $seconds * 20, 'less than 20 wake-ups a second in all');
	note(sprintf '%.1f ms, %d switches in %d s', $ms, $n, $seconds);
	$g->send("\n");
	is($g->finish, 0, 'it still answers');
	$g->clean("ncpus=$cpus");
}

done_testing();
