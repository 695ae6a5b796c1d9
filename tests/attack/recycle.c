// SPDX-License-Identifier: GPL-2.0-only
/*
 * A stub is used again for the next program: what can the last one leave in it?
 */
#include <elf.h>
#include <setjmp.h>
#include "attack.h"

#define PATTERN		0x6b65726e656c6574UL

/* --- memory ------------------------------------------------------------------------ */

static void leave_pattern(void)
{
	unsigned long area = own_area();
	volatile unsigned long *p;

	for (p = (void *)area; (unsigned long)p < area + 0x4000; p++)
		*p = PATTERN;
	for (p = (void *)(area + STUB_HANDOFF + 1024); (unsigned long)p < area + STUB_AREA_SIZE; p++)
		*p = PATTERN;
}

static void look_for_pattern(void)
{
	unsigned long area = own_area(), run = 0;
	volatile unsigned long *p;

	for (p = (void *)area; (unsigned long)p < area + STUB_AREA_SIZE; p++) {
		run = *p == PATTERN ? run + 1 : 0;
		if (run == 8)
			_exit(3);
	}
}

bool attack_leftovers(void)
{
	int found = 0;

	for (int i = 0; i < 8; i++) {
		child_status(leave_pattern, 1000);
		for (int j = 0; j < 3; j++)
			found += child_status(look_for_pattern, 1000) == EXITED(3);
	}
	printf("# found %d times\n", found);
	return !found;
}

/* --- registers ------------------------------------------------------------------------ */

/* A program that ends with 0 when it finds nothing in its registers, else 3. */
extern const char fresh[], fresh_end[];
asm("	.section .rodata\n"
    "fresh:\n"
    "	or	%rbx, %rax\n"
    "	or	%rcx, %rax\n"
    "	or	%rdx, %rax\n"
    "	or	%rsi, %rax\n"
    "	or	%rdi, %rax\n"
    "	or	%rbp, %rax\n"
    "	or	%r8, %rax\n"
    "	or	%r9, %rax\n"
    "	or	%r10, %rax\n"
    "	or	%r12, %rax\n"
    "	or	%r13, %rax\n"
    "	or	%r14, %rax\n"
    "	or	%r15, %rax\n"
    "	por	%xmm1, %xmm0\n"
    "	por	%xmm2, %xmm0\n"
    "	por	%xmm3, %xmm0\n"
    "	por	%xmm4, %xmm0\n"
    "	por	%xmm5, %xmm0\n"
    "	por	%xmm6, %xmm0\n"
    "	por	%xmm7, %xmm0\n"
    "	por	%xmm8, %xmm0\n"
    "	por	%xmm9, %xmm0\n"
    "	por	%xmm15, %xmm0\n"
    "	movq	%xmm0, %rbx\n"
    "	or	%rbx, %rax\n"
    "	psrldq	$8, %xmm0\n"
    "	movq	%xmm0, %rbx\n"
    "	or	%rbx, %rax\n"
    "	xor	%edi, %edi\n"
    "	test	%rax, %rax\n"
    "	jz	1f\n"
    "	mov	$3, %edi\n"
    "1:	mov	$231, %eax\n"
    "	syscall\n"
    "fresh_end:\n"
    "	.text\n");

static void start_fresh(void)
{
	struct {
		Elf64_Ehdr eh;
		Elf64_Phdr ph;
		char code[512];
	} prog = {
		.eh = {
			.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			.e_type = ET_EXEC, .e_machine = EM_X86_64, .e_version = EV_CURRENT,
			.e_entry = 0x400000 + sizeof(prog.eh) + sizeof(prog.ph),
			.e_phoff = sizeof(prog.eh), .e_ehsize = sizeof(prog.eh),
			.e_phentsize = sizeof(prog.ph), .e_phnum = 1,
		},
		.ph = {
			.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = 0x400000,
			.p_filesz = sizeof(prog), .p_memsz = sizeof(prog), .p_align = 4096,
		},
	};
	int fd = memfd_create("fresh", MFD_CLOEXEC);
	char *none[] = { NULL };

	memcpy(prog.code, fresh, fresh_end - fresh);
	must(write(fd, &prog, sizeof(prog)) == sizeof(prog));
	fexecve(fd, none, none);
	_exit(9);
}

/* Ends with the pattern in all vector registers. */
static void leave_registers(void)
{
	unsigned long pattern[2] = { PATTERN, PATTERN };

	asm volatile("movdqu %0, %%xmm0\n"
		     "movdqa %%xmm0, %%xmm1\n	movdqa %%xmm0, %%xmm2\n"
		     "movdqa %%xmm0, %%xmm3\n	movdqa %%xmm0, %%xmm4\n"
		     "movdqa %%xmm0, %%xmm5\n	movdqa %%xmm0, %%xmm6\n"
		     "movdqa %%xmm0, %%xmm7\n	movdqa %%xmm0, %%xmm8\n"
		     "mov $100, %%ebx\n"
		     "1: mov $24, %%eax\n	syscall\n"
		     "dec %%ebx\n		jnz 1b\n"
		     "mov $231, %%eax\n		xor %%edi, %%edi\n	syscall\n"
		     : : "m"(pattern) : "rax", "rbx", "rcx", "rdi", "r11", "memory");
}

bool attack_registers(void)
{
	int dirty = 0, clean = 0;

	for (int i = 0; i < 8; i++) {
		int status;

		child_status(leave_registers, 1000);
		child_status(leave_registers, 1000);
		status = child_status(start_fresh, 2000);
		dirty += status == EXITED(3);
		clean += status == 0;
	}
	printf("# %d programs found something, %d nothing\n", dirty, clean);
	return !dirty && clean;
}

/* --- the thread ------------------------------------------------------------------------- */

/*
 * It ends, as far as the kernel can tell, and its host thread goes to sleep in
 * the stub's text on a word of its own choice.
 */
static void sleep_elsewhere(unsigned long area, unsigned int *word)
{
	unsigned long site = futex_site();

	asm volatile("xor %%r10d, %%r10d\n"
		     "xchg %%ecx, (%%rbx)\n"
		     "jmp *%[site]\n"
		     : : "b"(&handoff_of(area)->turn), "c"(STUB_TURN_KERNEL), "a"(SYS_futex),
		     "D"(word), "S"(FUTEX_WAIT), "d"(0), [site] "r"(site)
		     : "memory");
}

static void end_elsewhere(void)
{
	unsigned long area = own_area();
	unsigned int *word = (void *)(area + 0x100);

	*word = 0;
	forge_syscall(area, SYS_exit_group, 0, 0);
	sleep_elsewhere(area, word);
}

static void live(void)
{
	getppid();
}

bool attack_never_parked(void)
{
	int hung = 0;

	for (int i = 0; i < 6; i++) {
		child_status(end_elsewhere, 1000);
		for (int j = 0; j < 2; j++)
			hung += child_status(live, 1500) != 0;
	}
	printf("# %d later processes did not run\n", hung);
	return !hung;
}

/* --- freed memory ------------------------------------------------------------------------ */

#define BAITS		2048	/* more than a vCPU keeps of free pages */

static volatile unsigned long *caught;

/* It ends, as far as the kernel can tell, and goes on reading what it had. */
static void read_on(void)
{
	unsigned long area = own_area();
	volatile unsigned long *bait = mmap(NULL, BAITS * PAGE, PROT_READ | PROT_WRITE,
					    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(bait != MAP_FAILED);
	for (int i = 0; i < BAITS; i++)
		bait[i * PAGE / sizeof(*bait)] = 1;
	*caught = 0;		/* so that it is mapped for writing */
	give_turn(practice());
	forge_syscall(area, SYS_exit_group, 0, 0);
	give_turn(area);
	for (;;)
		for (int i = 0; i < BAITS; i++)
			if (bait[i * PAGE / sizeof(*bait)] == PATTERN)
				*caught = 1;
}

/* Somebody else's data, in memory that has just become free. */
static void *write_pattern(void *arg)
{
	for (;;) {
		unsigned long *p = mmap(NULL, BAITS * PAGE, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		must(p != MAP_FAILED);
		for (int i = 0; i < BAITS; i++)
			p[i * PAGE / sizeof(*p)] = PATTERN;
		munmap(p, BAITS * PAGE);
	}
	return NULL;
}

bool attack_freed(void)
{
	pid_t writer;
	int tries;

	caught = shared(PAGE);
	writer = do_fork();
	if (!writer)
		write_pattern(NULL);
	for (tries = 0; tries < 40 && !*caught; tries++)
		child_status(read_on, 1000);
	kill(writer, SIGKILL);
	reap(writer);
	printf("# %d tries\n", tries);
	return !*caught;
}

/* --- memory unmapped ----------------------------------------------------------------------- */

#define FEW		16	/* so many that unmapping them is left for later */

static sigjmp_buf again;

static void back(int sig)
{
	siglongjmp(again, 1);
}

/* It unmaps memory, as if it had parked for that, and goes on reading until it is gone. */
static void read_unmapped(void)
{
	struct sigaction sa = { .sa_handler = back, .sa_flags = SA_NODEFER };
	unsigned long area = own_area();

	sigaction(SIGSEGV, &sa, NULL);
	*caught = 0;		/* so that it is mapped for writing */
	give_turn(practice());
	sigsetjmp(again, 0);
	for (;;) {
		volatile unsigned long *bait = mmap(NULL, FEW * PAGE, PROT_READ | PROT_WRITE,
						    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		must(bait != MAP_FAILED);
		for (int i = 0; i < FEW; i++)
			bait[i * PAGE / sizeof(*bait)] = 1;
		forge_syscall(area, SYS_munmap, (long)bait, FEW * PAGE);
		give_turn(area);
		while (handoff_of(area)->turn != STUB_TURN_GUEST)
			for (int i = 0; i < FEW; i++)
				if (bait[i * PAGE / sizeof(*bait)] == PATTERN)
					*caught = 1;
	}
}

/* It is stopped time and again, also when it has unmapped and not yet gone on. */
bool attack_unmapped(void)
{
	pid_t writer, reader;
	int stops = 0;

	caught = shared(PAGE);
	writer = do_fork();
	if (!writer)
		write_pattern(NULL);
	reader = do_fork();
	if (!reader)
		read_unmapped();
	for (; stops < 400 && !*caught; stops++) {
		usleep(random() % 4000);
		kill(reader, SIGSTOP);
		sleep_ms(4);
		kill(reader, SIGCONT);
	}
	kill(reader, SIGKILL);
	reap(reader);
	kill(writer, SIGKILL);
	reap(writer);
	printf("# stopped %d times\n", stops);
	return !*caught;
}
