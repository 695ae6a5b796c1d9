#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# What tells people of the options: help, manual page and completion, each
# against the parser; and what is installed.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Guest;
use Launcher;
use Test::More;

my $dir = scratch();
my @commands = command(['--help'])->out =~ /^  ([a-z]+(?: [a-z]+)?)  /mg;

cmp_ok(scalar @commands, '>=', 12, 'subcommands') or diag("@commands");

# The options of each, from its help.
my %options;
for my $command (@commands) {
	my $g = command([split(/ /, $command), '--help']);

	is($g->{ended}, 0, "$command --help");
	like($g->out, qr/\Ausage: kernelet \Q$command\E/, 'says how it is used');
	$options{$command} = [grep { $_ ne 'help' } $g->out =~ /^  (?:-\w, )?--([a-z-]+)/mg];
	is(command([split(/ /, $command), '--no-such-option'])->{ended}, 2,
		"$command: an option that does not exist");
	my @unknown = grep {
		# It asks for a value, or is taken and something else is amiss; it is no stranger.
		command([split(/ /, $command), "--$_", ($command eq 'run' ? '--dry-run' : ())])
			->err =~ /no option/
	} @{$options{$command}};
	is("@unknown", '', 'every option of the help is one of the parser') if $command eq 'run';
}

is(command(['help'])->out, command(['--help'])->out, 'help');
is(command(['help', split / /])->out, command([split(/ /), '--help'])->out, "help $_") for 'run', 'image build';
is(command(['help', 'rum'])->err, "kernelet: no subcommand rum; the nearest is run (see kernelet --help)\n",
	'help of what is not there');
{
	my $g = command(['--version']);

	is($g->{ended}, 0, '--version');
	like($g->out, qr/\Akernelet, Linux \d+\.\d+\.\d+\n\z/, 'says which Linux there is');
	is((run_user('sh', '-c', "$KERNELET --version >/dev/full"))[1],
		"kernelet: standard output: No space left on device\n", 'or that it cannot');
	is((run_user('sh', '-c', "cp $KERNELET $dir/alone && $dir/alone --version"))[1], "kernelet: " .
		"--version: no vmlinux beside this program: build it with make\n", 'without a kernel');
}

# ---- the manual page ---------------------------------------------------------

my $manual = command(['manual'])->out;
spew("$dir/kernelet.1", $manual);
for my $command (@commands) {
	# "image" is one, "image build" another
	my $longer = join '|', '(?!)', map { /^\Q$command\E (\S+)$/ ? $1 : () } @commands;
	my ($part) = $manual =~ /^\.SS kernelet \Q$command\E (?!(?:$longer) )(.*?)(?=^\.S[SH])/ms;
	my %there = map { s/\\//gr => 1 } ($part // '') =~ /^\.B (?:\\-\w, )?\\-\\-([a-z\\-]+)/mg;

	is(join(' ', sort keys %there), join(' ', sort @{$options{$command}}),
		"the manual page has the options of $command");
}
SKIP: {
	my ($status, $out) = run_user('sh', '-c',
		"command -v groff >/dev/null || exit 99; groff -man -Tutf8 -ww $dir/kernelet.1 2>&1 >/dev/null");

	skip 'no groff here', 1 if $status == 99;
	is($out, '', 'the manual page is right for groff');
}
like($manual, qr/\\&\.ssh/, 'the list of what is hidden is in it');

# ---- completion --------------------------------------------------------------

spew("$dir/completion", command(['completion', 'bash'])->out);

# What bash offers for the last word.
sub offered {
	my @words = ('kernelet', @_);
	my $list = join ' ', map { "'$_'" } @words;
	my ($status, $out) = run_user('bash', '-c', "PATH=$dir:\$PATH; . $dir/completion; " .
		"COMP_WORDS=($list); COMP_CWORD=$#words; _kernelet; printf '%s\\n' \"\${COMPREPLY[@]}\"");

	return join ' ', sort grep { length } split /\n/, $out;
}

my %first = map { (split / /)[0] => 1 } @commands;
is(offered(''), join(' ', sort keys %first), 'completion has all subcommands');
is(offered('ru'), 'run', 'and completes one');
for my $command (@commands) {
	is(offered(split(/ /, $command), '--'),
		join(' ', sort map({ "--$_" } @{$options{$command}}), '--help'),
		"completion has the options of $command");
}
is(offered('run', '--cache', 'a'), 'always auto', 'and values');
is(offered('completion', ''), 'bash', 'its own operand');
is(offered('ps', ''), '', 'nothing where there is none');
# = is a word of its own, unless COMP_WORDBREAKS says otherwise
is(offered('run', '--cache', '='), 'always auto none', 'values behind =');
is(offered('run', '--cache', '=', 'al'), 'always', 'and the beginning of one');
is(offered('run', '--cache=al'), '--cache=always', 'in one word');
like(offered('run', '--', 'bas'), qr/(^| )bash( |$)/, 'behind --: commands');
like(offered('exec', 'g', '--', 'bas'), qr/(^| )bash( |$)/, 'of exec too');
is(offered('run', '--', 'ls', '--ro'), '', 'and none of the options');
is(offered('run', '--', 'ls', "$dir/kernelet."), "$dir/kernelet.1", 'but files');
is(offered('run', '--', 'ls', '--cache', "$dir/kernelet."), "$dir/kernelet.1",
	'whatever is before them');

# As it is typed: what the line is then.
{
	my $bash = Guest->start(plain => 1, kernel => '/bin/bash', pty => [24, 200],
		args => ['--norc', '--noprofile', '-i']);
	my $typed = sub {
		my $from = length $bash->out;

		$bash->send("$_[0]\t\001echo '<\005>'\r");
		$bash->expect(qr/^<.*>\r$/m, 10);
		return (substr($bash->out, $from) =~ /^<(.*)>\r$/m)[0];
	};

	run_user('sh', '-c', "mkdir '$dir/files'; cd '$dir/files'; >'two words'; mkdir 'a dir'");
	$bash->send("bind 'set enable-bracketed-paste off'; PS1='> '; cd $dir/files; . $dir/completion\r");
	is($typed->('kernelet run --cache=n'), 'kernelet run --cache=none ', 'typed: a value');
	is($typed->("kernelet cp tw"), 'kernelet cp two\\ words ', 'a name with a space');
	is($typed->("kernelet cp two\\ w"), 'kernelet cp two\\ words ', 'the rest of one');
	is($typed->("kernelet run --share=a"), 'kernelet run --share=a\\ dir/', 'a directory');
	$bash->send("exit\r");
	$bash->finish;
}

# ---- what is installed -------------------------------------------------------

{
	my $prefix = "$dir/prefix";
	my $out = `make -C '$TOP' -s install PREFIX='$prefix' 2>&1`;

	is($?, 0, 'make install') or diag($out);
	ok(-s "$prefix/$_", "installs $_") for qw(bin/kernelet libexec/kernelet/vmlinux
		libexec/kernelet/kernelet-hostfs share/man/man1/kernelet.1
		share/bash-completion/completions/kernelet);
	my ($status, $text) = run_user('sh', '-c', "XDG_RUNTIME_DIR=$dir $prefix/bin/kernelet run " .
		'--root-user -- sh -c \'PATH=$PATH:/sbin:/usr/sbin; modprobe dummy && ' .
		'grep ^dummy /proc/modules; ls /lib/modules; uname -r\'');
	is($status, 0, 'what is installed runs, with the modules of its own kernel');
	my ($module, @releases) = split /\n/, $text;
	like($module // '', qr/^dummy /, 'modprobe finds one') or diag($text);
	is($releases[0] // '', $releases[1] // 'none', 'of this release');
}

done_testing();
