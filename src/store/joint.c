/* SPDX-License-Identifier: MIT */
/*
 * Chains are those of linear hashing: for each entry that is cut one chain
 * more, into which goes the half of another one that the next bit of the sum
 * says.  So the table grows without ever being made anew.
 *
 * What an object that loses its last page can meet: the entry's word becomes
 * 0 before the object is dropped, so that moved() says no from then on, also
 * when the entry belongs to another object, as that is at another place until
 * the move has ended (store/pool_compact.c).
 */
#include "store/joint.h"

#include <errno.h>

#include "base/log.h"

#define PIN		((uint64_t)1 << POOL_REF_BITS)
#define PINS		((uint64_t)0xff << POOL_REF_BITS)
#define REFERENCE	((uint64_t)1 << 48)

/* One page more than this has an object of its own again. */
#define MOST_REFS	UINT16_MAX

/* Entries made accessible at a time: 1.25 MiB.  More only delays the first. */
#define GROW		65536u

_Static_assert(sizeof(struct joint_entry) == 16, "an entry costs 16 bytes");

int joint_start(struct joint_table *t, struct arena *a, uint64_t first_owner,
		size_t nr_max)
{
	const size_t nr = min_size(nr_max, UINT32_MAX / 2);

	*t = (struct joint_table){
		.arena = a,
		.first_owner = first_owner,
		.nr_max = (uint32_t)nr,
		.half = 1,
	};
	lock_init(&t->lock, LOCK_JOINT);
	t->entries = arena_reserve(a, (nr + 1) * sizeof(*t->entries),
				   PAGE_SIZE);
	t->chains = arena_reserve(a, nr * sizeof(*t->chains), PAGE_SIZE);
	return t->entries && t->chains ? 0 : -ENOMEM;
}

static uint64_t refs_of(uint64_t word)
{
	return word >> 48;
}

static struct joint_entry *entry_at(const struct joint_table *t, uint32_t entry)
{
	ASSERT(entry && entry <= atomic_load(&t->nr_committed));
	return &t->entries[entry];
}

static void add(_Atomic uint64_t *sum, uint64_t n)
{
	atomic_store_explicit(sum, n + atomic_load_explicit(sum,
						memory_order_relaxed),
			      memory_order_relaxed);
}

/* --- chains --------------------------------------------------------------- */

static uint32_t *chain_of(const struct joint_table *t, uint32_t sum)
{
	uint32_t at = sum & (2 * t->half - 1);

	return &t->chains[at < t->nr_chains ? at : at - t->half];
}

/* One chain more, from an older one. */
static void split_locked(struct joint_table *t)
{
	uint32_t *from = &t->chains[t->nr_chains ? t->nr_chains - t->half : 0];
	uint32_t *to = &t->chains[t->nr_chains++];
	uint32_t id = *from;

	*from = 0;
	*to = 0;
	while (id) {
		struct joint_entry *e = entry_at(t, id);
		uint32_t next = e->next;
		uint32_t *chain = chain_of(t, e->sum);

		e->next = *chain;
		*chain = id;
		id = next;
	}
	if (t->nr_chains == 2 * t->half)
		t->half *= 2;
}

static void unchain_locked(struct joint_table *t, uint32_t entry)
{
	uint32_t *at = chain_of(t, entry_at(t, entry)->sum);

	while (*at != entry) {
		if (!*at)
			die("joint: an object is not in its chain");
		at = &entry_at(t, *at)->next;
	}
	*at = entry_at(t, entry)->next;
}

uint32_t joint_find(struct joint_table *t, uint32_t sum)
{
	uint32_t id = 0;

	lock_take(&t->lock);
	if (t->nr_chains)
		id = *chain_of(t, sum);
	while (id) {
		struct joint_entry *e = entry_at(t, id);

		if (e->sum == sum &&
		    refs_of(atomic_load(&e->word)) < MOST_REFS) {
			atomic_fetch_add(&e->word, REFERENCE + PIN);
			add(&t->nr_refs, 1);
			break;
		}
		id = e->next;
	}
	lock_drop(&t->lock);
	return id;
}

/* --- entries -------------------------------------------------------------- */

/* Bytes of NR entries besides the unused number 0, and of their chains. */
static size_t entries_len(size_t nr)
{
	return nr ? round_up((nr + 1) * sizeof(struct joint_entry), PAGE_SIZE)
		  : 0;
}

static size_t chains_len(size_t nr)
{
	return round_up(nr * sizeof(uint32_t), PAGE_SIZE);
}

/* Make more accessible, if nobody else does. */
static void grow(struct joint_table *t)
{
	uint32_t from;
	uint32_t to;

	/* acquire, and release below: nr_committed is handed over */
	if (atomic_exchange_explicit(&t->growing, true, memory_order_acquire))
		return;
	from = atomic_load_explicit(&t->nr_committed, memory_order_relaxed);
	to = (uint32_t)min_size(from + GROW, t->nr_max);
	if (!arena_commit(t->arena, (char *)t->entries + entries_len(from),
			  entries_len(to) - entries_len(from)) &&
	    !arena_commit(t->arena, (char *)t->chains + chains_len(from),
			  chains_len(to) - chains_len(from)))
		atomic_store_explicit(&t->nr_committed, to,
				      memory_order_release);
	atomic_store_explicit(&t->growing, false, memory_order_release);
}

static uint32_t take_locked(struct joint_table *t)
{
	uint32_t id = t->free;

	if (id) {
		t->free = entry_at(t, id)->next;
		return id;
	}
	id = atomic_load_explicit(&t->nr_cut, memory_order_relaxed) + 1;
	if (id > atomic_load_explicit(&t->nr_committed, memory_order_acquire))
		return 0;
	atomic_store_explicit(&t->nr_cut, id, memory_order_relaxed);
	split_locked(t);
	return id;
}

uint32_t joint_take(struct joint_table *t)
{
	uint32_t id;

	for (int tries = 0; tries < 2; tries++) {
		lock_take(&t->lock);
		id = take_locked(t);
		lock_drop(&t->lock);
		if (id)
			return id;
		grow(t);
	}
	return 0;
}

static void free_locked(struct joint_table *t, uint32_t entry)
{
	entry_at(t, entry)->next = t->free;
	t->free = entry;
}

void joint_publish(struct joint_table *t, uint32_t entry, uint32_t sum,
		   struct pool_ref object)
{
	struct joint_entry *e = entry_at(t, entry);
	uint32_t *chain;

	lock_take(&t->lock);
	e->sum = sum;
	chain = chain_of(t, sum);
	e->next = *chain;
	*chain = entry;
	/* from now on compaction may move the object */
	atomic_store(&e->word, REFERENCE | object.bits);
	add(&t->nr, 1);
	add(&t->nr_refs, 1);
	lock_drop(&t->lock);
}

void joint_give(struct joint_table *t, uint32_t entry)
{
	lock_take(&t->lock);
	free_locked(t, entry);
	lock_drop(&t->lock);
}

struct pool_ref joint_drop(struct joint_table *t, uint32_t entry)
{
	struct joint_entry *e = entry_at(t, entry);
	struct pool_ref object = { 0 };
	uint64_t word;

	lock_take(&t->lock);
	word = atomic_fetch_sub(&e->word, REFERENCE);
	if (unlikely(!refs_of(word)))
		die("joint: an object is dropped that does not exist");
	add(&t->nr_refs, UINT64_MAX);
	if (refs_of(word) == 1) {
		/* who has no reference has no pin; a move may be under way */
		object = joint_word_object(atomic_exchange(&e->word, 0));
		unchain_locked(t, entry);
		free_locked(t, entry);
		add(&t->nr, UINT64_MAX);
	}
	lock_drop(&t->lock);
	return object;
}

struct pool_ref joint_pin(struct joint_table *t, uint32_t entry)
{
	uint64_t word = atomic_fetch_add(&entry_at(t, entry)->word, PIN);

	return joint_word_object(word);
}

void joint_unpin(struct joint_table *t, uint32_t entry)
{
	atomic_fetch_sub(&entry_at(t, entry)->word, PIN);
}

struct pool_ref joint_object(const struct joint_table *t, uint32_t entry)
{
	uint32_t nr = atomic_load_explicit(&t->nr_committed,
					   memory_order_acquire);

	return joint_word_object(entry - 1 < nr
		? atomic_load(&t->entries[entry].word) : 0);
}

bool joint_moved(struct joint_table *t, uint64_t owner, struct pool_ref from,
		 struct pool_ref to)
{
	struct joint_entry *e = &t->entries[owner - t->first_owner];
	uint64_t word = atomic_load(&e->word);

	while (joint_word_object(word).bits == from.bits && !(word & PINS))
		if (atomic_compare_exchange_weak(&e->word, &word,
						 word - from.bits + to.bits))
			return true;
	return false;
}

size_t joint_len(const struct joint_table *t)
{
	uint32_t nr = atomic_load_explicit(&t->nr_cut, memory_order_relaxed);

	return entries_len(nr) + chains_len(nr);
}

void joint_fork_child(struct joint_table *t)
{
	lock_init(&t->lock, LOCK_JOINT);
	atomic_store(&t->growing, false);
	for (uint32_t i = 1; i <= t->nr_cut; i++)
		if (atomic_load(&t->entries[i].word) & PINS)
			atomic_fetch_and(&t->entries[i].word, ~PINS);
}
