#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# make soak: stress-ng's stressors in the Debian guest on four vCPUs, two workers
# of each, with what they verify, one stressor after another for about
# SOAK_SECONDS (default 3600), and nothing in the guest's log.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Debian;
use Guest;
use Test::More;

my $seconds = $ENV{SOAK_SECONDS} // 3600;
my $image = debian();
my @classes = qw(cpu cpu-cache memory vm interrupt scheduler os pipe filesystem);
# Those that take vCPUs away or keep them from all others by design, or use up memory
# or the disk until the guest kills something; or want the ports of a PC.
my %not = map { $_ => 1 } qw(cpu-online softlockup physpage oom-pipe watchdog dev dev-shm
	quota mlockmany sysinval hdd iomix revio bind-mount smi);
# Exit statuses: good; not enough of something; not there in this kernel.
my %good = map { $_ => 1 } 0, 3, 4;

my $g = Guest->start(args => ["disk0=$image", 'root=/dev/uda', 'rw', 'init=/bin/bash',
	'ncpus=4', 'mem=1G'], time => $seconds * 2 + 900,
	command => ['--norc', '--noediting'],
	allow => qr/stress-ng.*(?:segfault|traps)|Out of memory|oom|Killed process/);

# Some stressors signal their parent, which is init when that has ended.
$g->send("PS1=; trap : ALRM HUP USR1 USR2 TERM; mount -t proc proc /proc; mount -t sysfs sys /sys; " .
	"mount -t tmpfs tmp /tmp; mount -t tmpfs shm /dev/shm; mkdir -p /dev/pts; " .
	"mount -t devpts pts /dev/pts; ip link set lo up; cd /tmp; echo rea''dy\n");
ok($g->expect(qr/ready\r?\n/, 60), 'Debian runs') or BAIL_OUT('no Debian');

# The stressors there are, each once.
my %stressor;
for my $class (@classes) {
	$g->send("echo cla''ss: \"\$(stress-ng --class '$class?' 2>&1 | tail -n 1)\"\n");
	ok($g->expect(qr/class: (.*)\r?\n/, 60), "class $class");
	my ($names) = $g->text =~ /.*^class: .*?: ([^\r\n]*)/ms;
	$stressor{$_} = 1 for split ' ', $names // '';
}
my @stressors = grep { !$not{$_} } sort keys %stressor;
cmp_ok(scalar @stressors, '>', 200, 'there is something to do');

my $end = time + $seconds;
ROUND:
for (my $round = 1; time < $end; $round++) {
	for my $name (@stressors) {
		last ROUND if time >= $end;
		$g->send("stress-ng --quiet --verify --$name 2 --timeout 2s >/tmp/log 2>&1; " .
			"echo st''atus $round $name \$?\n");
		if (!$g->expect(qr/status $round \Q$name\E \d+\r?\n/, 300)) {
			fail("round $round: $name ends");
			diag($g->tail);
			last ROUND;
		}
		my ($status) = $g->text =~ /.*^status $round \Q$name\E (\d+)/ms;
		next if $good{$status};
		$g->send("tail -n 20 /tmp/log; echo sh''own\n");
		$g->expect(qr/shown\r?\n/, 30);
		fail("round $round: $name");
		diag("status $status\n", $g->tail);
	}
	pass("round $round of " . @stressors . ' stressors');
}
$g->send("echo o >/proc/sysrq-trigger; sleep 10\n");
is($g->finish(60), 0, 'power-off');
$g->clean('soak');
done_testing();
