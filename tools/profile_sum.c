/* SPDX-License-Identifier: MIT */
/*
 * Sums over the points of a profile: see profile_sum.h.
 *
 * What storing a page takes is what was measured on it, plus eight bytes for
 * its word of state; pages that were not measured, as they were never idle
 * long enough, are taken for the average.
 */
#include "profile_sum.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WORD_BYTES	8.0	/* of bookkeeping per page */
#define POOL_LOSS	1.03	/* pool used per packed byte, at rest */

const uint64_t profile_ages_ms[PROFILE_NR_AGES] = {
	1000, 2000, 5000, 10000, 20000, 30000, 60000, 120000, 300000, 600000,
	1800000, 3600000,
};

static bool is_there(const struct profile_point *pt)
{
	return pt->state == UZSWAP_POINT_USED ||
	       pt->state == UZSWAP_POINT_OUT ||
	       pt->state == UZSWAP_POINT_STORED ||
	       pt->state == UZSWAP_POINT_STUCK;
}

/* Share of a page that it takes in the pool; 1 does not pay. */
static double share_of(const struct profile_point *pt, double average)
{
	double bytes;

	if (pt->packed == UZSWAP_POINT_UNKNOWN)
		return average;
	if (pt->packed >= PROFILE_PAGE)
		return 1;
	bytes = pt->packed * POOL_LOSS + WORD_BYTES;
	return fmin(bytes / PROFILE_PAGE, 1);
}

static void find_ratio(struct profile_sum *sum, const struct profile *p)
{
	double n = 0;
	double all = 0;

	for (size_t i = 0; i < p->nr_points; i++) {
		const struct profile_point *pt = &p->points[i];

		if (!pt->cell || !is_there(pt) ||
		    pt->packed == UZSWAP_POINT_UNKNOWN)
			continue;
		n++;
		all += share_of(pt, 0);
	}
	sum->ratio = n ? all / n : 0.5;
}

static void sum_cells(struct profile_sum *sum, const struct profile *p)
{
	double nr = 0;

	for (size_t i = 0; i < p->nr_points; i++)
		nr += p->points[i].cell && is_there(&p->points[i]);
	sum->cells = nr * (double)p->cell;
	sum->scale = nr ? (double)(p->resident + p->stored) / nr : 0;
}

/*
 * Of the pages in bucket I, used again after 2^I ms or up to twice that, the
 * share that was idle for MS.
 */
static double share_after(unsigned i, uint64_t ms)
{
	double least = i ? (double)((uint64_t)1 << i) : 0;
	double most = (double)((uint64_t)2 << i);

	return fmin(fmax((most - (double)ms) / (most - least), 0), 1);
}

void profile_sum_age(struct profile_age *age, const struct profile_sum *sum,
		     const struct profile *p, uint64_t ms)
{
	struct profile_cold cold = { 0 };
	double seen;
	double more;

	memset(age, 0, sizeof(*age));
	for (size_t i = 0; i < p->nr_points; i++) {
		const struct profile_point *pt = &p->points[i];
		double share = share_of(pt, sum->ratio);
		double bytes;

		if (!pt->cell || !is_there(pt))
			continue;
		bytes = profile_cold_add(&cold, pt, ms, sum->scale);
		if (bytes <= 0)
			continue;
		bytes *= sum->scale;
		if (pt->state == UZSWAP_POINT_STORED)
			age->stored += bytes;
		if (share >= 1)
			age->refused += bytes;
		else
			age->pool += bytes * share;
	}
	seen = cold.cold[0] + cold.cold[1];
	age->cold = profile_cold_sum(&cold);
	age->error = profile_cold_error(&cold);
	/* what was not looked at is like the rest */
	more = seen > 0 ? age->cold / seen : 1;
	age->refused *= more;
	age->pool *= more;
	for (unsigned i = 0; i < UZSWAP_PROFILE_REUSE; i++)
		age->faults_per_s += (double)p->reuse[i] * share_after(i, ms);
	if (p->lasted_ms)
		age->faults_per_s *= 1000.0 / (double)p->lasted_ms;
}

static void sum_packed(struct profile_sum *sum, const struct profile *p)
{
	for (size_t i = 0; i < p->nr_points; i++) {
		const struct profile_point *pt = &p->points[i];
		unsigned at;

		if (!pt->cell || !is_there(pt))
			continue;
		if (pt->packed == UZSWAP_POINT_UNKNOWN)
			at = 5;
		else if (pt->packed >= PROFILE_PAGE)
			at = 4;
		else if (pt->packed == 0)
			at = 0;
		else if (pt->packed <= PROFILE_PAGE / 4)
			at = 1;
		else
			at = pt->packed <= PROFILE_PAGE / 2 ? 2 : 3;
		sum->packed[at] += sum->scale;
	}
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The 95th percentile: a page that could not be moved for long is no rule. */
static int find_slack(struct profile_sum *sum, const struct profile *p)
{
	uint64_t *all = calloc(p->nr_points + 1, sizeof(*all));
	size_t nr = 0;

	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < p->nr_points; i++)
		if (is_there(&p->points[i]) &&
		    p->points[i].state != UZSWAP_POINT_STUCK)
			all[nr++] = p->points[i].slack_ms;
	qsort(all, nr, sizeof(*all), compare_u64);
	sum->slack_ms = nr ? all[nr - 1 - nr / 20] : 0;
	free(all);
	return 0;
}

/* --- sites --------------------------------------------------------------- */

/* What the points of a site say, in bytes they stand for. */
struct tally {
	double all;
	double resident;
	double stored;
	struct profile_cold cold;
	double pool;		/* of those known to be cold */
	double idle_ms;		/* times bytes, of these */
	double slack_ms;	/* times bytes, of all */
	double uses;
	uint32_t nr;
};

static void tally_point(struct tally *t, const struct profile_sum *sum,
			const struct profile_point *pt, uint64_t cold_ms)
{
	double b = pt->site_bytes;
	double chance;

	t->nr++;
	t->all += b;
	t->uses += pt->uses;
	if (!is_there(pt))
		return;
	t->slack_ms += b * (double)pt->slack_ms;
	if (pt->state == UZSWAP_POINT_STORED)
		t->stored += b;
	else
		t->resident += b;
	chance = profile_cold_add(&t->cold, pt, cold_ms, b);
	if (chance <= 0)
		return;
	t->pool += chance * b * share_of(pt, sum->ratio);
	t->idle_ms += chance * b * fmax((double)pt->idle_ms, (double)cold_ms);
}

static void settle_site(struct profile_site_sum *to, const struct tally *t)
{
	double scale = t->all > 0 ? to->bytes / t->all : 0;
	double seen = t->cold.cold[0] + t->cold.cold[1];
	double cold = profile_cold_sum(&t->cold);

	to->resident = t->resident * scale;
	to->stored = t->stored * scale;
	to->cold = cold * scale;
	to->cold_error = hypot(profile_cold_error(&t->cold) * scale,
			       to->bytes > 0 ? to->error * to->cold / to->bytes
					     : 0);
	to->pool = seen > 0 ? t->pool * scale * cold / seen : 0;
	to->idle_ms = seen > 0 ? t->idle_ms / seen : 0;
	to->slack_ms = t->slack_ms / fmax(t->resident + t->stored, 1);
	to->uses = t->uses;
	to->nr_points = t->nr;
}

static int by_cold(const void *a, const void *b)
{
	const struct profile_site_sum *x = a;
	const struct profile_site_sum *y = b;

	if (x->cold != y->cold)
		return x->cold < y->cold ? 1 : -1;
	return x->bytes < y->bytes ? 1 : x->bytes > y->bytes ? -1 : 0;
}

static int sum_sites(struct profile_sum *sum, const struct profile *p,
		     uint64_t cold_ms)
{
	struct tally *tallies = calloc(p->nr_sites + 1, sizeof(*tallies));

	sum->sites = calloc(p->nr_sites + 1, sizeof(*sum->sites));
	if (!tallies || !sum->sites) {
		free(tallies);
		return -ENOMEM;
	}
	for (size_t i = 0; i < p->nr_points; i++)
		if (p->points[i].site < p->nr_sites)
			tally_point(&tallies[p->points[i].site], sum,
				    &p->points[i], cold_ms);
	for (uint32_t i = 0; i < p->nr_sites; i++) {
		struct profile_site_sum *to = &sum->sites[sum->nr_sites];

		if (p->sites[i].bytes <= 0)
			continue;
		to->site = i;
		to->bytes = p->sites[i].bytes;
		to->error = sqrt(fmax(p->sites[i].variance, 0));
		to->count = p->sites[i].count;
		settle_site(to, &tallies[i]);
		sum->all.bytes += to->bytes;
		sum->all.resident += to->resident;
		sum->all.stored += to->stored;
		sum->all.cold += to->cold;
		sum->all.pool += to->pool;
		sum->nr_sites++;
	}
	qsort(sum->sites, sum->nr_sites, sizeof(*sum->sites), by_cold);
	free(tallies);
	return 0;
}

int profile_sum_make(struct profile_sum *sum, const struct profile *p,
		     uint64_t cold_ms)
{
	memset(sum, 0, sizeof(*sum));
	find_ratio(sum, p);
	sum_cells(sum, p);
	sum_packed(sum, p);
	for (unsigned i = 0; i < PROFILE_NR_AGES; i++)
		profile_sum_age(&sum->ages[i], sum, p, profile_ages_ms[i]);
	if (find_slack(sum, p))
		return -ENOMEM;
	return sum_sites(sum, p, cold_ms);
}

void profile_sum_free(struct profile_sum *sum)
{
	free(sum->sites);
	sum->sites = NULL;
	sum->nr_sites = 0;
}
