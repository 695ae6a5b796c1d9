#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# mkcalls.pl - the seccomp allow-list, from the code that makes the calls
#
# usage: mkcalls.pl [--list] TAG FILE...
#
# Reads comments of this form out of C and assembly files,
#
#	/* #TAG: read futex(_, FUTEX_WAIT) mmap(<=LIMIT, _, _, FLAGS, fd) */
#
# and writes a header with the macros TAG_COUNT, how many calls there are, and
# TAG_RULES, instructions for a filter that has loaded the call's number:
# "allow" for what is listed, "deny" else. --list writes the list for readers.
#
# A call without parentheses is allowed with any arguments. In parentheses "_"
# stands for any value, "<=X" for one up to X and "X..Y" for one from X to Y (of 32
# bits), and anything else is a C expression that the argument has to equal, all 64 bits of it. It is evaluated
# where TAG_RULES is used, so it may well be a descriptor. Arguments that are
# left out at the end are not looked at. A call that is listed more than once is
# allowed in each of the forms.
#
# A list ends with its comment or at the next "#". It stands in the file that makes the call: a name which that file does
# not use is an error, so that the list cannot outlive the code.

use strict;
use warnings;

my $list = @ARGV && $ARGV[0] eq '--list' && shift;
my $tag = shift // die "usage: mkcalls.pl [--list] TAG FILE...\n";
my (@names, %forms);	# names in order; lists of argument texts by name

# "a, f(b, c), d" at the commas outside of parentheses
sub arguments {
	my ($text) = @_;
	my @args = $text =~ /\G\s*((?:[^(),]|(\((?:[^()]|(?2))*\)))+?)\s*(?:,|$)/g;

	@args = @args[grep { $_ % 2 == 0 } 0 .. $#args];
	return @args;
}

sub take {
	my ($file, $source, $text) = @_;

	$text =~ s/^\s*\*+//mg;
	while ($text =~ /\G\s*(\w+)(\((?:[^()]|(?2))*\))?(?=\s|$)/gc) {
		my ($name, $args) = ($1, $2 // '');

		$source =~ /\b(?:__NR|SYS|sys)_$name(?:_at)?\b/
			or die "$file: #$tag: $name is not used there\n";
		my @args = arguments($args =~ s/^\(|\)$//gr);
		pop @args while @args && $args[-1] eq '_';
		my $form = join ', ', @args;
		push @names, $name unless $forms{$name};
		push @{$forms{$name}}, $form
			unless grep { $_ eq $form } @{$forms{$name} // []};
	}
	$text =~ /\G\s*\S/gc and die "$file: #$tag: cannot read: $text\n";
}

sub check {
	my ($n, $arg, $miss) = @_;

	return "FILTER_IN($n, $1, $2, $miss)" if $arg =~ /^(.+)\.\.(.+)/;
	return $arg =~ /^<=\s*(.*)/ ? "FILTER_LE($n, $1, $miss)" :
		"FILTER_EQ($n, $arg, $miss)";
}

# How many instructions that is.
sub length_of {
	my ($arg) = @_;

	return $arg =~ /\.\./ ? 5 : 4;
}

# The instructions of one form; one that does not fit goes to what follows it.
sub form {
	my ($form) = @_;
	my @args = arguments($form);
	my @checked = grep { $args[$_] ne '_' } 0 .. $#args;
	my $length = 1;
	$length += length_of($args[$_]) for @checked;
	my $left = $length;
	my @code = map {
		$left -= length_of($args[$_]);
		check($_, $args[$_], $left);
	} @checked;

	return (\@code, $length);
}

sub rules {
	my ($name) = @_;
	my (@code, $length);

	for my $form (@{$forms{$name}}) {
		my ($code, $n) = form($form);

		push @code, @$code, 'FILTER_ALLOW';
		$length += $n;
	}
	return ("FILTER_CALL(__NR_$name, " . ($length + 1) . ')', @code, 'FILTER_DENY');
}

for my $file (@ARGV) {
	open my $in, '<', $file or die "$file: $!\n";
	my $source = do { local $/; <$in> };

	take($file, $source, $1) while $source =~ m{#$tag:((?:(?!\*/|\#).)*)}sg;
}
@names or die "no #$tag: in @ARGV\n";
for my $name (@names) {
	# what is allowed anyhow needs no other form
	@{$forms{$name}} = ('') if grep { $_ eq '' } @{$forms{$name}};
}

if ($list) {
	printf "%d calls\n", scalar @names;
	for my $name (@names) {
		print map { ($_ eq '' ? $name : "$name($_)") . "\n" } @{$forms{$name}};
	}
	exit;
}

my $prefix = uc $tag =~ tr/-/_/r;
print "/* Made by mkcalls.pl from the comments \"#$tag:\" beside the calls. */\n";
printf "#define %s_COUNT %d\n", $prefix, scalar @names;
print "#define ${prefix}_RULES \\\n\t",
	join(", \\\n\t", map { rules($_) } @names), "\n";
