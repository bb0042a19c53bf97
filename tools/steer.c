/* SPDX-License-Identifier: MIT */
/*
 * The keys of zctl top that change something: see steer.h.
 */
#include "steer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "units.h"

#define WORK_NS	60000000000ull	/* the screen stands still meanwhile */

int steer_amount(uint64_t *bytes, uint64_t *percent, const char *text)
{
	int ret;

	*bytes = 0;
	*percent = 0;
	if (strcmp(text, "all") == 0) {
		*percent = 100;
		return 0;
	}
	ret = strchr(text, '%') ? units_parse_percent(percent, text)
				: units_parse_size(bytes, text);
	return ret < 0 || (!*bytes && !*percent) ? -EINVAL : 0;
}

const char *steer_reason(int err)
{
	switch (-err) {
	case ENOSPC:
		return "the pool is full (pool_max)";
	case ENODATA:
		return "what is left does not compress, is pinned or in use";
	case ECANCELED:
		return "given up";
	case EAGAIN:
		return "uzswap is switched off there (see zctl on)";
	case EOPNOTSUPP:
		return "engine wp cannot tell what is idle (Linux 6.8 can)";
	case EALREADY:
		return "it is off, and nothing stored";
	default:
		return strerror(-err);
	}
}

/* Ask; false and TEXT: there is no answer. */
static bool put(const struct client *client, struct ask *request,
		struct ask_answer *answer, char text[STEER_TEXT])
{
	request->work_ns = WORK_NS;
	return ask(client, request, answer, text, STEER_TEXT) == 0;
}

void steer_reclaim(const struct client *client, const char *amount,
		   void (*progress)(void *ctx, const struct ask_answer *a),
		   void *ctx, char text[STEER_TEXT])
{
	struct ask request = {
		.kind = UZSWAP_CTL_reclaim, .progress = progress, .ctx = ctx,
	};
	struct ask_answer answer;
	char size[UNITS_BUF];

	if (steer_amount(&request.args[0], &request.args[1], amount) < 0) {
		snprintf(text, STEER_TEXT, "'%.20s' is neither a size like "
			 "512M, nor a share like 50%%, nor all", amount);
		return;
	}
	if (!put(client, &request, &answer, text))
		return;
	snprintf(text, STEER_TEXT, "%d: reclaimed %s%s%s", client->pid,
		 units_size(size, sizeof(size),
			    answer.numbers[UZSWAP_RECLAIMED_EVICTED], false),
		 answer.err ? ": " : "",
		 answer.err ? steer_reason(answer.err) : "");
}

static void go_on(const struct client *client, char text[STEER_TEXT])
{
	struct ask request = { .kind = UZSWAP_CTL_on };
	struct ask_answer answer;

	if (!put(client, &request, &answer, text))
		return;
	snprintf(text, STEER_TEXT, "%d: %s", client->pid, answer.err
		 ? steer_reason(answer.err) : "switched on");
}

void steer_pause(const struct client *client, char text[STEER_TEXT])
{
	struct ask request = { .kind = UZSWAP_CTL_keep };
	struct ask_answer answer;

	if (client->snap.s.state == UZSWAP_PAUSED) {
		go_on(client, text);
		return;
	}
	if (!put(client, &request, &answer, text))
		return;
	snprintf(text, STEER_TEXT, "%d: %s", client->pid, answer.err
		 ? steer_reason(answer.err)
		 : "nothing new is stored (p goes on)");
}

void steer_off(const struct client *client,
	       void (*progress)(void *ctx, const struct ask_answer *a),
	       void *ctx, char text[STEER_TEXT])
{
	struct ask request = {
		.kind = UZSWAP_CTL_off, .progress = progress, .ctx = ctx,
	};
	struct ask_answer answer;
	const uint64_t *n = answer.numbers;
	char size[2][UNITS_BUF];

	if (client->snap.s.state == UZSWAP_OFF) {
		go_on(client, text);
		return;
	}
	if (!put(client, &request, &answer, text))
		return;
	units_size(size[0], UNITS_BUF, n[UZSWAP_OFF_NEEDED], false);
	units_size(size[1], UNITS_BUF, n[UZSWAP_OFF_AVAILABLE], false);
	if (answer.err == -ENOSPC)
		snprintf(text, STEER_TEXT, "%d: refused: restoring needs %s, "
			 "%s available", client->pid, size[0], size[1]);
	else if (answer.err)
		snprintf(text, STEER_TEXT, "%d: not switched off: %s",
			 client->pid, steer_reason(answer.err));
	else
		snprintf(text, STEER_TEXT, "%d: restored, and off (o goes "
			 "on)", client->pid);
}
