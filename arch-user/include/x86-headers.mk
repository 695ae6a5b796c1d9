# SPDX-License-Identifier: GPL-2.0-only
#
# Headers of arch/x86 used unchanged: instruction set, not machine.

x86-asm-headers := asm.h atomic.h atomic64_64.h barrier.h bitops.h cmpxchg.h \
	cmpxchg_64.h current.h extable_fixup_types.h local.h nops.h \
	rmwcc.h GEN-for-each-reg.h

x86-uapi-headers := bitsperlong.h byteorder.h mman.h msgbuf.h posix_types.h \
	posix_types_64.h ptrace-abi.h ptrace.h sembuf.h shmbuf.h sigcontext.h \
	siginfo.h signal.h stat.h statfs.h swab.h ucontext.h unistd.h \
	setup.h setup_data.h prctl.h hwcap2.h processor-flags.h
