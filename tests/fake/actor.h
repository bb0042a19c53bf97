/* SPDX-License-Identifier: MIT */
/*
 * The threads of a test on the fake kernel: those of the program, and the
 * engine's helpers.
 *
 *	by turns   one runs at a time, and time is made up: who is next is
 *	           drawn by the seed wherever the kernel is entered, and when
 *	           all wait the clock jumps to the first who waits for it.  So
 *	           a seed is one interleaving, the same each time; and if
 *	           nobody can go on, that is said, with what each waits for.
 *	freely     they are threads, as the machine has it, for TSan
 *
 * actor_lock() is what the fake kernel's data is under; by turns it is
 * nobody's, as there is no other.
 */
#ifndef UZ_FAKE_ACTOR_H
#define UZ_FAKE_ACTOR_H

#include "base/types.h"

enum actor_order { ACTOR_TURNS, ACTOR_FREE };

#define ACTOR_NEVER	UINT64_MAX

/*
 * The caller is the first.  By turns, another one goes on once in SWITCH_IN
 * times that the kernel is entered.
 */
void actor_start(enum actor_order order, uint64_t seed, unsigned switch_in);
bool actor_spawn(const char *name, void (*run)(void *arg), void *arg);
/* Until all that were spawned as NAME have ended. */
void actor_join(const char *name);
/* In the child of a fork: there is nobody else. */
void actor_fork_child(void);

bool actor_by_turns(void);
int actor_id(void);
uint64_t actor_now(void);
/* The processor time of the caller, more or less. */
uint64_t actor_cpu(void);
uint64_t actor_random(uint64_t below);

void actor_lock(void);
void actor_unlock(void);
/*
 * With the lock held, which others may have meanwhile: wait until IS_OVER, or
 * until UNTIL_NS: then false.  WHAT says what for.
 */
bool actor_wait(bool (*is_over)(void *arg), void *arg, uint64_t until_ns,
		const char *what);
/* With the lock held: what somebody waits for may be over. */
void actor_changed(void);

/* Not locked: another one may come in between; or shall. */
void actor_pause(void);
void actor_yield(void);

#endif
