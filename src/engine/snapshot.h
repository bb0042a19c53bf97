/* SPDX-License-Identifier: MIT */
/*
 * Faults in a snapshot (fork.h), while the child is being made: the books must
 * not change.  The page is put there, the word stays, and the journal
 * remembers.
 */
#ifndef UZ_ENGINE_SNAPSHOT_H
#define UZ_ENGINE_SNAPSHOT_H

#include "engine/restore.h"

/* Answer the fault EV.  Context: server; in a section */
enum restore_result snapshot_restore(struct helper *h,
				     const struct uffd_event *ev);

#endif
