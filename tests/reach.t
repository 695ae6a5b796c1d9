#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# What each ring of a guest that kernelet run starts can reach on the host: the
# rows of the table in arch-user/SECURITY.md that attack.t, confine.t and
# hostfs.t do not try.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Guest;
use IO::Socket::INET;
use IO::Socket::UNIX;
use Launcher;
use Test::More;

my $dir = scratch();
my ($uid) = (stat $dir)[4];

sub on_host {
	my ($options, $script, %o) = @_;
	my $g = command(['run', @$options, '--', 'sh', '-c', $script], %o);

	$g->clean("@$options");
	return $g;
}

# ---- files -------------------------------------------------------------------

run_user('sh', '-c', "cd $dir; mkdir .ssh .aws plain .config .config/gh; echo key >.ssh/id; " .
	'echo token >.aws/credentials; echo token >.config/gh/hosts; ' .
	'echo key >.netrc; ln .netrc other-name; ln -s .ssh/id link; echo mine >plain/file');
{
	# HOME is $dir here. What is hidden is hidden from root inside, by any name,
	# also where the share is mounted once more.
	my $script = 'for f in .ssh/id .netrc other-name link .aws/credentials .config/gh/hosts; do ' .
		'cat $f 2>/dev/null && echo "seen: $f"; done; ls -A . .config; ' .
		'{ echo x >.ssh/new && echo "made"; ' .
		'mkdir /run/again; mount -t hostfs share0 /run/again && ' .
		"cat /run/again$dir/.ssh/id /run/again$dir/other-name; " .
		"mount -o remount,rw /run/again; echo x >/run/again$dir/plain/file && echo written; " .
		"touch /run/again$dir/new && echo written; } 2>/dev/null; cat plain/file; true";

	for my $who ([], ['--root-user']) {
		my $g = on_host($who, $script);
		my $out = $g->out;

		unlike($out, qr/seen|key|token|written|made/,
			"hidden files, and none is written to: @$who") or diag($out, $g->err);
		like($out, qr/^mine$/m, 'what is not hidden is seen');
		is(slurp("$dir/plain/file"), "mine\n", 'and as it was');
		ok(!-e "$dir/new" && !-e "$dir/.ssh/new", 'nothing is new');
	}
	my $g = on_host(['--no-hide=.ssh', '--no-hide', '~/.aws'],
		'cat .ssh/id .aws/credentials; cat .config/gh/hosts 2>/dev/null; true');
	is($g->out, "key\ntoken\n", '--no-hide shows what it names, and no more');
	is(on_host(['--no-hide=all'], 'cat .config/gh/hosts link')->out, "token\nkey\n",
		'--no-hide=all');
	$g = on_host(["--share=$dir:/mnt:rw", '--root=builtin'],
		'ls -A /mnt; cat /mnt/.ssh/id 2>/dev/null; true');
	like($g->out, qr/^plain$/m, 'a share');
	unlike($g->out, qr/ssh|key/, 'hidden in it too');
	$g = on_host(["--hide=$dir/plain"], 'ls -A; cat plain/file 2>/dev/null; true');
	unlike($g->out, qr/plain|mine/, '--hide');
	# A hidden place that is a link: what it leads to is hidden too, by its own path.
	run_user('sh', '-c', "cd $dir; mkdir -p dot/gnupg; echo key >dot/gnupg/key; echo seen >dot/other; " .
		'ln -s dot/gnupg .gnupg');
	for my $share ([], ["--share=$dir/dot:/mnt", '--root=builtin']) {
		my $where = @$share ? '/mnt' : 'dot';

		is(on_host($share, "cat $where/other $where/gnupg/key .gnupg/key 2>/dev/null; true")->out, "seen\n",
			"where a hidden link leads is hidden: @$share");
	}
	for my $it ('.ssh', 'dot/gnupg') {
		$g = command(['run', '--root=builtin', "--share=$dir/$it:/mnt", '--', 'true']);
		is("$g->{ended} " . $g->err, "2 kernelet: $dir/$it cannot be shared: $dir/$it is hidden " .
			"(see --hide, --no-hide)\n", "a share that is hidden: $it");
	}
	is(on_host(['--root=builtin', '--no-hide=.ssh', "--share=$dir/.ssh:/mnt"], 'cat /mnt/id')->out, "key\n",
		'and shown by --no-hide');
	$g = command(['run', '--no-hide=plain', '--', 'true']);
	is("$g->{ended} " . $g->err, "2 kernelet: --no-hide=plain: not on the list (see kernelet manual)\n",
		'--no-hide of what is not hidden');
}
SKIP: {
	skip 'the caller is root', 2 if !$uid;
	my $g = on_host(['--root-user'], 'cat /etc/shadow 2>&1; chown 0:0 plain/file');

	like($g->out, qr/Permission denied/, 'root inside has no more rights on the host\'s files');
	is((stat "$dir/plain/file")[4], $uid, 'and owners there stay');
}
{
	# Owners as the caller wants them.
	my $g = on_host(["--volume-map=uid:$uid:0", "--share=$dir/plain:/mnt:rw", '--root-user'],
		'stat -c %u /mnt/file; echo new >/mnt/new; stat -c %u /mnt/new');
	is($g->out, "0\n0\n", '--volume-map: the caller\'s files are root\'s inside') or diag($g->err);
	is((stat "$dir/plain/new")[4], $uid, 'and the caller\'s on the host');
	$g = command(['run', '--volume-map=uid:x', '--', 'true']);
	is($g->{ended}, 2, 'a wrong map') or diag($g->err);
	is($g->err =~ tr/\n//, 1, 'is one line') or diag($g->err);
}

# ---- network, processes, sockets, devices ------------------------------------

my $try = <<'EOF';
use IO::Socket::INET;
use IO::Socket::UNIX;
my ($port, $path, $name, $pid) = @ARGV;
print "tcp\n" if IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Timeout => 3);
print "unix\n" if IO::Socket::UNIX->new(Peer => $path);
print "abstract\n" if IO::Socket::UNIX->new(Peer => "\0$name");
open my $f, '<', '/proc/net/dev' or die;
print "interfaces: ", join(' ', map { /^\s*(\S+):/ ? $1 : () } <$f>), "\n";
print "signal\n" if kill 9, $pid;
print "process\n" if -e "/proc/$pid/environ";
print "device $_\n" for grep { -e "/dev/$_" } qw(sda vda nvme0 kvm);
EOF

{
	my $tcp = IO::Socket::INET->new(Listen => 4, LocalAddr => '127.0.0.1') or die "socket: $!";
	my $unix = IO::Socket::UNIX->new(Listen => 4, Local => "$dir/socket") or die "socket: $!";
	my $name = "kernelet-test-$$";
	my $abstract = IO::Socket::UNIX->new(Listen => 4, Local => "\0$name") or die "socket: $!";
	chmod 0777, "$dir/socket";
	spew("$dir/plain/try.pl", $try);
	my $sleeper = fork // die;
	exec as_user('sleep', 1000) or die if !$sleeper;
	my $call = join ' ', "perl $dir/plain/try.pl", $tcp->sockport, "$dir/socket", $name, $sleeper;

	# The attempts would succeed on the host.
	like((run_user('sh', '-c', $call =~ s/ \d+$/ 4194304/r))[1], qr/^tcp\nunix\nabstract\n/,
		'the host\'s sockets answer on the host');
	local $ENV{SECRET_TOKEN} = 'of the caller';
	my $g = command(['run', '--root-user', '--', 'sh', '-c', "$call; env | grep SECRET; true"]);
	my $out = $g->out;
	unlike($out, qr/^(?:tcp|unix|abstract|signal|process|SECRET|device)/m,
		'no socket, process, device or variable of the host') or diag($out);
	like($out, qr/^interfaces: lo(?: (?:sit|ip6tnl|tunl)0)*$/m, 'no network but its own loopback')
		or diag($out);
	ok(kill(0, $sleeper), 'a process of the host lives');
	kill 'KILL', $sleeper;
	waitpid $sleeper, 0;
	$g->clean('attempts');
}

# ---- what the guest's processes hold on the host -----------------------------

# A large file that a server has lent the kernel, for reading.
sub lent {
	my ($pid, $name, $fd) = @_;

	return 0 if $name ne 'vmlinux' || !-f "/proc/$pid/fd/$fd" || -s _ < 1 << 20;
	return (slurp("/proc/$pid/fdinfo/$fd") // '') =~ /^flags:\s*\d*[04]$/m;
}

# What a process of the guest has that it should not, as text.
sub held {
	my ($pid, $name) = @_;
	my %s = (slurp("/proc/$pid/status") // '') =~ /^(\w+):\s*(.*)$/mg;
	my @bad;

	push @bad, 'new privileges' if !$s{NoNewPrivs};
	push @bad, 'capabilities' if grep { /[1-9a-f]/ } @s{qw(CapEff CapPrm CapInh CapAmb)};
	push @bad, 'no filter' if $s{Seccomp} != 2;
	push @bad, 'environment' if (slurp("/proc/$pid/environ") // '') =~ /SECRET/;
	push @bad, 'core dumps' if (slurp("/proc/$pid/limits") // '') =~ /^Max core file size\s+[1-9]/m &&
		$name !~ /hostfs/;
	for my $fd (glob "/proc/$pid/fd/*") {
		my $to = readlink $fd // next;
		push @bad, "the caller's $to" if $to =~ m{/plain/file$};
		push @bad, $to if $to =~ m{^/} && $name !~ /hostfs/ &&
			$to !~ m{^/(?:dev/null|memfd:)|/vmlinux} && !lent($pid, $name, $fd =~ s{.*/}{}r);
	}
	return map { "$name: $_" } @bad;
}

{
	local $ENV{SECRET_TOKEN} = 'of the caller';
	open my $file, '<', "$dir/plain/file" or die "$dir/plain/file: $!";
	open my $again, '>>', "$dir/plain/file" or die "$dir/plain/file: $!";
	my $g = kernelet(['run', '--name=reach', "--share=$dir/plain:/mnt:rw", "--vsock=$dir/vsock",
		'--', 'sh', '-c', 'echo up; read a'], keep => [$file, $again]);

	ok($g->expect(qr/up\n/, 30), 'a guest');
	my %below = processes_below($g->pid);
	my %names = reverse %below;
	is(join(', ', map { held($_, $below{$_}) } sort keys %below), '',
		'no privileges, files, variables in any process of a guest');
	ok($names{vmlinux} && grep({ /hostfs/ } keys %names), 'kernel and server were looked at')
		or diag(explain \%names);
	$g->send("\n")->finish;
	$g->clean('a guest');
}

# ---- a host without filters --------------------------------------------------

{
	my @refuse = (user_file("$BUILD/tests/lib/refuse"), 'filter');
	my $g = command(['run', '--root=builtin', '--', 'true'], launcher => \@refuse);

	is($g->{ended}, 2, 'without seccomp filters: refused');
	like($g->err, qr/\Akernelet: the host lets nobody install a seccomp filter.*--unconfined\n\z/,
		'in one line');
	$g = command(['run', '--root=builtin', '--unconfined', '--', 'sh', '-c', 'exit 7'],
		launcher => \@refuse);
	is($g->{ended}, 7, '--unconfined runs') or diag($g->err);
	$g->clean('--unconfined');
}

done_testing();
