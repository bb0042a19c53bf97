/* SPDX-License-Identifier: MIT */
/*
 * Setting options of a running process: all that were given, or none.  First
 * they are all tried on a copy; what is left then cannot fail.
 */
#include "watch/control.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "engine/engine.h"
#include "engine/tune.h"
#include "watch/publish.h"

static int refuse(char *reason, const char *key, const char *why,
		  const char *more)
{
	char *end = reason;

	*end = '\0';
	text_append(&end, reason + CONFIG_REASON, key);
	text_append(&end, reason + CONFIG_REASON, why);
	text_append(&end, reason + CONFIG_REASON, more);
	return -EINVAL;
}

/* One KEY=VALUE; ITEM is ours to write in. */
static int plan_one(struct config *next, char *item, char *reason)
{
	char *value = strchr(item, '=');
	char why[CONFIG_REASON];
	enum uzswap_option option;

	if (!value)
		return refuse(reason, item, " is not of the form KEY=VALUE",
			      "");
	*value++ = '\0';
	option = config_find(item);
	if (option == UZSWAP_NR_OPTIONS)
		return refuse(reason, item, " is not an option", "");
	if (config_row(option)->when != UZSWAP_NOW)
		return refuse(reason, item,
			      " takes effect at the start only", "");
	if (config_set(next, option, value, CONFIG_CONTROL, why))
		return refuse(reason, item, " ", why);
	return 0;
}

int control_plan(struct config *next, const struct config *now,
		 const char *text, size_t len, char *reason)
{
	const char *const end = text + len;

	memcpy(next, now, sizeof(*next));
	config_compact(next);
	if (!len || end[-1])
		return refuse(reason, "nothing to set", "", "");
	while (text < end) {
		char item[UZSWAP_CTL_TEXT];
		int ret;

		text_copy(item, sizeof(item), text);
		ret = plan_one(next, item, reason);
		if (ret)
			return ret;
		text += strlen(text) + 1;
	}
	return 0;
}

enum control_result control_set(struct control *c)
{
	struct engine_config cfg;
	char reason[CONFIG_REASON];

	if (control_plan(&c->next, c->config, c->request.text,
			 c->request.text_len, reason))
		return control_fail(c, -EINVAL, reason, "", "");
	memcpy(c->config, &c->next, sizeof(*c->config));
	config_engine(c->config, &cfg);
	tune_apply(c->engine, &cfg);
	config_log(c->config);
	log_info("set by zctl: ", c->request.text, NULL);
	if (c->changed)
		c->changed(c->config);
	c->publish->config_changed = true;
	return CONTROL_DONE;
}
