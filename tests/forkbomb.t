#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# A fork bomb in the guest gets EAGAIN from the guest's kernel, and the user who
# started the guest can still make processes on the host: RLIMIT_NPROC is one
# limit for both.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Guest;
use Test::More;

my $LIMIT = 1500;		# threads of the user, besides those that are there

# Sets RLIMIT_NPROC of this process and what it starts; as root it binds once
# the user is another one.
sub limit {
	my ($n) = @_;

	syscall(160, 6, pack 'QQ', $n, $n) == 0 or die "setrlimit: $!\n";
}

# Whether the user can start a few processes under that limit, here and now.
sub host_forks {
	my ($status, $out) = run_user('sh', '-c', 'true | true | true && (echo made; true)');

	return !$status && $out =~ /made/;
}

limit($LIMIT + user_threads());
ok(host_forks(), 'the user can make processes') or BAIL_OUT('too many already');

my $g = Guest->start(
	args => ['ncpus=2'], time => 240, stdin => '/dev/null',
	program => 'bomb');
ok($g->expect(qr/bomb: (\d+) tasks, then error 11\b/, 150), 'the bomb ends in EAGAIN');
my ($tasks) = $g->out =~ /bomb: (\d+) tasks/;
ok(host_forks(), 'while the user can make processes on the host');
cmp_ok($tasks // 0, '>', 50, "the guest had some: @{[$tasks // 0]}");
ok($g->expect(qr/bomb: gone, 0 of 20 fail/, 60), 'after it the guest makes processes again');
is($g->finish, 0, 'and ends well');
$g->clean;

# Each process takes a descriptor of the host.
$g = Guest->start(name => 'few descriptors', args => ['ncpus=2'], time => 240, stdin => '/dev/null',
	launcher => [qw(prlimit --nofile=400:400)], program => 'bomb');
ok($g->expect(qr/bomb: (\d+) tasks, then error 11\b/, 150), 'few descriptors: EAGAIN, too');
($tasks) = $g->out =~ /bomb: (\d+) tasks/;
cmp_ok($tasks // 1000, '<', 400, "before they are used up: @{[$tasks // 0]}");
ok($g->expect(qr/bomb: gone, 0 of 20 fail/, 60), 'after it the guest makes processes again');
is($g->finish, 0, 'and ends well');
$g->clean;

# All of its processes end at once, and the host tells of each.
for my $n (1 .. 4) {
	my $g = boot(name => "power-off beside a bomb, $n", status => 3, args => ['ncpus=2', 'mem=256M'],
		allow => qr/oom|Out of memory|Killed process/,
		script => 'sh -c "b() { b | b & }; b" 2>/dev/null & sleep 3; exit 3');
}
done_testing();
