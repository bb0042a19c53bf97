/* SPDX-License-Identifier: MIT */
/*
 * What /proc and the cgroup file system say, read into the caller's memory.
 *
 * Three shapes of files: lists of lines of any length (maps, mountinfo),
 * read as a stream through a small buffer; short files, read whole; and
 * "key value" files (meminfo, memory.stat), searched by key.  Nothing read
 * is trusted to be well-formed: what makes no sense is skipped.
 *
 * /proc/thread-self is asked before /proc/self, which is empty once the
 * first thread of the process has ended.  Descriptors belong to the table
 * of the calling thread and are opened close-on-exec.  Buffers are kept
 * until the matching close.  Functions return 0 or -errno unless noted.
 * Context: any.
 */
#ifndef UZ_BASE_PROC_H
#define UZ_BASE_PROC_H

#include "base/types.h"

/* Lines of a file, without the newline, cut to the size of the buffer. */
struct proc_lines {
	int fd;			/* -1: none, nothing more to come */
	int err;		/* -errno that ended the stream, or 0 */
	char *buf;		/* the caller's */
	size_t size;		/* of buf; a line holds at most size - 1 */
	size_t at;		/* first byte of the next line */
	size_t end;		/* bytes read so far end here */
	bool skip;		/* at is inside a line already given */
};

MUST_USE int proc_lines_open(struct proc_lines *l, const char *path, void *buf,
			     size_t len);
/* The same for an open descriptor, which is given to L. */
void proc_lines_start(struct proc_lines *l, int fd, void *buf, size_t len);
/* The next line, valid until the next call; NULL at the end. */
char *proc_lines_next(struct proc_lines *l);
void proc_lines_close(struct proc_lines *l);

enum proc_map_kind {
	PROC_MAP_NONE,		/* no name: mmap, arenas, thread stacks */
	PROC_MAP_HEAP,		/* the program break */
	PROC_MAP_STACK,		/* of the first thread */
	PROC_MAP_KERNEL,	/* vdso, vvar, vsyscall, uprobes, ... */
	PROC_MAP_NAMED,		/* [anon:NAME], private */
	PROC_MAP_NAMED_SHMEM,	/* [anon_shmem:NAME], shared */
	PROC_MAP_FILE,		/* a file, memfd, device, shared memory */
};

/* VmFlags of smaps that decide whether memory may be managed. */
enum proc_vm_flag {
	PROC_VM_LOCKED		= 1 << 0,	/* lo: mlock */
	PROC_VM_IO		= 1 << 1,	/* io: device memory */
	PROC_VM_PFN		= 1 << 2,	/* pf: no struct pages */
	PROC_VM_MIXED		= 1 << 3,	/* mm: some without */
	PROC_VM_NO_EXPAND	= 1 << 4,	/* de: made by a driver */
	PROC_VM_HUGETLB		= 1 << 5,	/* ht */
	PROC_VM_UFFD		= 1 << 6,	/* um uw ui: registered */
	PROC_VM_WIPE_ON_FORK	= 1 << 7,	/* wf */
	PROC_VM_NO_COPY		= 1 << 8,	/* dc: not for fork children */
	PROC_VM_NO_DUMP		= 1 << 9,	/* dd: MADV_DONTDUMP */
	PROC_VM_GROWS_DOWN	= 1 << 10,	/* gd: a stack */
	PROC_VM_SHADOW_STACK	= 1 << 11,	/* ss */
	PROC_VM_SEALED		= 1 << 12,	/* sl: mseal */
	PROC_VM_MERGEABLE	= 1 << 13,	/* mg: for KSM */
	PROC_VM_DROPPABLE	= 1 << 14,	/* dp: kernel may drop it */
};

#define PROC_MAP_NAME	64

/* One mapping.  Bounds are page-aligned, start < end. */
struct proc_map {
	uintptr_t start;
	uintptr_t end;
	uint64_t offset;	/* in the file */
	uint64_t inode;		/* 0: anonymous */
	uint32_t dev_major;
	uint32_t dev_minor;
	bool readable;
	bool writable;
	bool executable;
	bool shared;
	bool has_details;	/* the two below were read (smaps) */
	uint32_t vm_flags;	/* bits of enum proc_vm_flag */
	uint64_t rss;		/* bytes resident */
	enum proc_map_kind kind;
	char name[PROC_MAP_NAME]; /* NAME of [anon:NAME], else all; cut */
};

/*
 * The mappings of this process by rising address, never overlapping, even
 * when they change while being read.  smaps is the same with vm_flags and
 * rss; the kernel walks all page tables for it, so not for every tick.
 *
 * buf      a line or more, 1 KiB at least; larger means fewer reads only
 */
struct proc_maps {
	struct proc_lines lines;
	uintptr_t done;		/* everything below was given */
	bool details;		/* reading smaps */
	bool has_next;		/* smaps: next is read, but not its details */
	struct proc_map next;
};

MUST_USE int proc_maps_open(struct proc_maps *m, void *buf, size_t len);
MUST_USE int proc_smaps_open(struct proc_maps *m, void *buf, size_t len);
/* The same for an open descriptor, which is given to M. */
void proc_maps_start(struct proc_maps *m, int fd, bool details, void *buf,
		     size_t len);
/* False at the end; then m->lines.err says whether by an error. */
bool proc_maps_next(struct proc_maps *m, struct proc_map *out);
void proc_maps_close(struct proc_maps *m);

/*
 * The whole file, or what fits in LEN - 1 bytes, and a zero after it.
 * Returns its length or -errno; buf is "" then.
 */
MUST_USE long proc_read(const char *path, char *buf, size_t len);
/* The same from the start of an open file, whose position stays. */
MUST_USE long proc_pread(int fd, char *buf, size_t len);
/* proc_read() of a file in /proc/thread-self, or else in /proc/self. */
MUST_USE long proc_read_self(const char *name, char *buf, size_t len);
/* Opens the same file for reading; returns the descriptor or -errno. */
MUST_USE long proc_open_self(const char *name);

/*
 * The number of the line "KEY 123", "KEY: 123" or "KEY:  123 kB" (times
 * 1024 then) in TEXT; *OUT is 0 and the result false if there is none.
 */
bool proc_key(const char *text, const char *key, uint64_t *out);

struct proc_statm {
	uint64_t size;		/* bytes, as all here */
	uint64_t resident;
	uint64_t shared;	/* part of resident: files and shared memory */
};

/* The three from the text of a statm file. */
MUST_USE int proc_statm_parse(struct proc_statm *out, const char *text);
MUST_USE int proc_statm(struct proc_statm *out);

/* Writable private memory mapped, touched or not, in bytes; 0 unknown. */
size_t proc_private_bytes(void);

struct proc_meminfo {
	uint64_t total;		/* MemTotal, bytes */
	uint64_t available;	/* MemAvailable, bytes */
};

MUST_USE int proc_meminfo_parse(struct proc_meminfo *out, const char *text);
MUST_USE int proc_meminfo(struct proc_meminfo *out);

/* This process as its threads see it. */
struct proc_threads {
	uint64_t nr;		/* the first is counted to the end */
	bool first_ended;
	uint64_t status;	/* with which it did, as for waitpid() */
};

MUST_USE int proc_threads(struct proc_threads *out);

/* Field 22 of a stat file: start time, in ticks since boot. */
MUST_USE int proc_start_time_parse(uint64_t *out, const char *text);
MUST_USE int proc_start_time_ticks(uint64_t *out);

/* The CPU that thread TID of this process last ran on, or -errno. */
int32_t proc_task_cpu(int32_t tid);

/* Name of the process as the kernel has it, "" if unknown. */
void proc_comm(char *buf, size_t len);

/*
 * The name of a file: PATTERN with %p (process id), %e (command), %h (host),
 * %t (SINCE_S, in seconds since 1970) and %% replaced.
 */
void proc_expand(char *path, size_t len, const char *pattern,
		 uint64_t since_s);

#endif
