/* SPDX-License-Identifier: MIT */
/*
 * The heat map as it is drawn: watched pages by rising address, put together
 * into columns of the same amount of memory.
 */
#ifndef UZ_TOOLS_PROFILE_HEAT_H
#define UZ_TOOLS_PROFILE_HEAT_H

#include "profile.h"

struct profile_heat_map {
	const struct profile *profile;	/* borrowed */
	uint32_t *order;		/* points of cells, by address */
	size_t nr;
	size_t columns;
};

/* 0 or -ENOMEM. */
MUST_USE int profile_heat_make(struct profile_heat_map *map,
			       const struct profile *p, size_t columns);
void profile_heat_free(struct profile_heat_map *map);

/*
 * '.' if most of the column is stored, ' ' if nothing was there, or '0' ..
 * '9' by the share of its pages that were used.
 */
char profile_heat_at(const struct profile_heat_map *map, size_t row,
		     size_t column);

/* Where a column begins. */
uint64_t profile_heat_addr(const struct profile_heat_map *map, size_t column);

#endif
