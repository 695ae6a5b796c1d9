#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# stress-ng in the Debian guest: each stressor for a bounded time, with
# verification, and the log clean. STRESS_SECONDS (default 5) each.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Debian;
use Guest;
use Test::More;

my $seconds = $ENV{STRESS_SECONDS} // 5;
my $image = debian();
my @stressors = (
	['vm', '--vm 2 --vm-bytes 64M --vm-method all'],
	['fork', '--fork 2'],
	['pthread', '--pthread 2'],
	['signal', '--sigfd 1 --sigq 1 --sigsegv 1 --kill 1'],
	['futex', '--futex 2'],
	['switch and clocks', '--switch 1 --clock 1 --timer 1'],
	['memory maps', '--mmap 1 --mmap-bytes 32M --mremap 1 --mremap-bytes 32M'],
);

my $g = Guest->start(args => ["disk0=$image", 'root=/dev/uda', 'rw',
	'init=/bin/bash', 'ncpus=2', 'mem=768M'], time => 120 + 30 * @stressors,
	command => ['--norc', '--noediting'], allow => qr/stress-ng.*(?:segfault|traps)/);
$g->send("PS1=; mount -t proc proc /proc; mount -t sysfs sys /sys; " .
	"mount -t tmpfs tmp /tmp; mount -t tmpfs shm /dev/shm; cd /tmp; " .
	"echo rea''dy\n");
ok($g->expect(qr/ready\r?\n/, 60), 'Debian runs') or BAIL_OUT('no Debian');
for my $s (@stressors) {
	my ($name, $options) = @$s;

	$g->send("stress-ng --quiet --verify --timeout ${seconds}s $options; " .
		"echo st''atus \$?\n");
	ok($g->expect(qr/status \d+\r?\n/, $seconds * 3 + 20),
		"$name: ends") or last;
	my @all = $g->out =~ /status (\d+)\r?\n/g;
	is($all[-1], 0, "$name: without a complaint") or diag($g->tail);
}
$g->send("exec 3>/proc/sys/kernel/exit_status; echo 4 >&3; " .
	"mount -o remount,ro /; echo o >/proc/sysrq-trigger; sleep 10\n");
is($g->finish(60), 4, 'power-off');
$g->clean('stress');

done_testing();
