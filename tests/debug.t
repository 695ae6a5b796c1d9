#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Debugging inside the guest with a distribution's own tools: gdb with
# breakpoints, watchpoints and steps, on threads that run, and on core files;
# strace that follows, counts and interferes.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Debian;
use Guest;
use Test::More;

my $image = debian();

my $program = <<'C';
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
volatile long counter;
volatile int stop;
static double scaled(double d) { return d * 2; }
__attribute__((noinline)) void marker(int n, double d) { counter += n; stop = scaled(d) < 0; }
__attribute__((noinline)) void crash_here(int *p) { *p = 5; }
static void *spins(void *arg) { while (!stop) counter++; return arg; }
int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "crash"))
		crash_here((int *)16);
	if (argc > 1 && !strcmp(argv[1], "threads")) {
		pthread_t t[2];
		for (int i = 0; i < 2; i++)
			pthread_create(&t[i], 0, spins, 0);
		pthread_join(t[0], 0);
	}
	for (int i = 1; i <= 3; i++)
		marker(i, i * 1.5);
	printf("counter %ld, child of %ld\n", counter, syscall(SYS_getppid));
	return 0;
}
C

# name, command, pattern
my @tests = (
	['the program', 'gcc -g -O0 -pthread -o p p.c && ./p', qr/^counter 6, child of \d+/m],
	['gdb: a breakpoint, arguments, the way there',
	 'gdb -batch -ex "break marker" -ex run -ex bt -ex "p d" -ex c -ex "p n" ./p',
	 qr/marker \(n=1, d=1\.5\).*#1 .*main .*\$1 = 1\.5.*marker \(n=2.*\$2 = 2/s],
	['gdb: a watchpoint by single steps',
	 'gdb -batch -ex "set can-use-hw-watchpoints 0" -ex "break marker" -ex run ' .
	 '-ex "delete 1" -ex "watch counter" -ex c -ex c ./p',
	 qr/New value = 1\n.*Old value = 1\s+New value = 3/s],
	['gdb: steps over a system call',
	 'gdb -batch -ex "catch syscall 110" -ex run -ex c -ex "x/i \$pc" -ex stepi ' .
	 '-ex stepi -ex "p \$pc != 0" -ex "delete 1" -ex c ./p',
	 qr/call to syscall \S+.*returned from syscall \S+.*\$1 = 1.*counter 6/s],
	['gdb: stepi through a syscall instruction',
	 'printf "break syscall\\nrun\\nwhile *(unsigned short *)\$pc != 0x050f\\nstepi\\nend\\n' .
	 'p \$rax\\nset \$was = \$pc\\nstepi\\np \$pc - \$was\\np \$rax > 1\\n" >c; ' .
	 'gdb -batch -x c ./p', qr/\$2 = 2.*\$3 = 1/s],
	['gdb: changes a variable, a register, calls a function',
	 'gdb -batch -ex "break marker" -ex run -ex "set var counter = 100" -ex "p scaled(4.25)" ' .
	 '-ex "set \$rdi = 7" -ex "delete 1" -ex c ./p', qr/\$1 = 8\.5.*counter 10\d, /s],
	['gdb: attaches to threads that run',
	 './p threads & sleep 1; gdb -batch -p $! -ex "info threads" -ex "thread apply all bt 1"; ' .
	 'kill -9 $!', qr/Thread .*spins.*Thread .*spins/s],
	['gdb: reads a core file',
	 'ulimit -c unlimited; ./p crash; ls core* && ' .
	 'gdb -batch -ex bt -ex "p/x \$rdi" -ex "info registers rip" -ex "p counter" ./p core*',
	 qr/terminated with signal SIGSEGV.*crash_here \(p=0x10\).*main.*\$1 = 0x10.*crash_here/s],
	['strace: follows', 'strace -f -o t sh -c "./p; ls /; true" >/dev/null && ' .
	 'grep -c "execve(" t && grep "getppid()" t', qr/^\d+\n.*getppid\(\)\s+= \d+/m],
	['strace: interferes', 'strace -e inject=getppid:retval=4242 -e trace=getppid ./p',
	 qr/child of 4242/],
	['strace: with a filter of its own', 'strace -f --seccomp-bpf -e trace=getppid ./p',
	 qr/getppid\(\)\s+= \d+/],
	['strace: counts', 'strace -c -o t ./p && cat t', qr/% time.*mmap.*total/s],
);

my $script = "mkdir /m; mount -t ext4 -o ro /dev/uda /m && mount -t tmpfs tmp /m/tmp && " .
	"mount -t proc proc /m/proc && mount -t devtmpfs dev /m/dev\n" .
	"echo core >/proc/sys/kernel/core_pattern\n" .
	"cat >/m/tmp/p.c <<'EOC'\n$program" . "EOC\n";
for (0 .. $#tests) {
	$script .= "cat >/m/tmp/$_.sh <<'EOS'\ncd /tmp; export HOME=/tmp\n$tests[$_][1]\nEOS\n" .
		"echo; echo '=== $_'; timeout 60 chroot /m bash /tmp/$_.sh </dev/null 2>&1; echo '==='\n";
}

my $g = Guest->start(args => ['ncpus=2', 'mem=1G', "disk0=$image,ro"], script => $script,
	stdin => '/dev/null', time => 240, allow => qr/segfault|EXT4-fs|error 6/);
my $status = $g->finish;

is($status, 0, 'the guest ends well') or diag($g->tail);
for (0 .. $#tests) {
	my ($out) = $g->text =~ /^=== $_\n(.*?)^===$/sm;

	like($out // '', $tests[$_][2], $tests[$_][0]);
}
$g->clean;
done_testing();
