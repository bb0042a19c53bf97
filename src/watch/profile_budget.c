/* SPDX-License-Identifier: MIT */
#include "watch/profile_budget.h"

#define MOST_NS		((int64_t)(200 * NS_PER_MS))
#define BUSY_PART	4u	/* of one CPU: taken to be busy at least */
#define LENT_NS		((int64_t)(50 * NS_PER_MS))
#define LENT_OWN_NS	((int64_t)(100 * NS_PER_MS))
#define LENT_PER_TICK	512u	/* pages: all asked for, half of what is lent */

uint64_t profile_budget_grant(struct profile_budget *b, uint64_t passed_ns,
			      uint64_t used_ns, uint64_t took_ns,
			      uint32_t pct)
{
	uint64_t busy_ns = used_ns > passed_ns ? passed_ns
			 : max_size(used_ns, passed_ns / BUSY_PART);
	uint64_t share_ns = busy_ns / 100 * pct;

	b->program_ns += (int64_t)(share_ns - min_size(took_ns, share_ns / 2));
	if (b->program_ns > MOST_NS)
		b->program_ns = MOST_NS;
	b->own_ns += (int64_t)(passed_ns / 100 * pct);
	if (b->own_ns > MOST_NS)
		b->own_ns = MOST_NS;
	return share_ns;
}

bool profile_budget_lends(const struct profile_budget *b, uint32_t nr)
{
	if (profile_budget_allows(b))
		return true;
	return b->own_ns > -LENT_OWN_NS && b->program_ns > -LENT_NS &&
	       nr <= LENT_PER_TICK;
}
