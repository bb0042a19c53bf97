/* SPDX-License-Identifier: MIT */
/*
 * What zctl doctor looks at on this machine: see examine.h.
 *
 * Sandboxes come first, since all other refusals follow from them.
 */
#define _GNU_SOURCE
#include "examine.h"

#include <gnu/libc-version.h>
#include <limits.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "device.h"
#include "library.h"
#include "setting.h"
#include "units.h"

#ifndef UFFD_FEATURE_MOVE		/* headers before 6.8 */
#define UFFD_FEATURE_MOVE	(1 << 16)
#endif

#define KLOG_READ_ALL	3
#define NO_LIMIT	((uint64_t)1 << 60)	/* v1 has no word for it */

/* What gVisor calls itself; it has no name of its own anywhere else. */
#define GVISOR_VERSION	"#1 SMP Sun Jan 10 15:06:54 PST 2016"

void examine_title(char *buf, size_t len)
{
	char line[128];
	char name[96] = "";
	struct utsname uts;
	FILE *file = fopen("/etc/os-release", "re");

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "PRETTY_NAME=\"%95[^\"]\"", name) == 1)
			break;
	if (file)
		fclose(file);
	uname(&uts);
	snprintf(buf, len, "uzswap " PACKAGE_VERSION ", kernel %s, glibc %s%s%s",
		 uts.release, gnu_get_libc_version(), name[0] ? ", " : "",
		 name);
}

static bool is_gvisor(void)
{
	char log[4096];
	struct utsname uts;
	int n;

	if (uname(&uts) == 0 && strcmp(uts.version, GVISOR_VERSION) == 0)
		return true;
	n = klogctl(KLOG_READ_ALL, log, sizeof(log) - 1);
	log[n > 0 ? n : 0] = 0;
	return strstr(log, "gVisor") != NULL;
}

static void look_for_sandbox(struct findings *f)
{
	struct finding *one;

	if (!is_gvisor())
		return;
	one = finding_add(f, FINDING_FAIL, "gVisor",
			  "this is a gVisor sandbox, which has no "
			  "userfaultfd");
	snprintf(one->fix, sizeof(one->fix),
		 "run the container with runc (docker run --runtime=runc)");
}

static const char *option(const char *key)
{
	const struct uzswap_option_row *row = setting_row(key);
	const char *value = getenv(row->env);

	return value ? value : row->initial;
}

static void look_at_kernel(struct findings *f, const struct device *device)
{
	bool move = device->features & UFFD_FEATURE_MOVE;
	bool wp = device->features & UFFD_FEATURE_PAGEFAULT_FLAG_WP;

	if (!device->source)
		return;
	finding_add(f, FINDING_OK, "userfaultfd",
		    "kernel has MISSING, %s%sEVENT_REMOVE/REMAP/UNMAP "
		    "(features 0x%llx)", wp ? "WP, " : "",
		    move ? "MOVE, " : "",
		    (unsigned long long)device->features);
	if (move)
		finding_add(f, FINDING_OK, "engine", "move");
	else
		finding_add(f, FINDING_NOTE, "engine",
			    "wp, as MOVE comes with Linux 6.8: slower, no "
			    "min_age, no idle ages in profiles, nothing more "
			    "is stored once io_uring is used");
}

/* Each way to a userfaultfd, with its error, and what would open it. */
static void look_for_permission(struct findings *f)
{
	struct finding *last = NULL;
	struct device device;

	device_probe_all(&device, option("uffd_socket"));
	look_at_kernel(f, &device);
	for (size_t i = 0; i < device.nr_tries; i++) {
		enum finding_level level = device.tries[i].works ?
			FINDING_OK : FINDING_NOTE;

		/* one way is enough: the others are no problem then */
		last = finding_add(f, level, device.tries[i].way, "%s",
				   device.tries[i].result);
	}
	if (device.source) {
		finding_add(f, FINDING_OK, "permission", "userfaultfd from %s",
			    device.source);
	} else {
		last = finding_add(f, FINDING_FAIL, "permission",
				   "no userfaultfd that sees kernel faults");
		snprintf(last->fix, sizeof(last->fix), "%s", device.fix);
	}
	if (device.fd >= 0 && !getenv(DEVICE_FD_ENV))
		close(device.fd);
}

static void look_at_library(struct findings *f)
{
	char path[PATH_MAX];
	char real[PATH_MAX];
	const char *reason;
	const char *version;
	struct finding *one;

	if (library_find(path, sizeof(path), &reason) < 0) {
		one = finding_add(f, FINDING_FAIL, "preload library",
				  "%.200s: %s", path, reason);
		snprintf(one->fix, sizeof(one->fix), "make install, or keep "
			 "zctl beside the library it was built with");
		return;
	}
	/* libuzswap.so.0.1.0 */
	version = realpath(path, real) ? strstr(real, ".so.") : NULL;
	if (version && strchr(version + 4, '.') &&
	    strcmp(version + 4, PACKAGE_VERSION) != 0)
		finding_add(f, FINDING_WARN, "preload library",
			    "%.200s has version %.20s, zctl " PACKAGE_VERSION,
			    path, version + 4);
	else
		finding_add(f, FINDING_OK, "preload library", "%.280s", path);
}

static void look_at_huge_pages(struct findings *f)
{
	char line[128];

	finding_read_line(line, sizeof(line),
			  "/sys/kernel/mm/transparent_hugepage/enabled");
	if (strstr(line, "[always]"))
		finding_add(f, FINDING_WARN, "transparent hugepages",
			    "enabled=always: eviction splits 2M pages, first "
			    "access after is slower");
	else
		finding_add(f, FINDING_OK, "transparent hugepages", "%s",
			    line[0] ? line : "not in this kernel");
}

static void look_at_seccomp(struct findings *f)
{
	char status[4096];
	FILE *file = fopen("/proc/self/status", "re");
	size_t n = file ? fread(status, 1, sizeof(status) - 1, file) : 0;
	const char *line;

	if (file)
		fclose(file);
	status[n] = 0;
	line = strstr(status, "\nSeccomp:");
	if (line && strtol(line + 9, NULL, 10) == 2)
		finding_add(f, FINDING_NOTE, "seccomp", "filtered: a container "
			    "needs the device or the broker's socket");
	else
		finding_add(f, FINDING_OK, "seccomp", "not filtered");
}

static uint64_t limit_of(const char *group, const char *name)
{
	char path[PATH_MAX];
	char text[64];
	uint64_t bytes;

	snprintf(path, sizeof(path), "%s/%s", group, name);
	finding_read_line(text, sizeof(text), path);
	return units_parse_u64(&bytes, text) == 0 ? bytes : NO_LIMIT;
}

/*
 * The least limit of a group and those above it, as the library counts them.
 * In a container the lower ones may be out of sight, and are passed over.
 */
static uint64_t least_limit(const char *mount, const char *group, bool v2)
{
	char path[PATH_MAX / 2];
	uint64_t least = NO_LIMIT;
	char *end;

	snprintf(path, sizeof(path), "%s%s", mount, group);
	do {
		uint64_t high = v2 ? limit_of(path, "memory.high") : NO_LIMIT;
		uint64_t most = limit_of(path, v2 ? "memory.max" :
					 "memory.limit_in_bytes");

		least = high < least ? high : least;
		least = most < least ? most : least;
		end = strrchr(path + strlen(mount), '/');
		if (end)
			*end = 0;
	} while (end);
	return least;
}

/* NO_LIMIT: none. */
static uint64_t group_limit(void)
{
	char line[512];
	uint64_t least = NO_LIMIT;
	FILE *file = fopen("/proc/self/cgroup", "re");

	while (file && fgets(line, sizeof(line), file)) {
		char *group = strchr(line, ':');
		char *name = group ? strchr(group + 1, ':') : NULL;
		bool v2 = strncmp(line, "0::", 3) == 0;
		uint64_t limit;

		if (!name || (!v2 && strncmp(group, ":memory:", 8) != 0))
			continue;
		line[strcspn(line, "\n")] = 0;
		limit = least_limit(v2 ? "/sys/fs/cgroup" :
				    "/sys/fs/cgroup/memory", name + 1, v2);
		least = limit < least ? limit : least;
	}
	if (file)
		fclose(file);
	return least;
}

static void look_at_memory(struct findings *f)
{
	unsigned long long total = 0, swap = 0;
	uint64_t limit = group_limit();
	char text[3][UNITS_BUF];
	char line[128];
	FILE *file = fopen("/proc/meminfo", "re");

	while (file && fgets(line, sizeof(line), file)) {
		sscanf(line, "MemTotal: %llu kB", &total);
		sscanf(line, "SwapTotal: %llu kB", &swap);
	}
	if (file)
		fclose(file);
	units_size(text[0], UNITS_BUF, total << 10, false);
	units_size(text[1], UNITS_BUF, swap << 10, false);
	if (limit < NO_LIMIT)
		units_size(text[2], UNITS_BUF, limit, false);
	finding_add(f, FINDING_OK, "memory", "%s, kernel swap %s, cgroup limit "
		    "%s", text[0], swap ? text[1] : "none",
		    limit < NO_LIMIT ? text[2] : "none");
	finding_read_line(line, sizeof(line), "/proc/sys/vm/overcommit_memory");
	if (line[0] == '2')
		finding_add(f, FINDING_WARN, "vm.overcommit_memory",
			    "2 (strict): the pool counts against CommitLimit");
	finding_read_line(line, sizeof(line), "/proc/pressure/memory");
	finding_add(f, FINDING_NOTE, "pressure (PSI)", "%s", line[0] ? line :
		    "not in this kernel, usage alone decides");
}

/* Variables that the library would not know, and the switch. */
static void look_at_environment(struct findings *f)
{
	char why[SETTING_WHY];
	struct setting setting;
	bool enable = true;

	for (char **env = environ; *env; env++) {
		const char *value = strchr(*env, '=');
		const struct uzswap_option_row *row = NULL;
		char name[64];

		if (!value || strncmp(*env, UZSWAP_ENV_PREFIX, 7) != 0 ||
		    strncmp(*env, UZSWAP_ENV_CONF "=", 12) == 0)
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)(value - *env),
			 *env);
		for (size_t i = 0; i < UZSWAP_NR_OPTIONS && !row; i++)
			if (strcmp(setting_row_at(i)->env, name) == 0)
				row = setting_row_at(i);
		if (!row)
			finding_add(f, FINDING_WARN, name, "is not a variable "
				    "of uzswap(7)");
		else if (setting_parse(&setting, row->name, value + 1, why,
				       sizeof(why)) < 0)
			finding_add(f, FINDING_WARN, name, "%s", why);
	}
	if (units_parse_bool(&enable, option("enable")) == 0 && !enable)
		finding_add(f, FINDING_FAIL, "UZSWAP_ENABLE",
			    "is 0: switched off by the environment");
}

void examine_machine(struct findings *f)
{
	look_for_sandbox(f);
	look_for_permission(f);
	look_at_library(f);
	look_at_environment(f);
	look_at_seccomp(f);
	look_at_memory(f);
	look_at_huge_pages(f);
	finding_add(f, FINDING_NOTE, "debuggers", "gdb and gcore do not see "
		    "stored pages: switch off first, and restore");
}
