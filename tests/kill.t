#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# kill -9 of each host process of a guest: of the kernel or the zygote it ends
# everything, of a stub it ends that guest process and nothing else.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Guest;
use Test::More;

# A guest with a few processes, among them two named ones.
sub guest {
	my $g = Guest->start(script => <<'EOF');
/bin/sleep 1000 &
victim=$!
/bin/cat /dev/zero >/dev/null &
busy=$!
sh -c 'while :; do /bin/true; done' &
forks=$!
echo ready
while read what; do
	case $what in
	victim) wait $victim; echo "victim $?" ;;
	busy) wait $busy; echo "busy $?" ;;
	alive) ls / >/dev/null && echo "alive $?" ;;
	*) kill $forks $busy $victim; exit 4 ;;
	esac
done
EOF

	ok($g->expect(qr/^ready$/m, 30) && wait_until(10, sub {
		my %names = reverse processes_below($g->pid);
		$names{sleep} && $names{cat};
	}), 'a guest runs, and the host shows its processes by name') or
		diag($g->tail, join ' ', processes_below($g->pid)),
		BAIL_OUT('no guest to kill');
	return $g;
}

sub gone {
	my ($g, $name) = @_;

	my %left;

	ok(wait_until(5, sub {
		Guest::reap();
		%left = processes_below($$);
		!%left;
	}), "$name: every process ended within 5 s") or
		diag(join ' ', %left);
	$g->clean($name);
}

# The process that every stub is a child of, and the stubs.
sub tree {
	my ($g) = @_;
	my %all = processes_below($g->pid);
	my %parent;

	for my $pid (keys %all) {
		($parent{$pid}) = (slurp("/proc/$pid/stat") // '') =~
			/\) \S (\d+)/;
	}
	# a stub is called so too, until it has its program's name
	my %named = map { $_ => 1 } grep { $all{$_} eq 'kernelet-zygote' } keys %all;
	my ($zygote) = grep { !$named{$parent{$_} // 0} } keys %named;
	return ($zygote, { map { $_ => $all{$_} } grep {
		($parent{$_} // 0) == ($zygote // 0) } keys %all });
}

{
	my $g = guest();
	my ($zygote, $stubs) = tree($g);

	ok($zygote, 'the kernel has a zygote');
	cmp_ok(scalar keys %$stubs, '>=', 3, 'which has stubs');
	kill KILL => $g->pid;
	is($g->finish(10), 137, 'kill -9 of the kernel');
	gone($g, 'the kernel');
}
{
	my $g = guest();
	my ($zygote) = tree($g);

	kill KILL => $zygote;
	my $status = $g->finish(10);
	ok($status ne 'timeout' && $status != 0, 'kill -9 of the zygote ends it') or
		diag($status);
	$g->{allow} = qr/panic|zygote|Call Trace/;
	gone($g, 'the zygote');
}
for my $name (qw(sleep cat)) {
	my $g = guest();
	my (undef, $stubs) = tree($g);
	my ($pid) = grep { $stubs->{$_} eq $name } keys %$stubs;
	my $what = $name eq 'sleep' ? 'victim' : 'busy';

	kill KILL => $pid;
	$g->send("$what\n");
	ok($g->expect(qr/^$what 137$/m, 10),
		"kill -9 of a stub: $name gets SIGKILL");
	$g->send("alive\n");
	ok($g->expect(qr/^alive 0$/m, 10), 'the guest lives');
	$g->send("end\n");
	is($g->finish(20), 4, 'and ends as it wants');
	gone($g, "the stub of $name");
}
{
	# The same in the middle of fork and exec, many times.
	my $g = guest();
	my $killed = 0;

	for (1 .. 30) {
		my (undef, $stubs) = tree($g);
		my ($pid) = grep { $stubs->{$_} eq 'true' } keys %$stubs;

		$killed += kill KILL => $pid if $pid;
	}
	$g->send("alive\n");
	ok($g->expect(qr/^alive 0$/m, 10),
		"the guest lives when stubs that fork are killed ($killed)");
	$g->send("end\n");
	is($g->finish(20), 4, 'and ends as it wants');
	gone($g, 'stubs that fork');
}
{
	# Whoever started the kernel is killed: nothing stays.
	my $file = scratch() . '/pid';
	my $shell = fork // die;
	if (!$shell) {
		exec Guest::as_user('sh', '-c',
			'"$0" mem=256M con0=fd:0,fd:1 quiet -- sleep 1000 & ' .
			'echo $! >"$1"; wait', user_file($VMLINUX), $file)
			or POSIX::_exit(127);
	}
	ok(wait_until(20, sub {
		my $pid = slurp($file) or return;
		my %all = processes_below($shell);
		grep { $_ eq 'sleep' } values %all;
	}), 'a guest started by a shell');
	my $pid = slurp($file) + 0;
	kill KILL => $pid;
	my %all;
	ok(wait_until(5, sub {
		Guest::reap();
		%all = processes_below($$);
		delete $all{$shell};
		!%all;
	}), 'kill -9 of it leaves nothing') or diag(join ' ', %all);
	kill KILL => $shell;
}

done_testing();
