# SPDX-License-Identifier: GPL-2.0-only
#
# The command kernelet in the tests: started like any guest (Guest.pm), with a
# runtime directory of the test's own.

package Launcher;

use strict;
use warnings;
use Exporter qw(import);
use Guest;
use Test::More;

our @EXPORT = qw($KERNELET kernelet run_in command runtime_names);

our $KERNELET = $ENV{KERNELET} // "$BUILD/kernelet";

-e $KERNELET or BAIL_OUT("no $KERNELET: make it first");
delete @ENV{qw(LS_COLORS LC_ALL)};
$ENV{XDG_RUNTIME_DIR} = scratch();

# Starts it: kernelet([words], options of Guest->start).
sub kernelet {
	my ($words, %o) = @_;

	return Guest->start(plain => 1, kernel => $KERNELET, split => !$o{pty},
		args => $words, %o);
}

# Runs a command in a guest with the built-in root: run_in([options], [command],
# options of Guest->start, input). Gives the guest, whose end was awaited.
sub run_in {
	my ($options, $command, %o) = @_;

	return command(['run', '--root=builtin', @$options, '--', @$command], %o);
}

# The same for any subcommand.
sub command {
	my ($words, %o) = @_;
	my $g = kernelet($words, %o);

	$g->send($o{input}) if defined $o{input};
	$g->close_stdin unless $o{open};
	$g->finish;
	return $g;
}

# What is in the runtime directory.
sub runtime_names {
	opendir my $dir, scratch() . '/kernelet' or return ();
	return sort grep { !/^\./ } readdir $dir;
}

1;
