# SPDX-License-Identifier: GPL-2.0-only
"""
Which vCPU a thread is, for $lx_current() and $lx_per_cpu("name").

The stock code knows the ways of QEMU's and kgdb's servers.  A kernelet vCPU is
a thread whose %gs base is its per-CPU offset; the stock function is replaced
in the running gdb, not in its file.
"""

import gdb

from linux import cpus, utils


def thread_cpu():
    """The vCPU that the selected thread is."""
    base = int(gdb.newest_frame().read_register("gs_base"))
    if base == 0 and gdb.selected_thread().num == 1:
        return 0        # early in the boot
    for cpu in cpus.each_possible_cpu():
        if int(gdb.parse_and_eval("__per_cpu_offset[%d]" % cpu)) == base:
            return cpu
    raise gdb.GdbError("this thread is no vCPU")


def cpu_thread(cpu):
    """The thread that is a vCPU, or None."""
    offset = int(gdb.parse_and_eval("__per_cpu_offset[%d]" % cpu))
    selected = gdb.selected_thread()
    try:
        for thread in gdb.selected_inferior().threads():
            thread.switch()
            if int(gdb.newest_frame().read_register("gs_base")) == offset:
                return thread
    finally:
        selected.switch()
    return None


def cpu_of_task(task):
    """The vCPU that runs a task now, or None."""
    for cpu in cpus.each_online_cpu():
        if cpus.get_current_task(cpu).address == task:
            return cpu
    return None


cpus.get_current_cpu = thread_cpu
