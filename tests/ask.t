#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# What one asks of guests that run, when they answer badly or not at all, come or go:
# stop, log, ps, stats, disk list, cp. Most have a "kernel" that is hostile.

use strict;
use warnings;
use Fcntl qw(:flock O_RDWR O_CREAT);
use FindBin;
use lib "$FindBin::Bin/lib";
use Guest;
use JSON::PP;
use Launcher;
use Test::More;

my $dir = scratch();
my $hostile = user_file("$FindBin::Bin/lib/hostile", copy => 1);

# Starts a guest whose kernel is tests/lib/hostile, and waits until others find it.
sub hostile {
	my ($name, $what, %o) = @_;
	my $kernel = spew("$dir/kernel-$name",
		"#!/bin/sh\nexec $hostile $what $dir/$name \"\$@\"\n");

	chmod 0755, $kernel, $hostile;
	mkdir "$dir/$name";
	my $g = kernelet(['run', '--root=builtin', "--name=$name", "--kernel=$kernel",
		@{$o{options} // []}, '--', @{$o{words} // ['true']}], time => 120, %o);
	wait_until(20, sub { command(['resume', $name])->{ended} == 0 });
	return $g;
}

# What a command has printed, as JSON; an empty list when it is none.
sub json {
	my ($g) = @_;

	return eval { decode_json($g->out) } // [];
}

# What a command says, with its status before it.
sub says {
	my $g = command([@_]);

	return "$g->{ended}: " . $g->err;
}

# ---- several names -----------------------------------------------------------

{
	my %guest = map { $_ => hostile($_, 'obey') } qw(a b);
	my $none = 'no guest of this name runs (see kernelet ps)';
	my $g = command(['stats', '--json', 'a', 'nosuch', 'b', '../x']);

	is($g->{ended}, 2, 'stats of one that is not there');
	is($g->err, "kernelet: nosuch: $none\nkernelet: ../x: $none\n", 'a line for each');
	is_deeply([map { $_->{name} } @{json($g)}], [qw(a b)],
		'the others are JSON, to its end');

	# One that goes while the list is made: it lives, and does not answer.
	my $gone = "$dir/kernelet/gone";
	mkdir $gone;
	sysopen my $alive, "$gone/alive", O_RDWR | O_CREAT or die "$gone: $!";
	flock $alive, LOCK_EX or die "$gone: $!";
	chmod 0666, "$gone/alive";
	for my $list (['stats'], ['stats', '--json'], ['ps'], ['ps', '--json']) {
		$g = command($list);
		is("$g->{ended}: " . $g->err, '0: ', "@$list, one goes meanwhile");
		is(join(' ', sort $g->out =~ /^(?:  \{ "name": ")?([ab])\b/mg), 'a b',
			'the others are listed');
	}
	close $alive;
	is(says('pause', 'a', 'nosuch', 'b'), "2: kernelet: nosuch: $none\n", 'pause: one is not there');

	# ---- paused

	$g = command(['stats', '--json']);
	is_deeply([map { $_->{state} } @{json($g)}], [qw(paused paused)],
		'stats: they are paused');
	is_deeply([map { $_->{state} } @{json(command(['ps', '--json']))}], [qw(paused paused)], 'ps too');
	like(command(['ps'])->out, qr/^a +\d+ +paused /m, 'in its table');
	is(json($g)->[0]{read}, undef, 'and do not say what was read');
	like(command(['stats', 'a'])->out, qr/^a +\d+ +paused .* - +-$/m, 'in the table too');
	is(says('disk', 'list', 'a'), "2: kernelet: a: it is paused, and its kernel does not answer " .
		"(see kernelet resume)\n", 'disk list: says so');
	is(says('resume', 'a', 'b'), '0: ', 'resume');
	is(json(command(['stats', '--json', 'a']))->[0]{state}, 'running', 'they run');

	kill STOP => $guest{a}->pid;
	is_deeply({map { $_->{name} => $_->{state} } @{json(command(['ps', '--json']))}},
		{a => 'unknown', b => 'running'},
		'ps: a launcher that does not answer');
	kill CONT => $guest{a}->pid;

	is(says('stop', 'a', 'nosuch', 'b'), "2: kernelet: nosuch: $none\n", 'stop: one is not there');
	is($guest{$_}->finish, 143, "$_ is stopped") for qw(a b);
	$guest{$_}->clean($_) for qw(a b);
}

# ---- stop --------------------------------------------------------------------

{
	my $g = hostile('deaf', 'deaf');

	is(says('stop', '--timeout=1', 'deaf'),
		"1: kernelet: deaf: was killed; what it had not written is lost\n",
		'stop: a guest that does not answer');
	is($g->finish, 255, 'has ended');
	$g = hostile('deaf', 'deaf');
	is(says('stop', '--force', 'deaf'), '0: ', 'stop --force');
	is($g->finish, 255, 'has ended');
	$g->clean('deaf');
}

# ---- log ---------------------------------------------------------------------

{
	my $g = hostile('t', 'talk');
	my %n;
	my $tell = sub {		# a file that has it all as soon as it is there
		my ($words, $name) = (@_, 't');

		spew("$dir/$name/new", $words);
		rename "$dir/$name/new", "$dir/$name/" . ++$n{$name};
	};

	$tell->("nul:\0after\ttab esc:\e[31m c1:\xc2\x9b bad:\xff\xc0\x80 good:\xc3\xa4 cr\r\nend 1\n");
	ok(wait_until(20, sub { command(['log', 't'])->out =~ /^end 1$/m }), 'log: after a NUL');
	my $clean = "nul:?after\ttab esc:?[31m c1:? bad:??? good:\xc3\xa4 cr\nend 1\n";
	is(command(['log', 't'])->out =~ s/.*(?=^nul)//msr, $clean, 'no control characters');
	like(command(['log', '--raw', 't'])->out, qr/nul:\0after\ttab esc:\e\[31m /, 'log --raw');

	# What the launcher keeps is overwritten, more than once.
	my $f = kernelet(['log', '-f', 't'], time => 120);
	my $all = 1;
	for my $round (2 .. 9) {
		$tell->(join '', map { sprintf "%d %06d %80s\n", $round, $_, '' } 1 .. 1500);
		$tell->("end $round\n");
		$all &&= $f->expect(qr/^end $round$/m, 20);
	}
	ok($all, 'log -f goes on when the buffer is full');
	is(scalar(() = $f->out =~ /^\d \d{6} /mg), 8 * 1500, 'every line');
	spew("$dir/t/end", '');
	is($f->finish, 0, 'until the guest ends') or diag($f->err);
	is($f->err, '', 'and says nothing');
	$g->finish;
	$g->clean('talk');

	$g = hostile('v', 'talk', options => ['--verbose']);
	$tell->("nul:\0 esc:\e[31m\n", 'v');
	ok(wait_until(20, sub { $g->pump(0.05); $g->err =~ /^nul:\? esc:\?\[31m$/m }),
		'run --verbose: no control characters');
	spew("$dir/v/end", '');
	$g->finish;
	$g->clean('--verbose');
}

# ---- floods ------------------------------------------------------------------

{
	my @quiet = (launcher => ['/bin/sh', '-c', 'exec "$@" 2>/dev/null', 'sh']);
	my $g = hostile('f', 'flood', options => ['--timeout=2'], @quiet);

	is($g->finish, 124, 'a flood of messages: --timeout ends it');
	$g = hostile('f', 'flood', @quiet);
	kill TERM => $g->pid;
	is($g->finish, 143, 'SIGTERM too');
	$g->clean('flood');

	$g = hostile('d', 'disks');
	is(says('disk', 'list', 'd'), "2: kernelet: d: its kernel does not answer\n",
		'answers that nobody asked for');
	command(['stop', '--force', 'd']);
	$g->finish;
	$g->clean('disks');

	$g = hostile('e', 'files');
	my $said;
	wait_until(20, sub { ($said = says('cp', 'e:/d', "$dir/copy")) !~ /is still starting/ });
	is($said, "1: kernelet: cp: /d: it has more than a million entries\n",
		'a directory without an end');
	is_deeply([glob "$dir/copy/*"], [], 'is not copied');
	command(['stop', '--force', 'e']);
	$g->finish;
	$g->clean('files');
}

# ---- JSON --------------------------------------------------------------------

{
	my $g = hostile('j', 'obey', words => ["a\xff\x1b\"\\", "\xc3\xa4"]);
	my $list = json(command(['ps', '--json']));

	is($list->[0]{command}, "a\xff\x1b\"\\ \xe4", 'ps --json: bytes that are not UTF-8');
	is(says('stop', 'j'), '0: ', 'stop');
	$g->finish;
	$g->clean('JSON');
}

# ---- a real guest ------------------------------------------------------------

# What is written stays, though it takes longer than --timeout.
SKIP: {
	my $image = "$dir/i.ext4";

	skip 'no mkfs.ext4 here', 1 if run_user('sh', '-c',
		"PATH=\$PATH:/sbin:/usr/sbin; truncate -s 64M $image && mkfs.ext4 -q $image") != 0;
	my $g = kernelet(['run', '--root=builtin', '--name=w', '--root-user', '--memory=256M',
		"--disk=$image:bps=2M", '--', 'sh', '-c', 'mkdir /m; mount -t ext4 /dev/uda /m; ' .
		'dd if=/dev/urandom of=/m/f bs=1M count=12 2>/dev/null; md5sum </m/f; ' .
		'touch /m/last; echo up; sleep 1000'], time => 240);

	ok($g->expect(qr/up\n/, 120), 'a guest has written to a slow disk');
	my ($sum) = $g->out =~ /^(\w{32})/;
	is(says('stop', '--timeout=1', 'w'), '0: kernelet: w: what was written there is being put on ' .
		"disks (--force does not wait)\n", 'stop waits for that');
	is($g->finish, 143, 'the guest ends by itself');
	$g->clean('a slow disk');
	$g = run_in(["--disk=$image", '--root-user'], ['sh', '-c', 'mkdir /m; ' .
		'mount -t ext4 /dev/uda /m; ls /m/last; md5sum </m/f']);
	is($g->out, "/m/last\n$sum  -\n", 'all that was written is there');
	$g->clean('after that');
}

done_testing();
