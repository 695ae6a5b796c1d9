# SPDX-License-Identifier: GPL-2.0-only
#
# Turns the KTAP lines that a program printed into a subtest.

package Ktap;

use strict;
use warnings;
use Exporter qw(import);
use Guest ();
use Test::More;

our @EXPORT = qw(ktap);

# $status is the program's exit status. A skip is a failure under CI, unless the
# program ran natively, without the guest's privileges (native => 1).
sub ktap {
	my ($name, $out, $status, %o) = @_;

	subtest $name => sub {
		my ($count, $plan, $header) = (0);

		for (split /\r?\n/, $out) {
			if (/^(not )?ok (\d+)\s*(?:- )?(.*)/) {
				my ($bad, $number, $what) = ($1, $2, $3);

				$count++;
				$what = "$what (out of order)", $bad = 1
					if $number != $count;
				if ($what =~ /^# SKIP (.*)/) {
					skipped($1, %o);
				} else {
					ok(!$bad, $what);
				}
			} elsif (/^1\.\.0 # SKIP (.*)/) {
				$plan = 0;
				skipped($1, %o);
			} elsif (/^1\.\.(\d+)/) {
				$plan = $1;
			} elsif (/^KTAP version 1/) {
				$header = 1;
			} elsif (/^Bail out!/) {
				fail($_);
			} elsif (/^# /) {
				$o{quiet} or note($_);
				diag($_) if /^# (?:failed|got|returned)/;
			}
		}
		ok($header, 'it started');
		is($count, $plan, 'it ran to its end');
		is($status, 0, 'its exit status');
	} or diag("output of $name, status $status:\n", Guest::last_lines($out, 30));
}

sub skipped {
	my ($why, %o) = @_;

	if ($ENV{CI} && !$o{native}) {
		fail("skipped: $why");
	} else {
		SKIP: { skip($why, 1); }
	}
}

1;
