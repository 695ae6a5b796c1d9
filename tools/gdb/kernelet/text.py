# SPDX-License-Identifier: GPL-2.0-only
"""
Breakpoints where the kernel changes its own text (static branches).

A breakpoint is an int3 in place of an instruction's first byte, which gdb keeps.
When the kernel changes that instruction, the breakpoint is gone; and when gdb
takes it away, the old first byte comes before the new rest: the guest crashes.
So gdb looks at what is changed, and writes it once more itself when the kernel
has: gdb then keeps the new byte, and the breakpoint is there again.  All other
vCPUs stand still meanwhile.

See arch-user/kernel/jump_label.c: change_together() has the changes in queue[]
when it begins, and has made them when it comes to CPUID.
"""

import gdb


class TextBreakpoint(gdb.Breakpoint):
    """For the processes only that have the kernel's text: no stubs."""

    def __init__(self, address, work):
        super().__init__("*%#x" % address, internal=True)
        self.silent = True
        self.enabled = False
        self.address = address
        self.work = work

    def stop(self):
        self.work()
        return False

    def choose(self):
        try:
            gdb.selected_inferior().read_memory(self.address, 1)
            self.enabled = True
        except gdb.error:
            self.enabled = False


class StaticBranches:
    def __init__(self):
        function = gdb.lookup_static_symbol("change_together")
        if function is None:                    # without JUMP_LABEL
            return
        start = int(function.value().address)
        try:
            code = gdb.selected_inferior().architecture().disassemble(start, count=128)
        except gdb.error:                       # attached to a stub
            return
        self.changes = []
        self.breakpoints = [TextBreakpoint(start, self.about_to_change)]
        self.breakpoints += [TextBreakpoint(insn["addr"], self.changed)
                             for insn in code if insn["asm"].startswith("cpuid")]
        gdb.events.new_thread.connect(self.choose)
        gdb.events.stop.connect(self.choose)

    def choose(self, event):
        for each in self.breakpoints:
            each.choose()

    def about_to_change(self):
        queue = gdb.parse_and_eval("'arch-user/kernel/jump_label.c'::queue")
        for i in range(int(gdb.parse_and_eval("'arch-user/kernel/jump_label.c'::nr_queued"))):
            insn = queue[i]["insn"]
            self.changes.append((int(queue[i]["site"]),
                                 bytes(int(insn[j]) for j in range(insn.type.range()[1] + 1))))

    def changed(self):
        for site, insn in self.changes:
            try:
                gdb.selected_inferior().write_memory(site, insn)
            except gdb.error:                   # a module's, without breakpoints
                pass
        self.changes.clear()


static_branches = StaticBranches()
