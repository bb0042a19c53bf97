/* SPDX-License-Identifier: MIT */
/*
 * Columns of a heat map: see profile_heat.h.
 */
#define _GNU_SOURCE
#include "profile_heat.h"

#include <errno.h>
#include <stdlib.h>

static int by_address(const void *a, const void *b, void *profile)
{
	const struct profile *p = profile;
	uint64_t x = p->points[*(const uint32_t *)a].addr;
	uint64_t y = p->points[*(const uint32_t *)b].addr;

	return x < y ? -1 : x > y;
}

int profile_heat_make(struct profile_heat_map *map, const struct profile *p,
		      size_t columns)
{
	*map = (struct profile_heat_map){
		.profile = p,
		.order = calloc(p->nr_points + 1, sizeof(*map->order)),
		.columns = columns,
	};
	if (!map->order)
		return -ENOMEM;
	for (uint32_t i = 0; i < p->nr_points; i++)
		if (p->points[i].cell)
			map->order[map->nr++] = i;
	qsort_r(map->order, map->nr, sizeof(*map->order), by_address,
		(void *)(uintptr_t)p);
	return 0;
}

void profile_heat_free(struct profile_heat_map *map)
{
	free(map->order);
	map->order = NULL;
	map->nr = 0;
}

char profile_heat_at(const struct profile_heat_map *map, size_t row,
		     size_t column)
{
	const char *heat = map->profile->rows[row].heat;
	size_t from = map->nr * column / map->columns;
	size_t to = map->nr * (column + 1) / map->columns;
	unsigned n = 0;
	unsigned used = 0;
	unsigned stored = 0;

	/* fewer pages than columns: some show the same one */
	for (size_t i = from; i < map->nr && (i < to || i == from); i++) {
		char c = heat[map->order[i]];

		n += c != ' ';
		used += c == '9';
		stored += c == '.';
	}
	if (!n)
		return ' ';
	return stored > n / 2 ? '.' : (char)('0' + used * 9 / n);
}

uint64_t profile_heat_addr(const struct profile_heat_map *map, size_t column)
{
	size_t at = map->nr * column / map->columns;

	return at < map->nr ? map->profile->points[map->order[at]].addr : 0;
}
