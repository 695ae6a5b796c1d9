#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# What was built: a static, freestanding program made of stock files and ours.

use strict;
use warnings;
use File::Find;
use FindBin;
use lib "$FindBin::Bin/lib";
use Guest;
use Test::More;

-e $VMLINUX or BAIL_OUT("no $VMLINUX: make it first");

my $headers = `readelf -lWh '$VMLINUX'`;
like($headers, qr/Type:\s+EXEC/, 'an executable');
like($headers, qr/Machine:.*X86-64/, 'for x86-64');
unlike($headers, qr/INTERP/, 'without an interpreter');
unlike($headers, qr/^\s*DYNAMIC/m, 'static');
my $symbols = `nm '$VMLINUX'`;
unlike($symbols, qr/ U /, 'nothing undefined');
unlike($symbols, qr/ [TtWw] (?:__libc_start_main|printf|malloc|setjmp|pthread_create)$/m,
	'nothing of a C library');
like($symbols, qr/ T _start$/m, 'its own _start');
like($symbols, qr/ T start_kernel$|[Tt] start_kernel$/m, 'and Linux in it');

# No command named a file of User Mode Linux.
my (@um, $commands);
find({ no_chdir => 1, follow => 0, wanted => sub {
	return unless /\.cmd$/ && m{/\.[^/]*$};
	$commands++;
	push @um, $_ if (slurp($_) // '') =~ m{\barch/(?:x86/)?um/};
} }, "$BUILD/obj");
cmp_ok($commands // 0, '>', 500, 'kbuild left its commands');
is("@um[0 .. ($#um < 5 ? $#um : 5)]", '', 'none names arch/um');

# The tree that was compiled is the package's but for arch/user.
my $tree = "$BUILD/tree";
SKIP: {
	skip 'no symlink farm', 1 unless -d $tree;
	my @strange;
	find({ no_chdir => 1, wanted => sub {
		return if -d $_ && !-l $_;
		my $target = readlink $_;
		push @strange, $_ unless defined $target;
	} }, $tree);
	is(join(' ', @strange), '', 'the tree has links only, no copy of a file');
}
SKIP: {
	skip 'another tree was taken', 1 if !-e "$BUILD/linux-source-6.12.stamp";
	my $out = `make -s -C '$TOP' check-stock 2>&1`;
	is($?, 0, 'no stock file was changed') or diag($out);
}

# Nothing was built in the source tree.
my @built;
find({ no_chdir => 1, wanted => sub { push @built, $_ if /\.(?:o|ko|cmd|a)$/ } },
	grep { -d } map { "$TOP/$_" } qw(arch-user drivers hostfs tools tests));
is("@built", '', 'the source directories are clean');

done_testing();
