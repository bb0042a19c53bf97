/* SPDX-License-Identifier: MIT */
/*
 * Names of frames and call sites: see profile_name.h.
 */
#define _GNU_SOURCE
#include "profile_name.h"

#include <ctype.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CHAIN		3	/* callers named in a line */
#define OPERATOR	"operator"
#define INTERNAL	"internal::"

/*
 * Functions that allocate for others, or stand between: they do not say whose
 * memory it is.  Globs of bare names, in whatever case; by groups they are in
 * man/zctl-profile.1, too.
 */
static const char *const plumbing[] = {
	/* libc's, and what is named after them: zmalloc, je_calloc */
	"*malloc*", "*calloc*", "*realloc*", "*memalign*", "*mmap*",
	"*mremap*", "aligned_alloc", "valloc", "pvalloc", "sbrk", "*strdup",
	"*strndup", "*asprintf",
	/* C++, mangled where libstdc++ is missing */
	"operator new*", "_Znwm*", "_Znam*", "std::*allocat*",
	"__gnu_cxx::*allocat*",
	/* Rust, GLib, APR */
	"__rust_alloc*", "alloc::alloc::*", "alloc::raw_vec::*",
	"g_slice_*", "apr_palloc*", "apr_pcalloc*",
	/* jemalloc that is part of a program */
	"je_*", "os_pages_map", "pages_map", "extent_alloc*", "large_palloc*",
	"arena_palloc*", "tcache_alloc*",
	/* PostgreSQL */
	"palloc*", "repalloc*", "MemoryContext*", "AllocSet*",
	"GenerationAlloc*", "SlabAlloc*",
	/* Python: _PyMem_, PyObject_GC_New, obmalloc.c */
	"PyMem_*", "_PyMem_*", "PyObject_New*", "_PyObject_New*",
	"PyObject_GC_*", "_PyObject_GC_*", "gc_alloc", "PyType_GenericAlloc",
	"_PyType_AllocNoTrack", "allocate_from_new_pool", "new_arena",
	"arena_map_*",
	/* V8: pages, spaces, collections that make room, stubs */
	"v8::base::OS::*", "v8::*VirtualMemory::*", "v8::*PageAllocator*::*",
	"v8::internal::*MemoryAllocator::*", "v8::internal::*Space::*",
	"v8::internal::*SpaceBase::*", "v8::internal::HeapAllocator::*",
	"v8::internal::Heap::*", "v8::internal::Factory*::AllocateRaw*",
	"v8::internal::Factory::NewFillerObject", "v8::internal::*Zone::*",
	"v8::internal::BackingStore::Allocate*",
	"v8::internal::ConstructBuffer", "node::NodeArrayBufferAllocator::*",
	"Builtins_*",
};

/* Whole libraries that do. */
static const char *const allocators[] = {
	"libuzswap.so*", "libjemalloc.so*", "libtcmalloc*.so*",
	"libmimalloc.so*",
};

static const char *const clones[] = {
	".lto_priv", ".isra", ".constprop", ".part", ".cold", ".localalias",
};

/* --- bare names ---------------------------------------------------------- */

static bool begins(const char *text, const char *word)
{
	return strncmp(text, word, strlen(word)) == 0;
}

/* "operator<<", "operator new": to the parameters, or arguments of it. */
static size_t take_operator(char *to, size_t room, const char *from)
{
	size_t n = strlen(OPERATOR);

	if (begins(from + n, "()"))
		n += 2;
	while (from[n] && from[n] != '(' && !begins(from + n, " [clone"))
		n++;
	snprintf(to, room, "%.*s", (int)n, from);
	return strlen(to);
}

static void take_cxx(char *buf, size_t len, const char *from)
{
	static const char anonymous[] = "(anonymous namespace)::";
	unsigned depth = 0;
	size_t n = 0;

	for (const char *c = from; *c && n + 1 < len; c++) {
		bool first = c == from || c[-1] == ' ' || c[-1] == ':';

		if (!depth && first && begins(c, anonymous)) {
			c += strlen(anonymous) - 1;
		} else if (!depth && first && begins(c, OPERATOR) &&
			   !isalnum((unsigned char)c[strlen(OPERATOR)]) &&
			   c[strlen(OPERATOR)] != '_') {
			n += take_operator(buf + n, len - n, c);
			break;
		} else if (strchr("<({[", *c)) {
			/* of "{lambda(int)#1}" the braces stay */
			if (!depth++ && *c == '{')
				buf[n++] = *c;
		} else if (strchr(">)}]", *c)) {
			depth -= depth > 0;
			if (!depth && *c == '}')
				buf[n++] = *c;
		} else if (!depth && *c == ' ') {
			/* " const", " [clone", or what it returns */
			if (c[1] == '[' || (c > from && c[-1] == ')'))
				break;
			n = 0;
		} else if (!depth) {
			buf[n++] = *c;
		}
	}
	buf[n] = 0;
}

void profile_bare_name(char *buf, size_t len, const char *function)
{
	if (begins(function, "JS:")) {
		snprintf(buf, len, "%s", function);
		return;
	}
	if (strstr(function, "::") || begins(function, OPERATOR) ||
	    strpbrk(function, "<("))
		take_cxx(buf, len, function);
	else
		snprintf(buf, len, "%s", function);
	if (!buf[0])
		snprintf(buf, len, "%s", function);
	for (size_t i = 0; i < ARRAY_SIZE(clones); i++) {
		char *at = strstr(buf, clones[i]);

		if (at && at > buf)
			*at = 0;
	}
}

/*
 * "v8::internal::Scavenger::Process" -> "Scavenger::Process"; and a function
 * in a namespace of that name without it.
 */
static const char *last_two(const char *bare)
{
	const char *start = bare;
	const char *before = NULL;

	for (const char *c = bare; (c = strstr(c, "::")); c += 2) {
		if (begins(c + 2, OPERATOR))
			return before ? before : start;
		if (before)
			start = before;
		before = c + 2;
	}
	return begins(start, INTERNAL) ? start + strlen(INTERNAL) : start;
}

/* --- frames -------------------------------------------------------------- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static const struct profile_module *module_of(const struct profile *p,
					      const struct profile_frame *f)
{
	return f->module < p->nr_modules ? &p->modules[f->module] : NULL;
}

/* "mtrand.cpython-311-x86_64-linux-gnu.so" -> "mtrand" */
static int module_len(const char *name)
{
	const char *end = strstr(name, ".so");
	const char *abi = strstr(name, ".cpython-");

	if (!end || (end[3] && end[3] != '.'))
		return (int)strlen(name);
	if (abi && abi < end)
		end = abi;
	return (int)(end - name);
}

const char *profile_frame_name(const struct profile *p, uint32_t frame,
			       char *buf, size_t len)
{
	const struct profile_frame *f = &p->frames[frame];
	const struct profile_module *m = module_of(p, f);

	if (f->nr_symbols) {
		snprintf(buf, len, "%s",
			 p->symbols[f->first_symbol].function);
	} else if (m) {
		const char *name = base_name(m->path);

		snprintf(buf, len, "%.*s+0x%" PRIx64, module_len(name), name,
			 f->pc - m->start + m->offset);
	} else {
		snprintf(buf, len, "0x%" PRIx64, f->pc);
	}
	return buf;
}

static bool is_one_of(const char *name, const char *const *globs, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (fnmatch(globs[i], name, FNM_CASEFOLD) == 0)
			return true;
	return false;
}

static bool is_plumbing(const char *bare)
{
	return is_one_of(bare, plumbing, ARRAY_SIZE(plumbing));
}

static bool in_allocator(const struct profile *p, const struct profile_frame *f)
{
	const struct profile_module *m = module_of(p, f);

	return m && is_one_of(base_name(m->path), allocators,
			      ARRAY_SIZE(allocators));
}

/* Has the frame a function, and nothing but plumbing inlined into it? */
static bool has_plumbing(const struct profile *p, const struct profile_frame *f)
{
	char bare[PROFILE_NAME_LEN];

	for (uint32_t k = 0; k < f->nr_symbols; k++) {
		profile_bare_name(bare, sizeof(bare),
				  p->symbols[f->first_symbol + k].function);
		if (!is_plumbing(bare))
			return false;
	}
	return f->nr_symbols > 0;
}

/*
 * Frame I of S.  One without a name is plumbing if what called it is: a
 * static function of a stripped program's allocator.
 */
static bool tells_nothing(const struct profile *p,
			  const struct profile_site *s, uint32_t i)
{
	const uint32_t *stack = &p->stack[s->first_frame];
	const uint32_t module = p->frames[stack[i]].module;

	if (in_allocator(p, &p->frames[stack[i]]))
		return true;
	while (i + 1 < s->nr_frames && !p->frames[stack[i]].nr_symbols &&
	       p->frames[stack[i]].module == module)
		i++;
	return p->frames[stack[i]].module == module &&
	       has_plumbing(p, &p->frames[stack[i]]);
}

uint32_t profile_inner(const struct profile *p, const struct profile_site *s)
{
	uint32_t hooks = 0;

	for (uint32_t i = 0; i < s->nr_frames; i++)
		if (!tells_nothing(p, s, i))
			return i;
	/* nothing but plumbing: all of it, without the hook */
	while (hooks + 1 < s->nr_frames &&
	       in_allocator(p, &p->frames[p->stack[s->first_frame + hooks]]))
		hooks++;
	return hooks;
}

/* --- lines --------------------------------------------------------------- */

/* A line as it grows. */
struct line {
	char *buf;
	size_t len;
	unsigned shown;
	bool named;			/* one of them by a function */
	uint32_t module;		/* of the last, if that had no name */
	char last[PROFILE_NAME_LEN];
};

static void add_text(struct line *line, const char *text)
{
	size_t at = strlen(line->buf);

	snprintf(line->buf + at, line->len - at, "%s", text);
}

static void add_function(struct line *line, const struct profile_symbol *y)
{
	char bare[PROFILE_NAME_LEN];
	char place[PROFILE_NAME_LEN];

	profile_bare_name(bare, sizeof(bare), y->function);
	if (is_plumbing(bare) || strcmp(bare, line->last) == 0)
		return;
	if (line->shown)
		add_text(line, " <- ");
	add_text(line, last_two(bare));
	if (!line->shown && y->file && y->line) {
		snprintf(place, sizeof(place), " %s:%u", base_name(y->file),
			 y->line);
		add_text(line, place);
	}
	line->shown++;
	line->named = true;
	line->module = PROFILE_NONE;
	memcpy(line->last, bare, sizeof(bare));
}

/* Code of a stripped file; that of a JIT would say nothing. */
static void add_offset(struct line *line, const struct profile *p,
		       uint32_t frame)
{
	const struct profile_frame *f = &p->frames[frame];
	char name[PROFILE_NAME_LEN];
	const char *text = name;

	if (!module_of(p, f) || line->shown >= CHAIN)
		return;
	profile_frame_name(p, frame, name, sizeof(name));
	if (f->module == line->module && strrchr(name, '+'))
		text = strrchr(name, '+');
	if (line->shown++)
		add_text(line, " <- ");
	add_text(line, text);
	line->module = f->module;
}

static bool is_full(const struct line *line)
{
	return line->shown >= CHAIN && line->named;
}

void profile_site_name(const struct profile *p, const struct profile_site *s,
		       char *buf, size_t len)
{
	struct line line = { .buf = buf, .len = len, .module = PROFILE_NONE };
	uint32_t inner = profile_inner(p, s);

	buf[0] = 0;
	for (uint32_t i = inner; i < s->nr_frames && !is_full(&line); i++) {
		uint32_t frame = p->stack[s->first_frame + i];
		const struct profile_frame *f = &p->frames[frame];

		for (uint32_t k = 0; k < f->nr_symbols && !is_full(&line);
		     k++)
			add_function(&line, &p->symbols[f->first_symbol + k]);
		if (!f->nr_symbols && !tells_nothing(p, s, i))
			add_offset(&line, p, frame);
	}
	if (!line.shown && s->nr_frames)
		profile_frame_name(p, p->stack[s->first_frame + inner], buf,
				   len);
	else if (!line.shown)
		add_text(&line, "(no call stack)");
	/* one that the program has named */
	if (s->thread[0] && strcmp(s->thread, p->command) != 0) {
		add_text(&line, "  [");
		add_text(&line, s->thread);
		add_text(&line, "]");
	}
}

/* --- apart --------------------------------------------------------------- */

/* The function of frame I of S, with its line; "" if it has none. */
static void name_caller(const struct profile *p, const struct profile_site *s,
			uint32_t i, char *buf, size_t len)
{
	const struct profile_frame *f =
		&p->frames[p->stack[s->first_frame + i]];
	struct line line = { .buf = buf, .len = len, .module = PROFILE_NONE };

	buf[0] = 0;
	if (f->nr_symbols)
		add_function(&line, &p->symbols[f->first_symbol]);
}

bool profile_site_apart(const struct profile *p, const struct profile_site *s,
			const struct profile_site *other, char *buf,
			size_t len)
{
	const uint32_t nr = s->nr_frames < other->nr_frames
				? s->nr_frames : other->nr_frames;
	char theirs[2 * PROFILE_NAME_LEN];

	for (uint32_t i = profile_inner(p, s); i < nr; i++) {
		if (p->stack[s->first_frame + i] ==
		    p->stack[other->first_frame + i])
			continue;
		name_caller(p, s, i, buf, len);
		name_caller(p, other, i, theirs, sizeof(theirs));
		if (buf[0] && strcmp(buf, theirs) != 0)
			return true;
	}
	return false;
}
