#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Debian 12 on ext4: programs of a real distribution run, a compiler compiles,
# systemd boots to a login prompt and powers off, the file system stays clean.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Debian;
use Guest;
use Test::More;

my $image = debian();
my @disk = ("disk0=$image", 'root=/dev/uda', 'rw', 'mem=1G', 'ncpus=2');

# ---- init=/bin/bash ----------------------------------------------------------

my $g = Guest->start(args => [@disk, 'init=/bin/bash'], time => 240,
	command => ['--norc', '--noediting']);

# Runs a line in the guest; its output without the echo, and its status.
my $serial = 0;
sub in_guest {
	my ($line, $secs) = @_;
	my $from = length $g->out;
	my $n = ++$serial;

	# The quotes keep an echo of the line from looking like its output.
	$g->send("$line\necho =\$?= e''nd $n\n");
	$g->expect(qr/=\d+= end $n\r?\n/, $secs // 30) or return ('', 'timeout');
	my $out = substr($g->out, $from) =~ tr/\r//dr;
	my ($status) = $out =~ s/=(\d+)= end $n\n.*//s ? $1 : '?';
	return ($out, $status);
}

sub line_is {
	my ($line, $status, $pattern, $name, $secs) = @_;
	my ($out, $got) = in_guest($line, $secs);

	is($got, $status, "$name: status");
	like($out, $pattern, $name);
}

# The console is a terminal device, so bash would prompt.
line_is('PS1=; PS2=; export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root', 0,
	qr//, 'bash on Debian', 60);
line_is('mount -t proc proc /proc && mount -t sysfs sys /sys && ' .
	'mount -t tmpfs tmp /tmp; mount -t tmpfs shm /dev/shm; ' .
	'mkdir -p /dev/pts; mount -t devpts devpts /dev/pts; cd /root', 0, qr//,
	'runs commands');
line_is('. /etc/os-release; echo $PRETTY_NAME; uname -r', 0,
	qr/Debian GNU.*\n.*6\.\d+/, 'which Debian and Linux');
line_is('stat -c %U:%a /usr/bin/su /etc/shadow /tmp', 0,
	qr/root:4755\n.*root:640\n/s, 'files have their owners and modes');
line_is(<<'EOF', 0, qr/^sum 5050 of 100\n/m, 'gcc compiles and the program runs', 90);
cat >a.c <<'X'
#include <stdio.h>
#include <stdlib.h>
#include <math.h>
int main(int argc, char **argv) {
	int n = atoi(argv[1]), s = 0;
	for (int i = 1; i <= n; i++)
		s += i;
	printf("sum %d of %.0f\n", s, sqrt((double)n * n));
	return s != 5050;
}
X
gcc -O2 -Wall -o a a.c -lm && ldd ./a >/dev/null && ./a 100
EOF
line_is('gcc -static -O2 -o b a.c -lm && ./b 100', 0, qr/sum 5050/,
	'a static program too', 60);
line_is('python3 -c "import json, hashlib, threading; ' .
	'print(json.dumps({\'x\': hashlib.sha256(b\'a\').hexdigest()[:8]}))"', 0,
	qr/\{"x": "ca978112"\}/, 'python3', 60);
line_is('python3 -c "import subprocess as s; ' .
	'print(sum(int(s.run([\'echo\', str(i)], capture_output=True).stdout) ' .
	'for i in range(50)))"', 0, qr/^1225$/m, 'python3 starts 50 processes', 60);
line_is('git init -q repo && cd repo && ' .
	'git config user.email a@b && git config user.name n && ' .
	'for i in 1 2 3 4 5; do echo $i >f$i; git add .; git commit -qm $i; done; ' .
	'git fsck --strict && git log --oneline | wc -l; cd ..', 0, qr/^5$/m,
	'git makes and checks a repository', 60);
line_is('echo \'all: a.o b.o; a.o b.o: ; cp ../a.c x-$@ && echo $@\' ' .
	'>Makefile; make -s -j2 2>&1 | sort; true', 0, qr//, 'make -j2');
line_is('strace -f -o /tmp/t sh -c "echo traced; true" && ' .
	'grep -c execve /tmp/t', 0, qr/traced\n.*[1-9]/s, 'strace', 60);
line_is('seq 200000 | sort -R | sort -n | md5sum; seq 200000 | md5sum', 0,
	qr/^([0-9a-f]{32}) .*\n\1/m, 'sort through pipes', 60);
line_is('tar c /usr/lib/python3.11 2>/dev/null | gzip -1 | gzip -d | tar t | wc -l',
	0, qr/^\d\d+$/m, 'tar and gzip', 60);
line_is('ps -eo pid,comm | head -3', 0, qr/1 bash/, 'ps');
line_is('ip link set lo up && ip -br addr show lo', 0, qr/127\.0\.0\.1/, 'ip');
line_is('dd if=/dev/urandom of=kept bs=1M count=3 2>/dev/null; sync; ' .
	'md5sum <kept', 0, qr/^[0-9a-f]{32}/m, 'a file is written and synced');
my ($sum) = $g->out =~ /.*^([0-9a-f]{32})  -/ms;
line_is('mount -o remount,ro /', 0, qr//, 'the root goes read-only');
$g->send("echo 11 >/proc/sys/kernel/exit_status; echo o >/proc/sysrq-trigger\n");
is($g->finish(30), 11, 'power-off');
$g->clean('Debian with bash');
fsck_clean($image, 'fsck finds the file system clean');

{
	local $ENV{PATH} = "$ENV{PATH}:/usr/sbin:/sbin";
	my $kept = `debugfs -R 'cat /root/kept' '$image' 2>/dev/null`;
	require Digest::MD5;
	is(Digest::MD5::md5_hex($kept), $sum, 'the host finds the file in the image');
}

# ---- systemd -----------------------------------------------------------------

for my $round (1, 2) {
	$g = Guest->start(args => [@disk, 'console=hvc0'], pty => [25, 80],
		time => 240);
	ok($g->expect(qr/login: $/, 120), "systemd boots to a login prompt ($round)")
		or do { $g->end_it; last };
	$g->send("root\r");
	ok($g->expect(qr/# $/, 30), 'root logs in');
	$g->send("export SYSTEMD_PAGER=; " .
		"systemctl is-system-running; systemctl --failed --no-legend; " .
		"echo do''ne \$?\r");
	ok($g->expect(qr/^done \d\r$/m, 30), 'systemctl answers');
	ok($g->out =~ /[\r\n](?:running|starting)\r$/m, 'the system is running');
	ok($g->out !~ /\bfailed .*failed|FAILED/, 'no unit failed') or
		diag($g->tail);
	$g->send("systemd-analyze | head -1; cat /root/kept | md5sum; " .
		"systemd-run --quiet --pipe -p MemoryMax=64M sh -c 'echo in a sc''ope'\r");
	ok($g->expect(qr/^in a scope\r$/m, 30), 'a service with limits runs');
	ok($g->out =~ /^\Q$sum\E/m, 'the file is there');
	$g->send("poweroff\r");
	is($g->finish(60), 0, 'poweroff');
	$g->clean("systemd ($round)");
	fsck_clean($image, 'fsck finds the file system clean');
}

done_testing();
