/* SPDX-License-Identifier: MIT */
/*
 * Which processes a command is about: see target.h.
 *
 * A process that ends while we look at it was never there: it is left out
 * without a word.  One we may not look into is only counted, since on a
 * shared machine that is most of them.
 */
#include "target.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "units.h"

#define WHY_LEN	160

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

static void list_look_at(struct target_list *list, pid_t pid, bool dormant)
{
	struct client client;
	char why[WHY_LEN];
	int ret = client_open(&client, pid, why, sizeof(why));

	if (ret == -ESRCH)
		return;
	if (ret == -EACCES || ret == -EPERM) {
		list->nr_denied++;
		return;
	}
	if (ret < 0) {
		zctl_warn("%d (%s): %s", pid, client.comm, why);
		list->nr_failed++;
		return;
	}
	if (client.kind == CLIENT_DORMANT)
		list->nr_dormant++;
	if (client.kind == CLIENT_NONE ||
	    (client.kind == CLIENT_DORMANT && !dormant))
		return;
	list_add(list, &client);
}

enum zctl_status target_list_open(struct target_list *list, bool dormant)
{
	size_t nr;
	pid_t *pids = all_pids(&nr);

	memset(list, 0, sizeof(*list));
	if (!pids)
		return ZCTL_FAILED;
	for (size_t i = 0; i < nr; i++)
		list_look_at(list, pids[i], dormant);
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

static enum zctl_status open_pid(struct client *client, pid_t pid)
{
	char why[WHY_LEN];
	int ret = client_open(client, pid, why, sizeof(why));

	if (ret == -ESRCH) {
		zctl_error("%d: %s", pid, why);
	} else if (ret < 0) {
		zctl_error("%s (pid %d, user %s): %s", client->comm, pid,
			   client->user, why);
	} else if (client->kind == CLIENT_NONE) {
		zctl_error("%s (pid %d): not under uzswap", client->comm,
			   pid);
		return ZCTL_NO_PROCESS;
	}
	return target_status(ret);
}

static bool has_name(const struct client *client, const char *name)
{
	return strcmp(client->comm, name) == 0 ||
	       (client->kind == CLIENT_PAGE &&
		strcmp(client->snap.s.name, name) == 0);
}

/* The pid of the only process called NAME, or a complaint. */
static enum zctl_status find_by_name(pid_t *found,
				     const struct target_list *list,
				     const char *name)
{
	size_t nr = 0;

	for (size_t i = 0; i < list->nr; i++) {
		if (has_name(&list->clients[i], name)) {
			*found = list->clients[i].pid;
			nr++;
		}
	}
	if (nr == 1)
		return ZCTL_DONE;
	if (nr == 0) {
		zctl_error("%s: no process of that name under uzswap", name);
		return ZCTL_NO_PROCESS;
	}
	zctl_error("%s: %zu processes of that name, give one pid of:",
		   name, nr);
	for (size_t i = 0; i < list->nr; i++)
		if (has_name(&list->clients[i], name))
			fprintf(stderr, "zctl:   %d\n", list->clients[i].pid);
	return ZCTL_USAGE;
}

static enum zctl_status open_by_name(struct client *client, const char *name)
{
	struct target_list list;
	enum zctl_status status = target_list_open(&list, true);

	if (status == ZCTL_FAILED)
		return status;

	pid_t pid = 0;

	status = find_by_name(&pid, &list, name);
	target_list_close(&list);
	return status == ZCTL_DONE ? open_pid(client, pid) : status;
}

enum zctl_status target_open(struct client *client, const char *word,
			     bool by_name)
{
	uint64_t pid;

	if (by_name)
		return open_by_name(client, word);
	if (units_parse_u64(&pid, word) < 0 || !pid || pid > INT_MAX) {
		zctl_error("%s: not a pid (use -n for a name)", word);
		return ZCTL_USAGE;
	}
	return open_pid(client, (pid_t)pid);
}
