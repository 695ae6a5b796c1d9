#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# kernelet run: streams, exit statuses, terminals, signals, and what is left.

use strict;
use warnings;
use Cwd qw(realpath);
use FindBin;
use lib "$FindBin::Bin/lib";
use Guest;
use Launcher;
use Test::More;
use Time::HiRes qw(sleep time);

# ---- exit statuses -----------------------------------------------------------

sub status_is {
	my ($status, $name, @command) = @_;
	my $g = run_in([], \@command);

	is($g->{ended}, $status, $name) or diag($g->out, $g->err);
	$g->clean($name);
	return $g;
}

status_is(0, 'a command that succeeds', 'true');
status_is(7, 'its own status', 'sh', '-c', 'exit 7');
status_is(255, '255 is one too', 'sh', '-c', 'exit 255');
status_is(137, 'a command that is killed', 'sh', '-c', 'kill -9 $$');
like(status_is(127, 'a command that is not there', 'no-such-command')->err,
	qr/^kernelet: no-such-command: No such file or directory$/m, 'is named');
status_is(126, 'a command that cannot be run', '/etc/passwd');
for my $way (['poweroff', 'powered off'], ['reboot', 'rebooted']) {
	my ($what, $words) = @$way;
	my $g = command(['run', '--root=builtin', '--root-user', '--', 'sh', '-c', "$what -f; sleep 60"],
		time => 30);

	is($g->{ended}, 255, "$what in the guest");
	is($g->err, "kernelet: the guest was $words before the command had ended\n", 'is said');
	$g->clean($what);
}
{
	my $g = command(['run', '--root=builtin', '--kernel=' . realpath('/bin/true'), '--', 'false']);

	is($g->{ended}, 255, 'a kernel that is none');
	like($g->err, qr{^kernelet: /\S*/true: ended before the guest was there\n\z}m, 'is named');
	$g->clean('a kernel that is none');
}
{
	my $g = run_in(['--root-user'], ['sh', '-c', 'echo c >/proc/sysrq-trigger']);

	is($g->{ended}, 255, 'a panic');
	like($g->err, qr/sysrq triggered crash/i, 'shows the end of the log');
	$g->clean('a panic');
}
{
	my $start = time;
	my $g = run_in(['--timeout=1.5'], ['sleep', 100]);

	is($g->{ended}, 124, '--timeout');
	cmp_ok(time - $start, '<', 10, 'in time');
	is($g->err, "kernelet: --timeout: the time is over\n", 'says so');
	$g->clean('--timeout');
	$g = run_in(['--timeout=0.0000000001'], ['sleep', 100]);
	is($g->{ended}, 124, 'the shortest --timeout is one too');
	$g->clean('--timeout');
}

# ---- streams -----------------------------------------------------------------

{
	my $g = run_in([], ['sh', '-c', 'echo out; echo err >&2']);

	is($g->out, "out\n", 'standard output');
	is($g->err, "err\n", 'standard error is another stream');
	$g->clean('two streams');
}
{
	my $all = join('', map { chr } 0 .. 255) x 40;
	my $g = run_in([], ['cat'], input => $all);

	is(unpack('H*', $g->out), unpack('H*', $all), 'every byte value, there and back');
	$g->clean('bytes');
	$g = run_in([], ['sh', '-c', 'cat; echo "status $?"; cat'], stdin => '/dev/null');
	is($g->out, "status 0\n", '/dev/null is at its end, and stays there');
	$g->clean('/dev/null');
	$g = run_in([], ['sh', '-c', 'test -p /dev/stdin && echo pipe; read a; echo $a; cat /dev/stdin'],
		input => "one\ntwo\n");
	is($g->out, "pipe\none\ntwo\n", 'a pipe is a pipe inside, and can be opened again');
	$g->clean('a pipe');
}
{
	my $file = spew(scratch() . '/in', "first\nsecond\n");
	my $g = run_in([], ['head', '-c', 6], stdin => $file);

	is($g->out, "first\n", 'a file as input');
	$g->clean('a file');
}
{
	# What the guest does not read is left in the pipe for the next program.
	my ($status, $out) = run_user('sh', '-c',
		"printf 'one\\ntwo\\n' | { dd bs=1 count=0 2>/dev/null; " .
		"XDG_RUNTIME_DIR=$ENV{XDG_RUNTIME_DIR} $KERNELET run --root=builtin -- " .
		"sh -c 'read a; echo \$a'; cat; }");

	is($out, "one\ntwo\n", 'nothing is read ahead');
}
{
	my ($status, $out) = run_user('sh', '-c',
		"{ XDG_RUNTIME_DIR=$ENV{XDG_RUNTIME_DIR} $KERNELET run --root=builtin -- yes; " .
		"echo \"status \$?\" >&2; } | head -n 1");

	is($out, "y\nstatus 141\n", 'a reader that goes away is SIGPIPE');
}
{
	my $sum = 'perl -MDigest::MD5 -e \'binmode STDIN; print Digest::MD5->new->addfile(*STDIN)->hexdigest\'';
	my $make = 'perl -e \'my $b = join "", map { pack "Q", $_ * 2654435761 } 1 .. 131072; ' .
		'print $b, $_ for 1 .. 1023; print substr $b, 0, (1 << 30) - 1023 * length($b) - 2985\'';
	my $want = (run_user('sh', '-c', "$make | $sum"))[1];
	my $start = time;
	my ($status, $got) = run_user('sh', '-c', "$make | XDG_RUNTIME_DIR=$ENV{XDG_RUNTIME_DIR} " .
		"$KERNELET run --root=builtin -- cat | $sum");

	is($got, $want, '1 GB through pipes, unharmed');
	diag(sprintf '1 GB in %.1f s', time - $start);
}

# Runs "$k WORDS" in a shell of the caller's.
sub in_shell {
	my ($script) = @_;

	return run_user('sh', '-c', "export XDG_RUNTIME_DIR=$ENV{XDG_RUNTIME_DIR}; k=$KERNELET; $script");
}

{
	# Streams that are closed, one way or another, on a root that is served.
	my $command = '$k run -- sh -c "cat; echo out; echo err >&2; exit 5"';

	for my $case (['<&-', "out\nerr\n5\n"], ['</dev/null >&-', "err\n5\n"], ['</dev/null 2>&-', "out\n5\n"],
			['<&- >&-', "err\n5\n"], ['<&- 2>&-', "out\n5\n"], ['<&- >&- 2>&-', "5\n"]) {
		my ($how, $want) = @$case;
		my ($status, $out) = in_shell("{ $command $how; echo \$?; } 2>&1");

		is(join('', sort split /^/, $out), join('', sort split /^/, $want), "streams that are closed: $how");
	}
}
{
	# What the standard output does not take is not passed over.
	my $full = "kernelet: standard output: No space left on device\n2\n";

	is((in_shell("\$k $_ >/dev/full; echo \$?"))[1], $full, "$_ >/dev/full")
		for '--help', 'manual', 'ps', 'run --help', 'run --root=builtin --dry-run';
}

# ---- the caller --------------------------------------------------------------

{
	my ($status, $out) = in_shell('perl -e \'$SIG{CHLD} = "IGNORE"; exec @ARGV\' $k run -- sh -c "exit 6"');

	is("$status $out", '6 ', 'a caller that ignores SIGCHLD');
	my $place = scratch() . '/mask';
	($status, $out) = in_shell("mkdir $place; umask 777; export XDG_RUNTIME_DIR=$place; " .
		'$k run --root=builtin --name=masked -- sleep 1000 & ' .
		'until $k ps | grep -q masked || ! kill -0 $!; do :; done; ' .
		'$k stop --force masked; wait; $k run --root=builtin -- sh -c "exit 7"');
	is($status, 7, 'umask 777: a guest that runs is found, and the next one starts') or diag($out);
}

{
	my $uid = (stat scratch())[4];
	local @ENV{qw(PASSED NOT_PASSED)} = ('yes', 'yes');
	my $g = run_in(['--env=KERNELET_TEST=a b', '--env', 'PASSED'],
		['sh', '-c', 'id -u; echo $KERNELET_TEST; echo $PASSED; echo ${NOT_PASSED-none}']);

	is($g->out, "$uid\na b\nyes\nnone\n", 'user and environment');
	$g->clean('user and environment');
	$g = run_in(['--root-user'], ['id', '-u']);
	is($g->out, "0\n", '--root-user');
	$g->clean('--root-user');
	local @ENV{qw(PATH HOME USER)} = ('/usr/local/bin:/usr/bin:/bin', '/nowhere', 'somebody');
	for my $user ([], ['--root-user']) {
		$g = command(['run', @$user, qw(--env PATH=/one --env PATH=/usr/bin:/two --env=HOME=/tmp --env USER),
			'--', 'sh', '-c', 'tr "\\0" "\\n" </proc/$$/environ | grep -E "^(PATH|HOME|USER)=" | sort']);
		is($g->out, "HOME=/tmp\nPATH=/usr/bin:/two\nUSER=somebody\n",
			"what --env sets is in force, once (@$user)");
		$g->clean('--env');
	}
	$g = command(['run', '--root-user', '--', 'sh', '-c', 'echo $PATH $HOME ${USER-none}']);
	is($g->out, "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin /root none\n", 'root has the programs of root');
	$g->clean('root');
	$g = run_in(['--cpus=2', '--memory=256M'], ['sh', '-c', 'nproc; free -m | awk "NR == 2 { print \$2 }"']);
	my ($cpus, $mb) = split ' ', $g->out;
	is($cpus, 2, '--cpus');
	ok($mb > 180 && $mb <= 256, '--memory') or diag($mb // 'none');
	$g->clean('--cpus, --memory');
	my $long = 'x' x 100_000;
	$g = run_in([], ['sh', '-c', 'echo ${#1}', 'sh', $long]);
	is($g->out, "100000\n", 'a long argument');
	$g->clean('a long argument');
	$g = run_in(['--append=kernelet.test=1 other'], ['cat', '/proc/cmdline']);
	like($g->out, qr/ kernelet\.test=1 other/, '--append');
	$g->clean('--append');
	$g = run_in(['--verbose'], ['true']);
	like($g->err, qr/Linux version/, '--verbose');
	$g->clean('--verbose');
	$g = run_in(['--verbose', '--share=/usr:/mnt'], ['true']);
	like($g->err, qr/^kernelet-hostfs: Landlock: (?:yes|not here)$/m, 'says how files are confined');
	$g->clean('--verbose');
}

# ---- places that the guest has its own of --------------------------------------

{
	my $shared = scratch() . '/shared';

	run_user('mkdir', $shared);
	for my $place (qw(/run /run/x /run/x/y /dev/shm /dev/shm/x)) {
		my $g = command(['run', '--root=builtin', "--share=$shared:$place:rw", '--',
			'sh', '-c', "echo there >$place/file"]);

		is($g->{ended}, 0, "a share on $place") or diag($g->err);
		is(slurp("$shared/file"), "there\n", 'is the host\'s directory');
		unlink "$shared/file";
		$g->clean("a share on $place");
	}
	my $g = command(['run', "--share=$shared:/lib/modules:rw", '--', 'touch', '/lib/modules/file']);
	is($g->{ended}, 0, 'a share on /lib/modules') or diag($g->err);
	ok(-e "$shared/file", 'is the host\'s directory');
	$g->clean('a share on /lib/modules');
	my ($status, $out) = run_user('sh', '-c', 'd=$(mktemp -d /dev/shm/kernelet-XXXXXX) && cd $d && ' .
		"export XDG_RUNTIME_DIR=$ENV{XDG_RUNTIME_DIR} && $KERNELET run --rw -- touch a && " .
		"$KERNELET run -- sh -c 'touch b; ls' && echo / && ls; rm -r \$d");

	is($out, "a\nb\n/\na\n", 'a working directory below /dev, with --rw and without');
}

# ---- a host that refuses unshare(2), as containers do ---------------------------

{
	my @launcher = (launcher => [user_file("$BUILD/tests/lib/refuse"), 'unshare']);
	my $shared = scratch() . '/shared';
	my $g = command(['run', "--share=$shared:/s:rw", '--root=builtin', '--', 'sh', '-c',
		'cd /s; umask 027; echo x >a; mkdir b; umask 0; echo x >c'], @launcher);

	is($g->{ended}, 0, 'unshare(2) is refused: a guest runs') or diag($g->err);
	is(join(' ', map { sprintf '%o', (stat "$shared/$_")[2] & 07777 } qw(a b c)), '640 750 666',
		'every file has the mode that its maker\'s umask leaves');
	$g->clean('unshare(2) is refused');
}

# ---- signals that are ignored ---------------------------------------------------

{
	my $g = kernelet(['run', '--root=builtin', '--', 'sh', '-c', 'echo begun; sleep 2; exit 5'],
		launcher => ['/usr/bin/nohup']);

	ok($g->expect(qr/^begun$/m, 20), 'nohup: begun');
	kill HUP => $g->pid;
	is($g->finish, 5, 'SIGHUP stays ignored');
	$g->clean('nohup');
}

# ---- a terminal --------------------------------------------------------------

my $fresh = Terminal->new(24, 80)->settings;
my $prompt = qr/[#\$] (?:\e\[6n)?$/;

sub terminal {
	return kernelet(['run', '--root=builtin', @_], pty => [30, 100]);
}

{
	my $g = terminal();

	ok($g->expect($prompt, 30), 'a terminal: the shell prompts');
	ok($g->terminal->raw, 'keys go through as they are');
	$g->send("stty size; tty\r");
	ok($g->expect(qr/^30 100\r$/m, 10), 'the window has its size');
	ok($g->expect(qr{^/dev/pts/0\r$}m, 10), 'it is a terminal of the guest');
	# A command would have the foreground, and the signal, for itself. The loop is there
	# since this shell leaves its terminal raw when ^C comes as it begins to prompt.
	$g->send("trap 'echo wi''nch' WINCH; echo re''ady; while :; do read -t 9 a; done\r");
	ok($g->expect(qr/^ready\r$/m, 10), 'a loop waits');
	$g->terminal->resize(40, 90);
	ok($g->expect(qr/^winch\r$/m, 10), 'a changed window is SIGWINCH');
	$g->send("\003");
	ok($g->expect($prompt, 10), '^C ends the loop');
	$g->send("stty size\r");
	ok($g->expect(qr/^40 90\r$/m, 10), 'the window has its new size');
	$g->send("sh -c 'echo as''leep; exec sleep 1000'\r");
	ok($g->expect(qr/^asleep\r$/m, 10), 'a job in the foreground');
	$g->send("\032");
	ok($g->expect(qr/Stopped/, 10), '^Z stops a job');
	# wait returns at once while the job is seen as stopped, and exit minds that
	$g->send("kill -9 %1; sleep 1; jobs; echo do''ne\r");
	ok($g->expect(qr/done\r/, 10), 'and it is ended');
	$g->send("exit 7\r");
	is($g->finish, 7, 'exit status');
	is($g->terminal->settings, $fresh, 'the settings are restored');
	$g->clean('a terminal');
}
for my $ms (10, 30, 50, 60, 70, 80, 90, 100) {
	my $g = kernelet(['run', '--root=builtin', '--', 'sleep', '20'], pty => [30, 100]);

	select undef, undef, undef, $ms / 1000;
	$g->send("\003");
	is($g->finish(10), 130, "^C after $ms ms ends it");
	$g->clean("^C after $ms ms");
}
for my $signal (qw(TERM HUP KILL)) {
	my $g = terminal();
	my %number = (HUP => 1, KILL => 9, TERM => 15);

	ok($g->expect($prompt, 30), "SIG$signal: the guest runs");
	kill $signal => $g->pid;
	is($g->finish(10), 128 + $number{$signal}, "SIG$signal: exit status");
	ok(wait_until(3, sub { $g->terminal->settings eq $fresh }),
		"SIG$signal: the settings are restored");
	$g->clean("SIG$signal");
}

{
	# A terminal to see, but not to type at, is not raw.
	my $g = kernelet(['run', '--root=builtin', '--', 'cat'], pty => [30, 100],
		launcher => ['/bin/sh', '-c', 'echo line | "$@"', 'sh']);

	is($g->finish, 0, 'a pipe to a command on a terminal');
	is($g->out, "line\r\n", 'one carriage return');
	$g->clean('a pipe and a terminal');
}
{
	# Below a shell with job control, in the background: the terminal is the shell's.
	my $job = sub {
		my ($script, @command) = @_;

		return kernelet(['run', '--root=builtin', '--', @command], pty => [30, 100],
			launcher => ['/bin/bash', '-c', "set -m; $script", 'bash']);
	};
	my $g = $job->('"$@" & wait $!; echo "status $?"', 'sh', '-c', 'echo out; exit 3');

	ok($g->expect(qr/^out\r/m, 30), 'a command in the background');
	ok($g->expect(qr/^status 3\r/m, 30), 'runs to its end');
	is($g->finish, 0, 'the shell ends');
	$g->clean('the background');
	$g = $job->('"$@" & read a; echo "shell $a"; fg >/dev/null', 'sh', '-c',
		'echo up; read b; echo "guest $b"; exit 4');
	ok($g->expect(qr/^up\r/m, 30), 'another');
	ok(!$g->terminal->raw, 'leaves the terminal alone');
	$g->send("one\r");
	ok($g->expect(qr/^shell one\r/m, 10), 'what is typed is the shell\'s');
	ok(wait_until(20, sub { $g->terminal->raw }), 'in the foreground it takes the terminal');
	$g->send("two\r");
	ok($g->expect(qr/^guest two\r/m, 20), 'and what is typed');
	is($g->finish, 4, 'its status');
	ok(!$g->terminal->raw, 'the terminal is set back');
	$g->clean('the foreground');
}

# ---- signals -----------------------------------------------------------------

for my $signal (qw(TERM HUP KILL)) {
	my $g = kernelet(['run', '--root=builtin', '--name=victim', '--', 'sh', '-c',
		'echo up; sleep 100 & sleep 100']);
	my %number = (HUP => 1, KILL => 9, TERM => 15);

	ok($g->expect(qr/up\n/, 30), "SIG$signal without a terminal: the guest runs");
	kill $signal => $g->pid;
	is($g->finish(10), 128 + $number{$signal}, "SIG$signal: exit status");
	$g->clean("SIG$signal");
	is_deeply([runtime_names()], $signal eq 'KILL' ? ['victim'] : [],
		"SIG$signal: the runtime directory");
}
{
	my $g = run_in([], ['true']);

	is_deeply([runtime_names()], [], 'the next command cleans up');
	$g->clean('the next command');
}
{
	my $g = kernelet(['run', '--root=builtin', '--', 'sh', '-c',
		'trap "echo caught; exit 5" INT; echo up; while :; do sleep 0.1; done']);

	ok($g->expect(qr/up\n/, 30), 'SIGINT: the guest runs');
	kill INT => $g->pid;
	is($g->finish(10), 5, 'SIGINT is the command\'s');
	like($g->out, qr/caught/, 'which catches it');
	$g->clean('SIGINT');
}
for my $early (0.002, 0.01, 0.03, 0.06) {
	# at any moment of the start
	my $g = kernelet(['run', '--root=builtin', '--', 'sleep', 100]);

	sleep $early;
	kill KILL => $g->pid;
	is($g->finish(10), 137, "killed after $early s");
	$g->clean("killed after $early s");
}

# ---- names -------------------------------------------------------------------

{
	my $g = kernelet(['run', '--root=builtin', '--name=one', '--', 'sh', '-c', 'echo up; read a']);

	ok($g->expect(qr/up\n/, 30), 'a guest with a name');
	my $h = run_in(['--name=one'], ['true']);
	is($h->{ended}, 2, 'a second one of that name');
	is($h->err, "kernelet: --name=one: a guest of this name runs already\n", 'is refused');
	$h->clean('a second name');
	$g->send("\n");
	is($g->finish, 0, 'the first one goes on');
	$g->clean('a name');
}

# ---- bad input ---------------------------------------------------------------

sub refused {
	my ($pattern, @words) = @_;
	my $g = command(['run', @words, '--', 'true']);
	my $name = substr "@words" =~ s/[^ -~]/?/gr, 0, 80;

	is($g->{ended}, 2, "$name: status 2");
	like($g->err, qr/\Akernelet(?:-hostfs)?: $pattern\n\z/, "$name: one line");
	is($g->out, '', "$name: nothing else");
	$g->clean($name);
}

refused(qr/run: no option --rot; the nearest is --root .*/, '--rot=x');
refused(qr/--memory=lots: not a size.*/, '--root=builtin', '--memory=lots');
refused(qr/--cpus=0: not a whole number above 0/, '--root=builtin', '--cpus=0');
refused(qr/--root=\/nonexistent: No such file or directory/, '--root=/nonexistent');
refused(qr/--root=\/etc\/passwd: neither a directory, nor .*/, '--root=/etc/passwd');
refused(qr/--share=\/nonexistent: No such file or directory/, '--root=builtin', '--share=/nonexistent');
refused(qr/--name=a\/b: not a name.*/, '--root=builtin', '--name=a/b');
refused(qr/--name=: not a name.*/, '--root=builtin', '--name=');
refused(qr/--name=a\?b\?\[1mc: not a name.*/, '--root=builtin', "--name=a\nb\e[1mc");
refused(qr/--cpus=65: the most is 64/, '--root=builtin', '--cpus=65');
refused(qr/--env=$_: no name; say NAME or NAME=VALUE/, '--root=builtin', "--env=$_") for '', '=x', '=';
refused(qr/--volume-map=\Q$_\E: not uid:HOST:GUEST or gid:HOST:GUEST/, '--root=builtin', "--volume-map=$_")
	for 'uid:-1:0', 'uid:0:-1', 'uid:99999999999:0', 'uid: 1: 2', 'uid:1:+2', 'uid:4294967295:0', 'uid:1:2:3';
refused(qr/$_ cannot be shared: $_ is hidden.*/, "--hide=$_", "--share=$_:/mnt") for '/', '/etc';
refused(qr/\/etc cannot be shared: \/etc is hidden.*/, '--root=builtin', '--hide=/etc', '--share=/etc:/mnt');
refused(qr/--share=\/usr:$_: $_ is the guest kernel's own/, '--root=builtin', "--share=/usr:$_")
	for qw(/proc /proc/x /sys /sys/fs /dev);
refused(qr/--kernel=\/nonexistent: .*/, '--root=builtin', '--kernel=/nonexistent');
refused(qr/--persist: .*/, '--root=builtin', '--persist');
refused(qr/\/$_: its file system is none that can be shared/, '--root=builtin', "--share=/$_:/mnt")
	for qw(proc sys dev);
{
	my $many = scratch() . '/many';

	run_user('sh', '-c', "mkdir $many && cd $many && touch \$(seq 300)");
	refused(qr/--hide: too many, the most is 256 .*/, map { "--hide=$many/$_" } 1 .. 300);
	my $g = command(['run', (map { "--hide=$many/$_" } 1 .. 150), '--', 'ls', $many]);
	is($g->out, join('', map { "$_\n" } sort 151 .. 300), '150 are hidden');
	$g->clean('150 are hidden');
	symlink $many, scratch() . '/home' or die;
	local $ENV{HOME} = scratch() . '/home';
	$g = command(['run', (map { "--hide=$many/$_" } 1 .. 150), '--', 'ls', $many]);
	is($g->out, join('', map { "$_\n" } sort 151 .. 300), 'a home by way of a link counts once');
	$g->clean('a home by way of a link');
}
refused(qr/--net usr: not a value of it .*/, '--root=builtin', '--net', 'usr');
is(command(['rnu'])->{ended}, 2, 'a subcommand that is not there');

done_testing();
