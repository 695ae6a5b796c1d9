# SPDX-License-Identifier: GPL-2.0-only
#
# Directories of the host for the tests' guests: a server for each, run by the
# guests' user.
#
#   my $share = share($dir, tag => 'x', options => [...]);
#   boot(args => [$share->{arg}], keep => [$share->{socket}], ...);
#   ok(share_ended($share), 'the server has ended with its guest');

package Hostfs;

use strict;
use warnings;
use Exporter qw(import);
use Guest;
use POSIX;
use Socket;
use Fcntl;

our @EXPORT = qw(share share_ended);

my $number = 0;

sub share {
	my ($dir, %o) = @_;
	my $server = user_file($o{server} // "$BUILD/kernelet-hostfs");
	my $tag = $o{tag} // 'share';

	socketpair my $guest, my $host, AF_UNIX, SOCK_SEQPACKET, 0 or die "socketpair: $!";
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		fcntl $host, F_SETFD, 0;
		close $guest;
		open STDIN, '<', '/dev/null';
		exec as_user(@{$o{wrap} // []}, $server, '--fd', fileno $host, '--dir', $dir,
			@{$o{options} // []}) or POSIX::_exit(127);
	}
	close $host;
	my $n = $o{number} // 0;
	return { pid => $pid, socket => $guest,
		 arg => "hostfs$n=fd:" . fileno($guest) . ",tag=$tag" . ($o{ro} ? ',ro' : '') };
}

# True when the server has ended, or does so soon.
sub share_ended {
	my ($share) = @_;

	return wait_until(10, sub { !kill(0, $share->{pid}) || ended($share->{pid}) });
}

sub ended {
	my ($pid) = @_;
	my $stat = slurp("/proc/$pid/stat") // return 1;

	return $stat =~ /\) Z /;
}

1;
