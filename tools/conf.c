/* SPDX-License-Identifier: MIT */
/*
 * Configuration files: see conf.h.
 *
 * inih takes lines apart; it tells the number of the first line that was
 * refused, so one complaint per file.
 */
#define _GNU_SOURCE
#include "conf.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <ini.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "library.h"

#ifndef UZSWAP_VENDORDIR
#define UZSWAP_VENDORDIR	"/usr/local/lib/uzswap"
#endif

#define RUN_DIR		"/run/uzswap"
#define MATCH		"match "

/* Where we are in a file. */
struct state {
	const struct conf_reader *reader;
	const char *path;
	char section[64];
	bool named;		/* the section has had its exe line */
	bool applies;		/* lines of this section are for us */
	char why[SETTING_WHY];	/* what was wrong first */
};

const char *const *conf_dirs(void)
{
	static char user[PATH_MAX];
	static const char *const dirs[CONF_DIRS] = {
		UZSWAP_VENDORDIR, UZSWAP_CONFDIR, RUN_DIR, user
	};
	const char *config = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");

	user[0] = 0;
	if (config && *config == '/')
		snprintf(user, sizeof(user), "%s/uzswap", config);
	else if (home && *home == '/')
		snprintf(user, sizeof(user), "%s/.config/uzswap", home);
	return dirs;
}

/* A glob with a slash is for the whole path, else for the file name. */
static bool glob_fits(const char *glob, const char *path)
{
	const char *slash;

	if (!path)
		return false;
	slash = strrchr(path, '/');
	if (!strchr(glob, '/') && slash)
		path = slash + 1;
	return fnmatch(glob, path, 0) == 0;
}

/* Does one of the LIST of globs fit the program? */
static bool list_fits(const struct conf_reader *reader, const char *list)
{
	char globs[SETTING_VALUE];
	char *rest;

	snprintf(globs, sizeof(globs), "%s", list);
	for (char *glob = strtok_r(globs, ", \t", &rest); glob;
	     glob = strtok_r(NULL, ", \t", &rest))
		if (glob_fits(glob, reader->exe[0]) ||
		    glob_fits(glob, reader->exe[1]))
			return true;
	return false;
}

static int refuse(struct state *state, const char *format, const char *word)
{
	if (!state->why[0])
		snprintf(state->why, sizeof(state->why), format, word);
	return 0;
}

static void enter_section(struct state *state, const char *section)
{
	snprintf(state->section, sizeof(state->section), "%s", section);
	state->named = strcmp(section, "defaults") == 0;
	state->applies = state->named;
}

/* One line NAME = VALUE; 0 refuses it. */
static int take_line(void *arg, const char *section, const char *name,
		     const char *value)
{
	struct state *state = arg;
	struct setting setting;
	char why[SETTING_WHY];

	if (strncmp(section, state->section, sizeof(state->section) - 1) != 0)
		enter_section(state, section);
	if (strcmp(section, "defaults") != 0 &&
	    strncmp(section, MATCH, strlen(MATCH)) != 0)
		return refuse(state, *section ? "unknown section [%s]" :
			      "a line before the first section", section);
	if (strcmp(name, "exe") == 0) {
		if (strcmp(section, "defaults") == 0)
			return refuse(state, "exe is for sections [match "
				      "NAME]%s", "");
		state->named = true;
		state->applies = list_fits(state->reader, value);
		return 1;
	}
	if (!state->named)
		return refuse(state, "[%s] must begin with exe", section);
	if (setting_parse(&setting, name, value, why, sizeof(why)) < 0)
		return refuse(state, "%s", why);
	if (setting.row == setting_row("uffd_fd"))
		return refuse(state, "uffd_fd is set by zctl itself%s", "");
	if (state->applies)
		state->reader->take(state->reader->arg, &setting, state->path);
	return 1;
}

int conf_read_file(const struct conf_reader *reader, const char *path)
{
	struct state state = { .reader = reader, .path = path };
	char sentence[PATH_MAX + SETTING_WHY + 32];
	FILE *file = fopen(path, "re");
	int line;

	if (!file)
		return -errno;
	line = ini_parse_file(file, take_line, &state);
	fclose(file);
	if (line != 0) {
		snprintf(sentence, sizeof(sentence), "%s:%d: %s", path,
			 line > 0 ? line : 0, state.why[0] ? state.why :
			 "neither [section] nor name = value");
		reader->complain(reader->arg, sentence);
	}
	return 0;
}

static void read_if_there(const struct conf_reader *reader, const char *dir,
			  const char *path)
{
	char sentence[PATH_MAX + 64];
	int ret = conf_read_file(reader, path);

	if (ret == 0 || ret == -ENOENT || ret == -ENOTDIR)
		return;
	/* a home that is not ours (setpriv, su): no fault of the file */
	if (ret == -EACCES && access(dir, X_OK) < 0)
		return;
	snprintf(sentence, sizeof(sentence), "%s: %s", path, strerror(-ret));
	reader->complain(reader->arg, sentence);
}

static int is_conf(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return entry->d_name[0] != '.' && dot && strcmp(dot, ".conf") == 0;
}

static void read_parts(const struct conf_reader *reader, const char *dir)
{
	struct dirent **entries;
	char path[PATH_MAX];
	int nr;

	snprintf(path, sizeof(path), "%s/uzswap.conf.d", dir);
	nr = scandir(path, &entries, is_conf, alphasort);
	for (int i = 0; i < nr; i++) {
		snprintf(path, sizeof(path), "%s/uzswap.conf.d/%s", dir,
			 entries[i]->d_name);
		read_if_there(reader, dir, path);
		free(entries[i]);
	}
	if (nr >= 0)
		free(entries);
}

void conf_read(const struct conf_reader *reader, const char *const *dirs)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < CONF_DIRS; i++) {
		if (!dirs[i][0])
			continue;
		snprintf(path, sizeof(path), "%s/uzswap.conf", dirs[i]);
		read_if_there(reader, dirs[i], path);
		read_parts(reader, dirs[i]);
	}
}
