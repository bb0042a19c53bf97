/* SPDX-License-Identifier: MIT */
/*
 * Options given to zctl run, one KEY=VALUE per line of the input: what zctl
 * takes and puts into the environment, the library takes too, and it is the
 * value the library would have made of the words themselves.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_main.h"
#include "tools/setting.h"
#include "watch/config.h"

const char *const fuzz_seeds[] = {
	"limit=1.5G\nmin_managed=8M\nthreads=2\nname=abc\nengine=wp\n",
	"pool-max=25%\naccept_percent=75%\nuffd_fd=7\nenable=off\n",
	"limit=999999T\nmin-managed=0\nfollow=none\ninclude=x,y\n",
	"compressor=lz4+zstd:3\ncompressor=lz4:-5+lz4:12\ncompressor=zstd:12\n",
	NULL,
};

const char *const fuzz_words[] = {
	"limit=", "min_managed=", "pool_max=", "accept-percent=", "include=",
	"18446744073709551615", "18446744073709551616", "9223372036854775808",
	"128T", "131072G", "1.999999999K", "1.0000000001G", "0.5%", "-1",
	"168h", "604800s", "604800001", "1h1m1s", "KiB", "iB", "ms", "\n",
	NULL,
};

static void fail(const char *key, const char *value, const char *what)
{
	fprintf(stderr, "fuzz_setting: '%s' = '%s': %s\n", key, value, what);
	abort();
}

static void check(const char *key, const char *value)
{
	static struct config direct;
	static struct config handed;
	char reason[CONFIG_REASON];
	char why[SETTING_WHY] = "";
	enum uzswap_option option;
	struct setting setting;
	int err = setting_parse(&setting, key, value, why, sizeof(why));

	if (err && (!*why || strlen(why) >= sizeof(why)))
		fail(key, value, "refused without a reason");
	if (err)
		return;
	option = config_find(setting.row->name);
	config_defaults(&direct);
	config_defaults(&handed);
	if (config_set(&handed, option, setting.value, CONFIG_ENV, reason))
		fail(key, value, "taken by zctl, refused by the library");
	if (config_set(&direct, option, value, CONFIG_ENV, reason))
		return;		/* zctl is more generous */
	if (direct.all[option].num != handed.all[option].num ||
	    direct.all[option].pct != handed.all[option].pct ||
	    strcmp(config_text(&direct, &direct.all[option]),
		   config_text(&handed, &handed.all[option])) != 0)
		fail(key, value, "means something else to the library");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	for (char *line = text; line;) {
		char *end = strchr(line, '\n');
		char *value;

		if (end)
			*end++ = '\0';
		value = strchr(line, '=');
		if (value) {
			*value++ = '\0';
			check(line, value);
		}
		line = end;
	}
	free(text);
	return 0;
}
