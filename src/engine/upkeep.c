/* SPDX-License-Identifier: MIT */
/*
 * A pass goes over the page words, a few at a time in a section, and works
 * on what it has found there outside of sections, by ref: the store makes
 * sure that an object stays while it is looked at, and moved() that the page
 * is still there when it has been packed anew.
 *
 * Each step is short (fork waits for it), and nothing is held between two.
 */
#include "engine/upkeep.h"

#include <errno.h>

#include "base/count.h"
#include "base/log.h"
#include "base/sys.h"
#include "engine/engine.h"

#define COMPACT_MOVES	64	/* objects moved between two looks */
#define TICK_NS		(20 * NS_PER_MS)
#define COMPACT_PART	4	/* of a CPU, at most */

#define STEP_PAGES	64u	/* words looked at in one section */
#define STEP_REFS	8u	/* found in it: 8 ms at the slowest level */

/* Unused budget does not pile up: so much at a time. */
#define BUDGET_MAX_NS	((int64_t)(10 * NS_PER_MS))

/*
 * A dictionary costs 0.3 MiB, a large one 1.4: worth it when so many pages
 * are stored (64 MiB).  A new one is tried when eight times as many as
 * DICT_NR of those have gone in, so that versions last as long as what they
 * are made for, and when the second codec is another one.
 */
#define TRAIN_PAGES	16384u
#define TRAIN_AGAIN	(8 * (uint64_t)TRAIN_PAGES)

int upkeep_init(struct engine *e, uint64_t idle_ms, uint32_t cpu_pct)
{
	upkeep_set(e, idle_ms, cpu_pct);
	return dict_trainer_init(&e->upkeep.trainer, &e->arena);
}

void upkeep_set(struct engine *e, uint64_t idle_ms, uint32_t cpu_pct)
{
	atomic_store_explicit(&e->upkeep.idle_ms, idle_ms,
			      memory_order_relaxed);
	atomic_store_explicit(&e->upkeep.cpu_pct, cpu_pct,
			      memory_order_relaxed);
}

void upkeep_fork_child(struct engine *e)
{
	struct upkeep *u = &e->upkeep;

	u->hand = 0;
	u->stride = 0;
	u->budget_ns = 0;
	dict_trainer_reset(&u->trainer, &e->arena, 0);
}

/* --- compaction */

/* Until nothing is left to move, or its share of the time is used up. */
static void compact(struct helper *h, uint64_t now_ns)
{
	struct engine *e = h->engine;
	struct upkeep *u = &e->upkeep;
	uint64_t since = now_ns - u->compact_ns;
	uint64_t start = sys_cpu_ns();
	uint64_t most = (since < NS_PER_S ? since : NS_PER_S) / COMPACT_PART;
	uint64_t used = 0;
	size_t moved = COMPACT_MOVES;

	u->compact_ns = now_ns;
	while (moved >= COMPACT_MOVES && used < most &&
	       fork_work_begin(&e->fork)) {
		moved = store_compact(&e->store, COMPACT_MOVES);
		fork_work_end(&e->fork);
		count_add(UZSWAP_COUNT_compacted, moved);
		used = sys_cpu_ns() - start;
	}
	count_add(UZSWAP_COUNT_compact_cpu_ns, sys_cpu_ns() - start);
}

/* --- packing again */

/* The pages of one step that are to be packed anew, or sampled. */
struct step {
	struct store_ref refs[STEP_REFS];
	unsigned nr;
};

/* Mark the page; true if it was idle already. */
static bool is_idle(struct engine *e, page_word *w, uint64_t old)
{
	switch (page_idle(old)) {
	case PAGE_IDLE_NEW:
		/* a change in between: it is not idle */
		page_shift(&e->pages, w, &old,
			   page_with_idle(old, PAGE_IDLE_SEEN));
		return false;
	case PAGE_IDLE_SEEN:
		return page_shift(&e->pages, w, &old,
				  page_with_idle(old, PAGE_IDLE_DONE));
	case PAGE_IDLE_DONE:
		break;
	}
	return false;
}

/* One page of STRIDE stored ones. */
static bool is_sample(struct upkeep *u)
{
	if (++u->skipped < u->stride)
		return false;
	u->skipped = 0;
	return true;
}

/* Look at the next few words; false at the end of the pass. */
static bool look(struct helper *h, struct step *s)
{
	struct engine *e = h->engine;
	struct upkeep *u = &e->upkeep;
	struct chunk *c;
	uintptr_t end;

	s->nr = 0;
	order_enter(&e->order, h->slot);
	c = page_next_chunk(&e->pages, u->hand, UINTPTR_MAX);
	if (c && u->hand < c->base)
		u->hand = c->base;
	end = c ? min_size(u->hand + STEP_PAGES * PAGE_SIZE,
			   c->base + CHUNK_SIZE) : 0;
	for (; u->hand < end && s->nr < STEP_REFS; u->hand += PAGE_SIZE) {
		page_word *w = &c->words[(u->hand - c->base) >> PAGE_SHIFT];
		uint64_t old = atomic_load(w);
		struct store_ref ref = { page_where(old) };

		if (page_state(old) != PAGE_STORED ||
		    !store_is_first(&e->store, ref))
			continue;
		if (u->stride ? is_sample(u) : is_idle(e, w, old))
			s->refs[s->nr++] = ref;
	}
	order_leave(&e->order, h->slot);
	return c;
}

static void repack(struct helper *h, struct step *s)
{
	struct engine *e = h->engine;
	uint64_t gone = 0;
	uint64_t done = 0;
	size_t sum = 0;

	for (unsigned i = 0; i < s->nr && fork_work_begin(&e->fork); i++) {
		size_t saved;

		switch (store_repack(&e->store, h->codec, s->refs[i],
				     &saved)) {
		case STORE_REPACKED:
			done++;
			sum += saved;
			break;
		case STORE_KEPT:
			break;
		case STORE_GONE:
			gone++;
			break;
		}
		fork_work_end(&e->fork);
	}
	count_add(UZSWAP_COUNT_repacked, done);
	count_add(UZSWAP_COUNT_repack_kept, s->nr - done - gone);
	count_add(UZSWAP_COUNT_repack_saved, sum);
}

static void sample(struct helper *h, struct step *s)
{
	struct engine *e = h->engine;
	struct dict_trainer *t = &e->upkeep.trainer;

	for (unsigned i = 0; i < s->nr && fork_work_begin(&e->fork); i++) {
		void *page = dict_trainer_next(t);

		if (page && !store_peek(&e->store, h->codec, s->refs[i], page))
			dict_trainer_undo(t);
		fork_work_end(&e->fork);
	}
}

/* Is it time for a dictionary for SECOND? */
static bool is_training_due(const struct engine *e, struct codec_choice second)
{
	const struct upkeep *u = &e->upkeep;

	if (store_nr_first(&e->store) < TRAIN_PAGES)
		return false;
	return u->trained_for.id != second.id ||
	       u->trained_for.level != second.level ||
	       count_get(UZSWAP_COUNT_evicted) - u->trained_at >= TRAIN_AGAIN;
}

/* Would a (new) dictionary pay?  Then collect pages in this pass. */
static void begin_pass(struct engine *e)
{
	struct codec_choice second = store_codecs(&e->store).second;
	struct upkeep *u = &e->upkeep;
	uint64_t nr = store_nr_first(&e->store);

	u->hand = 0;
	u->stride = 0;
	if (!is_training_due(e, second))
		return;
	u->trained_at = count_get(UZSWAP_COUNT_evicted);
	u->trained_for = second;
	dict_trainer_reset(&u->trainer, &e->arena, nr);
	/* a few may be gone when they are looked at */
	u->stride = (uint32_t)(nr * 3 / 4 / u->trainer.nr_wanted);
	u->skipped = 0;
}

/*
 * Make one of what was collected.  A fork need not wait for the making: the
 * child forgets it, and nothing else was touched.
 */
static int train(struct helper *h)
{
	struct engine *e = h->engine;
	struct dict_trainer *t = &e->upkeep.trainer;
	bool more = true;
	int ret = -EBUSY;

	if (fork_work_begin(&e->fork)) {
		ret = store_train_begin(&e->store);
		fork_work_end(&e->fork);
	}
	if (!ret)
		ret = store_train_make(&e->store, t);
	while (!ret && more) {
		if (!fork_work_begin(&e->fork))
			return -EBUSY;
		more = store_train_try(&e->store, h->codec, t);
		if (!more)
			ret = store_train_end(&e->store);
		fork_work_end(&e->fork);
	}
	return ret;
}

static void end_pass(struct helper *h, uint64_t now_ns)
{
	struct engine *e = h->engine;
	struct upkeep *u = &e->upkeep;

	if (u->stride) {
		switch (train(h)) {
		case 0:
			count_one(UZSWAP_COUNT_dictionaries);
			log_debug("a new dictionary is in use", NULL);
			break;
		case -EBUSY:
			u->trained_for.id = CODEC_RAW;	/* try again */
			break;
		}
		dict_trainer_reset(&u->trainer, &e->arena, 0);
		u->hand = 0;
		u->stride = 0;
		return;
	}
	u->passed_ns = now_ns;
	begin_pass(e);
}

/* Spend the budget. */
static void pass(struct helper *h, uint64_t now_ns)
{
	struct engine *e = h->engine;
	struct upkeep *u = &e->upkeep;
	uint64_t idle_ns = NS_PER_MS *
		atomic_load_explicit(&u->idle_ms, memory_order_relaxed);
	uint64_t start = sys_cpu_ns();
	uint64_t used = 0;
	struct step s;

	if (!u->hand && now_ns - u->passed_ns < idle_ns && !u->stride)
		return;
	while ((int64_t)used < u->budget_ns) {
		if (!look(h, &s)) {
			end_pass(h, now_ns);
			break;
		}
		if (u->stride)
			sample(h, &s);
		else
			repack(h, &s);
		used = sys_cpu_ns() - start;
	}
	used = sys_cpu_ns() - start;
	u->budget_ns -= (int64_t)used;
	count_add(UZSWAP_COUNT_repack_cpu_ns, used);
}

void upkeep_run(struct helper *h)
{
	struct engine *e = h->engine;
	struct upkeep *u = &e->upkeep;
	uint64_t now_ns = sys_now_ns();
	uint64_t since = now_ns - u->last_ns;

	/* what is shared since a fork would take memory by being changed */
	if (since < TICK_NS || atomic_load(&e->fork.shares))
		return;
	u->last_ns = now_ns;
	compact(h, now_ns);
	if (store_codecs(&e->store).second.id == CODEC_RAW)
		return;
	u->budget_ns += (int64_t)(since < NS_PER_S ? since : NS_PER_S) *
			atomic_load_explicit(&u->cpu_pct,
					     memory_order_relaxed) / 100;
	if (u->budget_ns > BUDGET_MAX_NS)
		u->budget_ns = BUDGET_MAX_NS;
	if (u->budget_ns > 0)
		pass(h, now_ns);
}
