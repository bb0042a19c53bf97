/* SPDX-License-Identifier: MIT */
/*
 * The root for zctl core, as it is written by the process itself, and what
 * both sides have to agree on.  Context: steward.
 */
#ifndef UZ_WATCH_IMAGE_H
#define UZ_WATCH_IMAGE_H

#include "uzswap/core.h"

struct engine;

/* SIZES has UZSWAP_CORE_SIZES places. */
void image_sizes(uint32_t *sizes);

void image_fill_root(struct uzswap_core *root, const struct engine *e);

#endif
