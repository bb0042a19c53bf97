/* SPDX-License-Identifier: MIT */
/*
 * Can this program be preloaded at all?  See preflight.h.
 *
 * Secure execution (AT_SECURE) is what the kernel makes of it at exec time:
 * the new effective id differs from the present real one, or a process that
 * is not root gains capabilities from the file.  A set-user-id root program
 * started by root is therefore fine, and so is any on a nosuid mount or
 * under no_new_privs.
 */
#define _GNU_SOURCE
#include "preflight.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

/* The kernel follows four #! lines and then says ELOOP. */
#define MAX_SCRIPTS	4

/* The kernel reads this much of a file to tell its format. */
#define HEAD_LEN	256

/* A program header table never needs more; the kernel's own bound. */
#define MAX_HEADERS	(65536u / sizeof(Elf64_Phdr))

static void judge(struct preflight *out, enum preflight_verdict verdict,
		  const char *reason)
{
	out->verdict = verdict;
	snprintf(out->reason, sizeof(out->reason), "%s", reason);
}

static void judge_errno(struct preflight *out, int err)
{
	bool missing = err == ENOENT || err == ENOTDIR;

	judge(out, missing ? PREFLIGHT_NOT_FOUND : PREFLIGHT_NOT_EXEC,
	      strerror(err));
}

/* May PATH be executed?  0 or an errno as execve() would give it. */
static int executable(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno;
	if (!S_ISREG(st.st_mode))
		return EACCES;
	/* effective ids, as exec does */
	if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0)
		return errno;
	return 0;
}

/* The search of execvp(): a name with a slash is a path. */
static int find_program(char *path, size_t len, const char *program)
{
	const char *dirs = getenv("PATH");
	int worst = ENOENT;

	snprintf(path, len, "%s", program);
	if (!*program || strlen(program) >= len)
		return *program ? ENAMETOOLONG : ENOENT;
	if (strchr(program, '/'))
		return executable(path);
	if (!dirs)
		dirs = "/bin:/usr/bin";
	for (;;) {
		int n = (int)strcspn(dirs, ":");

		n = snprintf(path, len, "%.*s%s%s", n, dirs, n ? "/" : "",
			     program);

		int err = n > 0 && (size_t)n < len ? executable(path)
						   : ENAMETOOLONG;

		if (err == 0)
			return 0;
		if (err == EACCES)
			worst = err;
		dirs += strcspn(dirs, ":");
		if (!*dirs++)
			break;
	}
	snprintf(path, len, "%s", program);
	return worst;
}

static bool ids_are_ignored(int fd)
{
	struct statvfs vfs;

	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ||
	       (fstatvfs(fd, &vfs) == 0 && (vfs.f_flag & ST_NOSUID));
}

/* Why this file would be started in secure execution, or NULL. */
static const char *secure_reason(int fd)
{
	const mode_t setgid = S_ISGID | S_IXGRP;
	struct stat st;

	if (getuid() != geteuid() || getgid() != getegid())
		return "zctl itself runs set-user-id";
	if (fstat(fd, &st) < 0 || ids_are_ignored(fd))
		return NULL;
	if ((st.st_mode & S_ISUID) && st.st_uid != getuid())
		return "is set-user-id";
	if ((st.st_mode & setgid) == setgid && st.st_gid != getgid())
		return "is set-group-id";
	if (getuid() != 0 &&
	    fgetxattr(fd, "security.capability", NULL, 0) > 0)
		return "has file capabilities";
	return NULL;
}

/* Judge by the program interpreter INTERP of the ELF file. */
static void judge_interp(struct preflight *out, const char *interp)
{
	const char *name = strrchr(interp, '/');
	const char *bad = NULL;

	name = name ? name + 1 : interp;
	if (strncmp(name, "ld-musl", strlen("ld-musl")) == 0)
		bad = "musl";
	else if (strncmp(name, "linker", strlen("linker")) == 0)
		bad = "Android";
	if (bad) {
		out->verdict = PREFLIGHT_NO_PRELOAD;
		snprintf(out->reason, sizeof(out->reason),
			 "interpreter %.100s (%s), glibc is required",
			 interp, bad);
	} else if (access(interp, X_OK) < 0) {
		/* execve() says no more than ENOENT */
		out->verdict = PREFLIGHT_NOT_FOUND;
		snprintf(out->reason, sizeof(out->reason),
			 "its interpreter %.100s is not there", interp);
	}
}

/* Read the name PT_INTERP points at; false when there is none. */
static bool read_interp(char *interp, size_t len, int fd,
			const Elf64_Ehdr *elf)
{
	if (elf->e_phentsize != sizeof(Elf64_Phdr) ||
	    elf->e_phnum > MAX_HEADERS)
		return false;
	for (unsigned i = 0; i < elf->e_phnum; i++) {
		Elf64_Phdr header;
		off_t at = (off_t)(elf->e_phoff + i * sizeof(header));

		if (pread(fd, &header, sizeof(header), at) !=
		    (ssize_t)sizeof(header))
			return false;
		if (header.p_type != PT_INTERP)
			continue;

		size_t want = header.p_filesz < len ? header.p_filesz
						    : len - 1;
		ssize_t n = pread(fd, interp, want, (off_t)header.p_offset);

		if (n <= 0)
			return false;
		interp[n] = 0;
		return true;
	}
	return false;
}

static void judge_elf(struct preflight *out, int fd, const char *head)
{
	char interp[PATH_MAX];
	const char *secure = secure_reason(fd);
	Elf64_Ehdr elf;

	memcpy(&elf, head, sizeof(elf));
	if (elf.e_ident[EI_CLASS] == ELFCLASS32)
		judge(out, PREFLIGHT_NO_PRELOAD,
		      "32-bit ELF, only x86-64 is supported");
	else if (elf.e_ident[EI_DATA] != ELFDATA2LSB ||
		 elf.e_machine != EM_X86_64)
		judge(out, PREFLIGHT_NO_PRELOAD,
		      "ELF of another machine, only x86-64 is supported");
	else if (!read_interp(interp, sizeof(interp), fd, &elf))
		judge(out, PREFLIGHT_NO_PRELOAD, "statically linked (no "
		      "PT_INTERP), LD_PRELOAD cannot work");
	else if (secure)
		snprintf(out->reason, sizeof(out->reason), "%s, ld.so ignores "
			 "LD_PRELOAD in secure-execution mode", secure);
	else
		judge_interp(out, interp);
	if (out->reason[0] && out->verdict == PREFLIGHT_GOOD)
		out->verdict = PREFLIGHT_NO_PRELOAD;
}

/* The interpreter on a #! line; false when there is none. */
static bool script_interpreter(char *path, size_t len, const char *head)
{
	const char *start = head + 2 + strspn(head + 2, " \t");
	size_t n = strcspn(start, " \t\n");

	if (!n || n >= len)
		return false;
	memmove(path, start, n);
	path[n] = 0;
	return true;
}

/*
 * Judge the file out->subject.  True: it is a script, and the subject is now
 * its interpreter.
 */
static bool judge_file(struct preflight *out)
{
	char head[HEAD_LEN + 1] = { 0 };
	int fd = open(out->subject, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool again = false;
	ssize_t n;

	if (fd < 0) {
		judge(out, PREFLIGHT_UNCHECKED, "cannot be read");
		return false;
	}
	n = read(fd, head, HEAD_LEN);
	if (n >= (ssize_t)sizeof(Elf64_Ehdr) &&
	    memcmp(head, ELFMAG, SELFMAG) == 0)
		judge_elf(out, fd, head);
	else if (n > 2 && memcmp(head, "#!", 2) == 0)
		again = script_interpreter(out->subject,
					   sizeof(out->subject), head);
	else if (n > 0 && !memchr(head, 0, (size_t)n))
		judge(out, PREFLIGHT_TEXT, "neither ELF nor #! script");
	else
		judge(out, PREFLIGHT_UNCHECKED, "neither ELF nor #! script");
	close(fd);
	return again;
}

void preflight_check(struct preflight *out, const char *program)
{
	int depth = 0;
	int err;

	memset(out, 0, sizeof(*out));
	err = find_program(out->path, sizeof(out->path), program);
	memcpy(out->subject, out->path, sizeof(out->subject));
	if (err) {
		judge_errno(out, err);
		return;
	}
	while (judge_file(out)) {
		if (++depth > MAX_SCRIPTS) {
			judge_errno(out, ELOOP);
			return;
		}
		err = executable(out->subject);
		if (err) {
			judge_errno(out, err);
			return;
		}
	}
}
