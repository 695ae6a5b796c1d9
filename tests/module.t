#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Loadable modules: one of our own is built against build/obj, loaded, used and
# removed; wrong ones are refused.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Guest;
use Module;
use Test::More;

my $dir = build_modules();
my @files = map { "/m/$_.ko=$dir/$_.ko" } qw(ktest kfail);
my $g = boot(name => 'modules', files => [@files], script => <<'EOF');
cd /m
for n in 1 2 3; do
	insmod ktest.ko number=$n &&
		cat /sys/module/ktest/parameters/number \
			/sys/module/ktest/parameters/sum || echo bad
	lsmod | grep -c ^ktest
	rmmod ktest || echo bad
done
lsmod | grep -c ^ktest
insmod kfail.ko 2>/dev/null || echo refused
lsmod | grep -c ^kfail
head -c 3000 ktest.ko >short.ko
insmod short.ko 2>/dev/null || echo refused
EOF
my $text = $g->text;
is(join(' ', $text =~ /^(\d+|bad|refused)$/mg),
	'1 5050 1 2 5050 1 3 5050 1 0 refused 0 refused',
	'loaded, used and removed three times; bad ones are refused') or diag($text);
like($g->out, qr/ktest: hello, number 3/, 'its messages come');
like($g->out, qr/ktest: .* 16 MB of vmalloc are fine/, 'it used vmalloc');
like($g->out, qr/ktest: bye/, 'it cleaned up');

# A module that crashes: the trace names its function.
$g = boot(name => 'a module that crashes', files => [@files], status => 255,
	args => ['panic_on_oops=1', 'oops=panic'],
	command => ['insmod', '/m/ktest.ko', 'crash=1'],
	allow => qr/BUG|Oops|Call Trace|panic|unable to handle|general/);
like($g->out, qr/ktest_crash\+0x[0-9a-f]+\/0x[0-9a-f]+ \[ktest\]/,
	'a stack trace names its function');

# Writing to its own code and to constants is a fault (STRICT_KERNEL_RWX).
for my $what (qw(text rodata)) {
	$g = boot(name => "write to $what", files => [@files], status => 255,
		args => ['oops=panic'], command => ['insmod', '/m/ktest.ko',
		"write=$what"],
		allow => qr/BUG|Oops|Call Trace|panic|unable to handle|general/);
	unlike($g->out, qr/ktest: not protected/, "$what is protected");
}

done_testing();
