/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Queued spinlocks whose waiters sleep on the host after a while.
 *
 * A vCPU is a host thread: while it waits for a lock, its holder may be waiting
 * for the host CPU that it spins on.  Stock kernel/locking has the locks for
 * that (qspinlock_paravirt.h) and asks for a wait and a kick; they are in
 * kernel/paravirt_lock.c.  With a single vCPU, or "nopvspin", nobody waits, and
 * an unlock is a store.
 */
#ifndef _ASM_USER_QSPINLOCK_H
#define _ASM_USER_QSPINLOCK_H

#include <linux/jump_label.h>
#include <asm-generic/qspinlock_types.h>

DECLARE_STATIC_KEY_FALSE(pv_locks);

void native_queued_spin_lock_slowpath(struct qspinlock *lock, u32 val);
void __pv_queued_spin_lock_slowpath(struct qspinlock *lock, u32 val);
void __pv_queued_spin_unlock(struct qspinlock *lock);
void __pv_queued_spin_unlock_slowpath(struct qspinlock *lock, u8 locked);
void __pv_init_lock_hash(void);
extern bool nopvspin;

/* Turns of a waiting loop before the vCPU sleeps. */
#define SPIN_THRESHOLD	1024

/**
 * pv_wait() - sleep until kicked, or for no reason
 * @ptr:	a byte that changes before the kick
 * @val:	sleep only while it has this value
 *
 * Context: preemption off, interrupts on or off.
 */
void pv_wait(u8 *ptr, u8 val);

/**
 * pv_kick() - wake a vCPU that sleeps in pv_wait()
 * @cpu:	which
 */
void pv_kick(int cpu);

/**
 * vcpu_is_preempted() - whether a vCPU certainly does not run
 * @cpu:	which
 *
 * Whoever spins until that vCPU does something had better not.
 */
bool vcpu_is_preempted(long cpu);
#define vcpu_is_preempted vcpu_is_preempted

static __always_inline void queued_spin_lock_slowpath(struct qspinlock *lock, u32 val)
{
	if (static_branch_unlikely(&pv_locks))
		__pv_queued_spin_lock_slowpath(lock, val);
	else
		native_queued_spin_lock_slowpath(lock, val);
}

static __always_inline void queued_spin_unlock(struct qspinlock *lock)
{
	if (static_branch_unlikely(&pv_locks))
		__pv_queued_spin_unlock(lock);
	else
		smp_store_release(&lock->locked, 0);	/* what the lock is for */
}

#define queued_spin_unlock queued_spin_unlock

#include <asm-generic/qspinlock.h>

#endif /* _ASM_USER_QSPINLOCK_H */
