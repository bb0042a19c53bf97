/* SPDX-License-Identifier: MIT */
/*
 * Engine B, for kernels without UFFDIO_MOVE: pages leave in place.
 *
 * Same entry points as the first half of engine/evict.h; same contract.
 */
#ifndef UZ_ENGINE_EVICT_WP_H
#define UZ_ENGINE_EVICT_WP_H

#include "base/types.h"

struct helper;

size_t evict_wp_leave(struct helper *h, uintptr_t addr, size_t nr);
long evict_wp_pack(struct helper *h);

#endif
