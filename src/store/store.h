/* SPDX-License-Identifier: MIT */
/*
 * The shelf: takes the bytes of a page, gives a ref; takes a ref, gives the
 * bytes back.  Knows no addresses.
 *
 *	store_put    same-filled? -> the ref itself holds the value
 *	             equal to one that is stored? -> its object (store/joint.h)
 *	             pack (codec) -> refused if it does not pay, by the second
 *	                             codec neither
 *	                          -> pool_put
 *	store_load   the mirror image
 *	store_drop   forget an object
 *	store_repack pack an object anew, denser
 *
 * A store_ref fits in STORE_REF_BITS, so that it goes into a page word; the
 * two low bits say what it is (store/store_ref.h).  Same-filled pages whose
 * repeated 8-byte word does not fit in a ref are kept as an 8-byte object.
 *
 * Context: server.
 */
#ifndef UZ_STORE_STORE_H
#define UZ_STORE_STORE_H

#include "store/codec.h"
#include "store/joint.h"
#include "store/pool.h"

#define STORE_REF_BITS	42

struct store_ref {
	uint64_t bits;		/* 0 is none */
};

struct store_config {
	struct arena *arena;
	size_t reserve_len;	/* address space for the pool, bytes */
	uint32_t accept_pct;	/* packed size that still pays, % of a page */
	uint64_t pool_max;	/* cap of the pool in bytes, 0 none */
	struct codec_pair codecs;
	bool share_equal;	/* one object for pages with the same bytes */
	/* As in pool_config, but with store refs. */
	bool (*moved)(void *ctx, uint64_t owner, struct store_ref from,
		      struct store_ref to);
	void *moved_ctx;
};

struct store {
	struct store_config cfg;	/* set once */
	struct pool pool;
	struct joint_table joint;	/* pages with the same bytes */
	struct dict_set dicts;		/* store_train() makes them */
	struct store_training {
		struct codec_choice with;	/* the one being made */
		struct codec_choice now;	/* it has to be better */
		unsigned nr;			/* pages tried */
		size_t len_with;		/* what they came to, bytes */
		size_t len_now;
	} training;
	/* relaxed: only who trains sets it */
	_Atomic unsigned dict;		/* to pack with, plus 1; 0 none */
	/* relaxed: they guard nothing */
	_Atomic size_t max_len;		/* longest object that pays, bytes */
	_Atomic struct codec_choice first;
	_Atomic struct codec_choice second;
	_Atomic bool share_equal;
	_Atomic uint64_t nr_same CACHE_ALIGNED;	/* objects only a ref */
};

MUST_USE int store_start(struct store *s, const struct store_config *cfg);

/*
 * Keep the page at PAGE for OWNER (see pool.h), using the caller's codec
 * context.  PAGE must not change meanwhile.
 *
 * ref      out; valid until store_drop() or until moved() said yes
 *
 * Returns  0
 *          -E2BIG   it does not pay: remember and leave it alone
 *          -ENOSPC  the pool is full or there is no memory
 */
MUST_USE int store_put(struct store *s, struct store_ref *ref,
		       struct codec *codec, uint64_t owner, const void *page);

/*
 * Write the page named by REF to PAGE.
 *
 * Returns  0
 *          -EBADMSG  the object is damaged (PAGE is undefined)
 */
MUST_USE int store_load(struct store *s, struct codec *codec,
			struct store_ref ref, void *page);

/*
 * What storing the page at PAGE would take, for forecasts: bytes of pool with
 * all that an object brings along, but not what is lost to fragmentation.
 *
 * Returns  bytes, 0 for most same-filled pages, or -E2BIG: it does not pay
 */
MUST_USE long store_measure(const struct store *s, struct codec *codec,
			    const void *page);

void store_drop(struct store *s, struct store_ref ref);

/* The object now belongs to another owner (mremap moved the page). */
void store_set_owner(struct store *s, struct store_ref ref, uint64_t owner);

/* Does REF name an object of OWNER?  Same-filled pages have none: yes. */
bool store_is_of(const struct store *s, struct store_ref ref, uint64_t owner);

/*
 * Move objects from the emptiest slabs and give free slabs' RAM back; stops
 * after about MAX_MOVES objects.  Returns the number moved.
 * Context: worker.
 */
size_t store_compact(struct store *s, size_t max_moves);

enum store_repacked {
	STORE_REPACKED,
	STORE_KEPT,		/* it would gain too little */
	STORE_GONE,		/* dropped meanwhile, or in use */
};

/*
 * Pack the object at REF again with the second codec, unless that was done.
 * Nobody needs to have claimed it: like a move of compaction it ends with
 * moved().  SAVED is what it got shorter, bytes.
 * Context: worker, the one that compacts.
 */
enum store_repacked store_repack(struct store *s, struct codec *codec,
				 struct store_ref ref, size_t *saved);

/* Objects that the second codec, as it is now, has not packed yet. */
uint64_t store_nr_first(const struct store *s);

/* Is it one of these?  REF may be gone: a hint. */
bool store_is_first(const struct store *s, struct store_ref ref);

/*
 * The page of REF, which nobody needs to have claimed, into PAGE.
 * Returns  false if it is gone.  Context: as store_repack().
 */
bool store_peek(struct store *s, struct codec *codec, struct store_ref ref,
		void *page);

/*
 * Make a dictionary for the second codec of what was collected, and use it
 * if it makes the collected pages smaller than what is used now.  In steps,
 * as it takes long:
 *
 *	begin   choose a place for it
 *	make    all the work on the dictionary itself; touches nothing else
 *	try     one page, with it and without; false when none is left
 *	end     use it, or not
 *
 * Returns  0
 *          -ENOSPC  every version is needed by objects
 *          -ENOMEM  no memory, or too few pages
 *          -E2BIG   it gains too little
 * Context  as store_repack()
 */
MUST_USE int store_train_begin(struct store *s);
MUST_USE int store_train_make(struct store *s, struct dict_trainer *t);
bool store_train_try(struct store *s, struct codec *codec,
		     const struct dict_trainer *t);
MUST_USE int store_train_end(struct store *s);

/* All of it. */
MUST_USE int store_train(struct store *s, struct codec *codec,
			 struct dict_trainer *t);

/* From now on. */
void store_set_codecs(struct store *s, struct codec_pair codecs);
void store_set_accept_pct(struct store *s, uint32_t pct);
void store_set_share_equal(struct store *s, bool share_equal);
struct codec_pair store_codecs(const struct store *s);

/* A new cap of the pool in bytes, 0 none.  What is above it stays. */
void store_set_pool_max(struct store *s, uint64_t pool_max);

/* At its cap: nothing is taken until some of it is free again. */
static inline bool store_is_full(struct store *s)
{
	return pool_is_full(&s->pool);
}

struct store_usage {
	uint64_t pages;		/* objects now, same-filled ones included */
	uint64_t same;		/* of these, only a ref */
	uint64_t shared;	/* of these, with another page's object */
	uint64_t packed;	/* bytes of packed objects, without headers */
	uint64_t used;		/* bytes of RAM held by slabs */
	uint64_t metadata;	/* bytes of RAM of slab tables */
	uint64_t nr_by_codec[CODEC_NR];		/* of the objects */
	uint64_t packed_by_codec[CODEC_NR];	/* of PACKED */
};

void store_usage(const struct store *s, struct store_usage *out);

/*
 * What is stored is shared with another process from now on, or no longer;
 * see pool_seal().  Context: as there.
 */
void store_seal(struct store *s);
void store_unseal(struct store *s);

/* In the child of a fork, single-threaded: make all locks anew. */
void store_fork_child(struct store *s);

#endif
