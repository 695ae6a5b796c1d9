// SPDX-License-Identifier: GPL-2.0-only
/*
 * Restartable sequences: the CPU's number, and a critical section that is
 * aborted by preemption, by a signal, and by membarrier() while it runs on
 * another CPU.
 */
#include <linux/membarrier.h>
#include <sys/rseq.h>
#include "ktap.h"

static volatile struct rseq *area(void)
{
	return (void *)((char *)__builtin_thread_pointer() + __rseq_offset);
}

static int membarrier(int cmd, int flags, int cpu)
{
	return syscall(SYS_membarrier, cmd, flags, cpu);
}

/* Runs in a critical section until something aborts it; counts its rounds. */
static void spin_in_section(volatile int *running)
{
	struct rseq_cs cs __attribute__((aligned(32))) = { 0 };
	unsigned long start, after, abort_ip;

	asm volatile("leaq 1f(%%rip), %0\n\t"
		     "leaq 2f(%%rip), %1\n\t"
		     "leaq 3f(%%rip), %2\n\t"
		     : "=&r"(start), "=&r"(after), "=&r"(abort_ip));
	cs.start_ip = start;
	cs.post_commit_offset = after - start;
	cs.abort_ip = abort_ip;
	area()->rseq_cs = (uintptr_t)&cs;
	asm volatile("1:\n\t"
		     "addl $1, %0\n\t"
		     "pause\n\t"
		     "jmp 1b\n"
		     "2:\n\t"
		     "ud2\n\t"
		     ".byte 0x0f, 0xb9, 0x3d\n\t"
		     ".long 0x53053053\n"
		     "3:\n\t"
		     : "+m"(*running) : : "memory", "cc");
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	must(sched_setaffinity(0, sizeof(set), &set) == 0);
}

static volatile int running, finished;

static void *victim(void *arg)
{
	pin((intptr_t)arg);
	spin_in_section(&running);
	finished = 1;
	return NULL;
}

static void *other(void *arg)
{
	pin((intptr_t)arg);
	while (!finished)
		;
	return NULL;
}

static pthread_t start_victim(intptr_t cpu)
{
	pthread_t t;

	running = 0;
	finished = 0;
	must(pthread_create(&t, NULL, victim, (void *)cpu) == 0);
	must(wait_for(running, 5000));
	return t;
}

static void test_numbers(int cpus)
{
	int bad = 0;

	for (int i = 0; i < 200; i++) {
		pin(i % cpus);
		bad += area()->cpu_id != (unsigned int)(i % cpus);
		bad += area()->cpu_id_start != (unsigned int)(i % cpus);
	}
	is(bad, 0, "cpu_id follows the CPU");
}

static void nothing(int sig)
{
}

static void test_aborts(int cpus)
{
	pthread_t t, u;

	must(signal(SIGUSR1, nothing) != SIG_ERR);
	pin(0);
	t = start_victim(cpus - 1);
	must(pthread_kill(t, SIGUSR1) == 0);
	ok(wait_for(finished, 5000), "a signal aborts");
	pthread_join(t, NULL);

	t = start_victim(cpus - 1);
	must(pthread_create(&u, NULL, other, (void *)(intptr_t)(cpus - 1)) == 0);
	ok(wait_for(finished, 5000), "preemption aborts");
	pthread_join(t, NULL);
	pthread_join(u, NULL);

	fails(membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 0, 0), EPERM,
	      "membarrier wants to be told first");
	is(membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ, 0, 0), 0, "it is told");
	/* Alone on its CPU, the caller has aborted what ran there by running itself. */
	if (cpus == 1)
		return;
	t = start_victim(1);
	is(membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, MEMBARRIER_CMD_FLAG_CPU, 1), 0,
	   "membarrier for a CPU");
	ok(wait_for(finished, 5000), "aborts what runs there");
	pthread_join(t, NULL);
}

int main(void)
{
	int cpus = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 2 : 1;

	if (!ok(__rseq_size > 0 && (int)area()->cpu_id >= 0, "the C library has registered"))
		return done();
	test_numbers(cpus);
	test_aborts(cpus);
	return done();
}
