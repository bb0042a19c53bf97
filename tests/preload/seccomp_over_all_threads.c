/* SPDX-License-Identifier: MIT */
/*
 * A seccomp filter over all threads that allows what this program needs and
 * kills the process for anything else, while most of its memory is stored.
 */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "pattern.h"

#define ALLOW(name)							\
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1),		\
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

int main(void)
{
	struct sock_filter rules[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		ALLOW(write), ALLOW(exit_group), ALLOW(exit),
		ALLOW(madvise), ALLOW(munmap),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog program = { sizeof(rules) / sizeof(rules[0]),
				      rules };
	char *p = map_data(0);

	verify_all(p, DATA_PAGES, 0);
	CHECK(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CHECK(!syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		       SECCOMP_FILTER_FLAG_TSYNC, &program));
	verify_all(p, DATA_PAGES, 0);
	fill_all(p, DATA_PAGES, 9);
	verify_all(p, DATA_PAGES, 9);
	_exit(0);
}
