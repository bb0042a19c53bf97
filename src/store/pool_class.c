/* SPDX-License-Identifier: MIT */
/*
 * How the classes are picked: from the largest slot down.  For the slot
 * length needed next, take the slab length that wastes least; widen the
 * slots to use up what remains of the slab; the next class is STEP smaller.
 * Of slab lengths that are as good but for a quarter of a step the shortest
 * is taken, since every class has a slab that is partly empty.
 *
 * Bytes used per byte packed of 170 MiB of text, JSON, programs and pointers
 * (tests/bench/bench_pack.c), headers included, when fresh, after 5 million
 * random frees and stores, and after 90 % of that was freed:
 *
 *	pages	step	classes	fresh	churned	freed
 *	12	1 %	209	1.018	1.032	1.058
 *	16	1.5 %	178	1.016	1.031	1.051
 *	16	1 %	223	1.015	1.030	1.054	<- taken
 *	24	0.7 %	255	1.012	1.029	1.062
 *	32	0.7 %	255	1.012	1.029	1.061
 */
#include "store/pool_class.h"

/* One over the smallest relative distance of two classes. */
#define CLASS_STEPS	100

/* Slots of one slab; a ref has 10 bits for the slot. */
#define SLOTS_MAX	1024

/*
 * Short slabs are made a multiple up to this, pages: a slab costs 24 bytes
 * of metadata, which is 0.6 % of one page and at most 0.12 % of five.
 */
#define SLAB_LEAST	8

/* Does A waste less than B: pages per slot, exactly? */
static bool is_denser(struct pool_shape a, struct pool_shape b)
{
	return (uint32_t)a.nr_pages * b.nr_slots <
	       (uint32_t)b.nr_pages * a.nr_slots;
}

/* The same, but for a quarter of a step. */
static bool is_nearly_as_dense(struct pool_shape a, struct pool_shape b)
{
	return (uint64_t)a.nr_pages * b.nr_slots * 4 * CLASS_STEPS <=
	       (uint64_t)b.nr_pages * a.nr_slots * (4 * CLASS_STEPS + 1);
}

static struct pool_shape shape_of(size_t slot_len, size_t nr_pages)
{
	size_t nr_slots = nr_pages * PAGE_SIZE / slot_len;
	size_t widest;

	nr_slots = min_size(nr_slots, SLOTS_MAX);
	widest = round_down(nr_pages * PAGE_SIZE / nr_slots, POOL_SLOT_ALIGN);
	return (struct pool_shape){
		.slot_len = (uint16_t)min_size(widest, POOL_SLOT_MAX),
		.nr_slots = (uint16_t)nr_slots,
		.nr_pages = (uint16_t)nr_pages,
	};
}

/* As many times as long as SLAB_LEAST allows. */
static struct pool_shape lengthen(struct pool_shape s)
{
	unsigned times = 1;

	while ((times + 1) * s.nr_pages <= SLAB_LEAST &&
	       (times + 1) * s.nr_slots < SLOTS_MAX)
		times++;
	s.nr_pages = (uint16_t)(s.nr_pages * times);
	s.nr_slots = (uint16_t)(s.nr_slots * times);
	return s;
}

static struct pool_shape best_shape(size_t slot_len)
{
	struct pool_shape best = shape_of(slot_len, 1);
	struct pool_shape s;

	for (size_t k = 2; k <= POOL_SLAB_PAGES; k++) {
		s = shape_of(slot_len, k);
		if (is_denser(s, best))
			best = s;
	}
	for (size_t k = 1; k < best.nr_pages; k++) {
		s = shape_of(slot_len, k);
		if (is_nearly_as_dense(s, best))
			return s;
	}
	return best;
}

void pool_class_derive(struct pool_classes *pc)
{
	struct pool_shape down[POOL_NR_CLASSES];
	size_t need = POOL_SLOT_MAX;
	uint32_t nr = 0;
	size_t at = 0;

	while (need >= POOL_SLOT_MIN && nr < POOL_NR_CLASSES) {
		struct pool_shape s = best_shape(need);

		if (!nr || s.slot_len < down[nr - 1].slot_len)
			down[nr++] = lengthen(s);
		need = min_size(need - POOL_SLOT_ALIGN,
				round_down(s.slot_len - s.slot_len /
					   CLASS_STEPS, POOL_SLOT_ALIGN));
	}
	pc->nr = nr;
	for (uint32_t i = 0; i < nr; i++) {
		pc->shape[i] = down[nr - 1 - i];
		for (; at * POOL_SLOT_ALIGN <= pc->shape[i].slot_len; at++)
			pc->of[at] = (uint8_t)i;
	}
}
