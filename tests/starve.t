#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# A guest to which the host gives next to no time: what does not park for lack of a
# CPU is not taken for hostile.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Guest;
use POSIX ();
use Test::More;

my $seconds = $ENV{STARVE_SECONDS} // 15;
my $g = Guest->start(args => ['ncpus=4'], launcher => [qw(nice -n 19)], time => 20 * $seconds,
	script => <<'EOF');
echo ready
(sleep 1; while :; do (exit 0); done) & one=$!
while :; do (exit 0); done & two=$!
read line
kill -0 $one && kill -0 $two && echo both live
kill -9 $one $two
exit 3
EOF
ok($g->expect(qr/^ready/m, 60), 'the guest runs') or BAIL_OUT('no guest');

# Five busy processes for each CPU, for a while.
chomp(my $cpus = `nproc`);
my @busy = map {
	my $pid = fork // die "fork: $!";

	if (!$pid) {
		my $end = time + $seconds;

		1 while time < $end;
		POSIX::_exit(0);
	}
	$pid;
} 1 .. 5 * $cpus;
waitpid $_, 0 for @busy;
$g->send("go\n");
is($g->finish, 3, 'it ends as it should');
like($g->text, qr/^both live$/m, 'with all its processes');
$g->clean;
done_testing();
