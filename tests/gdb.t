#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# gdb on the guest kernel: started by it, stopped, stepped, traced through
# interrupts and exceptions; the stock helpers; other tasks and guest processes.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Guest;
use Module;
use Test::More;

my ($gdb) = grep { -x } map { "$_/gdb" } split /:/, $ENV{PATH};
defined $gdb or cannot('no gdb here');
run_user('test', '-r', "$BUILD/vmlinux-gdb.py") == 0
	or cannot("$BUILD is not readable for the guests' user");
(slurp("$BUILD/obj/.config") // '') =~ /^CONFIG_GDB_SCRIPTS=y/m
	or cannot('the kernel is configured without GDB_SCRIPTS');

# What gdb may load, unless a user has not allowed it.
my @safe = ('-iex', "'add-auto-load-safe-path $BUILD'");

# A script that starts gdb with the kernel's words behind "--args": what starts
# a guest can start it. gdb ends with the guest's status.
my $sessions = 0;
sub session {
	my ($commands, @options) = @_;
	my $base = scratch() . '/session' . $sessions++;

	spew("$base.gdb", join '', map { "set $_\n" } 'pagination off', 'confirm off',
		'width 0', 'debuginfod enabled off');
	spew("$base.commands", $commands . "quit \$_exitcode\n");
	spew("$base.sh", "#!/bin/sh\nexec $gdb -nx -q -batch @options -x $base.gdb " .
		"-x $base.commands --args $VMLINUX \"\$@\"\n");
	chmod 0755, "$base.sh";
	return "$base.sh";
}

# What a session printed after "echo == NAME ==\n".
sub section {
	my ($g, $name) = @_;

	return $g->out =~ tr/\r//dr =~ /^== $name ==\n(.*?)(?=^== |\z)/ms ? $1 : '';
}

# One test point: a section matches. The patterns are matched one after another.
sub shows {
	my ($g, $section, $name, @patterns) = @_;
	my $text = section($g, $section);
	my $ok = 1;

	for (@patterns) {
		$ok &&= $text =~ /$_/g;
	}
	ok($ok, $name) or diag("in \"$section\":\n$text");
}

my $modules = build_modules();
my $program = scratch() . '/inspected';
system('gcc', '-g', '-O1', '-fno-omit-frame-pointer', '-static', '-pthread', '-o', $program,
	"$FindBin::Bin/gdb/inspected.c") == 0 or BAIL_OUT('inspected.c is not compiled');
chmod 0755, $program;
my $outermost = qr/^#\d+ .* in ret_from_fork \(\).*\n(?!#)/m;

# ---- a user who has allowed nothing: it runs, and does not stop ---------------

my $g = boot(name => 'gdb without settings', status => 3, args => ['ncpus=2'],
	kernel => session("run\n"), script => "uname -s; sleep 0.1; exit 3\n");
unlike($g->out, qr/received signal/, 'no signal stops it');
like($g->text, qr/^Linux$/m, 'the guest runs');

# ---- stops, steps, frames, helpers --------------------------------------------

$g = boot(name => 'the kernel', status => 4, args => ['ncpus=2'], time => 120,
	script => "dd if=/dev/zero of=/dev/null bs=1M count=300 2>/dev/null\nexit 4\n",
	kernel => session(<<'COMMANDS', @safe));
tbreak start_kernel
run
echo == start ==\n
bt
echo == step ==\n
next
next
step
tbreak setup_arch
continue
finish
tbreak sys_sethostname
continue
echo == syscall ==\n
bt
echo == current ==\n
p $lx_current().comm
p $lx_per_cpu(pcpu_hot).cpu_number == $lx_current().thread_info.cpu
p $lx_per_cpu(pcpu_hot, 1).cpu_number
p $lx_task_by_pid(1).comm
echo == version ==\n
lx-version
echo == cpus ==\n
lx-cpus
echo == ps ==\n
lx-ps
echo == dmesg ==\n
lx-dmesg
echo == task ==\n
kl-task 2
frame
kl-task
frame
echo == timer ==\n
tbreak timer_interrupt if $_any_caller_is("irq_signal", 8)
continue
bt
echo == end ==\n
tbreak kernel_power_off
continue
bt
continue
COMMANDS
shows($g, 'start', 'stops at start_kernel, and the trace ends where the kernel begins',
	qr/^#0 .*start_kernel/, qr/^#\d+ .* in kernel_entry \(\).*\n(?!#)/m);
shows($g, 'syscall', 'stops in a system call: the trace goes to the task\'s first function',
	qr/^#0 .*sys_sethostname/, qr/user_mode_loop/, qr/task_first_steps/, $outermost);
# Here no timer runs yet, so that nothing can come between two steps.
shows($g, 'step', 'steps by lines, finishes a function', qr/^\d+\t.*\n\d+\t/m,
	qr/\bTemporary breakpoint \d+, setup_arch/, qr/^start_kernel .*\n\d+\t/m);
shows($g, 'current', '$lx_current, $lx_per_cpu, $lx_task_by_pid', qr/= "init"/,
	qr/^\$\d+ = 1$/m, qr/^\$\d+ = 1$/m, qr/= "init"/);
shows($g, 'version', 'lx-version', qr/^Linux version 6\.\d+/);
shows($g, 'cpus', 'lx-cpus', qr/^Online CPUs   : \[0, 1\]$/m);
shows($g, 'ps', 'lx-ps', qr/\b0 +swapper\/0$/m, qr/\b1 +init$/m, qr/\b2 +kthreadd$/m);
shows($g, 'dmesg', 'lx-dmesg', qr/^\[ +0\.0+\] Linux version/, qr/Run \/\S*init as init/);
shows($g, 'task', 'kl-task: the stack of a task that sleeps', qr/task 2 \(kthreadd\)/,
	qr/^#\d+ .*context_switch/m, qr/^#\d+ .*\bschedule\b/m, qr/in kthreadd/,
	qr/in ret_from_fork/, qr/^#\d+ .*context_switch/m, qr/^#0 .*sys_sethostname/m);
shows($g, 'timer', 'from the timer interrupt through the host\'s frame to the task\'s start',
	qr/^#0 .*timer_interrupt/m, qr/irq_signal/, qr/<signal handler called>/, qr/user_mode_loop/,
	$outermost);
shows($g, 'end', 'stops at power-off', qr/^#0 .*kernel_power_off/m, qr/exited with code 04/);

# ---- breakpoints that many vCPUs hit, and that the kernel writes over ------------

$g = boot(name => 'breakpoints', status => 5, args => ['ncpus=2'], time => 60,
	script => "hostname a; exit 5\n", kernel => session(<<'COMMANDS', @safe));
break schedule if 0
break rng_is_initialized if 0
echo == before ==\n
x/i rng_is_initialized
tbreak sys_sethostname if len == 1
run
delete
echo == after ==\n
p crng_is_ready.key.enabled.counter
x/i rng_is_initialized
continue
COMMANDS
shows($g, 'before', 'a static branch', qr/:\tjmp/);
shows($g, 'after', 'has changed below a breakpoint', qr/= 1$/m, qr/:\tnop/);

# ---- modules and exceptions ----------------------------------------------------

$g = boot(name => 'a module', status => 5, args => ['ncpus=1'],
	files => ["/m/ktest.ko=$modules/ktest.ko"], allow => qr/BUG|Oops|Call Trace/,
	script => "hostname a; insmod /m/ktest.ko; rmmod ktest; insmod /m/ktest.ko crash=1\nexit 5\n",
	kernel => session(<<"COMMANDS", @safe));
set breakpoint pending on
tbreak sys_sethostname if len == 1
run
lx-symbols $modules
break ktest_init
continue
echo == init ==\\n
bt
tbreak ktest_thread
continue
echo == module ==\\n
bt
lx-lsmod
continue
echo == again ==\\n
bt
p crash
tbreak fault_signal
continue
echo == exception ==\\n
bt
continue
COMMANDS
shows($g, 'init', 'a breakpoint in an init function', qr/^#0 .*ktest_init .*ktest\.c:\d+/,
	qr/do_init_module/, qr/in ret_from_fork/);
shows($g, 'again', 'and when the module is loaded again', qr/^#0 .*ktest_init .*ktest\.c:\d+/,
	qr/do_init_module/, qr/in ret_from_fork/, qr/= true/);
shows($g, 'module', 'lx-symbols follows a module, with lines', qr/^#0 .*ktest_thread .*ktest\.c:\d+/,
	qr/in ret_from_fork/, qr/\bktest\b.*$/m);
shows($g, 'exception', 'from the exception to the function that caused it',
	qr/^#0 .*fault_signal/, qr/<signal handler called>/, qr/ktest_crash.* at .*ktest\.c:\d+/,
	qr/ktest_init.* at .*ktest\.c:\d+/, qr/do_init_module/, qr/in ret_from_fork/);
like($g->out, qr/Code: [0-9a-f ]*<c7>(?: [0-9a-f]{2}){21}/, 'an oops shows the code');

# ---- a guest process -----------------------------------------------------------

$g = boot(name => 'a process', status => 6, args => ['ncpus=2'],
	files => ["/t/inspected=$program"], script => <<'SCRIPT',
/t/inspected thread >/out &
until grep -q ready /out 2>/dev/null; do sleep 0.05; done
sleep 0.2
hostname a
kill $!
exit 6
SCRIPT
	kernel => session(<<'COMMANDS', @safe));
tbreak sys_sethostname if len == 1
run
python from linux import tasks
python thread = gdb.selected_thread()
python pid = [int(t["pid"]) for t in tasks.task_lists() if t["comm"].string() == "inspected"][0]
python gdb.execute("kl-user %d" % pid)
echo == process ==\n
bt
p record
p turns > 0
x/i $rip - 2
frame 2
p depth
echo == thread ==\n
thread 2.2
bt
info registers rip
inferior 1
echo == wrong ==\n
python
for command in ("kl-user 2", "kl-user 99999", "kl-user"):
    try:
        gdb.execute(command)
    except gdb.error as error:
        print(error)
end
echo == kernel ==\n
python thread.switch()
bt
continue
COMMANDS
shows($g, 'process', 'kl-user: a backtrace with lines', qr/^#0 .*pause/,
	qr/innermost \(depth=.*41\) at .*inspected\.c:\d+/, qr/outer/, qr/main/);
shows($g, 'process', 'variables, code, another frame', qr/= \{number = 4712, text = "in data/,
	qr/^\$\d+ = 1$/m, qr/:\tsyscall/, qr/^#2 .*outer/m, qr/^\$\d+ = 40$/m);
shows($g, 'thread', 'a thread that computes', qr/compute/, qr/start_thread/, qr/<compute\+\d+>/);
shows($g, 'wrong', 'what cannot be looked at is named', qr/kthreadd is a kernel thread/,
	qr/no task has the PID 99999/, qr/usage: kl-user PID/);
shows($g, 'kernel', 'the kernel goes on', qr/^#0 .*sys_sethostname/, qr/in ret_from_fork/);

# ---- a stub by its host process -------------------------------------------------

$g = Guest->start(files => ["/t/inspected=$program"], script => "/t/inspected; exit 7\n");
ok($g->expect(qr/inspected: ready/, 30), 'a guest without a debugger');
my %processes = processes_below($g->pid);
my ($stub) = grep { $processes{$_} eq 'inspected' } keys %processes;
my ($status, $out) = run_user($gdb, '-nx', '-q', '-batch', '-iex',
	"add-auto-load-safe-path $BUILD", '-ex', 'set pagination off', '-ex',
	'set debuginfod enabled off', '-ex', 'attach ' . ($stub // 0), '-ex',
	"symbol-file $program", '-ex', 'thread apply all bt', '-ex', 'p record');
like($out, qr/innermost \(depth=.*41\) at .*\n.*outer.*\n.*main/,
	'gdb -p STUB: the backtrace of a parked guest thread') or diag($out);
like($out, qr/= \{number = 4712, text = "in data/, 'its memory') or diag($out);
$g->end_it;
$g->clean('a stub');

# ---- hardware watchpoints, where the host has them ------------------------------

SKIP: {
	spew(scratch() . '/w.c', "long x; int main(void) { x = 1; return 0; }\n");
	system('gcc', '-g', '-O0', '-o', scratch() . '/w', scratch() . '/w.c') == 0 or die;
	my (undef, $native) = run_user($gdb, '-nx', '-q', '-batch', '-ex', 'break main',
		'-ex', 'run', '-ex', 'watch x', '-ex', 'continue', scratch() . '/w');
	skip 'this host has no hardware watchpoints', 3 unless $native =~ /New value = 1/;
	$g = boot(name => 'a watchpoint', status => 8, args => ['ncpus=2'],
		script => "hostname a; exit 8\n",
		kernel => session(<<'COMMANDS', @safe));
tbreak sys_sethostname if len == 1
run
watch jiffies_64
continue
echo == watch ==\n
bt
delete
continue
COMMANDS
	shows($g, 'watch', 'a hardware watchpoint in the kernel', qr/do_timer|tick_do_update/);
}

done_testing();
