#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Every program of guest/ in a guest of its own, with 1, 2 and 5 vCPUs. A
# program's head comment may say "Boot options: ...", "Disk: size" (a blank disk,
# /dev/uda) and "Allowed in the log: pattern".
# GUEST_TEST=name chooses one, NCPUS=n the number of vCPUs.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Disk;
use Guest;
use Ktap;
use Test::More;

my @names = $ENV{GUEST_TEST} ? split ' ', $ENV{GUEST_TEST} :
	map { m{([^/]*)_test\.c$} } sort glob "$FindBin::Bin/guest/*_test.c";

# ptrace runs one vCPU.
my @ncpus = $PTRACE ? 1 : split ' ', $ENV{NCPUS} // '1 2 5';

# One that is about several vCPUs says how many, and has nothing to say with one.
sub program {
	my ($name, $ncpus) = @_;
	my $source = slurp("$FindBin::Bin/guest/${name}_test.c") //
		die "no test $name\n";
	my @options = split ' ', $source =~ /^ \* Boot options: (.*)/m ? $1 : '';
	my ($disk) = $source =~ /^ \* Disk: (\d+)M$/m;
	my ($allow) = $source =~ /^ \* Allowed in the log: (.*)/m;

	my $title = $name;
	if (grep { /^ncpus=/ } @options) {
		return if $PTRACE || $ncpus != $ncpus[-1];
	} else {
		push @options, "ncpus=$ncpus";
		$title = "$name on ncpus=$ncpus";
	}
	push @options, 'disk0=' . disk_file($name, $disk << 20) if $disk;
	my $g = Guest->start(
		args => \@options, program => $name, stdin => '/dev/null',
		allow => $allow ? qr/$allow/ : undef, time => 120);
	my $status = $g->finish;

	ktap($title, $g->text, $status);
	$g->clean($title);
}

for my $ncpus (@ncpus) {
	program($_, $ncpus) for @names;
}
done_testing();
