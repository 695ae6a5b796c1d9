# SPDX-License-Identifier: GPL-2.0-only
#
# kernelet: a stock Linux tree built as an ordinary host process (ARCH=user).
# "make help" lists what there is to make.
#
# How a build goes, all below build/:
#
#   linux-source-6.12/  the package's tree, as it is (or LINUX=DIR, read only)
#   tree/               links to it, and the port as arch/user: kbuild's srctree
#   root.list           the built-in root: init, BusyBox and its applets
#   obj/                kbuild's O=: .config, objects, vmlinux, System.map
#   vmlinux             the same file as obj/vmlinux
#   vmlinux-gdb.py      what gdb loads with it: a link to tools/gdb
#
# Two stages: what can be checked without making anything is checked while this
# file is read, so that a mistake costs the user one line and nothing else.

# ---- settings ----------------------------------------------------------------

SUPPORTED := 6.12
PACKAGE   := linux-source-6.12

TOP  := $(CURDIR)
B    := build
OBJ  := $(B)/obj
TREE := $(B)/tree

ifneq ($(words $(TOP)),1)
$(error kernelet: the path of this directory holds a blank: $(TOP))
endif

# The words of the command line before anything is added: -s and V=1.
SILENT := $(findstring s,$(filter-out --%,$(firstword -$(MAKEFLAGS))))
Q      := $(if $(filter 1 2,$(V)),,@)
say     = @$(if $(SILENT),:,printf '  %-7s %s\n' $(1) $(2))

# As many jobs as CPUs, unless -j says otherwise; kbuild inherits them.
JOBS ?= $(shell nproc)
MAKEFLAGS += -j$(JOBS) --no-print-directory
.SUFFIXES:
.DELETE_ON_ERROR:
.NOTPARALLEL:			# the steps here; kbuild runs its own in parallel

# scripts/Makefile.clang knows the stock architectures only (LLVM=1).
export CLANG_TARGET_FLAGS_user := x86_64-linux-gnu

HOSTCC ?= $(if $(LLVM),clang$(filter -%,$(LLVM)),gcc)
TOOL_CFLAGS := -O2 -std=gnu11 -Wall -Wextra -Werror

CONFIG    := $(OBJ)/.config
DEFCONFIG := arch-user/configs/defconfig
KCONFIGS  := $(wildcard Kconfig arch-user/Kconfig* drivers/Kconfig hostfs/Kconfig)
KBUILD     = $(MAKE) -C $(TREE) O=$(TOP)/$(OBJ) ARCH=user

CONFIG_GOALS := config menuconfig nconfig xconfig gconfig oldconfig \
		olddefconfig listnewconfig localmodconfig localyesconfig
KBUILD_GOALS := modules modules_install headers_install
FREE_GOALS   := help deps clean distclean		# need no tools, no tree

.PHONY: all control debug run install gdb test soak bench lint check-stock kbuild tree defconfig \
	savedefconfig $(CONFIG_GOALS) $(KBUILD_GOALS) $(FREE_GOALS)

all:

# ---- what has to be installed ------------------------------------------------

DEPS_BUILD := gcc libc6-dev binutils make flex bison bc perl xz-utils rsync \
	      busybox-static libcap-dev libfuse3-dev libvdeplug-dev pkg-config kmod $(PACKAGE)
DEPS_TEST  := cryptsetup-bin e2fsprogs ethtool fuse3 groff-base fakechroot fakeroot fio gdb iperf3 \
	      iproute2 iputils-ping libvdeplug-slirp mmdebstrap qemu-utils socat tcpdump \
	      vde-switch vdeplug

# command:package
NEEDS := ld:binutils readelf:binutils flex:flex bison:bison bc:bc perl:perl \
	 tar:tar xz:xz-utils pkg-config:pkg-config
ifdef LLVM
NEEDS += clang$(filter -%,$(LLVM)):clang ld.lld$(filter -%,$(LLVM)):lld \
	 llvm-ar$(filter -%,$(LLVM)):llvm
else
NEEDS += gcc:gcc
endif

GOALS := $(filter-out $(FREE_GOALS),$(or $(MAKECMDGOALS),all))
ifneq ($(GOALS),)

ifneq ($(shell uname -m),x86_64)
$(error kernelet: the host has to be x86-64, this one is $(shell uname -m))
endif

missing := $(shell for n in $(NEEDS); do \
	command -v $${n%%:*} >/dev/null || echo $$n; done)
# gcc names a library by its bare name when it does not find it.
ifeq ($(shell command -v gcc >/dev/null && gcc -print-file-name=libc.a),libc.a)
missing += libc.a:libc6-dev
endif
missing += $(shell for l in fuse3:libfuse3-dev libcap:libcap-dev; do \
	! command -v pkg-config >/dev/null || pkg-config --exists $${l%%:*} || echo $$l; done)
# It has no .pc file.
ifeq ($(shell command -v gcc >/dev/null && ! gcc -print-file-name=libvdeplug.so | grep -q / && echo no),no)
missing += libvdeplug:libvdeplug-dev
endif
ifneq ($(missing),)
$(error kernelet: missing: $(foreach m,$(missing),$(firstword $(subst :, ,$m))); \
run "make deps", or as root: apt-get install $(sort $(foreach m,$(missing),$(lastword $(subst :, ,$m)))))
endif

# A first build takes about 2 GB for the tree and 1 GB for the objects.
ifeq ($(wildcard $(B)/vmlinux),)
space_wanted := $(if $(or $(LINUX),$(wildcard $(B)/$(PACKAGE).stamp)),1000,3000)
space := $(shell df -Pm . | awk 'NR == 2 { print $$4 }')
ifeq ($(shell test $(space) -ge $(space_wanted) && echo enough),)
$(error kernelet: $(TOP) has $(space) MB free, the build takes $(space_wanted) MB)
endif
endif

endif # GOALS

# ---- the Linux tree ----------------------------------------------------------

ifdef LINUX

SRC := $(realpath $(LINUX))
SRC_READY :=
ifneq ($(GOALS),)
version := $(shell sed -n -e '/^VERSION = /{s///;h}' \
	-e '/^PATCHLEVEL = /{s///;H;g;s/\n/./p;q}' '$(LINUX)/Makefile' 2>/dev/null)
ifeq ($(version),)
$(error kernelet: LINUX=$(LINUX) is not a Linux source tree)
endif
ifeq ($(filter $(version),$(SUPPORTED)),)
$(error kernelet: LINUX=$(LINUX) is Linux $(version), supported is $(SUPPORTED))
endif
endif

else

SRC := $(B)/$(PACKAGE)
SRC_READY := $(SRC).stamp
TARBALL := $(or $(wildcard /usr/src/$(PACKAGE).tar.xz),$(B)/dl/$(PACKAGE).tar.xz)

# The stamp has the tarball's age, so that a newer package is unpacked anew
# although it was built before the old one was unpacked.
$(SRC_READY): $(TARBALL)
	$(call say,UNPACK,$<)
	$(Q)rm -rf $@ $(B)/unpack && mkdir -p $(B)/unpack
	$(Q)tar -C $(B)/unpack --no-same-owner -xf $<
	$(Q)[ ! -e $(SRC) ] || mv $(SRC) $(B)/unpack/old
	$(Q)mv $(B)/unpack/$(PACKAGE) $(SRC) && touch -r $< $@
	$(Q)rm -rf $(B)/unpack

endif

# Fetches package $(1) as an ordinary user and unpacks it in build/dl/$(1).
define fetch
rm -rf $(B)/dl/$(1) && mkdir -p $(B)/dl/$(1) && cd $(B)/dl/$(1) && \
apt-get -qq -o APT::Sandbox::User= download $(1) 2>log && \
dpkg-deb -x $(1)_*.deb . 2>>log || { \
	echo 'kernelet: cannot fetch $(1), see $(B)/dl/$(1)/log;' \
	     'as root: apt-get update && apt-get install $(1)' >&2; exit 2; }
endef

$(B)/dl/$(PACKAGE).tar.xz:
	$(call say,FETCH,$(PACKAGE))
	$(Q)( $(call fetch,$(PACKAGE)) )
	$(Q)mv $(B)/dl/$(PACKAGE)/usr/src/$(PACKAGE).tar.xz $@ && \
		rm -rf $(B)/dl/$(PACKAGE)

$(B)/mkfarm: $(wildcard tools/farm/*.c tools/farm/*.h)
	$(call say,HOSTCC,$(@F))
	$(Q)mkdir -p $(B)
	$(Q)$(HOSTCC) $(TOOL_CFLAGS) -o $@ $(filter %.c,$^)

# Always run: it finds new and vanished files in a fraction of a second.
tree: $(B)/mkfarm $(SRC_READY)
	$(Q)$< $(SRC) $(TREE) $(OBJ) $(TOP)

# ---- the built-in root -------------------------------------------------------

$(B)/init: $(wildcard tools/init/*.[ch]) tools/session_abi.h tools/files_abi.h
	$(call say,HOSTCC,$(@F))
	$(Q)mkdir -p $(B)
	$(Q)$(HOSTCC) $(TOOL_CFLAGS) -Os -static -s -o $@ $(filter %.c,$^)

# The package busybox (without -static) has the same path, but is dynamic.
$(B)/busybox:
	$(Q)mkdir -p $(B)
	$(Q)have=$$(command -v busybox) && \
	! readelf -l "$$have" | grep -q INTERP && cp -L "$$have" $@ || { \
		( $(call fetch,busybox-static) ) && \
		cp $(B)/dl/busybox-static/bin/busybox $@ && \
		rm -rf $(B)/dl/busybox-static; }

$(B)/root.list: tools/root.list Makefile | $(B)/busybox $(B)/init
	$(Q){ sed 's|@TOP@|$(TOP)|' $<; $(B)/busybox --list-full | sed \
		-e '/^linuxrc$$/d; /^bin\/busybox$$/d; /^sbin\/init$$/d' \
		-e 's|.*|slink /& /bin/busybox 777 0 0|'; } >$@

# ---- programs of the host ----------------------------------------------------

FUSE_FLAGS = $(shell pkg-config --cflags --libs fuse3 libcap)

$(B)/kernelet-hostfs: $(wildcard hostfs/server/*.c hostfs/server/*.h) hostfs/abi.h
	$(call say,HOSTCC,$(@F))
	$(Q)mkdir -p $(B)
	$(Q)$(HOSTCC) $(TOOL_CFLAGS) -D_GNU_SOURCE -pthread -o $@ $(filter %.c,$^) $(FUSE_FLAGS)
# ---- the launcher ------------------------------------------------------------

$(B)/kernelet: $(wildcard tools/launcher/*.[ch]) $(wildcard tools/*_abi.h) drivers/cow_format.h Makefile
	$(call say,HOSTCC,$(@F))
	$(Q)mkdir -p $(B)
	$(Q)$(HOSTCC) $(TOOL_CFLAGS) -o $@ $(filter %.c,$^) $(FUSE_FLAGS)

# ---- what stands between a guest's network and the host's -----------------------

$(B)/kernelet-net: $(wildcard tools/net/*.[ch])
	$(call say,HOSTCC,$(@F))
	$(Q)mkdir -p $(B)
	$(Q)$(HOSTCC) $(TOOL_CFLAGS) -Wno-missing-field-initializers -o $@ $(filter %.c,$^) \
		-lvdeplug -lcap

# ---- configuration -----------------------------------------------------------

# .config.made is a copy of what "make" itself last put into .config: as long as
# both are the same, nobody has changed anything and a newer defconfig is taken.
define take_defconfig
$(KBUILD) defconfig && touch $(CONFIG) && cp $(CONFIG) $(CONFIG).made
endef

keeping := kernelet: $(DEFCONFIG) is newer than your own configuration, \
	   which stays; 'make defconfig' replaces it

$(CONFIG): $(DEFCONFIG) $(KCONFIGS) | tree
	$(Q)+if [ ! -e $@ ] || cmp -s $@ $@.made; then \
		$(take_defconfig); \
	else \
		$(if $(filter $(DEFCONFIG),$?),echo "$(keeping)";) touch $@; \
	fi

defconfig: tree
	$(Q)+$(take_defconfig)

$(CONFIG_GOALS): $(CONFIG)
	$(Q)+$(KBUILD) $@

savedefconfig: $(CONFIG)
	$(Q)+$(KBUILD) $@
	$(Q)cp $(OBJ)/defconfig $(DEFCONFIG)
	$(Q)cp $(CONFIG) $(CONFIG).made && touch $(CONFIG)

# ---- building ----------------------------------------------------------------

# build/modules/RELEASE is what kernelet shows its guests on /lib/modules.
define install_modules
rm -rf $(B)/modules $(B)/modules.new && \
$(KBUILD) modules_install INSTALL_MOD_PATH=$(TOP)/$(B)/modules.new && \
rm -f $(B)/modules.new/lib/modules/*/build $(B)/modules.new/lib/modules/*/source && \
mv $(B)/modules.new/lib/modules $(B)/modules && touch $(B)/modules && \
rm -rf $(B)/modules.new
endef

# kbuild itself rewrites .config when the compiler or a stock Kconfig file has
# changed; that does not make it the user's.
all: $(B)/kernelet $(CONFIG) $(B)/root.list $(B)/busybox $(B)/init $(B)/kernelet-hostfs $(B)/kernelet-net
	$(Q)+made=$$(cmp -s $(CONFIG) $(CONFIG).made && echo 1); \
	$(KBUILD) all && \
	if [ "$$made" ]; then cp -p $(CONFIG) $(CONFIG).made; fi
	$(Q)ln -f $(OBJ)/vmlinux $(B)/vmlinux
	$(Q)+[ $(B)/modules -nt $(OBJ)/modules.order ] || { $(install_modules); }
	$(Q)ln -sfn ../tools/gdb/vmlinux-gdb.py $(B)/vmlinux-gdb.py

$(KBUILD_GOALS): $(CONFIG) $(B)/root.list
	$(Q)+$(KBUILD) $@

kbuild: $(CONFIG) $(B)/root.list
	$(Q)+$(KBUILD) $(T)

# A second kernel, whose defences can be turned off one by one: the attack tests'
# control. It starts from a copy of the first one's objects, so that only what
# knows of the option is compiled again.
CONTROL := $(B)/control

control: all
	$(Q)[ -e $(CONTROL)/obj ] || { rm -rf $(CONTROL) && mkdir $(CONTROL) && \
		cp -a --reflink=auto $(OBJ) $(CONTROL)/copy && \
		mv $(CONTROL)/copy $(CONTROL)/obj; }
	$(Q)ln -sfn ../root.list $(CONTROL)/root.list
	$(Q)sed '/KERNELET_ATTACK_CONTROL/d' $(CONFIG) >$(CONTROL)/config
	$(Q)echo CONFIG_KERNELET_ATTACK_CONTROL=y >>$(CONTROL)/config
	$(Q)cmp -s $(CONTROL)/config $(CONTROL)/config.made || { \
		cp $(CONTROL)/config $(CONTROL)/obj/.config && \
		cp $(CONTROL)/config $(CONTROL)/config.made; }
	$(Q)+$(MAKE) -C $(TREE) O=$(TOP)/$(CONTROL)/obj ARCH=user olddefconfig vmlinux
	$(Q)ln -f $(CONTROL)/obj/vmlinux $(CONTROL)/vmlinux

# A third one, which looks for mistakes: lockdep and the like.
DEBUG := $(B)/debug

debug: $(CONFIG) $(B)/root.list $(B)/busybox $(B)/init
	$(Q)mkdir -p $(DEBUG)/obj && ln -sfn ../root.list $(DEBUG)/root.list
	$(Q)cat $(CONFIG) arch-user/configs/debugging.config >$(DEBUG)/config
	$(Q)cmp -s $(DEBUG)/config $(DEBUG)/config.made || { \
		cp $(DEBUG)/config $(DEBUG)/obj/.config && \
		cp $(DEBUG)/config $(DEBUG)/config.made; }
	$(Q)+$(MAKE) -C $(TREE) O=$(TOP)/$(DEBUG)/obj ARCH=user olddefconfig all
	$(Q)ln -f $(DEBUG)/obj/vmlinux $(DEBUG)/vmlinux

# ---- using -------------------------------------------------------------------

run: all
	@exec ./$(B)/kernelet run $(ARGS)

# All that is needed at run time; the command finds the rest from where it lies.
PREFIX ?= /usr/local
LIBEXEC = $(DESTDIR)$(PREFIX)/libexec/kernelet

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(LIBEXEC) $(DESTDIR)$(PREFIX)/share/man/man1 \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions
	install $(B)/kernelet $(DESTDIR)$(PREFIX)/bin/
	install $(B)/vmlinux $(B)/kernelet-hostfs $(B)/kernelet-net $(LIBEXEC)/
	rm -rf $(LIBEXEC)/modules && cp -r $(B)/modules $(LIBEXEC)/
	$(B)/kernelet manual >$(DESTDIR)$(PREFIX)/share/man/man1/kernelet.1
	$(B)/kernelet completion bash \
		>$(DESTDIR)$(PREFIX)/share/bash-completion/completions/kernelet

gdb: all
	@exec gdb -q -iex 'add-auto-load-safe-path $(TOP)/$(B)' --args \
		./$(B)/vmlinux mem=512M con0=fd:0,fd:1 quiet $(if $(TERM),TERM=$(TERM)) $(ARGS)

test: control
	@$(MAKE) -C tests test

# An hour of load on four vCPUs, most of it chosen by SOAK_SECONDS.
soak: all
	@$(MAKE) -C tests soak

bench: all
	@$(MAKE) -C tests/bench run

# ---- checking ----------------------------------------------------------------

KERNEL_DIRS  := arch-user drivers $(filter-out hostfs/abi.h,$(wildcard hostfs/*.[ch]))
PROGRAM_DIRS := hostfs/abi.h hostfs/server tools tests
c_files       = $(shell find $(1) -name '*.[chS]' 2>/dev/null)
SCRIPTS       = $(shell grep -rlE '^\#!.*[/ ](ba|da)?sh( |$$)' \
		.ci $(KERNEL_DIRS) $(PROGRAM_DIRS) 2>/dev/null)

# Rules of kernel code that mean nothing in a program: there is no compiler.h,
# u32 and strscpy(); _Atomic is no CamelCase, volatile has its uses with signals,
# execv() takes char *const[], a test may well expect ENOSYS, and libfuse wants errors
# above 0.
PROGRAM_IGNORE := PREFER_DEFINED_ATTRIBUTE_MACRO,PREFER_KERNEL_TYPES,BIT_MACRO
PROGRAM_IGNORE := $(PROGRAM_IGNORE),STRCPY,NAKED_SSCANF,CAMELCASE,VOLATILE
PROGRAM_IGNORE := $(PROGRAM_IGNORE),STATIC_CONST_CHAR_ARRAY,ENOSYS,FUNCTION_ARGUMENTS
PROGRAM_IGNORE := $(PROGRAM_IGNORE),USE_NEGATIVE_ERRNO,EMBEDDED_FUNCTION_NAME
PROGRAM_IGNORE := $(PROGRAM_IGNORE),USE_NEGATIVE_ERRNO,EMBEDDED_FUNCTION_NAME

# checkpatch.pl reads .checkpatch.conf; cppcheck and shellcheck only if there.
lint: $(SRC_READY)
	@$(SRC)/scripts/checkpatch.pl -f $(call c_files,$(KERNEL_DIRS))
	@$(SRC)/scripts/checkpatch.pl --ignore $(PROGRAM_IGNORE) \
		-f $(call c_files,$(PROGRAM_DIRS))
	@if command -v shellcheck >/dev/null; then shellcheck $(SCRIPTS); \
	else echo 'no shellcheck here: scripts not checked'; fi
	@if command -v cppcheck >/dev/null; then cppcheck --quiet \
		--error-exitcode=1 --enable=warning,portability \
		--inline-suppr --suppress=missingIncludeSystem tools; \
	else echo 'no cppcheck here: tools not checked'; fi

# No stock file differs from the package's, none is missing, none was added, and
# nothing that was built saw a file of User Mode Linux.
check-stock: $(SRC_READY)
ifdef LINUX
	$(error kernelet: check-stock compares with the package: not with LINUX=)
else
	@export LC_ALL=C; ( tar -C $(B) -df $(TARBALL) 2>&1 | \
		grep -vE ': (Uid|Gid|Mode|Mod time) differs$$'; \
	tar -tf $(TARBALL) | sed 's|/$$||' | sort >$(B)/package.files; \
	cd $(B) && find $(PACKAGE) | sort | comm -13 package.files - | \
		sed 's|$$|: not in the package|'; \
	[ ! -d obj ] || find obj -name '.*.cmd' -exec grep -lE 'arch/(x86/)?um/' {} + | \
		sed 's|$$|: names arch/um|' ) >$(B)/check-stock.log; \
	rm $(B)/package.files; \
	if [ -s $(B)/check-stock.log ]; then cat $(B)/check-stock.log; exit 1; fi
	@echo 'check-stock: the tree is the package'\''s, nothing of arch/um is used'
endif

# ---- installing, cleaning, helping -------------------------------------------

deps:
	@missing=$$(for p in $(DEPS_BUILD) $(DEPS_TEST); do \
		dpkg-query -W -f='$${db:Status-Status}' $$p 2>/dev/null | \
		grep -qx installed || echo $$p; done); \
	if [ -z "$$missing" ]; then echo 'all packages are installed'; exit; fi; \
	as=; [ "$$(id -u)" = 0 ] || as='sudo -n'; \
	if $$as true 2>/dev/null; then \
		$$as apt-get update && \
		$$as env DEBIAN_FRONTEND=noninteractive apt-get install -y \
			--no-install-recommends $$missing; \
	else \
		echo "kernelet: run as root: apt-get install" $$missing >&2; \
		exit 2; \
	fi

clean:
	rm -rf $(TREE) $(TREE).stamp $(B)/vmlinux $(B)/tests $(B)/bench
	[ ! -d $(OBJ) ] || find $(OBJ) -mindepth 1 -maxdepth 1 \
		! -name '.config*' -exec rm -rf {} +

distclean:
	rm -rf $(B)

define HELP
  make               build build/vmlinux (and fetch and unpack Linux, if need be)
  make control       also build build/control/vmlinux, for the attack tests
  make debug         build build/debug/vmlinux, with lockdep and the like
  make run           build it and boot it to a shell; ARGS='--cpus=2 -- ls /'
  make install PREFIX=DIR
                     the command kernelet, its kernel, manual page and completion
  make gdb           the kernel in gdb; ARGS='ncpus=2 -- ls /'
  make test          build it and run all tests (T=boot.t: one)
  make soak          an hour of stress and torture (SOAK_SECONDS=3600)
  make bench         build it and run the benchmarks
  make deps          install the Debian packages that building and testing need

  make LINUX=DIR     take the Linux $(SUPPORTED).x tree in DIR, which is only read
  make LLVM=1        build with clang and lld
  make V=1           show the commands
  make menuconfig    change the configuration (also nconfig, oldconfig, ...)
  make defconfig     back to $(DEFCONFIG)
  make savedefconfig write the configuration to $(DEFCONFIG)
  make modules, modules_install, headers_install
                     as in the kernel's own Makefile
  make kbuild T=...  any other target of the kernel's own Makefile

  make lint          checkpatch, shellcheck, cppcheck on kernelet's own files
  make check-stock   show that no file of Linux was changed
  make clean         remove what was built but for the configuration
  make distclean     remove build/
endef

help:
	@$(info $(HELP)):
