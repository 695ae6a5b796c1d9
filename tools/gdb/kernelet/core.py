# SPDX-License-Identifier: GPL-2.0-only
"""
A guest process written as the core file that its kernel would write.

ELF(5), core(5); notes as in the kernel's fs/binfmt_elf.c, by name and layout.
"""

import struct

import gdb

from kernelet import guest, layout

PT_LOAD, PT_NOTE = 1, 4
NT_PRSTATUS, NT_PRPSINFO, NT_AUXV, NT_FILE = 1, 3, 6, 0x46494c45
VM_READ, VM_WRITE, VM_EXEC = 1, 2, 4

USER_REGS = guest.PT_REGS + ("fs_base", "gs_base", "ds", "es", "fs", "gs")


def note(kind, data):
    pad = -len(data) % 4
    return struct.pack("<III", 5, len(data), kind) + b"CORE\0\0\0\0" + data + bytes(pad)


def prstatus(pid, regs):
    values = [regs.get(name, 0) for name in USER_REGS]
    return note(NT_PRSTATUS, bytes(32) + struct.pack("<iiii", pid, 0, pid, pid) +
                bytes(64) + struct.pack("<27Q", *values) + bytes(8))


def prpsinfo(pid, name):
    return note(NT_PRPSINFO, bytes(16) + struct.pack("<IIiiii", 0, 0, pid, 0, pid, pid) +
                name.encode()[:15].ljust(16, b"\0") + bytes(80))


def auxv(mm):
    return note(NT_AUXV, layout.read(int(mm["saved_auxv"].address),
                                     mm["saved_auxv"].type.sizeof))


def files(vmas):
    """NT_FILE: which files are mapped where."""
    entries, names = b"", b""
    for vma in vmas:
        if int(vma["vm_file"]):
            entries += struct.pack("<QQQ", int(vma["vm_start"]), int(vma["vm_end"]),
                                   int(vma["vm_pgoff"]))
            names += guest.path(vma["vm_file"]).encode() + b"\0"
    count = len(entries) // 24
    return note(NT_FILE, struct.pack("<QQ", count, layout.PAGE_SIZE) + entries + names)


def flags(vma):
    bits = int(vma["vm_flags"])
    return bool(bits & VM_READ) << 2 | bool(bits & VM_WRITE) << 1 | bool(bits & VM_EXEC)


def segments(mm, vmas):
    """(address, flags, bytes) of all memory that is there, in runs of pages."""
    memory = guest.Memory(mm)
    for vma in vmas:
        run = bytearray()
        start = 0
        for addr, data in memory.pages(int(vma["vm_start"]), int(vma["vm_end"])):
            if run and addr != start + len(run):
                yield start, flags(vma), run
                run = bytearray()
            if not run:
                start = addr
            run += data
        if run:
            yield start, flags(vma), run


def write(out, leader, threads):
    """A core file of a process; threads is [(pid, registers)], one shown first."""
    mm = leader["mm"]
    vmas = list(guest.mappings(mm))
    loads = list(segments(mm, vmas))
    notes = prstatus(*threads[0]) + prpsinfo(int(leader["tgid"]), leader["comm"].string())
    notes += auxv(mm) + files(vmas)
    notes += b"".join(prstatus(*thread) for thread in threads[1:])

    offset = 64 + 56 * (1 + len(loads))
    headers = struct.pack("<IIQQQQQQ", PT_NOTE, 0, offset, 0, 0, len(notes), 0, 4)
    offset += len(notes)
    offset += -offset % layout.PAGE_SIZE
    padding = offset - 64 - 56 * (1 + len(loads)) - len(notes)
    for start, bits, data in loads:
        headers += struct.pack("<IIQQQQQQ", PT_LOAD, bits, offset, start, 0, len(data),
                               len(data), layout.PAGE_SIZE)
        offset += len(data)
    ident = b"\x7fELF\2\1\1" + bytes(9)
    out.write(ident + struct.pack("<HHIQQQIHHHHHH", 4, 62, 1, 0, 64, 0, 0, 64, 56,
                                  1 + len(loads), 0, 0, 0))
    out.write(headers + notes + bytes(padding))
    for _, _, data in loads:
        out.write(data)
