# SPDX-License-Identifier: GPL-2.0-only
#
# The host's side of a measurement: starts a program as an unprivileged user,
# times it, looks at its processes, and ends every one of them.
#
# A started program leads a session of its own. Its processes are found as the
# members of that session and the descendants of any of them, so a child that
# makes another session is found too, while its parent lives.

package BenchHost;

use strict;
use warnings;
use Errno qw(EINTR);
use Exporter 'import';
use List::Util qw(sum);
use POSIX ();
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC sleep);

our @EXPORT_OK = qw(private_dir spawn follow end_all memory cpu_seconds
    write_initramfs now);

# x86-64 numbers, for what Perl has no function for.
use constant MAX_OUTPUT => 16 << 20;    # a guest that floods its console
use constant { SYS_KCMP => 312, SYS_PIDFD_OPEN => 434, KCMP_VM => 1 };

sub now { return clock_gettime(CLOCK_MONOTONIC) }

# The user and group that programs run as: ours, or nobody's when we are root.
sub identity {
    return ($>, (split ' ', $))[0]) if $>;
    my ($uid, $gid) = (getpwnam 'nobody')[2, 3];
    return ($uid // 65534, $gid // 65534);
}

# Gives a directory or file to the user that programs run as.
sub private_dir {
    my (@paths) = @_;
    my ($uid, $gid) = identity();
    return if $>;
    for my $path (@paths) {
        chown $uid, $gid, $path or die "run: chown $path: $!\n";
    }
}

sub drop_privileges {
    my ($uid, $gid) = identity();
    return if $>;
    ($(, $)) = ($gid, "$gid $gid");
    ($<, $>) = ($uid, $uid);
    die "still privileged\n" if $> != $uid || $< != $uid;
}

# The child's half of spawn(). Says in the pipe when it starts the program;
# the pipe closes by itself then.
sub exec_child {
    my ($dir, $in, $out, $stamp, @command) = @_;
    eval {
        POSIX::setsid();
        POSIX::dup2(fileno $in, 0);
        POSIX::dup2(fileno $out, 1);
        POSIX::dup2(fileno $out, 2);
        chdir $dir or die "chdir $dir: $!\n";
        drop_privileges();
        %ENV = (PATH => $ENV{PATH}, HOME => $dir, TMPDIR => $dir,
            LC_ALL => 'C');
        syswrite $stamp, now() . "\n";
        no warnings 'exec';
        exec { $command[0] } @command or die "$command[0]: $!\n";
    };
    syswrite $stamp, "failed $@";
    POSIX::_exit(127);
}

# Starts @command in $dir with pipes for input and output. Returns an object
# for the functions below, or dies with the reason.
sub spawn {
    my ($dir, @command) = @_;
    pipe my $in, my $to_child or die "run: pipe: $!\n";
    pipe my $from_child, my $out or die "run: pipe: $!\n";
    pipe my $stamp, my $stamp_child or die "run: pipe: $!\n";
    my $pid = fork // die "run: fork: $!\n";
    exec_child($dir, $in, $out, $stamp_child, @command) unless $pid;
    close $_ for $in, $out, $stamp_child;
    my @lines = <$stamp>;
    my $self = { pid => $pid, input => $to_child, output => $from_child,
        started => $lines[0], text => '', seen => { $pid => 1 } };
    if ("@lines" =~ /failed (.*)/) {
        waitpid $pid, 0;
        die "run: $1\n";
    }
    my $fd = syscall SYS_PIDFD_OPEN, $pid, 0;
    die "run: pidfd_open: $!\n" if $fd < 0;
    open $self->{pidfd}, '<&=', $fd or die "run: pidfd: $!\n";
    return $self;
}

# Reads what is there; false at the end of the output.
sub read_output {
    my ($self) = @_;
    my $n = sysread $self->{output}, $self->{text}, 65536,
        length $self->{text};
    return defined $n ? $n : $! == EINTR;
}

# Follows the program until it ends, or its output matches $until, or $limit
# seconds are over. Returns 'exit', 'match' or 'limit'; after an exit, {status}
# and {seconds} are set.
sub follow {
    my ($self, $limit, $until) = @_;
    my $deadline = now() + $limit;
    my $open = 1;
    while ((my $left = $deadline - now()) > 0) {
        my $set = '';
        vec($set, fileno $self->{pidfd}, 1) = 1;
        vec($set, fileno $self->{output}, 1) = 1 if $open;
        next if select($set, undef, undef, $left) <= 0;
        my $when = now();
        $open = read_output($self)
            if $open && vec($set, fileno $self->{output}, 1);
        return 'limit' if length $self->{text} > MAX_OUTPUT;
        return 'match' if $until && $self->{text} =~ $until;
        next unless vec($set, fileno $self->{pidfd}, 1);
        waitpid $self->{pid}, 0;
        @$self{qw(status seconds)} = ($?, $when - $self->{started});
        drain($self) if $open;
        return 'exit';
    }
    return 'limit';
}

# Takes what is left in the pipe without waiting for another writer to close it.
sub drain {
    my ($self) = @_;
    my $set = '';
    vec($set, fileno $self->{output}, 1) = 1;
    while (select(my $ready = $set, undef, undef, 0) > 0) {
        last unless read_output($self);
    }
}

# [pid, parent, session, state] of every process of the host.
sub all_processes {
    my @all;
    for my $dir (glob '/proc/[0-9]*') {
        open my $f, '<', "$dir/stat" or next;
        my $line = <$f> // next;
        push @all, [$1, $3, $4, $2]
            if $line =~ /^(\d+) \(.*\) (\S) (\d+) \d+ (\d+)/s;
    }
    return @all;
}

# The pids of the program's living processes.
sub processes {
    my ($self) = @_;
    my @all = grep { $_->[3] ne 'Z' } all_processes();
    my %mine = map { $_->[0] => 1 }
        grep { $_->[2] == $self->{pid} } @all;
    my $before = -1;
    while ($before != keys %mine) {
        $before = keys %mine;
        $mine{$_->[0]} = 1 for grep { $mine{$_->[1]} } @all;
    }
    return sort { $a <=> $b } keys %mine;
}

# Ends what still runs. Returns how many processes outlived the program: it
# has half a second to reap its own.
sub end_all {
    my ($self) = @_;
    my $exited = defined $self->{status};
    my $deadline = now() + ($exited ? 0.5 : 0);
    my @left;
    while (@left = processes($self)) {
        last if now() >= $deadline;
        sleep 0.01;
    }
    my $outlived = $exited ? @left : 0;
    while (@left = processes($self)) {
        kill 'KILL', @left;
        waitpid $self->{pid}, 0 unless $exited++;
        sleep 0.01;
    }
    waitpid $self->{pid}, 0 unless $exited;
    close $self->{$_} for qw(input output pidfd);
    return $outlived;
}

sub read_file {
    my ($path) = @_;
    open my $f, '<', $path or return undef;
    local $/;
    return scalar <$f>;
}

# One pid of each address space: processes made with CLONE_VM share one, and
# their memory must not be counted twice.
sub address_spaces {
    my ($self) = @_;
    my @distinct;
    for my $pid (processes($self)) {
        push @distinct, $pid
            unless grep { !syscall SYS_KCMP, $pid, $_, KCMP_VM, 0, 0 }
            @distinct;
    }
    return @distinct;
}

# Returns, in bytes, the proportional set size of all processes together, and
# the size of the unnamed files behind the guest's memory, mapped or not; undef
# for what cannot be read.
sub memory {
    my ($self) = @_;
    my ($pss, %files);
    for my $pid (address_spaces($self)) {
        my $rollup = read_file("/proc/$pid/smaps_rollup") // next;
        $pss += 1024 * $1 if $rollup =~ /^Pss:\s+(\d+)/m;
        for my $fd (glob "/proc/$pid/fd/*") {
            my $name = readlink $fd // next;
            next unless $name =~ /\(deleted\)$|^\/memfd:/;
            my ($dev, $ino, $blocks) = (stat $fd)[0, 1, 12];
            $files{"$dev:$ino"} = 512 * $blocks if defined $blocks;
        }
    }
    return ($pss, %files ? sum(values %files) : undef);
}

# CPU time of all threads of all living processes, in seconds.
sub cpu_seconds {
    my ($self) = @_;
    my $sum = 0;
    for my $pid (processes($self)) {
        for my $task (glob "/proc/$pid/task/*/schedstat") {
            my $line = read_file($task) // next;
            $sum += $1 / 1e9 if $line =~ /^(\d+)/;
        }
    }
    return $sum;
}

# One member of a cpio archive in the "newc" format.
sub newc {
    my ($ino, $name, $mode, $data, $major, $minor) = @_;
    my $head = '070701' . join '', map { sprintf '%08X', $_ }
        $ino, $mode, 0, 0, 1, 0, length $data, 0, 0, $major, $minor,
        1 + length $name, 0;
    my $member = "$head$name\0";
    $member .= "\0" x (-length($member) % 4) . $data;
    return $member . "\0" x (-length($member) % 4);
}

# Writes an initramfs that holds $program as /init, and a console.
sub write_initramfs {
    my ($path, $program) = @_;
    open my $in, '<:raw', $program or die "run: $program: $!\n";
    my $data = do { local $/; <$in> };
    open my $out, '>:raw', $path or die "run: $path: $!\n";
    print $out newc(1, 'dev', 0040755, '', 0, 0),
        newc(2, 'dev/console', 0020600, '', 5, 1),
        newc(3, 'init', 0100755, $data, 0, 0),
        newc(0, 'TRAILER!!!', 0, '', 0, 0)
        or die "run: $path: $!\n";
    close $out or die "run: $path: $!\n";
}

1;
