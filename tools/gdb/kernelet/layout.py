# SPDX-License-Identifier: GPL-2.0-only
"""
Numbers that are no part of the debug information, from asm/layout.h,
asm/stub_abi.h and asm/pgtable.h, and reading memory by them.
"""

import struct

import gdb

PAGE_SIZE = 4096

DIRECT_MAP = 0x100000000000
HOST_STATE = 0x380000000000
CONTROL = 0x390000000000

STUB_BASE = 0x7fff00000000
STUB_AREAS = STUB_BASE + 0x10000000
STUB_MAX_STUBS = 32768
STUB_MAX_AREAS = 65536
AREA_SIZE = 0x8000
HANDOFF = AREA_SIZE - PAGE_SIZE
CONTROL_AREAS = CONTROL + STUB_MAX_STUBS * PAGE_SIZE

TURN_KERNEL = 0
HANDOFF_TURN = 0
HANDOFF_EVENT = 16
HANDOFF_TID = 20
HANDOFF_CONTEXT = 24
HANDOFF_REGS = 128

# A rewritten system call, whose registers are in the hand-off page.
EVENT_SYSCALL = 0x100
STUB_REGS_ORDER = ("r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax",
                   "rcx", "rdx", "rsi", "rdi", "rip", "eflags", "rsp")

# The host's ucontext: general registers, then the address of the XSAVE area.
CONTEXT_REGS = 40
CONTEXT_FPSTATE = 224
CONTEXT_SIZE = 304
CONTEXT_ORDER = ("r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rdi", "rsi",
                 "rbp", "rbx", "rdx", "rax", "rcx", "rsp", "rip")

PTE_PRESENT = 1 | 1 << 8
PTE_LEAF = 1 << 6
PFN_MASK = 0x000ffffffffff000


def read(addr, size):
    """Bytes of the selected inferior's memory."""
    return gdb.selected_inferior().read_memory(addr, size).tobytes()


def read_u32(addr):
    return struct.unpack("<I", read(addr, 4))[0]


def read_u64(addr):
    return struct.unpack("<Q", read(addr, 8))[0]


def read_context(addr):
    """General registers of a host signal frame's ucontext, by gdb's names."""
    values = struct.unpack("<17Q", read(addr + CONTEXT_REGS, 17 * 8))
    regs = dict(zip(CONTEXT_ORDER, values))
    regs["eflags"] = read_u64(addr + CONTEXT_REGS + 17 * 8) & 0xffffffff
    return regs


def parked_registers(area, mapped):
    """
    General registers of the guest code that a parked stub thread runs.

    The thread's area is at one address in the stub and mapped at another in the
    inferior; all of it is the guest's to forge.
    """
    handoff = mapped + HANDOFF
    if read_u32(handoff + HANDOFF_EVENT) == EVENT_SYSCALL:
        values = struct.unpack("<18Q", read(handoff + HANDOFF_REGS, 18 * 8))
        return dict(zip(STUB_REGS_ORDER, values))
    context = read_u64(handoff + HANDOFF_CONTEXT)
    if not area <= context <= area + HANDOFF - CONTEXT_SIZE:
        raise gdb.GdbError("the registers of the guest thread are lost")
    return read_context(context - area + mapped)
