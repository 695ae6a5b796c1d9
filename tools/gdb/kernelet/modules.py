# SPDX-License-Identifier: GPL-2.0-only
"""
lx-symbols keeps to the modules that there are, with their init sections.

The stock command stops at do_init_module() to load a module's symbols, which
takes longer than a tick.  So an interrupt is pending when the guest goes on;
gdb lets the signal's handler run before it steps over the breakpoint, which is
then hit once more.  The stock code takes this for the module being loaded again
and loads all symbols, at each hit, without an end.  Here every breakpoint does
its work once: a module stays known till it is freed, and its symbols go then.

The stock command gives gdb the addresses of some sections only, and the others
lie over the first one.  Here they are all given; those that are not in memory
(any more) at addresses that no code can have, where gdb cannot insert a
breakpoint either.  gdb moves the debug information of sections only when none
of them has an address in the file, but scripts/module.lds.S lets .data have
one: then gdb reads a copy of the file without.

A module's text is guest RAM mapped read-only and shared, where the host lets no
debugger insert breakpoints.  Modules that are loaded from now on keep theirs
writable; in others hbreak works, as far as the host has hardware breakpoints.

The stock functions are replaced in the running gdb, not in their files.
"""

import os
import struct

import gdb

from kernelet import user
from linux import symbols

LX_SYMBOLS = symbols.LxSymbols

# Not canonical, and another one for every real address.
NOWHERE = 1 << 60
# What the kernel's loader leaves out of its copy.
LEFT_OUT = (".modinfo", "__versions", ".data..percpu")

symbol_files = {}               # by module name
writable = set()                # struct modules whose text gdb can change
loaded_init = set()             # struct modules whose init sections gdb has


def is_there(module, addr):
    """Whether a module has memory at an address (its init memory goes early)."""
    mem = module["mem"]
    return any(0 <= addr - int(mem[i]["base"]) < int(mem[i]["size"])
               for i in range(mem.type.range()[1] + 1))


def has_init(module):
    return int(module["init"]) and is_there(module, int(module["init"]))


def section_arguments(self, module, module_addr):
    """Of add-symbol-file: where all sections are."""
    if module.type.code == gdb.TYPE_CODE_PTR:
        module = module.dereference()
    try:
        sections = module["sect_attrs"].dereference()
        where = {}
        for i in range(int(sections["nsections"])):
            attr = sections["attrs"][i]
            where[attr["battr"]["attr"]["name"].string()] = int(attr["address"])
    except gdb.error:           # without KALLSYMS
        return stock_section_arguments(self, module, module_addr)

    if int(module.address) not in writable:
        gdb.write("%s was loaded before lx-symbols, its code is read-only: "
                  "use hbreak there, not break\n" % module["name"].string())
    if has_init(module):
        loaded_init.add(int(module.address))
    for name, addr in where.items():
        if not is_there(module, addr):
            where[name] = addr | NOWHERE
    text = where.pop(".text", NOWHERE)
    for i, name in enumerate(LEFT_OUT):
        where.setdefault(name, NOWHERE | text | i)
    return hex(text) + "".join(" -s %s %#x" % each for each in where.items())


def without_addresses(name):
    """A module's file, or a copy of it in which sections have no addresses."""
    with open(name, "rb") as file:
        data = bytearray(file.read())
    start, = struct.unpack_from("<Q", data, 40)         # e_shoff, e_shentsize, e_shnum
    size, count = struct.unpack_from("<HH", data, 58)
    changed = False
    for header in range(start, start + size * count, size):
        if any(data[header + 16:header + 24]):          # sh_addr
            data[header + 16:header + 24] = bytes(8)
            changed = True
    if changed:
        name = os.path.join(user.scratch_dir(), os.path.basename(name))
        with open(name, "wb") as file:
            file.write(data)
    return name


def get_module_file(self, module_name):
    name = stock_get_module_file(self, module_name)
    if name is not None:
        name = symbol_files[module_name] = without_addresses(name)
    return name


def unload_symbols(command, module):
    name = module["name"].string()
    if name in command.loaded_modules:
        command.loaded_modules.remove(name)
        gdb.execute("remove-symbol-file " + symbol_files[name], to_string=True)
    loaded_init.discard(int(module.address))


class Follower(gdb.Breakpoint):
    """A place in the kernel where symbols change; the guest goes on."""

    def __init__(self, spec, work):
        super().__init__(spec, internal=True)
        self.silent = True
        self.work = work

    def stop(self):
        self.work()
        return False


def keep_writable():
    """In module_set_memory(): text becomes executable, and nothing else."""
    if gdb.parse_and_eval("set_memory == set_memory_rox"):
        gdb.execute("set variable set_memory = set_memory_x", to_string=True)
        writable.add(int(gdb.parse_and_eval("mod")))


class LoadModuleBreakpoint(gdb.Breakpoint):
    """Of the stock command: a module is about to start."""

    load = symbols.LoadModuleBreakpoint.stop

    def __init__(self, spec, gdb_command):
        super().__init__(spec, internal=True)
        self.silent = True
        self.gdb_command = gdb_command
        self.known = set()      # struct modules seen here
        self.followers = (
            Follower("kernel/module/strict_rwx.c:module_set_memory", keep_writable),
            Follower("kernel/module/main.c:do_free_init", self.init_freed),
            Follower("kernel/module/main.c:free_module", self.module_freed))

    def stop(self):
        module = gdb.parse_and_eval("mod").dereference()
        if int(module.address) not in self.known:
            self.known.add(int(module.address))
            unload_symbols(self.gdb_command, module)
            self.load()
        return False

    def module_freed(self):
        module = gdb.parse_and_eval("mod").dereference()
        self.known.discard(int(module.address))
        writable.discard(int(module.address))
        unload_symbols(self.gdb_command, module)

    def init_freed(self):
        pointer = gdb.lookup_type("struct module").pointer()
        for address in list(loaded_init):
            module = gdb.Value(address).cast(pointer).dereference()
            if not has_init(module):
                loaded_init.discard(address)
                file = symbol_files[module["name"].string()]
                where = section_arguments(self.gdb_command, module, "0")
                gdb.execute("remove-symbol-file " + file, to_string=True)
                gdb.execute("add-symbol-file %s %s" % (file, where), to_string=True)

    def delete(self):
        for follower in self.followers:
            follower.delete()
        super().delete()


stock_get_module_file = LX_SYMBOLS._get_module_file
LX_SYMBOLS._get_module_file = get_module_file
stock_section_arguments = LX_SYMBOLS._section_arguments
LX_SYMBOLS._section_arguments = section_arguments
symbols.LoadModuleBreakpoint = LoadModuleBreakpoint
