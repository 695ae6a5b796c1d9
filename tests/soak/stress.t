#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# make soak: classes of stress-ng's stressors in the Debian guest on four vCPUs,
# one stressor after another, for about SOAK_SECONDS (default 3600), and nothing
# in the guest's log.

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
# Those that want hardware, take the guest down by design, or fill the disk.
my @not = qw(bad-altstack cpu-online physpage oom-pipe resources sysinval sysbadaddr
	watchdog dev dev-shm quota mlockmany zombie softlockup cpu-sched hdd
	physmmap rlimit iomix revio acl bind-mount ramfs chroot loop);

# How many stressors there are is not known before: each gets a short time, and
# the list is gone through again until the time is over.
my $g = Guest->start(args => ["disk0=$image", 'root=/dev/uda', 'rw', 'init=/bin/bash',
	'ncpus=4', 'mem=1G'], time => $seconds * 2 + 900,
	command => ['--norc', '--noediting'],
	allow => qr/stress-ng.*(?:segfault|traps)|Out of memory|oom|Killed process/);

$g->send("PS1=; mount -t proc proc /proc; mount -t sysfs sys /sys; " .
	"mount -t tmpfs tmp /tmp; mount -t tmpfs shm /dev/shm; cd /tmp; echo rea''dy\n");
ok($g->expect(qr/ready\r?\n/, 60), 'Debian runs') or BAIL_OUT('no Debian');

my $end = time + $seconds;
my $round = 0;
while (time < $end) {
	$round++;
	for my $class (@classes) {
		last if time >= $end;
		$g->send("stress-ng --quiet --class $class --seq 2 --timeout 2s " .
			"-x " . join(',', @not) . " >/dev/null 2>&1; echo st''atus \$?\n");
		ok($g->expect(qr/status \d+\r?\n/, 1200), "round $round: $class") or do {
			diag($g->tail);
			last;
		};
	}
}
$g->send("echo o >/proc/sysrq-trigger; sleep 10\n");
is($g->finish(60), 0, 'power-off');
$g->clean('soak');
done_testing();
