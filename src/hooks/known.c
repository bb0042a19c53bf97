/* SPDX-License-Identifier: MIT */
/*
 * A table by where walks begin, of a few stacks each.  Who finds an entry in
 * use by another thread goes on without it.
 *
 * Another stack may have been here since, which ends sooner: so the kernel is
 * asked whether there is memory, for each page but the one we are in.
 */
#include "hooks/known.h"

#include <string.h>

#include "base/sys.h"

/* Do the words on the stack, from BASE on, say that it is S? */
static bool is_on_stack(uintptr_t base, const struct stack *s)
{
	uintptr_t page = base & PAGE_MASK;

	for (size_t i = 0; i < s->nr; i++) {
		uintptr_t slot = s->slots[i];

		if (slot % 8)
			return false;
		if ((slot & PAGE_MASK) != page && !sys_is_readable(slot))
			return false;
		page = slot & PAGE_MASK;
		if (*(const volatile uint64_t *)slot != s->frames[i])
			return false;
	}
	return true;
}

static struct known_stack *set_of(struct known *k, uintptr_t base)
{
	uint64_t hash = (uint64_t)base * 0x9e3779b97f4a7c15u;

	return k->all[(hash >> 32) % KNOWN_SETS];
}

static bool take(struct known_stack *one)
{
	return !atomic_exchange_explicit(&one->busy, 1, memory_order_acquire);
}

static void leave(struct known_stack *one)
{
	atomic_store_explicit(&one->busy, 0, memory_order_release);
}

static void copy(struct stack *to, const struct stack *from)
{
	to->nr = from->nr;
	memcpy(to->frames, from->frames, from->nr * sizeof(*from->frames));
	memcpy(to->slots, from->slots, from->nr * sizeof(*from->slots));
}

bool known_find(struct known *k, uintptr_t base, struct stack *out)
{
	struct known_stack *set = set_of(k, base);
	bool found = false;

	for (unsigned i = 0; i < KNOWN_WAYS && !found; i++) {
		if (!take(&set[i]))
			continue;
		found = set[i].base == base && is_on_stack(base, &set[i].stack);
		if (found)
			copy(out, &set[i].stack);
		leave(&set[i]);
	}
	return found;
}

void known_keep(struct known *k, uintptr_t base, const struct stack *s)
{
	uint32_t turn = atomic_fetch_add_explicit(&k->turn, 1,
						  memory_order_relaxed);
	struct known_stack *one = set_of(k, base) + turn % KNOWN_WAYS;

	if (!s->nr || !is_on_stack(base, s) || !take(one))
		return;
	one->base = base;
	copy(&one->stack, s);
	leave(one);
}
