#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# The kernel's own torture modules, on more vCPUs than the host has CPUs: RCU,
# and locks of several kinds. TORTURE_SECONDS (default 3) each.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Guest;
use Test::More;

my $seconds = $ENV{TORTURE_SECONDS} // 3;
my $obj = "$BUILD/obj/kernel";
my %files = map { m{([^/]*)$} ? ("/m/$1", "$obj/$_") : () }
	qw(torture.ko locking/locktorture.ko rcu/rcutorture.ko);

-e $files{'/m/torture.ko'} or cannot("no $files{'/m/torture.ko'}: the kernel was not built here");

my @runs = (
	[ 'rcutorture', 'torture_type=rcu fqs_duration=3 fwd_progress=0' ],
	[ 'rcutorture', 'torture_type=srcu fwd_progress=0' ],
	map { [ 'locktorture', "torture_type=$_" ] }
		qw(spin_lock_irq mutex_lock rwsem_lock rw_lock rtmutex_lock),
);
my $script = "insmod /m/torture.ko\n";
for (@runs) {
	my ($module, $args) = @$_;

	$script .= "echo '== $args =='\n" .
		"insmod /m/$module.ko $args stat_interval=3 stutter=1 && sleep $seconds && " .
		"rmmod $module\n";
}
my $g = boot(name => 'torture', args => ['ncpus=4', 'loglevel=7'], script => $script,
	files => [ map { "$_=$files{$_}" } sort keys %files ],
	time => 60 + 4 * $seconds * @runs, allow => qr/torture/);
my @ends = $g->out =~ /((?:rcu|lock|\w+)[-\w]*torture[-:\w]*.*End of test: \w+)/g;

for my $n (0 .. $#runs) {
	like($ends[$n] // 'nothing', qr/End of test: SUCCESS/, "$runs[$n][0] $runs[$n][1]")
		or diag($g->tail);
}

done_testing();
