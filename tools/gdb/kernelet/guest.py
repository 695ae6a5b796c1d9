# SPDX-License-Identifier: GPL-2.0-only
"""
A guest process as the kernel knows it: mappings, memory, files, registers.

Memory is read by the guest's page tables and the direct map, so that it is
there whether or not the process's stub has it mapped at the moment.
"""

import struct

import gdb

from kernelet import layout
from linux import utils

# asm/ptrace.h
PT_REGS = ("r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax",
           "rcx", "rdx", "rsi", "rdi", "orig_rax", "rip", "cs", "eflags", "rsp", "ss")

MAPLE_LEAF_64 = 1
MAPLE_ARANGE_64 = 3


def direct(phys, size):
    return layout.read(layout.DIRECT_MAP + phys, size)


# ---- mappings ----------------------------------------------------------------

def is_node(entry):
    """Whether an entry of a maple tree or an XArray is a node."""
    return entry & 3 == 2 and entry > 4096


def maple_entries(entry, first, last):
    """What the leaves below a maple tree's node hold."""
    kind = entry >> 3 & 15
    node = gdb.Value(entry & ~255).cast(gdb.lookup_type("struct maple_node").pointer())
    body = node["ma64" if kind == MAPLE_ARANGE_64 else "mr64"]
    slots = body["slot"].type.range()[1] + 1
    for i in range(slots):
        end = int(body["pivot"][i]) if i < slots - 1 else last
        if end == 0 and i > 0 or end > last:
            end = last
        child = int(body["slot"][i])
        if kind != MAPLE_LEAF_64:
            yield from maple_entries(child, first, end)
        elif child:
            yield child
        if end == last:
            return
        first = end + 1


def mappings(mm):
    """The struct vm_area_struct of an address space, lowest first."""
    vma = gdb.lookup_type("struct vm_area_struct").pointer()
    root = int(mm["mm_mt"]["ma_root"])
    entries = maple_entries(root, 0, (1 << 64) - 1) if is_node(root) else [root]
    for entry in entries:
        if entry:
            yield gdb.Value(entry).cast(vma)


# ---- memory ------------------------------------------------------------------

class Memory:
    """The pages that an address space has, by its page tables."""

    def __init__(self, mm):
        self.pgd = int(mm["pgd"])
        self.tables = {}

    def table(self, addr):
        if addr not in self.tables:
            self.tables[addr] = struct.unpack("<512Q", layout.read(addr, layout.PAGE_SIZE))
        return self.tables[addr]

    def entry(self, addr):
        """(page table entry or 0, how much of memory lies below it)."""
        table = self.pgd
        for shift in (39, 30, 21, 12):
            entry = self.table(table)[addr >> shift & 511]
            if not entry & layout.PTE_PRESENT:
                return 0, 1 << shift
            if shift == 12 or shift == 21 and entry & layout.PTE_LEAF:
                return entry, 1 << shift
            table = layout.DIRECT_MAP + (entry & layout.PFN_MASK)

    def pages(self, start, end):
        """(address, bytes) of the pages in a range that are there."""
        while start < end:
            entry, size = self.entry(start)
            step = min(size - start % size, end - start)
            if entry:
                phys = (entry & layout.PFN_MASK) + start % size
                yield start, direct(phys, step)
            start += step


# ---- files -------------------------------------------------------------------

def path(file):
    """The name of a struct file from its guest's first root."""
    dentry = file["f_path"]["dentry"]
    mount = utils.container_of(file["f_path"]["mnt"],
                               gdb.lookup_type("struct mount").pointer(), "mnt")
    name = ""
    while True:
        parent = dentry["d_parent"]
        if dentry != parent and dentry != mount["mnt"]["mnt_root"]:
            name = "/" + dentry["d_name"]["name"].string() + name
            dentry = parent
        elif mount["mnt_parent"] != mount:
            dentry = mount["mnt_mountpoint"]
            mount = mount["mnt_parent"]
        else:
            return name


def xarray_entries(entry, base):
    """(index, entry) of an XArray."""
    if not is_node(entry):
        if entry:
            yield base, entry
        return
    node = gdb.Value(entry & ~3).cast(gdb.lookup_type("struct xa_node").pointer())
    shift = int(node["shift"])
    for i in range(int(node["slots"].type.range()[1]) + 1):
        child = int(node["slots"][i])
        if child and (shift or not child & 3):
            yield from xarray_entries(child, base + (i << shift))


def file_content(file):
    """What a file holds, or None when not all of it is in the page cache."""
    mapping = file["f_mapping"]
    size = int(mapping["host"]["i_size"])
    page = gdb.lookup_type("struct page")
    base = int(gdb.parse_and_eval("mem_map"))
    folio = gdb.lookup_type("struct folio").pointer()
    content = bytearray(size)
    missing = set(range((size + layout.PAGE_SIZE - 1) // layout.PAGE_SIZE))
    for _, entry in xarray_entries(int(mapping["i_pages"]["xa_head"]), 0):
        if entry & 3:
            continue
        value = gdb.Value(entry).cast(folio)
        order = int(value["_flags_1"]) & 255 if int(value["flags"]) >> head_bit() & 1 else 0
        first = int(value["index"])
        pfn = (entry - base) // page.sizeof
        data = direct(pfn * layout.PAGE_SIZE, layout.PAGE_SIZE << order)
        start = first * layout.PAGE_SIZE
        content[start:start + len(data)] = data
        missing.difference_update(range(first, first + (1 << order)))
    return None if missing else bytes(content[:size])


def head_bit():
    return int(gdb.parse_and_eval("(int)PG_head"))


# ---- registers ---------------------------------------------------------------

def pt_regs(task):
    """Of a task whose guest code does not run: what the kernel has saved."""
    stack = int(task["stack"])
    size = gdb.parse_and_eval("sizeof(init_stack)")
    addr = stack + int(size) - 8 * len(PT_REGS)
    return dict(zip(PT_REGS, struct.unpack("<21Q", layout.read(addr, 168))))


def handoff(task):
    """(stub address of the area, our address of it) of a task's host thread."""
    area = int(task["thread"]["guest"]["area"]) * layout.AREA_SIZE
    return layout.STUB_AREAS + area, layout.CONTROL_AREAS + area


def registers(task):
    """A task's guest registers, or None when it executes guest code just now."""
    regs = pt_regs(task)
    regs["fs_base"] = int(task["thread"]["fsbase"])
    regs["gs_base"] = int(task["thread"]["gsbase"])
    guest = task["thread"]["guest"]
    if not int(guest) or not guest["running"]:
        return regs
    # It has the turn or has just given it up: then its registers lie there.
    stub, ours = handoff(task)
    if layout.read_u32(ours + layout.HANDOFF + layout.HANDOFF_TURN) != layout.TURN_KERNEL:
        return None
    regs.update(layout.parked_registers(stub, ours))
    return regs


def host_thread(task):
    """(process, thread) of the host in which a task runs its guest code."""
    slot = int(task["thread"]["guest"]["stub"]["slot"])
    state = gdb.lookup_type("struct host_state").pointer()
    stub = gdb.Value(layout.HOST_STATE).cast(state)["stub"][slot]
    area = handoff(task)[1]
    return int(stub["pid"]), layout.read_u32(area + layout.HANDOFF + layout.HANDOFF_TID)
