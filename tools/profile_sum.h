/* SPDX-License-Identifier: MIT */
/*
 * What a profile says: sums over its points, by age and by site.
 *
 * Points of cells stand for all memory; they are scaled so that together
 * they are what is resident, which is counted exactly.  The share of a site
 * that is cold is that of its points; its bytes are those of its samples.
 */
#ifndef UZ_TOOLS_PROFILE_SUM_H
#define UZ_TOOLS_PROFILE_SUM_H

#include "profile.h"
#include "profile_cold.h"

#define PROFILE_NR_AGES	12

extern const uint64_t profile_ages_ms[PROFILE_NR_AGES];

/* Memory not used for profile_ages_ms[i] or longer. */
struct profile_age {
	double cold;		/* bytes, stored ones included */
	double error;		/* standard error of cold */
	double stored;		/* part of cold that is stored already */
	double pool;		/* RAM that storing all of it would take */
	double refused;		/* part of cold that does not pay */
	double faults_per_s;	/* pages that would have been asked for */
};

struct profile_site_sum {
	uint32_t site;
	double bytes;		/* alive */
	double error;		/* standard error of bytes, by sampling */
	double count;
	double resident;
	double stored;
	double cold;		/* for the age asked, stored included */
	double cold_error;	/* standard error of cold */
	double pool;		/* RAM that storing cold would take */
	double idle_ms;		/* average of what is cold, at least */
	double slack_ms;	/* average of all by which ages may be short */
	double uses;		/* of its points */
	uint32_t nr_points;
};

struct profile_sum {
	double cells;		/* bytes that points of cells stand for */
	double scale;		/* bytes in RAM or stored, per point */
	double ratio;		/* packed share of a page, measured, 0..1 */
	uint64_t slack_ms;	/* 19 of 20 ages are true to that */
	struct profile_age ages[PROFILE_NR_AGES];
	/* stored, would be: 0, <= 25 %, <= 50 %, <= 75 %, more, not tried */
	double packed[6];
	struct profile_site_sum *sites;	/* by cold, most first */
	size_t nr_sites;
	struct profile_site_sum all;	/* the sum of sites */
};

/* COLD_MS is the age from which memory counts as cold.  0 or -ENOMEM. */
MUST_USE int profile_sum_make(struct profile_sum *sum,
			      const struct profile *p, uint64_t cold_ms);
void profile_sum_free(struct profile_sum *sum);

/* Memory not used for MS or longer. */
void profile_sum_age(struct profile_age *age, const struct profile_sum *sum,
		     const struct profile *p, uint64_t ms);

#endif
