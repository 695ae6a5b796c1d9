#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Guests that run: exec, ps, stats, log, sysrq, pause, resume, stop.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Guest;
use JSON::PP;
use Launcher;
use Test::More;
use Time::HiRes qw(sleep time);

my $guest = kernelet(['run', '--root=builtin', '--name=g', '--memory=256M', '--', 'sh', '-c',
	'echo up; read a; exit 4'], time => 240);

ok($guest->expect(qr/up\n/, 30), 'a guest runs');

sub guest_exec {
	my ($options, @command) = @_;
	my %o = ref $command[-1] ? %{pop @command} : ();

	return command(['exec', @$options, 'g', '--', @command], %o);
}

# ---- exec --------------------------------------------------------------------

{
	my $g = guest_exec([], 'sh', '-c', 'echo out; echo err >&2; exit 7');

	is($g->{ended}, 7, 'exec: exit status');
	is($g->out, "out\n", 'standard output');
	is($g->err, "err\n", 'standard error is another stream');
	is(guest_exec([], 'sh', '-c', 'kill -9 $$')->{ended}, 137, 'a command that is killed');
	is(guest_exec([], 'no-such-command')->{ended}, 127, 'a command that is not there');
	is(guest_exec(['--root-user'], 'id', '-u')->out, "0\n", '--root-user');
	is(guest_exec(['--dir=/proc/sys'], 'pwd')->out, "/proc/sys\n", '--dir');
	my $late = command(['exec', 'g', '--root-user', '--', 'id']);
	is("$late->{ended}: " . $late->err, '2: kernelet: exec: --root-user: options go before the ' .
		"guest's name, and a command that begins with - behind --\n", 'an option that is late');
	is(guest_exec(['--env=A=b c'], 'sh', '-c', 'echo "$A"')->out, "b c\n", '--env');
}
{
	my $all = join('', map { chr } 0 .. 255) x 16384;	# 4 MB
	my $g = guest_exec([], 'cat', { input => $all });

	is($g->{ended}, 0, '4 MB through exec');
	ok($g->out eq $all, 'there and back');
	$g = guest_exec([], 'true', { input => $all });
	is($g->{ended}, 0, 'a command that does not read its input');
	$g = guest_exec([], 'sh', '-c', 'sleep 1000 & echo $!');
	is($g->{ended}, 0, 'a process that is left behind is not waited for');
	my $pid = $g->out + 0;
	is(guest_exec([], 'kill', $pid)->{ended}, 0, 'and it lives');
}
{
	my $g = kernelet(['exec', 'g'], pty => [30, 100]);
	my $prompt = qr/[#\$] (?:\e\[6n)?$/;

	ok($g->expect($prompt, 20), 'exec on a terminal: a shell prompts');
	$g->send("stty size\r");
	ok($g->expect(qr/^30 100\r$/m, 10), 'the window has its size');
	$g->send("sleep 1000\r");
	sleep 0.2;
	$g->send("\003");
	ok($g->expect($prompt, 10), '^C');
	$g->send("exit 3\r");
	is($g->finish, 3, 'exit status');
}
{
	my $g = kernelet(['exec', 'g', '--', 'sh', '-c', 'echo $$; sleep 1000']);

	ok($g->expect(qr/^(\d+)\n/, 20), 'a command that is to be ended');
	my ($pid) = $g->out =~ /(\d+)/;
	kill KILL => $g->pid;
	$g->finish;
	ok(wait_until(5, sub { guest_exec([], 'test', '-d', "/proc/$pid")->{ended} == 1 }),
		'exec killed: so is its command');
}
{
	# More at once than there is room for, and room again when they are gone.
	my @many = map { kernelet(['exec', 'g', '--', 'sh', '-c', 'echo on; read a']) } 1 .. 8;
	my $on = grep { $_->expect(qr/on\n/, 20) } @many;

	is($on, 8, 'eight commands at once');
	my $g = guest_exec([], 'true');
	is($g->{ended}, 2, 'a ninth is refused');
	like($g->err, qr/\Akernelet: g: too many commands run in it already\n\z/, 'in one line');
	$_->close_stdin for @many;
	is(scalar(grep { $_->finish != 1 && $_->{ended} != 0 } @many), 0, 'they end');
	ok(wait_until(5, sub { guest_exec([], 'true')->{ended} == 0 }), 'and there is room again');
}

# ---- the console -------------------------------------------------------------

{
	my $prompt = qr/[#\$] (?:\e\[6n)?$/;
	my $g = kernelet(['console', 'g'], pty => [30, 100]);

	ok($g->expect(qr/\^\] leaves it/, 10), 'console');
	$g->send("\r");
	ok($g->expect($prompt, 20), 'has a shell') or diag($g->out);
	$g->send("id -u; tty; stty size\r");
	ok($g->expect(qr/^0\r$/m, 10), 'of root');
	ok($g->expect(qr{^/dev/hvc0\r$}m, 10), 'on the console');
	ok($g->expect(qr/^30 100\r$/m, 10), 'which has the window\'s size');
	$g->send("sleep 1000\r");
	sleep 0.2;
	$g->send("\003");
	ok($g->expect($prompt, 10), '^C');
	is(command(['sysrq', 'g', 'h'])->{ended}, 0, 'a message of the kernel');
	ok($g->expect(qr/sysrq: HELP/, 10), 'is shown');
	$g->send("\035");
	is($g->finish, 0, '^] leaves it');
	# Without a terminal: a script types.
	$g = kernelet(['console', 'g'], time => 30);
	$g->send("echo \$((6 * 7))\n");
	ok($g->expect(qr/^42\r$/m, 20), 'the shell goes on for the next');
	kill TERM => $g->pid;
	is($g->finish, 0, 'SIGTERM leaves it too');
}

# ---- lists -------------------------------------------------------------------

{
	my $list = decode_json(command(['ps', '--json'])->out);

	is(scalar @$list, 1, 'ps --json: one guest');
	is($list->[0]{name}, 'g', 'its name');
	is($list->[0]{pid}, $guest->pid, 'its launcher');
	is($list->[0]{memory}, 256 << 20, 'its memory');
	is($list->[0]{state}, 'running', 'its state');
	like($list->[0]{command}, qr/^sh -c echo up/, 'its command');
	like(command(['ps'])->out, qr/^NAME .*\ng +\d+ +running +\d+ +1 +256M /, 'ps');
	$list = decode_json(command(['stats', '--json', 'g'])->out);
	cmp_ok($list->[0]{processes}, '>=', 3, 'stats: processes');
	cmp_ok($list->[0]{memory}, '>', 10 << 20, 'memory');
	cmp_ok($list->[0]{cpu}, '>', 0, 'CPU time');
}

# ---- the kernel --------------------------------------------------------------

{
	is(command(['sysrq', 'g', 'h'])->{ended}, 0, 'sysrq');
	ok(wait_until(5, sub { command(['log', 'g'])->out =~ /sysrq: HELP/ }), 'is answered in the log');
}
{
	is(command(['pause', 'g'])->{ended}, 0, 'pause');
	my $g = kernelet(['exec', 'g', '--', 'echo', 'alive']);
	my $start = time;
	$g->pump(0.1) while time < $start + 3;
	is($g->out, '', 'nothing moves');
	my $paused = "kernelet: g is paused; kernelet resume g lets it go on\n";
	is($g->err, $paused, 'exec says why');
	my $cp = kernelet(['cp', 'g:/etc/passwd', scratch() . '/passwd']);
	$start = time;
	$cp->pump(0.1) while time < $start + 10 && !length $cp->err;
	is($cp->err, $paused, 'cp too');
	is(command(['resume', 'g'])->{ended}, 0, 'resume');
	ok($g->expect(qr/alive\n/, 10), 'it goes on');
	is($g->finish, 0, 'to its end');
	is($cp->finish, 0, 'and so does cp');
	unlike(command(['log', 'g'])->out, qr/rcu:|detected stall|soft lockup|blocked for/, 'and the kernel has nothing to say');
}

# ---- the end -----------------------------------------------------------------

is(command(['exec', 'nobody', '--', 'true'])->{ended}, 2, 'a guest that is not there');
is(command(['exec', 'nobody', '--', 'true'])->err,
	"kernelet: nobody: no guest of this name runs (see kernelet ps)\n", 'is named');
$guest->send("\n");
is($guest->finish, 4, 'the guest ends with its own command');
$guest->clean('the guest');
is_deeply([runtime_names()], [], 'and its directory is gone');

for my $force ([], ['--force']) {
	my $g = kernelet(['run', '--root=builtin', '--name=s', '--', 'sh', '-c', 'echo up; sleep 1000']);

	ok($g->expect(qr/up\n/, 30), "stop @$force: a guest runs");
	is(command(['stop', @$force, 's'])->{ended}, 0, "stop @$force");
	is($g->finish(10), @$force ? 255 : 143, 'its status');
	$g->clean("stop @$force");
}

# ---- what is made from the tables --------------------------------------------

{
	my ($help) = command(['run', '--help'])->out;
	my @options = $help =~ /^\s+(?:-\w, )?--([a-z-]+)/mg;
	my $manual = command(['manual'])->out =~ s/\\-/-/gr;
	my $completion = command(['completion', 'bash'])->out;

	cmp_ok(scalar @options, '>', 15, 'run --help lists options');
	is(join(' ', grep { $manual !~ /--\Q$_\E\b/ && $_ ne 'help' } @options), '',
		'the manual page has them all');
	is(join(' ', grep { $completion !~ /--\Q$_\E\b/ } @options), '', 'completion has them all');
	my $file = spew(scratch() . '/completion', $completion);
	my $script = 'source "$1"; COMP_WORDS=(kernelet run --ro); COMP_CWORD=2; ' .
		'_kernelet; echo "${COMPREPLY[@]}"';
	my (undef, $words) = run_user('bash', '-c', $script, 'bash', $file);
	is($words, "--root --root-user\n", 'completion completes');
}

done_testing();
