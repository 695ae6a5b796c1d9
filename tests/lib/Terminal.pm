# SPDX-License-Identifier: GPL-2.0-only
#
# A pseudo-terminal in plain Perl (IO::Pty is not part of it), on x86-64 Linux.

package Terminal;

use strict;
use warnings;
use Fcntl;
use POSIX ();

use constant {
	TIOCGPTN => 0x80045430, TIOCSPTLCK => 0x40045431,
	TIOCSCTTY => 0x540e, TIOCSWINSZ => 0x5414, TIOCGWINSZ => 0x5413,
	TCGETS => 0x5401,
};

sub new {
	my ($class, $rows, $columns) = @_;
	my $t = bless {}, $class;
	my ($number, $unlocked) = (pack('i', 0)) x 2;

	sysopen $t->{master}, '/dev/ptmx', O_RDWR | O_NOCTTY
		or die "/dev/ptmx: $!\n";
	ioctl $t->{master}, TIOCSPTLCK, $unlocked or die "unlock: $!";
	ioctl $t->{master}, TIOCGPTN, $number or die "number: $!";
	$t->{path} = '/dev/pts/' . unpack 'i', $number;
	$t->resize($rows, $columns);
	sysopen $t->{slave}, $t->{path}, O_RDWR | O_NOCTTY
		or die "$t->{path}: $!\n";
	return $t;
}

sub master { $_[0]{master} }
sub slave { $_[0]{slave} }

# In the parent after fork: nothing to close, the slave stays open so that the
# settings can be read when the guest has gone.
sub opened { }

# In the child: a session of its own with this terminal.
sub become_controlling {
	my ($t) = @_;

	POSIX::setsid();
	my $steal = 0;

	ioctl $t->{slave}, TIOCSCTTY, $steal or die "TIOCSCTTY: $!";
}

sub resize {
	my ($t, $rows, $columns) = @_;
	my $size = pack 'S4', $rows, $columns, 0, 0;

	ioctl $t->{master}, TIOCSWINSZ, $size or die "TIOCSWINSZ: $!";
}

# All settings of the terminal as one string.
sub settings {
	my ($t) = @_;
	my $termios = "\0" x 60;

	ioctl $t->{slave}, TCGETS, $termios or die "TCGETS: $!";
	return unpack 'H*', substr $termios, 0, 36;
}

# Is it in the mode in which every key goes through?
sub raw {
	my ($t) = @_;
	my $termios = "\0" x 60;

	ioctl $t->{slave}, TCGETS, $termios or die "TCGETS: $!";
	return !((unpack 'I4', $termios)[3] & 2);	# ICANON
}

1;
