#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# guest.t once more, under ptrace: the programs see no difference.

use strict;
use warnings;
use FindBin;

BEGIN {
	$ENV{GUEST_ARGS} = join ' ', $ENV{GUEST_ARGS} // (), 'intercept=ptrace';
}

do "$FindBin::Bin/guest.t";
die $@ || $! if $@ || $!;
