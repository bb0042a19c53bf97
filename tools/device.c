/* SPDX-License-Identifier: MIT */
/*
 * The permission to get a userfaultfd: see device.h.
 *
 *   way                  works for
 *   UZSWAP_UFFD_FD=N     children of a zctl run, programs without privileges
 *   /dev/userfaultfd     whoever may open it (kernel 6.1 and later)
 *   the broker's socket  whoever may connect to it, also in containers
 *   userfaultfd(2)       root, CAP_SYS_PTRACE, or the sysctl set to 1
 *
 * A descriptor is good when it gives a userfaultfd and that one offers the
 * features uzswap cannot do without.  A user-mode-only one is taken on
 * demand and never else: a system call reading a stored page would fail
 * with EFAULT.
 */
#define _GNU_SOURCE
#include "device.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/userfaultfd.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "broker.h"
#include "library.h"
#include "units.h"

#define CLASS_FILE	"/sys/class/misc/userfaultfd/dev"
#define SYSCTL_FILE	"/proc/sys/vm/unprivileged_userfaultfd"

#ifndef USERFAULTFD_IOC_NEW		/* headers before 6.1 */
#define USERFAULTFD_IOC_NEW	_IO(0xAA, 0x00)
#endif
#ifndef UFFD_FEATURE_MOVE		/* headers before 6.8 */
#define UFFD_FEATURE_MOVE	(1 << 16)
#endif

#define FEATURES_EVENTS	((uint64_t)(UFFD_FEATURE_EVENT_REMAP |	\
				    UFFD_FEATURE_EVENT_REMOVE |	\
				    UFFD_FEATURE_EVENT_UNMAP))
#define FEATURES_LEAVE	((uint64_t)(UFFD_FEATURE_PAGEFAULT_FLAG_WP |	\
				    UFFD_FEATURE_MOVE))

static const char *errno_name(int err)
{
	const char *name = strerrorname_np(err);

	return name ? name : "unknown error";
}

/* The buffer for what became of WAY. */
static char *add_try(struct device *device, const char *way)
{
	device->tries[device->nr_tries].way = way;
	return device->tries[device->nr_tries++].result;
}

#define TRY_LEN	sizeof(((struct device *)0)->tries[0].result)

/* Take the userfaultfd UFFD if the kernel can do enough; closes it. */
static bool judge_uffd(struct device *device, int uffd, char *result)
{
	struct uffdio_api api = { .api = UFFD_API };
	int ret = ioctl(uffd, UFFDIO_API, &api);

	snprintf(result, TRY_LEN, "UFFDIO_API %s", errno_name(errno));
	close(uffd);
	if (ret < 0)
		return false;
	device->features = api.features;
	if ((api.features & FEATURES_EVENTS) != FEATURES_EVENTS ||
	    !(api.features & FEATURES_LEAVE)) {
		snprintf(result, TRY_LEN, "kernel too old (features 0x%llx), "
			 "5.7 or later is needed",
			 (unsigned long long)api.features);
		return false;
	}
	snprintf(result, TRY_LEN, "works");
	return true;
}

/* Is FD the device?  Its minor number is dynamic: sysfs knows. */
static bool is_device(int fd)
{
	unsigned major_nr;
	unsigned minor_nr;
	struct stat st;
	FILE *file;
	int nr;

	if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode))
		return false;
	file = fopen(CLASS_FILE, "re");
	if (!file)
		return true;	/* no sysfs here: the ioctl decides */
	nr = fscanf(file, "%u:%u", &major_nr, &minor_nr);
	fclose(file);
	return nr == 2 && st.st_rdev == makedev(major_nr, minor_nr);
}

static bool judge_device(struct device *device, int fd, char *result)
{
	int uffd;

	if (!is_device(fd)) {
		snprintf(result, TRY_LEN, "not the userfaultfd device");
		return false;
	}
	uffd = ioctl(fd, USERFAULTFD_IOC_NEW, O_CLOEXEC | O_NONBLOCK);
	if (uffd < 0) {
		snprintf(result, TRY_LEN, "USERFAULTFD_IOC_NEW %s",
			 errno_name(errno));
		return false;
	}
	return judge_uffd(device, uffd, result);
}

static bool try_inherited(struct device *device)
{
	const char *value = getenv(DEVICE_FD_ENV);
	char *result = add_try(device, DEVICE_FD_ENV);
	uint64_t fd;

	if (!value) {
		snprintf(result, TRY_LEN, "not set");
		return false;
	}
	if (units_parse_u64(&fd, value) < 0 || fd > INT32_MAX) {
		snprintf(result, TRY_LEN, "not a descriptor: %.40s", value);
		return false;
	}
	if (fcntl((int)fd, F_GETFD) < 0) {
		snprintf(result, TRY_LEN, "%s (descriptor %d)",
			 errno_name(errno), (int)fd);
		return false;
	}
	if (!judge_device(device, (int)fd, result))
		return false;
	if (device->fd < 0) {
		device->fd = (int)fd;
		fcntl(device->fd, F_SETFD, 0);
	}
	return true;
}

/* "EACCES (crw------- root root)" */
static void describe_refusal(char *result, int err)
{
	static const char bits[] = "rwxrwxrwx";
	const struct passwd *pw;
	const struct group *gr;
	char mode[10] = "---------";
	struct stat st;

	if (stat(DEVICE_PATH, &st) < 0) {
		snprintf(result, TRY_LEN, "%s", errno_name(err));
		return;
	}
	for (int i = 0; i < 9; i++)
		if (st.st_mode & (1u << (8 - i)))
			mode[i] = bits[i];
	pw = getpwuid(st.st_uid);
	gr = getgrgid(st.st_gid);
	snprintf(result, TRY_LEN, "%s (%c%s %.32s %.32s)", errno_name(err),
		 S_ISCHR(st.st_mode) ? 'c' : '?', mode,
		 pw ? pw->pw_name : "?", gr ? gr->gr_name : "?");
}

/* Keep the device open at LOW under a high number, if it is any good. */
static bool keep_device(struct device *device, int low, char *result)
{
	bool good = judge_device(device, low, result);

	if (good && device->fd < 0) {
		/* RLIMIT_NOFILE may be below: then any, it is a wish */
		device->fd = fcntl(low, F_DUPFD, DEVICE_FD_MIN);
		if (device->fd < 0)
			device->fd = fcntl(low, F_DUPFD, 3);
	}
	close(low);
	return good;
}

static bool try_device(struct device *device)
{
	char *result = add_try(device, DEVICE_PATH);
	int low = open(DEVICE_PATH, O_RDWR | O_CLOEXEC);

	if (low < 0) {
		describe_refusal(result, errno);
		return false;
	}
	return keep_device(device, low, result);
}

static bool try_broker(struct device *device)
{
	char *result = add_try(device, device->socket);
	int low = broker_ask(device->socket);

	if (low < 0) {
		snprintf(result, TRY_LEN, "%s", errno_name(-low));
		return false;
	}
	return keep_device(device, low, result);
}

/* The value of the sysctl, or '?' */
static char sysctl_value(void)
{
	FILE *file = fopen(SYSCTL_FILE, "re");
	int c = file ? fgetc(file) : EOF;

	if (file)
		fclose(file);
	return c == EOF ? '?' : (char)c;
}

static bool try_syscall(struct device *device)
{
	char *result = add_try(device, "userfaultfd(2)");
	long uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (uffd >= 0)
		return judge_uffd(device, (int)uffd, result);
	if (errno == EPERM && sysctl_value() == '1')
		snprintf(result, TRY_LEN, "EPERM (a seccomp filter)");
	else if (errno == EPERM)
		snprintf(result, TRY_LEN, "EPERM (vm.unprivileged_userfaultfd"
			 "=%c, no CAP_SYS_PTRACE)", sysctl_value());
	else if (errno == ENOSYS)
		snprintf(result, TRY_LEN, "ENOSYS (kernel without "
			 "CONFIG_USERFAULTFD, or a sandbox)");
	else
		snprintf(result, TRY_LEN, "%s", errno_name(errno));
	return false;
}

/* The most useful thing to do next: in words that can be pasted. */
static void suggest_fix(struct device *device)
{
	const struct passwd *pw = getpwuid(geteuid());
	const char *user = pw ? pw->pw_name : "USER";
	const struct group *gr = NULL;
	struct stat st;

	if (stat(DEVICE_PATH, &st) < 0) {
		snprintf(device->fix, sizeof(device->fix),
			 "make " DEVICE_PATH " (kernel 6.1 and later) or "
			 BROKER_SOCKET " visible here: in a container "
			 "--device " DEVICE_PATH "; details: zctl doctor");
		return;
	}
	if (access(DEVICE_PATH, R_OK | W_OK) == 0) {
		snprintf(device->fix, sizeof(device->fix),
			 "a newer kernel is needed; details: zctl doctor");
		return;
	}
	if ((st.st_mode & 0060) == 0060 && st.st_gid != 0)
		gr = getgrgid(st.st_gid);
	if (gr)
		snprintf(device->fix, sizeof(device->fix),
			 "sudo usermod -aG %.32s %.32s, log in again; "
			 "details: zctl doctor", gr->gr_name, user);
	else
		snprintf(device->fix, sizeof(device->fix),
			 "sudo setfacl -m u:%.32s:rw " DEVICE_PATH
			 " (until the next boot); for good: install "
			 "60-uzswap.rules and join group " UZSWAP_GROUP
			 "; details: zctl doctor", user);
}

static const struct {
	bool (*try)(struct device *device);
	const char *mode;	/* besides auto */
} ways[DEVICE_TRIES] = {
	{ try_inherited, "dev" },
	{ try_device, "dev" },
	{ try_broker, "socket" },
	{ try_syscall, "syscall" },
};

static bool try_way(struct device *device, size_t i)
{
	bool works = ways[i].try(device);

	device->tries[device->nr_tries - 1].works = works;
	if (works && !device->source)
		device->source = device->tries[device->nr_tries - 1].way;
	return works;
}

void device_probe(struct device *device, const char *mode,
		  const char *socket)
{
	bool automatic = strcmp(mode, "auto") == 0;

	memset(device, 0, sizeof(*device));
	device->fd = -1;
	device->socket = socket;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		if (automatic || strcmp(mode, ways[i].mode) == 0)
			if (try_way(device, i))
				return;
	suggest_fix(device);
}

void device_probe_all(struct device *device, const char *socket)
{
	memset(device, 0, sizeof(*device));
	device->fd = -1;
	device->socket = socket;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		try_way(device, i);
	if (!device->source)
		suggest_fix(device);
}
