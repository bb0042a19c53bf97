/* SPDX-License-Identifier: MIT */
/*
 * in_container - run a program the way an unprivileged container does: in a
 * user namespace of its own, where it is root of nothing, with a seccomp
 * filter that refuses what Docker's default profile refuses to a container
 * without capabilities (userfaultfd among it).
 *
 *	in_container [--no-filter] PROGRAM [ARG]...
 *
 * Ends with 77 where no user namespace can be made.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the default profile leaves out, or ties to a capability. */
static const char *const refused[] = {
	"acct", "add_key", "bpf", "clock_adjtime", "clock_settime",
	"create_module", "delete_module", "fanotify_init", "finit_module",
	"get_kernel_syms", "get_mempolicy", "init_module", "io_uring_setup",
	"io_uring_enter", "io_uring_register", "ioperm", "iopl", "kcmp",
	"kexec_file_load", "kexec_load", "keyctl", "lookup_dcookie", "mbind",
	"mount", "mount_setattr", "move_mount", "move_pages",
	"name_to_handle_at", "nfsservctl", "open_by_handle_at", "open_tree",
	"perf_event_open", "pivot_root", "process_madvise", "ptrace",
	"query_module", "quotactl", "reboot", "request_key", "set_mempolicy",
	"setns", "settimeofday", "stime", "swapoff", "swapon", "sysfs",
	"syslog", "umount", "umount2", "unshare", "uselib", "userfaultfd",
	"ustat", "vhangup", "vm86", "vm86old",
};

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0) {
		printf("SKIP: %s: %s\n", path, strerror(errno));
		exit(77);
	}
	close(fd);
}

static void enter_namespace(void)
{
	char map[64];
	unsigned uid = getuid();
	unsigned gid = getgid();

	if (unshare(CLONE_NEWUSER) < 0) {
		printf("SKIP: no user namespace: %s\n", strerror(errno));
		exit(77);
	}
	write_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "%u %u 1", uid, uid);
	write_file("/proc/self/uid_map", map);
	snprintf(map, sizeof(map), "%u %u 1", gid, gid);
	write_file("/proc/self/gid_map", map);
}

static void filter(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);

	if (!ctx)
		exit(99);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		int nr = seccomp_syscall_resolve_name(refused[i]);

		/* numbers of other machines are none of ours */
		if (nr >= 0 && seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM),
						nr, 0) < 0)
			exit(99);
	}
	if (seccomp_load(ctx) < 0)
		exit(99);
	seccomp_release(ctx);
}

int main(int argc, char **argv)
{
	int first = 1;
	int with_filter = 1;

	if (argc > 1 && strcmp(argv[1], "--no-filter") == 0) {
		with_filter = 0;
		first++;
	}
	if (argc <= first)
		return 99;
	enter_namespace();
	if (with_filter)
		filter();
	execvp(argv[first], argv + first);
	perror(argv[first]);
	return 99;
}
