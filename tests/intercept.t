#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# intercept=: what each way needs of the host, what auto chooses, and that what
# cannot be is refused before anything starts.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Guest;
use Test::More;

my $refuse = "$BUILD/tests/lib/refuse";
BAIL_OUT("no $refuse: make -C tests") if !-x $refuse;
my @no_filter = (user_file($refuse), 'filter');
my @nothing = (user_file($refuse), 'both');

# The kernel says in one line how guest code is intercepted; processes run.
sub chosen {
	my ($name, $line, %o) = @_;
	my $g = boot(name => $name, %o, script =>
		'dmesg | sed -n "s/.*Guest code is/Guest code is/p"; echo $((6 * 7)) | cat; exit 5',
		status => 5);
	my @lines = grep { /intercepted/ } split /\n/, $g->text;

	is(scalar @lines, 1, "$name: one line says how");
	like($lines[0] // '', $line, 'and says it right');
	like($g->text, qr/^42$/m, 'a pipe and two processes work');
}

sub refused {
	my ($name, $why, %o) = @_;
	my $g = boot(name => $name, plain => 1, split => 1, status => 2,
		time => 20, %o, args => ['mem=128M', 'con0=fd:0,fd:1', @{$o{args}}]);

	is($g->err =~ tr/\n//, 1, "$name: one line") or diag($g->err);
	like($g->err, $why, 'which says why');
	is(length $g->out, 0, 'nothing had started');
}

chosen('auto', qr/by a seccomp filter \(intercept=auto\)/, args => ['intercept=auto']);
chosen('by default', qr/by a seccomp filter \(intercept=auto\)/);
chosen('seccomp', qr/by a seccomp filter$/, args => ['intercept=seccomp']);
chosen('ptrace', qr/by ptrace$/, args => ['intercept=ptrace']);
chosen('auto without filters', qr/by ptrace \(intercept=auto: the host refuses/,
	launcher => \@no_filter);
chosen('ptrace without filters', qr/by ptrace$/, launcher => \@no_filter,
	args => ['intercept=ptrace']);

refused('two vCPUs', qr/intercept=ptrace: .*ncpus=1/,
	args => ['ncpus=2', 'intercept=ptrace']);
refused('two vCPUs, the other way round', qr/intercept=ptrace: .*ncpus=1/,
	args => ['intercept=ptrace', 'ncpus=2']);
refused('two vCPUs without filters', qr/intercept=auto: .*filter.*ncpus=1/,
	args => ['ncpus=2'], launcher => \@no_filter);
refused('seccomp without filters', qr/intercept=seccomp: .*intercept=ptrace/,
	args => ['intercept=seccomp'], launcher => \@no_filter);
refused('auto with nothing', qr/intercept=auto: .*trace/, args => [],
	launcher => \@nothing);
refused('ptrace without ptrace', qr/intercept=ptrace: .*trace/,
	args => ['intercept=ptrace'], launcher => \@nothing);
refused('neither', qr/intercept=what: .*ptrace/, args => ['intercept=what']);

# ---- what is rewritten ---------------------------------------------------------

# The bytes that a process has at an address, if it has any.
sub peek {
	my ($pid, $address, $size) = @_;
	my $bytes;

	open my $mem, '<:raw', "/proc/$pid/mem" or return;
	sysseek $mem, $address, 0 or return;
	return (sysread($mem, $bytes, $size) // 0) == $size ? $bytes : undef;
}

# Of a hundred hot system calls, called in turn, none is trapped for ever.
if (!$PTRACE) {
	my $g = Guest->start(program => 'rewrite', time => 120);
	$g->expect(qr/places from \w+ to \w+\r?\n/);
	my ($from, $to) = $g->out =~ /places from (\w+) to (\w+)/;
	my %below = processes_below($g->pid);
	my ($text) = grep { defined && /\A(?:\xb8\x27|\xff\x24\x25)/s }
		map { peek($_, hex $from, hex($to) - hex $from) } keys %below;
	my @places = unpack '(a16)*', $text // '';

	is(scalar @places, 100, 'a hundred places that make a system call');
	is(scalar(grep { /\A\xff\x24\x25/ } @places), 100, 'all have become jumps');
	$g->send("\n");
	is($g->finish, 0, 'and do what they did');
	$g->clean('places');
}

done_testing();
