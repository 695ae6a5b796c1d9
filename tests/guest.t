#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Every program of guest/ in a guest of its own. A program's head comment may
# say "Boot options: ..." and "Allowed in the log: pattern".
# GUEST_TEST=name chooses one.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Guest;
use Ktap;
use Test::More;

my @names = $ENV{GUEST_TEST} ? split ' ', $ENV{GUEST_TEST} :
	map { m{([^/]*)_test\.c$} } sort glob "$FindBin::Bin/guest/*_test.c";

for my $name (@names) {
	my $source = slurp("$FindBin::Bin/guest/${name}_test.c") //
		die "no test $name\n";
	my ($options) = $source =~ /^ \* Boot options: (.*)/m;
	# one that is about several vCPUs has nothing to say with one
	next if $PTRACE && ($options // '') =~ /\bncpus=/;
	my ($allow) = $source =~ /^ \* Allowed in the log: (.*)/m;
	my $g = Guest->start(
		args => ['ncpus=2', split ' ', $options // ''],
		program => $name, stdin => '/dev/null',
		allow => $allow ? qr/$allow/ : undef, time => 120);
	my $status = $g->finish;

	ktap($name, $g->text, $status);
	$g->clean($name);
}
done_testing();
