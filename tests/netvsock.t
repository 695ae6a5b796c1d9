#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Virtual sockets between guest and host: --vsock.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Guest;
use Launcher;
use IO::Socket::UNIX;
use Socket;
use Test::More;
use Time::HiRes qw(sleep time);

my $vsock = "$BUILD/tests/lib/vsock";
-x $vsock or BAIL_OUT("no $vsock: make -C tests");
my $dir = scratch();
my $path = "$dir/v.sock";

sub guest {
	my ($command, @options) = @_;

	return kernelet(['run', '--root=builtin', "--share=$BUILD/tests/lib:/t", "--vsock=$path", @options,
		'--', 'sh', '-c', $command], time => 90);
}

# A connection from the host to a port of the guest, and what it says first.
sub to_guest {
	my ($port) = @_;
	my $s = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $path) or return undef;

	$s->autoflush(1);
	print $s "CONNECT $port\n";
	return ($s, scalar <$s>);
}

{
	my $g = guest('/t/vsock echo 5000 & sleep 0.2; echo up; read line; true');

	ok($g->expect(qr/up\n/, 30), 'a guest that echoes') or diag($g->err);
	my ($s, $answer) = to_guest(5000);
	like($answer // '', qr/^OK \d+\n$/, 'the host connects');
	print $s "hello\n";
	is(scalar <$s>, "hello\n", 'and hears its echo');
	# more than fits on the way, both ways at once
	my $data = join '', map { pack 'N', $_ } 1 .. 1 << 20;
	my $pid = fork // die;
	if (!$pid) {
		syswrite $s, $data, 65536, $_ * 65536 for 0 .. (length($data) >> 16) - 1;
		shutdown $s, 1;
		POSIX::_exit(0);
	}
	local $/;
	my $back = <$s>;
	waitpid $pid, 0;
	ok($back eq $data, '4 MB come back unharmed') or diag(length $back);
	close $s;
	($s, $answer) = to_guest(5001);
	is($answer, '', 'a port where nobody listens');
	# many at a time
	local $/ = "\n";
	my @all = map { [to_guest(5000)] } 1 .. 20;
	is(scalar(grep { ($_->[1] // '') =~ /^OK/ } @all), 20, 'twenty connections');
	print { $all[$_][0] } "number $_\n" for 0 .. $#all;
	is(join('', map { my $h = $_->[0]; scalar <$h> } @all), join('', map { "number $_\n" } 0 .. 19),
		'each its own');
	close $_->[0] for @all;
	# what is no request
	my $bad = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $path);
	print $bad "hello\n";
	is(scalar <$bad>, undef, 'something else is not answered');
	my %all = processes_below($g->pid);
	my ($pid2) = grep { $all{$_} eq 'kernelet-vsock' } keys %all;
	like(slurp("/proc/$pid2/status"), qr/^CapPrm:\s+0+\n(?s:.*)^Seccomp:\s+2$/m, 'its process is confined');
	$g->close_stdin;
	is($g->finish, 0, 'exit status');
	$g->clean('echo');
	ok(!-e $path, 'its socket is gone');
}
{
	# the guest connects
	my $server = IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => "${path}_6000", Listen => 1) or die;
	my $g = guest('echo from the guest | /t/vsock connect 2 6000; /t/vsock connect 2 6001 </dev/null; ' .
		'echo "status $?"; echo to myself | /t/vsock connect 1 6002; echo "status $?"');

	chmod 0666, "${path}_6000";
	my $s = $server->accept;
	is(scalar <$s>, "from the guest\n", 'the guest connects');
	print $s "from the host\n";
	close $s;
	$g->close_stdin;
	is($g->finish, 0, 'exit status');
	like($g->out, qr/^from the host\n/, 'and is answered');
	is(scalar(() = $g->out =~ /^status 1$/mg), 2, 'where nobody listens it is refused');
	$g->clean('the guest connects');
}
{
	my $g = run_in(["--vsock=/nonexistent/v"], ['true']);

	is($g->{ended}, 2, 'no such directory');
	is($g->err, "kernelet: --vsock=/nonexistent/v: No such file or directory\n", 'one line');
	$g->clean('no such directory');
	$g = run_in(["--vsock=$_"], ['true']), is($g->err, "kernelet: --vsock=$_: not a path for a socket\n",
		"--vsock=$_") for '', "$dir/";
	# however the launcher ends the name is free for the next one
	for my $signal (qw(TERM HUP KILL)) {
		$g = guest('echo up; read line');
		ok($g->expect(qr/up\n/, 30), "SIG$signal: a guest") or diag($g->err);
		ok(-S $path, "SIG$signal: its socket is there");
		is(run_in(["--vsock=$path"], ['true'])->err, "kernelet: --vsock=$path: there is such a file already\n",
			"SIG$signal: and not for another guest");
		kill $signal => $g->pid;
		$g->finish(10);
		$g->clean("SIG$signal");
		ok($signal eq 'KILL' ? -S $path : !-e $path, "SIG$signal: the socket");
	}
	$g = run_in(["--vsock=$path"], ['true']);
	is("$g->{ended} " . $g->err, '0 ', 'one that nobody listens on is replaced');
	$g->clean('replaced');
	spew($path, '');
	$g = run_in(["--vsock=$path"], ['true']);
	is($g->err, "kernelet: --vsock=$path: there is such a file already\n", 'a name that is taken');
	$g->clean('a name that is taken');
}

done_testing();
