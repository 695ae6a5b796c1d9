# SPDX-License-Identifier: GPL-2.0-only
#
# The tests' way to start guests and to judge them.
#
# Theory of operation: a guest is started as an ordinary user: the caller, or
# TEST_USER (default nobody) when the caller is root. The test process is a
# child subreaper, so that every process a guest makes stays below it, also one
# whose parent died: what is left below it when a guest has ended is a process
# that was left behind, whatever its name is. The kernel's messages come on the
# console with a time stamp; after each guest they are scanned for anything
# that a healthy kernel does not say.
#
# Environment: BUILD (default build beside tests), TEST_USER, TEST_TIME (a
# factor for all time limits), GUEST_ARGS (more kernel options for every guest),
# CI (a skip that could be avoided is a failure).

package Guest;

use strict;
use warnings;
use Cwd qw(realpath);
use Exporter qw(import);
use Fcntl;
use File::Basename qw(dirname basename);
use File::Temp qw(tempdir);
use IO::Select;
use POSIX qw(:sys_wait_h);
use Test::More;
use Time::HiRes qw(time sleep);
use Terminal;

our @EXPORT = qw($TOP $BUILD $VMLINUX $PTRACE boot scratch user_file as_user run_user user_threads cannot
	slurp spew wait_until processes_below tree_of clean_up_failed);

our $TOP = realpath(dirname(__FILE__) . '/../..');
our $BUILD = $ENV{BUILD} // "$TOP/build";
our $VMLINUX = $ENV{VMLINUX} // "$BUILD/vmlinux";

my $SCALE = $ENV{TEST_TIME} // 1;
our %servers;			# pids of what a test runs beside its guests
our $PTRACE = ($ENV{GUEST_ARGS} // '') =~ /\bintercept=ptrace\b/;
my $root = $> == 0;
my $user = $root ? $ENV{TEST_USER} // 'nobody' : getpwuid $>;
my ($uid, $gid) = $root ? (getpwnam $user)[2, 3] : ($>, $) + 0);

# What a kernel says when something is wrong with it.
my $COMPLAINT = qr{
	\bBUG: | \bWARNING: | \bOops\b | Call\ Trace: | \bcut\ here\b |
	Kernel\ panic | general\ protection | unable\ to\ handle |
	\bINFO:\ (?:task|rcu|trying|possible|lockdep|NMI) |
	rcu:\ INFO | (?:circular|recursive)\ locking | inconsistent\ lock |
	suspicious\ RCU | invalid\ wait\ context | soft\ lockup | hard\ lockup |
	self-detected\ stall | detected\ stalls | blocked\ for\ more\ than |
	workqueue\ lockup | sleeping\ function | scheduling\ while\ atomic |
	Bad\ page | Bad\ rss | bad\ page | list_(?:add|del)\ corruption |
	refcount_t: | UBSAN: | KASAN: | KCSAN: | KFENCE: |
	DEBUG_LOCKS_WARN_ON | EXT4-fs\ (?:error|warning) |
	I/O\ error | Marking\ clocksource | oom-killer | Out\ of\ memory
}x;
my $STAMP = qr{\[\s*\d+\.\d{6}\](?:\[\s*[TC]\d+\])?};

my (%ended, %running);		# wait status by pid; guests by pid
our %helpers;			# processes of the test's own that stay, by pid
my $PR_SET_CHILD_SUBREAPER = 36;

defined $uid or BAIL_OUT("no user $user here: set TEST_USER");
$uid != 0 or BAIL_OUT('the guests are to run without privileges');
syscall(157, $PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
	or BAIL_OUT("prctl: $!");
$SIG{PIPE} = 'IGNORE';
$SIG{$_} = sub { exit 130 } for qw(INT TERM HUP);

# ---- files -------------------------------------------------------------------

# A private directory that the guests' user owns; gone at the end of the test.
my $scratch;
sub scratch {
	if (!$scratch) {
		$scratch = tempdir('kernelet-XXXXXX', TMPDIR => 1, CLEANUP => 1);
		chown $uid, $gid, $scratch if $root;
		chmod 0700, $scratch;
	}
	return $scratch;
}

sub slurp {
	my ($file) = @_;

	open my $in, '<:raw', $file or return undef;
	local $/;
	return scalar <$in>;
}

# Writes a file that the guests' user owns.
sub spew {
	my ($file, $data) = @_;

	open my $out, '>:raw', $file or die "$file: $!";
	print $out $data;
	close $out or die "$file: $!";
	chown $uid, $gid, $file if $root;
	return $file;
}

# A file that the guests' user can read: the file itself, or a copy of it when
# it lies where that user cannot go. With copy => 1 always a copy, to write to.
my %copies;
sub user_file {
	my ($file, %o) = @_;

	if (!$o{copy}) {
		return $file if run_user('test', '-r', $file) == 0;
		return $copies{$file} if $copies{$file};
	}
	my $copy = scratch() . '/' . ($o{name} // basename($file));
	system('cp', '--sparse=always', '--reflink=auto', $file, $copy) == 0
		or die "cannot copy $file\n";
	chown $uid, $gid, $copy if $root;
	return $copies{$file} = $copy;
}

sub as_user {
	return as_user_with('', @_);
}

# With capabilities left to it, as "+net_admin". Whoever is not root gives what he has.
sub as_user_with {
	my ($caps, @command) = @_;
	my @switch = $root ? ("--reuid=$uid", "--regid=$gid", '--clear-groups',
			      join(',', '--inh-caps=-all', $caps || ())) : ();

	push @switch, "--ambient-caps=$caps" if $root && $caps;
	return ('setpriv', @switch, '--pdeathsig', 'KILL', '--', @command);
}

# Runs a command as the guests' user; gives the exit status as a shell has it,
# in list context the output too.
sub run_user {
	my @command = @_;
	my $out = '';

	pipe my $r, my $w or die;
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		open STDIN, '<', '/dev/null';
		open STDOUT, '>&', $w;
		open STDERR, '>&', $w;
		chdir scratch_or_root();
		$ENV{HOME} = $ENV{TMPDIR} = scratch_or_root();
		exec as_user(@command) or POSIX::_exit(127);
	}
	close $w;
	while (defined(my $line = <$r>)) {
		$out .= $line;
	}
	reap() until exists $ended{$pid} || !kill 0, $pid;
	my $status = shell_status(delete $ended{$pid});
	return wantarray ? ($status, $out) : $status;
}

# How many threads the guests' user has.
sub user_threads {
	my $n = 0;

	for (glob '/proc/[0-9]*/status') {
		my $text = slurp($_) // next;
		$n += $1 if $text =~ /^Uid:\s+$uid\b/m && $text =~ /^Threads:\s+(\d+)/m;
	}
	return $n;
}

sub scratch_or_root {
	return $scratch // '/';
}

# ---- processes ---------------------------------------------------------------

sub shell_status {
	my ($status) = @_;

	return $status & 127 ? 128 + ($status & 127) : $status >> 8;
}

# Takes the statuses of all children that ended; waits a moment when none did.
sub reap {
	my $any = 0;

	while ((my $pid = waitpid -1, WNOHANG) > 0) {
		$ended{$pid} = $?;
		$any = 1;
	}
	sleep 0.002 unless $any;
}

# All live processes below @pids: pid => name.
sub processes_below {
	my %wanted = map { $_ => 1 } @_;
	my (%parent, %name);

	for my $stat (glob '/proc/[0-9]*/stat') {
		my ($pid, $name, $state, $ppid) = (slurp($stat) // next) =~
			/^(\d+) \((.*)\) (\S) (\d+)/s or next;
		next if $state eq 'Z' || $state eq 'X';
		($parent{$pid}, $name{$pid}) = ($ppid, $name);
	}
	my %below;
	for my $pid (keys %parent) {
		my $up = $pid;
		$up = $parent{$up} while defined $up && !$wanted{$up};
		$below{$pid} = $name{$pid} if defined $up && !$wanted{$pid};
	}
	return %below;
}

sub wait_until {
	my ($secs, $condition) = @_;
	my $end = time + $secs * $SCALE;

	until ($condition->()) {
		return 0 if time > $end;
		sleep 0.01;
	}
	return 1;
}

# A prerequisite is missing: the whole test is skipped, or fails under CI.
sub cannot {
	my ($why) = @_;

	if ($ENV{CI}) {
		fail($why);
		done_testing();
		exit 1;
	}
	plan skip_all => $why;
}

# ---- a guest -----------------------------------------------------------------

# Guest->start(options): starts one.
#   args      kernel options, after the default ones
#   launcher  a command to start it by: its words, a file first
#   caps      a capability that it has, as "+net_admin"
#   plain     no default options
#   command   the words init is to run (behind "--")
#   script    shell commands for init to run, of any length
#   program   a guest program to run, by name
#   files     PLACE=FILE...: more files in the guest's initial root
#   split     standard error apart from the console's output
#   stdin     a path, or "closed"; default a pipe that send() writes to
#   pty       [rows, columns]: the console is a terminal
#   time      seconds it may take in all (default 60)
#   allow     a pattern of complaints that are expected
#   keep      handles whose descriptors the kernel inherits; closed here
sub start {
	my ($class, %o) = @_;
	my $g = bless { time => 60, out => '', %o }, $class;
	my @args = $o{plain} ? () : ('mem=512M', 'con0=fd:0,fd:1', 'loglevel=5',
		'printk.time=1', 'KERNELET_GUEST=1', split ' ', $ENV{GUEST_ARGS} // '');

	-e $VMLINUX or BAIL_OUT("no $VMLINUX: make it first");
	my $initrd = $g->initrd;
	# What is named on the command line lies over the built-in root.
	push @args, "initrd=$initrd", 'rdinit=/sbin/init' if $initrd;
	push @args, @{$o{args} // []};
	push @args, '--', $o{command} ? @{$o{command}} :
		$o{program} ? "/t/$o{program}" : ('sh', '/t/script')
		if $o{command} || $o{program} || defined $o{script};
	# ptrace runs one vCPU.
	s/^ncpus=\d+$/ncpus=1/ for $PTRACE && !$o{plain} ? @args : ();
	$g->{args} = \@args;
	$g->{end} = time + $g->{time} * $SCALE;
	my $kernel = user_file($o{kernel} // $VMLINUX);
	scratch();

	my ($child_in, $child_out, $err);
	if ($o{pty}) {
		$g->{terminal} = Terminal->new(@{$o{pty}});
		$g->{in} = $g->{from} = $g->{terminal}->master;
		$child_in = $child_out = $g->{terminal}->slave;
	} else {
		pipe $g->{from}, $child_out or die;
		if (!defined $o{stdin}) {
			pipe $child_in, $g->{in} or die;
		} elsif ($o{stdin} ne 'closed') {
			open $child_in, '<', $o{stdin} or die "$o{stdin}: $!";
		}
	}
	pipe $g->{err}, $err or die if $o{split};

	my $pid = fork // die "fork: $!";
	if (!$pid) {
		$SIG{PIPE} = 'DEFAULT';
		$ENV{HOME} = $ENV{TMPDIR} = scratch();
		if ($o{pty}) {
			$g->{terminal}->become_controlling;
		} else {
			POSIX::setsid();
		}
		chdir scratch();
		my @fds = map { $_ ? fileno $_ : undef }
			$child_in, $child_out, $err // $child_out;
		for (0 .. 2) {
			# Above 2 first, so that none is overwritten.
			$fds[$_] = fcntl_dupfd($fds[$_]) if defined $fds[$_];
		}
		for (0 .. 2) {
			defined $fds[$_] ? POSIX::dup2($fds[$_], $_) :
				POSIX::close($_);
		}
		fcntl $_, F_SETFD, 0 for @{$o{keep} // []};
		exec as_user_with($o{caps} // '', @{$o{launcher} // []}, $kernel, @args)
			or POSIX::_exit(127);
	}
	close $_ for grep { $_ && !$o{pty} } $child_in, $child_out, $err;
	close $_ for @{$o{keep} // []};
	$g->{terminal}->opened if $o{pty};
	for ($g->{from}, $g->{in}, $g->{err}) {
		next unless $_;
		fcntl $_, F_SETFL, O_NONBLOCK | fcntl $_, F_GETFL, 0;
	}
	$g->{pid} = $pid;
	$running{$pid} = $g;
	return $g;
}

# The archive with what the guest needs beyond its built-in root, if anything.
my $archives = 0;
sub initrd {
	my ($g) = @_;
	my @files = @{$g->{files} // []};

	if (!@files && !defined $g->{script}) {
		return $g->{program} ?
			user_file("$BUILD/tests/guest/$g->{program}.cpio") : undef;
	}
	my $base = scratch() . '/initrd' . $archives++;
	push @files, "/t/script=" . spew("$base.sh", $g->{script})
		if defined $g->{script};
	push @files, "/t/$g->{program}=$BUILD/tests/guest/$g->{program}"
		if $g->{program};
	system("$TOP/tests/lib/mkcpio", $base, @files) == 0 or die "mkcpio\n";
	chmod 0644, $base;
	return $base;
}

sub fcntl_dupfd {
	my ($fd) = @_;

	open my $copy, '<&', $fd or POSIX::_exit(126);
	my $new = POSIX::dup(fileno $copy);
	$new = POSIX::dup($new) while $new < 10;
	return $new;
}

sub pid { $_[0]{pid} }
sub out { $_[0]{out} }
sub err { $_[0]{errors} // '' }
sub terminal { $_[0]{terminal} }

# The output without carriage returns and kernel messages.
sub text {
	my ($g) = @_;
	my $text = $g->{out} =~ tr/\r//dr;

	$text =~ s/^$STAMP.*\n//gm;
	return $text;
}

sub left {
	my ($g, $secs) = @_;
	my $left = $g->{end} - time;

	return defined $secs && $secs * $SCALE < $left ? $secs * $SCALE : $left;
}

# Moves bytes for at most $secs; true when there were any.
sub pump {
	my ($g, $secs) = @_;
	my $any = 0;
	my $in = length($g->{pending} // '') && $g->{in} ? $g->{in} : undef;
	my ($r, $w) = IO::Select->select(
		IO::Select->new(grep { defined } @$g{qw(from err)}),
		$in ? IO::Select->new($in) : undef, undef, $secs);

	for my $fh (@{$r // []}) {
		my $n = sysread $fh, my $buf, 65536;
		my $from = defined $g->{from} && $fh == $g->{from};

		if ($n) {
			$from ? ($g->{out} .= $buf) : ($g->{errors} .= $buf);
			$any = 1;
		} elsif (defined $n || !$!{EAGAIN}) {
			delete $g->{$from ? 'from' : 'err'};	# the end
		}
	}
	for my $fh (@{$w // []}) {
		my $n = syswrite $fh, $g->{pending}, 65536;

		if ($n) {
			substr $g->{pending}, 0, $n, '';
			$any = 1;
		} elsif (!$!{EAGAIN}) {
			$g->{pending} = '';
		}
	}
	if ($g->{closing} && !length($g->{pending} // '')) {
		close delete $g->{in};
		delete $g->{closing};
	}
	return $any;
}

# Queues input; it is written while output is read.
sub send {
	my ($g, $data) = @_;

	$g->{pending} .= $data;
	$g->pump(0);
	return $g;
}

# The end of input, once all is written.
sub close_stdin {
	my ($g) = @_;

	$g->{closing} = 1 if $g->{in};
	$g->pump(0);
	return $g;
}

# Waits for output that matches, after what an earlier expect() matched; gives
# whether it came. @- and @+ of the match are lost; captures come by list.
sub expect {
	my ($g, $pattern, $secs) = @_;
	my $end = time + $g->left($secs);

	for (;;) {
		my $rest = substr $g->{out}, $g->{seen} // 0;
		if ($rest =~ $pattern) {
			$g->{seen} += $+[0];
			return 1;
		}
		last if time > $end || !$g->{from};
		$g->pump(0.05);
	}
	diag("waited for $pattern; the output ends with:\n", $g->tail);
	return 0;
}

sub tail {
	my ($g) = @_;

	return last_lines($g->{out}, 40);
}

# The last lines of a text, safe to print, each marked as quoted.
sub last_lines {
	my ($text, $count) = @_;
	my @lines = split /\r?\n/, $text =~ s/[^\x20-\x7e\t\r\n]/?/gr;

	splice @lines, 0, @lines - $count if @lines > $count;
	return join '', map { "  | $_\n" } @lines;
}

# Waits for the end of the guest: its exit status as a shell has it, or
# "timeout" (everything of it is killed then).
sub finish {
	my ($g, $secs) = @_;
	my $end = time + $g->left($secs);

	return $g->{ended} if defined $g->{ended};
	until (exists $ended{$g->{pid}}) {
		if (time > $end) {
			$g->stuck;
			return $g->{ended} = 'timeout';
		}
		$g->{from} || $g->{err} ? $g->pump(0.02) : sleep 0.01;
		reap();
	}
	# What is still in the pipes; nobody may hold the other end any more.
	my $drained = time + 2 * $SCALE;
	while ($g->{from} || $g->{err}) {
		my $any = $g->pump(0.05);
		last if time > $drained || $g->{terminal} && !$any;
	}
	$g->{held} = 1 if $g->{from} && !$g->{terminal};
	$running{$g->{pid}} = undef;
	delete $running{$g->{pid}};
	return $g->{ended} = shell_status($ended{$g->{pid}});
}

# It did not end: says what its processes do, and ends them.
sub stuck {
	my ($g) = @_;
	my %all = processes_below($g->{pid});

	my @pids = sort { $a <=> $b } keys %all;
	my $hidden = @pids > 12 ? @pids - 12 : 0;

	diag("the guest did not end within its time; its output:\n", $g->tail);
	for my $pid ($g->{pid}, @pids[0 .. $#pids - $hidden]) {
		for my $task (glob "/proc/$pid/task/*") {
			my ($state) = (slurp("$task/stat") // '') =~ /\) (\S)/;
			diag(sprintf '  %s %s %s %s', $task, $state // '?',
				(slurp("$task/comm") // '') =~ s/\n//r,
				(slurp("$task/syscall") // '') =~ s/\n//r);
		}
	}
	diag("  and $hidden more processes") if $hidden;
	$g->end_it;
}

# Kills every process of the guest.
sub end_it {
	my ($g) = @_;
	my %all = processes_below($g->{pid});

	kill KILL => $g->{pid} unless exists $ended{$g->{pid}};
	kill KILL => keys %all;
	wait_until(5, sub { reap(); exists $ended{$g->{pid}} });
	delete $running{$g->{pid}};
}

# The complaints in the kernel's messages, without those that are allowed.
sub complaints {
	my ($g) = @_;
	my @lines = map { /($STAMP.*)/ ? $1 : () } split /\r?\n/, $g->{out};
	my @bad = grep { /$COMPLAINT/ } @lines;

	@bad = grep { !/$g->{allow}/ } @bad if $g->{allow};
	return @bad;
}

# One test point: the guest's log is clean and none of its processes is left.
sub clean {
	my ($g, $name) = @_;
	my @bad = $g->complaints;
	my %left;

	push @bad, 'a process keeps the console open' if $g->{held};
	wait_until(3, sub {
		reap();
		%left = processes_below($$);
		delete @left{map { ($_, keys %{{processes_below($_)}}) } keys %servers};
		delete @left{(map { ($_, keys %{{processes_below($_)}}) }
			      keys %running, keys %helpers)};
		!%left;
	});
	push @bad, map { "process $_ ($left{$_}) is left" } sort keys %left;
	kill KILL => keys %left;
	ok(!@bad, ($name // 'the guest') . ': log clean, nothing left') or
		diag(join "\n", @bad, 'the end of its output:', $g->tail);
	return !@bad;
}

# Starts a guest, gives it "input", waits for its end, checks that it is clean.
# With status: one test point that it is that.
sub boot {
	my %o = @_;
	my $g = Guest->start(%o);
	my $name = $o{name} // 'boot';

	$g->send($o{input}) if defined $o{input};
	$g->close_stdin;
	my $status = $g->finish;
	is($status, $o{status} // 0, "$name: exit status") or
		diag("output:\n", $g->tail);
	$g->clean($name) unless $o{dirty};
	return $g;
}

END {
	my $status = $?;

	for my $g (values %running) {
		$g->end_it if $g;
	}
	if ($scratch) {
		chdir '/';
		File::Temp::cleanup();
	}
	$? = $status;
}

1;
