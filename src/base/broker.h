/* SPDX-License-Identifier: MIT */
/*
 * Asking the broker for an open /dev/userfaultfd.
 *
 * The broker (tools/uffd_broker.c) listens on a socket file; whoever may
 * connect receives one byte with the descriptor, or is hung up on.  It is
 * for programs that can not open the device: without the group, or in a
 * container that has the socket mounted and not the device.
 */
#ifndef UZ_BASE_BROKER_H
#define UZ_BASE_BROKER_H

#include "base/types.h"

#define BROKER_PATH	108	/* bytes of a path, as sockaddr_un has it */

/*
 * Returns  a descriptor that closes on exec, or -errno; waits a second at
 *          most.  -EACCES also when it hung up.  Context: init, steward
 */
MUST_USE int broker_ask(const char *path);

#endif
