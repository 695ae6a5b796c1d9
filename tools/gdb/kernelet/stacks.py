# SPDX-License-Identifier: GPL-2.0-only
"""
Backtraces that the debug information alone does not give: kernel stacks of
tasks that are not running (kl-task), and guest code from a parked stub thread.

Frames below the newest one come from here by gdb's interface for unwinders:
frame #0 (with inlined functions, the first that is none) is left as it is, and
the next is given other registers than it would have had.  The stack address in
#0's identity is 0, so that any stack may follow.
"""

import struct

import gdb
import gdb.unwinder

from kernelet import layout


class FrameId:
    def __init__(self, pc):
        self.sp = gdb.Value(0).cast(pc.type)
        self.pc = pc


def frame_above(pending, regs):
    """Let the frame above a pending one have the given registers."""
    ulong = gdb.lookup_type("unsigned long")
    pc = pending.read_register("rip").cast(ulong)
    info = pending.create_unwind_info(FrameId(pc))
    for name, value in regs.items():
        if name != "eflags":
            info.add_saved_register(name, gdb.Value(value).cast(ulong))
    return info


class StubUnwinder(gdb.unwinder.Unwinder):
    """From the stub's own text to the guest code it was entered from."""

    def __init__(self):
        super().__init__("kernelet-stub")

    def __call__(self, pending):
        if pending.level() != 0:
            return None
        pc = int(pending.read_register("rip"))
        area = int(pending.read_register("rsp")) & ~(layout.AREA_SIZE - 1)
        if pc // layout.PAGE_SIZE != layout.STUB_BASE // layout.PAGE_SIZE:
            return None
        if not 0 <= area - layout.STUB_AREAS < layout.STUB_MAX_AREAS * layout.AREA_SIZE:
            return None
        try:
            return frame_above(pending, layout.parked_registers(area, area))
        except (gdb.error, gdb.GdbError):
            return None


class TaskUnwinder(gdb.unwinder.Unwinder):
    """From whatever the thread does to the stack of the task being looked at."""

    def __init__(self):
        super().__init__("kernelet-task")
        self.thread = None
        self.regs = None
        self.level = 0          # of the thread's own real frame

    def __call__(self, pending):
        if self.thread is None or pending.level() != self.level:
            return None
        if gdb.selected_thread().ptid != self.thread:
            return None
        return frame_above(pending, self.regs)

    def look_at(self, regs):
        self.thread = None
        gdb.invalidate_cached_frames()
        if regs is None:
            return
        frame = gdb.newest_frame()
        while frame.type() == gdb.INLINE_FRAME:
            frame = frame.older()
        self.level = frame.level()
        self.thread = gdb.selected_thread().ptid
        self.regs = regs
        gdb.invalidate_cached_frames()


task_unwinder = TaskUnwinder()
gdb.unwinder.register_unwinder(None, StubUnwinder(), replace=True)
gdb.unwinder.register_unwinder(None, task_unwinder, replace=True)
gdb.events.cont.connect(lambda event: task_unwinder.look_at(None))


def find_task(argument):
    """The task of a PID given as an expression."""
    from linux import tasks

    pid = int(gdb.parse_and_eval(argument))
    for task in tasks.task_lists():
        if int(task["pid"]) == pid:
            return task
    raise gdb.GdbError("no task has the PID %d" % pid)


def inactive_registers(task):
    """Of a task that is switched out: struct inactive_task_frame."""
    sp = int(task["thread"]["sp"])
    names = ("r15", "r14", "r13", "r12", "rbx", "rbp", "rip")
    regs = dict(zip(names, struct.unpack("<7Q", layout.read(sp, 56))))
    regs["rsp"] = sp + 56
    return regs


class KlTask(gdb.Command):
    """Look at the kernel stack of another task.

kl-task PID: show the task's backtrace, and let bt, frame, up, info locals and
so on work on it: its frames begin above what the thread does now.
When a vCPU runs the task, that thread is selected instead.
kl-task without an argument, or going on with the program, ends that."""

    def __init__(self):
        super().__init__("kl-task", gdb.COMMAND_STACK)

    def invoke(self, arg, from_tty):
        task_unwinder.look_at(None)
        if not arg:
            return
        from kernelet import cpus

        task = find_task(arg)
        cpu = cpus.cpu_of_task(task)
        name = "task %d (%s)" % (int(task["pid"]), task["comm"].string())
        if cpu is not None:
            cpus.cpu_thread(cpu).switch()
            gdb.write("%s runs on CPU %d\n" % (name, cpu))
            gdb.execute("bt")
            return
        task_unwinder.look_at(inactive_registers(task))
        gdb.write("%s is switched out\n" % name)
        first = task_unwinder.level + 1
        gdb.execute("frame %d" % first, to_string=True)
        lines = gdb.execute("bt", to_string=True).splitlines(True)
        gdb.write("".join(lines[first:]))


KlTask()
