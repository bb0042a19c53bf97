/* SPDX-License-Identifier: MIT */
/*
 * Threads that check and rewrite their memory, give it up, map it anew, move
 * it and fork, while the engine takes it away under torture, with both engines;
 * every byte is known at any time, also to the children, and the books close.
 *
 * It is made to be run with sanitizers, too (make check-sanitizers): so it is
 * linked with the engine, whose threads are pthreads then, and all that the
 * engine may have is in one stretch of addresses.
 *
 * live_race [SECONDS [SEED]] - for each engine
 */
#define _GNU_SOURCE
#include "engine/engine.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/count.h"
#include "engine/source.h"
#include "tests/preload/pattern.h"

#define THREADS	3
#define PIECE	((size_t)64)	/* pages */
#define LEN	(PIECE * PAGE)
#define STEP	(LEN + PAGE)	/* a page that is never there in between */
#define PIECES	((size_t)32)	/* of each thread; and one place to spare */
#define STRETCH	(THREADS * (PIECES + 1) * STEP)
#define LIMIT	(12 * MIB)	/* of 24 */
#define FORK_IN	16		/* steps */
#define LONG_NS	(60ull * 1000000000ull)

static struct engine engine;
static char *stretch;
static time_t end;

struct worker {
	pthread_t thread;
	uint64_t random;
	char *at[PIECES];
	uint64_t seed[PIECES];	/* 0: zeros */
	char *spare;
};

static char *map_over(char *at, int prot)
{
	unsigned pass = gate_enter(&engine.gate);

	CHECK(mmap(at, LEN, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED |
		   MAP_NORESERVE, -1, 0) == at);
	gate_leave(&engine.gate, pass);
	return at;
}

static void look(const struct worker *w, size_t i)
{
	if (w->seed[i])
		verify_all(w->at[i], PIECE, w->seed[i]);
	else
		verify_zero(w->at[i], PIECE);
}

/*
 * The old place keeps its mapping until another one is put there.  EFAULT:
 * what is registered in part is two mappings, which only the library's own
 * mremap() moves (hooks/hook_remap.c); the new place is empty now.
 */
static void move(struct worker *w, size_t i)
{
	unsigned pass = gate_enter(&engine.gate);
	char *from = w->at[i];
	char *to = mremap(from, LEN, LEN, MREMAP_MAYMOVE | MREMAP_FIXED |
			  MREMAP_DONTUNMAP, w->spare);

	gate_leave(&engine.gate, pass);
	if (to == MAP_FAILED && errno == EFAULT) {
		map_over(w->spare, PROT_NONE);
		return;
	}
	CHECK(to == w->spare);
	w->at[i] = w->spare;
	w->spare = map_over(from, PROT_NONE);
}

static void look_at_all(const struct worker *w)
{
	for (size_t i = 0; i < PIECES; i++)
		look(w, i);
}

static void rewrite(struct worker *w, size_t i)
{
	w->seed[i] = next_random(&w->random) | 1;
	fill_all(w->at[i], PIECE, w->seed[i]);
}

/* As hooks/hook_fork.c does it; the other threads go on meanwhile. */
static void fork_and_look(struct worker *w)
{
	int status;
	pid_t pid;

	fork_make_room(&engine);
	fork_hold(&engine);
	fork_prepare(&engine);
	pid = fork();
	if (pid == 0) {
		fork_child(&engine);
		look_at_all(w);
		rewrite(w, next_random(&w->random) % PIECES);
		look_at_all(w);
		/* torture may refuse it a userfaultfd: all came back then */
		CHECK(audit_wait(&engine, LONG_NS) ||
		      atomic_load(&engine.ready) == 2);
		_exit(0);
	}
	fork_parent(&engine);
	CHECK(pid > 0);
	rewrite(w, next_random(&w->random) % PIECES);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(status == 0);
}

static void step(struct worker *w)
{
	size_t i = next_random(&w->random) % PIECES;

	look(w, i);
	if (next_random(&w->random) % FORK_IN == 0)
		fork_and_look(w);
	switch (next_random(&w->random) % 16) {
	case 0 ... 1:
		CHECK(!madvise(w->at[i], LEN, MADV_DONTNEED));
		w->seed[i] = 0;
		break;
	case 2 ... 3:
		map_over(w->at[i], PROT_READ | PROT_WRITE);
		w->seed[i] = 0;
		break;
	case 4 ... 5:
		move(w, i);
		break;
	case 6 ... 9:
		break;
	default:
		rewrite(w, i);
	}
}

static void *work(void *worker)
{
	struct worker *w = worker;

	while (time(NULL) < end)
		step(w);
	look_at_all(w);
	return NULL;
}

/* Nothing but the stretch is the engine's: least of all a sanitizer's. */
static void make_stretch(void)
{
	char *p = mmap(NULL, STRETCH + PAGE, PROT_NONE, MAP_PRIVATE |
		       MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(p != MAP_FAILED);
	stretch = p + PAGE;
	exempt_add(&engine.exempt, EXEMPT_NEVER, PAGE, (uintptr_t)p);
	exempt_add(&engine.exempt, EXEMPT_NEVER, (uintptr_t)stretch + STRETCH,
		   UINTPTR_MAX & ~(PAGE - 1));
}

static void race(enum engine_kind kind, uint64_t seed)
{
	static struct worker workers[THREADS];
	const struct engine_config cfg = {
		.limit = LIMIT,
		.min_mapping = LEN,
		.accept_pct = 75,
		.codecs = CODEC_PAIR_LZ4,
		.dev_fd = -1,
		.kind = kind,
		.torture = seed,
	};

	make_stretch();
	for (size_t t = 0; t < THREADS; t++) {
		struct worker *w = &workers[t];

		w->random = seed + t;
		w->spare = stretch + (t * (PIECES + 1) + PIECES) * STEP;
		for (size_t i = 0; i < PIECES; i++)
			w->at[i] = map_over(w->spare - (i + 1) * STEP,
					    PROT_READ | PROT_WRITE);
	}
	CHECK(!engine_wake(&engine, &cfg));
	while (!atomic_load(&engine.ready))	/* a fork asks for it, too */
		thread_wait(&engine.ready, 0, LONG_NS);
	for (size_t t = 0; t < THREADS; t++)
		CHECK(!pthread_create(&workers[t].thread, NULL, work,
				      &workers[t]));
	for (size_t t = 0; t < THREADS; t++)
		CHECK(!pthread_join(workers[t].thread, NULL));
	CHECK(atomic_load(&engine.ready) == 1);
	CHECK(audit_wait(&engine, LONG_NS));
	printf("%s, seed %llu: %llu pages evicted, %llu restored, "
	       "%llu forks\n",
	       engine.use_move ? "move" : "wp", (unsigned long long)seed,
	       (unsigned long long)count_get(UZSWAP_COUNT_evicted),
	       (unsigned long long)count_get(UZSWAP_COUNT_restored),
	       (unsigned long long)count_get(UZSWAP_COUNT_forks));
	CHECK(count_get(UZSWAP_COUNT_evicted));
	CHECK(mode_go(&engine, MODE_AWAY, LONG_NS));
}

int main(int argc, char **argv)
{
	const enum engine_kind kinds[] = { ENGINE_MOVE, ENGINE_WP };
	const int seconds = argc > 1 ? atoi(argv[1]) : 2;
	const uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;

	if (!source_is_there(&(struct engine_config){ .dev_fd = -1 }))
		SKIP("no userfaultfd");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		int status;
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (!pid) {
			end = time(NULL) + seconds;
			race(kinds[i], seed);
			exit(0);
		}
		CHECK(waitpid(pid, &status, 0) == pid);
		CHECK(status == 0);
	}
	return 0;
}
