/* SPDX-License-Identifier: MIT */
/*
 * zctl stats --pool: what is in the pool, by codec, by size and by class.
 *
 * Read like the page itself (snapshot.h): with pread(), under its sequence
 * number, and every number is brought into its bounds.
 */
#ifndef UZ_TOOLS_POOL_TABLE_H
#define UZ_TOOLS_POOL_TABLE_H

#include <jansson.h>

#include "client.h"
#include "screen.h"

/* 0, -EBADMSG (an older library has none), or -errno. */
MUST_USE int pool_table_read(struct uzswap_pool *out, int fd);

enum zctl_status pool_table_print(const struct client *client,
				  const struct uzswap_pool *pool,
				  const struct screen_table_options *options);

/* "pool": {...} */
void pool_table_add(json_t *object, const struct uzswap_pool *pool);

#endif
