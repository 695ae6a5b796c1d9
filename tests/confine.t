#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# The guest kernel is confined (arch-user/SECURITY.md, ring 2): a module makes
# host system calls that are not on the allow-list. Each ends the guest, with a
# message that names the call, and nothing has happened on the host. The same
# attack against a control build with that one defence off is seen to succeed,
# so that each would have worked. The list that is really in force is measured,
# call by call, and is the one that the page shows.

use strict;
use warnings;
use Fcntl qw(F_SETFD);
use File::Copy qw(copy);
use FindBin;
use IO::Socket::UNIX;
use POSIX ();
use Socket;
use lib "$FindBin::Bin/lib";
use Guest;
use Test::More;

my $CONTROL = "$BUILD/control/vmlinux";

-e "$BUILD/obj/.config" or cannot("no $BUILD/obj: the kernel was not built here");
-e $CONTROL or cannot("no $CONTROL: make control");

# ---- what the attacks need ---------------------------------------------------

sub build {
	my ($name, @flags) = @_;
	my $out = scratch() . "/$name";

	system('cc', '-O2', @flags, '-o', $out, "$FindBin::Bin/confine/$name.c") == 0
		or BAIL_OUT("cannot build $name");
	chmod 0755, $out;
	return $out;
}

my $victim_program = build('victim');
my $executed = build('executed', qw(-static -nostdlib -ffreestanding -fno-stack-protector));

my $dir = "$BUILD/tests/confine";
mkdir "$BUILD/tests";
mkdir $dir;
copy("$FindBin::Bin/module/attack.c", $dir) or die;
spew("$dir/Makefile", "obj-m := attack.o\n");
delete @ENV{qw(MAKEFLAGS MFLAGS)};
my $built = `make -s -C '$BUILD/obj' ARCH=user M='$dir' modules 2>&1`;
is($?, 0, 'the module is built') or diag($built), done_testing, exit;
my $module = "/m/attack.ko=$dir/attack.ko";

my %victim;
sub victim_start {
	my $file = scratch() . '/held';

	unlink $file;
	pipe my $r, my $w or die;
	my $pid = fork // die;
	if (!$pid) {
		open STDOUT, '>&', $w;
		exec Guest::as_user($victim_program, $file) or POSIX::_exit(127);
	}
	close $w;
	my $line = <$r> // BAIL_OUT('no victim');
	%victim = (pid => $pid, address => $line + 0, held => $file);
}

sub victim_field {
	my ($name) = @_;

	return (slurp("/proc/$victim{pid}/status") // '') =~ /^$name:\s*(.*)/m ? $1 : '';
}

sub victim_died {
	return wait_until(1, sub { Guest::reap(); !kill 0, $victim{pid} });
}

sub victim_stat {
	my ($n) = @_;	# counted from the state

	return (split ' ', (slurp("/proc/$victim{pid}/stat") // '') =~ s/.*\) //sr)[$n];
}

sub left_process {
	my ($g) = @_;
	my %all;

	return wait_until(1, sub {
		Guest::reap();
		%all = processes_below($$);
		delete $all{$victim{pid}};
		!%all;
	}) ? 0 : kill KILL => keys %all;
}

my $path = scratch() . '/made';
my $listener;
my $cpus = POSIX::sysconf(84);		# _SC_NPROCESSORS_ONLN

# name: the attack; call: as the message names it; off: the defences to turn off
# in the control build; done: whether it has had its effect, asked while the
# guest lives if "live", else after its end.
my @attacks = (
	{ name => 'openat', off => 'call-257', done => sub { -e $path } },
	{ name => 'connect', call => 'socket', off => 'call-41,call-42',
	  before => sub {
		$listener = IO::Socket::UNIX->new(Local => $path, Listen => 1);
		chmod 0777, $path;
		$listener->blocking(0);
	  }, done => sub { $listener->accept } },
	{ name => 'kill', off => 'call-62', done => \&victim_died },
	{ name => 'tgkill', off => 'call-234', done => \&victim_died },
	{ name => 'pidfd_signal', call => 'pidfd_open', off => 'call-434,call-424',
	  done => \&victim_died },
	{ name => 'pidfd_term', call => 'pidfd_send_signal' },
	{ name => 'ring_openat', call => 'io_uring_setup',
	  off => 'call-425,call-426,call-9', done => sub { -e $path },
	  can => sub { !(slurp('/proc/sys/kernel/io_uring_disabled') // 0) } },
	{ name => 'ring_socket', call => 'io_uring_setup',
	  off => 'call-425,call-426,call-9',
	  done => sub { $_[0]->out =~ /it returned \d/ },
	  can => sub { !(slurp('/proc/sys/kernel/io_uring_disabled') // 0) } },
	{ name => 'tiocsti', call => 'ioctl', off => 'call-16', pty => [24, 80],
	  done => sub { $_[0]->out =~ /it returned 0/ },
	  can => sub { slurp('/proc/sys/dev/tty/legacy_tiocsti') // 1 } },
	{ name => 'ptrace_attach', call => 'ptrace', off => 'call-101', live => 1,
	  done => sub { victim_field('TracerPid') } },
	{ name => 'ptrace_seize', call => 'ptrace', off => 'call-101', live => 1,
	  done => sub { victim_field('TracerPid') } },
	{ name => 'execve', off => 'call-59', path => $executed,
	  done => sub { $_[0]->out =~ /^executed/m }, gone => 1 },
	{ name => 'process_vm_readv', off => 'call-310',
	  done => sub { $_[0]->out =~ /a host's secret/ } },
	{ name => 'pidfd_getfd', call => 'pidfd_open', off => 'call-434,call-438',
	  done => sub { (slurp($victim{held}) // '') eq 'stolen' } },
	{ name => 'setown', call => 'fcntl', off => 'call-72',
	  done => \&victim_died },
	{ name => 'prctl', off => 'call-157', live => 1,
	  done => sub { ((stat "/proc/" . $_[0]->pid . "/fd")[4] // 1) == 0 } },
	{ name => 'prlimit', call => 'prlimit64', off => 'call-302',
	  done => sub { (slurp("/proc/$victim{pid}/limits") // '') =~
		/^Max open files\s+5\s/m } },
	{ name => 'setpriority', off => 'call-141', done => sub { victim_stat(16) == 7 } },
	{ name => 'setaffinity', call => 'sched_setaffinity', off => 'call-203',
	  done => sub { victim_field('Cpus_allowed_list') eq '0' },
	  can => sub { $cpus > 1 } },
	{ name => 'fork', off => 'call-57', done => \&left_process, gone => 1 },
	{ name => 'mmap', off => 'call-9', done => sub { $_[0]->out =~ /it returned 1/ } },
	{ name => 'grow', quiet => 1, off => 'seals',
	  done => sub { $_[0]->out !~ /it returned 0/ } },
	{ name => 'stray', quiet => 1, off => 'descriptors', stray => 1,
	  done => sub { (slurp($path) // '') eq 'stray' } },
	# a datagram socket of the guest's, from which it could reach another
	{ name => 'sendmmsg', off => 'call-307', socket => 1,
	  before => sub {
		$listener = IO::Socket::UNIX->new(Local => $path, Type => SOCK_DGRAM);
		chmod 0777, $path;
		$listener->blocking(0);
	  }, done => sub { defined recv $listener, my $got, 10, 0 } },
	{ name => 'int80', possible => system(build('int80')) == 0, call => 'a 32-bit call', off => 'arch',
	  before => sub { chmod 0644, spew($path, '') },
	  done => sub { ((stat $path)[2] & 0777) == 0600 } },
	{ name => 'x32', call => 'an unknown call' },
	{ name => 'withdrawn', withdrawn => 1, call => '(?:a call|openat)',
	  done => sub { -e $path } },
);

# A guest whose kernel makes the attack.
sub attack {
	my ($a, %o) = @_;
	my $words = join ' ', "attack=$a->{name}", 'path=' . ($a->{path} // $path),
		"victim=$victim{pid}", "address=$victim{address}", $a->{words} // ();
	my $stray;

	if ($a->{stray}) {
		open my $file, '>', $path or die;
		POSIX::dup2(fileno $file, 77);
		open $stray, '>&=', 77;
		fcntl $stray, F_SETFD, 0;
	}
	if ($a->{socket}) {
		socket my $file, AF_UNIX, SOCK_DGRAM, 0 or die;
		POSIX::dup2(fileno $file, 77);
		open $stray, '>&=', 77;
		fcntl $stray, F_SETFD, 0;
		push @{$o{args}}, 'chan9=fd:77,null';
	}
	my $g = Guest->start(time => 20, files => [$module], pty => $a->{pty},
		allow => qr/attack:/, %o,
		script => "insmod /m/attack.ko $words && echo lived\nread x\n");
	close $stray if $stray;
	return $g;
}

sub prepare {
	my ($a) = @_;

	kill KILL => $victim{pid} if $victim{pid};
	Guest::reap();
	victim_start();
	unlink $path;
	$a->{before}->() if $a->{before};
}

# A guest that tries it and does not live to tell. A signal of the guest's clock
# may come between the call and the guard: then the guard cannot know which call
# it was. That is seldom, and it is tried again.
sub ended {
	my ($a) = @_;
	my $g;

	for (1 .. 5) {
		prepare($a);
		$g = attack($a);
		$g->finish;
		last if $a->{withdrawn} || $g->out !~ /asked the host for a call,/;
		kill KILL => delete $victim{pid};
		$g->clean("$a->{name}: withdrawn");
	}
	return $g;
}

# A guest that tries it and goes on.
sub unharmed {
	my ($a) = @_;

	prepare($a);
	my $g = attack($a);
	$g->expect(qr/^lived/m, 15);
	$g->send("\n")->finish;
	return $g;
}

sub defended {
	my ($a) = @_;
	my $call = $a->{call} // $a->{name};
	my $g = $a->{quiet} ? unharmed($a) : ended($a);
	my $status = $g->finish;

	is($status, $a->{quiet} ? 0 : 137, "$a->{name}: " .
		($a->{quiet} ? 'the guest lives' : 'the guest is ended')) or diag($g->tail);
	if (!$a->{quiet}) {
		like($g->out, qr/vmlinux: the guest kernel asked the host for $call\b.*/m,
			"$a->{name}: and it is said why") or diag($g->tail);
		unlike($g->out, qr/lived/, "$a->{name}: at once") unless $a->{withdrawn};
	}
	ok(!$a->{done} || !$a->{done}->($g), "$a->{name}: nothing has happened");
	kill KILL => delete $victim{pid};
	$g->clean($a->{name});
}

# Whether it succeeds in the control build, and the guest.
sub succeeds {
	my ($a) = @_;

	prepare($a);
	my $g = attack($a, kernel => $CONTROL, args => ["unsafe=$a->{off}"]);
	my $done;

	$g->expect(qr/^lived/m, 15) unless $a->{gone};
	$done = $a->{done}->($g) if $a->{live};
	$g->send("\n");
	$g->finish;
	$done = $a->{done}->($g) unless $a->{live};
	kill KILL => delete $victim{pid} if $victim{pid};
	return ($done, $g);
}

# What an attack leaves behind may harm itself: it may need a second try.
sub undefended {
	my ($a) = @_;

	return if !$a->{off};
	SKIP: {
		skip "$a->{name}: the host itself does not allow it", 1
			if $a->{can} && !$a->{can}->();
		my ($done, $g);

		for (1 .. 4) {
			($done, $g) = succeeds($a);
			last if $done;
		}
		ok($done, "$a->{name}: succeeds without the defence ($a->{off})") or
			diag($g->tail);
	}
}

for my $a (@attacks) {
	next if @ARGV && !grep { $_ eq $a->{name} } @ARGV;
	SKIP: {
		skip "$a->{name}: the host has no such thing", 1
			if !($a->{possible} // 1);
		defended($a);
	}
	next if !($a->{possible} // 1);
	undefended($a);
}
done_testing, exit if @ARGV;

# ---- every thread ------------------------------------------------------------

prepare({});
{
	my $g = Guest->start(args => ['ncpus=3'], files => [$module], script => <<'EOF');
cd /sys/devices/system/cpu
# where vCPUs can be taken off line
[ ! -e cpu2/online ] || { echo 0 >cpu2/online && echo 1 >cpu2/online; }
echo ready
read x
insmod /m/attack.ko attack=openat path=/nowhere cpu=2
EOF
	$g->expect(qr/^ready/m, 20);
	my @threads = map { slurp($_) // '' } glob '/proc/' . $g->pid . '/task/*/status';
	my ($guard) = grep { (slurp("/proc/$_/comm") // '') eq "kernelet-guard\n" }
		keys %{{processes_below($g->pid)}};

	is(scalar @threads, 4, 'three vCPUs and the I/O thread');
	is(scalar(grep { /^NoNewPrivs:\t1$/m && /^Seccomp:\t2$/m && /^CapEff:\t0+$/m &&
		/^CapPrm:\t0+$/m && /^CapInh:\t0+$/m && /^CapAmb:\t0+$/m } @threads), 4,
		'each has a filter and no rights') or diag(@threads);
	ok($guard && slurp("/proc/$guard/status") =~ /^Seccomp:\t2$/m,
		'the guard is confined, too');
	is(scalar(grep { defined readlink $_ } glob "/proc/$guard/fd/*"), 4,
		'and holds four descriptors') if $guard && $> == 0;
	$g->send("\n");
	is($g->finish, 137, 'another vCPU is confined');
	like($g->out, qr/attack: openat on CPU 2/, 'it was that one');
	kill KILL => delete $victim{pid};
	$g->clean('every thread');
}

# ---- ways round the message --------------------------------------------------

{
	my $g = Guest->start(script => "echo ready\nread x\n");
	my %all;

	$g->expect(qr/^ready/m, 20);
	wait_until(5, sub { %all = reverse processes_below($g->pid); $all{'kernelet-guard'} });
	kill KILL => $all{'kernelet-guard'};
	is($g->finish(10), 255, 'a guest does not go on without its guard');
	like($g->out, qr/^vmlinux: guard killed/m, 'and says so');
	$g->clean('the guard');
}

{
	# Where the host takes no listener of ours it kills by itself.
	my $below = build('listener');
	my $initrd = scratch() . '/below';

	system("$TOP/tests/lib/mkcpio", $initrd, $module) == 0 or die;
	chmod 0644, $initrd;
	unlink $path;
	my ($status, $out) = run_user($below, user_file($VMLINUX), 'mem=256M', 'quiet',
		"initrd=$initrd", 'rdinit=/sbin/init', '--', 'insmod', '/m/attack.ko',
		'attack=openat', "path=$path");
	is($status, 159, 'below another listener: the guest is ended by SIGSYS');
	ok(!-e $path, 'and nothing has happened') or diag($out);
}

# ---- rights that a guest is started with -------------------------------------

# The sets of a kernel that is started with capabilities in which some are left.
sub capabilities {
	my ($kernel, @args) = @_;
	my ($uid, $gid) = (getpwnam 'nobody')[2, 3];
	my $file = user_file($kernel);
	my $pid = fork // die;

	if (!$pid) {
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', '/dev/null';
		exec 'setpriv', "--reuid=$uid", "--regid=$gid", '--clear-groups',
			'--inh-caps=+chown,+kill', '--ambient-caps=+chown,+kill', $file, 'mem=256M',
			'quiet', @args, '--', 'sleep', '1000' or POSIX::_exit(127);
	}
	my @sets;
	wait_until(20, sub {
		my %all = processes_below($pid);
		@sets = (slurp("/proc/$pid/status") // '') =~
			/^Cap(?:Inh|Prm|Eff|Amb):\t(\w+)$/mg;
		grep { $_ eq 'sleep' } values %all;
	}) or diag('no guest');
	kill KILL => $pid;
	wait_until(5, sub { Guest::reap(); !kill 0, $pid });
	return grep { !/^0+$/ } @sets;
}

SKIP: {
	skip 'only root has capabilities to start a guest with', 2 if $> != 0;
	is(scalar capabilities($VMLINUX), 0, 'no capability in any set is left');
	cmp_ok(scalar capabilities($CONTROL, 'unsafe=rights'), '>', 0,
		'they would have been there');
}

# ---- the list ----------------------------------------------------------------

my $list = slurp("$BUILD/obj/arch/user/host/syscalls.list") // '';
my ($count) = $list =~ /^(\d+) calls$/m;
cmp_ok($count // 99, '<', 50, "the list has fewer than 50 calls ($count)");
my ($page) = (slurp("$TOP/arch-user/SECURITY.md") // '') =~ /^```syscalls\n(.*?)^```$/ms;
is($page, $list, 'the page shows the list as it is');

{
	my %number = (slurp("$BUILD/obj/arch/user/include/generated/uapi/asm/unistd_64.h") //
		'') =~ /^#define __NR_(\w+) (\d+)$/mg;
	my @any = grep { !/^(?:rt_sigreturn|exit_group)$/ } $list =~ /^(\w+)$/mg;
	my $g = boot(name => 'all numbers', kernel => $CONTROL, files => [$module],
		args => ['unsafe=end'], allow => qr/attack:/,
		script => 'insmod /m/attack.ko attack=sweep && echo lived');

	like($g->out, qr/^lived/m, 'all numbers have been tried');
	is(join(' ', sort { $a <=> $b } $g->out =~ /attack: allowed (\d+)/g),
		join(' ', sort { $a <=> $b } map { $number{$_} // -1 } @any),
		'those allowed with any arguments are those that the list says');
}

done_testing();
