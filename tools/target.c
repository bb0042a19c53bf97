/* SPDX-License-Identifier: MIT */
/*
 * Which processes a command is about: see target.h.
 *
 * A process that ends while we look at it was never there: it is left out
 * without a word.  One we may not look into is only counted, since on a
 * shared machine that is most of them.
 */
#include "target.h"

#include <argp.h>
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "units.h"

#define WHY_LEN	160

enum {
	KEY_UNIT = 640,
	KEY_ALL
};

static error_t parse_choice(int key, char *arg, struct argp_state *state)
{
	struct target_choice *choice = state->input;

	switch (key) {
	case 'n':
		choice->name = arg;
		return 0;
	case 'u':
		choice->user = arg;
		return 0;
	case KEY_UNIT:
		choice->unit = arg;
		return 0;
	case KEY_ALL:
		choice->all = true;
		return 0;
	case ARGP_KEY_ARG:
		if (!target_take_pid(choice, arg))
			argp_error(state, "one process only");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option filter_options[] = {
	{ "name", 'n', "NAME", 0,
	  "processes with this command or label", 5 },
	{ "user", 'u', "USER", 0, "processes of this user", 5 },
	{ "unit", KEY_UNIT, "UNIT", 0,
	  "processes in this systemd unit or cgroup", 5 },
	{ 0 }
};

const struct argp target_filter_argp = {
	.options = filter_options,
	.parser = parse_choice,
};

static const struct argp_option all_options[] = {
	{ "all", KEY_ALL, NULL, 0, "all processes under uzswap", 5 },
	{ 0 }
};

static const struct argp_child all_children[] = {
	{ &target_filter_argp, 0, NULL, 5 },
	{ 0 }
};

static error_t parse_all(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = state->input;
		return 0;
	case ARGP_KEY_ARG:		/* the child's */
		return ARGP_ERR_UNKNOWN;
	case ARGP_KEY_END:
		if (!target_is_chosen(state->input))
			argp_error(state, "no process given");
		return 0;
	default:
		return parse_choice(key, arg, state);
	}
}

static const struct argp target_argp = {
	.options = all_options,
	.parser = parse_all,
	.children = all_children,
};

const struct argp_child target_children[] = {
	{ &target_argp, 0, NULL, 5 },
	{ &zctl_output_argp, 0, NULL, 10 },
	{ 0 }
};

const struct argp_child target_filter_children[] = {
	{ &target_filter_argp, 0, NULL, 5 },
	{ &zctl_output_argp, 0, NULL, 10 },
	{ 0 }
};

bool target_is_chosen(const struct target_choice *choice)
{
	return choice->pid || choice->name || choice->user || choice->unit ||
	       choice->all;
}

bool target_take_pid(struct target_choice *choice, char *arg)
{
	if (target_is_chosen(choice))
		return false;
	choice->pid = arg;
	return true;
}

static int compare_pids(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a;
	pid_t y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

static void out_of_memory(void)
{
	zctl_error("out of memory");
	exit(ZCTL_FAILED);
}

/* All pids by rising number; the caller frees them. */
static pid_t *all_pids(size_t *nr)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	pid_t *pids = NULL;
	size_t cap = 0;

	*nr = 0;
	if (!dir) {
		zctl_error("/proc: %s", strerror(errno));
		return NULL;
	}
	while ((entry = readdir(dir)) != NULL) {
		uint64_t pid;

		if (units_parse_u64(&pid, entry->d_name) < 0 || pid > INT_MAX)
			continue;
		if (*nr == cap) {
			cap = cap ? 2 * cap : 256;
			pids = reallocarray(pids, cap, sizeof(*pids));
			if (!pids)
				out_of_memory();
		}
		pids[(*nr)++] = (pid_t)pid;
	}
	closedir(dir);
	qsort(pids, *nr, sizeof(*pids), compare_pids);
	return pids;
}

static void list_add(struct target_list *list, const struct client *client)
{
	list->clients = reallocarray(list->clients, list->nr + 1,
				     sizeof(*client));
	if (!list->clients)
		out_of_memory();
	list->clients[list->nr++] = *client;
}

static bool has_name(const struct client *client, const char *name)
{
	return strcmp(client->comm, name) == 0 ||
	       (client->kind == CLIENT_PAGE &&
		strcmp(client->snap.s.name, name) == 0);
}

/* Does UNIT match PATH as a whole, or one of its components? */
static bool path_has_unit(char *path, const char *unit)
{
	char service[NAME_MAX];
	char *rest;

	if (*unit == '/')
		return fnmatch(unit, path, 0) == 0;
	snprintf(service, sizeof(service), "%s.service", unit);
	for (char *name = strtok_r(path, "/", &rest); name;
	     name = strtok_r(NULL, "/", &rest))
		if (fnmatch(unit, name, 0) == 0 ||
		    fnmatch(service, name, 0) == 0)
			return true;
	return false;
}

/* Any of the hierarchies will do: "4:memory:/system.slice/redis.service" */
static bool in_unit(pid_t pid, const char *unit)
{
	char path[64];
	char *line = NULL;
	size_t cap = 0;
	bool found = false;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);

	FILE *file = fopen(path, "re");

	while (file && !found && getline(&line, &cap, file) >= 0) {
		char *group = strchr(line, ':');

		line[strcspn(line, "\n")] = 0;
		group = group ? strchr(group + 1, ':') : NULL;
		found = group && path_has_unit(group + 1, unit);
	}
	free(line);
	if (file)
		fclose(file);
	return found;
}

static bool is_chosen(const struct client *client,
		      const struct target_choice *choice, uid_t uid)
{
	if (!choice)
		return true;
	if (choice->user && client->uid != uid)
		return false;
	if (choice->unit && !in_unit(client->pid, choice->unit))
		return false;
	return !choice->name || has_name(client, choice->name);
}

static void list_take(struct target_list *list, struct client *client,
		      bool dormant)
{
	if (client->kind == CLIENT_DORMANT)
		list->nr_dormant++;
	if (client->kind == CLIENT_NONE ||
	    (client->kind == CLIENT_DORMANT && !dormant))
		client_close(client);
	else
		list_add(list, client);
}

static void list_look_at(struct target_list *list, pid_t pid,
			 const struct target_choice *choice, uid_t uid,
			 bool dormant)
{
	struct client client;
	char why[WHY_LEN];
	int ret = client_open(&client, pid, why, sizeof(why));

	if (ret == -ESRCH)
		return;
	if (ret == -EACCES || ret == -EPERM) {
		list->nr_denied++;
	} else if (ret < 0) {
		/* its page cannot be read, but it is no secret who it is */
		if (!is_chosen(&client, choice, uid))
			return;
		zctl_warn("%d (%s): %s", pid, client.comm, why);
		list->nr_failed++;
	} else if (is_chosen(&client, choice, uid)) {
		list_take(list, &client, dormant);
	} else {
		client_close(&client);
	}
}

static enum zctl_status find_user(uid_t *uid,
				  const struct target_choice *choice)
{
	const struct passwd *pw;
	uint64_t number;

	*uid = 0;
	if (!choice || !choice->user)
		return ZCTL_DONE;
	pw = getpwnam(choice->user);
	if (pw) {
		*uid = pw->pw_uid;
		return ZCTL_DONE;
	}
	if (units_parse_u64(&number, choice->user) == 0 &&
	    number < UINT32_MAX) {
		*uid = (uid_t)number;
		return ZCTL_DONE;
	}
	zctl_error("%s: no such user", choice->user);
	return ZCTL_USAGE;
}

/* Every process in /proc that fits. */
static enum zctl_status list_all(struct target_list *list,
				 const struct target_choice *choice,
				 bool dormant)
{
	uid_t uid;
	size_t nr;
	enum zctl_status status = find_user(&uid, choice);

	if (status != ZCTL_DONE)
		return status;

	pid_t *pids = all_pids(&nr);

	if (!pids)
		return ZCTL_FAILED;
	for (size_t i = 0; i < nr; i++)
		list_look_at(list, pids[i], choice, uid, dormant);
	free(pids);
	if (zctl_options.verbose && list->nr_denied)
		zctl_warn("%zu processes of other users not looked at",
			  list->nr_denied);
	return list->nr_failed ? ZCTL_PARTIAL : ZCTL_DONE;
}

void target_list_close(struct target_list *list)
{
	for (size_t i = 0; i < list->nr; i++)
		client_close(&list->clients[i]);
	free(list->clients);
	memset(list, 0, sizeof(*list));
}

enum zctl_status target_status(int err)
{
	switch (-err) {
	case 0:
		return ZCTL_DONE;
	case ESRCH:
		return ZCTL_NO_PROCESS;
	case EACCES:
	case EPERM:
		return ZCTL_DENIED;
	default:
		return ZCTL_FAILED;
	}
}

static enum zctl_status open_pid(struct client *client, const char *word)
{
	char why[WHY_LEN];
	uint64_t pid;

	if (units_parse_u64(&pid, word) < 0 || !pid || pid > INT_MAX) {
		zctl_error("%s: not a pid (use -n for a name)", word);
		return ZCTL_USAGE;
	}

	int ret = client_open(client, (pid_t)pid, why, sizeof(why));

	if (ret == -ESRCH) {
		zctl_error("%d: %s", (int)pid, why);
	} else if (ret < 0) {
		zctl_error("%s (pid %d, user %s): %s", client->comm, (int)pid,
			   client->user, why);
	} else if (client->kind == CLIENT_NONE) {
		zctl_error("%s (pid %d): not under uzswap", client->comm,
			   (int)pid);
		return ZCTL_NO_PROCESS;
	}
	return target_status(ret);
}

static void complain_none(const struct target_choice *choice)
{
	if (choice->name)
		zctl_error("%s: no process of that name under uzswap",
			   choice->name);
	else if (choice->unit)
		zctl_error("%s: no process of that unit under uzswap",
			   choice->unit);
	else if (choice->user)
		zctl_error("%s: no process of that user under uzswap",
			   choice->user);
	else
		zctl_error("no process under uzswap");
}

enum zctl_status target_list_open(struct target_list *list,
				  const struct target_choice *choice,
				  bool dormant)
{
	enum zctl_status status;
	struct client client;

	memset(list, 0, sizeof(*list));
	if (!choice || !choice->pid) {
		status = list_all(list, choice, dormant);
		if (status == ZCTL_DONE && choice && !list->nr &&
		    target_is_chosen(choice) && !choice->optional) {
			complain_none(choice);
			status = ZCTL_NO_PROCESS;
		}
		return status;
	}
	status = open_pid(&client, choice->pid);
	if (status == ZCTL_DONE)
		list_add(list, &client);
	return status;
}

enum zctl_status target_worse(enum zctl_status a, enum zctl_status b)
{
	return a == ZCTL_DONE || a == ZCTL_PARTIAL ?
	       (b == ZCTL_DONE ? a : b) : a;
}

enum zctl_status
target_each(const struct target_choice *choice,
	    enum zctl_status (*fn)(struct client *client, void *ctx),
	    void *ctx)
{
	struct target_list list;
	/* dormant ones are told why not, if they were meant */
	enum zctl_status status = target_list_open(&list, choice, false);

	for (size_t i = 0; i < list.nr; i++)
		status = target_worse(status, fn(&list.clients[i], ctx));
	target_list_close(&list);
	return status;
}

static void complain_many(const struct target_list *list,
			  const struct target_choice *choice)
{
	const char *what = choice->name ? choice->name :
			   choice->unit ? choice->unit :
			   choice->user ? choice->user : "--all";

	zctl_error("%s: %zu processes%s, give one pid of:", what, list->nr,
		   choice->name ? " of that name" : "");
	for (size_t i = 0; i < list->nr; i++)
		fprintf(stderr, "zctl:   %d\n", list->clients[i].pid);
}

enum zctl_status target_open(struct client *client,
			     const struct target_choice *choice)
{
	struct target_list list;
	enum zctl_status status = target_list_open(&list, choice, true);

	if (list.nr == 1) {
		/* others that could not be read are no concern here */
		*client = list.clients[0];
		free(list.clients);
		return ZCTL_DONE;
	}
	if (list.nr > 1) {
		complain_many(&list, choice);
		status = ZCTL_USAGE;
	} else if (status == ZCTL_PARTIAL) {
		status = ZCTL_FAILED;
	}
	target_list_close(&list);
	return status;
}
