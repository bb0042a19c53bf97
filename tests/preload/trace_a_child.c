/* SPDX-License-Identifier: MIT */
/*
 * A parent traces its child, as debuggers and strace do: it stops it at
 * system calls, reads and writes its registers and, by process_vm_readv and
 * process_vm_writev, memory that is stored; the child goes on and finds what
 * was written.
 *
 * PTRACE_PEEKDATA and /proc/PID/mem are not used on stored memory: the kernel
 * does not ask us for it then, and says so by an error (uzswap(7)).
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "pattern.h"

#define STEP	61u
#define NEW	9000000

static void child(char *p)
{
	CHECK(!ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	raise(SIGSTOP);
	/* each of these stops it twice */
	for (int i = 0; i < 100; i++)
		getppid();
	for (size_t n = 0; n < DATA_PAGES; n++)
		verify(p + n * PAGE, n % STEP ? n : NEW + n);
	_exit(3);
}

static void exchange(pid_t pid, char *p, char *mine, int write)
{
	for (size_t n = 0; n < DATA_PAGES; n += STEP) {
		struct iovec local = { mine, PAGE };
		struct iovec remote = { p + n * PAGE, PAGE };

		CHECK(process_vm_readv(pid, &local, 1, &remote, 1, 0) ==
		      (long)PAGE);
		verify(mine, write ? n : NEW + n);
		if (!write)
			continue;
		fill(mine, NEW + n);
		CHECK(process_vm_writev(pid, &local, 1, &remote, 1, 0) ==
		      (long)PAGE);
	}
}

int main(void)
{
	static char mine[PAGE];
	struct user_regs_struct regs;
	struct iovec io = { &regs, sizeof(regs) };
	char *p = map_data(0);
	int stops = 0;
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid)
		child(p);
	CHECK(waitpid(pid, &status, 0) == pid);
	if (!WIFSTOPPED(status))
		SKIP("tracing is not possible here");
	/* its own threads answer while this one stands still */
	exchange(pid, p, mine, 1);
	for (;;) {
		CHECK(!ptrace(PTRACE_SYSCALL, pid, NULL, NULL));
		CHECK(waitpid(pid, &status, 0) == pid);
		if (!WIFSTOPPED(status))
			break;
		CHECK(!ptrace(PTRACE_GETREGSET, pid, (void *)1, &io));
		CHECK(!ptrace(PTRACE_SETREGSET, pid, (void *)1, &io));
		if (++stops == 50)
			exchange(pid, p, mine, 0);
	}
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 3);
	CHECK(stops >= 200);
	verify_all(p, DATA_PAGES, 0);
	return 0;
}
