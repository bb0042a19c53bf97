/* SPDX-License-Identifier: MIT */
/*
 * The pool: packed pages ("objects") in slabs of size classes.
 *
 * A slab is a run of 1..N pages cut into equal slots; its class fixes the
 * slot size, and the slab length is chosen per class so that the least is
 * wasted (store/pool_class.h).  Each slot begins with an 8-byte header: the
 * owner (opaque to the pool: who must be told when the object moves), the
 * packed length, the codec, and some bits of checksum.
 *
 * A ref names an object until pool_drop() or until the owner has agreed to
 * a move: compaction copies the object and asks moved(); only when that
 * says yes is the old slot freed.  A caller that has claimed an object (so
 * that moved() says no) may use it without any lock.
 *
 * Locks: LOCK_CLASS per class, LOCK_SLABS for the table.  All memory is
 * from the arena.  All functions are safe from several of our threads at
 * once.  Context: server, unless noted.
 */
#ifndef UZ_STORE_POOL_H
#define UZ_STORE_POOL_H

#include "base/arena.h"
#include "base/lock.h"
#include "base/types.h"
#include "store/pool_class.h"
#include "store/slab.h"

/* 0 is no object.  At most POOL_REF_BITS bits are ever set. */
#define POOL_REF_BITS	40
struct pool_ref {
	uint64_t bits;		/* slab << 10 | slot */
};

/* Owners are below 2^36 (a page number of a 48-bit address). */
#define POOL_OWNER_BITS	36

/* Codec numbers are below 2^3. */
#define POOL_CODEC_BITS	3
#define POOL_NR_CODECS	(1u << POOL_CODEC_BITS)

/* The largest object; larger ones do not pay. */
#define POOL_MAX_LEN	3500

struct pool_config {
	struct arena *arena;
	size_t reserve_len;	/* address space to set aside, bytes */
	uint64_t max;		/* cap of RAM in slabs, bytes, 0 none */
	/*
	 * Called by pool_compact() without any pool lock: the object of
	 * OWNER has a copy at TO.  True: TO is the object from now on.
	 * False: FROM stays the object, TO is dropped.
	 */
	bool (*moved)(void *ctx, uint64_t owner, struct pool_ref from,
		      struct pool_ref to);
	void *moved_ctx;
};

/* Lists of slabs by eighths of their slots used, and one of full ones. */
#define POOL_FULL	8
#define POOL_NR_LISTS	9
#define POOL_UNLISTED	9

/*
 * In an order that a put and a drop touch three cache lines of: threads hand
 * them to each other.
 */
struct pool_class {
	struct lock lock;		/* LOCK_CLASS */
	struct pool_shape shape;	/* set once */
	uint32_t heads[POOL_NR_LISTS];	/* numbers of slabs, 0 none */
	_Atomic uint64_t nr_touched;	/* pages of RAM in all of them */
	/* relaxed: written under the lock, read for statistics */
	_Atomic uint32_t nr_by_codec[POOL_NR_CODECS];	/* objects */
	_Atomic uint32_t nr_slabs;	/* in the lists, and the draining one */
	uint32_t draining;		/* being emptied by compaction, or 0 */
	uint64_t moving;		/* bits of the ref being copied, or 0 */
	bool moving_dropped;		/* ...and it was dropped meanwhile */
	bool is_sealed;			/* slabs of an epoch before this one */
	uint16_t epoch;			/* one more with each seal */
	uint32_t nr_late;		/* dropped there and not freed yet */
	/* of objects, without headers; relaxed: as above */
	_Atomic uint64_t packed_by_codec[POOL_NR_CODECS] CACHE_ALIGNED;
	uint32_t sealed[POOL_NR_LISTS];	/* slabs of before the seal */
} CACHE_ALIGNED;

_Static_assert(offsetof(struct pool_class, sealed) == 3 * CACHE_LINE,
	       "a put writes to three lines");

struct pool {
	struct pool_config cfg;
	struct pool_classes classes;
	struct pool_class *class;	/* classes.nr of them */
	struct slab_table slabs;
	/* relaxed: limits and hints, they guard nothing */
	_Atomic uint64_t max;		/* cap of RAM in slabs, bytes, 0 none */
	_Atomic bool full;		/* at the cap; until 97 % of it */
	_Atomic bool compacting;	/* one thread at a time */
	_Atomic uint32_t nr_late;	/* entries of LATE */
	struct pool_ref *late;		/* dropped in sealed slabs */
	uint32_t most_late;		/* 0 before the first seal */
	uint32_t next_class;		/* where compaction goes on; its own */
};

struct pool_object {
	const void *buf;	/* borrowed until the object is dropped */
	size_t len;
	unsigned codec;
};

struct pool_usage {
	uint64_t objects;	/* now */
	uint64_t packed;	/* bytes of them, without headers */
	uint64_t used;		/* bytes of RAM held by slabs */
	uint64_t metadata;	/* bytes of RAM of classes and slab table */
	uint64_t nr_by_codec[POOL_NR_CODECS];		/* of the objects */
	uint64_t packed_by_codec[POOL_NR_CODECS];	/* of PACKED */
};

/* One class, for statistics; CLASS is below classes.nr. */
struct pool_class_usage {
	struct pool_shape shape;
	uint64_t slabs;
	uint64_t objects;
	uint64_t packed;	/* bytes of them, without headers */
	uint64_t used;		/* bytes of RAM */
};

/* 0 or -ENOMEM.  Context: init. */
MUST_USE int pool_start(struct pool *p, const struct pool_config *cfg);

/*
 * Keep the LEN (1..POOL_MAX_LEN) packed bytes at BUF for OWNER.
 *
 * Returns  0
 *          -ENOSPC  no memory, no address space, or at the cap
 */
MUST_USE int pool_put(struct pool *p, struct pool_ref *ref, uint64_t owner,
		      unsigned codec, const void *buf, size_t len);

/* What an object of LEN bytes takes of a full slab, bytes. */
static inline size_t pool_share(const struct pool *p, size_t len)
{
	const struct pool_shape *shape =
		&p->classes.shape[pool_class_of(&p->classes,
						len + POOL_SLOT_ALIGN)];

	return shape->nr_pages * PAGE_SIZE / shape->nr_slots;
}

/* At the cap, and not yet below 97 % of it again: a put would be refused. */
bool pool_is_full(struct pool *p);

/* A new cap, 0 none.  What is above it stays. */
void pool_set_max(struct pool *p, uint64_t max);

/*
 * Find the object of a claimed REF.
 *
 * Returns  0 or -EBADMSG: it is not what was put there
 */
MUST_USE int pool_find(const struct pool *p, struct pool_object *out,
		       struct pool_ref ref);

/* Dies if there is no such object. */
void pool_drop(struct pool *p, struct pool_ref ref);

/* The caller has claimed REF. */
void pool_set_owner(struct pool *p, struct pool_ref ref, uint64_t owner);

/*
 * Empty the emptiest slabs of classes that have more than they need, and
 * give the RAM of free slabs back; stops after about MAX_MOVES copies.
 *
 * Returns  the number of objects moved
 * Locks    takes LOCK_CLASS, LOCK_SLABS; none while in moved()
 * Context  worker; a second thread at the same time returns at once
 */
size_t pool_compact(struct pool *p, size_t max_moves);

/*
 * Look at an object that nobody has claimed: until pool_unhold() it is
 * neither freed nor moved, though its owner may drop it meanwhile.  One
 * object at a time, and no compaction beside.
 *
 * owner    out; as it is now
 *
 * Returns  0, -EBUSY, or -EBADMSG if there is no object by this name now
 * Context  worker
 */
MUST_USE int pool_hold(struct pool *p, struct pool_ref ref,
		       struct pool_object *out, uint64_t *owner);

/* MOVED: the owner has another ref now, free this one. */
void pool_unhold(struct pool *p, struct pool_ref ref, bool moved);

/* Is there an object of OWNER at REF?  For audits. */
bool pool_is_of(const struct pool *p, struct pool_ref ref, uint64_t owner);

/* The codec of the object at REF, which may be gone: a hint. */
unsigned pool_codec_of(const struct pool *p, struct pool_ref ref);

/* Take no lock. */
void pool_class_usage(const struct pool *p, unsigned class,
		      struct pool_class_usage *out);
void pool_usage(const struct pool *p, struct pool_usage *out);

/*
 * Walk everything.  Objects being put are neither free nor counted as
 * damaged, so that it may be called at any time; takes the locks in turn.
 */
bool pool_is_valid(struct pool *p);

/*
 * What there is now is shared with another process since a fork: from now on
 * nothing is written there, as that would take memory.  Puts go elsewhere,
 * and what is dropped is freed only when pool_unseal() says that the other one
 * is gone.  A second fork seals what has come since.
 * Context: worker, one at a time, and no compaction at the same time.
 */
void pool_seal(struct pool *p);
void pool_unseal(struct pool *p);

/* No store call was half-done when the process forked.  Context: child. */
void pool_fork_child(struct pool *p);

#endif
