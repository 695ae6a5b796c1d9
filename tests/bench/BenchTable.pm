# SPDX-License-Identifier: GPL-2.0-only
#
# Collects the figures of all rounds and lays out the table.

package BenchTable;

use strict;
use warnings;
use Exporter 'import';

our @EXPORT_OK = qw(note record table raw_results);

# What kernelet has to reach with two host CPUs. A number is a bound in the
# benchmark's own unit; "native" is a bound as a multiple of the native figure;
# "ncpus2" says that only a guest with two CPUs is judged. What is not listed
# must not be slower than UML; "none" frees a line of that.
my %TARGET = (
    getppid_inline => { bound => 500 },
    getppid_libc => { bound => 500 },
    getppid_bare => { bound => 4_000 },
    clock_gettime => { bound => 60 },
    anon_warm => { bound => 4_000 },
    file_fault => { bound => 400 },
    fork_wait => { bound => 450_000 },
    fork_exec_wait => { bound => 1_500_000 },
    thread => { bound => 80_000 },
    mmap_1 => { bound => 30_000 },
    pipe_pinned => { bound => 20_000 },
    boot => { bound => 80_000_000 },
    gcc_12 => { native => 1.5 },
    true_500 => { bound => 900_000_000 },
    redis_get => { bound => 20_000, higher => 1 },
    two_threads => { bound => 1_100, ncpus2 => 1 },
    gcc_12_scaling => { bound => 1_700, higher => 1, ncpus2 => 1 },
    memcpy_1m => { none => 1 },
);

# With one host CPU: these, and never slower than UML.
my %TARGET_ONE_CPU = (
    getppid_inline => { bound => 8_000 },
    getppid_libc => { bound => 8_000 },
    getppid_bare => { bound => 8_000 },
    redis_get => { higher => 1 },
    gcc_12_scaling => { none => 1 },
    memcpy_1m => { none => 1 },
);

my @SYSTEMS = qw(native kernelet1 kernelet2 uml);

my (%figures, %unit, @order, @raw, @notes, %noted);

# A remark below the table, each once.
sub note {
    my ($system, $text) = @_;
    push @notes, "$system: $text\n" unless $noted{"$system: $text"}++;
}

sub record {
    my ($round, $system, $name, $value, $unit) = @_;
    push @order, $name unless $unit{$name};
    $unit{$name} = $unit;
    push @{$figures{$name}{$system}}, $value;
    push @raw, join("\t", $round, $system, $name, $value, $unit) . "\n";
}

sub raw_results { return join '', "round\tsystem\tname\tvalue\tunit\n", @raw }

sub median {
    my (@sorted) = sort { $a <=> $b } @_;
    return @sorted
        ? ($sorted[$#sorted / 2] + $sorted[@sorted / 2]) / 2 : undef;
}

sub digits {
    my ($x) = @_;
    return sprintf $x < 10 ? '%.2f' : $x < 100 ? '%.1f' : '%.0f', $x;
}

# A figure with the unit that suits its size.
sub show {
    my ($value, $unit) = @_;
    return '-' unless defined $value;
    return digits($value / 1000) if $unit eq 'permille';
    return sprintf('%.0f /s', $value) if $unit eq 'per_s';
    return digits($value) . ' ms/s' if $unit eq 'ms_per_s';
    return digits($value / 1e6) . ' MB' if $unit eq 'bytes';
    for ([1e9, 's'], [1e6, 'ms'], [1e3, 'us']) {
        return digits($value / $_->[0]) . " $_->[1]" if $value >= $_->[0];
    }
    return digits($value) . ' ns';
}

sub ratio {
    my ($x, $y) = @_;
    return defined $x && $y ? digits($x / $y) : '-';
}

# The bound for a line, undef for none; and whether more is better.
sub bound {
    my ($name, $value, $targets) = @_;
    my $target = $targets->{$name} // {};
    my $bound = $target->{none} ? undef
        : $target->{bound} ? $target->{bound}
        : !$target->{native} ? $value->{uml}
        : defined $value->{native} ? $target->{native} * $value->{native}
        : undef;
    return ($bound, $target->{higher}, $target->{ncpus2});
}

sub verdict {
    my ($value, $bound, $higher) = @_;
    return '-' unless defined $value && defined $bound;
    return ($higher ? $value >= $bound : $value <= $bound) ? 'met' : 'MISSED';
}

# How much faster two compilers at a time are, round by round.
sub derive_scaling {
    for my $system (@SYSTEMS) {
        my $one = $figures{gcc_12}{$system} // next;
        my $two = $figures{gcc_12_j2}{$system} // next;
        for my $i (0 .. $#$one) {
            record($i + 1, $system, 'gcc_12_scaling',
                1000 * $one->[$i] / $two->[$i], 'permille') if $two->[$i];
        }
    }
}

my $FORMAT = "%-18s %10s %10s %10s %10s %7s %7s %7s %7s %10s %7s %7s\n";

sub line {
    my ($name, $targets) = @_;
    my $unit = $unit{$name};
    my %value = map { $_ => median(@{$figures{$name}{$_} // []}) } @SYSTEMS;
    my ($bound, $higher, $ncpus2) = bound($name, \%value, $targets);
    my @kernelet = @value{qw(kernelet1 kernelet2)};
    return sprintf $FORMAT, $name, (map { show($value{$_}, $unit) } @SYSTEMS),
        (map { ratio($_, $value{native}) } @kernelet),
        (map { ratio($_, $value{uml}) } @kernelet), show($bound, $unit),
        $ncpus2 ? '-' : verdict($kernelet[0], $bound, $higher),
        verdict($kernelet[1], $bound, $higher);
}

# The table for a measurement on this many host CPUs.
sub table {
    my ($host_cpus) = @_;
    my $targets = $host_cpus == 1 ? \%TARGET_ONE_CPU : \%TARGET;
    derive_scaling();
    my $text = sprintf $FORMAT, '', 'native', 'kernelet', 'kernelet', 'UML',
        'k1/', 'k2/', 'k1/', 'k2/', 'target', 'ncpus=1', 'ncpus=2';
    $text .= sprintf $FORMAT, '', '', 'ncpus=1', 'ncpus=2', '1 CPU', 'native',
        'native', 'UML', 'UML', 'or UML', '', '';
    $text .= line($_, $targets) for @order;
    return join '', $text, @notes;
}

1;
