/* SPDX-License-Identifier: MIT */
/*
 * What the keys of zctl top do to the selected process: one request, and a
 * sentence about how it ended.
 */
#ifndef UZ_TOOLS_STEER_H
#define UZ_TOOLS_STEER_H

#include "ask.h"

#define STEER_TEXT	120

/* An amount as zctl reclaim takes it: bytes, or 0 and percent.  0 or -EINVAL */
MUST_USE int steer_amount(uint64_t *bytes, uint64_t *percent,
			  const char *text);

/* Why less was done than was asked for, in words. */
const char *steer_reason(int err);

/* Evict AMOUNT; PROGRESS as in struct ask. */
void steer_reclaim(const struct client *client, const char *amount,
		   void (*progress)(void *ctx, const struct ask_answer *a),
		   void *ctx, char text[STEER_TEXT]);

/* Store nothing new, or go on if that is so already. */
void steer_pause(const struct client *client, char text[STEER_TEXT]);

/* Restore everything, if it fits, or go on if that is so already. */
void steer_off(const struct client *client,
	       void (*progress)(void *ctx, const struct ask_answer *a),
	       void *ctx, char text[STEER_TEXT]);

#endif
