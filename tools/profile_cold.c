/* SPDX-License-Identifier: MIT */
#include "profile_cold.h"

#include <math.h>

double profile_cold_chance(const struct profile_point *pt, uint64_t ms)
{
	switch (pt->state) {
	case UZSWAP_POINT_OUT:
	case UZSWAP_POINT_STORED:
		if (pt->idle_ms >= ms)
			return 1;
		if (pt->idle_ms + pt->slack_ms <= ms)
			return 0;
		/* in use still, maybe, and asked for in a moment */
		if (pt->idle_ms < ms / 2)
			return -1;
		return (double)(pt->idle_ms + pt->slack_ms - ms) /
		       (double)pt->slack_ms;
	case UZSWAP_POINT_USED:
		/* slack: since it was seen in use, or is watched at all */
		return pt->slack_ms < ms ? 0 : -1;
	default:
		return 0;
	}
}

double profile_cold_add(struct profile_cold *c, const struct profile_point *pt,
			uint64_t ms, double weight)
{
	double chance = profile_cold_chance(pt, ms);
	bool used = pt->uses;

	if (chance < 0) {
		c->unknown[used] += weight;
		return chance;
	}
	c->known[used] += weight;
	c->cold[used] += chance * weight;
	c->nr_known++;
	return chance;
}

double profile_cold_sum(const struct profile_cold *c)
{
	double all = c->known[0] + c->known[1] + c->unknown[1];
	double cold = c->cold[0] + c->cold[1];

	if (c->known[1] > 0)
		cold += c->unknown[1] * c->cold[1] / c->known[1];
	return all > 0 ? cold + c->unknown[0] * cold / all : 0;
}

/* With one page more of each kind: that all are alike proves not that much. */
double profile_cold_error(const struct profile_cold *c)
{
	double all = c->known[0] + c->known[1] + c->unknown[0] + c->unknown[1];
	double n = c->nr_known;
	double share = all > 0 ? profile_cold_sum(c) / all : 0;

	share = (share * n + 1) / (n + 2);
	return all * sqrt(share * (1 - share) / (n + 2));
}
