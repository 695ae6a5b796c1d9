#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# What only several vCPUs show: static branches change under them, and the kernel
# is preempted as the command line wants it (preempt=), with more vCPUs than the
# host has CPUs.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Guest;
use Module;
use Test::More;

my $dir = build_modules();

for my $cpus (1, 4) {
	my $g = boot(name => "static branches, ncpus=$cpus", args => ["ncpus=$cpus"],
		files => ["/m/kbranch.ko=$dir/kbranch.ko"], script => 'insmod /m/kbranch.ko');

	like($g->out, qr/kbranch: 800 changes, 0 wrong, $cpus of $cpus CPUs went both ways/,
		'all changes are seen at once, by all') or diag($g->tail);
}

# A key of the kernel's own text, flipped while tasks switch all the time; and
# what the kernel says of preemption.
my $load = <<'EOF';
mount -t debugfs debug /sys/kernel/debug
sed 's/.*(\(.*\)).*/preemption: \1/' /sys/kernel/debug/sched/preempt
for i in 1 2 3 4; do
	(while :; do echo x; done | while read x; do :; done) 2>/dev/null &
done
for i in $(seq 100); do
	echo 1 >/proc/sys/kernel/sched_schedstats
	echo 0 >/proc/sys/kernel/sched_schedstats
	true
done
echo flipped
kill $(jobs -p)
EOF

for my $model (qw(none voluntary full)) {
	my $g = boot(name => "preempt=$model", script => $load,
		args => ['ncpus=4', "preempt=$model"]);

	like($g->text, qr/^preemption: $model\r?$/m, "preempt=$model is what it does");
	like($g->text, qr/^flipped/m, 'under load, branches of the kernel change');
}

done_testing();
