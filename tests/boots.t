#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# 50 boots in a row, each as clean as the first; two at once; random numbers
# and boot ids that differ; the least memory and the most vCPUs.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Guest;
use Test::More;

my $count = $ENV{BOOTS} // 50;
my (%ids, %random);

for my $n (1 .. $count) {
	my $cpus = 1 + $n % 3;
	my $g = Guest->start(args => ["ncpus=$cpus", 'mem=128M'], time => 30,
		script => 'cat /proc/sys/kernel/random/boot_id; ' .
			'head -c 16 /dev/urandom | od -An -tx1; exit 3');
	my $status = $g->finish;
	my ($id, $random) = $g->text =~ /^([0-9a-f-]{36})\n ([0-9a-f ]+)$/m;
	my $good = $status eq 3 && defined $id && !$ids{$id} && !$random{$random};

	ok($good, "boot $n, $cpus CPUs") or diag("status $status\n", $g->tail);
	last if !$g->clean("boot $n") || !$good;
	$ids{$id} = $random{$random} = 1;
}

# The least memory that is taken is enough.
boot(name => "mem=$_->[0] with ncpus=$_->[1]", args => ["mem=$_->[0]", "ncpus=$_->[1]"], script => 'true')
	for ['22M', 1], ['26M', 4], ['44M', 16];

# The most vCPUs, all of them on line and each running something.
{
	my $g = boot(name => 'ncpus=64', args => ['ncpus=64'], time => 120, script => <<'EOF');
cat /sys/devices/system/cpu/online
n=0
while [ $n -lt 64 ]; do
	taskset -c $n sh -c 'read a </proc/self/stat; set -- $a; shift 38; echo "ran on $1"' || exit 3
	n=$((n + 1))
done
EOF
	my %on = map { $_ => 1 } $g->text =~ /^ran on (\d+)$/mg;

	like($g->text, qr/^0-63$/m, 'all are on line');
	is(scalar keys %on, 64, 'each runs a process');
}

# Several at once do not disturb each other.
my @guests = map { Guest->start(args => ['mem=128M'], time => 60,
	script => "sleep 0.5; exit $_") } 1 .. 4;
is($guests[$_ - 1]->finish, $_, 'one of four at once') for 1 .. 4;
$_->clean('one of four') for @guests;

done_testing();
