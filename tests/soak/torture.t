#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# make soak: torture.t with a fifth of SOAK_SECONDS for its modules.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";

BEGIN {
	$ENV{TORTURE_SECONDS} //= int(($ENV{SOAK_SECONDS} // 3600) / 35) || 1;
}

do "$FindBin::Bin/../torture.t";
die $@ || $! if $@ || $!;
