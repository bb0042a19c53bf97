/* SPDX-License-Identifier: MIT */
/*
 * Pieces of the threads lie side by side: mappings merge, and what the engine
 * takes or brings along is of several threads.  A thread moves a piece to a
 * place that it has to spare.  The common pages are read by all.
 */
#include "tests/model/twin.h"

#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "tests/fake/actor.h"
#include "tests/fake/memory.h"
#include "tests/fake/program.h"

#define TWINS		3u
#define PIECES		6u
#define PIECE		16u	/* pages */
#define FORK_IN		40u
#define LONG_NS		(60 * NS_PER_S)

struct piece {
	uintptr_t at;
	uint64_t seed[PIECE];	/* 0: zeros */
};

struct twin {
	struct piece pieces[PIECES];
	uintptr_t spare;
	_Atomic bool busy;
};

static struct engine *engine;
static struct twin twins[TWINS];
static struct piece common[2];
static unsigned nr_steps;
static bool may_fork;
static bool slow_forks;		/* MODEL_SLOW_FORKS in the environment */
static uint64_t seeds;

/* --- bytes ---------------------------------------------------------------- */

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

/* Some pack well, some to nothing, some do not pay; some are equal. */
static void make_page(uint64_t page[PAGE_SIZE / 8], uint64_t seed)
{
	const unsigned period = seed % 8 == 1 ? 1 : seed % 8 == 2 ? 512 : 61;

	if (seed % 8 == 3)
		seed = 3 + seed % 64;
	for (size_t i = 0; i < PAGE_SIZE / 8; i++)
		page[i] = seed ? mix(seed * 977 + i % period) : 0;
}

static void look_at(uintptr_t addr, uint64_t seed)
{
	uint64_t is[PAGE_SIZE / 8];
	uint64_t should_be[PAGE_SIZE / 8];

	make_page(should_be, seed);
	TWIN_CHECK(program_read(addr, is));
	if (!memcmp(is, should_be, PAGE_SIZE))
		return;
	for (size_t i = 0; i < PAGE_SIZE / 8; i++) {
		if (is[i] == should_be[i])
			continue;
		fprintf(stderr, "# page %#lx: word %zu is %#lx, not %#lx\n",
			addr, i, is[i], should_be[i]);
		break;
	}
	_exit(1);
}

static void write_page(struct piece *p, size_t i)
{
	uint64_t page[PAGE_SIZE / 8];

	p->seed[i] = mix(actor_random(1u << 30) + seeds) | 1;
	p->seed[i] = (p->seed[i] & ~(uint64_t)7) | actor_random(8);
	make_page(page, p->seed[i]);
	TWIN_CHECK(program_write(p->at + i * PAGE_SIZE, page));
}

static void look(const struct piece *p)
{
	for (size_t i = 0; i < PIECE; i++)
		look_at(p->at + i * PAGE_SIZE, p->seed[i]);
}

static void look_at_own(const struct twin *t)
{
	for (size_t i = 0; i < PIECES; i++)
		look(&t->pieces[i]);
}

void twin_look_at_all(void)
{
	for (size_t i = 0; i < TWINS; i++)
		look_at_own(&twins[i]);
	look(&common[0]);
	look(&common[1]);
}

/* --- what a thread does --------------------------------------------------- */

static void give_up(struct piece *p, size_t from, size_t nr)
{
	TWIN_CHECK(program_dontneed(p->at + from * PAGE_SIZE, nr));
	memset(p->seed + from, 0, nr * sizeof(p->seed[0]));
}

static void map_anew(struct piece *p, size_t from, size_t nr, bool gap)
{
	const uintptr_t at = p->at + from * PAGE_SIZE;
	const unsigned pass = gate_enter(&engine->gate);

	if (gap)
		program_unmap(at, nr);
	program_map(at, nr);
	gate_leave(&engine->gate, pass);
	memset(p->seed + from, 0, nr * sizeof(p->seed[0]));
}

/* As hooks/hook_remap.c: nothing is registered meanwhile. */
static void move(struct twin *t, struct piece *p, bool keep)
{
	const uintptr_t from = p->at;
	unsigned pass;
	bool moved;

	still_begin(&engine->still);
	pass = gate_enter(&engine->gate);
	moved = program_remap(from, t->spare, PIECE, keep);
	if (moved && keep)
		program_unmap(from, PIECE);
	gate_leave(&engine->gate, pass);
	still_end(&engine->still);
	if (!moved)
		return;
	p->at = t->spare;
	t->spare = from;
}

static void pin(struct piece *p, size_t from, size_t nr)
{
	program_pin(p->at + from * PAGE_SIZE, nr, true);
	look(p);
	program_pin(p->at + from * PAGE_SIZE, nr, false);
}

static void keep_locked(struct piece *p, size_t from, size_t nr)
{
	program_lock(p->at + from * PAGE_SIZE, nr, true);
	look(p);
	program_lock(p->at + from * PAGE_SIZE, nr, false);
}

/* As hooks/hook_fork.c; the other threads go on meanwhile. */
static void fork_and_look(struct twin *t)
{
	const bool up = atomic_load(&engine->ready) == 1;
	int status;
	pid_t pid;

	if (up) {
		fork_make_room(engine);
		fork_hold(engine);
		fork_prepare(engine);
	}
	/* the kernel takes its time, before and after it has copied a page */
	if (slow_forks)
		program_think(actor_random(NS_PER_MS));
	pid = program_fork();
	if (pid > 0 && slow_forks)
		program_think(actor_random(NS_PER_MS));
	if (pid == 0) {
		if (up)
			fork_child(engine);
		look_at_own(t);
		for (size_t i = 0; i < PIECES; i++)
			write_page(&t->pieces[i], actor_random(PIECE));
		look_at_own(t);
		TWIN_CHECK(!up || audit_wait(engine, LONG_NS) ||
			   atomic_load(&engine->ready) == 2);
		_exit(0);
	}
	if (up)
		fork_parent(engine);
	TWIN_CHECK(pid > 0);
	write_page(&t->pieces[actor_random(PIECES)], actor_random(PIECE));
	status = program_wait(pid);
	if (status)
		fprintf(stderr, "# a child ended with %#x\n",
			(unsigned)status);
	TWIN_CHECK(!status);
}

static void step(struct twin *t)
{
	struct piece *p = &t->pieces[actor_random(PIECES)];
	const size_t from = actor_random(PIECE);
	const size_t nr = 1 + actor_random(PIECE - from);

	if (may_fork && actor_random(FORK_IN) == 0)
		fork_and_look(t);
	if (actor_random(4) == 0)
		program_think(actor_random(NS_PER_MS));
	switch (actor_random(16)) {
	case 0 ... 1:
		give_up(p, from, nr);
		break;
	case 2:
		map_anew(p, from, nr, actor_random(2));
		break;
	case 3 ... 4:
		move(t, p, actor_random(2));
		break;
	case 5:
		pin(p, from, nr);
		break;
	case 6:
		keep_locked(p, from, nr);
		break;
	case 7:
		look(&common[actor_random(2)]);
		break;
	case 8 ... 11:
		for (size_t i = 0; i < nr; i++)
			write_page(p, from + i);
		break;
	case 12 ... 13:
		look(p);
		break;
	default:
		look_at(p->at + from * PAGE_SIZE, p->seed[from]);
	}
}

void twin_run(struct twin *t)
{
	for (unsigned i = 0; i < nr_steps; i++)
		step(t);
	look_at_own(t);
	atomic_store(&t->busy, false);
}

bool twin_is_busy(void)
{
	for (size_t i = 0; i < TWINS; i++)
		if (atomic_load(&twins[i].busy))
			return true;
	return false;
}

struct twin *twin_of(unsigned thread)
{
	return &twins[thread];
}

static uintptr_t make_piece(struct piece *p, uintptr_t at)
{
	p->at = at;
	program_map(at, PIECE);
	for (size_t i = 0; i < PIECE; i++)
		write_page(p, i);
	return at + PIECE * PAGE_SIZE;
}

void twin_start(struct engine *e, uint64_t seed, unsigned steps, bool forks)
{
	uintptr_t at = memory_program() + 3 * PAGE_SIZE;

	engine = e;
	seeds = seed << 32;
	nr_steps = steps;
	may_fork = forks;
	slow_forks = getenv("MODEL_SLOW_FORKS");
	for (size_t t = 0; t < TWINS; t++) {
		for (size_t i = 0; i < PIECES; i++)
			at = make_piece(&twins[t].pieces[i], at);
		twins[t].spare = at;
		at += PIECE * PAGE_SIZE;
		atomic_init(&twins[t].busy, true);
	}
	at = make_piece(&common[0], at);
	make_piece(&common[1], at);
}
