/* SPDX-License-Identifier: MIT */
/*
 * How much of some memory is cold, by its watched pages.
 *
 * The last use of a page lies between two looks at it, and if it was not asked
 * for since for half of the time in question, that is taken to be as likely
 * at any time between them.  Of a page that was not looked at in time
 * nothing is known: it is taken for the average of those that were.  But one
 * that was seen in use before is like others that were seen in use, and in
 * use still if nobody has looked at any: pages that always are get looked at
 * less often, and would be missing on one side only.
 */
#ifndef UZ_TOOLS_PROFILE_COLD_H
#define UZ_TOOLS_PROFILE_COLD_H

#include "profile.h"

/* Index: was the page ever seen in use?  Weights are those of the caller. */
struct profile_cold {
	double known[2];
	double cold[2];		/* of known */
	double unknown[2];
	uint32_t nr_known;
};

/* The chance that PT was not used for MS; -1: nobody has looked. */
double profile_cold_chance(const struct profile_point *pt, uint64_t ms);

/* PT, which is in RAM or stored, stands for WEIGHT; returns its chance. */
double profile_cold_add(struct profile_cold *c, const struct profile_point *pt,
			uint64_t ms, double weight);

/* Of the weight of all that was added, how much is cold. */
double profile_cold_sum(const struct profile_cold *c);

/* The standard error of that, as so few pages stand for all. */
double profile_cold_error(const struct profile_cold *c);

#endif
