# SPDX-License-Identifier: GPL-2.0-only
"""
kl-user: a guest process as an inferior of its own.

It is a core file of the moment, made from the guest kernel's tables: registers
of all threads, all memory that is there, the executable and its libraries from
the guest's page cache.  So it does not matter how guest code is intercepted,
nor what the stub has mapped.  A thread that executes guest code just now keeps
its registers to itself: gdb attaches to it in the host for as long as it takes
to read them.
"""

import atexit
import os
import shutil
import tempfile

import gdb

from kernelet import core, guest, layout, stacks

scratch = None


def scratch_dir():
    """A private directory; gone when gdb ends."""
    global scratch
    if scratch is None:
        scratch = tempfile.mkdtemp(prefix="kernelet-gdb-")
        atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    return tempfile.mkdtemp(dir=scratch)


def threads_of(task):
    from linux import lists

    pointer = gdb.lookup_type("struct task_struct").pointer()
    return list(lists.list_for_each_entry(task["signal"]["thread_head"], pointer,
                                          "thread_node"))


# ---- files of the guest ------------------------------------------------------

def copy_file(file, root):
    """A guest file below root at its own path; None when it is not all cached."""
    content = guest.file_content(file)
    if content is None:
        return None
    name = os.path.join(root, guest.path(file).lstrip("/"))
    os.makedirs(os.path.dirname(name), exist_ok=True)
    with open(name, "wb") as out:
        out.write(content)
    return name


def copy_files(mm, root, given):
    """The executable and what else is mapped as code; the executable's name."""
    exe = mm["exe_file"]
    done = {int(exe)}
    name = given or copy_file(exe, root)
    if name is None:
        gdb.write("not all of {0} is in the guest's page cache: no symbols; "
                  "give the file, kl-user PID FILE\n".format(guest.path(exe)))
    for vma in guest.mappings(mm):
        file = vma["vm_file"]
        if not int(file) or int(file) in done or not int(vma["vm_flags"]) & core.VM_EXEC:
            continue
        done.add(int(file))
        if file["f_mapping"] != exe["f_mapping"] and copy_file(file, root) is None:
            gdb.write("not all of {0} is in the guest's page cache: no symbols of it\n"
                      .format(guest.path(file)))
    return name


# ---- a thread that runs ------------------------------------------------------

NAMES = guest.PT_REGS + ("fs_base", "gs_base")


def attached_registers(inferior, pid, tid):
    """Registers of guest code that a host thread executes just now."""
    with open("/proc/%d/status" % tid) as status:
        if "Tgid:\t%d\n" % pid not in status.read():
            raise gdb.GdbError("the host thread of the guest thread is not known")
    gdb.execute("inferior %d" % inferior.num, to_string=True)
    # The stub's executable is vmlinux; keep that of the guest program.
    mismatch = gdb.parameter("exec-file-mismatch")
    gdb.execute("set exec-file-mismatch off")
    try:
        gdb.execute("attach %d" % tid, to_string=True)
    finally:
        gdb.execute("set exec-file-mismatch " + mismatch)
    try:
        frame = gdb.newest_frame()
        pc = int(frame.read_register("rip"))
        if pc >= layout.STUB_BASE:
            frame = frame.older()       # by the unwinder for stubs
        regs = {}
        for name in NAMES:
            if name == "orig_rax":
                regs[name] = (1 << 64) - 1
                continue
            try:
                regs[name] = int(frame.read_register(name)) & (1 << 64) - 1
            except gdb.error:           # a frame in the stub has the general ones
                pass
        if regs.get("gs_base", 0) >= layout.STUB_BASE:
            regs["gs_base"] = 0         # the stub's own
        return regs
    finally:
        gdb.execute("detach", to_string=True)


def registers(task, kernel, inferior):
    regs = guest.registers(task)
    if regs is not None:
        return regs
    pid, tid = guest.host_thread(task)
    regs = {"fs_base": int(task["thread"]["fsbase"]),
            "gs_base": int(task["thread"]["gsbase"])}
    try:
        regs.update(attached_registers(inferior, pid, tid))
    finally:
        gdb.execute("inferior %d" % kernel.num, to_string=True)
    return regs


class KlUser(gdb.Command):
    """Look at a process of the guest.

kl-user PID [FILE]: make another inferior of it, as of now, and select that:
registers of all its threads, memory, symbols.  FILE is its executable, which is
otherwise taken from the guest's page cache.  "inferior 1" goes back to the
kernel; kl-user can be used again later for a newer view."""

    def __init__(self):
        super().__init__("kl-user", gdb.COMMAND_STACK)

    def invoke(self, arg, from_tty):
        words = gdb.string_to_argv(arg)
        if not 1 <= len(words) <= 2:
            raise gdb.GdbError("usage: kl-user PID [FILE]")
        kernel = gdb.selected_inferior()
        thread = gdb.selected_thread()
        task = stacks.find_task(words[0])
        if not int(task["mm"]) or int(task["flags"]) & 0x00200000:     # PF_KTHREAD
            raise gdb.GdbError("%s is a kernel thread: kl-task shows its stack"
                               % task["comm"].string())
        where = scratch_dir()
        name = copy_files(task["mm"], where, words[1] if len(words) > 1 else None)
        gdb.execute("add-inferior -no-connection", to_string=True)
        inferior = max(gdb.inferiors(), key=lambda each: each.num)
        try:
            self.look(task, kernel, thread, inferior, where, name)
        except Exception:
            gdb.execute("inferior %d" % kernel.num, to_string=True)
            thread.switch()
            raise

    def look(self, task, kernel, thread, inferior, where, name):
        if name is not None:
            gdb.execute("inferior %d" % inferior.num, to_string=True)
            gdb.execute("file " + name, to_string=True)
            gdb.execute("inferior %d" % kernel.num, to_string=True)
            thread.switch()
        tasks = threads_of(task)
        tasks.sort(key=lambda each: each != task)       # the one asked for first
        known = [(int(each["pid"]), registers(each, kernel, inferior)) for each in tasks]
        core_name = os.path.join(where, "core.%d" % known[0][0])
        title = "process %d (%s)" % (int(task["tgid"]), task["comm"].string())
        with open(core_name, "wb") as out:
            core.write(out, task, known)
        gdb.execute("inferior %d" % inferior.num, to_string=True)
        gdb.execute("set sysroot " + where, to_string=True)
        gdb.execute("core-file " + core_name, to_string=True)
        gdb.write("inferior %d is guest %s; inferior %d is the kernel\n"
                  % (inferior.num, title, kernel.num))
        gdb.execute("frame")


KlUser()
