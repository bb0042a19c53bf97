/* SPDX-License-Identifier: MIT */
/*
 * Call sites as a line says them: the first function that is no allocator,
 * short names, and what is inlined, with the file it is written in.
 */
#include "tools/profile_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MOST	8

/* Frames from the inside: "LIBRARY+" without a name, else a function. */
struct row {
	const char *frames[MOST];
	const char *line;
};

static void test_names_are_bare(void **state)
{
	static const char *const rows[][2] = {
		{ "main", "main" },
		{ "list_resize.lto_priv.0", "list_resize" },
		{ "fill.isra.0.constprop.1", "fill" },
		{ "void a::b::C<int>::f<d<e> >(int)", "a::b::C::f" },
		{ "a::(anonymous namespace)::f", "a::f" },
		{ "a::C::f(int, b::D) [clone .part.0]", "a::C::f" },
		{ "r<s> a::{lambda(int)#1}::operator()", "a::{}::operator()" },
		{ "std::ostream& std::operator<< <char>",
		  "std::operator<< <char>" },
		{ "operator new(unsigned long)", "operator new" },
		{ "f(char) const", "f" },
		{ "a::operator_count::get", "a::operator_count::get" },
		{ "JS:~load /srv/a::b.js:3:9", "JS:~load /srv/a::b.js:3:9" },
		{ "<>", "<>" },
		{ "", "" },
	};
	char bare[PROFILE_NAME_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		profile_bare_name(bare, sizeof(bare), rows[i][0]);
		assert_string_equal(bare, rows[i][1]);
	}
	profile_bare_name(bare, 5, "a::bcdefgh");
	assert_string_equal(bare, "a::b");
	profile_bare_name(bare, 5, "a::operator new");
	assert_string_equal(bare, "a::o");
}

static void check_line(const struct row *row)
{
	struct profile_module modules[MOST];
	struct profile_frame frames[MOST];
	struct profile_symbol symbols[MOST];
	uint32_t stack[MOST];
	char names[MOST][PROFILE_NAME_LEN];
	char texts[MOST][PROFILE_NAME_LEN];
	char file[] = "src/prog.c";
	char line[4 * PROFILE_NAME_LEN];
	struct profile_site site = { .thread = "prog" };
	struct profile p = {
		.command = "prog", .modules = modules, .frames = frames,
		.symbols = symbols, .stack = stack, .sites = &site,
		.nr_modules = MOST, .nr_sites = 1,
	};

	for (uint32_t i = 0; i < MOST && row->frames[i]; i++) {
		const char *text = row->frames[i];
		bool named = text[strlen(text) - 1] != '+';
		char path[PROFILE_NAME_LEN] = "/bin/prog";

		if (!named)
			snprintf(path, sizeof(path), "/lib/%.*s",
				 (int)strlen(text) - 1, text);
		snprintf(names[i], sizeof(names[i]), "%s", path);
		snprintf(texts[i], sizeof(texts[i]), "%s", text);
		modules[i] = (struct profile_module){ .path = names[i] };
		symbols[i] = (struct profile_symbol){
			.function = texts[i], .file = file, .line = i + 1,
		};
		frames[i] = (struct profile_frame){
			.pc = 0x10 * (i + 1), .first_symbol = i,
			.nr_symbols = named,
		};
		/* the same file is the same module */
		while (strcmp(modules[frames[i].module].path, path) != 0)
			frames[i].module++;
		stack[i] = i;
		site.nr_frames++;
	}
	profile_site_name(&p, &site, line, sizeof(line));
	assert_string_equal(line, row->line);
}

static void test_allocators_are_passed_over(void **state)
{
	static const struct row rows[] = {
		{ { "libuzswap.so.0+", "zmalloc", "insert", "main" },
		  "insert prog.c:3 <- main" },
		{ { "AllocSetAlloc", "palloc0", "heap_form_tuple", "copy",
		    "sort", "main" },
		  "heap_form_tuple prog.c:3 <- copy <- sort" },
		{ { "operator new(unsigned long)",
		    "std::__new_allocator<a::B>::allocate",
		    "std::vector<a::B>::_M_realloc_insert<int>", "a::b::C::f" },
		  "C::f prog.c:4" },
		{ { "v8::base::OS::Allocate",
		    "v8::internal::CompactionSpace::TryExpandImpl",
		    "int v8::internal::Scavenger::Process<x>",
		    "Builtins_JSEntry", "v8::internal::f" },
		  "Scavenger::Process prog.c:3 <- f" },
		{ { "libjemalloc.so.2+", "get" }, "get prog.c:2" },
		/* recursion says nothing more */
		{ { "malloc", "read", "read", "read", "load" },
		  "read prog.c:2 <- load" },
		/* all is plumbing: better than no line */
		{ { "libuzswap.so.0+", "palloc" }, "palloc" },
		{ { NULL }, "(no call stack)" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_line(&rows[i]);
}

static void test_stripped_files_are_told_shortly(void **state)
{
	static const struct row rows[] = {
		/* named callers beyond those without names */
		{ { "um.cpython-311-x86_64-linux-gnu.so+",
		    "um.cpython-311-x86_64-linux-gnu.so+",
		    "um.cpython-311-x86_64-linux-gnu.so+",
		    "um.cpython-311-x86_64-linux-gnu.so+", "call", "main" },
		  "um+0x10 <- +0x20 <- +0x30 <- call" },
		{ { "libx.so.1.2+", "liby.so+", "prog.solid+" },
		  "libx+0x10 <- liby+0x20 <- prog.solid+0x30" },
		/* the allocator's own, as what calls it is one */
		{ { "prog+", "prog+", "main" }, "prog+0x10 <- +0x20 <- main" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_line(&rows[i]);
}

/* AllocSetAlloc of a stripped program is static, and palloc is not. */
static void test_nameless_below_an_allocator_is_one(void **state)
{
	char path[] = "/bin/db";
	char allocator[] = "palloc";
	char caller[] = "insert";
	struct profile_module modules[] = { { .path = path } };
	struct profile_symbol symbols[] = {
		{ .function = allocator }, { .function = caller },
	};
	struct profile_frame frames[] = {
		{ .pc = 1 }, { .pc = 2, .nr_symbols = 1 },
		{ .pc = 3 },
		{ .pc = 4, .first_symbol = 1, .nr_symbols = 1 },
	};
	uint32_t stack[] = { 0, 1, 2, 3 };
	struct profile_site site = { .nr_frames = ARRAY_SIZE(stack) };
	struct profile p = {
		.modules = modules, .symbols = symbols, .frames = frames,
		.stack = stack, .nr_modules = 1,
	};
	char line[PROFILE_NAME_LEN];

	(void)state;
	assert_int_equal(profile_inner(&p, &site), 2);
	profile_site_name(&p, &site, line, sizeof(line));
	assert_string_equal(line, "db+0x3 <- insert");
}

/* get() is called at two places of load(), and by store(). */
static void test_two_of_one_name_are_told_apart(void **state)
{
	char get[] = "get";
	char load[] = "load";
	char store[] = "store";
	char file[] = "src/prog.c";
	struct profile_symbol symbols[] = {
		{ .function = get, .file = file, .line = 1 },
		{ .function = load, .file = file, .line = 5 },
		{ .function = load, .file = file, .line = 9 },
		{ .function = store },
	};
	struct profile_frame frames[] = {
		{ .pc = 1, .first_symbol = 0, .nr_symbols = 1 },
		{ .pc = 2, .first_symbol = 1, .nr_symbols = 1 },
		{ .pc = 3, .first_symbol = 2, .nr_symbols = 1 },
		{ .pc = 4, .first_symbol = 3, .nr_symbols = 1 },
		{ .pc = 5 },
	};
	uint32_t stack[] = { 0, 1, 3,  0, 2, 3,  0, 4, 3,  0, 1 };
	struct profile_site sites[] = {
		{ .first_frame = 0, .nr_frames = 3 },
		{ .first_frame = 3, .nr_frames = 3 },
		{ .first_frame = 6, .nr_frames = 3 },
		{ .first_frame = 9, .nr_frames = 2 },
	};
	struct profile p = {
		.symbols = symbols, .frames = frames, .stack = stack,
	};
	char caller[2 * PROFILE_NAME_LEN];

	(void)state;
	assert_true(profile_site_apart(&p, &sites[0], &sites[1], caller,
				       sizeof(caller)));
	assert_string_equal(caller, "load prog.c:5");
	assert_true(profile_site_apart(&p, &sites[1], &sites[2], caller,
				       sizeof(caller)));
	assert_string_equal(caller, "load prog.c:9");
	/* code without a name tells nothing, nor does the end of a stack */
	assert_false(profile_site_apart(&p, &sites[2], &sites[0], caller,
					sizeof(caller)));
	assert_false(profile_site_apart(&p, &sites[0], &sites[3], caller,
					sizeof(caller)));
}

/* --- inlined ------------------------------------------------------------- */

static volatile uint64_t zero;

#define INLINE	static inline __attribute__((always_inline))

static __attribute__((noinline)) uint64_t where(void)
{
	return (uint64_t)(uintptr_t)__builtin_return_address(0);
}

INLINE uint64_t innermost(void)
{
	return where() + zero;	/* a call, no jump */
}

INLINE uint64_t between(void)
{
	return innermost();
}

static __attribute__((noinline)) uint64_t outermost(void)
{
	return between();
}

static void test_each_inlined_function_has_its_name(void **state)
{
	static const char *const names[] = {
		"innermost", "between", "outermost",
	};
	struct profile p = { .nr_frames = 1 };
	uint32_t last = 0;

	(void)state;
	p.frames = calloc(1, sizeof(*p.frames));
	assert_non_null(p.frames);
	p.frames[0].pc = outermost();
	assert_int_equal(profile_take_maps(&p, getpid()), 0);
	profile_place_frames(&p);
	assert_int_equal(profile_symbolize(&p, ""), 0);
	if (p.nr_symbols < 2 && !(p.nr_symbols && p.symbols[0].file)) {
		profile_free(&p);
		skip();		/* built without debug information */
	}
	assert_int_equal(p.nr_symbols, ARRAY_SIZE(names));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_string_equal(p.symbols[i].function, names[i]);
		assert_non_null(strstr(p.symbols[i].file,
				       "test_profile_name.c"));
		/* each is written below what it calls */
		assert_true(p.symbols[i].line > last);
		last = p.symbols[i].line;
	}
	profile_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_are_bare),
		cmocka_unit_test(test_allocators_are_passed_over),
		cmocka_unit_test(test_stripped_files_are_told_shortly),
		cmocka_unit_test(test_nameless_below_an_allocator_is_one),
		cmocka_unit_test(test_two_of_one_name_are_told_apart),
		cmocka_unit_test(test_each_inlined_function_has_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
