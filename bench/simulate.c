/* SPDX-License-Identifier: MIT */
/*
 * simulate.c - which pages should stay: policies beside each other, without
 * a kernel and without time.
 *
 *	simulate [--pages N] [--memory PCT] [--accesses N] [--raw PCT]
 *		 [--trace FILE | --move PCT] [KEY=NUMBER]...
 *
 * All have the same memory, PCT of the pages (76), for resident pages,
 * stored ones (1/1.75 of a page each) and those of the RAW percent (16) that
 * do not pack: a page each wherever they are.  All pages are first written
 * in order, then read as a zipfian 0.99 says (or as in FILE, 32-bit page
 * numbers; or at random, half of the time from the first PCT percent and then
 * from the last) and, from a quarter of the accesses on, counted.
 *
 *	lfu      knows how often each page is read: the bound
 *	lru      knows each access: better than any kernel
 *	clock    two lists and accessed bits, as in Linux, with the refault
 *	         distance of mm/workingset.c
 *	uzswap   engine/cold.h: what it learns, it learns from faults
 *
 * KEYs are what uzswap can be told: soon= ticks, late= least level after a
 * late refault, top= highest level, retry= ticks until a page that does not
 * pack is tried again, wait= 1/1000 of the memory on probation, keep= highest
 * level at which the object of a restored page is kept (-1 none), stay= how
 * long a page that came back late stays, in 1/1000 of the resident (-1: until
 * the hand comes), far= how much more often such pages have to come back soon,
 * than those that the hand found, to stay longer (0: they never do), busy=
 * how many times the mean makes a chunk busy (0: none is).
 *
 * Per 1000 accesses: misses (a fault that unpacks), soft faults, pages brought
 * along with a miss, pages packed, pages that left by their kept object.
 */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simulate.h"

#define THETA		0.99
#define TICKS		16	/* in a turnover of what is resident */
#define CHUNK		512u	/* pages */
#define BLOCK		16u
#define CHANCE		64u	/* pages asked for: no busy chunk yet */
#define NONE		UINT32_MAX
#define NEVER		(UINT32_MAX / 2)	/* not written yet */

static uint64_t mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9u;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

/* What P takes when it is stored. */
static double packed_size(const struct page *p)
{
	return p->raw ? 1 : 1 / RATIO;
}

void become_stored(struct sim *s, struct page *p)
{
	p->place = STORED;
	s->here--;
	s->used += packed_size(p) - 1;
	s->evicted++;
	s->packed++;
}

void become_here(struct sim *s, struct page *p)
{
	p->place = HERE;
	s->here++;
	s->used += 1 - packed_size(p);
	s->misses++;
}

/* --- uzswap: engine/cold.c, engine/evict.c -------------------------------- */

static uint32_t tick(const struct sim *s)
{
	return (uint32_t)(s->evicted * TICKS / (uint64_t)(s->here + 1));
}

/* engine/busy.h */
static uint32_t lately(const struct sim *s, const struct spot *c)
{
	/* as more become resident, a tick lasts longer, and may come twice */
	uint32_t past = tick(s) > c->tick ? tick(s) - c->tick : 0;

	return past < 32 ? c->count >> past : 0;
}

static void note(struct sim *s, struct spot *c)
{
	c->count = lately(s, c) + 1;
	c->tick = tick(s);
}

/* At least MIN were asked for where N is, and far more than elsewhere. */
static bool stands_out(const struct sim *s, uint32_t n, uint32_t min)
{
	uint32_t count = lately(s, &s->spot[n / CHUNK]);

	return s->busy && count >= min && (uint64_t)count * (s->nr / CHUNK) >=
	       (uint64_t)s->busy * lately(s, &s->all);
}

static void note_asked(struct sim *s, uint32_t n)
{
	note(s, &s->spot[n / CHUNK]);
	note(s, &s->all);
	if (stands_out(s, n, (uint32_t)s->few))
		note(s, &s->apart);
}

static bool is_busy(const struct sim *s, uint32_t n)
{
	bool sure = 3 * lately(s, &s->apart) >= 2 * lately(s, &s->all);

	return stands_out(s, n, sure ? (uint32_t)s->few : CHANCE) &&
	       (!s->crowded || tick(s) - (s->crowded - 1) >= 2);
}

static uint8_t heat_of(int level)
{
	return (uint8_t)((1 << level) - 1);
}

static bool pack_oldest(struct sim *s)
{
	while (s->first < s->last) {
		struct page *p = &s->page[s->queue[s->first++ % s->nr]];

		if (p->place != WAITING)
			continue;
		s->waiting--;
		if (p->raw) {
			p->place = HERE;
			p->heat = 1;
			p->refused = true;
			p->left = tick(s);
			s->packed++;
			return true;
		}
		p->left = tick(s);
		become_stored(s, p);
		if (p->kept) {
			s->used -= packed_size(p);
			s->packed--;
			s->clean++;
			s->kept--;
		}
		p->kept = false;
		return true;
	}
	return false;
}

/* Counts are of an eighth of what is resident. */
static void count_left(struct sim *s, bool early)
{
	s->left[early]++;
	if (s->left[0] + s->left[1] <= s->here / 8.0)
		return;
	for (int i = 0; i < 2; i++) {
		s->left[i] /= 2;
		s->back_soon[i] /= 2;
	}
}

/* engine/early.h */
static bool is_too_early(struct sim *s)
{
	double early = s->back_soon[1] * (s->left[0] + 1);
	double found = s->back_soon[0] * (s->left[1] + 1);

	return s->far && (early > s->far * found) != (++s->asked % 32 == 0);
}

static void judge(struct sim *s, uint32_t n, bool early)
{
	struct page *p = &s->page[n];

	if (p->place != HERE)
		return;
	if (p->refused) {
		p->refused = tick(s) - p->left < (uint32_t)s->retry;
	} else if (p->heat > s->eager) {
		p->heat--;
	} else if (s->last - s->first < s->nr) {
		p->place = WAITING;
		p->early = early;
		count_left(s, early);
		s->waiting++;
		s->queue[s->last++ % s->nr] = n;
	}
}

/* The oldest that came back late, if more than may stay did; else NONE. */
static uint32_t returned(struct sim *s)
{
	const double most = (double)s->here * s->stay / 1000;

	while ((double)(s->back_last - s->back_first) > most) {
		uint32_t n = s->back[s->back_first++ % s->nr];

		if (s->page[n].place == HERE && !s->page[n].heat)
			return n;
	}
	return NONE;
}

static void make_room(struct sim *s)
{
	const double most = s->memory * s->wait / 1000;
	uint32_t looked = 0;

	if (s->used <= s->memory)
		return;
	while (s->used > s->memory - s->batch) {
		uint32_t n;

		if ((s->waiting > most || looked > s->nr) && pack_oldest(s))
			continue;
		n = s->stay >= 0 && !is_too_early(s) ? returned(s) : NONE;
		if (n != NONE) {
			judge(s, n, true);
			continue;
		}
		if (!is_busy(s, s->hand))
			judge(s, s->hand, false);
		s->hand = (s->hand + 1) % s->nr;
		if (++looked % (s->nr / 8))
			continue;
		if (s->eager >= heat_of(s->top) / 2)
			s->crowded = tick(s) + 1;
		if (s->eager < heat_of(s->top))
			s->eager = 2 * s->eager + 1;
	}
	s->eager = 0;
}

/* The pages around N, which was asked for where much is. */
static void bring_along(struct sim *s, uint32_t n)
{
	for (uint32_t i = n / BLOCK * BLOCK; i < (n / BLOCK + 1) * BLOCK; i++) {
		struct page *p = &s->page[i];

		if (i >= s->nr || p->place != STORED || p->left == NEVER)
			continue;
		become_here(s, p);
		s->misses--;
		s->ahead++;
		p->level = (uint8_t)(p->level ? p->level - 1 : 0);
		p->heat = 0;
		p->kept = false;
	}
}

static void uzswap_touch(struct sim *s, uint32_t n)
{
	struct page *p = &s->page[n];
	bool busy;

	if (p->place == HERE)
		return;
	if (p->place == WAITING) {
		p->place = HERE;
		s->waiting--;
		s->soft++;
		if (p->level < s->top)
			p->level++;
		if (p->kept)
			s->used -= packed_size(p);
		s->kept -= p->kept;
		p->kept = false;
	} else if (p->left == NEVER) {
		become_here(s, p);
		p->left = 0;
		p->heat = 1;
		make_room(s);
		return;
	} else {
		if (tick(s) - p->left < (uint32_t)s->soon)
			s->back_soon[p->early]++;
		if (tick(s) - p->left >= (uint32_t)s->soon)
			p->level = (uint8_t)(p->level > s->late
					     ? p->level - 1 : s->late);
		else if (p->level < s->top)
			p->level++;
		busy = is_busy(s, n);
		become_here(s, p);
		note_asked(s, n);
		p->kept = !busy && !p->raw && p->level <= s->keep &&
			  s->kept < s->here / TICKS;
		s->kept += p->kept;
		if (p->kept)
			s->used += packed_size(p);
		if (busy)
			bring_along(s, n);
		else if (!p->level && s->back_last - s->back_first < s->nr)
			s->back[s->back_last++ % s->nr] = n;
	}
	p->heat = heat_of(p->level);
	make_room(s);
}

/* --- the work ------------------------------------------------------------ */

static uint32_t *zipf(uint32_t nr, size_t len)
{
	uint32_t *trace = malloc(len * sizeof(*trace));
	double *sum = malloc((nr + 1) * sizeof(*sum));
	uint64_t seed = 77;

	if (!trace || !sum)
		exit(99);
	sum[0] = 0;
	for (uint32_t i = 0; i < nr; i++)
		sum[i + 1] = sum[i] + 1 / pow(i + 1, THETA);
	for (size_t k = 0; k < len; k++) {
		double u = (double)(mix(seed) >> 11) * 0x1p-53 * sum[nr];
		uint32_t lo = 0, hi = nr;

		while (hi - lo > 1) {
			uint32_t mid = lo + (hi - lo) / 2;

			*(sum[mid] <= u ? &lo : &hi) = mid;
		}
		seed += 0x9e3779b97f4a7c15u;
		/* neighbours in rank are none in memory */
		trace[k] = (uint32_t)((uint64_t)lo * 2654435761u % nr);
	}
	free(sum);
	return trace;
}

static uint32_t *move(uint32_t nr, size_t len, unsigned pct)
{
	uint32_t *trace = malloc(len * sizeof(*trace));
	const uint32_t some = (uint32_t)((uint64_t)nr * pct / 100);

	if (!trace || !some)
		exit(99);
	for (size_t k = 0; k < len; k++)
		trace[k] = (uint32_t)(mix(k + 1) % some) +
			   (k < len / 2 ? 0 : nr - some);
	return trace;
}

static uint32_t *read_trace(const char *name, size_t *len, uint32_t nr)
{
	FILE *f = fopen(name, "rb");
	uint32_t *trace = malloc(*len * sizeof(*trace));

	if (!f || !trace) {
		perror(name);
		exit(99);
	}
	*len = fread(trace, sizeof(*trace), *len, f);
	fclose(f);
	for (size_t i = 0; i < *len; i++)
		trace[i] %= nr;
	return trace;
}

struct policy {
	const char *name;
	void (*touch)(struct sim *s, uint32_t n);
};

static const struct policy policies[] = {
	{ "lru", lru_touch }, { "clock", clock_touch },
	{ "uzswap", uzswap_touch },
};

/* All stored at first; writing in order brings each in once. */
static void begin(struct sim *s, unsigned raw_pct)
{
	memset(s->page, 0, s->nr * sizeof(*s->page));
	s->used = 0;
	for (uint32_t n = 0; n < s->nr; n++) {
		struct page *p = &s->page[n];

		p->place = STORED;
		p->raw = mix(n) % 100 < raw_pct;
		p->left = NEVER;
		s->used += packed_size(p);
	}
}

static void run(struct sim s, const struct policy *policy,
		const uint32_t *trace, size_t len, unsigned raw_pct)
{
	const size_t from = len / 4;
	double per = 1000.0 / (double)(len - from);

	begin(&s, raw_pct);
	for (uint32_t n = 0; n < s.nr; n++)
		policy->touch(&s, n);
	for (size_t k = 0; k < from; k++)
		policy->touch(&s, trace[k]);
	s.misses = s.soft = s.packed = s.clean = s.ahead = 0;
	for (size_t k = from; k < len; k++)
		policy->touch(&s, trace[k]);
	printf("%-8s %8.1f %8.1f %8.1f %8.1f %8.1f %9.1f%%\n", policy->name,
	       (double)s.misses * per, (double)s.soft * per,
	       (double)s.ahead * per,
	       (double)s.packed * per, (double)s.clean * per,
	       100.0 * s.here / s.nr);
}

static void tell(struct sim *s, const char *pair)
{
	static const char *const names[] = {
		"soon", "late", "top", "retry", "wait", "keep",
		"stay", "far", "busy", "few",
	};
	int *const values[] = {
		&s->soon, &s->late, &s->top, &s->retry, &s->wait, &s->keep,
		&s->stay, &s->far, &s->busy, &s->few,
	};
	size_t n = strcspn(pair, "=");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (pair[n] && strlen(names[i]) == n &&
		    !strncmp(names[i], pair, n)) {
			*values[i] = atoi(pair + n + 1);
			return;
		}
	}
	fprintf(stderr, "simulate: what is %s?\n", pair);
	exit(99);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "pages", 1, NULL, 'p' }, { "memory", 1, NULL, 'm' },
		{ "accesses", 1, NULL, 'a' }, { "raw", 1, NULL, 'r' },
		{ "trace", 1, NULL, 't' }, { "move", 1, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	struct sim s = { .nr = 131072, .soon = 4, .late = 0, .top = 6,
			 .retry = 192, .wait = 8, .keep = 0, .stay = 4,
			 .far = 4, .busy = 2, .few = 16 };
	unsigned memory_pct = 76, raw_pct = 16, move_pct = 0;
	const char *file = NULL;
	size_t len = 2000000;
	uint32_t *trace;
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (o) {
		case 'p': s.nr = (uint32_t)strtoul(optarg, NULL, 10); break;
		case 'm': memory_pct = (unsigned)atoi(optarg); break;
		case 'a': len = strtoul(optarg, NULL, 10); break;
		case 'r': raw_pct = (unsigned)atoi(optarg); break;
		case 't': file = optarg; break;
		case 'v': move_pct = (unsigned)atoi(optarg); break;
		default: return 99;
		}
	}
	for (; optind < argc; optind++)
		tell(&s, argv[optind]);
	if (s.nr < 1024 || len < 1024)
		return 99;
	s.memory = (double)s.nr * memory_pct / 100;
	s.batch = (uint32_t)(s.memory / 256);
	s.page = calloc(s.nr, sizeof(*s.page));
	s.queue = calloc(s.nr, sizeof(*s.queue));
	s.back = calloc(s.nr, sizeof(*s.back));
	s.spot = calloc(s.nr / CHUNK + 1, sizeof(*s.spot));
	if (!s.page || !s.queue || !s.back || !s.spot)
		return 99;
	trace = file ? read_trace(file, &len, s.nr)
		: move_pct ? move(s.nr, len, move_pct) : zipf(s.nr, len);
	printf("%-8s %8s %8s %8s %8s %8s %10s\n", "per 1000", "misses",
	       "soft", "ahead", "packed", "clean", "resident");
	begin(&s, raw_pct);
	printf("%-8s %8.1f\n", "lfu", lfu(&s, trace, len / 4, len));
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++)
		run(s, &policies[i], trace, len, raw_pct);
	return 0;
}
