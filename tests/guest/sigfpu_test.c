// SPDX-License-Identifier: GPL-2.0-only
/*
 * The FPU state over signals: x87, SSE and AVX registers survive a handler
 * that uses them, the frame shows them, and what the handler writes into the
 * frame is what the program goes on with.
 */
#include <cpuid.h>
#include <immintrin.h>
#include "ktap.h"

#define FP_XSTATE_MAGIC1 0x46505853U
#define FP_XSTATE_MAGIC2 0x46505845U

struct sw_bytes {
	uint32_t magic1, extended_size;
	uint64_t features;
	uint32_t size;
};

static bool have_avx;
static volatile int count;
static unsigned char seen_xmm[16], seen_ymmh[16];
static struct sw_bytes seen_sw;
static uint32_t seen_magic2;
static uint64_t seen_header;
static int aligned = -1;

static struct sw_bytes *sw(ucontext_t *uc)
{
	return (void *)((char *)uc->uc_mcontext.fpregs + 464);
}

/* Offset of the upper halves of the ymm registers in the XSAVE area. */
static unsigned int ymmh_offset(void)
{
	unsigned int a, b, c, d;

	__cpuid_count(0xd, 2, a, b, c, d);
	return b;
}

static void clobber(void)
{
	asm volatile("pcmpeqd %%xmm0, %%xmm0\n movdqa %%xmm0, %%xmm7\n"
		     "movdqa %%xmm0, %%xmm8\n movdqa %%xmm0, %%xmm15\n"
		     "fninit\n fldpi\n fldl2e\n" : : : "memory");
	if (have_avx)
		asm volatile("vcmpps $15, %%ymm0, %%ymm0, %%ymm0\n"
			     "vmovaps %%ymm0, %%ymm7\n vmovaps %%ymm0, %%ymm8\n"
			     "vmovaps %%ymm0, %%ymm15\n vzeroupper\n"
			     : : : "memory");
}

static void clobbers(int sig, siginfo_t *si, void *ctx)
{
	ucontext_t *uc = ctx;
	char *fp = (char *)uc->uc_mcontext.fpregs;

	count++;
	aligned = (uintptr_t)fp % 64;
	memcpy(seen_xmm, fp + 160 + 7 * 16, 16);
	seen_sw = *sw(uc);
	if (seen_sw.magic1 == FP_XSTATE_MAGIC1) {
		memcpy(&seen_magic2, fp + seen_sw.size, 4);
		memcpy(&seen_header, fp + 512, 8);
		if (have_avx)
			memcpy(seen_ymmh, fp + ymmh_offset() + 7 * 16, 16);
	}
	clobber();
}

static void modifies(int sig, siginfo_t *si, void *ctx)
{
	ucontext_t *uc = ctx;
	char *fp = (char *)uc->uc_mcontext.fpregs;

	count++;
	memset(fp + 160 + 7 * 16, 0x77, 16);
	if (have_avx) {
		memset(fp + ymmh_offset() + 7 * 16, 0x88, 16);
		*(uint64_t *)(fp + 512) |= 4;
	}
	/* Round towards zero, all exceptions masked. */
	*(uint32_t *)(fp + 24) = 0x7f80;
	clobber();
}

static void handle(void *fn)
{
	struct sigaction sa = { .sa_sigaction = fn, .sa_flags = SA_SIGINFO };

	sigaction(SIGUSR1, &sa, NULL);
	count = 0;
}

/* Sends SIGUSR1 to itself with @in in ymm7, gives what ymm7 holds then. */
static void round_trip(const unsigned char in[32], unsigned char out[32])
{
	pid_t pid = getpid(), tid = syscall(SYS_gettid);
	long ret = SYS_tgkill;

	if (have_avx)
		asm volatile("vmovdqu %[in], %%ymm7\n syscall\n"
			     "vmovdqu %%ymm7, %[out]\n vzeroupper\n"
			     : "+a"(ret), [out] "=m"(*(char (*)[32])out)
			     : [in] "m"(*(const char (*)[32])in), "D"(pid),
			       "S"(tid), "d"(SIGUSR1)
			     : "rcx", "r11", "xmm7", "memory");
	else
		asm volatile("movdqu %[in], %%xmm7\n syscall\n"
			     "movdqu %%xmm7, %[out]\n"
			     : "+a"(ret), [out] "=m"(*(char (*)[32])out)
			     : [in] "m"(*(const char (*)[32])in), "D"(pid),
			       "S"(tid), "d"(SIGUSR1)
			     : "rcx", "r11", "xmm7", "memory");
}

static void test_kept(void)
{
	unsigned char in[32], out[32];
	size_t n = have_avx ? 32 : 16;
	int bad = 0;

	handle(clobbers);
	for (int i = 0; i < 500; i++) {
		for (int j = 0; j < 32; j++)
			in[j] = i * 3 + j * 5;
		round_trip(in, out);
		bad += memcmp(in, out, n) != 0;
	}
	is(count, 500, "500 handlers that use the registers");
	is(bad, 0, "%s survives each", have_avx ? "ymm7" : "xmm7");
	ok(!memcmp(seen_xmm, in, 16), "the frame shows xmm7");
	is(seen_sw.magic1, FP_XSTATE_MAGIC1, "the frame has an XSAVE area");
	is(seen_magic2, FP_XSTATE_MAGIC2, "which ends with its magic word");
	is(seen_sw.extended_size, seen_sw.size + 4, "and says its size");
	ok((seen_sw.features & 3) == 3, "with x87 and SSE state");
	is(aligned, 0, "the area is aligned to 64 bytes");
	if (have_avx) {
		ok(seen_header & 4, "the header says AVX state is there");
		ok(!memcmp(seen_ymmh, in + 16, 16), "the frame shows ymm7's upper half");
	}
}

static void test_changed(void)
{
	unsigned char in[32] = { 1, 2, 3 }, out[32];
	uint32_t mxcsr, old = _mm_getcsr();
	int bad = 0;

	handle(modifies);
	round_trip(in, out);
	mxcsr = _mm_getcsr();
	_mm_setcsr(old);
	for (int i = 0; i < 16; i++)
		bad += out[i] != 0x77;
	is(bad, 0, "xmm7 as written in the frame is what goes on");
	is(mxcsr, 0x7f80, "MXCSR too");
	for (int i = 16; i < 32 && have_avx; i++)
		bad += out[i] != 0x88;
	if (have_avx)
		is(bad, 0, "the upper half of ymm7 too");
}

static void test_x87(void)
{
	long double r;
	uint16_t cw = 0x0f7f, got = 0;
	long ret = SYS_tgkill;

	handle(clobbers);
	asm volatile("fninit\n fldcw %[cw]\n fld1\n fldpi\n syscall\n"
		     "faddp\n fstpt %[r]\n fnstcw %[got]\n fninit\n"
		     : "+a"(ret), [r] "=m"(r), [got] "=m"(got)
		     : [cw] "m"(cw), "D"(getpid()), "S"(syscall(SYS_gettid)),
		       "d"(SIGUSR1)
		     : "rcx", "r11", "st", "memory");
	ok(r > 4.14159L && r < 4.1416L, "the x87 stack survives");
	is(got, cw, "and its control word");
}

/* A frame with a wrong magic word still restores the legacy registers. */
static void spoils_magic(int sig, siginfo_t *si, void *ctx)
{
	ucontext_t *uc = ctx;

	count++;
	sw(uc)->magic1 = 0;
	memset((char *)uc->uc_mcontext.fpregs + 160 + 7 * 16, 0x55, 16);
}

static void no_fpregs(int sig, siginfo_t *si, void *ctx)
{
	count++;
	((ucontext_t *)ctx)->uc_mcontext.fpregs = NULL;
}

static int bad_fpregs(void)
{
	unsigned char in[32] = { 1 }, out[32];

	handle(no_fpregs);
	round_trip(in, out);
	for (int i = 0; i < 16; i++)
		if (out[i])
			return 2;
	return 1;
}

static void bad_mxcsr(int sig, siginfo_t *si, void *ctx)
{
	*(uint32_t *)((char *)((ucontext_t *)ctx)->uc_mcontext.fpregs + 24) = ~0U;
	count++;
}

static int reserved_mxcsr(void)
{
	unsigned char in[32] = { 1 }, out[32];

	handle(bad_mxcsr);
	round_trip(in, out);
	return 1;
}

static void test_spoilt(void)
{
	unsigned char in[32] = { 9 }, out[32];
	int status, bad = 0;

	handle(spoils_magic);
	round_trip(in, out);
	for (int i = 0; i < 16; i++)
		bad += out[i] != 0x55;
	is(bad, 0, "without the magic word the FXSAVE part is restored");
	is(in_child(bad_fpregs), EXITED(1), "without any the registers are reset");
	status = in_child(reserved_mxcsr);
	ok(status == KILLED(SIGSEGV) || (status & 0x7f) == SIGSEGV,
	   "reserved MXCSR bits in the frame: SIGSEGV");
}

int main(void)
{
	unsigned int a, b, c, d;

	__cpuid(1, a, b, c, d);
	have_avx = (c & bit_AVX) && (c & bit_OSXSAVE);
	test_kept();
	test_changed();
	test_x87();
	test_spoilt();
	return done();
}
