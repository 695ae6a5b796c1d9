# SPDX-License-Identifier: GPL-2.0-only
"""
What gdb loads by itself with build/vmlinux (build/vmlinux-gdb.py is a link to
this): settings, the stock helpers (lx-...), and kernelet's own (kl-...).

gdb asks for permission first: "add-auto-load-safe-path DIR" in ~/.gdbinit, or
"make gdb".
"""

import os
import runpy
import sys

import gdb

build = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
sys.dont_write_bytecode = True          # this repository stays as it is

# Host signals that are the kernel's interrupts and exceptions, and those with
# which a stub's threads stop: events of the guest, none of the debugger's.
gdb.execute("handle SIGURG SIGSEGV SIGBUS SIGILL SIGFPE SIGSYS nostop noprint pass",
            to_string=True)

# For a step over a breakpoint gdb would copy the instruction to where the program
# starts and let all other threads run: one of them may end the program meanwhile,
# which gdb takes for an error.
gdb.execute("set displaced-stepping off")

# The stock loader is beside the objects; it looks for its parts from there.
stock = os.path.join(build, "obj", "vmlinux-gdb.py")
try:
    if os.path.exists(stock):
        runpy.run_path(stock, {"gdb": gdb, "sys": sys})
        import kernelet.cpus
        import kernelet.modules
    else:
        gdb.write("kernelet: no lx- commands: the kernel is built without GDB_SCRIPTS, "
                  "or its build directory was moved\n")
    import kernelet.stacks
    import kernelet.text
    import kernelet.user
except (gdb.error, ImportError) as error:
    gdb.write("kernelet: {}\n".format(error))
