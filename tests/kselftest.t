#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Stock kselftests in guests: kselftest.pass names what passes, kselftest.limits
# what does not and why. What is in neither is a failure, and so is a test
# point that fails or is skipped without a reason in kselftest.limits.
#
# KSELFTEST="mm rseq/param_test" chooses directories and programs, KSELFTEST_ALL=1
# runs also what is limited as a whole.
#
# Under ptrace there is one vCPU: what wants a second one is left out.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Guest;
use Test::More;

my $BIN = "$BUILD/tests/kselftest/bin";
my $cc = system('gcc -x c -E -include sys/capability.h /dev/null >/dev/null 2>&1');
cannot('libcap-dev is not installed') if $cc;
system("make -s -C $FindBin::Bin/kselftest BUILD=$BUILD") == 0
	or BAIL_OUT('the kselftests do not build');

# ---- the two lists -------------------------------------------------------------

sub lines {
	my ($name) = @_;
	my $text = slurp("$FindBin::Bin/$name") // die "no $name\n";

	return grep { !/^\s*(#|$)/ } split /\n/, $text;
}

# "DIR/PROGRAM ARGUMENTS @SECONDS": commands, by directory.
my (%commands, %seconds);
sub take_command {
	my ($line) = @_;
	my $secs = $line =~ s/\s+\@(\d+)$// ? $1 : 30;
	my ($dir) = $line =~ m{^(\S+)/} or die "not DIR/PROGRAM: $line\n";

	push @{$commands{$dir}}, $line;
	$seconds{$line} = $secs;
}
take_command($_) for lines('kselftest.pass');

# "DIR/PROGRAM | POINT | REASON": a pattern of points; "*" stands for the
# program as a whole, which is not run then.
my (%limits, %not_run);
for (lines('kselftest.limits')) {
	my ($program, $point, $why) = split /\s+\|\s+/, $_, 3;

	die "kselftest.limits: not three fields: $_\n" unless $why;
	if ($point eq '*') {
		$not_run{$program} = $why;
	} else {
		push @{$limits{$program}}, { pattern => qr/$point/, why => $why, text => $point };
	}
}
if ($ENV{KSELFTEST_ALL}) {
	take_command($_) for grep { -x "$BIN/$_" } sort keys %not_run;
}

# ---- running -------------------------------------------------------------------

my %wants_two = map { $_ => 1 } qw(x86/test_vsyscall_64);

sub wanted {
	my ($dir, $command) = @_;

	return 0 if $PTRACE && $wants_two{$command};
	return 1 unless $ENV{KSELFTEST};
	return grep { $_ eq $dir || $command =~ m{^\Q$_\E( |$)} } split ' ', $ENV{KSELFTEST};
}

my %library;
sub libraries {
	my @programs = @_;
	my $found = `ldd @programs 2>/dev/null`;

	$library{$_} = 1 for grep { -e } $found =~ m{^\s+(?:\S+ => )?(/\S+)}gm;
	# what the C library loads by itself
	chomp(my $gcc = `gcc -print-file-name=libgcc_s.so.1`);
	return ("/lib/x86_64-linux-gnu/libgcc_s.so.1=$gcc", map { "$_=$_" } sort keys %library);
}

my $PRELUDE = <<'X';
mount -t debugfs debugfs /sys/kernel/debug
mkdir -p /tmp /dev/shm /var/tmp; mount -t tmpfs tmp /tmp; mount -t tmpfs shm /dev/shm
ulimit -l unlimited
X
my %PREPARE = (
	exec => 'cd /ks/exec; touch Makefile; rm -f execveat.symlink; ln -s execveat execveat.symlink',
	pidfd => 'echo 1100 >/proc/sys/kernel/pid_max',
	mm => 'echo 512M >/sys/block/zram0/disksize; mkswap /dev/zram0; swapon /dev/zram0; echo 2 >/proc/sys/kernel/randomize_va_space',
);

# Runs a directory's commands in one guest; its output.
sub run_directory {
	my ($dir, @list) = @_;
	my @built = grep { -f } glob "$BIN/$dir/*";
	my $script = $PRELUDE . ($PREPARE{$dir} // '') . "\n";
	my $time = 30;

	for (@list) {
		my ($command) = m{^\Q$dir\E/(.*)};

		$script .= "cd /ks/$dir; echo; echo '=== $_'; " .
			"timeout -s KILL $seconds{$_} ./$command </dev/null 2>&1; " .
			"s=\$?; kill -9 -1; echo; echo \"=== \$s\"\n";
		$time += $seconds{$_};
	}
	my $g = Guest->start(
		args => ['ncpus=2', 'mem=1G'], script => $script, time => $time, stdin => '/dev/null',
		files => ["/bin/bash=/bin/bash", "/bin/true=/bin/true",
			"/ks/exec/subdir=/", libraries('/bin/bash', '/bin/true', @built),
			map { m{([^/]+)$} && "/ks/$dir/$1=$_" } @built]);
	my $status = $g->finish;

	is($status, 0, "$dir: the guest ends well");
	$g->clean($dir);
	return $g->text;
}

# Points of a program's output that are not ok: [name, skipped].
sub not_ok {
	my ($out) = @_;
	my @bad;

	$out =~ s/\e\[[\d;]*m//g;
	for (split /\n/, $out) {
		next if /^\s*#/ && !/^\s*#\s+(not )?ok \d/;
		if (/^\W*(not )?ok \d+\s*(.*)/) {
			my ($bad, $name) = ($1, $2);

			push @bad, $name if $bad || $name =~ /# SKIP/i;
		} elsif (/^\s*\[(FAIL|SKIP)\]\s*(.*)/) {
			push @bad, "$1 $2";
		}
	}
	return @bad;
}

sub result {
	my ($text, $command) = @_;

	return $text =~ /^=== \Q$command\E\n(.*?)^=== (\d+)$/sm;
}

# What is wrong with a command's output and status and has no reason.
my %used;
sub problems {
	my ($command, $out, $status) = @_;
	my ($program) = split ' ', $command;
	my (@bad, $explained);

	return 'it did not end' unless defined $status;
	for my $point (not_ok($out)) {
		my ($limit) = grep { $point =~ $_->{pattern} } @{$limits{$program}};

		$limit ? ($explained = $used{"$program $limit->{text}"} = 1) : push @bad, $point;
	}
	push @bad, "status $status" if $status && !($explained && $status < 128);
	return @bad;
}

sub judge {
	my ($command, $out, $status) = @_;
	my ($program) = split ' ', $command;
	my $limited = $not_run{$program};
	my @bad = problems($command, $out, $status);

	if ($limited) {
		note($command, @bad ? ' does not pass: ' . join '; ', @bad[0 .. ($#bad > 4 ? 4 : $#bad)] :
			": passes now, although limited: $limited");
		return;
	}
	ok(!@bad, $command) or diag(join "\n", @bad, substr Guest::last_lines($out =~ s{^(.{160}).*}{$1...}gmr, 25), 0, 6000);
}

for my $dir (sort keys %commands) {
	my @list = grep { wanted($dir, $_) } @{$commands{$dir}};
	next unless @list;
	my $text = run_directory($dir, @list);

	for my $command (@list) {
		my ($out, $status) = result($text, $command);

		# Many have limits of time that a busy host does not keep: once more, alone.
		if (problems($command, $out, $status)) {
			diag("$command: once more");
			($out, $status) = result(run_directory($dir, $command), $command);
		}
		defined $status ? judge($command, $out, $status) : fail("$command: did not end");
	}
}

# ---- nothing is forgotten ------------------------------------------------------

if (!$ENV{KSELFTEST}) {
	my %named = map { (split)[0] => 1 } keys %seconds;
	my @forgotten;

	for my $dir (sort keys %commands) {
		for (grep { -f && -x } glob "$BIN/$dir/*") {
			my ($program) = m{^\Q$BIN/\E(.*)};

			push @forgotten, $program unless $named{$program} || $not_run{$program};
		}
	}
	is("@forgotten", '', 'every program is in one of the two lists');
	for my $program (sort keys %limits) {
		for (@{$limits{$program}}) {
			note("$program: $_->{text}: not seen any more")
				unless $used{"$program $_->{text}"};
		}
	}
}
done_testing();
