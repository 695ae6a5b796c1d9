#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# The behaviours of the host that kernelet relies on: each program of host/.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Guest;
use Ktap;
use Test::More;

my @programs = sort glob "$BUILD/tests/host/*";
BAIL_OUT("no programs in $BUILD/tests/host: make -C tests") if !@programs;
for my $program (@programs) {
	my ($status, $out) = run_user('timeout', 60, user_file($program));

	ktap($program =~ s{.*/}{}r, $out, $status, native => 1);
}
done_testing();
