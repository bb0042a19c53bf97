/* SPDX-License-Identifier: MIT */
/*
 * Call stacks that were unwound before.
 *
 * A program comes by the same call stacks again and again, with its frames at
 * the same addresses.  So of each stack it is remembered where on it the
 * return addresses were: if all of them are still there, and the walk begins
 * at the same place, it is the same stack.  That is read in a microsecond or
 * two, where unwinding by tables takes twenty.  (It could be another one that
 * has old return addresses in a buffer at all of these places.)
 *
 * Context: app, also in a signal handler; never waits.
 */
#ifndef UZ_HOOKS_KNOWN_H
#define UZ_HOOKS_KNOWN_H

#include <stdatomic.h>

#include "base/types.h"
#include "uzswap/profile.h"

#define KNOWN_SETS	64u
#define KNOWN_WAYS	4u

/* A call stack, innermost frame first. */
struct stack {
	size_t nr;
	uint64_t frames[UZSWAP_PROFILE_DEPTH];	/* return addresses */
	uintptr_t slots[UZSWAP_PROFILE_DEPTH];	/* and where each lies */
};

struct known_stack {
	_Atomic uint32_t busy;	/* somebody reads or writes the rest */
	uintptr_t base;		/* where the walk began; 0: nothing here */
	struct stack stack;
};

struct known {
	struct known_stack all[KNOWN_SETS][KNOWN_WAYS];
	_Atomic uint32_t turn;	/* which way is overwritten next */
};

/* The stack of this thread, from BASE on, if it is known. */
bool known_find(struct known *k, uintptr_t base, struct stack *out);

/* It is S, unless the slots say something else. */
void known_keep(struct known *k, uintptr_t base, const struct stack *s);

#endif
