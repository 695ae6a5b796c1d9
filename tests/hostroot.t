#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# kernelet run on the host's own root, and shares: what a guest sees of the host's
# files, what it can change, and what is hidden.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Guest;
use Launcher;
use Test::More;

-e "$BUILD/kernelet-hostfs" or cannot('no kernelet-hostfs here');

my $dir = scratch();
my ($uid, $gid) = (stat $dir)[4, 5];

sub on_host {
	my ($options, @command) = @_;

	return command(['run', @$options, '--', @command]);
}

# ---- the root ----------------------------------------------------------------

{
	spew("$dir/file", "of the host\n");
	my $g = on_host([], 'sh', '-c', 'id -u; pwd; cat file; echo changed >file; cat file; ' .
		'echo new >new; cat new; rm file; test -e file || echo gone');

	is($g->out, "$uid\n$dir\nof the host\nchanged\nnew\ngone\n",
		'the host\'s root, as the caller, in its directory') or diag($g->err);
	$g->clean('the host\'s root');
	is(slurp("$dir/file"), "of the host\n", 'nothing has changed on the host');
	ok(!-e "$dir/new", 'nothing is new there');
	$g = on_host([], 'perl', '-e', 'print "perl $]\n"; exit 3');
	is($g->out, "perl $]\n", 'the host\'s programs run');
	is($g->{ended}, 3, 'with their status');
	$g->clean('a program of the host');
	$g = on_host(['--root-user'], 'sh', '-c', 'id -u; cat /etc/shadow; echo x >/etc/kernelet.test && cat /etc/kernelet.test');
	is($g->out, "0\nx\n", 'root in the guest has the caller\'s rights on the host') if $uid;
	ok(!-e '/etc/kernelet.test', 'and changes nothing there');
	$g->clean('root');
}

# ---- shares ------------------------------------------------------------------

{
	my $c = "$dir/project";

	mkdir $c;
	chown $uid, $gid, $c if $> == 0;
	my ($status) = run_user('sh', '-c', "cd $c && XDG_RUNTIME_DIR=$dir $KERNELET run --rw -- " .
		'sh -c "echo built >out; mkdir sub; echo x >/etc/kernelet.test; true"');
	is($status, 0, '--rw');
	is(slurp("$c/out"), "built\n", 'leaves what was written');
	is_deeply([(stat "$c/out")[4, 5]], [$uid, $gid], 'owned by the caller');
	ok(-d "$c/sub", 'and directories');

	my $script = 'cat /mnt/out; echo more >/mnt/new && cat /mnt/new; exit 0';
	my $g = on_host(["--share=$c:/mnt"], 'sh', '-c', $script);
	is($g->out, "built\n", '--share, read-only');
	like($g->err, qr/Read-only/, 'says so');
	$g->clean('--share');
	$g = on_host(["--share=$c:/mnt:overlay"], 'sh', '-c', $script);
	is($g->out, "built\nmore\n", '--share, overlay') or diag($g->err);
	ok(!-e "$c/new", 'which does not reach the host');
	$g->clean('--share, overlay');
	$g = on_host(['--root=builtin', "--share=$c:/mnt:rw"], 'sh', '-c', $script);
	is($g->out, "built\nmore\n", '--share, writable, with another root') or diag($g->err);
	is(slurp("$c/new"), "more\n", 'reaches the host');
	$g->clean('--share, rw');
}

# ---- what is hidden ----------------------------------------------------------

{
	spew("$dir/secret", "secret\n");
	my $g = on_host(["--hide=$dir/secret"], 'sh', '-c', 'cat secret; ls');

	unlike($g->out, qr/secret/, '--hide');
	$g->clean('--hide');
	$g = on_host([], 'cat', 'secret');
	is($g->out, "secret\n", 'without it, it is seen');
	$g->clean('not hidden');
}

done_testing();
