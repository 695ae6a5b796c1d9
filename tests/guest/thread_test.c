// SPDX-License-Identifier: GPL-2.0-only
/* POSIX threads: create/join, TLS, every kind of lock, cancellation. */
#include "ktap.h"

#define THREADS 8
#define ROUNDS 5000

static __thread long tls = 5;
static __thread char tls_big[8192];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t barrier;
static pthread_spinlock_t spin;
static long counter, turn;

static void run(int n, void *(*fn)(void *), long *results)
{
	pthread_t t[100];

	for (long i = 0; i < n; i++)
		must(pthread_create(&t[i], NULL, fn, (void *)i) == 0);
	for (long i = 0; i < n; i++) {
		void *r;

		must(pthread_join(t[i], &r) == 0);
		if (results)
			*results += (long)r;
	}
}

static void *use_tls(void *arg)
{
	long me = (long)arg, bad = tls != 5;

	tls = me;
	memset(tls_big, me, sizeof(tls_big));
	for (int i = 0; i < 200; i++) {
		sched_yield();
		bad += tls != me || tls_big[i * 37] != (char)me;
	}
	return (void *)bad;
}

static void *identity(void *arg)
{
	return arg;
}

static void *use_mutex(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&mutex);
		counter++;
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

static void *use_spin(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		pthread_spin_lock(&spin);
		counter++;
		pthread_spin_unlock(&spin);
	}
	return NULL;
}

/* The threads take turns, in order. */
static void *use_cond(void *arg)
{
	for (int i = 0; i < 100; i++) {
		pthread_mutex_lock(&mutex);
		while (turn % 4 != (long)arg)
			pthread_cond_wait(&cond, &mutex);
		turn++;
		pthread_cond_broadcast(&cond);
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

static void *use_barrier(void *arg)
{
	long serial = 0;

	for (int i = 0; i < 100; i++)
		serial += pthread_barrier_wait(&barrier) ==
			  PTHREAD_BARRIER_SERIAL_THREAD;
	return (void *)serial;
}

static void *use_rwlock(void *arg)
{
	static long a, b;
	long bad = 0;

	for (int i = 0; i < 2000; i++) {
		if (((long)arg + i) % 8) {
			pthread_rwlock_rdlock(&rwlock);
			bad += a != b;
		} else {
			pthread_rwlock_wrlock(&rwlock);
			a++;
			b++;
		}
		pthread_rwlock_unlock(&rwlock);
	}
	return (void *)bad;
}

static void test_basics(void)
{
	long sum = 0;

	run(100, identity, &sum);
	is(sum, 4950, "100 threads at once return their values");
	sum = 0;
	for (int i = 0; i < 50; i++)
		run(20, identity, &sum);
	is(sum, 50 * 190, "1000 threads in rounds of 20");
	sum = 0;
	run(THREADS, use_tls, &sum);
	is(sum, 0, "thread-local storage is local");
	is(tls, 5, "also the first thread's");
	counter = 0;
	run(THREADS, use_mutex, NULL);
	is(counter, THREADS * ROUNDS, "a mutex excludes");
	pthread_spin_init(&spin, 0);
	counter = 0;
	run(2, use_spin, NULL);
	is(counter, 2 * ROUNDS, "a spin lock excludes");
	run(4, use_cond, NULL);
	is(turn, 400, "a condition variable hands on turns");
	pthread_barrier_init(&barrier, NULL, THREADS);
	sum = 0;
	run(THREADS, use_barrier, &sum);
	is(sum, 100, "a barrier has one serial thread a round");
	sum = 0;
	run(THREADS, use_rwlock, &sum);
	is(sum, 0, "a read-write lock");
}

static void test_mutex_kinds(void)
{
	static const int kinds[] = { PTHREAD_PRIO_INHERIT, PTHREAD_PRIO_NONE };
	pthread_mutexattr_t a;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		pthread_mutexattr_init(&a);
		pthread_mutexattr_setprotocol(&a, kinds[i]);
		pthread_mutexattr_settype(&a, PTHREAD_MUTEX_ERRORCHECK);
		pthread_mutex_init(&mutex, &a);
		counter = 0;
		run(THREADS, use_mutex, NULL);
		is(counter, THREADS * ROUNDS, "mutex protocol %d", kinds[i]);
		pthread_mutex_lock(&mutex);
		is(pthread_mutex_lock(&mutex), EDEADLK, "which finds a deadlock");
		pthread_mutex_unlock(&mutex);
		pthread_mutex_destroy(&mutex);
	}
	pthread_mutex_init(&mutex, NULL);
}

static void *dies_with_lock(void *arg)
{
	pthread_mutex_lock(arg);
	return NULL;
}

static void test_robust(void)
{
	pthread_mutex_t *m = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_t a;
	pthread_t t;
	pid_t pid;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(m, &a);
	pthread_create(&t, NULL, dies_with_lock, m);
	pthread_join(t, NULL);
	is(pthread_mutex_lock(m), EOWNERDEAD, "robust: the owner thread died");
	pthread_mutex_consistent(m);
	is(pthread_mutex_unlock(m), 0, "made consistent");
	pid = do_fork();
	if (!pid) {
		pthread_mutex_lock(m);
		raise(SIGKILL);
	}
	is(reap(pid), KILLED(SIGKILL), "a process dies with the lock");
	is(pthread_mutex_lock(m), EOWNERDEAD, "robust: the owner process died");
}

static int cleaned;

static void cleanup(void *arg)
{
	cleaned++;
}

static void *waits(void *arg)
{
	pthread_cleanup_push(cleanup, NULL);
	if (arg) {
		pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
		__atomic_store_n((int *)arg, 1, __ATOMIC_RELEASE);
		for (;;)
			asm volatile("pause");
	}
	for (;;)
		pause();
	pthread_cleanup_pop(0);
	return NULL;
}

static void test_cancel(void)
{
	volatile int spinning = 0;
	pthread_t t;
	void *r;

	for (int i = 0; i < 50; i++) {
		pthread_create(&t, NULL, waits, NULL);
		pthread_cancel(t);
		pthread_join(t, &r);
		if (r != PTHREAD_CANCELED)
			break;
	}
	ok(r == PTHREAD_CANCELED && cleaned <= 50, "cancel in a system call");
	cleaned = 0;
	pthread_create(&t, NULL, waits, (void *)&spinning);
	while (!spinning)
		sched_yield();
	pthread_cancel(t);
	pthread_join(t, &r);
	ok(r == PTHREAD_CANCELED, "cancel of a loop");
	is(cleaned, 1, "runs its cleanup");
}

static void test_timed(void)
{
	struct timespec ts;
	uint64_t t0 = now_ns(CLOCK_REALTIME);
	pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_nsec += 20000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&m);
	is(pthread_cond_timedwait(&cond, &m, &ts), ETIMEDOUT, "a timed wait ends");
	ok(now_ns(CLOCK_REALTIME) - t0 >= 20000000, "not too early");
}

/* Threads of one process really share: a store is seen without a call. */
static void *spins(void *arg)
{
	volatile int *flag = arg;

	while (*flag != 1)
		asm volatile("pause");
	*flag = 2;
	return NULL;
}

static void test_shared(void)
{
	volatile int flag = 0;
	pthread_t t;

	pthread_create(&t, NULL, spins, (void *)&flag);
	flag = 1;
	while (flag != 2)
		asm volatile("pause");
	pthread_join(t, NULL);
	ok(true, "two spinning threads see each other's stores");
}

int main(void)
{
	test_basics();
	test_mutex_kinds();
	test_robust();
	test_cancel();
	test_timed();
	test_shared();
	return done();
}
