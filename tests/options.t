#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Every option wrong in turn: status 2 before anything starts, and one line on
# standard error that names what is wrong.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Guest;
use Test::More;

my $dir = scratch();
my $disk = spew("$dir/disk", "\0" x 1048576);
spew("$dir/odd", "\0" x 1000);
spew("$dir/empty", '');
mkdir "$dir/directory";
my $secret = spew("$dir/secret", "\0" x 4096);
chmod 0, $secret;
my $readonly = spew("$dir/readonly", "\0" x 4096);
chmod 0444, $readonly;

# What is wrong, and what the line has to name.
my @wrong = (
	['mem=', 'mem'], ['mem=abc', 'mem=abc'], ['mem=-1M', 'mem'],
	['mem=0', 'mem'], ['mem=1K', 'mem'], ['mem=512Q', 'mem=512Q'],
	['mem=512MM', 'mem'], ['mem=99999999T', 'mem'], ['mem=1000000G', 'mem'],
	['mem=18446744073709551616', 'mem'], ['mem=21M', 'mem'],
	['ncpus=0', 'ncpus'], ['ncpus=', 'ncpus'], ['ncpus=-1', 'ncpus'],
	['ncpus=two', 'ncpus'], ['ncpus=1000000', 'ncpus'], ['ncpus=1x', 'ncpus'],
	['initrd=', 'initrd'], ["initrd=$dir/none", "$dir/none"],
	["initrd=$dir/directory", "$dir/directory"],
	["initrd=$secret", $secret],
	['disk0=', 'disk0'], ["disk0=$dir/none", "$dir/none"],
	["disk0=$dir/directory", "$dir/directory"],
	["disk0=$secret", $secret], ["disk0=$readonly", $readonly],
	["disk0=$dir/odd", "$dir/odd"], ["disk0=$dir/empty", "$dir/empty"],
	["disk0=$disk,what", 'what'], ["disk0=$disk,", 'disk0'],
	["disk99=$disk", 'disk99'], ["disk26=$disk", 'disk26'],
	["disk0=$disk,cow=", 'cow'], ["disk0=$disk,cow=$dir/none/x", "$dir/none/x"],
	["disk0=$disk,cow=$disk", 'no overlay'], ["disk0=$disk,ro=1", 'ro=1'],
	["disk0=$disk,serial=", 'serial'], ["disk0=$disk,serial=123456789012345678901", '20'],
	["disk0=$disk,discard=maybe", 'discard'], ["disk0=$disk,discard", 'discard'],
	["disk0=$disk,iops=0", 'iops'], ["disk0=$disk,iops=many", 'iops'],
	["disk0=$disk,iops=-1", 'iops'], ["disk0=$disk,bps=", 'bps'],
	["disk0=$disk,bps=1X", 'bps'], ["disk0=$disk,bps=99999999999999999999", 'bps'],
	["disk0=$disk,,ro", 'disk0'], ["disk0=$disk,direct,what", 'what'],
	["disk0=,ro", 'disk0'], ['disk0=fd:', 'disk0'], ['disk0=fd:99', 'fd:99'],
	['disk0=fd:x', 'fd:x'], ["disk0=/dev/null", '/dev/null'],
	['disk0=' . 'x' x 5000, 'disk0'], ["disk0=$dir/odd,cow=$dir/o", '512'],
	['disk_engine=', 'disk_engine'], ['disk_engine=magic', 'magic'],
	['disk_socket=', 'disk_socket'], ['disk_socket=fd:88', '88'],
	['con0=', 'con0'], ['con0=what', 'con0'], ['con0=fd:', 'con0'],
	['con0=fd:77,fd:1', '77'], ['con0=fd:0,fd:78', '78'],
	['con0=fd:0', 'con0'], ['con0=fd:0,fd:1,fd:2', 'con0'],
	['con0=fd:-1,fd:1', 'con0'], ['con99=fd:0,fd:1', 'con99'],
	['--nonsense', '--nonsense'],
);

for my $case (@wrong) {
	my ($option, $named) = @$case;
	my $g = boot(name => $option, plain => 1, split => 1, status => 2,
		time => 20, args => [
			$option =~ /^mem/ ? () : 'mem=128M',
			$option =~ /^con0/ ? () : 'con0=fd:0,fd:1', $option]);
	my $line = $g->err;

	is($line =~ tr/\n//, 1, 'one line') or diag($line, $g->tail);
	like($line, qr/\Q$named\E/, 'which names it');
	is(length $g->out, 0, 'nothing had started');
}

# Twice the same is a mistake too; and two that cannot both be.
my $g = boot(name => 'disk0 twice', plain => 1, split => 1, status => 2,
	args => ['mem=128M', 'con0=fd:0,fd:1', "disk0=$disk", "disk0=$disk"]);
like($g->err, qr/disk0/, 'is named');

# A memory that the host does not have, where the user may not have so much.
{
	my ($status, $out) = run_user('sh', '-c', 'ulimit -f 1000; exec "$0" "$@"',
		user_file($VMLINUX), 'mem=256M', 'con0=fd:0,fd:1');
	is($status, 2, 'a file size limit below mem=: status 2');
	is($out =~ tr/\n//, 1, 'one line') or diag($out);
}
{
	my ($status, $out) = run_user('sh', '-c', 'ulimit -v 200000; exec "$0" "$@"',
		user_file($VMLINUX), 'mem=1G', 'con0=fd:0,fd:1');
	is($status, 2, 'an address space limit below mem=: status 2');
	is($out =~ tr/\n//, 1, 'one line') or diag($out);
}
{
	my ($status, $out) = run_user('sh', '-c', 'ulimit -n 5; exec "$0" "$@"',
		user_file($VMLINUX), 'mem=128M', 'con0=fd:0,fd:1');
	is($status, 2, 'a handful of descriptors: status 2');
	is($out =~ tr/\n//, 1, 'one line') or diag($out);
}

# What Linux itself knows is passed on, what nobody knows goes to init.
$g = boot(name => 'Linux\'s own options', args => ['loglevel=0',
	'VARIABLE=value', 'sysctl.kernel.domainname=kernelet'],
	script => 'echo $VARIABLE; cat /proc/sys/kernel/domainname');
is($g->text, "value\nkernelet\n", 'reach it');

done_testing();
