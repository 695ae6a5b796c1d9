// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages taken away from a process whose threads are using them on other CPUs,
 * and given to another process at once: neither ever sees the other's data.
 *
 * One process has threads that read and write an area while others unmap it,
 * discard it, replace it, have it swapped out, or make it read-only.  Beside
 * each of those, on its CPU so that it gets the very pages, a second process
 * takes memory, writes its own pattern, and looks whether it stays.
 *
 * Boot options: ncpus=4
 */
#include <sys/swap.h>
#include "ktap.h"

#define SECONDS		4	/* more on a machine that is busy with other things */
#define MOST_SECONDS	60
#define ACCESSES	20000
#define TAKEN		1000
#define OPERATIONS	20	/* of each kind */
#define PAGES		256
#define MOVERS		2
#define TOUCHERS	2
#define WORDS		(PAGE / sizeof(uint64_t))

#define USER_TAG	0x75736572ULL	/* above 32 bits of anything */
#define TAKER_TAG	0x74616b72ULL

static const char *const op_names[] = {
	"unmapped", "discarded", "replaced", "swapped out", "made read-only", "moved"
};
enum { UNMAP, DISCARD, REPLACE, SWAP_OUT, READ_ONLY, MOVE, OPS };

struct shared {
	_Atomic bool stop;
	_Atomic uint64_t foreign;	/* what the user saw, and was not its own */
	_Atomic uint64_t overwritten;	/* what the taker found in its page */
	_Atomic long touched, taken, ops[OPS];
};

static struct shared *shared;
static char *area;
static __thread sigjmp_buf on_fault;
static __thread uint32_t touch_seed;
static __thread long touches;

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu % (int)sysconf(_SC_NPROCESSORS_ONLN), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* --- the process that is using the area ------------------------------------ */

static void handler(int sig)
{
	siglongjmp(on_fault, 1);
}

static void touch(uint32_t *seed)
{
	volatile uint64_t *word = (uint64_t *)(area + next_random(seed) % PAGES * PAGE) +
				  next_random(seed) % WORDS;
	uint64_t seen;

	if (next_random(seed) & 1)
		*word = USER_TAG << 32 | *seed;
	seen = *word;
	if (seen && seen >> 32 != USER_TAG)
		shared->foreign = seen;
}

/* After 1024 accesses; whether it is enough. */
static bool rest(void)
{
	shared->touched += 1024;
	sched_yield();
	return shared->stop;
}

static void *toucher(void *arg)
{
	touch_seed = 77 + (long)arg;
	pin(MOVERS + (long)arg);
	while (!shared->stop) {
		/* the mask need not be saved: SA_NODEFER */
		if (sigsetjmp(on_fault, 0))
			continue;
		while (++touches & 1023 || !rest())
			touch(&touch_seed);
	}
	return NULL;
}

static void move(int op, char *p, size_t size)
{
	int rw = PROT_READ | PROT_WRITE, fixed = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
	char *other;

	switch (op) {
	case UNMAP:
		munmap(p, size);
		break;
	case DISCARD:
		madvise(p, size, MADV_DONTNEED);
		return;
	case REPLACE:
		break;
	case SWAP_OUT:
		madvise(p, size, MADV_PAGEOUT);
		return;
	case READ_ONLY:
		mprotect(p, size, PROT_READ);
		mprotect(p, size, rw);
		return;
	case MOVE:
		other = mremap(p, size, size, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
		if (other != MAP_FAILED)
			munmap(other, size);
		return;
	}
	must(mmap(p, size, rw, fixed, -1, 0) == p);
}

static void *mover(void *arg)
{
	uint32_t seed = 55 + (long)arg;
	long half = PAGES / MOVERS;

	pin((long)arg);
	while (!shared->stop) {
		int op = next_random(&seed) % OPS;
		long n = 1 + next_random(&seed) % 8;
		long first = next_random(&seed) % (half - n);

		move(op, area + ((long)arg * half + first) * PAGE, n * PAGE);
		shared->ops[op]++;
		sched_yield();
	}
	return NULL;
}

static int user(void)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_NODEFER };
	pthread_t t[MOVERS + TOUCHERS];

	sigaction(SIGSEGV, &sa, NULL);
	area = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
	must(area != MAP_FAILED);
	for (long i = 0; i < MOVERS; i++)
		must(pthread_create(&t[i], NULL, mover, (void *)i) == 0);
	for (long i = 0; i < TOUCHERS; i++)
		must(pthread_create(&t[MOVERS + i], NULL, toucher, (void *)i) == 0);
	for (int i = 0; i < MOVERS + TOUCHERS; i++)
		pthread_join(t[i], NULL);
	return 0;
}

/* --- the process that gets the pages ------------------------------------------ */

static void check(const volatile uint64_t *page, uint64_t value)
{
	for (unsigned int i = 0; i < WORDS; i += 16)
		if (page[i] != value)
			shared->overwritten = page[i] ?: 1;
}

static void take(size_t n, uint32_t seed)
{
	char *p = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	must(p != MAP_FAILED);
	for (size_t i = 0; i < n; i++)
		for (unsigned int w = 0; w < WORDS; w += 16)
			((uint64_t *)(p + i * PAGE))[w] = TAKER_TAG << 32 | (seed + i);
	sched_yield();
	for (size_t i = 0; i < n; i++)
		check((uint64_t *)(p + i * PAGE), TAKER_TAG << 32 | (seed + i));
	munmap(p, n * PAGE);
	shared->taken += n;
}

static int taker(int cpu)
{
	uint32_t seed = 33 + cpu;

	pin(cpu);
	while (!shared->stop)
		take(1 + next_random(&seed) % 8, seed);
	return 0;
}

/* Swap that is in memory itself, in a guest that has none. */
static bool swap_on(void)
{
	static const char make[] =
		"dd if=/dev/zero of=/swap bs=1M count=32 2>/dev/null && "
		"losetup /dev/loop0 /swap && mkswap /dev/loop0 >/dev/null && "
		"swapon /dev/loop0";

	return getenv("KERNELET_GUEST") && system(make) == 0;
}

static long swapped_in(void)
{
	char buf[16384], *at;

	read_file("/proc/vmstat", buf, sizeof(buf));
	at = strstr(buf, "pswpin ");
	return at ? atol(at + 7) : 0;
}

static bool enough(bool swap)
{
	for (int i = 0; i < OPS; i++)
		if (shared->ops[i] < OPERATIONS)
			return false;
	return shared->touched >= ACCESSES && shared->taken >= TAKEN &&
	       (!swap || swapped_in());
}

int main(void)
{
	pid_t pids[MOVERS + 1];
	bool swap = swap_on();

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(shared != MAP_FAILED);
	for (int i = 0; i <= MOVERS; i++) {
		pids[i] = do_fork();
		if (!pids[i])
			_exit(i < MOVERS ? taker(i) : user());
	}
	sleep_ms(SECONDS * 1000);
	wait_for(enough(swap), (MOST_SECONDS - SECONDS) * 1000);
	shared->stop = true;
	for (int i = 0; i <= MOVERS; i++)
		is(reap(pids[i]), EXITED(0), "process %d ends", i);

	is(shared->foreign, 0, "the user never saw data of another process");
	is(shared->overwritten, 0, "nobody wrote to the taker's pages");
	ok(shared->touched >= ACCESSES, "%ld accesses", (long)shared->touched);
	ok(shared->taken >= TAKEN, "%ld pages taken", (long)shared->taken);
	for (int i = 0; i < OPS; i++)
		ok(shared->ops[i] >= OPERATIONS, "%s %ld times", op_names[i], (long)shared->ops[i]);
	if (swap)
		ok(swapped_in() > 0, "%ld pages came back from swap", swapped_in());
	else
		skip("no swap made here");
	return done();
}
