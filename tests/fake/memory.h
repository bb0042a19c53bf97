/* SPDX-License-Identifier: MIT */
/*
 * Memory as the fake kernel has it: which pages are mapped, present,
 * registered, shared.  Their bytes are in real memory at the same addresses,
 * which is there all the time; a page that is not present holds rubbish.
 *
 * Known are the program's memory, one stretch that only the program's calls
 * (program.h) read and write - whoever else touches it is told by ASan - and
 * whatever the engine registers of its own.  All other memory is as it is.
 *
 * Context: actor_lock(), but for memory_start().
 */
#ifndef UZ_FAKE_MEMORY_H
#define UZ_FAKE_MEMORY_H

#include "base/types.h"

struct memory_page {
	bool mapped;
	bool present;
	bool used;		/* it was, once */
	bool shared;		/* with a relative, and not written since */
	bool pinned;		/* by a device */
	bool locked;
	bool secret;		/* not to be dumped */
	bool open;		/* for the engine to write to, by mprotect() */
	uint8_t uffd;		/* which one it is registered with, 0 none */
	uint32_t mapping;	/* equal in neighbours: they are one */
};

#define MEMORY_PROGRAM_PAGES	1024u

/*
 * Where memory is taken, if the machine and its sanitizers leave that free:
 * what the engine does may follow from addresses, which a seed has to fix.
 */
#define MEMORY_PLACE		((uintptr_t)0x7ea000000000)
#define MEMORY_PLACE_ENGINE	((uintptr_t)0x7eb000000000)

void memory_start(void);
uintptr_t memory_program(void);		/* where the program's stretch begins */
static inline uintptr_t memory_program_end(void)
{
	return memory_program() + MEMORY_PROGRAM_PAGES * PAGE_SIZE;
}

/* NULL: a page of which nothing is known. */
struct memory_page *memory_page(uintptr_t addr);

/* The engine registers memory of its own: from now on it is known. */
bool memory_know(uintptr_t start, size_t len);

/* Call FN for each known page of [START, END). */
void memory_each(uintptr_t start, uintptr_t end,
		 void (*fn)(uintptr_t addr, struct memory_page *p, void *ctx),
		 void *ctx);

/* Is [START, END) known, mapped, and one mapping? */
bool memory_is_one(uintptr_t start, uintptr_t end);
/* The end of the mapping that begins, or goes on, at ADDR. */
uintptr_t memory_run_end(uintptr_t addr, uintptr_t end);

/* The page is there now: with the bytes at FROM, or zeros; or is not. */
void memory_fill(uintptr_t addr, struct memory_page *p, const void *from);
void memory_drop(uintptr_t addr, struct memory_page *p);
/* It is UFFD's from now on; 0: nobody's. */
void memory_register(uintptr_t addr, struct memory_page *p, uint8_t uffd);
/* LEN bytes, as the kernel copies: neither sanitizer looks. */
void memory_copy(void *to, const void *from, size_t len);

/* May the engine write to this page of the program's, if it is one? */
void memory_open(uintptr_t addr, bool open);

/* Pages present of what is known. */
size_t memory_present(void);
/* After a fork: all is shared with a relative. */
void memory_share(void);
/* Nothing is registered with UFFD (0: with any) any more. */
void memory_forget(uint8_t uffd);

#endif
