/* SPDX-License-Identifier: MIT */
/*
 * The views of a profile in a terminal: tables, bars and digits.
 */
#ifndef UZ_TOOLS_PROFILE_TEXT_H
#define UZ_TOOLS_PROFILE_TEXT_H

#include "profile_sum.h"

struct profile_text {
	uint64_t cold_ms;	/* from this age on memory is cold */
	size_t top;		/* lines of a table, 0 all */
	bool stacks;		/* whole call stacks below each site */
};

/* "python3 (pid 77)  recorded for 60s, 88.8M resident", to go on from there. */
void profile_text_process(const struct profile *p);

/* The same, and how it was sampled. */
void profile_text_head(const struct profile *p,
		       const struct profile_sum *sum);

void profile_text_sites(const struct profile *p,
			const struct profile_sum *sum,
			const struct profile_text *how);
void profile_text_ages(const struct profile *p,
		       const struct profile_sum *sum);
void profile_text_faults(const struct profile *p,
			 const struct profile_sum *sum);
void profile_text_vmas(const struct profile *p,
		       const struct profile_sum *sum,
		       const struct profile_text *how);
void profile_text_heat(const struct profile *p);

#endif
