/* SPDX-License-Identifier: MIT */
/*
 * The table of options and the environment: every default is valid, every
 * way to be wrong has its precise reason, and what is wrong changes nothing.
 */
#include "watch/config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

static struct config c;
static char reports[16][512];
static unsigned nr_reports;

static void take_report(void *arg, const struct config_problem *problem)
{
	assert_ptr_equal(arg, &nr_reports);
	assert_true(nr_reports < ARRAY_SIZE(reports));
	config_problem_text(problem, reports[nr_reports], sizeof(reports[0]));
	nr_reports++;
}

static int setup(void **state)
{
	(void)state;
	config_defaults(&c);
	nr_reports = 0;
	memset(reports, 0, sizeof(reports));
	return 0;
}

/* Read these variables, in memory of their own that is wiped afterwards. */
static void read_env(const char *const *vars)
{
	char *environ[40];
	size_t nr = 0;

	for (; vars[nr]; nr++) {
		assert_true(nr < ARRAY_SIZE(environ) - 1);
		environ[nr] = strdup(vars[nr]);
	}
	environ[nr] = NULL;
	config_from_env(&c, environ, take_report, &nr_reports);
	for (size_t i = 0; i < nr; i++) {
		/* the strings are the program's: as they were, not kept */
		assert_string_equal(environ[i], vars[i]);
		memset(environ[i], '#', strlen(environ[i]));
		free(environ[i]);
	}
}

#define ENV(...)	read_env((const char *const[]){ __VA_ARGS__, NULL })

static void expect_reports(const char *const *want)
{
	for (unsigned i = 0; i < nr_reports || want[i]; i++) {
		if (i >= nr_reports || !want[i])
			fail_msg("%u reports: %s", nr_reports, reports[i]);
		assert_string_equal(reports[i], want[i]);
	}
}

#define REPORTS(...)	\
	expect_reports((const char *const[]){ __VA_ARGS__, NULL })
#define NO_REPORT()	assert_string_equal(reports[0], "")

static void test_every_row_makes_sense(void **state)
{
	char reason[CONFIG_REASON];

	(void)state;
	for (unsigned i = 0; i < UZSWAP_NR_OPTIONS; i++) {
		const struct uzswap_option_row *row = config_row(i);
		const bool number = *row->min != '\0';

		assert_int_equal(config_find(row->name), i);
		assert_true(text_starts(row->env, UZSWAP_ENV_PREFIX));
		assert_true(row->type < UZSWAP_NR_TYPES);
		assert_true(strlen(row->help) > 5 && strlen(row->help) < 70);
		assert_true(row->help[strlen(row->help) - 1] != '.');
		assert_int_equal(row->type == UZSWAP_CHOICE,
				 *row->choices != '\0');
		/* all bounds and the default can be set */
		assert_int_equal(config_set(&c, i, row->initial, CONFIG_ENV,
					    reason), 0);
		assert_int_equal(c.all[i].origin, CONFIG_ENV);
		if (number) {
			assert_int_equal(config_set(&c, i, row->min,
						    CONFIG_ENV, reason), 0);
			assert_int_equal(config_set(&c, i, row->max,
						    CONFIG_ENV, reason), 0);
		}
		if (*row->zero)
			assert_int_equal(config_set(&c, i, "0", CONFIG_ENV,
						    reason), 0);
	}
	assert_null(config_row(UZSWAP_NR_OPTIONS));
	assert_int_equal(config_find("nothing"), UZSWAP_NR_OPTIONS);
	assert_int_equal(config_find(""), UZSWAP_NR_OPTIONS);
}

static void test_names_of_variables_end_in_their_unit(void **state)
{
	(void)state;
	for (unsigned i = 0; i < UZSWAP_NR_OPTIONS; i++) {
		const struct uzswap_option_row *row = config_row(i);
		const char *unit = "";
		char want[64] = UZSWAP_ENV_PREFIX;
		size_t len = strlen(want);

		if (row->type == UZSWAP_SIZE || row->type == UZSWAP_SIZE_PCT)
			unit = "_BYTES";
		else if (row->type == UZSWAP_TIME)
			unit = "_MS";
		for (const char *s = row->name; *s; s++)
			want[len++] = (char)(*s == '_' ? '_' : *s - 'a' + 'A');
		want[len] = '\0';
		strcat(want, unit);
		assert_string_equal(row->env, want);
	}
}

static void test_defaults(void **state)
{
	(void)state;
	assert_true(c.enable.num);
	assert_false(c.require.num);
	assert_int_equal(c.min_managed.num, 64 * MIB);
	assert_int_equal(c.limit.num, 0);
	assert_int_equal(c.limit.pct, 0);
	assert_int_equal(c.accept_percent.num, 75);
	assert_int_equal(c.pool_max.pct, 100);
	assert_int_equal(c.engine.num, CONFIG_ENGINE_AUTO);
	assert_int_equal(c.threads.num, 1);
	assert_int_equal(c.servers.num, 0);
	assert_true(c.uffd_fd.num == CONFIG_NO_FD);
	assert_int_equal(c.log.num, CONFIG_LOG_WARN);
	assert_string_equal(config_text(&c, &c.name), "");
	assert_string_equal(config_text(&c, &c.uffd_socket),
			    "/run/uzswap/uffd.sock");
	for (unsigned i = 0; i < UZSWAP_NR_OPTIONS; i++)
		assert_int_equal(c.all[i].origin, CONFIG_DEFAULT);
	ENV("PATH=/bin", "UZSWA=1", "uzswap_limit=3", "XUZSWAP_LIMIT=1");
	config_from_env(&c, NULL, take_report, &nr_reports);
	NO_REPORT();
	assert_true(config_wants(&c, "any"));
}

static void check_choice(enum uzswap_option option, const char *word,
			 uint64_t index)
{
	char reason[CONFIG_REASON];
	char buf[32];

	assert_int_equal(config_set(&c, option, word, CONFIG_ENV, reason), 0);
	assert_int_equal(c.all[option].num, index);
	assert_string_equal(config_format(&c, option, buf, sizeof(buf)), word);
}

static void test_choices_have_their_constants(void **state)
{
	(void)state;
	check_choice(UZSWAP_OPT_engine, "auto", CONFIG_ENGINE_AUTO);
	check_choice(UZSWAP_OPT_engine, "move", CONFIG_ENGINE_MOVE);
	check_choice(UZSWAP_OPT_engine, "wp", CONFIG_ENGINE_WP);
	check_choice(UZSWAP_OPT_follow, "exec", CONFIG_FOLLOW_EXEC);
	check_choice(UZSWAP_OPT_follow, "none", CONFIG_FOLLOW_NONE);
	check_choice(UZSWAP_OPT_uffd, "auto", CONFIG_UFFD_AUTO);
	check_choice(UZSWAP_OPT_uffd, "dev", CONFIG_UFFD_DEV);
	check_choice(UZSWAP_OPT_uffd, "socket", CONFIG_UFFD_SOCKET);
	check_choice(UZSWAP_OPT_uffd, "syscall", CONFIG_UFFD_SYSCALL);
	check_choice(UZSWAP_OPT_log, "off", CONFIG_LOG_OFF);
	check_choice(UZSWAP_OPT_log, "warn", CONFIG_LOG_WARN);
}

static void test_good_values(void **state)
{
	(void)state;
	ENV("UZSWAP_LIMIT_BYTES=1.5G", "UZSWAP_POOL_MAX_BYTES=128M",
	    "UZSWAP_ACCEPT_PERCENT=60%",
	    "UZSWAP_THREADS=0", "UZSWAP_SERVERS=4", "UZSWAP_UFFD_FD=7",
	    "UZSWAP_REQUIRE=yes", "UZSWAP_NAME=my app", "UZSWAP_INCLUDE=",
	    "UZSWAP_MIN_MANAGED_BYTES=0");
	NO_REPORT();
	assert_int_equal(c.limit.num, 3 * GIB / 2);
	assert_int_equal(c.limit.origin, CONFIG_ENV);
	assert_int_equal(c.accept_percent.num, 60);
	assert_int_equal(c.pool_max.num, 128 * MIB);
	assert_int_equal(c.pool_max.pct, 0);
	assert_int_equal(c.threads.num, 0);
	assert_int_equal(c.servers.num, 4);
	assert_int_equal(c.uffd_fd.num, 7);
	assert_true(c.require.num);
	assert_string_equal(config_text(&c, &c.name), "my app");
	assert_string_equal(config_text(&c, &c.include), "");
	assert_int_equal(c.min_managed.num, 0);
}

static void test_percent_of_a_size(void **state)
{
	(void)state;
	ENV("UZSWAP_LIMIT_BYTES=25%");
	NO_REPORT();
	assert_int_equal(c.limit.num, 0);
	assert_int_equal(c.limit.pct, 25);
}

static void test_wrong_sizes(void **state)
{
	static const char *const rows[][2] = {
		{ "-1", "is negative" },
		{ "-5%", "is not between 1% and 100%" },
		{ "12X", "is neither a size like 512M nor a percentage like 50%" },
		{ "1.5", "is neither a size like 512M nor a percentage like 50%" },
		{ "2.5%", "is neither a size like 512M nor a percentage like 50%" },
		{ "999999T", "is larger than 128T" },
		{ "99999999999999999999", "is larger than 128T" },
		{ "", "is empty" },
		{ "0%", "is not between 1% and 100%" },
		{ "101%", "is not between 1% and 100%" },
		{ "512K", "is smaller than 1M and not 0" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char var[128];
		char want[256];

		setup(NULL);
		snprintf(var, sizeof(var), "UZSWAP_LIMIT_BYTES=%s", rows[i][0]);
		snprintf(want, sizeof(want),
			 "UZSWAP_LIMIT_BYTES '%s' %s: using 0 (default)",
			 rows[i][0], rows[i][1]);
		ENV(var);
		REPORTS(want);
		assert_int_equal(c.limit.num, 0);
		assert_int_equal(c.limit.pct, 0);
		assert_int_equal(c.limit.origin, CONFIG_DEFAULT);
	}
}

static void test_wrong_values_of_other_types(void **state)
{
	(void)state;
	ENV("UZSWAP_ENABLE=maybe", "UZSWAP_MIN_MANAGED_BYTES=50%",
	    "UZSWAP_ACCEPT_PERCENT=0", "UZSWAP_THREADS=9",
	    "UZSWAP_SERVERS=x", "UZSWAP_UFFD_FD=-1",
	    "UZSWAP_ENGINE=mov", "UZSWAP_COMPRESSOR=gzip",
	    "UZSWAP_NAME=0123456789012345678901234567890123456789",
	    "UZSWAP_POOL_MAX_BYTES=0", "UZSWAP_LOG=");
	REPORTS("UZSWAP_ENABLE 'maybe' is neither 0 nor 1: using 1 (default)",
		"UZSWAP_MIN_MANAGED_BYTES '50%' is not a size like 512M or 2G: using 64M (default)",
		"UZSWAP_ACCEPT_PERCENT '0' is smaller than 1: using 75% (default)",
		"UZSWAP_THREADS '9' is larger than 8: using 1 (default)",
		"UZSWAP_SERVERS 'x' is not a whole number: using 0 (default)",
		"UZSWAP_UFFD_FD '-1' is negative: using none (default)",
		"UZSWAP_ENGINE 'mov' is none of auto|move|wp: using auto (default)",
		"UZSWAP_COMPRESSOR 'gzip' is not codecs like lz4, zstd:3 or lz4+zstd:3: using lz4+lz4:3 (default)",
		"UZSWAP_NAME '0123456789012345678901234567890123456789' is longer than 31 characters: using nothing (default)",
		"UZSWAP_POOL_MAX_BYTES '0' is smaller than 1M: using 100% (default)",
		"UZSWAP_LOG '' is empty: using warn (default)");
	assert_true(c.enable.num);
}

static void test_unknown_names(void **state)
{
	(void)state;
	ENV("UZSWAP_LIMIT=1G", "UZSWAP_ENGIN=wp", "UZSWAP_=1", "UZSWAP_X=",
	    "UZSWAP_noequals", "UZSWAP_TIER_PATH=/x");
	REPORTS("UZSWAP_LIMIT '1G' is not an option (did you mean UZSWAP_LIMIT_BYTES?): ignored",
		"UZSWAP_ENGIN 'wp' is not an option (did you mean UZSWAP_ENGINE?): ignored",
		"UZSWAP_ '1' is not an option: ignored",
		"UZSWAP_X '' is not an option: ignored",
		"UZSWAP_TIER_PATH '/x' is not an option: ignored");
}

static void test_conf_sets_several_and_single_variables_win(void **state)
{
	(void)state;
	ENV("UZSWAP_ENGINE=wp",
	    "UZSWAP_CONF=limit:4G,,engine:move,exclude:sh:ba*,threads:2,");
	NO_REPORT();
	assert_int_equal(c.limit.num, 4 * GIB);
	assert_int_equal(c.limit.origin, CONFIG_CONF);
	assert_int_equal(c.engine.num, CONFIG_ENGINE_WP);
	assert_int_equal(c.threads.num, 2);
	assert_string_equal(config_text(&c, &c.exclude), "sh:ba*");
}

static void test_wrong_conf(void **state)
{
	char long_item[800] = "UZSWAP_CONF=threads:3,name:";

	(void)state;
	ENV("UZSWAP_CONF=limit:12X,limt:4G,servers,:,engine:,log:off",
	    "UZSWAP_LOG=loud");
	REPORTS("limit in UZSWAP_CONF '12X' is neither a size like 512M nor a percentage like 50%: using 0 (default)",
		"limt in UZSWAP_CONF '4G' is not an option (did you mean limit?): ignored",
		"UZSWAP_CONF 'servers' is not of the form name:value: ignored",
		" in UZSWAP_CONF '' is not an option: ignored",
		"engine in UZSWAP_CONF '' is empty: using auto (default)",
		"UZSWAP_LOG 'loud' is none of off|warn|info|debug: using off (from UZSWAP_CONF)");
	assert_int_equal(c.log.num, CONFIG_LOG_OFF);
	setup(NULL);
	memset(long_item + strlen(long_item), 'x', 700);
	strcpy(long_item + 720, ",servers:5");
	ENV(long_item);
	assert_int_equal(nr_reports, 1);
	assert_true(strstr(reports[0], "is too long: ignored") != NULL);
	assert_int_equal(c.threads.num, 3);
	assert_int_equal(c.servers.num, 5);
}

static void test_first_of_equal_names_counts(void **state)
{
	(void)state;
	ENV("UZSWAP_THREADS=2", "UZSWAP_CONF=servers:2", "UZSWAP_THREADS=3",
	    "UZSWAP_CONF=servers:3", "UZSWAP_SERVERS=bad",
	    "UZSWAP_SERVERS=4");
	assert_int_equal(c.threads.num, 2);
	assert_int_equal(c.servers.num, 2);
	assert_int_equal(nr_reports, 1);
}

static void test_texts_run_out_of_room_gently(void **state)
{
	char conf[4096] = "UZSWAP_CONF=";
	char *end = conf + strlen(conf);

	(void)state;
	for (int i = 0; i < 9; i++) {
		end += sprintf(end, "include:");
		memset(end, 'a' + i, 200);
		end += 200;
		end += sprintf(end, ",");
	}
	*end = '\0';
	ENV(conf);
	assert_int_equal(nr_reports, 4);
	assert_true(strstr(reports[3], "has no room left") != NULL);
	assert_int_equal(strlen(config_text(&c, &c.include)), 200);
	assert_int_equal(config_text(&c, &c.include)[0], 'e');
}

static void test_copies_are_independent(void **state)
{
	struct config copy;

	(void)state;
	ENV("UZSWAP_NAME=one", "UZSWAP_EXCLUDE=two");
	copy = c;
	memset(&c, 0x5a, sizeof(c));
	assert_string_equal(config_text(&copy, &copy.name), "one");
	assert_string_equal(config_text(&copy, &copy.exclude), "two");
}

static void check_format(enum uzswap_option option, const char *in,
			 const char *out)
{
	char reason[CONFIG_REASON];
	char buf[64];

	assert_int_equal(config_set(&c, option, in, CONFIG_CONTROL, reason),
			 0);
	assert_string_equal(config_format(&c, option, buf, sizeof(buf)), out);
	for (size_t len = 0; len < 6; len++) {
		memset(buf, '#', sizeof(buf));
		config_format(&c, option, buf, len);
		assert_int_equal(buf[len], '#');
	}
}

static void test_formatted_values(void **state)
{
	(void)state;
	check_format(UZSWAP_OPT_enable, "off", "0");
	check_format(UZSWAP_OPT_limit, "1.5G", "1536M");
	check_format(UZSWAP_OPT_limit, "50%", "50%");
	check_format(UZSWAP_OPT_accept_percent, "60", "60%");
	check_format(UZSWAP_OPT_uffd_fd, "none", "none");
	check_format(UZSWAP_OPT_uffd_fd, "12", "12");
	check_format(UZSWAP_OPT_uffd, "syscall", "syscall");
	check_format(UZSWAP_OPT_name, "abc", "abc");
}

static void test_programs_wanted(void **state)
{
	(void)state;
	ENV("UZSWAP_INCLUDE=java*,redis-server:python3.??",
	    "UZSWAP_EXCLUDE=javac");
	NO_REPORT();
	assert_true(config_wants(&c, "java"));
	assert_true(config_wants(&c, "redis-server"));
	assert_true(config_wants(&c, "python3.11"));
	assert_false(config_wants(&c, "javac"));
	assert_false(config_wants(&c, "bash"));
	assert_false(config_wants(&c, ""));
	setup(NULL);
	ENV("UZSWAP_EXCLUDE=,sh::b*sh,");
	assert_false(config_wants(&c, "sh"));
	assert_false(config_wants(&c, "bash"));
	assert_true(config_wants(&c, "cat"));
	setup(NULL);
	ENV("UZSWAP_ENABLE=0");
	assert_false(config_wants(&c, "cat"));
}

#define TEST(name)	cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_row_makes_sense),
		TEST(test_names_of_variables_end_in_their_unit),
		TEST(test_defaults),
		TEST(test_choices_have_their_constants),
		TEST(test_good_values),
		TEST(test_percent_of_a_size),
		TEST(test_wrong_sizes),
		TEST(test_wrong_values_of_other_types),
		TEST(test_unknown_names),
		TEST(test_conf_sets_several_and_single_variables_win),
		TEST(test_wrong_conf),
		TEST(test_first_of_equal_names_counts),
		TEST(test_texts_run_out_of_room_gently),
		TEST(test_copies_are_independent),
		TEST(test_formatted_values),
		TEST(test_programs_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
