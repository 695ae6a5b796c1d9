# SPDX-License-Identifier: GPL-2.0-only
#
# The kernel modules of tests/module, built against build/obj.

package Module;

use strict;
use warnings;
use File::Copy qw(copy);
use Exporter qw(import);
use Guest;
use Test::More;

our @EXPORT = qw(build_modules);

# Gives the directory with ktest.ko, kfail.ko, kbranch.ko: one test point. Ends the test
# when they cannot be built.
sub build_modules {
	my $obj = "$BUILD/obj";
	my $dir = "$BUILD/tests/module";

	-e "$obj/.config" or cannot("no $obj: the kernel was not built here");
	(slurp("$obj/.config") // '') =~ /^CONFIG_MODULES=y/m
		or cannot('the kernel is configured without modules');
	mkdir "$BUILD/tests";
	mkdir $dir;
	copy("$TOP/tests/module/$_", "$dir/$_") or die "$_: $!"
		for qw(Makefile ktest.c kfail.c kbranch.c);
	# a make above us has no job server to offer
	local %ENV = %ENV;
	delete @ENV{qw(MAKEFLAGS MFLAGS)};
	my $out = `make -s -C '$obj' ARCH=user M='$dir' modules 2>&1`;
	is($?, 0, 'modules are built') or diag($out), done_testing, exit;
	unlike($out, qr/warning/i, 'without a warning') or diag($out);
	return $dir;
}

1;
