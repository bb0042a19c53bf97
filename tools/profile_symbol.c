/* SPDX-License-Identifier: MIT */
/*
 * Functions and lines of addresses, by elfutils' libdwfl: never in the
 * process itself, and from nothing but the recording and the files it names.
 *
 * Each file is reported at the address it was mapped at; separate debug files
 * are found below /usr/lib/debug by build id or .gnu_debuglink, or fetched
 * from the servers in $DEBUGINFOD_URLS.  A file that has changed since, by its
 * build id, is left out: no name is better than a wrong one.  Code of no file
 * may be a JIT's, and that writes its symbols into /tmp/perf-PID.map ("START
 * SIZE name", hexadecimal).
 */
#define _GNU_SOURCE
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "profile.h"
#include "snapshot.h"

#define INLINES_MOST	16
#define SCOPES_MOST	64u
#define JIT_MOST	200000u	/* lines of a perf map */
#define PATH_LEN	4352

/* --- rows ---------------------------------------------------------------- */

static char *clean_copy(const char *text)
{
	char *copy = strndup(text, PROFILE_TEXT_MAX - 1);

	if (copy)
		snapshot_clean_text(copy, strlen(copy) + 1);
	return copy;
}

static int add_symbol(struct profile *p, struct profile_frame *f,
		      const char *function, const char *file, int line)
{
	struct profile_symbol *s;
	char *readable;

	if (p->nr_symbols >= PROFILE_SYMBOLS_MAX)
		return 0;
	if ((p->nr_symbols & (p->nr_symbols - 1)) == 0) {
		size_t nr = p->nr_symbols ? 2 * p->nr_symbols : 1;

		s = realloc(p->symbols, nr * sizeof(*s));
		if (!s)
			return -ENOMEM;
		p->symbols = s;
	}
	s = &p->symbols[p->nr_symbols];
	readable = profile_demangle(function);
	s->function = readable ? clean_copy(readable) : NULL;
	free(readable);
	s->file = file ? clean_copy(file) : NULL;
	s->line = line > 0 ? (uint32_t)line : 0;
	if (!s->function || (file && !s->file)) {
		free(s->function);
		free(s->file);
		return -ENOMEM;
	}
	if (!f->nr_symbols)
		f->first_symbol = (uint32_t)p->nr_symbols;
	f->nr_symbols++;
	p->nr_symbols++;
	return 0;
}

/* --- files --------------------------------------------------------------- */

static char *debug_path;	/* NULL: the default of libdwfl */

static const Dwfl_Callbacks callbacks = {
	.find_elf = dwfl_build_id_find_elf,
	.find_debuginfo = dwfl_standard_find_debuginfo,
	.section_address = dwfl_offline_section_address,
	.debuginfo_path = &debug_path,
};

/* What has to be added to addresses in the file; false if it fits nowhere. */
static bool find_bias(uint64_t *bias, const struct profile_module *m,
		      const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool found = false;
	size_t nr = 0;
	Elf *elf;

	if (fd < 0)
		return false;
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (elf && elf_getphdrnum(elf, &nr))
		nr = 0;
	for (size_t i = 0; i < nr && !found; i++) {
		GElf_Phdr ph;

		if (!gelf_getphdr(elf, (int)i, &ph) || ph.p_type != PT_LOAD ||
		    !(ph.p_flags & PF_X) ||
		    m->offset + PROFILE_PAGE <= ph.p_offset ||
		    m->offset >= ph.p_offset + ph.p_filesz)
			continue;
		*bias = m->start - m->offset + ph.p_offset - ph.p_vaddr;
		found = true;
	}
	elf_end(elf);
	close(fd);
	return found;
}

static Dwfl_Module *report(Dwfl *dwfl, const struct profile_module *m,
			   const char *root)
{
	char path[PATH_LEN];
	const unsigned char *id;
	GElf_Addr at;
	uint64_t bias;
	Dwfl_Module *mod;
	char hex[sizeof(m->build_id)] = "";
	int n;

	snprintf(path, sizeof(path), "%s%s", root, m->path);
	if (!find_bias(&bias, m, path))
		return NULL;
	mod = dwfl_report_elf(dwfl, m->path, path, -1, bias, true);
	if (!mod)
		return NULL;
	n = dwfl_module_build_id(mod, &id, &at);
	for (int i = 0; i < n && (size_t)(2 * i) + 3 <= sizeof(hex); i++)
		snprintf(hex + 2 * i, 3, "%02x", id[i]);
	return strcmp(hex, m->build_id) ? NULL : mod;
}

static const char *name_of(Dwarf_Die *die)
{
	Dwarf_Attribute attr;
	const char *name = NULL;

	if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attr))
		name = dwarf_formstring(&attr);
	return name ? name : dwarf_diename(die);
}

/* Functions inlined into each other, outermost first. */
struct inlined {
	Dwarf_Die die[INLINES_MOST];
	unsigned nr;
};

/*
 * Find what is inlined at ADDR below DIE.  dwarf_getscopes() would follow the
 * innermost to where it was written instead of into what it was inlined, and
 * finds nothing if that is in another unit, as after link-time optimization.
 */
static bool find_inlined(struct inlined *in, Dwarf_Die *die, Dwarf_Addr addr,
			 unsigned depth)
{
	Dwarf_Die child;

	if (depth >= SCOPES_MOST || dwarf_child(die, &child))
		return false;
	do {
		int tag = dwarf_tag(&child);

		if (tag == DW_TAG_namespace || tag == DW_TAG_class_type ||
		    tag == DW_TAG_structure_type) {
			if (find_inlined(in, &child, addr, depth + 1))
				return true;
			continue;
		}
		if (tag != DW_TAG_subprogram && tag != DW_TAG_lexical_block &&
		    tag != DW_TAG_inlined_subroutine)
			continue;
		if (dwarf_haspc(&child, addr) <= 0)
			continue;
		if (tag == DW_TAG_inlined_subroutine && in->nr < INLINES_MOST)
			in->die[in->nr++] = child;
		find_inlined(in, &child, addr, depth + 1);
		return true;
	} while (!dwarf_siblingof(&child, &child));
	return false;
}

/*
 * The functions inlined at ADDR, innermost first, down to the one that was
 * called; each with the line that it was called at in the next.
 */
static int add_inlined(struct profile *p, struct profile_frame *f,
		       Dwfl_Module *mod, Dwarf_Addr addr, const char **file,
		       int *line)
{
	struct inlined in = { .nr = 0 };
	Dwarf_Addr bias;
	Dwarf_Die *unit = dwfl_module_addrdie(mod, addr, &bias);
	int ret = 0;

	if (unit)
		find_inlined(&in, unit, addr - bias, 0);
	while (!ret && in.nr--) {
		Dwarf_Die *die = &in.die[in.nr];
		const char *name = name_of(die);
		Dwarf_Attribute attr;
		Dwarf_Files *files;
		Dwarf_Word at;

		ret = add_symbol(p, f, name ? name : "?", *file, *line);
		if (dwarf_attr(die, DW_AT_call_line, &attr) &&
		    !dwarf_formudata(&attr, &at))
			*line = at < INT32_MAX ? (int)at : 0;
		if (dwarf_attr(die, DW_AT_call_file, &attr) &&
		    !dwarf_formudata(&attr, &at) &&
		    !dwarf_getsrcfiles(unit, &files, NULL))
			*file = dwarf_filesrc(files, at, NULL, NULL);
	}
	return ret;
}

static int explain(struct profile *p, struct profile_frame *f,
		   Dwfl_Module *mod)
{
	Dwarf_Addr addr = f->pc - 1;	/* the call, not what comes after */
	Dwfl_Line *at = dwfl_module_getsrc(mod, addr);
	const char *file = NULL;
	const char *name;
	GElf_Off offset;
	GElf_Sym sym;
	int line = 0;
	int ret;

	if (at)
		file = dwfl_lineinfo(at, NULL, &line, NULL, NULL, NULL);
	ret = add_inlined(p, f, mod, addr, &file, &line);
	if (ret)
		return ret;
	name = dwfl_module_addrinfo(mod, addr, &offset, &sym, NULL, NULL,
				    NULL);
	return name ? add_symbol(p, f, name, file, line) : 0;
}

/* Debug files, too, are looked for below ROOT, before those here. */
static int find_debug_files(const char *root)
{
	char *real = *root ? realpath(root, NULL) : NULL;
	int ret = 0;

	free(debug_path);
	debug_path = NULL;
	if (real && asprintf(&debug_path, ":.debug:%s/usr/lib/debug:"
			     "/usr/lib/debug", real) < 0) {
		debug_path = NULL;
		ret = -ENOMEM;
	}
	free(real);
	return ret;
}

static int explain_files(struct profile *p, const char *root)
{
	Dwfl **dwfls = calloc(p->nr_modules + 1, sizeof(*dwfls));
	Dwfl_Module **mods = calloc(p->nr_modules + 1, sizeof(*mods));
	int ret = dwfls && mods ? 0 : -ENOMEM;

	for (size_t i = 0; !ret && i < p->nr_frames; i++) {
		struct profile_frame *f = &p->frames[i];
		uint32_t m = f->module;

		if (f->nr_symbols || m == PROFILE_NONE)
			continue;
		/* one each: files mapped twice may overlap elsewhere */
		if (!dwfls[m]) {
			dwfls[m] = dwfl_begin(&callbacks);
			if (!dwfls[m]) {
				ret = -ENOMEM;
				break;
			}
			dwfl_report_begin(dwfls[m]);
			mods[m] = report(dwfls[m], &p->modules[m], root);
			dwfl_report_end(dwfls[m], NULL, NULL);
		}
		if (mods[m])
			ret = explain(p, f, mods[m]);
	}
	for (size_t i = 0; dwfls && i < p->nr_modules; i++)
		dwfl_end(dwfls[i]);
	free(dwfls);
	free(mods);
	return ret;
}

/* --- JIT ----------------------------------------------------------------- */

static int explain_line(struct profile *p, char *text)
{
	uint64_t start;
	uint64_t len;
	int at = 0;
	int ret = 0;

	if (sscanf(text, "%" SCNx64 " %" SCNx64 " %n", &start, &len,
		   &at) < 2 || !at)
		return 0;
	text[strcspn(text, "\n")] = 0;
	for (size_t i = 0; !ret && i < p->nr_frames; i++) {
		struct profile_frame *f = &p->frames[i];

		if (f->module == PROFILE_NONE && !f->nr_symbols &&
		    f->pc - 1 - start < len)
			ret = add_symbol(p, f, text + at, NULL, 0);
	}
	return ret;
}

static int explain_jit(struct profile *p, const char *root)
{
	char path[PATH_LEN];
	char *line = NULL;
	size_t cap = 0;
	int ret = 0;

	snprintf(path, sizeof(path), "%s/tmp/perf-%" PRId64 ".map", root,
		 p->pid);

	/* in a folder that everybody may write to: a plain file, please */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	FILE *map = fd < 0 ? NULL : fdopen(fd, "re");

	if (!map) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	for (unsigned n = 0; !ret && n < JIT_MOST &&
	     getline(&line, &cap, map) >= 0; n++)
		ret = explain_line(p, line);
	free(line);
	fclose(map);
	return ret;
}

void profile_forget_symbols(struct profile *p)
{
	for (size_t i = 0; i < p->nr_symbols; i++) {
		free(p->symbols[i].function);
		free(p->symbols[i].file);
	}
	free(p->symbols);
	p->symbols = NULL;
	p->nr_symbols = 0;
	for (size_t i = 0; i < p->nr_frames; i++)
		p->frames[i].nr_symbols = 0;
}

int profile_symbolize(struct profile *p, const char *root)
{
	int ret = find_debug_files(root);

	if (!ret)
		ret = explain_files(p, root);
	return ret ? ret : explain_jit(p, root);
}
