#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Tests once more, under ptrace: guest programs see no difference, and what ends
# or bounds a guest does so here.

use strict;
use warnings;
use FindBin;
use Test::More;

my @tests = qw(guest kselftest attack kill forkbomb);

$ENV{GUEST_ARGS} = join ' ', $ENV{GUEST_ARGS} // (), 'intercept=ptrace';
# The quick ones, which are about what is intercepted.
$ENV{KSELFTEST} //= 'clone3 exec membarrier pidfd ptrace seccomp sigaltstack x86';
$SIG{$_} = sub { exit 130 } for qw(INT TERM HUP);
my $pid;
for my $test (@tests) {
	$pid = open my $in, '-|', $^X, "$FindBin::Bin/$test.t" or die "$test.t: $!";
	my @lines = <$in>;

	close $in;
	undef $pid;
	is($?, 0, "$test.t under ptrace") or diag(grep { /not ok|Bail out/ } @lines);
	note(@lines);
}
done_testing();

END {
	kill TERM => $pid if $pid;
}
