#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# kernelet run --cpu-limit and --io-limit: the control group that is made, what is
# in it, and that it goes. The host is a guest, whose groups are ours to divide;
# the kernel it runs is a script that looks where it is.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Guest;
use Launcher;
use Test::More;

my $dir = scratch();
my $program = user_file($KERNELET);

spew("$dir/fake", <<'EOF');
#!/bin/sh
group=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
perl -e '1 while (times)[0] < 0.3'
{
	echo "group ${group##*/sys/fs/cgroup}"
	echo "cpu.max $(cat $group/cpu.max)"
	echo "throttled $(sed -n 's/^nr_throttled //p' $group/cpu.stat)"
	echo "io.max $(cat $group/io.max 2>/dev/null)"
} >/run/seen
exit 3
EOF
chmod 0755, "$dir/fake";

my $inside = <<"EOF";
export XDG_RUNTIME_DIR=/run/x
mkdir -m 700 /run/x
cp $dir/fake /run/fake
run()
{
	rm -f /run/seen
	$program run --root=builtin --kernel=/run/fake "\$@" -- true 2>&1
	echo "status \$?"
	cat /run/seen 2>/dev/null
	ls -d /sys/fs/cgroup/kernelet-* /sys/fs/cgroup/*/kernelet-* 2>/dev/null
}
cd /sys/fs/cgroup
echo '== nothing is ours'
mkdir top && echo \$\$ >top/cgroup.procs
unshare -U true 2>/dev/null
setpriv --reuid=65534 --regid=65534 --clear-groups sh -c "mkdir -m 700 /tmp/x; XDG_RUNTIME_DIR=/tmp/x $program run --root=builtin --cpu-limit=1 -- true" 2>&1
echo "status \$?"
echo '== beside our own'
echo \$\$ >cgroup.procs
echo +cpu >cgroup.subtree_control; echo +io >cgroup.subtree_control 2>/dev/null
mkdir a && echo +cpu >a/cgroup.subtree_control; echo +io >a/cgroup.subtree_control 2>/dev/null
mkdir a/b && echo \$\$ >a/b/cgroup.procs
mkdir a/kernelet-999999
run --cpu-limit=0.25
echo '== no disk'
run --io-limit=10M
EOF
my $g = command(['run', '--root-user', '--', 'sh', '-c', $inside], time => 60);
my %part = map { /^(.+)\n/ ? ($1 => $_) : () } split /^== /m, $g->out;

like($part{'nothing is ours'}, qr/^kernelet: --cpu-limit: no control group \(version 2\) is yours.*\nstatus 2$/m,
	'where no group may be divided: one line, status 2') or diag($g->out, $g->err);
my $beside = $part{'beside our own'} // '';
like($beside, qr/^status 3$/m, 'a limit on CPU time') or diag($g->out, $g->err);
like($beside, qr{^group /a/kernelet-\d+$}m, 'the guest is in a group of its own');
like($beside, qr/^cpu\.max 25000 100000$/m, 'with the limit');
like($beside, qr/^throttled [1-9]/m, 'which it feels');
unlike($beside, qr/^\/sys/m, 'the group is gone then, and so is one that was left behind');
like($part{'no disk'} // '', qr/^kernelet: --io-limit=10M: neither the root nor a share lies on a disk|no control group/m,
	'--io-limit without a disk') or diag($g->out);
$g->clean('limits');

done_testing();
