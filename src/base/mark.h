/* SPDX-License-Identifier: MIT */
/*
 * What one of a user's processes has said, the others need not say again.
 *
 * A mark is a key in the kernel's keyring of the user (keyrings(7)): no file,
 * nothing that has to be cleaned up, and it goes by itself.  Context: worker.
 */
#ifndef UZ_BASE_MARK_H
#define UZ_BASE_MARK_H

#include "base/types.h"

/*
 * Am I the first process of this session to say WHAT, a word, within the last
 * minutes?  Yes, where the kernel keeps no marks: before Linux 5.3, or behind
 * a filter.
 */
bool mark_is_first(const char *what);

#endif
