#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# A guest boots, runs a command, powers off with the status asked for; panics
# end with 255; reboot stays in the same process.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Guest;
use Test::More;

my $g;

# --help and --version go to standard output and start nothing.
$g = boot(name => '--help', plain => 1, args => ['--help']);
like($g->out, qr/mem=.*ncpus=/s, '--help names the options');
like($g->out, qr/\bcon0=/, 'the console too');
cmp_ok(length $g->out, '<', 8000, 'on a screen or two');
$g = boot(name => '--version', plain => 1, args => ['--version']);
like($g->out, qr/^.*\b6\.\d+\.\d+/, '--version says which Linux');
is($g->out =~ tr/\n//, 1, 'on one line');
for ('--help', '--version') {
	my $vmlinux = user_file($VMLINUX);

	like((run_user('sh', '-c', "$vmlinux $_ 2>/dev/null"))[1], qr/Linux 6/, "$_: standard output");
	is(join(' ', run_user('sh', '-c', "$vmlinux $_ >/dev/full; echo \$?")),
		"0 vmlinux: standard output: it takes no more\n2\n", "$_ >/dev/full");
}

$g = boot(name => 'uname', command => ['uname', '-srm']);
like($g->text, qr/^Linux 6\.\d+\.\d+\S* x86_64\n/m, 'the guest is Linux');

# A shell reads its commands from the console.
$g = boot(name => 'a script on the console', input => "uname -s\nexit 3\n",
	status => 3);
is($g->text, "Linux\n", 'its output is all there is');

$g = boot(name => 'words with blanks', status => 4,
	command => ['sh', '-c', 'echo $0 $#; echo a  b; exit 4', 'x y', 'z']);
is($g->text, "x y 1\na b\n", 'stay words');

# Exit statuses: as the command ended, or as written.
boot(name => "status $_", script => "exit $_", status => $_)
	for 0, 1, 42, 254;
boot(name => 'a command killed by SIGTERM', status => 143,
	script => 'kill -TERM $$');
boot(name => 'a command that is not there', status => 127,
	command => ['/no/such/command']);
$g = boot(name => 'exit_status', status => 9, script => <<'EOF');
cat /proc/sys/kernel/exit_status
echo 9 >/proc/sys/kernel/exit_status
exec poweroff -f
EOF
like($g->text, qr/^0$/m, 'exit_status is 0 at first');
$g = boot(name => 'a wrong exit_status', script => <<'EOF');
echo 256 >/proc/sys/kernel/exit_status && echo taken
echo x >/proc/sys/kernel/exit_status && echo taken
true
EOF
unlike($g->text, qr/^taken$/m, 'exit_status takes 0 to 255');

# A panic is printed in full and ends with 255.
$g = boot(name => 'no init', args => ['init=/no/such', 'rdinit=/no/such'],
	status => 255, allow => qr/panic|Call Trace/);
like($g->out, qr/Kernel panic - not syncing: .*\n/, 'the panic is printed');
like($g->out, qr/Call Trace:\s.*prepare_namespace.*ret_from_fork/s,
	'with a trace that names functions');
$g = boot(name => 'sysrq c', script => 'echo c >/proc/sysrq-trigger', status => 255,
	allow => qr/panic|Call Trace|sysrq|BUG|Oops/);
like($g->out, qr/sysrq_handle_crash|sysrq triggered crash/,
	'a stack trace names functions');
$g = boot(name => 'init ends', args => ['rdinit=/bin/true'], status => 255,
	allow => qr/panic|Call Trace/);
like($g->out, qr/Attempted to kill init/, 'says why');
$g = boot(name => 'a panic with panic=1', args => ['rdinit=/bin/true', 'panic=-1'],
	status => 255, allow => qr/panic|Call Trace/);

# poweroff and halt end the process; reboot goes round in it.
boot(name => 'poweroff', command => ['poweroff', '-f']);
boot(name => 'halt', command => ['halt', '-f']);

my $again = spew(scratch() . '/disk', "\0" x 65536);
$g = Guest->start(args => ["disk0=$again"], script => <<'EOF');
n=$(head -c 1 /dev/uda | tr -d '\0')
echo boot ${n:-0}, $(cut -d' ' -f1 /proc/uptime)
[ "$n" != 3 ] || exit 5
printf $((${n:-0} + 1)) | dd of=/dev/uda conv=notrunc,fsync 2>/dev/null
reboot -f
EOF
my $pid = $g->pid;
for my $n (0 .. 3) {
	ok($g->expect(qr/boot $n, /, 20), "reboot: boot $n");
	ok(-e "/proc/$pid", 'is in the same process') or last;
}
is($g->finish, 5, 'reboot: the last boot has its status');
$g->clean('reboot');

# memory and CPUs are what was asked for.
for my $mem (64, 256, 1024) {
	$g = boot(name => "mem=${mem}M", args => ["mem=${mem}M"],
		command => ['grep', 'MemTotal', '/proc/meminfo']);
	my ($kb) = $g->text =~ /MemTotal:\s+(\d+) kB/;
	cmp_ok($kb // 0, '<=', $mem * 1024, 'not more');
	cmp_ok($kb // 0, '>', $mem * 1024 * 0.8 - 16384, 'not much less');
}
for my $n (1, $PTRACE ? () : (2, 4)) {
	$g = boot(name => "ncpus=$n", args => ["ncpus=$n"],
		script => 'nproc; grep -c ^processor /proc/cpuinfo');
	like($g->text, qr/^$n\n$n$/m, 'so many CPUs are there');
}

done_testing();
