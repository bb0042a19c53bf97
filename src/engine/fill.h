/* SPDX-License-Identifier: MIT */
/*
 * How many fresh pages one fault is given: memory that is written for the
 * first time is written in order, as a rule.
 */
#ifndef UZ_ENGINE_FILL_H
#define UZ_ENGINE_FILL_H

#include "base/types.h"

struct engine;

/*
 * Pages for a fault at ADDR: BY_THREAD if its thread goes through memory in
 * order, or more where what lies before has just been given out.  They may
 * reach beyond the chunk.  Context: server, in a section.
 */
size_t fill_window(struct engine *e, uintptr_t addr, size_t by_thread);

#endif
