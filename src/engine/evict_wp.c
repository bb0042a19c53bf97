/* SPDX-License-Identifier: MIT */
/*
 * Engine B: write-protect, pack in place, look again, drop.
 */
#include "engine/evict_wp.h"

#include "engine/engine.h"

size_t evict_wp_leave(struct helper *h, uintptr_t addr, size_t nr)
{
	(void)h;
	(void)addr;
	(void)nr;
	return 0;
}

long evict_wp_pack(struct helper *h)
{
	(void)h;
	return -1;
}
