// SPDX-License-Identifier: GPL-2.0-only
/* Memory shared between processes: anonymous, memfd, shm_open, System V. */
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include "ktap.h"

#define RW (PROT_READ | PROT_WRITE)
#define PAGES 16

/* Parent and child write by turns; each sees the other's writes. */
static void check(const char *name, volatile long *p, volatile long *other)
{
	size_t words = PAGES * PAGE / sizeof(long);
	pid_t pid = do_fork();
	int bad = 0;

	if (!pid) {
		for (int turn = 1; turn < 200; turn += 2) {
			while (other[0] != turn)
				sched_yield();
			bad += other[turn * 37 % words + 1] != turn;
			other[turn * 41 % words + 1] = turn + 1;
			__sync_synchronize();
			other[0] = turn + 1;
		}
		_exit(bad != 0);
	}
	for (int turn = 0; turn < 200; turn += 2) {
		while (p[0] != turn)
			sched_yield();
		if (turn)
			bad += p[(turn - 1) * 41 % words + 1] != turn;
		p[(turn + 1) * 37 % words + 1] = turn + 1;
		__sync_synchronize();
		p[0] = turn + 1;
	}
	is(bad, 0, "%s: the parent sees the child's writes", name);
	is(reap(pid), EXITED(0), "%s: and the child the parent's", name);
}

static void test_sysv(void)
{
	int id = shmget(IPC_PRIVATE, PAGES * PAGE, IPC_CREAT | 0600);
	struct shmid_ds ds;
	long *p, *q;

	ok(id >= 0, "shmget");
	p = shmat(id, NULL, 0);
	q = shmat(id, NULL, 0);
	must(p != (void *)-1 && q != (void *)-1);
	p[5] = 55;
	is(q[5], 55, "two attachments are one");
	shmctl(id, IPC_STAT, &ds);
	is(ds.shm_nattch, 2, "counted");
	shmctl(id, IPC_RMID, NULL);
	p[5] = 0;
	check("System V", p, q);
	is(shmdt(p) | shmdt(q), 0, "shmdt");
	fails((intptr_t)shmat(id, NULL, 0), EINVAL, "gone after the last");
}

static void test_sem_msg(void)
{
	struct sembuf down = { 0, -1, SEM_UNDO }, up = { 0, 1, 0 };
	struct { long type; char text[16]; } m = { 3, "message" };
	int sem = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
	int q = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
	pid_t pid = do_fork();

	if (!pid) {
		semop(sem, &down, 1);
		_exit(msgsnd(q, &m, sizeof(m.text), 0) != 0);
	}
	is(semop(sem, &up, 1), 0, "a System V semaphore");
	memset(m.text, 0, sizeof(m.text));
	is(msgrcv(q, &m, sizeof(m.text), 3, 0), sizeof(m.text), "and a message");
	is(strcmp(m.text, "message"), 0, "from the child");
	is(reap(pid), 0, "which ends");
	is(semctl(sem, 0, GETVAL), 1, "SEM_UNDO");
	semctl(sem, 0, IPC_RMID);
	msgctl(q, IPC_RMID, NULL);
}

/* Who seals it waits for references to its pages, but not for long. */
static void test_seal(void)
{
	int fd = memfd_create("sealed", MFD_ALLOW_SEALING);
	char *p;

	must(fd >= 0 && ftruncate(fd, PAGES * PAGE) == 0);
	p = mmap(NULL, PAGES * PAGE, RW, MAP_SHARED, fd, 0);
	must(p != MAP_FAILED);
	memset(p, 1, PAGES * PAGE);
	munmap(p, PAGES * PAGE);
	is(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0, "a memfd is sealed right after munmap");
	close(fd);
}

int main(void)
{
	int fd = temp_file(PAGES * PAGE);
	size_t n = PAGES * PAGE;
	void *p, *q;
	char name[32];

	p = mmap(NULL, n, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check("anonymous", p, p);
	p = mmap(NULL, n, RW, MAP_SHARED, fd, 0);
	q = mmap(NULL, n, RW, MAP_SHARED, fd, 0);
	check("memfd, mapped twice", p, q);
	snprintf(name, sizeof(name), "/guest-%d", getpid());
	fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	ok(fd >= 0, "shm_open");
	if (fd >= 0) {
		must(ftruncate(fd, n) == 0);
		p = mmap(NULL, n, RW, MAP_SHARED, fd, 0);
		check("shm_open", p, p);
		is(shm_unlink(name), 0, "shm_unlink");
	}
	test_seal();
	test_sysv();
	test_sem_msg();
	return done();
}
